//! Logins: whose they are, how fresh, and that they end.

use axum::http::{HeaderName, Method};
use serde_json::json;

use crate::support::{
    Answer, Browser, LI, Portal, Server, Tokens, ZHANG, assert_page_refuses,
    assert_redirect_refuses, seconds,
};

const SESSION: &str = "__Host-session";
const BROWSER: &str = "__Host-browser";

/// The form of a page, sent from another browser or with other fields.
async fn send(browser: &mut Browser, page: &Answer, fields: &[(String, String)]) -> Answer {
    let action = page.url.join(page.page().action()).expect("a URL");
    browser.post(action.as_str(), fields).await
}

/// The fields of the login page, filled in.
fn login_fields(page: &Answer) -> Vec<(String, String)> {
    let filled = [("username", ZHANG.phone), ("password", ZHANG.password)];
    page.page().fields(&filled, "login-submit")
}

/// Fields with another value of one.
fn with(fields: &[(String, String)], name: &str, value: &str) -> Vec<(String, String)> {
    let mut fields = fields.to_vec();
    for field in &mut fields {
        if field.0 == name {
            value.clone_into(&mut field.1);
        }
    }
    fields
}

fn csrf_of(page: &Answer, button: &str) -> String {
    let fields = page.page().fields(&[], button);
    let found = fields.into_iter().find(|(name, _)| name == "csrf");
    found.expect("a token").1
}

/// Case 42: the attacker begins, the victim is to finish; and the other way round.
#[tokio::test]
async fn an_interaction_is_bound_to_its_browser() {
    let server = Server::start().await;
    let portal = server.portal().await;
    let mut attacker = server.browser_of(&LI);
    let begun = attacker.visit(&portal.full_request().url()).await;
    assert_eq!(begun.path(), "/login");
    let mut victim = server.browser();
    victim.login(&ZHANG).await;
    for mut browser in [victim.clone(), server.browser()] {
        let link = begun.url.as_str();
        assert_page_refuses(&browser.visit(link).await, "wrong_browser");
        let answer = send(&mut browser, &begun, &login_fields(&begun)).await;
        assert_page_refuses(&answer, "wrong_browser");
        // Nor is it the victim's to decide.
        let consent = link.replace("/login", "/consent");
        assert_page_refuses(&browser.visit(&consent).await, "wrong_browser");
        let decided = [("decision", "allow"), ("csrf", "x")];
        let answer = browser.post(&consent, &decided).await;
        assert_page_refuses(&answer, "wrong_browser");
    }
    // What the victim does in time brings nothing to the one who began.
    let answer = attacker.get(begun.url.as_str()).await;
    assert_eq!(answer.path(), "/login");
    assert!(answer.page().has("login-submit"));
    // A consent page of the victim's is not the attacker's to press.
    let asked = victim.visit(&portal.full_request().url()).await;
    assert_eq!(asked.path(), "/consent");
    attacker.login(&LI).await;
    let allow = asked.page().fields(&[], "consent-allow");
    let answer = send(&mut attacker, &asked, &allow).await;
    assert_page_refuses(&answer, "wrong_browser");
    // Too late is too late, in the right browser too.
    server.clock.advance(seconds(601));
    assert_page_refuses(
        &victim.visit(asked.url.as_str()).await,
        "interaction_expired",
    );
}

/// Case 42: a cookie that an attacker knew before the login is worth nothing after it.
#[tokio::test]
async fn login_changes_the_session_cookie() {
    let server = Server::start().await;
    let portal = server.portal().await;
    let mut zhang = server.browser();
    zhang.login(&ZHANG).await;
    let mut thief = zhang.clone();
    let before = zhang.cookies[SESSION].clone();
    zhang.login(&ZHANG).await;
    assert_ne!(zhang.cookies[SESSION], before);
    let silent = portal.request().with("prompt", "none");
    assert_redirect_refuses(&thief.visit(&silent.url()).await, "login_required");
    // The session itself goes on: its portals know it by the same `sid`.
    let sid = portal.tokens(&mut zhang).await.id_claims()["sid"].clone();
    zhang.login(&ZHANG).await;
    assert_eq!(portal.tokens(&mut zhang).await.id_claims()["sid"], sid);
    // An attacker's own login, planted in the victim's browser, ends with the victim's login.
    let mut attacker = server.browser();
    attacker.login(&LI).await;
    let mut victim = server.browser();
    let planted = attacker.cookies[SESSION].clone();
    victim.cookies.insert(SESSION.to_owned(), planted.clone());
    victim.login(&ZHANG).await;
    assert_ne!(victim.cookies[SESSION], planted);
    let answer = attacker.visit(&silent.url()).await;
    assert_redirect_refuses(&answer, "login_required");
    // A made-up cookie is not adopted.
    let mut fresh = server.browser();
    fresh
        .cookies
        .insert(SESSION.to_owned(), "made-up".to_owned());
    fresh.login(&ZHANG).await;
    assert_ne!(fresh.cookies[SESSION], "made-up");
}

/// Every way to send a page's form that is not pressing its button.
async fn forge(
    browser: &Browser,
    page: &Answer,
    button: &str,
    filled: &[(&str, &str)],
    foreign: &[String],
) {
    let good = page.page().fields(filled, button);
    let without: Vec<_> = good
        .iter()
        .filter(|(name, _)| name != "csrf")
        .cloned()
        .collect();
    let mut forged = vec![without, with(&good, "csrf", ""), with(&good, "csrf", "x")];
    forged.extend(foreign.iter().map(|token| with(&good, "csrf", token)));
    for fields in forged {
        let answer = send(&mut browser.clone(), page, &fields).await;
        assert_page_refuses(&answer, "csrf");
    }
    // The right token without its browser.
    let mut robbed = browser.clone();
    robbed.cookies.remove(BROWSER);
    let answer = send(&mut robbed, page, &good).await;
    assert!(answer.status.is_client_error());
    // The right token from another site, were it known there.
    let action = page.url.join(page.page().action()).expect("a URL");
    let body = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(&good)
        .finish();
    for site in ["cross-site", "same-site", "none"] {
        let headers = [(HeaderName::from_static("sec-fetch-site"), site)];
        let to = (Method::POST, action.as_str());
        let answer = browser.clone().send(to, &headers, body.clone()).await;
        assert_page_refuses(&answer, "csrf");
    }
}

/// Case 43.
#[tokio::test]
async fn every_form_needs_its_own_token() {
    let server = Server::start().await;
    let portal = server.portal().await;
    let mut other = server.browser();
    other.login(&LI).await;
    let of_other = csrf_of(&other.visit("/logout").await, "logout-confirm");
    let other_asked = other.visit(&portal.full_request().url()).await;
    let of_others_consent = csrf_of(&other_asked, "consent-allow");

    // Login, alone and for a portal: a victim must not be logged in as the attacker.
    let mut zhang = server.browser_of(&ZHANG);
    let plain = zhang.visit("/login").await;
    let of_plain = csrf_of(&plain, "login-submit");
    let page = zhang.visit(&portal.full_request().url()).await;
    let of_login = csrf_of(&page, "login-submit");
    let filled = [("username", ZHANG.phone), ("password", ZHANG.password)];
    let foreign = [of_other.clone(), of_plain.clone()];
    forge(&zhang, &page, "login-submit", &filled, &foreign).await;
    let foreign = [of_other.clone(), of_login.clone()];
    forge(&zhang, &plain, "login-submit", &filled, &foreign).await;
    assert_eq!(server.recorded("login").await, 1, "nobody but Li logged in");

    // Consent: not by another resident's page, not by the token of another request.
    let asked = zhang.log_in_here(&page).await;
    assert_eq!(asked.path(), "/consent");
    let again = zhang.visit(&portal.request().url()).await;
    let foreign = [
        of_other.clone(),
        of_others_consent,
        of_login,
        csrf_of(&again, "consent-allow"),
    ];
    for button in ["consent-allow", "consent-deny"] {
        forge(&zhang, &asked, button, &[], &foreign).await;
    }
    assert_eq!(server.recorded("consent_given").await, 0);
    assert_eq!(server.recorded("consent_denied").await, 0);

    // Logout: nobody else ends a login.
    let leaving = zhang.visit("/logout").await;
    let foreign = [of_other, of_plain, csrf_of(&asked, "consent-allow")];
    forge(&zhang, &leaving, "logout-confirm", &[], &foreign).await;
    assert_eq!(server.recorded("logout").await, 0);
    assert!(zhang.visit("/").await.page().has("home-logout"));

    // Pressing the buttons works all the while.
    let code = portal.full_request().code(&zhang.agree_from(asked).await);
    Tokens::of(&portal.redeem(&code).await);
    zhang.logout().await;
    assert_eq!(server.recorded("logout").await, 1);
}

/// Case 43: what was shown to one resident, or before the portal changed, is not agreed to.
#[tokio::test]
async fn a_consent_counts_for_who_saw_it_and_what_it_said() {
    let server = Server::start().await;
    let portal = server.portal().await;
    let mut browser = server.browser();
    browser.login(&ZHANG).await;
    let seen_by_zhang = browser.visit(&portal.full_request().url()).await;
    browser.login(&LI).await;
    let answer = browser.press(&seen_by_zhang, &[], "consent-allow").await;
    assert_page_refuses(&answer, "csrf");
    let seen = browser.visit(&portal.full_request().url()).await;
    portal.update(&json!({ "purpose": "Something else" })).await;
    let answer = browser.press(&seen, &[], "consent-allow").await;
    assert_page_refuses(&answer, "csrf");
    assert_eq!(server.recorded("consent_given").await, 0);
}

/// Case 44.
#[tokio::test]
async fn a_demanded_login_cannot_be_skipped() {
    let server = Server::start().await;
    let portal = server.portal().await;
    let mut zhang = server.browser_of(&ZHANG);
    portal.tokens(&mut zhang).await;
    for (name, value) in [
        ("prompt", "login"),
        ("max_age", "5"),
        ("max_age", "0"),
        ("prompt", "select_account"),
    ] {
        server.clock.advance(seconds(6));
        let asked_at = server.clock_seconds();
        let request = portal.full_request().with(name, value);
        let page = zhang.visit(&request.url()).await;
        assert_eq!(page.path(), "/login", "{name}={value}");
        // The pages that come later do not let one past the one that comes first.
        let later = page.url.as_str().replace("/login", "/consent");
        let mut skipping = zhang.clone();
        let answer = skipping.visit(&later).await;
        if answer.path() == "/consent" {
            let answer = skipping.press(&answer, &[], "consent-allow").await;
            assert_eq!(answer.path(), "/login", "{name}={value}");
        } else {
            assert_eq!(answer.path(), "/login");
        }
        // Nor does an address that was edited.
        let mut edited = page.url.to_string();
        let last = edited.pop().expect("a character");
        edited.push(if last == 'A' { 'B' } else { 'A' });
        assert_page_refuses(&skipping.visit(&edited).await, "interaction_expired");
        assert_page_refuses(&skipping.visit("/consent").await, "invalid_request");
        // Logging in does.
        let answer = zhang.log_in_here(&page).await;
        let tokens = Tokens::of(&portal.redeem(&request.code(&answer)).await);
        let auth_time = tokens.id_claims()["auth_time"].as_i64().expect("auth_time");
        assert!(auth_time >= asked_at, "{name}={value}");
    }
}

/// Case 44: `prompt=none` answers from what holds now.
#[tokio::test]
async fn a_silent_request_needs_login_and_consent_as_they_are_now() {
    let server = Server::start().await;
    let portal = server.portal().await;
    let mut zhang = server.browser_of(&ZHANG);
    let silent = portal.full_request().with("prompt", "none");
    assert_redirect_refuses(&zhang.visit(&silent.url()).await, "login_required");
    zhang.login(&ZHANG).await;
    assert_redirect_refuses(&zhang.visit(&silent.url()).await, "consent_required");
    portal.tokens(&mut zhang).await;
    let answer = zhang.visit(&silent.url()).await;
    assert!(answer.returned().contains_key("code"));
    let stale = silent.clone().with("max_age", "0");
    assert_redirect_refuses(&zhang.visit(&stale.url()).await, "login_required");
    portal.withdraw_grant_of(&ZHANG).await;
    assert_redirect_refuses(&zhang.visit(&silent.url()).await, "consent_required");
    portal.tokens(&mut zhang).await;
    portal.update(&json!({ "purpose": "Something else" })).await;
    assert_redirect_refuses(&zhang.visit(&silent.url()).await, "consent_required");
    server.clock.advance(seconds(12 * 3600));
    assert_redirect_refuses(&zhang.visit(&silent.url()).await, "login_required");
}

/// Whether a browser is taken for logged in, by any page.
async fn is_logged_in(browser: &mut Browser, portal: &Portal) -> bool {
    let silent = portal.request().with("prompt", "none");
    let answer = browser.visit(&silent.url()).await;
    let is_in = answer.returned().get("error").map(String::as_str) != Some("login_required");
    assert_eq!(browser.visit("/").await.page().has("home-logout"), is_in);
    let asked = browser.visit("/logout").await;
    assert_eq!(asked.page().has("logout-confirm"), is_in);
    is_in
}

/// Case 46: on a shared browser, or in a thief's.
#[tokio::test]
async fn a_cookie_is_worthless_after_logout() {
    let server = Server::start().await;
    let portal = server.portal().await;
    for way in ["logout", "portal", "another resident", "freeze"] {
        let mut zhang = server.browser_of(&ZHANG);
        let tokens = portal.tokens(&mut zhang).await;
        let mut copy = zhang.clone();
        assert!(is_logged_in(&mut copy, &portal).await);
        match way {
            "logout" => {
                zhang.logout().await;
                assert!(!zhang.cookies.contains_key(SESSION));
            }
            "portal" => {
                let hint = tokens.id.as_deref().expect("an ID token");
                let target = format!("/oauth2/end_session?id_token_hint={hint}");
                zhang.visit(&target).await;
                assert!(!zhang.cookies.contains_key(SESSION));
            }
            "another resident" => zhang.login(&LI).await,
            _ => server.freeze(&ZHANG).await,
        }
        assert!(!is_logged_in(&mut copy, &portal).await, "{way}");
        assert_eq!(portal.userinfo(&tokens.access).await.status, 401, "{way}");
    }
}
