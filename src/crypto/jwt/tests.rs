use std::sync::Arc;

use proptest::prelude::{any, proptest};
use serde_json::{Value, json};

use super::*;
use crate::crypto::signing::RsaSize;
use crate::protocol::jose::SignatureAlgorithm;

fn key() -> SigningKey {
    let generated = SigningKey::generate(SignatureAlgorithm::Es256, RsaSize::Bits2048);
    generated.expect("a key").0
}

fn public(key: &SigningKey) -> Arc<VerifyingKey> {
    Arc::new(VerifyingKey::from_jwk(key.public_jwk()).expect("a public key"))
}

fn verify(key: &SigningKey, token: &str) -> Result<Value, JwtError> {
    verify_as(key, token, ExpectedType::Required("at+jwt"))
}

fn verify_as(key: &SigningKey, token: &str, typ: ExpectedType<'_>) -> Result<Value, JwtError> {
    let public = public(key);
    let find = |header: &JwtHeader| {
        let named = header.kid.as_deref() == Some(key.kid());
        named.then(|| Arc::clone(&public))
    };
    verify_jwt(token, find, typ)
}

/// A token with any header, signed all the same.
fn forge(key: &SigningKey, header: &Value) -> String {
    let header = encoding::encode(header.to_string().as_bytes());
    let claims = encoding::encode(br#"{"sub":"a"}"#);
    let signed = format!("{header}.{claims}");
    let signature = key.sign(signed.as_bytes()).expect("signed");
    format!("{signed}.{}", encoding::encode(&signature))
}

fn header_of(token: &str) -> Result<JwtHeader, JwtError> {
    Parts::split(token)?.header()
}

#[test]
fn what_is_signed_verifies() {
    let (key, claims) = (key(), json!({"sub": "a", "exp": 1}));
    for typ in [Some("at+jwt"), Some("JWT"), Some("logout+jwt"), None] {
        let token = sign_jwt(&key, typ, &claims).expect("signed");
        let expected = typ.map_or(ExpectedType::Optional("JWT"), ExpectedType::Required);
        assert_eq!(verify_as(&key, &token, expected), Ok(claims.clone()));
        let header = header_of(&token).expect("a header");
        assert_eq!(header.alg, SignatureAlgorithm::Es256);
        assert_eq!(header.kid.as_deref(), Some(key.kid()));
        assert_eq!(header.typ.as_deref(), typ);
        assert_eq!(token.capacity(), token.len(), "written in one piece");
    }
}

#[test]
fn a_type_is_not_another() {
    let key = key();
    let sign = |typ| sign_jwt(&key, typ, &json!({})).expect("signed");
    let refused = Err(JwtError::Type);
    assert_eq!(verify(&key, &sign(Some("JWT"))), refused);
    assert_eq!(verify(&key, &sign(None)), refused);
    let optional = ExpectedType::Optional("JWT");
    assert_eq!(verify_as(&key, &sign(Some("at+jwt")), optional), refused);
    assert!(verify_as(&key, &sign(None), optional).is_ok());
    // RFC 9068 §4 allows the long form too.
    for long in ["application/at+jwt", "Application/AT+JWT", "AT+jwt"] {
        assert!(verify(&key, &sign(Some(long))).is_ok(), "{long}");
    }
    for other in ["at+jw", "at+jwt ", "application/", "x/at+jwt", "四五六七八"] {
        assert_eq!(verify(&key, &sign(Some(other))), refused, "{other}");
    }
}

#[test]
fn every_changed_character_is_refused() {
    let key = key();
    let token = sign_jwt(&key, Some("at+jwt"), &json!({"sub": "a"})).expect("signed");
    for index in 0..token.len() {
        for letter in ["A", "B", "-", "."] {
            let mut changed = token.clone();
            changed.replace_range(index..=index, letter);
            assert!(changed == token || verify(&key, &changed).is_err());
        }
        assert!(verify(&key, &token[..index]).is_err());
    }
    for appended in ["=", ".", "A", " ", "\n", ".A"] {
        assert!(verify(&key, &format!("{token}{appended}")).is_err());
    }
}

/// RFC 8725 §2.1, §3.1: the header does not choose how it is verified.
#[test]
fn an_algorithm_that_is_not_the_keys_is_refused() {
    let key = key();
    let refused = |alg: &str| {
        let header = json!({"alg": alg, "kid": key.kid(), "typ": "at+jwt"});
        let token = forge(&key, &header);
        let (unsigned, _) = token.rsplit_once('.').expect("a dot");
        let results = [verify(&key, &token), verify(&key, &format!("{unsigned}."))];
        results.map(|result| result.expect_err("refused"))
    };
    for alg in ["RS256", "PS256", "EdDSA"] {
        assert_eq!(refused(alg), [JwtError::Algorithm; 2], "{alg}");
    }
    for alg in ["none", "None", "nOnE", "HS256", "ES384", "es256", ""] {
        assert_eq!(refused(alg), [JwtError::Malformed; 2], "{alg}");
    }
}

#[test]
fn a_header_brings_no_keys_and_demands_nothing() {
    let key = key();
    for name in ["crit", "jku", "jwk", "x5u", "b64", "zip"] {
        for value in [json!(null), json!([]), json!({"kty": "EC"}), json!("x")] {
            let mut header = json!({"alg": "ES256", "kid": key.kid(), "typ": "at+jwt"});
            header[name] = value;
            let token = forge(&key, &header);
            assert_eq!(verify(&key, &token), Err(JwtError::RefusedHeader));
            assert_eq!(header_of(&token), Err(JwtError::RefusedHeader));
        }
    }
    let harmless = json!({"alg": "ES256", "kid": key.kid(), "typ": "at+jwt", "x5t": "a"});
    assert!(verify(&key, &forge(&key, &harmless)).is_ok());
}

#[test]
fn a_malformed_header_is_refused() {
    let key = key();
    for header in [
        json!([]),
        json!({}),
        json!({"alg": 1}),
        json!({"alg": "ES256", "kid": 1}),
    ] {
        assert_eq!(
            verify(&key, &forge(&key, &header)),
            Err(JwtError::Malformed)
        );
    }
    let claims = encoding::encode(b"{}");
    let twice = encoding::encode(br#"{"alg":"ES256","alg":"none"}"#);
    let header = encoding::encode(br#"{"alg":"ES256"}"#);
    for token in [
        String::new(),
        "..".to_owned(),
        format!("{header}.{claims}"),
        format!("{twice}.{claims}.AA"),
        format!("{header}.{claims}.AA.AA"),
        format!("{header}.{claims}.AA.AA.AA"),
    ] {
        let refused = header_of(&token);
        assert_eq!(refused, Err(JwtError::Malformed), "{token}");
    }
    let long = format!("{header}.{}.AA", "A".repeat(MAX_TOKEN));
    assert_eq!(header_of(&long), Err(JwtError::TooLong));
}

#[test]
fn another_key_is_refused() {
    let (key, other) = (key(), key());
    let token = sign_jwt(&other, Some("at+jwt"), &json!({})).expect("signed");
    assert_eq!(verify(&key, &token), Err(JwtError::UnknownKey));
    let claimed = forge(
        &other,
        &json!({"alg": "ES256", "kid": key.kid(), "typ": "at+jwt"}),
    );
    assert_eq!(verify(&key, &claimed), Err(JwtError::Signature));
}

#[test]
fn claims_are_read_only_as_asked() {
    #[derive(Debug, Deserialize)]
    struct Claims {
        #[expect(dead_code, reason = "only its absence matters")]
        sub: String,
    }
    let key = key();
    let public = public(&key);
    let read = |claims: &Value| {
        let token = sign_jwt(&key, None, claims).expect("signed");
        let find = |_: &JwtHeader| Some(&*public);
        verify_jwt::<Claims, _>(&token, find, ExpectedType::Optional("JWT"))
    };
    assert!(read(&json!({"sub": "a", "more": 1})).is_ok());
    assert_eq!(read(&json!({"iss": "a"})).err(), Some(JwtError::Claims));
    assert_eq!(read(&json!("a")).err(), Some(JwtError::Claims));
}

proptest! {
    #[test]
    fn no_text_is_a_panic(text in any::<String>()) {
        let _ = header_of(&text);
        let _ = header_of(&format!("{}.{text}.", encoding::encode(text.as_bytes())));
    }
}
