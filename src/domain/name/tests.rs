use proptest::prelude::*;

use super::*;

fn parse(text: &str) -> Result<PersonName, NameError> {
    PersonName::parse(text)
}

fn name(text: &str) -> PersonName {
    parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[test]
fn names_as_people_have_them() {
    for text in [
        "张伟",
        "欧阳娜娜",
        "仓",
        "李〇",
        "\u{20BB7}野", // plane 2
        "王\u{30EDD}", // plane 3
        "赵\u{FA1F}",  // a unified ideograph in the compatibility block
        "买买提·艾山",
        "阿卜杜拉•买买提",
        "迪丽热巴・迪力木拉提",
        "古丽．阿依",
        "阿不都热合曼·买合苏提·托乎提",
        "乔治·W·布什",
        "A.买买提",
        "张　伟",
        "John Smith",
        "O'Brien",
        "O’Brien",
        "Jean-Luc d'Arc",
        "van 't Hof",
        "'t Hooft",
        "J. R. R. Tolkien",
        "Nguyễn Thị Minh Khai",
        "Nguye\u{302}\u{303}n",
        "José Ñandú",
        "Martin Luther King Jr.",
    ] {
        assert_eq!(name(text).as_str(), text);
    }
}

#[test]
fn what_no_name_has_is_refused() {
    for text in [
        "张伟1",
        "张\u{202E}伟",
        "张\u{200B}伟",
        "张\u{0}伟",
        "张\n伟",
        "张伟<script>",
        "张伟😀",
        "Иван",
        "やまだ",
        "김철수",
        "a×b",
        "\u{E000}",
        "张\u{E0100}伟",
        "张\u{301}伟x\u{301}\u{301}\u{301}\u{301}",
        "\u{301}a",
        "张ﬁ",
        "张，伟",
        "a_b",
    ] {
        assert_eq!(parse(text), Err(NameError::Characters), "{text:?}");
    }
}

#[test]
fn separators_stand_between_letters() {
    for text in [
        "·张",
        "张·",
        "张··伟",
        "张•·伟",
        "-a",
        "a-",
        "a--b",
        "张.伟",
        ".a",
        "a''b",
        "a  b",
        "a'",
    ] {
        assert_eq!(parse(text), Err(NameError::Separators), "{text:?}");
    }
}

#[test]
fn a_name_has_one_to_a_hundred_characters() {
    assert_eq!(parse(""), Err(NameError::Length));
    assert_eq!(parse(" \u{3000}"), Err(NameError::Length));
    assert!(parse(&"\u{20BB7}".repeat(100)).is_ok());
    assert_eq!(parse(&"张".repeat(101)), Err(NameError::Length));
}

#[test]
fn spellings_of_one_name_match() {
    for (one, other) in [
        ("买买提·艾山", "买买提•艾山"),
        ("买买提·艾山", "买买提・艾山"),
        ("买买提·艾山", "买买提．艾山"),
        ("买买提·艾山", "买买提 · 艾山"),
        ("张伟", "张　伟"),
        ("张伟", " 张 伟 "),
        ("John SMITH", "john smith"),
        ("O'Brien", "O’Brien"),
        ("Nguyễn", "Nguye\u{302}\u{303}n"),
        ("\u{F9DC}", "\u{9686}"),
    ] {
        assert!(name(one).matches(&name(other)), "{one} and {other}");
    }
    assert!(!name("买买提·艾山").matches(&name("买买提艾山")));
    assert!(!name("John Smith").matches(&name("JohnSmith")));
    assert!(!name("张伟").matches(&name("章伟")));
    assert_eq!(name("买买提．艾山").as_str(), "买买提．艾山");
}

#[test]
fn masks() {
    for (text, masked) in [
        ("张伟", "张*"),
        ("张小明", "张**"),
        ("欧阳娜娜", "欧阳**"),
        ("欧阳", "欧*"),
        ("仓", "*"),
        ("买买提·艾山", "买**·**"),
        ("买买提．艾山", "买**．**"),
        ("\u{20BB7}野", "\u{20BB7}*"),
        ("John Smith", "J* S*"),
        ("Jean-Luc d'Arc", "J*-L* d*"),
        ("J. R. R. Tolkien", "J* R* R* T*"),
        ("乔治·W·布什", "乔*·W*·**"),
        ("Nguye\u{302}\u{303}n", "N*"),
    ] {
        assert_eq!(name(text).masked(), masked);
    }
}

#[test]
fn nothing_prints_a_name() {
    assert_eq!(format!("{:?}", name("张伟")), "PersonName([redacted])");
}

#[test]
fn a_stored_name_is_checked_again() {
    let json = serde_json::to_string(&name("张伟")).unwrap();
    assert_eq!(json, "\"张伟\"");
    assert_eq!(
        serde_json::from_str::<PersonName>(&json).unwrap(),
        name("张伟")
    );
    assert!(serde_json::from_str::<PersonName>("\"1\"").is_err());
}

/// Texts that are names more often than not.
fn nearly_names() -> impl Strategy<Value = String> {
    let pieces = prop::sample::select(vec![
        "张",
        "买",
        "\u{20BB7}",
        "\u{F9DC}",
        "〇",
        "a",
        "Z",
        "İ",
        "ß",
        "ễ",
        "e\u{301}",
        "·",
        "•",
        "・",
        "．",
        " ",
        "\u{3000}",
        "-",
        "'",
        "’",
        ".",
        "1",
        "\u{202E}",
    ]);
    prop::collection::vec(pieces, 1..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn a_name_parses_to_itself(text in nearly_names()) {
        if let Ok(name) = parse(&text) {
            prop_assert_eq!(name.as_str(), text.trim());
            prop_assert_eq!(parse(name.as_str()), Ok(name));
        }
    }

    #[test]
    fn the_matching_form_is_a_fixed_point_and_blind_to_dots(text in nearly_names()) {
        if let Ok(name) = parse(&text) {
            let form = name.matching_form();
            prop_assert_eq!(matching_form(&form), form.clone());
            let dotted = text.replace(['•', '・', '．'], "·");
            prop_assert_eq!(parse(&dotted).unwrap().matching_form(), form);
        }
    }

    #[test]
    fn a_mask_never_shows_a_whole_name(text in nearly_names()) {
        if let Ok(name) = parse(&text) {
            let masked = name.masked();
            prop_assert!(masked.contains('*'));
            let shown = masked.chars().filter(|&c| is_han(c)).count();
            let all = name.as_str().chars().filter(|&c| is_han(c)).count();
            prop_assert!(shown <= 2 && (shown < all || all == 0 || masked.chars().any(is_latin)));
        }
    }

    #[test]
    fn any_text_is_read_or_refused(text in any::<String>()) {
        if let Ok(name) = parse(&text) {
            prop_assert!(name.as_str().chars().all(|c| !c.is_control() && !c.is_numeric() || c == '〇'));
        }
    }
}
