//! `/oauth2/token` with `refresh_token`.

use serde_json::{Value, json};

use crate::support::{Portal, Server, Tokens, ZHANG, assert_refused, assert_signed, race, seconds};

fn public() -> Value {
    json!({ "token_endpoint_auth_method": "none" })
}

/// RFC 9700 §4.14.2: a client that proves itself each time needs no rotation.
#[tokio::test]
async fn a_confidential_client_keeps_its_refresh_token() {
    let server = Server::start().await;
    let portal = server.portal().await;
    let tokens = portal.tokens(&mut server.browser_of(&ZHANG)).await;
    for _ in 0..3 {
        server.clock.advance(seconds(3600));
        let next = Tokens::of(&portal.refresh(tokens.refresh()).await);
        assert_eq!(next.refresh, None);
        assert_eq!(portal.userinfo(&next.access).await.status, 200);
    }
}

/// OpenID Connect Core §12.2.
#[tokio::test]
async fn a_refreshed_id_token_speaks_of_the_same_login() {
    let server = Server::start().await;
    let jwks = server.get("/oauth2/jwks").await.json();
    for metadata in [json!({}), public()] {
        let portal = Portal::register(&server, &metadata).await;
        let mut zhang = server.browser_of(&ZHANG);
        let tokens = portal.tokens(&mut zhang).await;
        let first = tokens.id_claims();
        // Logging in anew meanwhile is another event.
        server.clock.advance(seconds(100));
        zhang.login(&ZHANG).await;
        let next = Tokens::of(&portal.refresh(tokens.refresh()).await);
        assert_signed(&jwks, next.id.as_deref().expect("an ID token"));
        let second = next.id_claims();
        for name in [
            "iss",
            "sub",
            "aud",
            "auth_time",
            "sid",
            "acr",
            "amr",
            "aal",
            "ial",
        ] {
            assert_eq!(second[name], first[name], "{name}");
        }
        assert_eq!(second["iat"], server.clock_seconds());
        assert_eq!(second["nonce"], Value::Null);
        assert_ne!(second["at_hash"], first["at_hash"]);
    }
}

#[tokio::test]
async fn offline_access_must_be_asked_for_and_registered() {
    let server = Server::start().await;
    let portal = server.portal().await;
    let mut zhang = server.browser_of(&ZHANG);
    let request = portal.request().with("scope", "openid profile");
    let tokens = portal.tokens_with(&mut zhang, &request).await;
    assert_eq!(tokens.refresh, None);
    let no_grant = json!({ "grant_types": ["authorization_code"] });
    let portal = Portal::register(&server, &no_grant).await;
    assert_eq!(portal.tokens(&mut zhang).await.refresh, None);
}

/// RFC 6749 §6.
#[tokio::test]
async fn a_narrowed_scope_is_for_one_access_token() {
    let server = Server::start().await;
    let portal = Portal::register(&server, &public()).await;
    let tokens = portal.tokens(&mut server.browser_of(&ZHANG)).await;
    let fields = [
        ("grant_type", "refresh_token"),
        ("refresh_token", tokens.refresh()),
        ("scope", "profile"),
    ];
    let narrow = Tokens::of(&portal.call("/oauth2/token", &fields).await);
    assert_eq!(narrow.response["scope"], "profile");
    assert_eq!(narrow.id, None, "without openid");
    assert_eq!(portal.userinfo(&narrow.access).await.status, 403);
    let whole = Tokens::of(&portal.refresh(narrow.refresh()).await);
    assert_eq!(whole.response["scope"], tokens.response["scope"]);
    assert!(whole.id.is_some());
}

#[tokio::test]
async fn a_family_does_not_live_longer_by_being_used() {
    let server = Server::start().await;
    let portal = Portal::register(&server, &public()).await;
    let mut tokens = portal.tokens(&mut server.browser_of(&ZHANG)).await;
    for _ in 0..29 {
        server.clock.advance(seconds(24 * 3600));
        tokens = Tokens::of(&portal.refresh(tokens.refresh()).await);
    }
    server.clock.advance(seconds(24 * 3600));
    assert_refused(&portal.refresh(tokens.refresh()).await, "invalid_grant");
}

/// Case 31: two tabs, or thirty-two, never lose their login by asking at once.
async fn racers_get_one_successor(server: Server) {
    let portal = Portal::register(&server, &public()).await;
    let mut tokens = portal.tokens(&mut server.browser_of(&ZHANG)).await;
    for _ in 0..3 {
        let presented = tokens.refresh().to_owned();
        let answers = race(32, |_| {
            let (portal, presented) = (portal.clone(), presented.clone());
            async move { Tokens::of(&portal.refresh(&presented).await) }
        })
        .await;
        for answer in &answers {
            assert_eq!(answer.refresh(), answers[0].refresh());
            assert_ne!(answer.refresh(), presented);
            assert_eq!(portal.userinfo(&answer.access).await.status, 200);
        }
        tokens = answers[0].clone();
    }
    assert_eq!(server.recorded("refresh_replayed").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_32_racing_refreshes_all_get_the_same_successor() {
    racers_get_one_successor(Server::start().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_32_racing_refreshes_all_get_the_same_successor_on_postgres() {
    if let Some(server) = Server::start_on_postgres().await {
        racers_get_one_successor(server).await;
    }
}
