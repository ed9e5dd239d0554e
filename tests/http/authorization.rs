//! `/oauth2/authorize`.

use crate::support::{Server, ZHANG};

#[tokio::test]
async fn a_resident_enters_a_portal() {
    let server = Server::start().await;
    let portal = server.portal().await;
    let mut zhang = server.browser_of(&ZHANG);
    let tokens = portal.tokens(&mut zhang).await;
    assert_eq!(zhang.asked, ["/login", "/consent"]);
    let claims = portal.userinfo(&tokens.access).await.json();
    assert_eq!(claims["name"], ZHANG.name);
    assert_eq!(claims["sub"], tokens.id_claims()["sub"]);
}
