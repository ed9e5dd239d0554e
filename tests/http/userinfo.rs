//! `/oauth2/userinfo`.

use std::collections::BTreeSet;

use axum::http::Method;
use axum::http::header::AUTHORIZATION;
use serde_json::{Value, json};

use crate::support::{Server, ZHANG, seconds};

fn names(value: &Value) -> BTreeSet<&str> {
    let members = value.as_object().expect("an object");
    members.keys().map(String::as_str).collect()
}

/// OpenID Connect Core §5.3.1.
#[tokio::test]
async fn claims_are_fetched_by_get_and_by_post() {
    let server = Server::start().await;
    let portal = server.portal().await;
    let token = portal.tokens(&mut server.browser_of(&ZHANG)).await.access;
    let path = "/oauth2/userinfo";
    let bearer = format!("Bearer {token}");
    let lower = format!("bearer {token}");
    let form = [("access_token", &*token)];
    let got = portal.userinfo(&token).await;
    assert_eq!(got.header("content-type"), Some("application/json"));
    assert_eq!(got.header("cache-control"), Some("no-store"));
    let mut browser = server.browser();
    let bare = browser
        .send(
            (Method::POST, path),
            &[(AUTHORIZATION, &bearer)],
            String::new(),
        )
        .await;
    for answer in [
        portal.post(path, Some(&bearer), &[]).await,
        portal.post(path, Some(&lower), &[("x", "y")]).await,
        portal.post(path, None, &form).await,
        bare,
    ] {
        assert_eq!(answer.json(), got.json());
    }
    assert_eq!(got.json()["name"], ZHANG.name);
    assert_eq!(got.json()["phone_number"], ZHANG.phone);
    assert_eq!(got.json()["phone_number_verified"], true);
}

/// OpenID Connect Core §5.4.
#[tokio::test]
async fn each_scope_clears_its_own_claims() {
    let server = Server::start().await;
    let portal = server.portal().await;
    let mut zhang = server.browser_of(&ZHANG);
    for (scope, expected) in [
        ("openid", vec!["sub"]),
        ("openid profile", vec!["name", "sub"]),
        (
            "openid phone",
            vec!["phone_number", "phone_number_verified", "sub"],
        ),
        ("openid email", vec!["email", "email_verified", "sub"]),
        ("openid offline_access", vec!["sub"]),
    ] {
        let request = portal.request().with("scope", scope);
        let tokens = portal.tokens_with(&mut zhang, &request).await;
        let claims = portal.userinfo(&tokens.access).await.json();
        assert_eq!(names(&claims), expected.into_iter().collect(), "{scope}");
        assert_eq!(claims["sub"], tokens.id_claims()["sub"]);
        assert!(!claims.to_string().contains(ZHANG.document_number));
    }
}

/// OpenID Connect Core §5.5.
#[tokio::test]
async fn a_claim_asked_for_by_itself_is_there_alone() {
    let server = Server::start().await;
    let portal = server.portal().await;
    let claims = json!({ "userinfo": { "phone_number": { "essential": true } } });
    let request = portal.request().with("claims", &claims.to_string());
    let tokens = portal
        .tokens_with(&mut server.browser_of(&ZHANG), &request)
        .await;
    let told = portal.userinfo(&tokens.access).await.json();
    assert_eq!(names(&told), BTreeSet::from(["phone_number", "sub"]));
    assert_eq!(tokens.id_claims()["phone_number"], Value::Null);
}

/// RFC 6750 §3.
#[tokio::test]
async fn a_refusal_is_a_challenge() {
    let server = Server::start().await;
    let portal = server.portal().await;
    let silent = server.get("/oauth2/userinfo").await;
    assert_eq!(silent.status, 401);
    assert_eq!(silent.header("www-authenticate"), Some("Bearer"));
    let tokens = portal.tokens(&mut server.browser_of(&ZHANG)).await;
    assert_eq!(portal.userinfo(&tokens.access).await.status, 200);
    server.clock.advance(seconds(299));
    assert_eq!(portal.userinfo(&tokens.access).await.status, 200);
    server.clock.advance(seconds(1));
    let expired = portal.userinfo(&tokens.access).await;
    assert_eq!(expired.status, 401);
    let challenge = expired.header("www-authenticate").expect("a challenge");
    assert!(
        challenge.starts_with("Bearer error=\"invalid_token\""),
        "{challenge}"
    );
    assert_eq!(expired.json()["error"], "invalid_token");
}

#[tokio::test]
async fn a_token_ends_at_once_with_what_it_rests_on() {
    let server = Server::start().await;
    let portal = server.portal().await;
    let mut zhang = server.browser_of(&ZHANG);
    for way in ["logout", "withdrawal", "freeze"] {
        let tokens = portal.tokens(&mut zhang).await;
        let other = portal.tokens(&mut server.browser_of(&ZHANG)).await;
        assert_eq!(portal.userinfo(&tokens.access).await.status, 200);
        match way {
            "logout" => zhang.logout().await,
            "withdrawal" => portal.withdraw_grant_of(&ZHANG).await,
            _ => server.freeze(&ZHANG).await,
        }
        assert_eq!(portal.userinfo(&tokens.access).await.status, 401, "{way}");
        // A logout ends one login, the others end all that speaks for the resident here.
        let expected = if way == "logout" { 200 } else { 401 };
        assert_eq!(
            portal.userinfo(&other.access).await.status,
            expected,
            "{way}"
        );
    }
}
