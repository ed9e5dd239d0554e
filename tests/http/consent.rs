//! `/consent`: who is asked or told what, and for how long that is remembered.

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::support::{
    AuthorizationRequest, Browser, Portal, Server, ZHANG, assert_page_refuses,
    assert_redirect_refuses,
};

/// The pages that a request leads through before its code.
async fn asked(browser: &mut Browser, request: &AuthorizationRequest) -> Vec<String> {
    browser.asked.clear();
    let answer = browser.agree(&request.url()).await;
    request.code(&answer);
    std::mem::take(&mut browser.asked)
}

const NOTHING: [&str; 0] = [];

#[tokio::test]
async fn consent_is_remembered_until_recipient_purpose_or_claims_change() {
    let server = Server::start().await;
    let portal = Portal::register(&server, &json!({ "purpose": "To pay pensions" })).await;
    let mut zhang = server.browser();
    zhang.login(&ZHANG).await;
    let name = portal.request().with("scope", "openid profile");
    assert_eq!(asked(&mut zhang, &name).await, ["/consent"]);
    assert_eq!(asked(&mut zhang, &name).await, NOTHING);
    // Less than was allowed, and the same in another browser and another login.
    assert_eq!(asked(&mut zhang, &portal.request()).await, NOTHING);
    let mut phone = server.browser_of(&ZHANG);
    assert_eq!(asked(&mut phone, &name).await, ["/login"]);
    // More: by scope, by a single claim.
    let with_phone = portal.request().with("scope", "openid phone");
    assert_eq!(asked(&mut zhang, &with_phone).await, ["/consent"]);
    let claims = json!({ "userinfo": { "email": null } }).to_string();
    let with_email = portal.request().with("claims", &claims);
    assert_eq!(asked(&mut zhang, &with_email).await, ["/consent"]);
    let claims = json!({ "id_token": { "email": { "essential": true } } }).to_string();
    let elsewhere = portal.request().with("claims", &claims);
    assert_eq!(asked(&mut zhang, &elsewhere).await, NOTHING);
    // Who allows more takes back nothing.
    for request in [&name, &with_phone, &with_email] {
        assert_eq!(asked(&mut zhang, request).await, NOTHING);
    }
    // Another recipient, another purpose, another ground: asked, once.
    for change in [
        json!({ "client_name": "Somebody else" }),
        json!({ "purpose": "To sell things" }),
        json!({ "legal_basis": "statutory_duty" }),
    ] {
        portal.update(&change).await;
        assert_eq!(asked(&mut zhang, &name).await, ["/consent"], "{change}");
        assert_eq!(asked(&mut zhang, &name).await, NOTHING, "{change}");
    }
    // What was allowed on other terms counts no more.
    assert_eq!(asked(&mut zhang, &with_phone).await, ["/consent"]);
    // Nothing of what is shown changes.
    portal
        .update(
            &json!({ "legal_basis": "statutory_duty", "contacts": ["it@portal.example"],
        "client_name": "Portal 1" }),
        )
        .await;
    // What is given by law cannot be taken back, what is allowed can.
    asked(&mut zhang, &name).await;
    portal.withdraw_grant_of(&ZHANG).await;
    assert_eq!(asked(&mut zhang, &name).await, NOTHING);
    portal.update(&json!({ "client_name": "Portal 1" })).await;
    asked(&mut zhang, &name).await;
    portal.withdraw_grant_of(&ZHANG).await;
    assert_eq!(asked(&mut zhang, &name).await, ["/consent"]);
}

#[tokio::test]
async fn a_statutory_duty_is_told_once() {
    let server = Server::start().await;
    let duty = json!({ "legal_basis": "statutory_duty", "client_name": "税务局" });
    let portal = Portal::register(&server, &duty).await;
    let mut zhang = server.browser();
    zhang.languages = Some("zh-CN");
    zhang.login(&ZHANG).await;
    let notice = zhang.visit(&portal.full_request().url()).await;
    assert_eq!(notice.path(), "/consent");
    assert!(
        notice.text().contains("您将进入 税务局"),
        "{}",
        notice.text()
    );
    assert!(notice.text().contains("张*") && !notice.text().contains("张伟"));
    let request = portal.full_request();
    request.code(&zhang.press(&notice, &[], "consent-allow").await);
    assert_eq!(asked(&mut zhang, &request).await, NOTHING);
    // Nor is it asked silently, before it was told.
    let other = Portal::register(&server, &duty).await;
    let silent = zhang
        .visit(&other.request().with("prompt", "none").url())
        .await;
    assert_redirect_refuses(&silent, "consent_required");
}

#[tokio::test]
async fn a_refusal_is_told_and_not_remembered() {
    let server = Server::start().await;
    let portal = server.portal().await;
    let mut zhang = server.browser();
    zhang.login(&ZHANG).await;
    let request = portal.request();
    for _ in 0..2 {
        let page = zhang.visit(&request.url()).await;
        let denied = zhang.press(&page, &[], "consent-deny").await;
        assert_eq!(denied.status, StatusCode::SEE_OTHER);
        assert_redirect_refuses(&denied, "access_denied");
    }
    assert_eq!(asked(&mut zhang, &request).await, ["/consent"]);
    // A refusal of more, or of the same again, takes nothing back.
    let more = portal.full_request().with("prompt", "consent");
    let page = zhang.visit(&more.url()).await;
    zhang.press(&page, &[], "consent-deny").await;
    assert_eq!(asked(&mut zhang, &request).await, NOTHING);
}

/// Chinese first, as portals here do.
fn bilingual() -> Value {
    json!({
        "client_name": "Pension Office",
        "client_name#zh-CN": "社保局",
        "purpose": "To pay pensions",
        "purpose#zh-CN": "发放养老金",
        "logo_uri": "https://portal.example/logo.png",
        "policy_uri": "https://portal.example/privacy",
        "tos_uri": "https://portal.example/terms",
    })
}

#[tokio::test]
async fn the_page_says_who_receives_what_for_what_in_both_languages() {
    let server = Server::start().await;
    let portal = Portal::register(&server, &bilingual()).await;
    let mut zhang = server.browser();
    zhang.login(&ZHANG).await;
    let words = [
        (
            "zh-CN",
            ["社保局", "发放养老金", "姓名", "手机号", "电子邮箱"],
        ),
        (
            "en",
            [
                "Pension Office",
                "To pay pensions",
                "name",
                "phone number",
                "e-mail",
            ],
        ),
    ];
    for (language, expected) in words {
        let request = portal.full_request().with("ui_locales", language);
        let answer = zhang.visit(&request.url()).await;
        let page = answer.page();
        assert_eq!(page.language(), language);
        for word in expected {
            assert!(
                answer.text().to_lowercase().contains(&word.to_lowercase()),
                "{word}"
            );
        }
        assert!(answer.text().contains("张*"));
        // The page names what is sent; it does not show it.
        for hidden in [ZHANG.name, ZHANG.phone, ZHANG.email, ZHANG.document_number] {
            assert!(!answer.text().contains(hidden), "{hidden}");
        }
        for (id, attribute, expected) in [
            ("client-logo", "src", "https://portal.example/logo.png"),
            ("client-policy", "href", "https://portal.example/privacy"),
            ("client-tos", "href", "https://portal.example/terms"),
        ] {
            assert_eq!(page.find(id).unwrap().attribute(attribute), Some(expected));
        }
        // Five things, `offline_access` among them.
        assert_eq!(page.all("li").count(), 5, "{}", answer.text());
        let policy = answer.header("content-security-policy").unwrap();
        assert!(
            policy.contains("img-src 'self' https://portal.example"),
            "{policy}"
        );
        // Browsers hold `form-action` against the redirect that follows.
        let portal_origin = portal.redirect_uri.trim_end_matches("/callback");
        assert!(
            policy.contains(&format!("form-action 'self' {portal_origin};")),
            "{policy}"
        );
    }
}

#[tokio::test]
async fn consent_needs_a_login_that_still_stands() {
    let server = Server::start().await;
    let portal = server.portal().await;
    let mut zhang = server.browser_of(&ZHANG);
    // Without an interaction there is nothing to decide.
    assert_page_refuses(&zhang.get("/consent").await, "invalid_request");
    // The resident logs out in another tab, then presses the button here.
    zhang.login(&ZHANG).await;
    let request = portal.request();
    let page = zhang.visit(&request.url()).await;
    let mut other_tab = zhang.clone();
    other_tab.logout().await;
    let answer = zhang.press(&page, &[], "consent-allow").await;
    assert_eq!(answer.path(), "/login");
    // Whoever logs in now decides anew: nothing was allowed.
    let answer = zhang.log_in_here(&answer).await;
    assert_eq!(answer.path(), "/consent");
    request.code(&zhang.press(&answer, &[], "consent-allow").await);
}

#[tokio::test]
async fn a_decision_is_one_of_two() {
    let server = Server::start().await;
    let portal = server.portal().await;
    let mut zhang = server.browser();
    zhang.login(&ZHANG).await;
    let page = zhang.visit(&portal.request().url()).await;
    let form = page.page();
    let csrf = form
        .all("input")
        .find(|input| input.attribute("name") == Some("csrf"));
    let csrf = csrf.unwrap().attribute("value").unwrap();
    let mut posted = vec![
        vec![("csrf", csrf)],
        vec![("csrf", csrf), ("decision", "maybe")],
        vec![("csrf", csrf), ("decision", "allow"), ("decision", "deny")],
    ];
    for fields in posted.drain(..) {
        let answer = zhang.post(form.action(), &fields).await;
        assert_page_refuses(&answer, "invalid_request");
    }
    // The portal goes while the page is open.
    portal.suspend().await;
    let answer = zhang.press(&page, &[], "consent-allow").await;
    assert_page_refuses(&answer, "unknown_client");
}
