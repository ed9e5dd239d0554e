//! `/oauth2/introspect` (RFC 7662).

use serde_json::{Value, json};

use crate::support::{ISSUER, Server, Tokens, ZHANG, assert_refused, claims_of, seconds};

#[tokio::test]
async fn an_access_token_is_described_as_it_describes_itself() {
    let server = Server::start().await;
    let portal = server.portal().await;
    let tokens = portal.tokens(&mut server.browser_of(&ZHANG)).await;
    let answer = portal.introspect(&tokens.access).await;
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let told = answer.json();
    assert_eq!(told["active"], true);
    assert_eq!(told["token_type"], "Bearer");
    let claims = claims_of(&tokens.access);
    for (name, value) in claims.as_object().expect("claims") {
        assert_eq!(&told[name], value, "{name}");
    }
    assert!(!told.to_string().contains(ZHANG.name));
}

#[tokio::test]
async fn a_refresh_token_is_described_without_a_token_type() {
    let server = Server::start().await;
    let portal = server.portal().await;
    let tokens = portal.tokens(&mut server.browser_of(&ZHANG)).await;
    let told = portal.introspect(tokens.refresh()).await.json();
    assert_eq!(told["active"], true);
    assert_eq!(told["token_type"], Value::Null);
    assert_eq!(told["iss"], ISSUER);
    assert_eq!(told["client_id"], portal.client_id);
    assert_eq!(told["sub"], tokens.id_claims()["sub"]);
    assert_eq!(told["scope"], tokens.response["scope"]);
    assert_eq!(told["exp"], server.clock_seconds() + 30 * 24 * 3600);
}

/// RFC 7662 §2.1: a hint is a hint.
#[tokio::test]
async fn a_hint_at_the_type_changes_nothing() {
    let server = Server::start().await;
    let portal = server.portal().await;
    let tokens = portal.tokens(&mut server.browser_of(&ZHANG)).await;
    for token in [&*tokens.access, tokens.refresh()] {
        for hint in ["access_token", "refresh_token", "id_token", "nonsense"] {
            let fields = [("token", token), ("token_type_hint", hint)];
            let answer = portal.call("/oauth2/introspect", &fields).await;
            assert_eq!(answer.json()["active"], true, "{hint}");
        }
    }
    let nothing = portal.call("/oauth2/introspect", &[]).await;
    assert_refused(&nothing, "invalid_request");
    assert_eq!(server.get("/oauth2/introspect").await.status, 405);
}

#[tokio::test]
async fn a_token_is_inactive_as_soon_as_it_ends() {
    let server = Server::start().await;
    let portal = server.portal().await;
    let inactive = json!({ "active": false });
    for way in ["time", "logout", "withdrawal", "replay", "freeze"] {
        let mut zhang = server.browser_of(&ZHANG);
        let code = portal.authorize(&mut zhang).await;
        let tokens = Tokens::of(&portal.redeem(&code).await);
        assert!(portal.is_active(&tokens.access).await);
        match way {
            "time" => server.clock.advance(seconds(300)),
            "logout" => zhang.logout().await,
            "withdrawal" => portal.withdraw_grant_of(&ZHANG).await,
            "replay" => assert_refused(&portal.redeem(&code).await, "invalid_grant"),
            _ => server.freeze(&ZHANG).await,
        }
        let told = portal.introspect(&tokens.access).await.json();
        assert_eq!(told, inactive, "{way}");
        // What was granted offline outlives the login and the access token.
        let lives_on = ["time", "logout"].contains(&way);
        assert_eq!(portal.is_active(tokens.refresh()).await, lives_on, "{way}");
    }
}
