//! What an operator takes away, and what strangers try to take: both as seen from outside.

use axum::http::Method;
use axum::http::header::SET_COOKIE;
use serde_json::json;
use tongxing::domain::client::ClientStatus;
use tongxing::protocol::client_metadata::raw::RawClientMetadata;

use crate::support::{
    Server, Tokens, ZHANG, assert_page_refuses, assert_refused, operation, seconds, tweaked,
};

/// A code outlives the change by less than a minute, what it buys by a month.
#[tokio::test]
async fn a_scope_that_is_taken_away_is_bought_by_no_code_under_way() {
    let server = Server::start().await;
    let portal = server.portal().await;
    let claims = json!({"id_token": {"phone_number": null}}).to_string();
    let request = portal.full_request().with("claims", &claims);
    let mut zhang = server.browser_of(&ZHANG);
    let code = portal.authorize_with(&mut zhang, &request).await;
    portal.update(&json!({"scope": "openid profile"})).await;
    let tokens = Tokens::of(&portal.redeem(&code).await);
    assert_eq!(tokens.response["scope"], "openid profile");
    assert!(tokens.refresh.is_none());
    assert!(tokens.id_claims().get("phone_number").is_none());
}

#[tokio::test]
async fn a_redirect_uri_that_is_taken_away_gets_no_code_of_a_login_under_way() {
    let server = Server::start().await;
    let portal = server.portal().await;
    let mut zhang = server.browser_of(&ZHANG);
    let page = zhang.visit(&portal.request().url()).await;
    let other = portal.redirect_uri.replace("callback", "elsewhere");
    portal.update(&json!({"redirect_uris": [other]})).await;
    let answer = zhang.log_in_here(&page).await;
    assert_page_refuses(&answer, "unknown_client");
}

/// DESIGN §3: subjects are pairwise per sector, and the sector is fixed at registration.
#[tokio::test]
async fn a_portal_cannot_be_moved_to_another_sector() {
    let server = Server::start().await;
    let portal = server.portal().await;
    let moved = json!({"redirect_uris": ["https://neighbour.example/callback"]});
    let public = json!({"subject_type": "public"});
    for change in [moved, public] {
        let raw = tweaked(portal.metadata.clone(), &change).to_string();
        let raw = RawClientMetadata::from_json(raw.as_bytes()).expect("metadata");
        let (provider, fetcher) = (&server.provider, &server.fetcher);
        let refused = provider.update_client(portal.id(), raw, fetcher, operation());
        let error = refused.await.err().expect("a refusal").to_string();
        assert!(error.contains("sector"), "{error}");
    }
}

/// A form on a foreign page brings no cookie (SameSite=Lax), and is too long to become a GET.
#[tokio::test]
async fn a_foreign_form_takes_no_login_away() {
    let server = Server::start().await;
    let mut stranger = server.browser();
    let body = format!("x={}", "a".repeat(7000));
    for path in ["/oauth2/end_session", "/oauth2/end_session?x=y"] {
        let sent = stranger.send((Method::POST, path), &[], body.clone());
        let answer = sent.await;
        assert!(answer.headers.get(SET_COOKIE).is_none(), "{path}");
    }
}

/// Only hashing holds back who tries passwords: what is not hashed must cost nothing either.
#[tokio::test]
async fn a_password_that_is_nobodys_fills_no_log() {
    let server = Server::start().await;
    let mut browser = server.browser();
    let page = browser.visit("/login").await;
    let before = server.recorded("login_failed").await;
    let answer = browser.type_in(&page, ZHANG.phone, &"x".repeat(1025)).await;
    assert!(answer.page().has("login-submit"));
    assert_eq!(server.recorded("login_failed").await, before);
    browser.type_in(&page, ZHANG.phone, "x").await;
    assert_eq!(server.recorded("login_failed").await, before + 1);
}

#[tokio::test]
async fn the_right_password_of_a_frozen_account_is_recorded() {
    let server = Server::start().await;
    server.freeze(&ZHANG).await;
    let mut browser = server.browser();
    let page = browser.visit("/login").await;
    let before = server.recorded("login_failed").await;
    let answer = browser.type_in(&page, ZHANG.phone, ZHANG.password).await;
    assert!(answer.page().has("login-submit"));
    assert_eq!(server.recorded("login_failed").await, before + 1);
}

/// DESIGN §2: a suspension holds at our own endpoints, for tokens that are out already too.
#[tokio::test]
async fn a_suspended_portal_learns_nothing_by_the_tokens_it_has() {
    let server = Server::start().await;
    let portal = server.portal().await;
    let tokens = portal.tokens(&mut server.browser_of(&ZHANG)).await;
    assert!(portal.userinfo(&tokens.access).await.status.is_success());
    portal.suspend().await;
    let answer = portal.userinfo(&tokens.access).await;
    assert_refused(&answer, "invalid_token");
    assert!(!answer.text().contains(ZHANG.name));
    portal.becomes(ClientStatus::Active).await;
    assert!(portal.userinfo(&tokens.access).await.status.is_success());
}

/// Attack case 32, after GHSA-895x-rfqp-jh5c.
#[tokio::test]
async fn a_scope_that_is_taken_away_leaves_with_no_old_token() {
    let server = Server::start().await;
    let portal = server.portal().await;
    let mut zhang = server.browser_of(&ZHANG);
    let claims = json!({"userinfo": {"phone_number": null}, "id_token": {"phone_number": null}});
    let request = portal.full_request().with("claims", &claims.to_string());
    let tokens = portal.tokens_with(&mut zhang, &request).await;
    let code = portal.authorize_with(&mut zhang, &request).await;

    portal
        .update(&json!({"scope": "openid profile offline_access"}))
        .await;
    let known = portal.userinfo(&tokens.access).await.json();
    assert_eq!(known["name"], ZHANG.name);
    assert!(known.get("phone_number").is_none(), "{known}");
    for tokens in [
        Tokens::of(&portal.refresh(tokens.refresh()).await),
        Tokens::of(&portal.redeem(&code).await),
    ] {
        assert_eq!(tokens.response["scope"], "offline_access openid profile");
        assert!(tokens.id_claims().get("phone_number").is_none());
    }

    portal.update(&json!({"scope": "openid profile"})).await;
    assert_refused(&portal.refresh(tokens.refresh()).await, "invalid_grant");
}

/// What was ended by a freeze stays ended, whoever holds it.
#[tokio::test]
async fn what_a_freeze_ended_stays_ended_when_it_is_lifted() {
    let server = Server::start().await;
    let portal = server.portal().await;
    let mut zhang = server.browser_of(&ZHANG);
    let tokens = portal.tokens(&mut zhang).await;
    server.freeze(&ZHANG).await;
    server.unfreeze(&ZHANG).await;
    assert_refused(&portal.refresh(tokens.refresh()).await, "invalid_grant");
    assert!(!portal.is_active(&tokens.access).await);
    let page = zhang.visit(&portal.request().url()).await;
    assert_eq!(page.path(), "/login");
}

/// `offline_access` outlives the login (OpenID Connect Core §11), and its tokens are good at once.
#[tokio::test]
async fn tokens_refreshed_after_a_logout_count() {
    let server = Server::start().await;
    let portal = server.portal().await;
    let mut zhang = server.browser_of(&ZHANG);
    let tokens = portal.tokens(&mut zhang).await;
    zhang.logout().await;
    assert!(!portal.is_active(&tokens.access).await);
    server.clock.advance(seconds(10));
    let later = Tokens::of(&portal.refresh(tokens.refresh()).await);
    assert!(portal.is_active(&later.access).await);
    assert!(!portal.is_active(&tokens.access).await);
}

#[tokio::test]
async fn an_address_that_nobody_serves_leads_to_no_other_host() {
    let server = Server::start().await;
    for path in ["//evil.test/x", "///evil.test", "//evil.test"] {
        let answer = server.get(path).await;
        let page = answer.page();
        let links = page.all("a").filter_map(|link| link.attribute("href"));
        for link in links {
            assert!(!link.starts_with("//"), "{link}");
        }
    }
}
