//! Tokens: what one buys, and for how long.

use axum::body::Body;
use axum::extract::Request;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use tongxing::crypto::jwt::sign_jwt;
use tongxing::protocol::jose::SignatureAlgorithm;

use crate::support::{
    Answer, ISSUER, LI, Portal, Server, Tokens, ZHANG, assert_refused, claims_of, seconds,
};

/// A portal that cannot keep a secret.
async fn public_portal(server: &Server) -> Portal {
    Portal::register(server, &json!({ "token_endpoint_auth_method": "none" })).await
}

/// Case 31.
#[tokio::test]
async fn an_old_refresh_token_revokes_its_family() {
    let server = Server::start().await;
    let portal = public_portal(&server).await;
    let mut zhang = server.browser_of(&ZHANG);
    let other = portal.tokens(&mut zhang).await;
    let first = portal.tokens(&mut zhang).await;
    let second = Tokens::of(&portal.refresh(first.refresh()).await);
    let third = Tokens::of(&portal.refresh(second.refresh()).await);
    assert_eq!(portal.userinfo(&third.access).await.status, 200);
    // The grandmother, within the minute in which a mother would be heard, and whatever it asks.
    let fields = [
        ("grant_type", "refresh_token"),
        ("refresh_token", first.refresh()),
        ("scope", "openid nonsense"),
    ];
    let answer = portal.call("/oauth2/token", &fields).await;
    assert_refused(&answer, "invalid_grant");
    for dead in [&first, &second, &third] {
        assert_refused(&portal.refresh(dead.refresh()).await, "invalid_grant");
        assert_eq!(portal.userinfo(&dead.access).await.status, 401);
    }
    assert_eq!(server.recorded("refresh_replayed").await, 1);
    // The same resident's other visit to the same portal goes on.
    let next = Tokens::of(&portal.refresh(other.refresh()).await);
    assert_eq!(portal.userinfo(&next.access).await.status, 200);
}

/// Case 31.
#[tokio::test]
async fn the_predecessor_gets_the_identical_successor_for_a_minute() {
    let server = Server::start().await;
    let portal = public_portal(&server).await;
    let mut zhang = server.browser_of(&ZHANG);
    let first = portal.tokens(&mut zhang).await;
    let second = Tokens::of(&portal.refresh(first.refresh()).await);
    assert_ne!(second.refresh(), first.refresh());
    for wait in [0, 30, 30] {
        server.clock.advance(seconds(wait));
        let again = Tokens::of(&portal.refresh(first.refresh()).await);
        assert_eq!(again.refresh(), second.refresh());
    }
    // The minute counts from the rotation, not from the last use.
    server.clock.advance(seconds(1));
    assert_refused(&portal.refresh(first.refresh()).await, "invalid_grant");
    assert_refused(&portal.refresh(second.refresh()).await, "invalid_grant");
    // Once the successor was used, the predecessor is heard no longer.
    let first = portal.tokens(&mut zhang).await;
    let second = Tokens::of(&portal.refresh(first.refresh()).await);
    let third = Tokens::of(&portal.refresh(second.refresh()).await);
    assert_refused(&portal.refresh(first.refresh()).await, "invalid_grant");
    assert_refused(&portal.refresh(third.refresh()).await, "invalid_grant");
}

/// Case 32.
#[tokio::test]
async fn a_refresh_token_buys_no_more_than_was_granted() {
    let server = Server::start().await;
    let (portal, other) = (server.portal().await, server.portal().await);
    let mut zhang = server.browser_of(&ZHANG);
    let request = portal
        .request()
        .with("scope", "openid profile offline_access");
    let tokens = portal.tokens_with(&mut zhang, &request).await;
    let with_scope = async |scope| {
        let fields = [
            ("grant_type", "refresh_token"),
            ("refresh_token", tokens.refresh()),
            ("scope", scope),
        ];
        portal.call("/oauth2/token", &fields).await
    };
    // Another client's.
    assert_refused(&other.refresh(tokens.refresh()).await, "invalid_grant");
    // Wider: registered, but not granted.
    let wider = with_scope("openid profile phone").await;
    assert_refused(&wider, "invalid_scope");
    // Narrower is for this one access token.
    let narrow = Tokens::of(&with_scope("openid").await);
    assert_eq!(narrow.response["scope"], "openid");
    let claims = portal.userinfo(&narrow.access).await.json();
    assert_eq!(claims["name"], Value::Null);
    let whole = Tokens::of(&portal.refresh(tokens.refresh()).await);
    let claims = portal.userinfo(&whole.access).await.json();
    assert_eq!(claims["name"], ZHANG.name);
    // What the client is no longer registered for.
    portal
        .update(&json!({ "scope": "openid offline_access" }))
        .await;
    let claims = portal.userinfo(&whole.access).await.json();
    assert_eq!(claims["name"], Value::Null);
    let less = Tokens::of(&portal.refresh(tokens.refresh()).await);
    assert_eq!(less.response["scope"], "offline_access openid");
    assert_refused(&with_scope("openid profile").await, "invalid_scope");
    portal.update(&json!({ "scope": "openid" })).await;
    assert_refused(&portal.refresh(tokens.refresh()).await, "invalid_grant");
}

/// Case 32.
#[tokio::test]
async fn a_refresh_token_ends_with_what_it_rests_on() {
    let server = Server::start().await;
    let portal = server.portal().await;
    // The resident takes the consent back; giving it anew does not bring back what rested on it.
    let withdrawn = portal.tokens(&mut server.browser_of(&ZHANG)).await;
    portal.withdraw_grant_of(&ZHANG).await;
    assert_refused(&portal.refresh(withdrawn.refresh()).await, "invalid_grant");
    let anew = portal.tokens(&mut server.browser_of(&ZHANG)).await;
    assert_refused(&portal.refresh(withdrawn.refresh()).await, "invalid_grant");
    Tokens::of(&portal.refresh(anew.refresh()).await);
    // The account is frozen; its release does not bring back what ended.
    let frozen = portal.tokens(&mut server.browser_of(&LI)).await;
    server.freeze(&LI).await;
    assert_refused(&portal.refresh(frozen.refresh()).await, "invalid_grant");
    server.unfreeze(&LI).await;
    assert_refused(&portal.refresh(frozen.refresh()).await, "invalid_grant");
    // The family's time is over.
    server.clock.advance(seconds(30 * 24 * 3600));
    assert_refused(&portal.refresh(anew.refresh()).await, "invalid_grant");
}

/// The token with other claims or another type, signed by the provider's own key.
fn signed(
    server: &Server,
    algorithm: SignatureAlgorithm,
    typ: Option<&str>,
    claims: &Value,
) -> String {
    let ring = server.keys.ring();
    let key = ring.signing_key(algorithm).expect("a key");
    sign_jwt(key, typ, claims).expect("a token")
}

fn with(claims: &Value, name: &str, value: Value) -> Value {
    let mut claims = claims.clone();
    claims[name] = value;
    claims
}

fn encoded(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

#[track_caller]
fn assert_invalid_token(answer: &Answer) {
    assert_eq!(answer.status, 401, "{}", answer.text());
    let challenge = answer.header("www-authenticate").expect("a challenge");
    assert!(challenge.contains("error=\"invalid_token\""), "{challenge}");
    assert_eq!(answer.json()["error"], "invalid_token");
}

/// Case 36.
#[tokio::test]
async fn only_our_access_tokens_open_userinfo() {
    let server = Server::start().await;
    let portal =
        Portal::register(&server, &json!({ "id_token_signed_response_alg": "ES256" })).await;
    let code = portal.authorize(&mut server.browser_of(&ZHANG)).await;
    let tokens = Tokens::of(&portal.redeem(&code).await);
    assert_eq!(portal.userinfo(&tokens.access).await.status, 200);
    let claims = claims_of(&tokens.access);
    let es256 = SignatureAlgorithm::Es256;
    let at = Some("at+jwt");
    // Signing anew what the provider said is a good token: what is refused below is refused for
    // what differs.
    let same = signed(&server, es256, at, &claims);
    assert_eq!(portal.userinfo(&same).await.status, 200);
    let id_token = tokens.id.as_deref().expect("an ID token");
    let mut forged = vec![
        id_token.to_owned(),
        tokens.refresh().to_owned(),
        code.value.clone(),
        claims["jti"].as_str().expect("a jti").to_owned(),
        signed(&server, es256, None, &claims),
        signed(&server, es256, Some("JWT"), &claims),
        signed(&server, es256, Some("logout+jwt"), &claims),
    ];
    for (name, value) in [
        ("aud", json!("https://api.example")),
        ("aud", json!([ISSUER])),
        ("iss", json!("https://evil.test")),
        ("exp", claims["iat"].clone()),
        ("exp", json!("never")),
        ("jti", json!("made-up")),
        ("jti", json!(code.value)),
        ("client_id", json!("nobody")),
    ] {
        forged.push(signed(&server, es256, at, &with(&claims, name, value)));
    }
    for token in forged.iter().chain(&confused(&server, &tokens.access)) {
        let answer = portal.userinfo(token).await;
        assert!(answer.status == 400 || answer.status == 401, "{token}");
        if answer.status == 401 {
            assert_invalid_token(&answer);
        }
    }
}

/// The token under other algorithms, and with its signature damaged.
fn confused(server: &Server, token: &str) -> Vec<String> {
    let parts: Vec<&str> = token.split('.').collect();
    let [header, payload, signature] = parts[..] else {
        panic!("not a JWT");
    };
    let header: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).unwrap()).unwrap();
    let mut tokens = vec![
        format!("{}.{payload}.", parts[0]),
        format!("{}.{payload}", parts[0]),
        format!("{}.{payload}.{signature}A", parts[0]),
        format!("{}.{payload}.{}", parts[0], "A".repeat(86)),
        format!(
            "{}.{}.{signature}",
            parts[0],
            encoded(&with(&claims_of(token), "scope", json!("openid")))
        ),
    ];
    for alg in [
        "none", "None", "nOnE", "", "HS256", "RS256", "PS256", "EdDSA", "ES384", "es256",
    ] {
        let other = encoded(&with(&header, "alg", json!(alg)));
        tokens.push(format!("{other}.{payload}.{signature}"));
        tokens.push(format!("{other}.{payload}."));
    }
    // HMAC under what everybody knows: the key set, and each key in it.
    let jwks = serde_json::to_value(server.keys.ring().jwks()).unwrap();
    let keys = jwks["keys"].as_array().unwrap();
    let mut secrets: Vec<Vec<u8>> = vec![jwks.to_string().into_bytes(), Vec::new()];
    for key in keys {
        secrets.push(key.to_string().into_bytes());
        for name in ["n", "x"] {
            if let Some(text) = key[name].as_str() {
                secrets.push(text.as_bytes().to_vec());
                secrets.push(URL_SAFE_NO_PAD.decode(text).unwrap());
            }
        }
    }
    let signed = format!(
        "{}.{payload}",
        encoded(&with(&header, "alg", json!("HS256")))
    );
    for secret in secrets {
        let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, &secret);
        let tag = aws_lc_rs::hmac::sign(&key, signed.as_bytes());
        tokens.push(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(tag)));
    }
    tokens
}

/// Case 36: addresses are kept in logs and histories.
#[tokio::test]
async fn a_token_in_the_query_is_none() {
    let server = Server::start().await;
    let portal = server.portal().await;
    let token = portal.tokens(&mut server.browser_of(&ZHANG)).await.access;
    let target = format!("/oauth2/userinfo?access_token={token}");
    let asked = server.get(&target).await;
    assert_eq!(asked.status, 401);
    assert_eq!(asked.header("www-authenticate"), Some("Bearer"));
    assert!(asked.body.is_empty());
    let posted = portal.post(&target, None, &[("x", "y")]).await;
    assert_eq!(posted.status, 401);
    // In two ways at once, in one of them twice.
    let bearer = format!("Bearer {token}");
    let both = portal
        .post(
            "/oauth2/userinfo",
            Some(&bearer),
            &[("access_token", &token)],
        )
        .await;
    assert_refused(&both, "invalid_request");
    let twice = [("access_token", &*token), ("access_token", &*token)];
    let twice = portal.post("/oauth2/userinfo", None, &twice).await;
    assert_refused(&twice, "invalid_request");
    let request = Request::get("/oauth2/userinfo")
        .header(AUTHORIZATION, &bearer)
        .header(AUTHORIZATION, &bearer)
        .body(Body::empty());
    assert_refused(&server.send(request.unwrap()).await, "invalid_request");
    // A body that is no form says nothing.
    let request = Request::post("/oauth2/userinfo")
        .header(CONTENT_TYPE, "text/plain")
        .body(Body::from(format!("access_token={token}")));
    assert_eq!(server.send(request.unwrap()).await.status, 401);
}

/// Case 36: a client's own token does not speak for anybody.
#[tokio::test]
async fn a_clients_own_token_opens_no_ones_claims() {
    let server = Server::start().await;
    let grants = json!({ "grant_types": ["authorization_code", "client_credentials"] });
    let portal = Portal::register(&server, &grants).await;
    let own = [("grant_type", "client_credentials")];
    let own = Tokens::of(&portal.call("/oauth2/token", &own).await);
    let answer = portal.userinfo(&own.access).await;
    assert_eq!(answer.status, 403);
    assert_eq!(answer.json()["error"], "insufficient_scope");
    // Not with openid written into it either, were there somebody to sign it.
    let claims = with(&claims_of(&own.access), "scope", json!("openid"));
    let forged = signed(&server, SignatureAlgorithm::Es256, Some("at+jwt"), &claims);
    assert_eq!(portal.userinfo(&forged).await.status, 403);
}
