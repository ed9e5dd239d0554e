use proptest::prelude::*;
use serde_json::{Value, json};
use url::{Url, form_urlencoded};

use super::*;
use crate::protocol::acr::{Aal, Acr, Ial};
use crate::protocol::authorization_response::AuthorizationResponse;
use crate::protocol::claims_request::Claim;
use crate::protocol::client_metadata::raw::RawClientMetadata;
use crate::protocol::client_metadata::registration::RegistrationPolicy;
use crate::protocol::issuer::Issuer;
use crate::protocol::prompt::Prompt;
use crate::protocol::scope::OPENID;

const REDIRECT_URI: &str = "https://portal.example/cb?x=1";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

#[expect(clippy::needless_pass_by_value, reason = "calls read better")]
fn client(changes: Value) -> ClientMetadata {
    let mut metadata = json!({
        "redirect_uris": [REDIRECT_URI],
        "grant_types": ["authorization_code", "refresh_token"],
        "scope": "openid profile phone offline_access",
    });
    for (name, value) in changes.as_object().unwrap() {
        metadata[name] = value.clone();
    }
    let raw = RawClientMetadata::from_json(metadata.to_string().as_bytes()).unwrap();
    ClientMetadata::register(raw, &RegistrationPolicy::default()).unwrap()
}

fn portal() -> ClientMetadata {
    client(json!({}))
}

/// A good request with `changes`: an empty value takes a parameter away.
fn query(changes: &[(&str, &str)]) -> String {
    let mut parameters = vec![
        ("client_id", "c"),
        ("redirect_uri", REDIRECT_URI),
        ("response_type", "code"),
        ("scope", "openid"),
        ("state", "s t&"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ];
    parameters.retain(|(name, _)| !changes.iter().any(|(changed, _)| changed == name));
    parameters.extend(changes.iter().filter(|(_, value)| !value.is_empty()));
    form_urlencoded::Serializer::new(String::new())
        .extend_pairs(parameters)
        .finish()
}

enum Answer {
    Good(Box<AuthorizationRequest>),
    Redirected(Box<Refused>),
    Page(Unverified),
}

fn ask(query: &str, client: &ClientMetadata) -> Answer {
    let identified = RawAuthorizationRequest::parse(query.as_bytes()).and_then(|raw| {
        raw.client_id()?;
        let target = raw.identify(client)?;
        Ok((raw, target))
    });
    match identified {
        Err(unverified) => Answer::Page(unverified),
        Ok((raw, target)) => match raw.validate(target, client) {
            Ok(request) => Answer::Good(Box::new(request)),
            Err(refused) => Answer::Redirected(refused),
        },
    }
}

fn good(changes: &[(&str, &str)], client: &ClientMetadata) -> AuthorizationRequest {
    match ask(&query(changes), client) {
        Answer::Good(request) => *request,
        Answer::Redirected(refused) => panic!("{refused}"),
        Answer::Page(unverified) => panic!("{unverified}"),
    }
}

fn refused(changes: &[(&str, &str)], client: &ClientMetadata) -> ErrorCode {
    refused_query(&query(changes), client)
}

fn refused_query(query: &str, client: &ClientMetadata) -> ErrorCode {
    match ask(query, client) {
        Answer::Redirected(refused) => refused.error.code(),
        Answer::Good(_) => panic!("accepted: {query}"),
        Answer::Page(unverified) => panic!("a page: {unverified}"),
    }
}

fn page(query: &str, client: &ClientMetadata) -> Unverified {
    match ask(query, client) {
        Answer::Page(unverified) => unverified,
        Answer::Good(_) | Answer::Redirected(_) => panic!("no page: {query}"),
    }
}

#[test]
fn a_good_request_is_understood() {
    let request = good(
        &[
            ("nonce", "n"),
            ("scope", "profile openid"),
            ("prompt", "login"),
            ("max_age", "60"),
            ("login_hint", "13800000001"),
            ("ui_locales", "en fr"),
            ("display", "popup"),
            ("resource", "https://api.example/"),
            ("unknown", "ignored"),
        ],
        &portal(),
    );
    assert_eq!(request.client_id(), "c");
    assert_eq!(request.scope().to_string(), "openid profile");
    assert!(request.scope().contains(OPENID) && request.prompts().contains(Prompt::Login));
    assert_eq!((request.nonce(), request.max_age()), (Some("n"), Some(60)));
    assert!(request.code_challenge().is_some());
    assert_eq!(request.resource().unwrap().as_str(), "https://api.example/");
    assert!(
        !format!("{request:?}").contains("138"),
        "a login hint is personal"
    );
}

/// Attack cases 1 and 7: whatever else is wrong, a bad redirect URI gets a page.
#[test]
fn nothing_is_sent_to_a_uri_that_is_not_registered() {
    for uri in [
        "http://evil.test/",
        "https://portal.example/cb",
        "https://portal.example/cb?x=1&y=2",
        "https://portal.example/cb?x=1#",
        "https://portal.example.evil.test/cb?x=1",
    ] {
        for other in [
            ("prompt", "none"),
            ("response_type", "token"),
            ("scope", ""),
            ("request", "x"),
            ("response_mode", "form_post"),
            ("response_mode", "form_post.jwt"),
            ("response_mode", "fragment"),
        ] {
            let query = query(&[("redirect_uri", uri), other]);
            let refused = page(&query, &portal());
            assert!(
                matches!(refused, Unverified::RedirectUriMismatch(_)),
                "{query}: {refused}"
            );
        }
    }
    let missing = query(&[("redirect_uri", "")]);
    assert_eq!(page(&missing, &portal()), Unverified::MissingRedirectUri);
    let nobody = query(&[("client_id", "")]);
    assert_eq!(page(&nobody, &portal()), Unverified::MissingClientId);
    let flood = query(&[("client_id", &"c".repeat(513))]);
    assert_eq!(page(&flood, &portal()), Unverified::UnknownClient);
    let state = query(&[("state", &"s".repeat(2049))]);
    assert_eq!(page(&state, &portal()), Unverified::StateTooLong);
    assert_eq!(
        Unverified::UnknownClient.to_oauth().code(),
        ErrorCode::InvalidClient
    );
}

#[test]
fn a_page_about_a_wrong_redirect_uri_tells_its_origin_and_no_more() {
    for (uri, told) in [
        (
            "https://portal.example/other-text",
            "https://portal.example, where another one is registered",
        ),
        (
            "http://127.0.0.1:3000/cb",
            "http://127.0.0.1:3000, where none is registered",
        ),
        ("https://call-us@evil.test/", "no web address"),
        ("javascript:alert(1)", "no web address"),
        ("not a uri <b>", "no web address"),
    ] {
        let refused = page(&query(&[("redirect_uri", uri)]), &portal()).to_string();
        assert!(refused.contains(told), "{refused}");
        assert!(!refused.contains("other-text") && !refused.contains('<'));
        assert!(!refused.contains("call-us") && !refused.contains("alert"));
    }
    let long = format!("https://{}.test/", "a.".repeat(60) + "b");
    let refused = page(&query(&[("redirect_uri", &long)]), &portal()).to_string();
    assert!(!refused.contains("a.a."), "{refused}");
}

/// Attack case 15.
#[test]
fn a_repeated_parameter_is_reported_to_the_client_unless_it_decides_the_destination() {
    for name in ["client_id", "redirect_uri", "state"] {
        let query = format!("{}&{name}=again", query(&[]));
        assert!(
            matches!(page(&query, &portal()), Unverified::Parameters(_)),
            "{name}"
        );
    }
    for name in [
        "scope",
        "nonce",
        "prompt",
        "code_challenge",
        "response_type",
        "unknown",
    ] {
        let query = format!("{}&{name}=a&{name}=a", query(&[]));
        assert_eq!(
            refused_query(&query, &portal()),
            ErrorCode::InvalidRequest,
            "{name}"
        );
    }
}

/// OIDC Core §3.1.2.6; attack case 24.
#[test]
fn request_objects_are_refused_by_their_own_codes() {
    for (name, code) in [
        ("request", ErrorCode::RequestNotSupported),
        ("request_uri", ErrorCode::RequestUriNotSupported),
        ("registration", ErrorCode::RegistrationNotSupported),
    ] {
        assert_eq!(
            refused(&[(name, "x"), ("response_type", "")], &portal()),
            code
        );
    }
}

/// Attack case 23.
#[test]
fn only_codes_are_issued() {
    for response_type in [
        "token",
        "id_token",
        "code token",
        "code id_token",
        "none",
        "Code",
    ] {
        let code = refused(&[("response_type", response_type)], &portal());
        assert_eq!(code, ErrorCode::UnsupportedResponseType, "{response_type}");
    }
    assert_eq!(
        refused(&[("response_type", "")], &portal()),
        ErrorCode::InvalidRequest
    );
    let machine = client(json!({"grant_types": ["client_credentials"], "scope": ""}));
    assert_eq!(refused(&[], &machine), ErrorCode::UnauthorizedClient);
}

/// Attack case 8.
#[test]
fn only_the_query_carries_answers() {
    assert_eq!(
        good(&[("response_mode", "query")], &portal()).client_id(),
        "c"
    );
    for mode in [
        "fragment",
        "form_post",
        "query.jwt",
        "form_post.jwt",
        "jwt",
        "web_message",
    ] {
        assert_eq!(
            refused(&[("response_mode", mode)], &portal()),
            ErrorCode::InvalidRequest
        );
    }
}

#[test]
fn scopes_are_those_of_the_client() {
    let scope = |text| good(&[("scope", text)], &portal()).scope().to_string();
    assert_eq!(scope("openid address unknown"), "openid");
    assert_eq!(scope("openid offline_access"), "offline_access openid");
    assert!(
        !good(&[("scope", "profile")], &portal())
            .scope()
            .contains(OPENID)
    );
    for text in ["openid email", "unknown", "", "open\"id", "openid\u{e9}"] {
        assert_eq!(
            refused(&[("scope", text)], &portal()),
            ErrorCode::InvalidScope,
            "{text}"
        );
    }
    let without = client(json!({"grant_types": ["authorization_code"]}));
    let request = good(&[("scope", "openid offline_access")], &without);
    assert_eq!(request.scope().to_string(), "openid");
}

/// RFC 7636 §4.4.1, RFC 9700 §2.1.1; attack cases 17 and 18.
#[test]
fn pkce_is_s256_and_demanded_where_it_must_be() {
    let openid = client(json!({"security_profile": "openid"}));
    let public = client(json!({
        "security_profile": "openid", "token_endpoint_auth_method": "none",
    }));
    let none = [("code_challenge", ""), ("code_challenge_method", "")];
    assert!(good(&none, &openid).code_challenge().is_none());
    for client in [&public, &portal()] {
        assert_eq!(refused(&none, client), ErrorCode::InvalidRequest);
    }
    for client in [&openid, &public, &portal()] {
        for changes in [
            [
                ("code_challenge", CHALLENGE),
                ("code_challenge_method", "plain"),
            ],
            [
                ("code_challenge", CHALLENGE),
                ("code_challenge_method", "s256"),
            ],
            [("code_challenge", CHALLENGE), ("code_challenge_method", "")],
            [("code_challenge", ""), ("code_challenge_method", "S256")],
            [
                ("code_challenge", &CHALLENGE[1..]),
                ("code_challenge_method", "S256"),
            ],
        ] {
            assert_eq!(
                refused(&changes, client),
                ErrorCode::InvalidRequest,
                "{changes:?}"
            );
        }
    }
}

#[test]
fn numbers_prompts_and_nonces_are_checked() {
    let long = "n".repeat(257);
    for changes in [
        ("max_age", "-1"),
        ("max_age", "+1"),
        ("max_age", "1.5"),
        ("max_age", "x"),
        ("prompt", "none login"),
        ("prompt", "create"),
        ("nonce", &long),
        ("claims", "{"),
        ("id_token_hint", &"h".repeat(8193)),
    ] {
        assert_eq!(
            refused(&[changes], &portal()),
            ErrorCode::InvalidRequest,
            "{changes:?}"
        );
    }
    assert_eq!(
        refused(&[("resource", "x")], &portal()),
        ErrorCode::InvalidTarget
    );
    assert_eq!(good(&[("max_age", "0")], &portal()).max_age(), Some(0));
    assert_eq!(
        good(&[("max_age", "99999999999")], &portal()).max_age(),
        Some(u32::MAX)
    );
    let strict = client(json!({"default_max_age": 600}));
    assert_eq!(good(&[], &strict).max_age(), Some(600));
    assert_eq!(good(&[("max_age", "5")], &strict).max_age(), Some(5));
    assert_eq!(
        good(&[("nonce", &long[1..])], &portal())
            .nonce()
            .unwrap()
            .len(),
        256
    );
}

/// conformance §1: these must never cause errors.
#[test]
fn wishes_are_never_errors() {
    let long = "x".repeat(5000);
    for name in [
        "display",
        "ui_locales",
        "claims_locales",
        "acr_values",
        "login_hint",
    ] {
        for value in ["nonsense", "\u{1}", "zh-CN <b>", long.as_str()] {
            let request = good(&[(name, value)], &portal());
            assert_eq!(*request.acr(), AcrRequest::Any);
        }
    }
    assert!(
        good(&[("login_hint", &long)], &portal())
            .login_hint()
            .is_none()
    );
}

#[test]
fn a_demand_by_claim_goes_before_the_wish_and_the_wish_before_the_default() {
    let client = client(json!({"default_acr_values": ["urn:tongxing:aal:1"]}));
    let aal = |level| AcrRequest::Voluntary(vec![Acr::Authentication(level)]);
    assert_eq!(*good(&[], &client).acr(), aal(Aal::One));
    let wish = ("acr_values", "urn:tongxing:aal:2");
    assert_eq!(*good(&[wish], &client).acr(), aal(Aal::Two));
    let demand = (
        "claims",
        r#"{"id_token":{"acr":{"essential":true,"values":["urn:tongxing:ial:3"]}}}"#,
    );
    let demanded = AcrRequest::Essential(vec![Acr::Identity(Ial::Three)]);
    assert_eq!(*good(&[wish, demand], &client).acr(), demanded);
}

/// Attack case 41.
#[test]
fn claims_are_cut_to_the_clients_clearance() {
    let claims = r#"{"userinfo":{"phone_number":null,"email":null},"id_token":{"name":null}}"#;
    let request = good(&[("claims", claims)], &portal());
    assert_eq!(
        request.claims().userinfo().keys().collect::<Vec<_>>(),
        [&Claim::PhoneNumber]
    );
    assert_eq!(
        request.claims().id_token().keys().collect::<Vec<_>>(),
        [&Claim::Name]
    );
}

#[test]
fn survives_sealing() {
    let request = good(
        &[("nonce", "n"), ("acr_values", "urn:tongxing:aal:2")],
        &portal(),
    );
    let bytes = postcard::to_allocvec(&request).unwrap();
    assert_eq!(
        postcard::from_bytes::<AuthorizationRequest>(&bytes).unwrap(),
        request
    );
}

/// RFC 9207; attack case 14.
#[test]
fn every_answer_names_the_issuer_and_returns_the_state() {
    let issuer = Issuer::parse("https://id.example").unwrap();
    let pairs = |response: &AuthorizationResponse| {
        let location = response.to_location(&issuer);
        assert!(location.expose().starts_with(REDIRECT_URI));
        let pairs = Url::parse(location.expose()).unwrap();
        pairs.query_pairs().into_owned().skip(1).collect::<Vec<_>>()
    };
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let request = good(&[], &portal());
    let granted = AuthorizationResponse::granted(request.target().clone(), "code".into());
    assert_eq!(
        pairs(&granted),
        [
            pair("code", "code"),
            pair("state", "s t&"),
            pair("iss", "https://id.example")
        ]
    );
    let error = ErrorCode::LoginRequired.because("log in");
    let refused = AuthorizationResponse::refused(request.refuse(error));
    assert_eq!(
        pairs(&refused),
        [
            pair("error", "login_required"),
            pair("error_description", "log in"),
            pair("state", "s t&"),
            pair("iss", "https://id.example"),
        ]
    );
    assert!(!format!("{granted:?}").contains("\"code\""));
    assert_eq!(request.target().origin(), "https://portal.example");
}

proptest! {
    /// Whatever is sent, an answer goes to the registered URI or to a page.
    #[test]
    fn answers_go_to_the_registered_uri_or_nowhere(
        uri in prop_oneof![Just(REDIRECT_URI.to_owned()), "https?://[a-z.@:/?=1-9]{0,30}"],
        rest in "[a-z_]{1,15}=[a-zA-Z0-9%+]{0,20}(&[a-z_]{1,15}=[a-zA-Z0-9+]{0,20}){0,3}",
    ) {
        let query = format!("{}&{rest}", query(&[("redirect_uri", &uri)]));
        let target = match ask(&query, &portal()) {
            Answer::Good(request) => Some(request.target().clone()),
            Answer::Redirected(refused) => Some(refused.target),
            Answer::Page(_) => None,
        };
        if let Some(target) = target {
            prop_assert_eq!(target.redirect_uri(), REDIRECT_URI);
        }
    }

    #[test]
    fn never_panics(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let query = String::from_utf8_lossy(&bytes).into_owned();
        let _ = ask(&query, &portal());
    }
}
