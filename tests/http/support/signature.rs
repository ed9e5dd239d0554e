//! Signatures checked by the primitives alone: none of the product's own code looks at them.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256,
    RsaPublicKeyComponents, UnparsedPublicKey,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

fn bytes(text: &Value) -> Vec<u8> {
    let text = text.as_str().expect("base64url");
    URL_SAFE_NO_PAD.decode(text).expect("base64url")
}

/// The header of a JWT.
#[track_caller]
pub(crate) fn header_of(jwt: &str) -> Value {
    let header = jwt.split('.').next().expect("a JWT");
    let header = URL_SAFE_NO_PAD.decode(header).expect("base64url");
    serde_json::from_slice(&header).expect("JSON")
}

/// The key of a set that a JWT names; there must be one, and for its algorithm.
#[track_caller]
fn key_of<'a>(jwks: &'a Value, header: &Value) -> &'a Value {
    let keys = jwks["keys"].as_array().expect("keys");
    let mut found = keys.iter().filter(|key| key["kid"] == header["kid"]);
    let key = found.next().expect("the key is published");
    assert!(found.next().is_none(), "two keys of one name");
    assert_eq!(key["alg"], header["alg"]);
    assert_eq!(key["use"], "sig");
    key
}

/// Fails unless a key of the set signed the JWT.
#[track_caller]
pub(crate) fn assert_signed(jwks: &Value, jwt: &str) {
    let header = header_of(jwt);
    let key = key_of(jwks, &header);
    let (signed, signature) = jwt.rsplit_once('.').expect("a JWT");
    let (signed, signature) = (
        signed.as_bytes(),
        URL_SAFE_NO_PAD.decode(signature).expect("base64url"),
    );
    let rsa = || RsaPublicKeyComponents {
        n: bytes(&key["n"]),
        e: bytes(&key["e"]),
    };
    let verified = match header["alg"].as_str().expect("an algorithm") {
        "RS256" => rsa().verify(&RSA_PKCS1_2048_8192_SHA256, signed, &signature),
        "PS256" => rsa().verify(&RSA_PSS_2048_8192_SHA256, signed, &signature),
        "ES256" => {
            assert_eq!((&key["kty"], &key["crv"]), (&"EC".into(), &"P-256".into()));
            let point = [vec![4], bytes(&key["x"]), bytes(&key["y"])].concat();
            UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(signed, &signature)
        }
        "EdDSA" => {
            assert_eq!(
                (&key["kty"], &key["crv"]),
                (&"OKP".into(), &"Ed25519".into())
            );
            UnparsedPublicKey::new(&ED25519, bytes(&key["x"])).verify(signed, &signature)
        }
        other => panic!("{other} is not one of ours"),
    };
    verified.expect("the signature holds");
}

/// `at_hash` (OpenID Connect Core §3.1.3.6): the left half of the SHA-256 of the token.
pub(crate) fn half_hash(token: &str) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, token.as_bytes());
    URL_SAFE_NO_PAD.encode(&digest.as_ref()[..16])
}
