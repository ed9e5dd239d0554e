//! `/login`.

use axum::http::StatusCode;
use axum::http::header::SET_COOKIE;
use serde_json::json;

use crate::support::{
    LI, Person, Server, WANG, ZHANG, assert_page_refuses, assert_redirect_refuses, minutes,
    operation,
};

#[tokio::test]
async fn a_phone_or_a_document_number_is_the_name() {
    let server = Server::start().await;
    let phone = WANG.phone.trim_start_matches("+86");
    let spaced = format!("{} {} {}", &phone[..3], &phone[3..7], &phone[7..]);
    let lower = WANG.document_number.to_lowercase();
    assert_ne!(lower, WANG.document_number, "a number that ends with X");
    for name in [WANG.phone, phone, &spaced, WANG.document_number, &lower] {
        let mut browser = server.browser();
        let page = browser.visit("/login").await;
        let home = browser.type_in(&page, name, WANG.password).await;
        assert_eq!(home.path(), "/account", "{name}");
        assert!(home.text().contains("王*"));
    }
}

#[tokio::test]
async fn a_wrong_password_can_be_corrected() {
    let server = Server::start().await;
    let portal = server.portal().await;
    let mut browser = server.browser_of(&ZHANG);
    let page = browser.visit(&portal.request().url()).await;
    assert!(!page.page().has("login-problem"));
    let again = browser.type_in(&page, ZHANG.phone, "not my password").await;
    assert_eq!((again.path(), again.status), ("/login", StatusCode::OK));
    assert!(again.page().has("login-problem"));
    let typed = again.page();
    assert_eq!(
        typed.find("username").unwrap().attribute("value"),
        Some(ZHANG.phone)
    );
    assert!(!again.text().contains("not my password"));
    let again = browser.type_in(&again, "", "").await;
    assert!(again.page().has("login-problem"));
    let consent = browser.log_in_here(&again).await;
    assert_eq!(consent.path(), "/consent");
}

/// Only a cookie that we sealed says that somebody was logged in here.
#[tokio::test]
async fn only_whose_login_has_ended_is_told_so() {
    let server = Server::start().await;
    let mut browser = server.browser();
    assert!(!browser.visit("/login").await.page().has("login-notice"));
    for made_up in [
        "x",
        "",
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    ] {
        let cookie = ("__Host-session".to_owned(), made_up.to_owned());
        browser.cookies.extend([cookie]);
        let page = browser.visit("/login").await;
        assert!(!page.page().has("login-notice"), "{made_up}");
    }
    let mut browser = server.browser();
    browser.login(&ZHANG).await;
    assert!(!browser.visit("/login").await.page().has("login-notice"));
    let held = browser.cookies.clone();
    let page = browser.visit("/logout").await;
    browser.press(&page, &[], "logout-confirm").await;
    // Whoever logged out here knows it: the cookie has gone.
    assert!(!browser.visit("/login").await.page().has("login-notice"));
    browser.cookies = held;
    let told = browser.visit("/login").await;
    assert!(told.page().has("login-notice"));
    let wrong = browser.type_in(&told, ZHANG.phone, "not my password").await;
    assert!(wrong.page().has("login-problem") && !wrong.page().has("login-notice"));
    let entered = browser.log_in_here(&wrong).await;
    assert_eq!(entered.path(), "/account");
    assert!(!browser.visit("/login").await.page().has("login-notice"));
}

#[tokio::test]
async fn the_page_names_the_portal_and_keeps_its_request_across_languages() {
    let server = Server::start().await;
    let name = json!({ "client_name": "Pension Office", "client_name#zh-CN": "社保局" });
    let portal = crate::support::Portal::register(&server, &name).await;
    let mut browser = server.browser_of(&ZHANG);
    let request = portal.request();
    let english = browser.visit(&request.url()).await;
    assert_eq!(english.page().language(), "en");
    assert!(english.text().contains("Pension Office"));
    // The switch is a link to the same page, not a form.
    let page = english.page();
    let switch = page
        .all("a")
        .find(|link| link.attribute("hreflang") == Some("zh-CN"));
    let target = english
        .url
        .join(switch.unwrap().attribute("href").unwrap())
        .unwrap();
    let chinese = browser.visit(target.as_str()).await;
    assert_eq!(chinese.path(), "/login");
    assert_eq!(chinese.page().language(), "zh-CN");
    assert!(chinese.text().contains("社保局"));
    // It is remembered, and goes before what the portal and the browser prefer.
    browser.languages = Some("en");
    let consent = browser.log_in_here(&chinese).await;
    assert_eq!(consent.path(), "/consent");
    assert_eq!(consent.page().language(), "zh-CN");
    let page = browser.visit(&request.with("ui_locales", "en").url()).await;
    assert_eq!(page.page().language(), "zh-CN");
    // A browser's own wish counts when nobody said more.
    let mut other = server.browser();
    other.languages = Some("fr, zh-TW;q=0.9, en;q=0.5");
    assert_eq!(other.visit("/login").await.page().language(), "zh-CN");
}

#[tokio::test]
async fn a_cookie_is_for_this_host_and_no_script() {
    let server = Server::start().await;
    let mut browser = server.browser_of(&ZHANG);
    let page = browser.visit("/login").await;
    let fields = page.page().fields(
        &[("username", ZHANG.phone), ("password", ZHANG.password)],
        "login-submit",
    );
    let posted = browser.post(page.page().action(), &fields).await;
    let cookies: Vec<_> = [&page, &posted]
        .into_iter()
        .flat_map(|answer| answer.headers.get_all(SET_COOKIE))
        .map(|cookie| cookie.to_str().unwrap())
        .collect();
    assert_eq!(cookies.len(), 3, "{cookies:?}");
    for cookie in cookies {
        assert!(cookie.starts_with("__Host-"), "{cookie}");
        for attribute in ["Path=/", "HttpOnly", "Secure", "SameSite=Lax"] {
            assert!(
                cookie.split("; ").any(|it| it == attribute),
                "{attribute}: {cookie}"
            );
        }
        // Only that somebody logged in here before outlasts the browser.
        let lasts = cookie
            .starts_with("__Host-device=")
            .then_some("Max-Age=34560000");
        let age = cookie.split("; ").find(|it| it.starts_with("Max-Age"));
        assert_eq!(age, lasts, "{cookie}");
        assert!(!cookie.contains("Domain"), "{cookie}");
    }
}

#[tokio::test]
async fn a_login_ends_by_itself() {
    let server = Server::start().await;
    let portal = server.portal().await;
    let mut zhang = server.browser();
    zhang.login(&ZHANG).await;
    portal.tokens(&mut zhang).await;
    zhang.asked.clear();
    server.clock.advance(minutes(12 * 60 - 1));
    portal.tokens(&mut zhang).await;
    assert!(zhang.asked.is_empty());
    server.clock.advance(minutes(1));
    let silent = zhang
        .visit(&portal.request().with("prompt", "none").url())
        .await;
    assert_redirect_refuses(&silent, "login_required");
    portal.tokens(&mut zhang).await;
    assert_eq!(zhang.asked, ["/login"]);
}

#[tokio::test]
async fn a_login_that_took_too_long_starts_again_at_the_portal() {
    let server = Server::start().await;
    let portal = server.portal().await;
    let mut zhang = server.browser_of(&ZHANG);
    let page = zhang.visit(&portal.request().url()).await;
    server.clock.advance(minutes(10));
    let late = zhang.log_in_here(&page).await;
    assert_page_refuses(&late, "interaction_expired");
    assert_page_refuses(&zhang.get(page.url.as_str()).await, "interaction_expired");
    // Nobody was logged in by it.
    assert_eq!(zhang.visit(&portal.request().url()).await.path(), "/login");
    // In time, it works.
    let page = zhang.visit(&portal.request().url()).await;
    server.clock.advance(minutes(9));
    assert_eq!(zhang.log_in_here(&page).await.path(), "/consent");
}

#[tokio::test]
async fn the_same_person_keeps_the_session_another_ends_it() {
    let server = Server::start().await;
    let portal = server.portal().await;
    let mut browser = server.browser_of(&ZHANG);
    let first = portal.tokens(&mut browser).await;
    let again = portal.request().with("prompt", "login");
    let second = portal.tokens_with(&mut browser, &again).await;
    assert_eq!(first.id_claims()["sid"], second.id_claims()["sid"]);
    assert!(second.id_claims()["auth_time"].as_i64() > first.id_claims()["auth_time"].as_i64());
    assert!(portal.is_active(&first.access).await);
    // Somebody else logs in where Zhang was: Zhang is logged out.
    browser.belongs_to(&LI);
    let third = portal.tokens_with(&mut browser, &again).await;
    assert_ne!(third.id_claims()["sub"], first.id_claims()["sub"]);
    assert_ne!(third.id_claims()["sid"], first.id_claims()["sid"]);
    assert!(!portal.is_active(&first.access).await);
    assert!(portal.is_active(&third.access).await);
}

/// Whether a name and a password let somebody in.
async fn gets_in(server: &Server, name: &str, password: &str) -> bool {
    let mut browser = server.browser();
    let page = browser.visit("/login").await;
    browser.type_in(&page, name, password).await.path() == "/account"
}

#[tokio::test]
async fn a_phone_that_several_hold_logs_nobody_in() {
    let server = Server::start().await;
    assert!(gets_in(&server, LI.phone, LI.password).await);
    // A child with the mother's phone.
    let child = json!({
        "name": "李小明",
        "document_type": "resident_id_card",
        "document_number": "440106201206011132",
        "phone_number": LI.phone,
        "password": "a child's own words",
        "checks": [],
    });
    assert_eq!(server.import(&child).await, 1);
    assert!(!gets_in(&server, LI.phone, LI.password).await);
    assert!(!gets_in(&server, LI.phone, "a child's own words").await);
    assert!(gets_in(&server, LI.document_number, LI.password).await);
    assert!(gets_in(&server, "440106201206011132", "a child's own words").await);
}

#[tokio::test]
async fn a_frozen_account_does_not_log_in() {
    let server = Server::start().await;
    let portal = server.portal().await;
    let mut zhang = server.browser();
    zhang.login(&ZHANG).await;
    server.freeze(&ZHANG).await;
    for Person {
        phone, password, ..
    } in [&ZHANG]
    {
        assert!(!gets_in(&server, phone, password).await);
    }
    let silent = zhang
        .visit(&portal.request().with("prompt", "none").url())
        .await;
    assert_redirect_refuses(&silent, "login_required");
    // Released again, a login is needed: what was ended stays ended.
    let account = server.account_of(&ZHANG).await;
    let unfrozen = server.accounts.unfreeze(account, operation()).await;
    unfrozen.unwrap();
    assert_eq!(zhang.visit(&portal.request().url()).await.path(), "/login");
    assert!(gets_in(&server, ZHANG.phone, ZHANG.password).await);
}
