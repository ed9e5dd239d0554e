//! What is wrong with what was typed is said beside it, in both languages; nothing is sent, and the
//! password never comes back.

use crate::support::{Answer, Applicant, Page, Server, document};

/// Sends a form with these changes to what `who` would type.
async fn send(server: &Server, languages: &'static str, who: &Applicant) -> Answer {
    let mut browser = server.browser();
    browser.languages = Some(languages);
    let form = browser.visit("/register").await;
    browser.fill_in(&form, who).await
}

/// Whether a field is marked as wrong and its text says so.
fn is_marked(page: &Page, field: &str) -> bool {
    let input = page.find(&format!("register-{field}")).expect("a field");
    input.attribute("aria-invalid") == Some("true")
}

const FIELDS: [&str; 4] = ["name", "document-number", "phone", "password"];

/// More than a name, and more than a password, may have.
const LONG: &str = "名";
const ENDLESS: &str = "word ";

/// What is typed where, and what is said of it in each language. One's own numbers are added below.
const PROBLEMS: [(&str, &str, &str, &str); 21] = [
    ("name", "", "Enter your name", "请填写姓名"),
    ("name", LONG, "at most 100", "最长 100"),
    ("name", "张3", "no name has", "不能用于姓名"),
    ("name", "张\u{202e}伟", "no name has", "不能用于姓名"),
    ("name", "·买买提", "in the wrong place", "位置不对"),
    ("id card", "", "Enter the document", "请填写证件号码"),
    ("id card", "12345", "not a number of the kind", "不符合所选"),
    ("id card", "110101500101001", "15 digits", "15 位"),
    ("id card", "11010119501301001X", "date of birth", "出生日期"),
    ("id card", "110101195001010019", "mistyped", "号码有误"),
    ("id card", "110101201501010011", "under 14", "未满 14"),
    ("passport", "QQZ-123456789", "country code", "国家代码"),
    ("phone", "", "Enter your mobile", "请填写手机号"),
    ("phone", "letters", "does not look like", "这不像手机号"),
    (
        "phone",
        "010 6552 1234",
        "Enter an 11-digit",
        "请填写 11 位",
    ),
    (
        "phone",
        "+86 10 6552 1234",
        "not a mobile number",
        "这不是手机号",
    ),
    ("password", "", "Choose a password", "请设置密码"),
    ("password", "seven77", "too short", "密码太短"),
    ("password", ENDLESS, "too long", "密码太长"),
    ("password", "aaaaaaaaaa", "repeated", "重复"),
    ("password", "password123", "too common", "太常见"),
];

/// Somebody who types this there, and the field where it stands.
fn mistaken(place: &str, typed: &str) -> (Applicant, &'static str) {
    let good = Applicant::new(1);
    let typed = match typed {
        LONG => LONG.repeat(101),
        ENDLESS => ENDLESS.repeat(210),
        other => other.to_owned(),
    };
    match place {
        "name" => (good.named(&typed), "name"),
        "id card" => (
            good.with_document("resident_id_card", &typed),
            "document-number",
        ),
        "passport" => (good.with_document("passport", &typed), "document-number"),
        "phone" => (good.with_phone(&typed), "phone"),
        _ => (good.with_password(&typed), "password"),
    }
}

#[tokio::test]
async fn each_problem_is_said_in_both_languages() {
    let server = Server::start().await;
    let good = Applicant::new(1);
    let own = ("Your own phone", "不能用自己的");
    let own =
        [&good.phone, &good.document_number].map(|typed| ("password", &**typed, own.0, own.1));
    for (place, typed, english, chinese) in PROBLEMS.into_iter().chain(own) {
        let (who, field) = mistaken(place, typed);
        for (language, words) in [("en", english), ("zh-CN", chinese)] {
            let answer = send(&server, language, &who).await;
            let about = format!("{place} {words}");
            assert_eq!(answer.status, 422, "{about}: {}", answer.text());
            let page = answer.page();
            assert!(answer.text().contains(words), "{about}: {}", answer.text());
            for other in FIELDS {
                assert_eq!(is_marked(&page, other), other == field, "{about}: {other}");
            }
            assert_typed_again(&page, &who);
        }
    }
    for table in ["challenges", "outbox", "counters"] {
        assert_eq!(server.count(table).await, 0, "{table}");
    }
}

#[tokio::test]
async fn a_weak_password_is_named_beside_what_else_is_wrong() {
    let server = Server::start().await;
    let who = Applicant::new(1)
        .with_document("resident_id_card", "110101195001010019")
        .with_phone("letters")
        .with_password("seven77");
    let answer = send(&server, "en", &who).await;
    assert_eq!(answer.status, 422);
    for words in ["mistyped", "does not look like", "too short"] {
        assert!(answer.text().contains(words), "{words}: {}", answer.text());
    }
    let page = answer.page();
    for field in FIELDS {
        assert_eq!(is_marked(&page, field), field != "name", "{field}");
    }
}

/// What was typed stands there again, but for the password.
#[track_caller]
fn assert_typed_again(page: &Page, who: &Applicant) {
    let value = |field: &str| {
        let input = page.find(&format!("register-{field}")).expect("a field");
        input.attribute("value").unwrap_or_default().to_owned()
    };
    assert_eq!(value("name"), who.name);
    assert_eq!(value("document-number"), who.document_number);
    assert_eq!(value("phone"), who.phone);
    assert_eq!(value("password"), "");
    let typed = [&who.name, &who.document_number, &who.phone];
    if !who.password.is_empty() && !typed.contains(&&who.password) {
        assert!(!page.html().contains(&who.password));
    }
    let chosen = page
        .all("option")
        .filter(|option| option.attribute("selected").is_some());
    let chosen: Vec<_> = chosen
        .filter_map(|option| option.attribute("value"))
        .collect();
    assert_eq!(chosen, [who.document_type]);
}

#[tokio::test]
async fn all_that_is_wrong_is_said_at_once() {
    let server = Server::start().await;
    let who = Applicant::new(1)
        .named("")
        .with_document("passport", "")
        .with_phone("1")
        .with_password("");
    let answer = send(&server, "en", &who).await;
    assert_eq!(answer.status, 422);
    let page = answer.page();
    for field in FIELDS {
        assert!(is_marked(&page, field), "{field}");
        // The list at the top leads to each.
        let target = format!("#register-{field}");
        assert!(page.links_to(&target), "{field}");
    }
}

#[tokio::test]
async fn a_form_with_parts_missing_is_a_form_with_empty_fields() {
    let server = Server::start().await;
    let mut browser = server.browser();
    let form = browser.visit("/register").await.page();
    let all = form.fields(&[], "register-submit");
    let csrf = all.iter().filter(|(name, _)| name == "csrf").cloned();
    let bare: Vec<(String, String)> = csrf.collect();
    let answer = browser.post("/register", &bare).await;
    assert_eq!(answer.status, 422);
    assert!(FIELDS.iter().all(|field| is_marked(&answer.page(), field)));
    // A field that is there twice is no form of ours.
    let doubled = [("register-name", "张伟"), ("register-name", "李娜")];
    assert_eq!(browser.post("/register", &doubled).await.status, 400);
}

#[tokio::test]
async fn every_kind_of_document_that_can_be_typed_is_taken() {
    let server = Server::start().await;
    let numbers = [
        ("resident_id_card", document(7)),
        ("hk_macao_travel_permit", "H12345678".to_owned()),
        ("taiwan_travel_permit", "12345678".to_owned()),
        ("passport", "E12345678".to_owned()),
        ("passport", "USA-123456789".to_owned()),
        ("passport", "ＧＢＲ－１２３４５６７８９".to_owned()),
    ];
    for (index, (kind, number)) in numbers.iter().enumerate() {
        let who = Applicant::new(10 + index).with_document(kind, number);
        let answer = send(&server, "en", &who).await;
        assert_eq!(
            answer.path(),
            "/register/code",
            "{kind} {number}: {}",
            answer.text()
        );
    }
    // A network credential is presented, not typed: it is not offered, and not understood.
    let form = server.browser().visit("/register").await;
    assert!(!form.text().contains("network_credential"));
}
