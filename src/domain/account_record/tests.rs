use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::domain::check::{CheckMethod, CheckResult};

fn now() -> Instant {
    Instant::parse_rfc3339("2026-01-01T00:00:00Z").unwrap()
}

fn parse(line: &Value) -> Result<AccountRecord, Vec<String>> {
    AccountRecord::parse(line.to_string().as_bytes(), now()).map_err(|problems| reasons(&problems))
}

fn reasons(problems: &RecordProblems) -> Vec<String> {
    problems.iter().map(ToString::to_string).collect()
}

fn person() -> Value {
    json!({
        "name": "张伟",
        "document_type": "resident_id_card",
        "document_number": "11010519491231002x",
        "phone_number": "13800000001",
        "password": "correct horse battery 1",
    })
}

/// The person with some members replaced.
fn person_with(changes: Value) -> Value {
    let mut person = person();
    let Value::Object(changes) = changes else {
        panic!("an object");
    };
    person.as_object_mut().unwrap().extend(changes);
    person
}

fn person_without(member: &str) -> Value {
    let mut person = person();
    person.as_object_mut().unwrap().remove(member);
    person
}

fn check_json() -> Value {
    json!({
        "method": "three_elements",
        "authority": "运营商",
        "performed_at": "2025-06-01T08:00:00+08:00",
        "transaction": "T-1",
        "result": "match",
    })
}

#[test]
fn a_line_is_an_account() {
    let record = parse(&person()).unwrap();
    assert_eq!(record.name.as_str(), "张伟");
    assert_eq!(
        record.document.index_text(),
        "resident_id_card:11010519491231002X"
    );
    assert_eq!(record.phone.as_str(), "+8613800000001");
    assert!(record.email.is_none());
    assert!(record.checks.is_empty());
    let ImportedCredential::Password(password) = record.credential else {
        panic!("a password");
    };
    assert_eq!(password.expose(), "correct horse battery 1");
}

#[test]
fn everything_that_may_be_there_is_read() {
    let hash = "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI";
    let mut check = check_json();
    check["expires_at"] = json!("2027-06-01T00:00:00Z");
    let record = parse(&person_with(json!({
        "document_type": "passport",
        "document_number": "123456789",
        "document_country": "usa",
        "email": "zhang@Example.com",
        "password": null,
        "password_hash": hash,
        "checks": [check, check_json()],
    })))
    .unwrap();
    assert_eq!(record.document.index_text(), "passport:USA:123456789");
    assert_eq!(record.email.unwrap().as_str(), "zhang@example.com");
    let ImportedCredential::Hash(read) = record.credential else {
        panic!("a hash");
    };
    assert_eq!(read.as_str(), hash);
    let [first, second] = record.checks.as_slice() else {
        panic!("two checks");
    };
    assert_eq!(first.method, CheckMethod::ThreeElements);
    assert_eq!(first.result, CheckResult::Match);
    assert_eq!(first.authority.as_str(), "运营商");
    assert_eq!(first.performed_at.to_string(), "2025-06-01T00:00:00.000Z");
    assert!(first.expires_at.is_some());
    assert!(second.expires_at.is_none());
}

#[test]
fn each_problem_is_a_member_and_a_rule() {
    let hash = "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI";
    for (changes, reason) in [
        (json!({"name": "张伟1"}), "name: characters"),
        (json!({"name": 1}), "name: not text"),
        (json!({"name": null}), "name: missing"),
        (
            json!({"document_type": "id"}),
            "document_type: unknown; known are resident_id_card, \
             hk_macao_taiwan_residence_permit, hk_macao_travel_permit, taiwan_travel_permit, \
             foreign_permanent_resident_card_2017, foreign_permanent_resident_card_2023, \
             passport, network_credential",
        ),
        (
            json!({"document_number": "1101"}),
            "document_number: length; resident_id_card is 17 digits and a check digit or X",
        ),
        (
            json!({"document_number": "110105194912310021"}),
            "document_number: check digit",
        ),
        (
            json!({"document_number": "110105491231002"}),
            "document_number: first-generation number",
        ),
        (
            json!({"document_number": "110105194902300021"}),
            "document_number: birth date",
        ),
        (
            json!({"document_country": "CHN"}),
            "document_country: country only for passports",
        ),
        (
            json!({"phone_number": "123"}),
            "phone_number: length: 8 to 15 digits",
        ),
        (json!({"email": "x"}), "email: domain"),
        (json!({"password": "12345678"}), "password: too common"),
        (
            json!({"password": "short"}),
            "password: too short: at least 8 characters",
        ),
        (json!({"password": "13800000001"}), "password: own number"),
        (
            json!({"password": "11010519491231002X"}),
            "password: own number",
        ),
        (json!({"password": null}), "password: missing"),
        (json!({"password": false}), "password: not text"),
        (
            json!({"password_hash": hash}),
            "password: given with password_hash",
        ),
        (
            json!({"password": null, "password_hash": "$2b$"}),
            "password_hash: not $argon2id$",
        ),
        (json!({"checks": {}}), "checks: not a list"),
        (json!({"checks": [1]}), "checks[0]: not a JSON object"),
        (
            json!({"checks": vec![check_json(); 65]}),
            "checks: too many",
        ),
        (json!({"nickname": "x"}), "nickname: unknown member"),
        (json!({"13800000002": "x"}), "?: unknown member"),
    ] {
        assert_eq!(parse(&person_with(changes)).unwrap_err(), [reason]);
    }
}

#[test]
fn each_problem_of_a_check_names_the_check() {
    for (member, value, reason) in [
        (
            "method",
            json!("magic"),
            "checks[1].method: unknown; known are phone_code, two_elements, three_elements, \
             four_elements, face, chip_and_face, network_credential, certificate, counter",
        ),
        ("method", json!(null), "checks[1].method: missing"),
        (
            "result",
            json!("yes"),
            "checks[1].result: unknown; known are match, mismatch, no_record, unavailable",
        ),
        (
            "authority",
            json!(""),
            "checks[1].authority: must be 1 to 128 printable characters",
        ),
        (
            "performed_at",
            json!("2025-06-01"),
            "checks[1].performed_at: not an RFC 3339 time",
        ),
        (
            "performed_at",
            json!("2026-01-01T00:00:01Z"),
            "checks[1].performed_at: in the future",
        ),
        (
            "expires_at",
            json!("2025-06-01T00:00:00Z"),
            "checks[1].expires_at: not after performed_at",
        ),
        ("level", json!("L4"), "checks[1].level: unknown member"),
        ("level4", json!("L4"), "checks[1].?: unknown member"),
    ] {
        let mut check = check_json();
        check[member] = value;
        let line = person_with(json!({"checks": [check_json(), check]}));
        assert_eq!(parse(&line).unwrap_err(), [reason.to_owned()]);
    }
}

#[test]
fn every_required_member_is_missed() {
    for member in [
        "name",
        "document_type",
        "document_number",
        "phone_number",
        "password",
    ] {
        let problems = parse(&person_without(member)).unwrap_err();
        assert_eq!(problems, [format!("{member}: missing")]);
    }
}

#[test]
fn all_problems_of_a_line_are_told_at_once() {
    let problems = parse(&json!({"name": "", "email": "x", "password": "a", "extra": 1}));
    assert_eq!(
        problems.unwrap_err(),
        [
            "name: length",
            "document_type: missing",
            "document_number: missing",
            "phone_number: missing",
            "email: domain",
            "password: one character repeated",
            "extra: unknown member",
        ]
    );
    let slips = json!({"document_number": "330106199003071237", "password": "short"});
    assert_eq!(
        parse(&person_with(slips)).unwrap_err(),
        [
            "document_number: check digit",
            "password: too short: at least 8 characters",
        ]
    );
    let problems = AccountRecord::parse(b"{\"extra\":1,\"more\":2}", now()).unwrap_err();
    assert!(
        problems
            .to_string()
            .starts_with("name: missing; document_type: missing; ")
    );
}

#[test]
fn a_member_that_appears_twice_is_refused() {
    let line = person().to_string().replacen('{', "{\"name\":\"李娜\",", 1);
    let problems = AccountRecord::parse(line.as_bytes(), now()).unwrap_err();
    assert_eq!(reasons(&problems), ["name: repeated"]);
    let line = person_with(json!({"checks": [check_json()]}))
        .to_string()
        .replacen("\"method\"", "\"method\":\"counter\",\"method\"", 1);
    let problems = AccountRecord::parse(line.as_bytes(), now()).unwrap_err();
    assert_eq!(reasons(&problems), ["checks[0].method: repeated"]);
}

#[test]
fn a_line_that_is_no_object_is_refused_in_one_word() {
    let deep = "[".repeat(60_000);
    for (line, reason) in [
        ("", "line: not JSON"),
        ("张伟,13800000001", "line: not JSON"),
        ("{\"name\":\"张伟\"", "line: not JSON"),
        ("{} {}", "line: not JSON"),
        ("\"张伟\"", "line: not a JSON object"),
        ("[]", "line: not a JSON object"),
        (&deep, "line: not JSON"),
    ] {
        let problems = AccountRecord::parse(line.as_bytes(), now()).unwrap_err();
        assert_eq!(reasons(&problems), [reason]);
    }
    let problems = AccountRecord::parse(b"{\"name\":\"\xff\"}", now()).unwrap_err();
    assert_eq!(reasons(&problems), ["line: not JSON"]);
    let long = vec![b' '; MAX_LINE + 1];
    let problems = AccountRecord::parse(&long, now()).unwrap_err();
    assert_eq!(reasons(&problems), ["line: longer than 64 KiB"]);
}

#[test]
fn nothing_prints_a_person() {
    let record = parse(&person_with(json!({"email": "zhang@example.com"}))).unwrap();
    let printed = format!("{record:?}");
    for value in ["张", "1101", "1380", "zhang", "correct"] {
        assert!(!printed.contains(value), "{value}");
    }
}

proptest! {
    #[test]
    fn no_problem_tells_a_value(
        member in prop::sample::select(vec![
            "name", "document_type", "document_number", "document_country", "phone_number",
            "email", "password", "password_hash", "checks",
        ]),
        value in "[0-9A-Z@#]{6,20}",
    ) {
        let line = person_with(json!({ member: value }));
        if let Err(problems) = parse(&line) {
            for problem in problems {
                prop_assert!(!problem.contains(&value));
            }
        }
    }

    #[test]
    fn any_line_is_read_or_refused(line in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(AccountRecord::parse(&line, now()).is_err());
    }
}
