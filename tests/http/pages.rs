//! The pages that belong to no request: `/`, `/docs/errors/`, `/assets/…`, and where nothing is.

use axum::http::StatusCode;
use tongxing::views::error_code::Code;

use crate::support::{
    Answer, Browser, Server, ZHANG, assert_page_refuses, assert_redirect_refuses,
};

#[tokio::test]
async fn the_first_page_knows_who_is_logged_in_by_half_a_name() {
    let server = Server::start().await;
    let mut zhang = server.browser();
    let page = zhang.get("/").await.page();
    assert!(
        page.all("a")
            .any(|link| link.attribute("href") == Some("/login"))
    );
    zhang.login(&ZHANG).await;
    let home = zhang.get("/").await;
    assert!(home.text().contains("张*") && !home.text().contains(ZHANG.name));
    for hidden in [ZHANG.phone, ZHANG.document_number, ZHANG.email] {
        assert!(!home.text().contains(hidden));
    }
    let out = zhang.press(&home, &[], "home-logout").await;
    assert_eq!(out.path(), "/logout");
    assert!(!zhang.get("/").await.text().contains("张*"));
}

#[tokio::test]
async fn every_code_is_explained_in_both_languages() {
    let server = Server::start().await;
    let mut browser = server.browser();
    let index = browser.get("/docs/errors/").await.page();
    let links: Vec<String> = index
        .all("a")
        .filter_map(|link| link.attribute("href"))
        .filter(|href| href.starts_with("/docs/errors/") && !href.contains('?'))
        .map(str::to_owned)
        .collect();
    let sent: Vec<_> = Code::all()
        .map(|code| format!("/docs/errors/{}", code.as_str()))
        .collect();
    assert_eq!(links, sent);
    for link in links {
        for language in ["zh-CN", "en"] {
            let answer = browser.get(&format!("{link}?lang={language}")).await;
            assert_eq!(answer.status, StatusCode::OK, "{link}");
            assert_eq!(answer.page().language(), language);
            assert_eq!(
                answer.page().text_of("code"),
                link.rsplit('/').next().unwrap()
            );
        }
    }
    assert_page_refuses(&browser.get("/docs/errors/nonsense").await, "not_found");
}

#[tokio::test]
async fn the_list_of_codes_is_found_without_its_slash() {
    let server = Server::start().await;
    let answer = server.browser().get("/docs/errors").await;
    assert_eq!(answer.status, StatusCode::PERMANENT_REDIRECT);
    assert_eq!(answer.header("location"), Some("/docs/errors/"));
}

#[tokio::test]
async fn what_a_page_loads_is_there_and_kept() {
    let server = Server::start().await;
    let mut browser = server.browser();
    let page = browser.get("/").await.page();
    let loaded: Vec<_> = page
        .all("link")
        .map(|link| link.attribute("href").unwrap())
        .collect();
    assert_eq!(loaded.len(), 2);
    for address in loaded {
        assert!(address.starts_with("/assets/"), "{address}");
        let answer = browser.get(address).await;
        assert_eq!(answer.status, StatusCode::OK, "{address}");
        assert!(
            answer
                .header("cache-control")
                .unwrap()
                .contains("immutable")
        );
    }
    let nothing = browser.get("/assets/nothing.css").await;
    assert_eq!(nothing.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn where_nothing_is_a_page_says_so() {
    let server = Server::start().await;
    let mut browser = server.browser();
    let answer = browser.get("/nowhere").await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    assert_page_refuses(&answer, "not_found");
    // The reference on the page is the one in the log.
    let reference = answer.header("x-request-id").unwrap().to_owned();
    assert!(answer.text().contains(&reference));
    for (path, language) in [("/nowhere", "en"), ("/nowhere?lang=zh-CN", "zh-CN")] {
        assert_eq!(browser.get(path).await.page().language(), language);
    }
}

/// Whether the letters are large.
fn is_large(answer: &Answer) -> bool {
    let page = answer.page();
    let html = page.all("html").next().unwrap();
    html.attribute("class") == Some("large")
}

#[tokio::test]
async fn larger_text_is_a_link_that_keeps_the_request_and_is_remembered() {
    let server = Server::start().await;
    let portal = server.portal().await;
    let mut zhang = server.browser_of(&ZHANG);
    let login = zhang.visit(&portal.request().url()).await;
    assert!(!is_large(&login));
    let switch = async |browser: &mut Browser, answer: &Answer| {
        let page = answer.page();
        let href = page.find("text-size").unwrap().attribute("href").unwrap();
        let target = answer.url.join(href).unwrap();
        browser.visit(target.as_str()).await
    };
    let large = switch(&mut zhang, &login).await;
    assert!(is_large(&large) && large.path() == "/login");
    // The form goes on with the same request, and the next page is as large.
    assert_eq!(large.page().action(), login.page().action());
    let consent = zhang.log_in_here(&large).await;
    assert!(is_large(&consent) && consent.path() == "/consent");
    let denied = zhang.press(&consent, &[], "consent-deny").await;
    assert_redirect_refuses(&denied, "access_denied");
    let nothing = zhang.get("/nowhere?text=huge").await;
    assert!(is_large(&nothing));
    let normal = switch(&mut zhang, &nothing).await;
    assert!(!is_large(&normal) && !is_large(&zhang.get("/").await));
    // It is this browser's choice alone.
    assert!(!is_large(&server.browser().get("/").await));
    // Where there is only something to post, the switches lead back.
    for path in [
        "/account/phone",
        "/account/sessions/end",
        "/account/portals/withdraw",
    ] {
        let back = zhang.get(&format!("{path}?text=large")).await;
        assert_eq!(back.header("location"), Some("/account"));
    }
    // Both switches keep what the other has chosen.
    let both = zhang.get("/login?text=large&lang=zh-CN&x=1").await.page();
    let href = |id: &str| both.find(id).unwrap().attribute("href").unwrap().to_owned();
    assert_eq!(href("text-size"), "?lang=zh-CN&x=1&text=normal");
    let languages = both
        .all("a")
        .find(|link| link.attribute("hreflang") == Some("en"));
    assert_eq!(
        languages.unwrap().attribute("href"),
        Some("?text=large&x=1&lang=en")
    );
}
