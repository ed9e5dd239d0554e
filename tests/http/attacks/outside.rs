//! What comes from outside besides a request's parameters: forged hosts, addresses to be called,
//! and guesses from all sides.

use std::io::ErrorKind;
use std::net::TcpListener;

use axum::http::{HeaderName, Method};
use serde_json::json;

use crate::support::{Answer, Browser, Portal, Server, ZHANG, assert_refused, basic};

const EVIL: &str = "evil.test";
const PORT: &str = "6666";

/// Every header by which somebody may say where they think they are.
pub(super) fn forged() -> Vec<(HeaderName, &'static str)> {
    [
        ("host", "evil.test"),
        ("x-forwarded-host", "evil.test"),
        ("x-forwarded-server", "evil.test"),
        ("x-forwarded-proto", "evil.test"),
        ("x-forwarded-prefix", "/evil.test"),
        ("x-forwarded-for", "evil.test"),
        ("x-forwarded-port", PORT),
        ("x-original-url", "https://evil.test/"),
        ("x-rewrite-url", "https://evil.test/"),
        ("x-host", "evil.test"),
        ("forwarded", "for=evil.test;host=evil.test;proto=https"),
        ("origin", "https://evil.test"),
        ("referer", "https://evil.test/"),
    ]
    .map(|(name, value)| (HeaderName::from_static(name), value))
    .to_vec()
}

pub(super) fn assert_says_nothing_of_evil(answer: &Answer) {
    let headers = format!("{:?}", answer.headers);
    for said in [&*headers, &*String::from_utf8_lossy(&answer.body)] {
        assert!(!said.contains(EVIL), "{} {said}", answer.url);
        // As an address would have it: the digits alone stand in random identifiers, too.
        assert!(!said.contains(&format!(":{PORT}")), "{} {said}", answer.url);
    }
}

/// Sends a request with all that is forged.
async fn forge(browser: &mut Browser, method: Method, target: &str, body: &str) -> Answer {
    let answer = browser
        .send((method, target), &forged(), body.to_owned())
        .await;
    assert_says_nothing_of_evil(&answer);
    answer
}

/// Case 50: at every route, by GET and POST, before and after a login.
#[tokio::test]
async fn no_answer_repeats_a_forged_host() {
    let server = Server::start().await;
    let by_post = json!({ "token_endpoint_auth_method": "client_secret_post" });
    let portal = Portal::register(&server, &by_post).await;
    let mut zhang = server.browser_of(&ZHANG);
    let tokens = portal.tokens(&mut zhang).await;
    let hint = tokens.id.as_deref().expect("an ID token");
    let authorize = portal.full_request();
    let unfinished = server.browser().visit(&authorize.url()).await;
    let interaction = unfinished.url.query().expect("an interaction");
    let pending = zhang.visit("/oauth2/end_session").await;
    let pending = pending.url.query().expect("a logout").to_owned();
    let credentials = format!(
        "client_id={}&client_secret={}",
        portal.client_id,
        portal.client_secret.as_deref().expect("a secret")
    );
    let targets = [
        "/".to_owned(),
        format!("/login?{interaction}"),
        format!("/consent?{interaction}"),
        format!("/logout?{pending}"),
        "/login".to_owned(),
        "/consent".to_owned(),
        "/logout".to_owned(),
        "/docs/errors/".to_owned(),
        "/docs/errors/csrf".to_owned(),
        "/docs/errors/nothing".to_owned(),
        "/assets/nothing".to_owned(),
        "/nowhere".to_owned(),
        format!("/oauth2/authorize?{}", authorize.body()),
        format!(
            "/oauth2/authorize?{}",
            authorize.clone().with("prompt", "none").body()
        ),
        "/oauth2/authorize".to_owned(),
        "/oauth2/token".to_owned(),
        "/oauth2/userinfo".to_owned(),
        "/oauth2/jwks".to_owned(),
        "/oauth2/introspect".to_owned(),
        "/oauth2/revoke".to_owned(),
        "/oauth2/end_session".to_owned(),
        format!("/oauth2/end_session?id_token_hint={hint}"),
        "/.well-known/openid-configuration".to_owned(),
        "/.well-known/oauth-authorization-server".to_owned(),
    ];
    for target in &targets {
        for mut browser in [server.browser(), zhang.clone()] {
            for body in [
                "",
                "grant_type=authorization_code&code=x&token=x",
                &credentials,
            ] {
                forge(&mut browser, Method::POST, target, body).await;
            }
            forge(&mut browser, Method::HEAD, target, "").await;
            forge(&mut browser, Method::GET, target, "").await;
        }
    }
    // The whole way, forged at every step, ends at the portal and nowhere else.
    let mut forging = server.browser_of(&ZHANG);
    forging.forged = forged();
    let code = portal.authorize(&mut forging).await;
    let body = format!(
        "grant_type=authorization_code&code={}&redirect_uri={}&code_verifier={}&{credentials}",
        code.value,
        portal.redirect_uri,
        code.verifier.as_deref().expect("a verifier"),
    );
    let answer = forge(&mut forging, Method::POST, "/oauth2/token", &body).await;
    assert!(answer.text().contains("id_token"));
}

/// Case 50: where the request line itself names a host, and where a path looks like one.
#[tokio::test]
async fn a_request_line_with_a_host_changes_nothing() {
    let server = Server::start().await;
    for target in [
        "http://evil.test/",
        "https://evil.test/login",
        "https://evil.test/oauth2/authorize?client_id=x",
        "https://evil.test/.well-known/openid-configuration",
        "https://evil.test/nowhere",
    ] {
        assert_says_nothing_of_evil(&server.get(target).await);
    }
    // A page for what is not there has links; none of them leads there.
    for target in [
        "//evil.test/",
        "/\\evil.test/",
        "///evil.test",
        "/.//evil.test",
        "//evil.test/%2e%2e",
    ] {
        let answer = server.get(target).await;
        assert_eq!(answer.status, 404);
        for link in answer
            .page()
            .all("a")
            .filter_map(|link| link.attribute("href"))
        {
            assert!(!link.contains(EVIL), "{target} {link}");
        }
        assert!(answer.location().is_none());
    }
}

/// Parameters that a request may carry past us.
const RIDING_ALONG: [&str; 6] = [
    "resource_uri",
    "login_hint",
    "target_link_uri",
    "iss",
    "jwks_uri",
    "sector_identifier_uri",
];

/// Parameters that make a request one to refuse, when an address stands in them.
const REFUSED: [&str; 6] = [
    "request_uri",
    "request",
    "id_token_hint",
    "resource",
    "redirect_uri",
    "client_id",
];

/// The same at the endpoints that clients call.
const POSTED: [&str; 6] = [
    "resource",
    "jwks_uri",
    "client_assertion",
    "audience",
    "scope",
    "redirect_uri",
];

/// This machine, in other words.
const INSIDE: [&str; 5] = [
    "127.0.0.1",
    "localhost",
    "[::1]",
    "[::ffff:127.0.0.1]",
    "0.0.0.0",
];

/// Case 52: registered or sent, an address is text until somebody clicks on it.
#[tokio::test]
async fn no_address_in_a_request_is_fetched() {
    let server = Server::start().await;
    let trap = TcpListener::bind("127.0.0.1:0").expect("a port");
    trap.set_nonblocking(true).expect("a listener");
    let port = trap.local_addr().expect("an address").port();
    let uri = format!("https://127.0.0.1:{port}/x");
    let metadata = json!({
        "jwks_uri": uri, "logo_uri": uri, "client_uri": uri, "policy_uri": uri, "tos_uri": uri,
        "initiate_login_uri": uri, "backchannel_logout_uri": uri,
    });
    let portal = Portal::register(&server, &metadata).await;
    let mut zhang = server.browser_of(&ZHANG);
    let mut request = portal.full_request();
    for name in RIDING_ALONG {
        request = request.with(name, &uri);
    }
    let tokens = portal.tokens_with(&mut zhang, &request).await;
    for name in REFUSED {
        zhang
            .clone()
            .visit(&portal.request().with(name, &uri).url())
            .await;
    }
    for name in POSTED {
        let fields = [
            ("grant_type", "refresh_token"),
            ("refresh_token", tokens.refresh()),
            ("token", &*tokens.access),
            (name, &*uri),
        ];
        for path in ["/oauth2/token", "/oauth2/introspect", "/oauth2/revoke"] {
            portal.call(path, &fields).await;
        }
    }
    let hint = tokens.id.as_deref().expect("an ID token");
    zhang
        .visit(&format!(
            "/oauth2/end_session?id_token_hint={hint}&post_logout_redirect_uri={uri}"
        ))
        .await;
    zhang.logout().await;
    // At registration alone something is fetched, and nothing inside.
    for host in INSIDE {
        let sector = format!("https://{host}:{port}/sector.json");
        let metadata = json!({
            "redirect_uris": ["https://a.example/cb", "https://b.example/cb"],
            "sector_identifier_uri": sector,
        });
        assert!(
            Portal::try_register(&server, &metadata).await.is_err(),
            "{host}"
        );
    }
    let caught = trap.accept().map(|_| ());
    assert_eq!(
        caught.expect_err("nobody came").kind(),
        ErrorKind::WouldBlock
    );
}

/// Case 48: a password is tried at the login page, where every try is recorded, and nowhere else.
#[tokio::test]
async fn attempts_are_counted_wherever_a_password_is_tried() {
    let server = Server::start().await;
    let portal = server.portal().await;
    let mut browser = server.browser();
    let guesses = [
        (ZHANG.phone, "a guess"),
        (ZHANG.document_number, "a guess"),
        ("nobody", "a guess"),
    ];
    let page = browser.visit("/login").await;
    for (name, guess) in guesses {
        browser.type_in(&page, name, guess).await;
    }
    assert_eq!(server.recorded("login_failed").await, 3);
    let page = browser.visit(&portal.request().url()).await;
    for (name, guess) in guesses {
        browser.type_in(&page, name, guess).await;
    }
    assert_eq!(server.recorded("login_failed").await, 6);
    // The right password opens nothing anywhere else.
    let fields = [
        ("grant_type", "password"),
        ("username", ZHANG.phone),
        ("password", ZHANG.password),
        ("scope", "openid"),
    ];
    let answer = portal.call("/oauth2/token", &fields).await;
    assert_refused(&answer, "unsupported_grant_type");
    let basic = basic(ZHANG.phone, ZHANG.password);
    for path in ["/oauth2/token", "/oauth2/introspect", "/oauth2/revoke"] {
        let answer = portal
            .post(
                path,
                Some(&basic),
                &[("token", "x"), ("grant_type", "password")],
            )
            .await;
        assert!(answer.status.is_client_error());
    }
    let headers = [(HeaderName::from_static("authorization"), &*basic)];
    for path in [
        "/",
        "/login",
        "/oauth2/userinfo",
        "/oauth2/authorize",
        "/logout",
    ] {
        let mut fresh = server.browser();
        fresh
            .send((Method::GET, path), &headers, String::new())
            .await;
        assert!(!fresh.cookies.contains_key("__Host-session"), "{path}");
    }
    let query = format!(
        "username={}&password={}",
        ZHANG.document_number,
        ZHANG.password.replace(' ', "+")
    );
    let mut fresh = server.browser();
    let shown = fresh.get(&format!("/login?{query}")).await;
    assert!(shown.page().has("login-submit"));
    assert!(!shown.text().contains(ZHANG.password));
    assert!(!fresh.cookies.contains_key("__Host-session"));
    assert_eq!(server.recorded("login").await, 0);
    portal.tokens(&mut server.browser_of(&ZHANG)).await;
    assert_eq!(server.recorded("login").await, 1);
}
