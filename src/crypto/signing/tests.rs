use super::*;
use crate::crypto::verifying::VerifyingKey;

const ALL: [SignatureAlgorithm; 4] = [
    SignatureAlgorithm::Rs256,
    SignatureAlgorithm::Ps256,
    SignatureAlgorithm::Es256,
    SignatureAlgorithm::EdDsa,
];

fn generate(algorithm: SignatureAlgorithm) -> (SigningKey, Zeroizing<Vec<u8>>) {
    SigningKey::generate(algorithm, RsaSize::Bits2048).expect("a key")
}

#[test]
fn a_kept_key_is_the_same_key_and_its_public_half_verifies() {
    for algorithm in ALL {
        let (made, pkcs8) = generate(algorithm);
        let kept = SigningKey::from_pkcs8(algorithm, &pkcs8).expect("the key");
        assert_eq!(kept.public_jwk(), made.public_jwk());
        assert_eq!(kept.algorithm(), algorithm);
        assert_eq!(Some(kept.kid()), kept.public_jwk().kid.as_deref());
        assert_eq!(
            kept.kid(),
            thumbprint(&kept.public_jwk().parameters).expect("a name")
        );
        let verifying = VerifyingKey::from_jwk(made.public_jwk()).expect("a public key");
        let signature = kept.sign(b"message").expect("signed");
        assert_eq!(signature.len(), kept.signature_len());
        assert!(verifying.verify(b"message", &signature));
        assert!(!verifying.verify(b"massage", &signature));
    }
}

#[test]
fn the_larger_rsa_key_is_larger() {
    let (key, _) =
        SigningKey::generate(SignatureAlgorithm::Ps256, RsaSize::Bits3072).expect("a key");
    assert_eq!(key.signature_len(), 384);
}

#[test]
fn a_key_of_another_kind_or_in_pieces_is_refused() {
    let (_, p256) = generate(SignatureAlgorithm::Es256);
    for algorithm in [SignatureAlgorithm::Rs256, SignatureAlgorithm::EdDsa] {
        let refused = SigningKey::from_pkcs8(algorithm, &p256).err();
        assert_eq!(refused, Some(SigningKeyError::Rejected(algorithm)));
    }
    for bytes in [
        &b""[..],
        &p256[..p256.len() - 1],
        b"-----BEGIN PRIVATE KEY-----",
    ] {
        assert!(SigningKey::from_pkcs8(SignatureAlgorithm::Es256, bytes).is_err());
    }
}

/// RFC 8037 Appendix A.1 to A.4: an Ed25519 signature is determined by key and message.
#[test]
fn signs_as_rfc_8037_does() {
    let seed = encoding::decode("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A").expect("seed");
    let pkcs8 = [
        b"\x30\x2e\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20",
        &seed[..],
    ];
    let key = SigningKey::from_pkcs8(SignatureAlgorithm::EdDsa, &pkcs8.concat()).expect("a key");
    assert_eq!(key.kid(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    let signed = b"eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
    let expected =
        "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
    assert_eq!(
        encoding::encode(&key.sign(signed).expect("signed")),
        expected
    );
}

#[test]
fn nothing_private_is_printed_or_published() {
    let (key, _) = generate(SignatureAlgorithm::Rs256);
    let printed = format!("{key:?}");
    assert!(printed.contains(key.kid()) && !printed.contains("pair"));
    let published = serde_json::to_value(key.public_jwk()).expect("JSON");
    let names: Vec<_> = published.as_object().expect("an object").keys().collect();
    assert_eq!(names, ["alg", "e", "kid", "kty", "n", "use"]);
}
