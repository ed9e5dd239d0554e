//! Redirects: nothing leads where it was not registered to lead.

use serde_json::json;

use crate::support::{
    Answer, Browser, Portal, Server, ZHANG, assert_page_refuses, assert_redirect_refuses,
};

/// All that differs from `https://portal.example/app/callback` and that some parser takes for it,
/// or for something on the same host.
const NEAR_MISSES: [&str; 34] = [
    // Case 1: path, final slash, letter case, query, fragment, port, scheme.
    "https://portal.example/app/callback/",
    "https://portal.example/app/callback/more",
    "https://portal.example/app/callbac",
    "https://portal.example/app",
    "https://portal.example",
    "https://portal.example/app/Callback",
    "https://portal.example/app/callback?",
    "https://portal.example/app/callback?next=https://evil.test",
    "https://portal.example/app/callback#",
    "https://portal.example/app/callback#code",
    "https://portal.example:443/app/callback",
    "https://portal.example:8443/app/callback",
    "http://portal.example/app/callback",
    "HTTPS://portal.example/app/callback",
    "https://PORTAL.example/app/callback",
    "https://portal.example./app/callback",
    "//portal.example/app/callback",
    "/app/callback",
    "https://portal.example/app/callb%61ck",
    "https://portal.example/app%2Fcallback",
    " https://portal.example/app/callback",
    "https://portal.example/app/callback ",
    "https://portal.example/app/callback\r\nLocation: https://evil.test",
    // Case 1: user information and its disguises. Case 2: several `@`.
    "https://portal.example@evil.test/app/callback",
    "https://portal.example%40evil.test/app/callback",
    "https://user@portal.example/app/callback",
    "https://portal.example\\@evil.test/app/callback",
    "https://evil.test\\portal.example/app/callback",
    "https://portal.example@portal.example@evil.test/app/callback",
    "https://portal.example.evil.test/app/callback",
    // Case 3: dot segments.
    "https://portal.example/app/../app/callback",
    "https://portal.example/./app/callback",
    "https://portal.example/app/..;/app/callback",
    "https://portal.example/app/%2e%2e/app/callback",
];

#[tokio::test]
async fn a_redirect_uri_matches_exactly_or_not_at_all() {
    let server = Server::start().await;
    let uri = "https://portal.example/app/callback";
    let portal = Portal::register(&server, &json!({ "redirect_uris": [uri] })).await;
    let mut browser = server.browser();
    for near in NEAR_MISSES {
        let request = portal.request().with("redirect_uri", near);
        let answer = browser.visit(&request.url()).await;
        assert_page_refuses(&answer, "redirect_uri_mismatch");
    }
    // A NUL is refused before it is compared with anything.
    let request = portal.request().with("redirect_uri", &format!("{uri}\0"));
    assert_page_refuses(&browser.visit(&request.url()).await, "invalid_request");
    // A login on the way changes nothing: the same is refused to who is logged in.
    browser.login(&ZHANG).await;
    let request = portal.request().with("redirect_uri", NEAR_MISSES[0]);
    assert_page_refuses(
        &browser.visit(&request.url()).await,
        "redirect_uri_mismatch",
    );
    let answer = browser.agree(&portal.request().url()).await;
    assert!(answer.departs_to().unwrap().as_str().starts_with(uri));
}

#[tokio::test]
async fn only_a_native_client_varies_its_port() {
    let server = Server::start().await;
    let uri = "http://127.0.0.1/callback";
    let native = json!({
        "redirect_uris": [uri],
        "application_type": "native",
        "token_endpoint_auth_method": "none",
    });
    let app = Portal::register(&server, &native).await;
    let mut zhang = server.browser_of(&ZHANG);
    let request = app
        .request()
        .with("redirect_uri", "http://127.0.0.1:49152/callback");
    let code = app.authorize_with(&mut zhang, &request).await;
    assert!(app.redeem(&code).await.status.is_success());
    for other in [
        "http://127.0.0.1:49152/other",
        "http://127.0.0.1:49152@evil.test/callback",
        "http://127.0.0.1.evil.test/callback",
        "http://127.0.0.2:49152/callback",
        "http://localhost:49152/callback",
        "http://127.0.0.1:0/callback",
    ] {
        let request = app.request().with("redirect_uri", other);
        assert_page_refuses(&zhang.visit(&request.url()).await, "redirect_uri_mismatch");
    }
    let web = Portal::register(&server, &json!({ "redirect_uris": [uri] })).await;
    let request = web
        .request()
        .with("redirect_uri", "http://127.0.0.1:49152/callback");
    assert_page_refuses(&zhang.visit(&request.url()).await, "redirect_uri_mismatch");
}

/// What would be an error at the client, were it known where the client is.
const FAULTS: [(&str, &str); 9] = [
    ("response_type", "token"),
    ("response_type", "nonsense"),
    ("response_mode", "fragment"),
    ("scope", "nonsense"),
    ("prompt", "none"),
    ("prompt", "none login"),
    ("max_age", "soon"),
    ("request", "eyJhbGciOiJub25lIn0.e30."),
    ("code_challenge_method", "plain"),
];

/// No link of a page is made of what the request says.
#[track_caller]
fn assert_links_stay_here(answer: &Answer) {
    let page = answer.page();
    for link in page.all("a") {
        let href = link.attribute("href").unwrap();
        assert!(
            href.starts_with(['/', '?', '#']) && !href.starts_with("//"),
            "{href}"
        );
    }
    assert_eq!(
        page.all("meta")
            .filter(|meta| meta.attribute("http-equiv").is_some())
            .count(),
        0
    );
}

#[tokio::test]
async fn no_error_redirects_before_client_and_redirect_uri_hold() {
    let server = Server::start().await;
    let portal = server.portal().await;
    let suspended = server.portal().await;
    suspended.suspend().await;
    let evil = "https://evil.test/";
    for (name, value) in FAULTS {
        let faulty = portal.request().with(name, value);
        for (request, code) in [
            (
                faulty.clone().with("redirect_uri", evil),
                "redirect_uri_mismatch",
            ),
            (faulty.clone().without("redirect_uri"), "invalid_request"),
            (faulty.clone().and("redirect_uri", evil), "invalid_request"),
            (faulty.clone().with("client_id", "nobody"), "unknown_client"),
            (
                faulty
                    .clone()
                    .with("client_id", "nobody")
                    .with("redirect_uri", evil),
                "unknown_client",
            ),
            (
                faulty.clone().with("client_id", "no\nbody"),
                "unknown_client",
            ),
            (faulty.clone().without("client_id"), "invalid_request"),
            (
                faulty.clone().and("client_id", &portal.client_id),
                "invalid_request",
            ),
            (suspended.request().with(name, value), "unknown_client"),
        ] {
            let answer = server.browser().visit(&request.url()).await;
            assert_page_refuses(&answer, code);
            assert!(
                !answer.text().contains("<a href=\"https://evil"),
                "{name}={value}"
            );
        }
        // The same fault is told to a client that is known good.
        let answer = server.browser().visit(&faulty.url()).await;
        assert!(
            answer
                .departs_to()
                .unwrap()
                .as_str()
                .starts_with(&portal.redirect_uri)
        );
        assert!(answer.returned().contains_key("error"), "{name}={value}");
    }
}

async fn ask_for_mode(browser: &mut Browser, portal: &Portal, mode: &str, uri: &str) -> Answer {
    let request = portal
        .request()
        .with("response_mode", mode)
        .with("redirect_uri", uri);
    browser.visit(&request.url()).await
}

#[tokio::test]
async fn no_response_mode_opens_a_redirect() {
    let server = Server::start().await;
    let portal = server.portal().await;
    let mut browser = server.browser();
    let modes = [
        "fragment",
        "form_post",
        "web_message",
        "jwt",
        "query.jwt",
        "fragment.jwt",
        "form_post.jwt",
        "QUERY",
        "query fragment",
        "nonsense",
    ];
    for mode in modes.into_iter().chain(["query"]) {
        let answer = ask_for_mode(&mut browser, &portal, mode, "https://evil.test/").await;
        assert_page_refuses(&answer, "redirect_uri_mismatch");
        assert_links_stay_here(&answer);
    }
    for mode in modes {
        let answer = ask_for_mode(&mut browser, &portal, mode, &portal.redirect_uri).await;
        assert_redirect_refuses(&answer, "invalid_request");
        assert_eq!(answer.departs_to().unwrap().fragment(), None, "{mode}");
    }
    let answer = ask_for_mode(&mut browser, &portal, "query", &portal.redirect_uri).await;
    assert_eq!(answer.path(), "/login");
}
