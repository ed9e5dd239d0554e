//! The pages that belong to no request: `/`, `/docs/errors/`, `/assets/…`, and where nothing is.

use axum::http::StatusCode;

use crate::support::{Server, ZHANG, assert_page_refuses};

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
    assert!(links.len() > 20, "{links:?}");
    for link in links {
        for language in ["zh-CN", "en"] {
            let answer = browser.get(&format!("{link}?lang={language}")).await;
            assert_eq!(answer.status, StatusCode::OK, "{link}");
            assert_eq!(answer.page().language(), language);
        }
    }
    assert_page_refuses(&browser.get("/docs/errors/nonsense").await, "not_found");
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
