//! `/oauth2/authorize`: what a request asks for is what happens.

mod claims;
mod freshness;

use axum::http::StatusCode;
use serde_json::json;

use crate::support::{
    ISSUER, LI, NONCE, Portal, STATE, Server, Tokens, ZHANG, assert_page_refuses,
    assert_redirect_refuses, claims_of,
};

#[tokio::test]
async fn a_resident_enters_a_portal_and_then_a_second_one() {
    let server = Server::start().await;
    let (first, second) = (server.portal().await, server.portal().await);
    let mut zhang = server.browser_of(&ZHANG);
    let tokens = first.tokens(&mut zhang).await;
    assert_eq!(zhang.asked, ["/login", "/consent"]);
    let id = tokens.id_claims();
    assert_eq!(id["iss"], ISSUER);
    assert_eq!(id["aud"], first.client_id.as_str());
    assert_eq!(id["nonce"], NONCE);
    assert_eq!(id["amr"], json!(["pwd"]));
    let claims = first.userinfo(&tokens.access).await.json();
    assert_eq!(claims["name"], ZHANG.name);
    assert_eq!(claims["sub"], id["sub"]);
    // No login any more, and nobody can tell that it is the same resident.
    zhang.asked.clear();
    let elsewhere = second.tokens(&mut zhang).await.id_claims();
    assert_eq!(zhang.asked, ["/consent"]);
    assert_ne!(elsewhere["sub"], id["sub"]);
    assert_ne!(elsewhere["sid"], id["sid"]);
    // From now on, nothing is asked.
    zhang.asked.clear();
    assert_eq!(first.tokens(&mut zhang).await.id_claims()["sub"], id["sub"]);
    assert!(zhang.asked.is_empty());
}

#[tokio::test]
async fn a_request_may_be_posted() {
    let server = Server::start().await;
    let portal = server.portal().await;
    let mut zhang = server.browser_of(&ZHANG);
    let request = portal.request();
    // A form on a portal's page brings no cookies of ours along: the GET that follows does.
    let posted = zhang.post("/oauth2/authorize", request.parameters()).await;
    assert_eq!(posted.status, StatusCode::SEE_OTHER);
    // Its hints are personal, so none of it stands in an address.
    let detour = posted.location().unwrap();
    assert!(!detour.as_str().contains(&portal.client_id), "{detour}");
    let page = zhang.follow(posted).await;
    request.code(&zhang.agree_from(page).await);
    // With cookies, it is answered at once.
    let posted = zhang.post("/oauth2/authorize", request.parameters()).await;
    Tokens::of(&portal.redeem(&request.code(&posted)).await);
    // Without cookies but logged in, the detour finds the login.
    let mut foreign = server.browser();
    let posted = foreign
        .post("/oauth2/authorize", request.parameters())
        .await;
    let detour = zhang.follow(posted).await;
    request.code(&detour);
    // Too long for an address: answered where it is.
    let long = request.clone().with("unknown_parameter", &"x".repeat(8000));
    let mut stranger = server.browser_of(&ZHANG);
    let posted = stranger.post("/oauth2/authorize", long.parameters()).await;
    let page = stranger.follow(posted).await;
    assert_eq!(page.path(), "/login");
    request.code(&stranger.agree_from(page).await);
    // Faults are told the same way.
    let bad = request.clone().with("scope", "nonsense");
    let posted = zhang.post("/oauth2/authorize", bad.parameters()).await;
    assert_redirect_refuses(&posted, "invalid_scope");
    let bad = request.with("redirect_uri", "https://evil.test/");
    let posted = zhang.post("/oauth2/authorize", bad.parameters()).await;
    assert_page_refuses(&posted, "redirect_uri_mismatch");
}

#[tokio::test]
async fn what_is_unknown_or_a_wish_is_no_error() {
    let server = Server::start().await;
    let portal = server.portal().await;
    let mut zhang = server.browser_of(&ZHANG);
    portal.authorize(&mut zhang).await;
    let usual = || portal.request();
    for request in [
        usual().with("unknown_parameter", "x"),
        usual().with("display", "hologram"),
        usual().with("ui_locales", "tlh fr-CA !!"),
        usual().with("claims_locales", "fr"),
        usual().with("acr_values", "urn:mace:incommon:iap:silver 0"),
        usual().with("login_hint", "somebody@elsewhere.example"),
        usual().with("login_hint", &"x".repeat(1000)),
        usual().with("id_token_hint", ""),
        usual().with("prompt", ""),
        usual().with("max_age", ""),
        usual().with("scope", "openid something_unknown"),
        usual().with("scope", "  openid   openid "),
        usual().with("nonce", &"n".repeat(256)),
        usual().without("nonce"),
        usual().without("state"),
    ] {
        let code = portal.authorize_with(&mut zhang, &request).await;
        Tokens::of(&portal.redeem(&code).await);
    }
}

#[tokio::test]
async fn an_error_page_speaks_the_language_the_portal_asked_for() {
    let server = Server::start().await;
    let portal = server.portal().await;
    let mut browser = server.browser();
    for language in ["zh-CN", "en"] {
        let request = portal.request().with("client_id", "nobody");
        let answer = browser
            .visit(&request.with("ui_locales", language).url())
            .await;
        assert_page_refuses(&answer, "unknown_client");
        assert_eq!(answer.page().language(), language);
        // Whoever wrote the portal's software looks this up: one sentence, whatever the language.
        let sentence = "the client is not registered here";
        assert_eq!(answer.page().text_of("error-description"), sentence);
    }
}

#[tokio::test]
async fn state_and_nonce_come_back_as_they_were() {
    let server = Server::start().await;
    let portal = server.portal().await;
    let mut zhang = server.browser_of(&ZHANG);
    let long = "s".repeat(2048);
    for state in [
        long.as_str(),
        "a b+c%20&d=e#f",
        "状态 \u{1F600}",
        "<script>",
    ] {
        let request = portal.request().with("state", state).with("nonce", "号码");
        let answer = zhang.agree(&request.url()).await;
        assert_eq!(answer.returned()["state"], state);
        let tokens = Tokens::of(&portal.redeem(&request.code(&answer)).await);
        assert_eq!(tokens.id_claims()["nonce"], "号码");
    }
    let answer = zhang.agree(&portal.request().without("state").url()).await;
    assert!(!answer.returned().contains_key("state"));
    // What cannot be sent back whole is not sent back cut.
    let too_long = portal.request().with("state", &"s".repeat(2049));
    assert_page_refuses(&zhang.visit(&too_long.url()).await, "invalid_request");
    let too_long = portal.request().with("nonce", &"n".repeat(257));
    assert_redirect_refuses(&zhang.visit(&too_long.url()).await, "invalid_request");
}

#[tokio::test]
async fn a_scope_is_what_was_asked_and_registered() {
    let server = Server::start().await;
    let plain = json!({ "grant_types": ["authorization_code"], "scope": "openid offline_access" });
    let portal = Portal::register(&server, &plain).await;
    let mut zhang = server.browser_of(&ZHANG);
    // Registered for no refresh tokens: the wish for one is ignored (Core §11).
    let tokens = portal.tokens(&mut zhang).await;
    assert_eq!(tokens.refresh, None);
    assert_eq!(tokens.response["scope"], "openid");
    // One that exists but is not this client's.
    let request = portal.request().with("scope", "openid profile");
    assert_redirect_refuses(&zhang.visit(&request.url()).await, "invalid_scope");
    let request = portal.request().without("scope");
    assert_redirect_refuses(&zhang.visit(&request.url()).await, "invalid_scope");
    // Without `openid` it is OAuth alone: no ID token.
    let portal = server.portal().await;
    let request = portal.request().with("scope", "profile");
    let tokens = portal.tokens_with(&mut zhang, &request).await;
    assert_eq!(tokens.id, None);
    assert_eq!(claims_of(&tokens.access)["scope"], "profile");
}

#[tokio::test]
async fn a_login_hint_is_in_the_form() {
    let server = Server::start().await;
    let portal = server.portal().await;
    let mut browser = server.browser();
    for hint in ["+86 138 0000 0001", "13800000001"] {
        let answer = browser
            .visit(&portal.request().with("login_hint", hint).url())
            .await;
        // Not in the address: that is in histories and logs.
        assert!(
            !answer.url.as_str().contains("13800000001"),
            "{}",
            answer.url
        );
        assert!(!answer.url.as_str().contains("0000+0001"), "{}", answer.url);
        assert_eq!(
            answer.page().find("username").unwrap().attribute("value"),
            Some(hint)
        );
    }
    for odd in ["a\u{0}b", "a\nb"] {
        let answer = browser
            .visit(&portal.request().with("login_hint", odd).url())
            .await;
        if odd.contains('\u{0}') {
            assert_page_refuses(&answer, "invalid_request");
        } else {
            let page = answer.page();
            assert_eq!(page.find("username").unwrap().attribute("value"), Some(""));
        }
    }
}

#[tokio::test]
async fn a_hint_says_who_is_expected() {
    let server = Server::start().await;
    let portal = server.portal().await;
    let mut browser = server.browser_of(&ZHANG);
    let zhangs = portal.tokens(&mut browser).await.id.unwrap();
    let lis = portal.tokens(&mut server.browser_of(&LI)).await.id.unwrap();
    let silent = |hint: &str| {
        let request = portal.request().with("prompt", "none");
        request.with("id_token_hint", hint)
    };
    let answer = browser.visit(&silent(&zhangs).url()).await;
    assert_eq!(answer.returned()["state"], STATE);
    portal.request().code(&answer);
    let answer = browser.visit(&silent(&lis).url()).await;
    assert_redirect_refuses(&answer, "login_required");
    // A hint may be old.
    server.clock.advance(crate::support::minutes(60));
    portal
        .request()
        .code(&browser.visit(&silent(&zhangs).url()).await);
    // With pages allowed, the one who is expected may log in; another may not pass for them.
    let request = portal.request().with("id_token_hint", &lis);
    let page = browser.visit(&request.url()).await;
    assert_eq!(page.path(), "/login");
    let answer = browser.log_in_here(&page).await;
    assert_redirect_refuses(&answer, "login_required");
    let page = browser.visit(&request.url()).await;
    browser.belongs_to(&LI);
    let answer = browser.log_in_here(&page).await;
    let tokens = Tokens::of(&portal.redeem(&request.code(&answer)).await);
    assert_eq!(tokens.id_claims()["sub"], claims_of(&lis)["sub"]);
}

/// One write for each login at a portal: the redemption of its code.
#[tokio::test]
async fn a_request_writes_nothing_until_its_code_is_redeemed() {
    let server = Server::start().await;
    let portal = server.portal().await;
    let mut zhang = server.browser_of(&ZHANG);
    // Requests that come to nothing.
    let before = server.database_digest();
    for request in [
        portal.request(),
        portal.request().with("prompt", "none"),
        portal.request().with("scope", "nonsense"),
        portal.request().with("redirect_uri", "https://evil.test/"),
        portal.request().with("client_id", "nobody"),
    ] {
        zhang.visit(&request.url()).await;
    }
    assert_eq!(server.database_digest(), before);
    // A login and a decision are records; then a request that they answer.
    portal.tokens(&mut zhang).await;
    let before = server.database_digest();
    let code = portal.authorize(&mut zhang).await;
    zhang
        .visit(&portal.request().with("prompt", "login").url())
        .await;
    zhang
        .visit(&portal.request().with("prompt", "consent").url())
        .await;
    assert_eq!(server.database_digest(), before);
    Tokens::of(&portal.redeem(&code).await);
    assert_ne!(server.database_digest(), before);
}
