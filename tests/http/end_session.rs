//! `/oauth2/end_session` and `/logout` (OpenID Connect RP-Initiated Logout 1.0).

use axum::http::StatusCode;
use url::form_urlencoded::Serializer;

use crate::support::{
    Answer, Browser, LI, Portal, Server, Tokens, ZHANG, assert_page_refuses, seconds,
};

const STATE: &str = "a b&c=d";

fn query(parameters: &[(&str, &str)]) -> String {
    Serializer::new(String::new())
        .extend_pairs(parameters)
        .finish()
}

fn target(parameters: &[(&str, &str)]) -> String {
    format!("/oauth2/end_session?{}", query(parameters))
}

fn bye(portal: &Portal) -> String {
    let uri = &portal.metadata["post_logout_redirect_uris"][0];
    uri.as_str().expect("an address").to_owned()
}

fn hint(tokens: &Tokens) -> &str {
    tokens.id.as_deref().expect("an ID token")
}

async fn is_logged_in(browser: &mut Browser) -> bool {
    browser.visit("/").await.page().has("home-logout")
}

/// The browser is back at the portal, with the state as it was sent.
#[track_caller]
fn assert_returned(answer: &Answer, portal: &Portal) {
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    let location = answer.departs_to().expect("back at the portal");
    let expected = format!("{}?{}", bye(portal), query(&[("state", STATE)]));
    assert_eq!(location.query_pairs().next().unwrap().1, STATE);
    assert_eq!(
        location.as_str().split('?').next(),
        expected.split('?').next()
    );
}

#[tokio::test]
async fn a_hint_of_this_login_logs_out_without_asking() {
    let server = Server::start().await;
    let portal = server.portal().await;
    let mut zhang = server.browser_of(&ZHANG);
    let uri = bye(&portal);
    for wait in [0, 3600] {
        let tokens = portal.tokens(&mut zhang).await;
        // That it has expired does not matter (§2), nor that another came after it.
        server.clock.advance(seconds(wait));
        portal.tokens(&mut zhang).await;
        let parameters = [
            ("id_token_hint", hint(&tokens)),
            ("client_id", &*portal.client_id),
            ("post_logout_redirect_uri", &*uri),
            ("state", STATE),
            ("ui_locales", "en"),
            ("unknown", "x"),
        ];
        let answer = zhang.visit(&target(&parameters)).await;
        assert_returned(&answer, &portal);
        assert!(!is_logged_in(&mut zhang).await);
    }
    assert_eq!(server.recorded("logout").await, 2);
    // Without an address to return to, a page says so.
    let tokens = portal.tokens(&mut zhang).await;
    let answer = zhang
        .visit(&target(&[("id_token_hint", hint(&tokens))]))
        .await;
    assert_eq!((answer.status, answer.departs_to()), (StatusCode::OK, None));
    assert!(!is_logged_in(&mut zhang).await);
}

/// §2: by POST too. A form from a portal's page does not bring our cookie; the GET after it does.
#[tokio::test]
async fn a_posted_logout_works_with_and_without_the_cookie() {
    let server = Server::start().await;
    let portal = server.portal().await;
    let uri = bye(&portal);
    for has_cookie in [true, false] {
        let mut zhang = server.browser_of(&ZHANG);
        let tokens = portal.tokens(&mut zhang).await;
        let form = [
            ("id_token_hint", hint(&tokens)),
            ("post_logout_redirect_uri", &*uri),
            ("state", STATE),
        ];
        let mut posting = zhang.clone();
        if !has_cookie {
            posting.cookies.clear();
        }
        let answer = posting.post("/oauth2/end_session", &form).await;
        let answer = if has_cookie {
            answer
        } else {
            assert_eq!(answer.status, StatusCode::SEE_OTHER);
            zhang.follow(answer).await
        };
        assert_returned(&answer, &portal);
        assert!(!is_logged_in(&mut zhang).await);
    }
}

/// Whoever sends a browser here without proof only asks.
#[tokio::test]
async fn without_a_hint_of_this_login_the_resident_is_asked() {
    let server = Server::start().await;
    let portal = server.portal().await;
    let mut zhang = server.browser_of(&ZHANG);
    let of_li = portal.tokens(&mut server.browser_of(&LI)).await;
    let old = portal.tokens(&mut zhang).await;
    zhang.logout().await;
    let elsewhere = portal.tokens(&mut server.browser_of(&ZHANG)).await;
    portal.tokens(&mut zhang).await;
    let uri = bye(&portal);
    let returns = ("post_logout_redirect_uri", &*uri);
    let id = ("client_id", &*portal.client_id);
    for parameters in [
        vec![],
        vec![("state", STATE)],
        vec![id, returns],
        vec![id, returns, ("logout_hint", "zhang")],
        // Of another resident, of a login that has ended, of another login of the same resident.
        vec![("id_token_hint", hint(&of_li)), returns],
        vec![("id_token_hint", hint(&old)), returns],
        vec![("id_token_hint", hint(&elsewhere)), returns],
    ] {
        let page = zhang.visit(&target(&parameters)).await;
        assert_eq!(page.path(), "/logout", "{parameters:?}");
        assert!(page.page().has("logout-confirm") && page.page().has("logout-cancel"));
        assert!(is_logged_in(&mut zhang).await);
        let stayed = zhang.press(&page, &[], "logout-cancel").await;
        assert_eq!(stayed.departs_to(), None);
        assert!(is_logged_in(&mut zhang).await);
    }
    let page = zhang.visit(&target(&[id, returns, ("state", STATE)])).await;
    // A browser applies `form-action` to the whole way, so the portal must be on it.
    let policy = page.header("content-security-policy").expect("a policy");
    let origin = uri.strip_suffix("/bye").expect("a host");
    assert!(
        policy.contains(&format!("form-action 'self' {origin};")),
        "{policy}"
    );
    let mut slow = zhang.clone();
    let answer = zhang.press(&page, &[], "logout-confirm").await;
    assert_returned(&answer, &portal);
    assert!(!is_logged_in(&mut zhang).await);
    // Nobody is logged in any more: there is nothing to ask.
    let answer = slow.visit(&target(&[id, returns, ("state", STATE)])).await;
    assert_returned(&answer, &portal);
    assert_eq!(server.recorded("logout").await, 2);
}

/// §3: to the letter, and of the client that asks.
#[tokio::test]
async fn a_browser_returns_to_registered_addresses_only() {
    let server = Server::start().await;
    let (portal, other) = (server.portal().await, server.portal().await);
    let mut zhang = server.browser_of(&ZHANG);
    let tokens = portal.tokens(&mut zhang).await;
    let uri = bye(&portal);
    let others = bye(&other);
    for wrong in [
        "https://evil.test/",
        &*others,
        &*portal.redirect_uri,
        &format!("{uri}/"),
        &format!("{uri}?x=y"),
        &format!("{uri}#x"),
        &uri.to_uppercase(),
        &uri.replace("https", "http"),
        &uri.replace("/bye", "@evil.test/bye"),
        "/bye",
        "javascript:alert(1)",
    ] {
        for who in [
            ("id_token_hint", hint(&tokens)),
            ("client_id", &*portal.client_id),
        ] {
            let parameters = [who, ("post_logout_redirect_uri", wrong)];
            for mut browser in [zhang.clone(), server.browser()] {
                let answer = browser.visit(&target(&parameters)).await;
                assert_page_refuses(&answer, "invalid_request");
            }
        }
    }
    // An address that nobody vouches for, and clients that do not agree or do not exist.
    for parameters in [
        vec![("post_logout_redirect_uri", &*uri)],
        vec![("post_logout_redirect_uri", &*uri), ("client_id", "nobody")],
        vec![
            ("id_token_hint", hint(&tokens)),
            ("client_id", &*other.client_id),
        ],
        vec![("id_token_hint", "a.b.c")],
        vec![("id_token_hint", &*tokens.access)],
        vec![
            ("client_id", &*portal.client_id),
            ("client_id", &*portal.client_id),
        ],
    ] {
        let answer = zhang.visit(&target(&parameters)).await;
        assert_page_refuses(&answer, "invalid_request");
    }
    assert!(
        is_logged_in(&mut zhang).await,
        "a refused request ends nothing"
    );
}

/// A portal that was suspended while its resident hesitated gets nobody back.
#[tokio::test]
async fn nobody_is_sent_to_a_portal_that_was_suspended_meanwhile() {
    let server = Server::start().await;
    let portal = server.portal().await;
    let mut zhang = server.browser();
    zhang.login(&ZHANG).await;
    let uri = bye(&portal);
    let parameters = [
        ("client_id", &*portal.client_id),
        ("post_logout_redirect_uri", &*uri),
    ];
    let page = zhang.visit(&target(&parameters)).await;
    portal.suspend().await;
    let answer = zhang.press(&page, &[], "logout-confirm").await;
    assert_eq!(answer.departs_to(), None);
    assert!(!is_logged_in(&mut zhang).await);
}
