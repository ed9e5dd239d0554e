//! Pages: what a hostile page or a hostile address cannot make of ours.

use axum::http::{Method, StatusCode};

use crate::support::{Answer, Browser, Page, Portal, Server, ZHANG, assert_page_refuses};

/// Breaks out of an attribute, of a tag and of text, if anything lets it.
pub(super) const MARKUP: &str =
    "\"'><script>alert(1)</script><img src=x onerror=alert(1)>&{{31337*3}}";

#[track_caller]
pub(super) fn assert_inert(page: &Page) {
    assert_eq!(page.all("script").count(), 0, "{}", page.html());
    assert!(!page.html().contains("<img src=x"), "{}", page.html());
    assert!(page.is_without_handlers(), "{}", page.html());
    assert!(
        !page.html().contains("94011"),
        "a template was evaluated: {}",
        page.html()
    );
}

#[tokio::test]
async fn error_pages_escape_what_they_reflect() {
    let server = Server::start().await;
    let portal = server.portal().await;
    let mut browser = server.browser();
    let unknown = portal.request().with("client_id", "nobody");
    for name in [
        "client_id",
        "redirect_uri",
        "scope",
        "state",
        "nonce",
        "ui_locales",
        "login_hint",
        "claims_locales",
        "response_type",
        "lang",
        "text",
        "purpose",
    ] {
        let request = unknown.clone().with(name, MARKUP);
        let answer = browser.visit(&request.url()).await;
        assert_page_refuses(&answer, "unknown_client");
        assert_inert(&answer.page());
    }
    // Names are parameters too, and so are addresses where nothing is.
    let encoded = url::form_urlencoded::byte_serialize(MARKUP.as_bytes()).collect::<String>();
    for target in [
        format!("/oauth2/authorize?{encoded}=x&{encoded}=y"),
        format!("/{encoded}"),
        format!("/docs/errors/{encoded}"),
        format!("/login?interaction={encoded}"),
        format!("/consent?interaction={encoded}"),
        format!("/oauth2/end_session?id_token_hint={encoded}"),
        format!("/oauth2/end_session?client_id={encoded}&state={encoded}"),
        // Not even encoded: some clients send it so.
        "/login?x=\"'{{31337*3}}".to_owned(),
        "/nowhere?lang=\"onload=\"x".to_owned(),
    ] {
        let answer = browser.get(&target).await;
        assert_inert(&answer.page());
    }
    // Login pages hold what was typed or hinted.
    let hinted = portal.request().with("login_hint", MARKUP);
    let login = browser.visit(&hinted.url()).await;
    assert_eq!(
        login.page().find("username").unwrap().attribute("value"),
        Some(MARKUP)
    );
    assert_inert(&login.page());
    let refused = browser.type_in(&login, MARKUP, MARKUP).await;
    assert_eq!(
        refused.page().find("username").unwrap().attribute("value"),
        Some(MARKUP)
    );
    assert_inert(&refused.page());
}

/// Everything a browser is shown between a portal's link and its way out.
async fn pages_of_a_visit(browser: &mut Browser, portal: &Portal) -> Vec<Answer> {
    let login = browser.visit(&portal.full_request().url()).await;
    let wrong = browser
        .type_in(&login, ZHANG.phone, "a wrong password")
        .await;
    let consent = browser.log_in_here(&wrong).await;
    assert!(consent.page().has("consent-allow"));
    let sent_back = browser.press(&consent, &[], "consent-allow").await;
    assert!(sent_back.returned().contains_key("code"));
    let mut pages = vec![login, wrong, consent, sent_back];
    for target in [
        "/",
        "/login",
        "/logout",
        "/docs/errors/",
        "/nowhere",
        "/consent",
    ] {
        pages.push(browser.get(target).await);
    }
    let logout = browser.visit("/oauth2/end_session").await;
    let done = browser.press(&logout, &[], "logout-confirm").await;
    pages.extend([logout, done]);
    pages
}

#[tokio::test]
async fn a_posted_form_is_answered_by_303() {
    let server = Server::start().await;
    let portal = server.portal().await;
    let mut browser = server.browser_of(&ZHANG);
    let posted = browser
        .post("/oauth2/authorize", portal.request().parameters())
        .await;
    assert_eq!(posted.status, StatusCode::SEE_OTHER);
    let login = browser.follow(posted).await;
    let filled = [("username", ZHANG.phone), ("password", ZHANG.password)];
    let fields = login.page().fields(&filled, "login-submit");
    server.clock.advance(crate::support::seconds(1));
    let posted = browser.post(login.page().action(), &fields).await;
    assert_eq!(posted.status, StatusCode::SEE_OTHER);
    assert!(!posted.location().unwrap().as_str().contains("password"));
    let consent = browser.follow(posted).await;
    let fields = consent.page().fields(&[], "consent-allow");
    let posted = browser.post(consent.page().action(), &fields).await;
    assert_eq!(posted.status, StatusCode::SEE_OTHER);
    let request = portal.request();
    let posted = browser
        .post("/oauth2/authorize", request.parameters())
        .await;
    assert_eq!(posted.status, StatusCode::SEE_OTHER);
    request.code(&posted);
    // Logout, to an address of the portal.
    let bye = portal.metadata["post_logout_redirect_uris"][0]
        .as_str()
        .unwrap();
    let asked = [
        ("client_id", portal.client_id.as_str()),
        ("post_logout_redirect_uri", bye),
    ];
    let posted = browser.post("/oauth2/end_session", &asked).await;
    assert_eq!(posted.status, StatusCode::SEE_OTHER);
    let logout = browser.follow(posted).await;
    let fields = logout.page().fields(&[], "logout-confirm");
    let posted = browser.post(logout.page().action(), &fields).await;
    assert_eq!(posted.status, StatusCode::SEE_OTHER);
    assert_eq!(posted.departs_to().unwrap().as_str(), bye);
    // A login without a portal.
    let login = browser.visit("/login").await;
    let fields = login.page().fields(&filled, "login-submit");
    let posted = browser.post(login.page().action(), &fields).await;
    assert_eq!(posted.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn every_page_sends_no_referrer() {
    let server = Server::start().await;
    let portal = server.portal().await;
    let mut browser = server.browser();
    browser.belongs_to(&ZHANG);
    let pages = pages_of_a_visit(&mut browser, &portal).await;
    for answer in &pages {
        assert_eq!(
            answer.header("referrer-policy"),
            Some("no-referrer"),
            "{}",
            answer.url
        );
        // What comes after a code is never our page: none has a code in its address.
        assert!(
            answer.url.query_pairs().all(|(name, _)| name != "code"),
            "{}",
            answer.url
        );
        assert_eq!(
            answer.header("cache-control"),
            Some("no-store"),
            "{}",
            answer.url
        );
    }
    for (method, path) in crate::coverage::routes() {
        let answer = browser.send((method, &path), &[], String::new()).await;
        assert_eq!(
            answer.header("referrer-policy"),
            Some("no-referrer"),
            "{path}"
        );
    }
}

#[tokio::test]
async fn no_page_can_be_framed() {
    let server = Server::start().await;
    let portal = server.portal().await;
    let mut browser = server.browser();
    browser.belongs_to(&ZHANG);
    let mut answers = pages_of_a_visit(&mut browser, &portal).await;
    for (method, path) in crate::coverage::routes() {
        answers.push(browser.send((method, &path), &[], String::new()).await);
    }
    answers.push(
        browser
            .send((Method::PUT, "/login"), &[], String::new())
            .await,
    );
    for answer in answers {
        assert_eq!(
            answer.header("x-frame-options"),
            Some("DENY"),
            "{}",
            answer.url
        );
        let policy = answer.header("content-security-policy").unwrap();
        let directives: Vec<_> = policy.split(';').map(str::trim).collect();
        assert!(directives.contains(&"frame-ancestors 'none'"), "{policy}");
        assert!(directives.contains(&"default-src 'none'"), "{policy}");
        assert!(directives.contains(&"base-uri 'none'"), "{policy}");
        assert!(
            !policy.contains("unsafe") && !policy.contains('*'),
            "{policy}"
        );
    }
}
