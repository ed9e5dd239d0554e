//! What strangers learn of tokens and can do to them, and what odd tokens cost.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::support::{Portal, Server, Tokens, ZHANG, assert_refused, basic, claims_of};

fn encoded(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

/// Case 37.
#[tokio::test]
async fn introspection_tells_strangers_nothing() {
    let server = Server::start().await;
    let portal = server.portal().await;
    let public = json!({ "token_endpoint_auth_method": "none" });
    let public = Portal::register(&server, &public).await;
    let mut zhang = server.browser_of(&ZHANG);
    let tokens = portal.tokens(&mut zhang).await;
    let of_public = public.tokens(&mut zhang).await;
    let path = "/oauth2/introspect";
    for token in [&*tokens.access, tokens.refresh(), "nothing"] {
        let fields = [("token", token), ("client_id", &*portal.client_id)];
        let named = portal.post(path, None, &fields).await;
        assert_refused(&named, "invalid_client");
        let nameless = portal.post(path, None, &fields[..1]).await;
        assert_refused(&nameless, "invalid_client");
        let bearer = format!("Bearer {}", tokens.access);
        let bearing = portal.post(path, Some(&bearer), &fields[..1]).await;
        assert_refused(&bearing, "invalid_client");
        let guessed = basic(
            &portal.client_id,
            "0123456789012345678901234567890123456789012",
        );
        let guessing = portal.post(path, Some(&guessed), &fields[..1]).await;
        assert_refused(&guessing, "invalid_client");
        for answer in [named, nameless, bearing, guessing] {
            assert!(!answer.text().contains("active"));
        }
    }
    // A client that proves nothing learns nothing, of its own tokens either.
    let answer = public.introspect(&of_public.access).await;
    assert_refused(&answer, "invalid_client");
    // The token of another client is as good as none; so is one with claims of somebody's own.
    let other = server.portal().await;
    let inactive = json!({ "active": false });
    for token in [&*tokens.access, tokens.refresh(), &*of_public.access] {
        assert_eq!(other.introspect(token).await.json(), inactive);
    }
    let mut claims = claims_of(&tokens.access);
    claims["client_id"] = json!(other.client_id);
    let parts: Vec<&str> = tokens.access.split('.').collect();
    let unsigned = encoded(&json!({ "alg": "none", "typ": "at+jwt" }));
    for forged in [
        format!("{}.{}.{}", parts[0], encoded(&claims), parts[2]),
        format!("{}.{}.", parts[0], encoded(&claims)),
        format!("{unsigned}.{}.", encoded(&claims)),
    ] {
        assert_eq!(other.introspect(&forged).await.json(), inactive);
    }
    // Neither an ID token nor a code is introspected.
    let id_token = tokens.id.as_deref().expect("an ID token");
    let code = portal.authorize(&mut zhang).await;
    for token in [id_token, &code.value] {
        assert_eq!(portal.introspect(token).await.json(), inactive);
    }
    assert!(portal.is_active(&tokens.access).await);
    assert!(portal.is_active(tokens.refresh()).await);
}

/// Case 37.
#[tokio::test]
async fn revocation_is_for_the_tokens_own_client() {
    let server = Server::start().await;
    let (portal, other) = (server.portal().await, server.portal().await);
    let tokens = portal.tokens(&mut server.browser_of(&ZHANG)).await;
    for token in [&*tokens.access, tokens.refresh()] {
        // Who is not the client cannot even tell that there is such a token (RFC 7009 §2.2).
        let answer = other.revoke(token).await;
        assert_eq!((answer.status.as_u16(), answer.body.len()), (200, 0));
        let fields = [("token", token)];
        let answer = portal.post("/oauth2/revoke", None, &fields).await;
        assert_refused(&answer, "invalid_client");
        let fields = [("token", token), ("client_id", &*portal.client_id)];
        let answer = portal.post("/oauth2/revoke", None, &fields).await;
        assert_refused(&answer, "invalid_client");
        assert!(portal.is_active(token).await);
    }
    assert_eq!(portal.userinfo(&tokens.access).await.status, 200);
    let next = Tokens::of(&portal.refresh(tokens.refresh()).await);
    // Its own client ends it.
    assert_eq!(portal.revoke(&next.access).await.status, 200);
    assert!(!portal.is_active(&next.access).await);
    assert!(portal.is_active(&tokens.access).await);
}

/// Case 39: headers as attackers write them, around a payload and a signature that are ours.
fn hostile(token: &str) -> Vec<String> {
    let parts: Vec<&str> = token.split('.').collect();
    let header = URL_SAFE_NO_PAD.decode(parts[0]).unwrap();
    let header: Value = serde_json::from_slice(&header).unwrap();
    let with = |name: &str, value: Value| {
        let mut header = header.clone();
        header[name] = value;
        header
    };
    let jwk = json!({ "kty": "oct", "k": "AAAA" });
    let mut headers = vec![
        with("kid", json!("../../../../dev/null")),
        with("kid", json!("file:///dev/null")),
        with("kid", json!("' UNION SELECT 'key' --")),
        with("kid", json!("\u{0}")),
        with("kid", json!("a".repeat(4000))),
        with("kid", json!(["a"])),
        with("kid", Value::Null),
        with("alg", json!("RS1")),
        with("alg", json!(["ES256"])),
        with("alg", json!({})),
        with("typ", json!("JWT")),
        with("crit", json!(["exp"])),
        with("crit", json!([])),
        with("b64", json!(false)),
        with("zip", json!("DEF")),
        with("jwk", jwk),
        with("jku", json!("https://127.0.0.1/jwks")),
        with("x5u", json!("https://127.0.0.1/cert")),
        with("x5c", json!(["AAAA"])),
        json!({}),
        json!([]),
        json!("ES256"),
        Value::Null,
    ];
    let mut nested = json!("deep");
    for _ in 0..100 {
        nested = json!([nested]);
    }
    headers.push(with("x", nested));
    let mut tokens: Vec<String> = headers
        .iter()
        .map(|header| format!("{}.{}.{}", encoded(header), parts[1], parts[2]))
        .collect();
    // The same member twice: parsers differ on which one counts.
    let twice = format!("{{\"alg\":\"none\",{}", &header.to_string()[1..]);
    let twice = URL_SAFE_NO_PAD.encode(twice);
    tokens.push(format!("{twice}.{}.{}", parts[1], parts[2]));
    // Encrypted, at a price: a password to be derived with billions of rounds, a zip bomb.
    let costly = json!({ "alg": "PBES2-HS512+A256KW", "enc": "A256GCM", "p2s": "AAAA", "p2c": 2_147_483_647, "zip": "DEF" });
    tokens.push(format!("{}.AAAA.AAAA.AAAA.AAAA", encoded(&costly)));
    for odd in ["", ".", "..", "...", "....", "a.b.c", "\u{f8ff}.e30.e30"] {
        tokens.push(odd.to_owned());
    }
    tokens.push(format!("{token}.{token}"));
    tokens.push(format!("{token}=="));
    tokens.push(format!("{}.", "a".repeat(30_000)));
    tokens.push(".".repeat(30_000));
    tokens.push("[".repeat(20_000));
    tokens
}

/// Case 39: none is taken, wherever a token is; and none breaks anything. That they are cheap shows
/// in that all of them together, some asking for billions of rounds, end within a test.
#[tokio::test]
async fn hostile_token_headers_are_refused_cheaply() {
    let server = Server::start().await;
    let portal = server.portal().await;
    let mut zhang = server.browser_of(&ZHANG);
    let tokens = portal.tokens(&mut zhang).await;
    let id_token = tokens.id.as_deref().expect("an ID token");
    for token in hostile(&tokens.access) {
        let form = [("access_token", &*token)];
        let answer = portal.post("/oauth2/userinfo", None, &form).await;
        assert!(
            answer.status == 400 || answer.status == 401,
            "{} {token:.200}",
            answer.status
        );
        if !token.is_empty() {
            let answer = portal.introspect(&token).await;
            let is_inactive = answer.status == 200 && answer.json() == json!({ "active": false });
            assert!(is_inactive || answer.status == 400, "{token:.200}");
            let answer = portal.revoke(&token).await;
            assert!(answer.status == 200 || answer.status == 400, "{token:.200}");
            let answer = portal.refresh(&token).await;
            assert_refused(&answer, "invalid_grant");
        }
    }
    for hint in hostile(id_token).iter().filter(|hint| hint.len() > 4) {
        let request = portal.request().with("prompt", "none");
        let request = request.with("id_token_hint", hint);
        let answer = zhang.visit(&request.url()).await;
        assert!(answer.returned().contains_key("error"), "{hint:.200}");
    }
    // More than any request may be long.
    let huge = "a".repeat(100_000);
    for path in ["/oauth2/introspect", "/oauth2/revoke", "/oauth2/userinfo"] {
        let answer = portal.call(path, &[("token", &huge)]).await;
        assert_eq!(answer.status, 413, "{path}");
    }
    assert_eq!(portal.userinfo(&tokens.access).await.status, 200);
}
