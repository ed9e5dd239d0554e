//! `prompt` and `max_age` (OpenID Connect Core §3.1.2.1): who must log in again, or decide again.

use serde_json::json;

use crate::support::{
    AuthorizationRequest, Browser, Portal, Server, Tokens, ZHANG, assert_redirect_refuses, minutes,
    seconds,
};

/// A portal that Zhang has entered, ten minutes ago.
async fn entered(metadata: serde_json::Value) -> (Server, Portal, Browser) {
    let server = Server::start().await;
    let portal = Portal::register(&server, &metadata).await;
    let mut zhang = server.browser_of(&ZHANG);
    portal.authorize(&mut zhang).await;
    zhang.asked.clear();
    server.clock.advance(minutes(10));
    (server, portal, zhang)
}

/// The pages that a request leads through, and how long after the login its ID token says that was.
async fn outcome(
    server: &Server,
    portal: &Portal,
    zhang: &mut Browser,
    request: AuthorizationRequest,
) -> (Vec<String>, i64) {
    zhang.asked.clear();
    let answer = zhang.agree(&request.url()).await;
    let tokens = Tokens::of(&portal.redeem(&request.code(&answer)).await);
    let auth_time = tokens.id_claims()["auth_time"].as_i64().unwrap();
    let age = server.ledger.now().as_seconds() - auth_time;
    (std::mem::take(&mut zhang.asked), age)
}

#[tokio::test]
async fn prompt_decides_what_is_shown() {
    let (server, portal, mut zhang) = entered(json!({})).await;
    for (prompt, pages) in [
        ("none", vec![]),
        ("login", vec!["/login"]),
        ("consent", vec!["/consent"]),
        ("select_account", vec!["/login"]),
        ("login consent", vec!["/login", "/consent"]),
        ("consent login select_account", vec!["/login", "/consent"]),
    ] {
        let request = portal.request().with("prompt", prompt);
        let (asked, age) = outcome(&server, &portal, &mut zhang, request).await;
        assert_eq!(asked, pages, "{prompt}");
        if pages.contains(&"/login") {
            assert!(age <= 1, "{prompt}: {age}");
        }
        server.clock.advance(minutes(1));
    }
    for refused in ["none login", "none consent", "create", "Login"] {
        let request = portal.request().with("prompt", refused);
        assert_redirect_refuses(&zhang.visit(&request.url()).await, "invalid_request");
    }
}

#[tokio::test]
async fn prompt_none_shows_nothing_ever() {
    let server = Server::start().await;
    let portal = server.portal().await;
    let mut zhang = server.browser();
    let silent = portal.request().with("prompt", "none");
    assert_redirect_refuses(&zhang.visit(&silent.url()).await, "login_required");
    zhang.login(&ZHANG).await;
    assert_redirect_refuses(&zhang.visit(&silent.url()).await, "consent_required");
    portal.authorize(&mut zhang).await;
    silent.code(&zhang.visit(&silent.url()).await);
    // A login that is too old, consent to less.
    server.clock.advance(seconds(30));
    let fresh = silent.clone().with("max_age", "10");
    assert_redirect_refuses(&zhang.visit(&fresh.url()).await, "login_required");
    let other = server.portal().await;
    let less = other.request();
    less.code(&zhang.agree(&less.url()).await);
    let more = other.full_request().with("prompt", "none");
    assert_redirect_refuses(&zhang.visit(&more.url()).await, "consent_required");
    portal.withdraw_grant_of(&ZHANG).await;
    assert_redirect_refuses(&zhang.visit(&silent.url()).await, "consent_required");
    zhang.logout().await;
    assert_redirect_refuses(&zhang.visit(&silent.url()).await, "login_required");
    assert!(!zhang.cookies.contains_key("__Host-session"));
}

#[tokio::test]
async fn a_login_is_no_older_than_max_age() {
    let (server, portal, mut zhang) = entered(json!({})).await;
    for (max_age, logs_in) in [
        ("10000", false),
        ("700", false),
        ("1", true),
        ("0", true),
        ("99999999999999", false),
    ] {
        let request = portal.request().with("max_age", max_age);
        let (asked, age) = outcome(&server, &portal, &mut zhang, request).await;
        let pages: &[&str] = if logs_in { &["/login"] } else { &[] };
        assert_eq!(asked, pages, "{max_age}");
        if logs_in {
            assert!(age <= 1, "{max_age}: {age}");
        }
        // Zero means now, even right after a login.
        server.clock.advance(seconds(2));
    }
    for refused in ["-1", "+1", "1.5", "soon", "9999999999999999999999"] {
        let request = portal.request().with("max_age", refused);
        assert_redirect_refuses(&zhang.visit(&request.url()).await, "invalid_request");
    }
}

#[tokio::test]
async fn a_clients_default_max_age_holds_when_the_request_has_none() {
    let (server, portal, mut zhang) = entered(json!({ "default_max_age": 60 })).await;
    let longer = portal.request().with("max_age", "10000");
    let (asked, _) = outcome(&server, &portal, &mut zhang, longer).await;
    assert!(asked.is_empty(), "{asked:?}");
    let (asked, _) = outcome(&server, &portal, &mut zhang, portal.request()).await;
    assert_eq!(asked, ["/login"]);
    let (asked, _) = outcome(&server, &portal, &mut zhang, portal.request()).await;
    assert!(asked.is_empty(), "{asked:?}");
}

#[tokio::test]
async fn consent_asked_again_is_asked_once() {
    let (_server, portal, mut zhang) = entered(json!({})).await;
    let request = portal.request().with("prompt", "consent");
    let page = zhang.visit(&request.url()).await;
    assert_eq!(page.path(), "/consent");
    request.code(&zhang.press(&page, &[], "consent-allow").await);
    // Pressing the button of the page before the last one brings another code, not a loop.
    request.code(&zhang.press(&page, &[], "consent-allow").await);
    // An old decision does not answer a new request.
    assert_eq!(zhang.visit(&request.url()).await.path(), "/consent");
}
