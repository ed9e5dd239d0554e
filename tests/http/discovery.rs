//! `/.well-known/openid-configuration`, `/.well-known/oauth-authorization-server` and
//! `/oauth2/jwks`: what is advertised, and that each value of it works.

use std::str::FromStr as _;

use axum::http::{Method, StatusCode};
use openidconnect::core::{CoreIdToken, CoreIdTokenVerifier, CoreJsonWebKeySet};
use openidconnect::{ClientId, ClientSecret, IssuerUrl, Nonce};
use serde_json::{Value, json};

use crate::support::{
    AuthorizationRequest, ISSUER, NONCE, Portal, Server, Tokens, WANG, ZHANG,
    assert_redirect_refuses, assert_refused, claims_of,
};

async fn document(server: &Server) -> Value {
    server.get("/.well-known/openid-configuration").await.json()
}

fn values(document: &Value, member: &str) -> Vec<String> {
    let listed = document[member].as_array();
    let listed = listed.unwrap_or_else(|| panic!("no {member} in {document}"));
    assert!(!listed.is_empty(), "{member} is empty");
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    listed.iter().map(text).collect()
}

#[tokio::test]
async fn one_document_stands_at_both_addresses() {
    let server = Server::start().await;
    let openid = server.get("/.well-known/openid-configuration").await;
    let oauth = server.get("/.well-known/oauth-authorization-server").await;
    assert_eq!(openid.body, oauth.body);
    for answer in [&openid, &oauth] {
        assert_eq!(answer.status, StatusCode::OK);
        assert_eq!(answer.header("content-type"), Some("application/json"));
        assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
    }
    let document = openid.json();
    assert_eq!(document["issuer"], ISSUER);
    // OpenID Connect Discovery §3: required members.
    for member in [
        "authorization_endpoint",
        "token_endpoint",
        "jwks_uri",
        "response_types_supported",
        "subject_types_supported",
        "id_token_signing_alg_values_supported",
    ] {
        assert!(!document[member].is_null(), "{member}");
    }
    assert!(values(&document, "id_token_signing_alg_values_supported").contains(&"RS256".into()));
    assert!(values(&document, "scopes_supported").contains(&"openid".into()));
    // What cannot be done is not hinted at.
    for absent in [
        "registration_endpoint",
        "check_session_iframe",
        "request_object_signing_alg_values_supported",
        "userinfo_signing_alg_values_supported",
        "pushed_authorization_request_endpoint",
    ] {
        assert!(document[absent].is_null(), "{absent}");
    }
}

#[tokio::test]
async fn every_advertised_endpoint_is_there() {
    let server = Server::start().await;
    let document = document(&server).await;
    let mut browser = server.browser();
    let mut seen = 0;
    for (name, value) in document.as_object().unwrap() {
        if !name.ends_with("_endpoint") && name != "jwks_uri" {
            continue;
        }
        let address = value.as_str().unwrap();
        let path = address.strip_prefix(ISSUER).expect("an address of ours");
        let get = browser.get(path).await;
        let post = browser.send((Method::POST, path), &[], String::new()).await;
        for answer in [get, post] {
            assert_ne!(answer.status, StatusCode::NOT_FOUND, "{name}");
            assert!(!answer.status.is_server_error(), "{name}");
        }
        seen += 1;
    }
    assert_eq!(seen, 7);
}

#[tokio::test]
async fn the_key_set_is_public() {
    let server = Server::start().await;
    server.keys.prepare_next().await.unwrap();
    let answer = server.get("/oauth2/jwks").await;
    assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
    let set = answer.json();
    let keys = set["keys"].as_array().unwrap();
    let mut names: Vec<&str> = Vec::new();
    for key in keys {
        for secret in ["d", "p", "q", "dp", "dq", "qi", "oth", "k"] {
            assert!(key[secret].is_null(), "{secret} in {key}");
        }
        assert_eq!(key["use"], "sig");
        assert!(key["alg"].is_string());
        names.push(key["kid"].as_str().unwrap());
    }
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), keys.len(), "no two keys of one name");
    // Published ahead of their first use: after a rotation, the keys in use were there before.
    server.keys.rotate().await.unwrap();
    let portal = server.portal().await;
    let tokens = portal.tokens(&mut server.browser_of(&ZHANG)).await;
    for token in [tokens.access, tokens.id.unwrap()] {
        let header = token.split('.').next().unwrap().to_owned();
        let name = claims_of(&format!(".{header}."))["kid"].clone();
        assert!(names.contains(&name.as_str().unwrap()), "{name}");
    }
}

#[tokio::test]
async fn every_advertised_algorithm_signs_id_tokens_that_others_verify() {
    let server = Server::start().await;
    let document = document(&server).await;
    let set = server.get("/oauth2/jwks").await;
    let mut zhang = server.browser_of(&ZHANG);
    for name in values(&document, "id_token_signing_alg_values_supported") {
        let metadata = json!({ "id_token_signed_response_alg": name });
        let portal = Portal::register(&server, &metadata).await;
        let tokens = portal.tokens(&mut zhang).await;
        // By software of others: signature, issuer, audience, expiry, nonce.
        let keys: CoreJsonWebKeySet = serde_json::from_slice(&set.body).unwrap();
        let now = chrono::DateTime::from_timestamp(server.ledger.now().as_seconds(), 0).unwrap();
        let verifier = CoreIdTokenVerifier::new_confidential_client(
            ClientId::new(portal.client_id.clone()),
            ClientSecret::new(portal.client_secret.clone().unwrap()),
            IssuerUrl::new(ISSUER.to_owned()).unwrap(),
            keys,
        )
        .set_allowed_algs([serde_json::from_value(json!(name)).unwrap()])
        .set_time_fn(move || now);
        let token = CoreIdToken::from_str(tokens.id.as_deref().unwrap()).unwrap();
        let claims = token.claims(&verifier, &Nonce::new(NONCE.to_owned()));
        claims.unwrap_or_else(|error| panic!("{name}: {error}"));
    }
}

#[tokio::test]
async fn every_advertised_grant_type_gives_tokens() {
    let server = Server::start().await;
    let document = document(&server).await;
    let grants = values(&document, "grant_types_supported");
    let portal = Portal::register(&server, &json!({ "grant_types": grants })).await;
    let tokens = portal.tokens(&mut server.browser_of(&ZHANG)).await;
    for grant in grants {
        let answer = match grant.as_str() {
            // Just done.
            "authorization_code" => continue,
            "refresh_token" => portal.refresh(tokens.refresh()).await,
            other => portal.call("/oauth2/token", &[("grant_type", other)]).await,
        };
        let tokens = Tokens::of(&answer);
        assert!(portal.is_active(&tokens.access).await, "{grant}");
    }
}

#[tokio::test]
async fn every_advertised_authentication_method_is_taken() {
    let server = Server::start().await;
    let document = document(&server).await;
    let mut zhang = server.browser_of(&ZHANG);
    for method in values(&document, "token_endpoint_auth_methods_supported") {
        let metadata = json!({ "token_endpoint_auth_method": method });
        let portal = Portal::register(&server, &metadata).await;
        let tokens = portal.tokens(&mut zhang).await;
        let introspects = values(&document, "introspection_endpoint_auth_methods_supported");
        if introspects.contains(&method) {
            assert!(portal.is_active(&tokens.access).await, "{method}");
        } else {
            assert_refused(&portal.introspect(&tokens.access).await, "invalid_client");
        }
        assert!(values(&document, "revocation_endpoint_auth_methods_supported").contains(&method));
        assert_eq!(portal.revoke(&tokens.access).await.status, StatusCode::OK);
        assert_eq!(
            portal.userinfo(&tokens.access).await.status,
            StatusCode::UNAUTHORIZED
        );
    }
}

#[tokio::test]
async fn every_advertised_request_value_is_acted_on() {
    let server = Server::start().await;
    let document = document(&server).await;
    let portal = server.portal().await;
    let mut zhang = server.browser_of(&ZHANG);
    portal.authorize(&mut zhang).await;
    let usual = || portal.request();
    let goes_through = |member: &'static str, name: &'static str| {
        let requests: Vec<AuthorizationRequest> = values(&document, member)
            .iter()
            .map(|value| usual().with(name, value))
            .collect();
        requests
    };
    let mut requests = goes_through("response_types_supported", "response_type");
    requests.extend(goes_through("response_modes_supported", "response_mode"));
    requests.extend(goes_through("prompt_values_supported", "prompt"));
    requests.extend(goes_through("display_values_supported", "display"));
    requests.extend(goes_through("acr_values_supported", "acr_values"));
    requests.extend(goes_through("ui_locales_supported", "ui_locales"));
    requests.extend(goes_through(
        "code_challenge_methods_supported",
        "code_challenge_method",
    ));
    for scope in values(&document, "scopes_supported") {
        requests.push(usual().with("scope", &format!("openid {scope}")));
    }
    for request in requests {
        let code = portal.authorize_with(&mut zhang, &request).await;
        Tokens::of(&portal.redeem(&code).await);
    }
    // Each language is the one of the page.
    for tag in values(&document, "ui_locales_supported") {
        let request = usual().with("prompt", "login").with("ui_locales", &tag);
        let page = zhang.visit(&request.url()).await.page();
        assert_eq!(page.language(), tag);
    }
    // Pairwise and public subjects differ, and both are given.
    for kind in values(&document, "subject_types_supported") {
        let portal = Portal::register(&server, &json!({ "subject_type": kind })).await;
        assert!(portal.tokens(&mut zhang).await.id_claims()["sub"].is_string());
    }
    // What is promised here is kept in `backchannel_logout`.
    assert_eq!(document["backchannel_logout_supported"], true);
    assert_eq!(document["backchannel_logout_session_supported"], true);
    assert_eq!(document["claims_parameter_supported"], true);
    assert_eq!(
        document["authorization_response_iss_parameter_supported"],
        true
    );
    for (member, parameter, code) in [
        (
            "request_parameter_supported",
            "request",
            "request_not_supported",
        ),
        (
            "request_uri_parameter_supported",
            "request_uri",
            "request_uri_not_supported",
        ),
    ] {
        assert_eq!(document[member], false);
        let answer = zhang.visit(&usual().with(parameter, "x").url()).await;
        assert_redirect_refuses(&answer, code);
    }
}

fn demanding(portal: &Portal, acr: &str) -> AuthorizationRequest {
    let claims = json!({ "id_token": { "acr": { "essential": true, "value": acr } } });
    portal.request().with("claims", &claims.to_string())
}

#[tokio::test]
async fn every_advertised_acr_can_be_had() {
    let server = Server::start().await;
    let document = document(&server).await;
    let portal = server.portal().await;
    // Proven in person: whoever cannot have a level, nobody can.
    let mut wang = server.browser_of(&WANG);
    for acr in values(&document, "acr_values_supported") {
        let tokens = portal
            .tokens_with(&mut wang, &demanding(&portal, &acr))
            .await;
        assert_eq!(tokens.id_claims()["acr"], acr.as_str());
    }
    // What is not advertised is not had: passwords are all there is so far.
    let answer = wang
        .agree(&demanding(&portal, "urn:tongxing:aal:2").url())
        .await;
    assert_redirect_refuses(&answer, "unmet_authentication_requirements");
}

#[tokio::test]
async fn every_advertised_claim_is_released() {
    let server = Server::start().await;
    let document = document(&server).await;
    let portal = server.portal().await;
    let mut zhang = server.browser_of(&ZHANG);
    let tokens = portal.tokens(&mut zhang).await;
    let (id, access) = (tokens.id_claims(), claims_of(&tokens.access));
    let userinfo = portal.userinfo(&tokens.access).await.json();
    for claim in values(&document, "claims_supported") {
        let given = [&id, &access, &userinfo]
            .into_iter()
            .any(|claims| !claims[&claim].is_null());
        assert!(given, "{claim}");
    }
    assert_eq!(values(&document, "claim_types_supported"), ["normal"]);
}
