use proptest::prelude::*;

use super::DocumentError::{
    Area, BirthDate, Characters, CheckDigit, Country, CountryNotAllowed, FirstGeneration, Length,
};
use super::*;
use crate::domain::document::citizen_number::check_character;

fn now() -> Instant {
    Instant::parse_rfc3339("2026-01-01T00:00:00Z").unwrap()
}

fn parse(kind: DocumentType, number: &str) -> Result<String, DocumentError> {
    IdentityDocument::parse(kind, number, None, now())
        .map(|document| document.number().as_str().to_owned())
}

/// A citizen-format number with its check character.
fn citizen_number(leading: &str) -> String {
    let check = check_character(leading).unwrap();
    format!("{leading}{}", char::from(check))
}

#[test]
fn resident_cards_of_the_standard() {
    for number in [
        "11010519491231002X",
        "440524188001010014",
        "110101201202290017",
    ] {
        let parsed = parse(DocumentType::ResidentIdCard, number);
        assert_eq!(parsed.as_deref(), Ok(number));
    }
    assert_eq!(
        parse(DocumentType::ResidentIdCard, "440524188001010015"),
        Err(CheckDigit)
    );
}

#[test]
fn residence_permits() {
    let kind = DocumentType::HkMacaoTaiwanResidencePermit;
    for number in [
        "810000199001010019",
        "820000198506151025",
        "83000020011231003X",
        "83000019881120202X",
    ] {
        assert_eq!(parse(kind, number).as_deref(), Ok(number));
        assert_eq!(parse(DocumentType::ResidentIdCard, number), Err(Area));
    }
    assert_eq!(parse(kind, "11010519491231002X"), Err(Area));
    assert_eq!(parse(kind, "810000199001010018"), Err(CheckDigit));
}

#[test]
fn foreigners_cards_of_both_versions() {
    for number in ["911840198001010013", "931826199006150024"] {
        let kind = DocumentType::ForeignPermanentResidentCard2023;
        assert_eq!(parse(kind, number).as_deref(), Ok(number));
        assert_eq!(parse(DocumentType::ResidentIdCard, number), Err(Area));
    }
    let new = DocumentType::ForeignPermanentResidentCard2023;
    assert_eq!(parse(new, "11010519491231002X"), Err(Area));
    assert_eq!(parse(new, "911840198001010014"), Err(CheckDigit));
    let old = DocumentType::ForeignPermanentResidentCard2017;
    assert_eq!(
        parse(old, "usa110119800101").as_deref(),
        Ok("USA110119800101")
    );
    assert_eq!(parse(old, "US1110119800101"), Err(Characters));
    assert_eq!(parse(old, "USA11011980010A"), Err(Characters));
    assert_eq!(parse(old, "USA1101198001011"), Err(Length));
}

#[test]
fn travel_permits() {
    let kind = DocumentType::HkMacaoTravelPermit;
    assert_eq!(parse(kind, "h12345678").as_deref(), Ok("H12345678"));
    assert_eq!(parse(kind, "M12345678").as_deref(), Ok("M12345678"));
    assert_eq!(parse(kind, "C12345678"), Err(Characters));
    assert_eq!(parse(kind, "H1234567"), Err(Length));
    assert_eq!(parse(kind, "H1234567A"), Err(Characters));
    let kind = DocumentType::TaiwanTravelPermit;
    assert_eq!(parse(kind, "12345678").as_deref(), Ok("12345678"));
    assert_eq!(parse(kind, "1234567"), Err(Length));
    assert_eq!(parse(kind, "A2345678"), Err(Characters));
}

#[test]
fn passports_belong_to_a_country() {
    let parse = |number, country| {
        IdentityDocument::parse(DocumentType::Passport, number, country, now())
            .map(|document| document.index_text())
    };
    assert_eq!(
        parse("e12345678", None).as_deref(),
        Ok("passport:CHN:E12345678")
    );
    assert_eq!(
        parse("E12345678", Some("usa")).as_deref(),
        Ok("passport:USA:E12345678")
    );
    assert_eq!(parse("E12345678", Some("ZZZ")), Err(Country));
    assert_eq!(parse("E123", None), Err(Length));
    assert_eq!(parse("E123456789012345", None), Err(Length));
    assert_eq!(parse("ABCDEFGH", None), Err(Characters));
    assert_eq!(parse("E1234567É", None), Err(Characters));
    let card = IdentityDocument::parse(
        DocumentType::ResidentIdCard,
        "11010519491231002X",
        Some("CHN"),
        now(),
    );
    assert_eq!(card, Err(CountryNotAllowed));
}

#[test]
fn network_credentials_mix_letters_and_digits() {
    let kind = DocumentType::NetworkCredential;
    assert_eq!(parse(kind, "a1b2c3d4e5").as_deref(), Ok("A1B2C3D4E5"));
    for number in ["1234567890", "ABCDEFGHIJ", "A1B2C3D4_5"] {
        assert_eq!(parse(kind, number), Err(Characters));
    }
    assert_eq!(parse(kind, "A1"), Err(Length));
}

#[test]
fn numbers_are_read_as_typed() {
    let kind = DocumentType::ResidentIdCard;
    for typed in [
        "11010519491231002x",
        " 110105 19491231 002x ",
        "110105-19491231-002X",
        "１１０１０５１９４９１２３１００２ｘ",
        "110105\u{3000}19491231－002Ｘ",
    ] {
        assert_eq!(parse(kind, typed).as_deref(), Ok("11010519491231002X"));
    }
}

#[test]
fn each_rule_of_a_resident_card_has_its_reason() {
    let kind = DocumentType::ResidentIdCard;
    assert_eq!(parse(kind, ""), Err(Length));
    assert_eq!(parse(kind, "1101051949123100"), Err(Length));
    assert_eq!(parse(kind, &"1".repeat(10_000)), Err(Length));
    assert_eq!(parse(kind, "110105491231002"), Err(FirstGeneration));
    assert_eq!(parse(kind, "1101051949123100A2"), Err(Characters));
    assert_eq!(parse(kind, "11010519491231002A"), Err(Characters));
    assert_eq!(parse(kind, "X1010519491231002X"), Err(Characters));
    assert_eq!(parse(kind, "1101051949123100２é"), Err(Characters));
    assert_eq!(parse(kind, &citizen_number("01010519491231002")), Err(Area));
    for wrong in ["20120230", "20110229", "20121301", "20120000", "18491231"] {
        let number = citizen_number(&format!("110101{wrong}001"));
        assert_eq!(parse(kind, &number), Err(BirthDate), "{wrong}");
    }
    let oldest = citizen_number("11010118500101001");
    assert!(parse(kind, &oldest).is_ok());
}

#[test]
fn nobody_is_born_tomorrow_in_china() {
    let number = citizen_number("11010120260102001");
    let parse = |now: &str| {
        let now = Instant::parse_rfc3339(now).unwrap();
        IdentityDocument::parse(DocumentType::ResidentIdCard, &number, None, now)
    };
    assert_eq!(parse("2026-01-01T15:59:59Z"), Err(BirthDate));
    assert!(parse("2026-01-01T16:00:00Z").is_ok());
}

#[test]
fn nothing_prints_a_number() {
    let number = "11010519491231002X";
    let document =
        IdentityDocument::parse(DocumentType::ResidentIdCard, number, None, now()).unwrap();
    assert!(!format!("{document:?} {:?}", document.number()).contains("1949"));
    assert_eq!(document.masked(), "1****************X");
}

#[test]
fn a_stored_document_reads_back_and_is_checked_again() {
    for (kind, number, country) in [
        (DocumentType::ResidentIdCard, "11010519491231002X", None),
        (DocumentType::Passport, "123456789", Some("USA")),
    ] {
        let document = IdentityDocument::parse(kind, number, country, now()).unwrap();
        let json = serde_json::to_string(&document).unwrap();
        assert_eq!(
            serde_json::from_str::<IdentityDocument>(&json).unwrap(),
            document
        );
        let bytes = postcard::to_allocvec(&document).unwrap();
        assert_eq!(
            postcard::from_bytes::<IdentityDocument>(&bytes).unwrap(),
            document
        );
        let wrong = json.replace(number, "1");
        assert!(serde_json::from_str::<IdentityDocument>(&wrong).is_err());
    }
}

#[test]
fn the_codes_are_fixed() {
    let codes: Vec<_> = DocumentType::ALL.iter().map(|kind| kind.as_str()).collect();
    assert_eq!(
        codes,
        [
            "resident_id_card",
            "hk_macao_taiwan_residence_permit",
            "hk_macao_travel_permit",
            "taiwan_travel_permit",
            "foreign_permanent_resident_card_2017",
            "foreign_permanent_resident_card_2023",
            "passport",
            "network_credential",
        ]
    );
}

/// Valid resident cards.
fn cards() -> impl Strategy<Value = String> {
    let head = (
        110_000..800_000_u32,
        1850..2026_i32,
        1..13_u32,
        1..29_u32,
        0..1000_u32,
    );
    head.prop_map(|(area, year, month, day, sequence)| {
        citizen_number(&format!("{area}{year:04}{month:02}{day:02}{sequence:03}"))
    })
}

proptest! {
    #[test]
    fn a_valid_number_parses_to_itself(number in cards()) {
        let parsed = parse(DocumentType::ResidentIdCard, &number);
        prop_assert_eq!(parsed.as_deref(), Ok(number.as_str()));
    }

    #[test]
    fn any_single_change_is_refused(
        number in cards(),
        at in 0..18_usize,
        to in prop::sample::select(b"0123456789X".to_vec()),
    ) {
        let mut changed = number.clone().into_bytes();
        changed[at] = to;
        let changed = String::from_utf8(changed).unwrap();
        let accepted = parse(DocumentType::ResidentIdCard, &changed).is_ok();
        prop_assert_eq!(accepted, changed == number);
    }

    #[test]
    fn any_adjacent_transposition_is_refused(number in cards(), at in 0..17_usize) {
        let mut changed = number.clone().into_bytes();
        changed.swap(at, at + 1);
        let changed = String::from_utf8(changed).unwrap();
        let accepted = parse(DocumentType::ResidentIdCard, &changed).is_ok();
        prop_assert_eq!(accepted, changed == number);
    }

    #[test]
    fn different_documents_have_different_index_texts(text in "[A-Z0-9]{5,18}") {
        let readings: Vec<_> = DocumentType::ALL
            .iter()
            .filter_map(|&kind| IdentityDocument::parse(kind, &text, None, now()).ok())
            .collect();
        let mut texts: Vec<_> = readings.iter().map(IdentityDocument::index_text).collect();
        texts.sort();
        texts.dedup();
        prop_assert_eq!(texts.len(), readings.len());
    }

    #[test]
    fn any_text_is_read_or_refused(text in any::<String>(), kind in prop::sample::select(DocumentType::ALL)) {
        if let Ok(number) = parse(kind, &text) {
            prop_assert!(number.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit()));
            prop_assert_eq!(parse(kind, &number), Ok(number.clone()));
        }
    }
}
