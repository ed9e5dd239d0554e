use serde::{Deserialize, Serialize};

use super::*;
use crate::crypto::entropy::SeededEntropy;

const ISSUER: &str = "https://id.example";

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Code {
    account: u128,
    nonce: Option<String>,
}

impl Sealed for Code {
    const PURPOSE: &'static str = "code";
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Cookie {
    account: u128,
    nonce: Option<String>,
}

impl Sealed for Cookie {
    const PURPOSE: &'static str = "cookie";
}

fn code() -> Code {
    Code {
        account: 0x0123_4567_89ab_cdef_0123_4567_89ab_cdef,
        nonce: Some("n-0S6_WzA2Mj".to_owned()),
    }
}

fn sealer() -> Sealer {
    Sealer::new(ISSUER, &[(1, [1; 32]), (2, [2; 32])], 1).expect("good keys")
}

fn sealed() -> String {
    let text = sealer().seal(&code(), &SeededEntropy::new(1));
    text.expect("small value")
}

#[test]
fn opens_what_it_sealed() {
    assert_eq!(sealer().open(&sealed()), Some(code()));
    let fixed = sealer().seal_fixed(&code()).expect("small value");
    assert_eq!(sealer().open(&fixed), Some(code()));
}

/// Texts outlive a release: keys, format and associated data must not change unnoticed.
#[test]
fn the_text_is_stable() {
    assert_eq!(
        sealed(),
        "AQAAAAF4OCWCKm-eYtohkOjpCUaySy364wD5-r4_Op1VD9cg-8l0frfHl-E1ryZbhUrCK5voGIBYlxhnQFTi8Rk"
    );
    assert_eq!(
        sealer().seal_fixed(&code()).as_deref(),
        Ok("AgAAAAFqCk6T6jA7T_450ayTkLMNZWnjrhfna4qx_6F0pkgSr12gGeqLUL2d4qwKsIXDLxo")
    );
}

#[test]
fn a_fixed_text_repeats_and_a_fresh_one_does_not() {
    let (sealer, entropy) = (sealer(), SeededEntropy::new(1));
    assert_eq!(sealer.seal_fixed(&code()), sealer.seal_fixed(&code()));
    assert_ne!(
        sealer.seal(&code(), &entropy),
        sealer.seal(&code(), &entropy)
    );
}

#[test]
fn every_changed_bit_is_refused() {
    let sealer = sealer();
    for text in [sealed(), sealer.seal_fixed(&code()).expect("small value")] {
        let bytes = encoding::decode(&text).expect("base64url");
        for index in 0..bytes.len() {
            for bit in 0..8 {
                let mut changed = bytes.clone();
                changed[index] ^= 1 << bit;
                assert_eq!(sealer.open::<Code>(&encoding::encode(&changed)), None);
            }
        }
        for length in 0..bytes.len() {
            assert_eq!(
                sealer.open::<Code>(&encoding::encode(&bytes[..length])),
                None
            );
        }
        let mut longer = bytes;
        longer.push(0);
        assert_eq!(sealer.open::<Code>(&encoding::encode(&longer)), None);
    }
}

/// A text with a fixed nonce cannot be rewritten as one that carries the same nonce.
#[test]
fn a_text_has_one_form() {
    let fixed = sealer().seal_fixed(&code()).expect("small value");
    let bytes = encoding::decode(&fixed).expect("base64url");
    let mut other = vec![1];
    other.extend_from_slice(&bytes[1..5]);
    other.extend_from_slice(&[0; NONCE_LEN]);
    other.extend_from_slice(&bytes[5..]);
    assert_eq!(sealer().open::<Code>(&encoding::encode(&other)), None);
}

#[test]
fn another_purpose_issuer_or_root_is_refused() {
    assert_eq!(sealer().open::<Cookie>(&sealed()), None);
    for (issuer, root) in [("https://other.example", 1), (ISSUER, 9)] {
        let other = Sealer::new(issuer, &[(1, [root; 32])], 1).expect("good keys");
        assert_eq!(other.open::<Code>(&sealed()), None);
    }
}

#[test]
fn old_roots_open_and_unknown_ones_do_not() {
    let rotated = Sealer::new(ISSUER, &[(1, [1; 32]), (2, [2; 32])], 2).expect("good keys");
    assert_eq!(rotated.open(&sealed()), Some(code()));
    let text = rotated.seal_fixed(&code()).expect("small value");
    assert_eq!(sealer().open(&text), Some(code()));
    assert_ne!(sealer().seal_fixed(&code()), Ok(text));
    let dropped = Sealer::new(ISSUER, &[(2, [2; 32])], 2).expect("good keys");
    assert_eq!(dropped.open::<Code>(&sealed()), None);
}

#[test]
fn foreign_text_is_refused() {
    for text in ["", "A", "AQ", "not sealed", "AQAAAAE", "四"] {
        assert_eq!(sealer().open::<Code>(text), None);
    }
    assert_eq!(sealer().open::<Code>(&"A".repeat(MAX_TEXT + 1)), None);
    assert_eq!(sealer().open::<Code>(&(sealed() + "=")), None);
}

#[test]
fn what_would_not_open_for_its_length_is_not_sealed() {
    let long = |length| Code {
        account: 1,
        nonce: Some("x".repeat(length)),
    };
    let most = long(6119);
    let text = sealer().seal_fixed(&most).expect("just fits");
    assert_eq!(text.len(), MAX_TEXT);
    assert_eq!(sealer().open(&text), Some(most));
    let refused = sealer().seal_fixed(&long(6120));
    assert_eq!(refused, Err(SealError::TooLong));
}

#[test]
fn keys_must_make_sense() {
    let refused = |roots: &[(u32, [u8; 32])], current| Sealer::new(ISSUER, roots, current).err();
    assert_eq!(refused(&[], 1), Some(SealerError::Missing(1)));
    assert_eq!(refused(&[(2, [2; 32])], 1), Some(SealerError::Missing(1)));
    for number in [1, 2] {
        let twice = [(1, [1; 32]), (number, [2; 32]), (2, [3; 32])];
        assert_eq!(refused(&twice, 1), Some(SealerError::Repeated(number)));
    }
}

#[test]
fn threads_share_what_was_derived() {
    let sealer = &sealer();
    let expected = &sealer.seal_fixed(&code());
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(move || {
                let cookie = Cookie {
                    account: 1,
                    nonce: None,
                };
                let text = sealer.seal_fixed(&cookie).expect("small value");
                assert_eq!(sealer.open(&text), Some(cookie));
                assert_eq!(&sealer.seal_fixed(&code()), expected);
            });
        }
    });
}
