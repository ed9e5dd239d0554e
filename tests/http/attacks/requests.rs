//! Authorization requests that say one thing to us and another to somebody else.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;

use crate::support::{
    AuthorizationRequest, ISSUER, Portal, STATE, Server, ZHANG, assert_page_refuses,
    assert_redirect_refuses, assert_refused, basic,
};

#[tokio::test]
async fn every_authorization_answer_names_its_issuer() {
    let server = Server::start().await;
    let portal = server.portal().await;
    let mut zhang = server.browser_of(&ZHANG);
    let mut answers = Vec::new();
    let usual = portal.request();
    for (request, code) in [
        (usual.clone().with("prompt", "none"), "login_required"),
        (
            usual.clone().with("response_type", "token"),
            "unsupported_response_type",
        ),
        (
            usual.clone().with("response_mode", "jwt"),
            "invalid_request",
        ),
        (usual.clone().with("scope", "nonsense"), "invalid_scope"),
        (usual.clone().with("max_age", "-1"), "invalid_request"),
        (usual.clone().and("nonce", "another"), "invalid_request"),
        (usual.clone().without_pkce(), "invalid_request"),
        (
            usual.clone().with("request", "e30"),
            "request_not_supported",
        ),
    ] {
        let answer = zhang.visit(&request.url()).await;
        assert_redirect_refuses(&answer, code);
        answers.push(answer);
    }
    let consent = zhang.visit(&usual.url()).await;
    let consent = zhang.log_in_here(&consent).await;
    let denied = zhang.press(&consent, &[], "consent-deny").await;
    assert_redirect_refuses(&denied, "access_denied");
    let silent = zhang
        .visit(&usual.clone().with("prompt", "none").url())
        .await;
    assert_redirect_refuses(&silent, "consent_required");
    let granted = zhang.agree(&usual.url()).await;
    assert!(granted.returned().contains_key("code"));
    answers.extend([denied, silent, granted]);
    for answer in answers {
        let returned = answer.returned();
        assert_eq!(returned["iss"], ISSUER);
        assert_eq!(returned["state"], STATE);
        assert_eq!(answer.departs_to().unwrap().fragment(), None);
    }
}

#[tokio::test]
async fn a_repeated_parameter_is_refused() {
    let server = Server::start().await;
    let portal = server.portal().await;
    let mut zhang = server.browser_of(&ZHANG);
    // At the authorization endpoint, whether the two agree or not.
    let usual = portal
        .request()
        .with("prompt", "login")
        .with("ui_locales", "en");
    let usual = usual.with("unknown_parameter", "x");
    for (name, value) in usual.parameters().to_vec() {
        for second in [value.as_str(), "another"] {
            let answer = zhang.visit(&usual.clone().and(&name, second).url()).await;
            if ["client_id", "redirect_uri", "state"].contains(&name.as_str()) {
                assert_page_refuses(&answer, "invalid_request");
            } else {
                assert_redirect_refuses(&answer, "invalid_request");
            }
        }
    }
    // At the token endpoint, and the request that does not repeat itself still holds.
    let code = portal.authorize(&mut zhang).await;
    let proof = basic(&portal.client_id, portal.client_secret.as_deref().unwrap());
    let uri = code.redirect_uri.clone().unwrap();
    let verifier = code.verifier.clone().unwrap();
    let form = [
        ("grant_type", "authorization_code"),
        ("code", code.value.as_str()),
        ("redirect_uri", &uri),
        ("code_verifier", &verifier),
        ("unknown_parameter", "x"),
    ];
    for (name, value) in form {
        for second in [value, "another"] {
            let twice: Vec<_> = form.into_iter().chain([(name, second)]).collect();
            let answer = portal.post("/oauth2/token", Some(&proof), &twice).await;
            assert_refused(&answer, "invalid_request");
        }
    }
    assert!(portal.redeem(&code).await.status.is_success());
    // At the other endpoints that clients call.
    for path in ["/oauth2/introspect", "/oauth2/revoke"] {
        let twice = [("token", "one"), ("token", "two")];
        assert_refused(
            &portal.post(path, Some(&proof), &twice).await,
            "invalid_request",
        );
    }
}

#[tokio::test]
async fn only_the_code_flow_is_answered() {
    let server = Server::start().await;
    let portal = server.portal().await;
    let mut zhang = server.browser_of(&ZHANG);
    portal.authorize(&mut zhang).await;
    for kind in [
        "token",
        "id_token",
        "none",
        "id_token token",
        "code token",
        "code id_token",
        "code id_token token",
        "code code",
        "CODE",
        " code",
    ] {
        for mode in [None, Some("fragment"), Some("form_post")] {
            let mut request = portal.request().with("response_type", kind);
            if let Some(mode) = mode {
                request = request.with("response_mode", mode);
            }
            let answer = zhang.visit(&request.url()).await;
            assert_redirect_refuses(&answer, "unsupported_response_type");
            assert_eq!(answer.departs_to().unwrap().fragment(), None);
            let returned = answer.returned();
            assert!(!returned.contains_key("access_token") && !returned.contains_key("id_token"));
        }
    }
    let without = portal.request().without("response_type");
    assert_redirect_refuses(&zhang.visit(&without.url()).await, "invalid_request");
    // A client cannot even register for another.
    for kinds in [
        json!(["token"]),
        json!(["code", "id_token"]),
        json!(["code token"]),
    ] {
        let metadata = json!({
            "redirect_uris": ["https://portal.example/callback"],
            "response_types": kinds,
        });
        assert!(
            Portal::try_register(&server, &metadata).await.is_err(),
            "{kinds}"
        );
    }
}

/// An unsigned request object (RFC 9101 §6.1).
fn object(claims: &serde_json::Value) -> String {
    let part = |value: &serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.", part(&json!({ "alg": "none" })), part(claims))
}

#[tokio::test]
async fn request_objects_are_refused_by_name() {
    let server = Server::start().await;
    let portal = server.portal().await;
    let mut zhang = server.browser_of(&ZHANG);
    portal.authorize(&mut zhang).await;
    let evil = object(&json!({
        "client_id": portal.client_id,
        "redirect_uri": "https://evil.test/",
        "state": "theirs",
        "scope": "openid profile",
    }));
    let usual = portal.request();
    let refuses = [
        ("request", evil.as_str(), "request_not_supported"),
        ("request", "nonsense", "request_not_supported"),
        (
            "request_uri",
            "https://evil.test/request.jwt",
            "request_uri_not_supported",
        ),
        (
            "request_uri",
            "urn:ietf:params:oauth:request_uri:x",
            "request_uri_not_supported",
        ),
        ("registration", "{}", "registration_not_supported"),
    ];
    for (name, value, code) in refuses {
        let request = usual.clone().with(name, value);
        // Nothing in it counts: the answer goes where the query says, with the query's state.
        let told = zhang.visit(&request.url()).await;
        assert_redirect_refuses(&told, code);
        assert_eq!(told.returned()["state"], STATE);
        assert!(
            told.departs_to()
                .unwrap()
                .as_str()
                .starts_with(&portal.redirect_uri)
        );
        let posted = zhang.post("/oauth2/authorize", request.parameters()).await;
        assert_redirect_refuses(&posted, code);
        // It does not stand in for what the query leaves out, either.
        let without = |name| -> AuthorizationRequest { request.clone().without(name) };
        let nowhere = zhang.visit(&without("redirect_uri").url()).await;
        assert_page_refuses(&nowhere, "invalid_request");
        let nobody = zhang.visit(&without("client_id").url()).await;
        assert_page_refuses(&nobody, "invalid_request");
        assert_redirect_refuses(&zhang.visit(&without("response_type").url()).await, code);
    }
}
