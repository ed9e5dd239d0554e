use proptest::prelude::*;

use super::*;
use crate::protocol::acr::{Aal, Acr, Ial};

fn parse(text: &str) -> ClaimsRequest {
    ClaimsRequest::parse(text).unwrap()
}

fn is_impersonal(request: &ClaimsRequest) -> bool {
    request.userinfo().is_empty() && request.id_token().is_empty()
}

#[test]
fn known_claims_are_kept_with_their_weight_and_place() {
    let request = parse(
        r#"{"userinfo":{"name":{"essential":true},"phone_number":null,"unknown":{"x":[1]}},
            "id_token":{"email":{"essential":false},"auth_time":{"essential":true}}}"#,
    );
    assert_eq!(
        request.userinfo().get(&Claim::Name),
        Some(&Necessity::Essential)
    );
    assert_eq!(
        request.userinfo().get(&Claim::PhoneNumber),
        Some(&Necessity::Voluntary)
    );
    assert_eq!(request.userinfo().len(), 2);
    assert_eq!(
        request.id_token().get(&Claim::Email),
        Some(&Necessity::Voluntary)
    );
}

/// OIDC Core §5.5.1.1; attack case 41.
#[test]
fn an_essential_acr_is_a_demand() {
    let request =
        parse(r#"{"id_token":{"acr":{"essential":true,"values":["urn:tongxing:ial:3","urn:x"]}}}"#);
    assert_eq!(
        request.acr(),
        &AcrRequest::Essential(vec![Acr::Identity(Ial::Three)])
    );
    let request = parse(r#"{"id_token":{"acr":{"value":"urn:tongxing:aal:2"}}}"#);
    assert_eq!(
        request.acr(),
        &AcrRequest::Voluntary(vec![Acr::Authentication(Aal::Two)])
    );
    let request = parse(r#"{"id_token":{"acr":{"essential":true}}}"#);
    assert_eq!(request.acr(), &AcrRequest::Any);
    let unknown = parse(r#"{"id_token":{"acr":{"essential":true,"value":7}}}"#);
    assert_eq!(unknown.acr(), &AcrRequest::Essential(vec![]));
}

#[test]
fn a_subject_may_be_demanded_but_not_several() {
    let request = parse(r#"{"id_token":{"sub":{"value":"abc"}}}"#);
    assert_eq!(request.subject(), Some("abc"));
    assert_eq!(parse(r#"{"userinfo":{"sub":null}}"#).subject(), None);
    let several = ClaimsRequest::parse(r#"{"id_token":{"sub":{"values":["a","b"]}}}"#);
    assert_eq!(several, Err(ClaimsRequestError::Form));
}

/// Attack case 41: a claim without clearance is not asked for at all.
#[test]
fn a_request_is_cut_to_what_the_client_is_cleared_for() {
    let request =
        parse(r#"{"userinfo":{"name":null,"phone_number":null},"id_token":{"email":null}}"#);
    let limited = request.limited_to(&"openid profile".parse().unwrap());
    assert_eq!(
        limited.userinfo().keys().copied().collect::<Vec<_>>(),
        [Claim::Name]
    );
    assert!(limited.id_token().is_empty());
}

/// Attack case 41.
#[test]
fn huge_deep_and_odd_json_is_refused() {
    use ClaimsRequestError as E;
    let deep = format!(r#"{{"userinfo":{}{}}}"#, "[".repeat(13), "]".repeat(13));
    assert_eq!(ClaimsRequest::parse(&deep), Err(E::TooDeep));
    assert_eq!(ClaimsRequest::parse(&"[".repeat(5000)), Err(E::TooDeep));
    let long = format!(r#"{{"userinfo":{{"a":"{}"}}}}"#, "x".repeat(MAX_BYTES));
    assert_eq!(ClaimsRequest::parse(&long), Err(E::TooLong));
    for (text, error) in [
        ("", E::NotJson),
        ("{", E::NotJson),
        ("{} {}", E::NotJson),
        ("[]", E::Form),
        (r#"{"userinfo":[]}"#, E::Form),
        (r#"{"userinfo":{"name":true}}"#, E::Form),
        (r#"{"userinfo":{"name":{"essential":"yes"}}}"#, E::Form),
        (
            r#"{"id_token":{"acr":{"value":"a","values":["b"]}}}"#,
            E::Form,
        ),
        (r#"{"id_token":{"acr":{"values":"b"}}}"#, E::Form),
    ] {
        assert_eq!(ClaimsRequest::parse(text), Err(error), "{text}");
    }
    assert!(is_impersonal(&parse(r#"{"userinfo":null,"other":7}"#)));
    assert!(is_impersonal(&parse(
        r#"{"userinfo":{"x":"[[[[[[[[[[[[[[\"[["}}"#
    )));
}

#[test]
fn a_scope_asks_for_its_claims() {
    let claims: Vec<_> = Claim::of_scope(&"openid phone".parse().unwrap()).collect();
    assert_eq!(claims, [Claim::PhoneNumber, Claim::PhoneNumberVerified]);
    for claim in Claim::ALL {
        assert_eq!(Claim::parse(claim.as_str()), Some(claim));
    }
}

#[test]
fn survives_sealing() {
    let request = parse(
        r#"{"userinfo":{"name":{"essential":true}},"id_token":{"acr":{"essential":true,"value":"urn:tongxing:aal:2"}}}"#,
    );
    let bytes = postcard::to_allocvec(&request).unwrap();
    assert_eq!(
        postcard::from_bytes::<ClaimsRequest>(&bytes).unwrap(),
        request
    );
}

proptest! {
    #[test]
    fn never_panics(text in r#"[\[\]{}":,a-z\\0-9 ]{0,200}"#) {
        let _ = ClaimsRequest::parse(&text);
        let _ = depth(&text);
    }
}
