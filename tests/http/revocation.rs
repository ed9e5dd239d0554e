//! `/oauth2/revoke` (RFC 7009).

use serde_json::json;

use crate::support::{Portal, Server, Tokens, ZHANG, assert_refused};

#[tokio::test]
async fn a_revoked_access_token_is_dead_at_once() {
    let server = Server::start().await;
    let portal = server.portal().await;
    let tokens = portal.tokens(&mut server.browser_of(&ZHANG)).await;
    let other = Tokens::of(&portal.refresh(tokens.refresh()).await);
    let answer = portal.revoke(&tokens.access).await;
    assert_eq!((answer.status.as_u16(), answer.body.len()), (200, 0));
    assert_eq!(portal.userinfo(&tokens.access).await.status, 401);
    assert!(!portal.is_active(&tokens.access).await);
    // That one token, and no other of the same authorization.
    assert_eq!(portal.userinfo(&other.access).await.status, 200);
    assert!(portal.is_active(tokens.refresh()).await);
    assert_eq!(server.recorded("token_revoked").await, 1);
}

/// RFC 7009 §2.1.
#[tokio::test]
async fn a_revoked_refresh_token_takes_its_access_tokens_along() {
    let server = Server::start().await;
    for method in ["client_secret_basic", "client_secret_post", "none"] {
        let metadata = json!({ "token_endpoint_auth_method": method });
        let portal = Portal::register(&server, &metadata).await;
        let mut zhang = server.browser_of(&ZHANG);
        let other = portal.tokens(&mut zhang).await;
        let first = portal.tokens(&mut zhang).await;
        let second = Tokens::of(&portal.refresh(first.refresh()).await);
        let current = second.refresh.as_deref().unwrap_or(first.refresh());
        assert_eq!(portal.revoke(current).await.status, 200);
        for dead in [&first, &second] {
            assert_eq!(portal.userinfo(&dead.access).await.status, 401, "{method}");
        }
        assert_refused(&portal.refresh(current).await, "invalid_grant");
        assert_refused(&portal.refresh(first.refresh()).await, "invalid_grant");
        // Another visit of the same resident, and the consent, stay.
        assert_eq!(portal.userinfo(&other.access).await.status, 200);
        let silent = portal.full_request().with("prompt", "none");
        assert!(
            zhang
                .visit(&silent.url())
                .await
                .returned()
                .contains_key("code")
        );
    }
}

/// RFC 7009 §2.2: what is not there need not be ended.
#[tokio::test]
async fn what_is_no_token_is_no_error() {
    let server = Server::start().await;
    let portal = server.portal().await;
    let tokens = portal.tokens(&mut server.browser_of(&ZHANG)).await;
    for token in [
        "nothing",
        "a.b.c",
        tokens.id.as_deref().expect("an ID token"),
    ] {
        assert_eq!(portal.revoke(token).await.status, 200);
    }
    for hint in ["access_token", "refresh_token", "nonsense"] {
        let fields = [("token", &*tokens.access), ("token_type_hint", hint)];
        assert_eq!(portal.call("/oauth2/revoke", &fields).await.status, 200);
        assert_eq!(portal.userinfo(&tokens.access).await.status, 401);
    }
    assert_eq!(
        server.recorded("token_revoked").await,
        1,
        "dying once is enough"
    );
    assert_refused(&portal.call("/oauth2/revoke", &[]).await, "invalid_request");
    assert_eq!(server.get("/oauth2/revoke").await.status, 405);
}

/// A client's own token leaves a mark like any other.
#[tokio::test]
async fn a_clients_own_token_is_revoked_too() {
    let server = Server::start().await;
    let grants = json!({ "grant_types": ["authorization_code", "client_credentials"] });
    let portal = Portal::register(&server, &grants).await;
    let own = [("grant_type", "client_credentials")];
    let own = Tokens::of(&portal.call("/oauth2/token", &own).await);
    assert!(portal.is_active(&own.access).await);
    portal.revoke(&own.access).await;
    assert!(!portal.is_active(&own.access).await);
}
