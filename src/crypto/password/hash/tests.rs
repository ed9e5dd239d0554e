use super::*;

fn quick() -> PasswordParameters {
    PasswordParameters::new(64, 2, 1).expect("within bounds")
}

fn make(password: &[u8], parameters: PasswordParameters) -> PasswordHash {
    PasswordHash::make(password, &[7; SALT_LEN], parameters, &mut Vec::new()).expect("hashed")
}

/// The reference implementation's tests: `password`, `somesalt`, m=65536, t=2, p=1.
#[test]
fn agrees_with_the_reference_implementation() {
    let text =
        "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
    let hash: PasswordHash = text.parse().expect("a hash");
    assert_eq!(hash.as_str(), text);
    let mut memory = Vec::new();
    assert_eq!(hash.matches(b"password", &mut memory), Ok(true));
    assert_eq!(hash.matches(b"differentpassword", &mut memory), Ok(false));
}

#[test]
fn only_the_password_matches_whatever_the_memory_held() {
    let hash = make("密码 correct".as_bytes(), quick());
    let mut memory = vec![Block::new(); 1000];
    for _ in 0..2 {
        assert_eq!(
            hash.matches("密码 correct".as_bytes(), &mut memory),
            Ok(true)
        );
        assert_eq!(
            hash.matches("密码 Correct".as_bytes(), &mut memory),
            Ok(false)
        );
        assert_eq!(hash.matches(b"", &mut memory), Ok(false));
    }
}

#[test]
fn the_stored_form_is_read_back() {
    let hash = make(b"password", PasswordParameters::default());
    let start = "$argon2id$v=19$m=19456,t=2,p=1$BwcHBwcHBwcHBwcHBwcHBw$";
    assert!(hash.as_str().starts_with(start));
    let read: PasswordHash = hash.as_str().parse().expect("a hash");
    assert_eq!(read, hash);
    assert_eq!(read.parameters(), PasswordParameters::default());
    assert!(!format!("{hash:?}").contains('$'));
}

#[test]
fn parameters_have_bounds() {
    for (memory, passes, lanes) in [(8, 1, 1), (1024 * 1024, 20, 16), (128, 1, 16)] {
        assert!(PasswordParameters::new(memory, passes, lanes).is_some());
    }
    for (memory, passes, lanes) in [
        (0, 1, 1),
        (7, 1, 1),
        (127, 1, 16),
        (1024 * 1024 + 1, 1, 1),
        (1024, 0, 1),
        (1024, 21, 1),
        (1024, 1, 0),
        (1024, 1, 17),
        (u32::MAX, u32::MAX, u32::MAX),
    ] {
        assert_eq!(PasswordParameters::new(memory, passes, lanes), None);
    }
}

#[test]
fn other_hashes_are_refused_for_their_reason() {
    use ParsePasswordHashError::{Algorithm, Malformed, Parameters};
    const TAIL: &str = "$c29tZXNhbHRzb21lc2FsdA$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
    let cases = [
        (String::new(), Malformed),
        ("password".to_owned(), Malformed),
        (
            "$2b$12$EixZaYVK1fsbw1ZfbX3OXePaWxn96p36WQoeG6Lruj3vjPGga31lW".to_owned(),
            Malformed,
        ),
        ("$argon2id$v=19$m=1024,t=1,p=1".to_owned(), Malformed),
        (
            "$argon2id$v=19$m=1024,t=1,p=1$c29tZXNhbHQ".to_owned(),
            Malformed,
        ),
        (format!("$argon2i$v=19$m=1024,t=1,p=1{TAIL}"), Algorithm),
        (format!("$argon2d$v=19$m=1024,t=1,p=1{TAIL}"), Algorithm),
        (format!("$argon2id$v=16$m=1024,t=1,p=1{TAIL}"), Algorithm),
        (format!("$argon2id$m=1024,t=1,p=1{TAIL}"), Algorithm),
        (
            format!("$argon2id$v=19$m=1048577,t=1,p=1{TAIL}"),
            Parameters,
        ),
        (format!("$argon2id$v=19$m=1024,t=21,p=1{TAIL}"), Parameters),
        (format!("$argon2id$v=19$m=1024,t=1,p=17{TAIL}"), Parameters),
        (format!("$argon2id$v=19$m=1024,t=1{TAIL}"), Parameters),
        (format!("$argon2id$v=19$m=1024,t=1,p=x{TAIL}"), Parameters),
        (
            format!("$argon2id$v=19$m=1024,t=1,p=1,keyid=a{TAIL}"),
            Parameters,
        ),
        (
            "$argon2id$v=19$m=1024,t=1,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaOw".to_owned(),
            Parameters,
        ),
    ];
    for (text, reason) in cases {
        assert_eq!(text.parse::<PasswordHash>().err(), Some(reason), "{text}");
    }
}

#[test]
fn weaker_hashes_are_old() {
    let current = PasswordParameters::new(128, 2, 1).expect("within bounds");
    for (memory, passes, lanes, old) in [
        (128, 2, 1, false),
        (256, 3, 1, false),
        (128, 2, 2, false),
        (64, 2, 1, true),
        (256, 1, 1, true),
    ] {
        let parameters = PasswordParameters::new(memory, passes, lanes).expect("within bounds");
        assert_eq!(make(b"password", parameters).is_old(current), old);
    }
    let short_salt =
        "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
    let hash: PasswordHash = short_salt.parse().expect("a hash");
    assert!(hash.is_old(current));
}
