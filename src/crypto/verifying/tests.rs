use super::*;

fn jwk(json: &str) -> PublicJwk {
    serde_json::from_str(json).expect("a key")
}

/// RFC 7515 Appendix A.2.
const RSA_N: &str = "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ";
const RSA_SIGNED: &[u8] = b"eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
const RSA_SIGNATURE: &str = "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";

fn rsa_jwk(extra: &str) -> PublicJwk {
    jwk(&format!(
        r#"{{"kty":"RSA","n":"{RSA_N}","e":"AQAB"{extra}}}"#
    ))
}

/// RFC 7515 Appendix A.3.
const EC: &str = r#"{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}"#;
const EC_SIGNED: &[u8] = b"eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
const EC_SIGNATURE: &str =
    "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";

/// RFC 8037 Appendix A.4.
const ED: &str =
    r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
const ED_SIGNED: &[u8] = b"eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
const ED_SIGNATURE: &str =
    "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";

fn refused(jwk: &PublicJwk, algorithm: SignatureAlgorithm) -> Option<VerifyingKeyError> {
    VerifyingKey::for_algorithm(jwk, algorithm).err()
}

#[test]
fn verifies_the_examples_of_the_specifications_and_no_changed_signature() {
    let cases = [
        (
            rsa_jwk(""),
            SignatureAlgorithm::Rs256,
            RSA_SIGNED,
            RSA_SIGNATURE,
        ),
        (jwk(EC), SignatureAlgorithm::Es256, EC_SIGNED, EC_SIGNATURE),
        (jwk(ED), SignatureAlgorithm::EdDsa, ED_SIGNED, ED_SIGNATURE),
    ];
    for (jwk, algorithm, signed, signature) in cases {
        let key = VerifyingKey::for_algorithm(&jwk, algorithm).expect("a key");
        let signature = encoding::decode(signature).expect("base64url");
        assert!(key.verify(signed, &signature));
        for index in 0..signature.len() {
            let mut changed = signature.clone();
            changed[index] ^= 1;
            assert!(!key.verify(signed, &changed));
        }
        assert!(!key.verify(signed, &signature[1..]));
        assert!(!key.verify(signed, b""));
        assert!(!key.verify(&signed[1..], &signature));
    }
}

/// CVE-2022-21449: a signature of zeros holds for nothing.
#[test]
fn zeros_are_no_signature() {
    let key = VerifyingKey::for_algorithm(&jwk(EC), SignatureAlgorithm::Es256).expect("a key");
    assert!(!key.verify(EC_SIGNED, &[0; 64]));
    let key = VerifyingKey::for_algorithm(&jwk(ED), SignatureAlgorithm::EdDsa).expect("a key");
    assert!(!key.verify(ED_SIGNED, &[0; 64]));
}

#[test]
fn one_padding_does_not_pass_for_the_other() {
    let key = VerifyingKey::for_algorithm(&rsa_jwk(""), SignatureAlgorithm::Ps256).expect("a key");
    let signature = encoding::decode(RSA_SIGNATURE).expect("base64url");
    assert!(!key.verify(RSA_SIGNED, &signature));
}

#[test]
fn a_key_is_held_to_what_it_says_it_is_for() {
    let named = rsa_jwk(r#","alg":"RS256","use":"sig""#);
    let key = VerifyingKey::from_jwk(&named).expect("a key");
    assert_eq!(key.algorithm(), SignatureAlgorithm::Rs256);
    let other_use = Some(VerifyingKeyError::OtherUse);
    assert_eq!(refused(&named, SignatureAlgorithm::Ps256), other_use);
    let encryption = rsa_jwk(r#","use":"enc""#);
    assert_eq!(refused(&encryption, SignatureAlgorithm::Rs256), other_use);
    assert_eq!(refused(&jwk(EC), SignatureAlgorithm::Rs256), other_use);
    assert_eq!(refused(&rsa_jwk(""), SignatureAlgorithm::Es256), other_use);
    let other_curve = jwk(&EC.replace("P-256", "P-384"));
    assert_eq!(refused(&other_curve, SignatureAlgorithm::Es256), other_use);
    for json in ["", r#","alg":"none""#, r#","alg":"HS256""#] {
        let unnamed = VerifyingKey::from_jwk(&rsa_jwk(json)).err();
        assert_eq!(unnamed, Some(VerifyingKeyError::NoAlgorithm));
    }
}

#[test]
fn malformed_and_weak_keys_are_refused() {
    let rsa = |n: &str, e: &str| jwk(&format!(r#"{{"kty":"RSA","n":"{n}","e":"{e}"}}"#));
    let small = encoding::encode(&[0xC1; 128]);
    let huge = encoding::encode(&[0xC1; 1024]);
    let padded = format!("{RSA_N}==");
    for (n, e) in [
        ("", ""),
        (RSA_N, ""),
        (RSA_N, "AQ"),
        (RSA_N, "Ag"),
        (RSA_N, "AQAA"),
        (RSA_N, "AAEAAQ"),
        (RSA_N, "____________"),
        (&small, "AQAB"),
        (&huge, "AQAB"),
        (&padded, "AQAB"),
    ] {
        let refused = refused(&rsa(n, e), SignatureAlgorithm::Rs256);
        assert_eq!(refused, Some(VerifyingKeyError::Malformed), "{n} {e}");
    }
    let off_the_curve = jwk(&EC.replace("f83O", "f83P"));
    let short = jwk(&EC.replace("f83O", ""));
    for key in [off_the_curve, short] {
        let refused = refused(&key, SignatureAlgorithm::Es256);
        assert_eq!(refused, Some(VerifyingKeyError::Malformed));
    }
    let short = jwk(&ED.replace("11qY", ""));
    let refused = refused(&short, SignatureAlgorithm::EdDsa);
    assert_eq!(refused, Some(VerifyingKeyError::Malformed));
}
