//! `/oauth2/token`: what codes and clients' own credentials buy, and what is in it.

use std::collections::BTreeSet;

use axum::body::Body;
use axum::extract::Request;
use axum::http::header::CONTENT_TYPE;
use serde_json::{Value, json};
use tongxing::domain::client::ClientStatus;

use crate::support::{
    ISSUER, LI, NONCE, Portal, Server, Tokens, WANG, ZHANG, assert_page_refuses,
    assert_redirect_refuses, assert_refused, assert_signed, claims_of, half_hash, header_of,
    seconds,
};

async fn jwks(server: &Server) -> Value {
    server.get("/oauth2/jwks").await.json()
}

fn names(value: &Value) -> BTreeSet<&str> {
    let members = value.as_object().expect("an object");
    members.keys().map(String::as_str).collect()
}

#[tokio::test]
async fn a_code_buys_what_rfc_6749_says() {
    let server = Server::start().await;
    let portal = server.portal().await;
    let code = portal.authorize(&mut server.browser_of(&ZHANG)).await;
    let answer = portal.redeem(&code).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(answer.header("pragma"), Some("no-cache"));
    let body = answer.json();
    let expected = [
        "access_token",
        "expires_in",
        "id_token",
        "refresh_token",
        "scope",
        "token_type",
    ];
    assert_eq!(names(&body), BTreeSet::from(expected));
    assert_eq!(body["token_type"], "Bearer");
    assert_eq!(body["expires_in"], 300);
    assert_eq!(body["scope"], "email offline_access openid phone profile");
}

/// RFC 9068 §2.
#[tokio::test]
async fn an_access_token_is_a_jwt_that_a_portal_verifies_alone() {
    let server = Server::start().await;
    let portal = server.portal().await;
    let mut zhang = server.browser_of(&ZHANG);
    let tokens = portal.tokens(&mut zhang).await;
    assert_signed(&jwks(&server).await, &tokens.access);
    let header = header_of(&tokens.access);
    assert_eq!(names(&header), BTreeSet::from(["alg", "kid", "typ"]));
    assert_eq!(
        (&header["typ"], &header["alg"]),
        (&json!("at+jwt"), &json!("ES256"))
    );
    let claims = claims_of(&tokens.access);
    let expected = [
        "iss",
        "sub",
        "aud",
        "client_id",
        "exp",
        "iat",
        "jti",
        "scope",
        "auth_time",
        "acr",
        "aal",
        "ial",
    ];
    assert_eq!(names(&claims), BTreeSet::from(expected), "nothing personal");
    assert_eq!(claims["iss"], ISSUER);
    assert_eq!(claims["aud"], ISSUER);
    assert_eq!(claims["client_id"], portal.client_id);
    assert_eq!(claims["sub"], tokens.id_claims()["sub"]);
    assert_eq!(claims["iat"], server.clock_seconds());
    assert_eq!(claims["exp"], server.clock_seconds() + 300);
    let other = portal.tokens(&mut zhang).await;
    assert_ne!(claims_of(&other.access)["jti"], claims["jti"]);
}

/// OpenID Connect Core §2, §3.1.3.6; OpenID Connect Front-Channel Logout §3 for `sid`.
#[tokio::test]
async fn an_id_token_says_how_and_when_the_resident_logged_in() {
    let server = Server::start().await;
    let jwks = jwks(&server).await;
    let mut zhang = server.browser_of(&ZHANG);
    zhang.login(&ZHANG).await;
    let logged_in_at = server.clock_seconds();
    server.clock.advance(seconds(100));
    for algorithm in ["RS256", "PS256", "ES256", "EdDSA"] {
        let metadata = json!({ "id_token_signed_response_alg": algorithm });
        let portal = Portal::register(&server, &metadata).await;
        let tokens = portal.tokens(&mut zhang).await;
        let id_token = tokens.id.as_deref().expect("an ID token");
        assert_signed(&jwks, id_token);
        assert_eq!(header_of(id_token)["alg"], algorithm);
        let claims = tokens.id_claims();
        let now = server.clock_seconds();
        assert_eq!(claims["iss"], ISSUER);
        assert_eq!(claims["aud"], portal.client_id);
        assert_eq!(
            (&claims["iat"], &claims["exp"]),
            (&json!(now), &json!(now + 300))
        );
        assert_eq!(claims["auth_time"], logged_in_at);
        assert_eq!(claims["nonce"], NONCE);
        assert_eq!(claims["amr"], json!(["pwd"]));
        assert_eq!(claims["acr"], "urn:tongxing:aal:1");
        assert_eq!(
            (&claims["aal"], &claims["ial"]),
            (
                &claims_of(&tokens.access)["aal"],
                &claims_of(&tokens.access)["ial"]
            )
        );
        assert!(claims["sid"].is_string() && claims["sub"].is_string());
        // For EdDSA no specification says which digest; it is left out there.
        let expected = (algorithm != "EdDSA").then(|| half_hash(&tokens.access));
        assert_eq!(claims["at_hash"].as_str(), expected.as_deref());
        assert_eq!(
            claims["name"],
            Value::Null,
            "claims are fetched, unless asked for here"
        );
    }
    let plain = server.portal().await;
    let tokens = plain.tokens(&mut zhang).await;
    assert_eq!(header_of(tokens.id.as_deref().unwrap())["alg"], "RS256");
    let without = plain.request().without("nonce");
    let tokens = plain.tokens_with(&mut zhang, &without).await;
    assert_eq!(tokens.id_claims()["nonce"], Value::Null);
}

#[tokio::test]
async fn levels_are_stated_as_reached_and_as_asked() {
    let server = Server::start().await;
    let portal = server.portal().await;
    for (person, asked, acr, ial) in [
        (&ZHANG, None, "aal:1", 2),
        (
            &ZHANG,
            Some("urn:tongxing:ial:4 urn:tongxing:ial:2"),
            "ial:2",
            2,
        ),
        (&ZHANG, Some("urn:tongxing:ial:3"), "aal:1", 2),
        (
            &LI,
            Some("urn:tongxing:ial:1 urn:tongxing:aal:1"),
            "ial:1",
            1,
        ),
        (&WANG, Some("urn:tongxing:ial:4"), "ial:4", 4),
        (&WANG, Some("something:else"), "aal:1", 4),
    ] {
        let mut request = portal.request();
        if let Some(asked) = asked {
            request = request.with("acr_values", asked);
        }
        let tokens = portal
            .tokens_with(&mut server.browser_of(person), &request)
            .await;
        let acr = format!("urn:tongxing:{acr}");
        assert_eq!(tokens.id_claims()["acr"], acr, "{asked:?}");
        assert_eq!(claims_of(&tokens.access)["acr"], acr);
        assert_eq!(tokens.id_claims()["aal"], 1);
        assert_eq!(tokens.id_claims()["ial"], ial);
    }
}

/// OpenID Connect Core §5.5.
#[tokio::test]
async fn a_claim_asked_for_in_the_id_token_is_there() {
    let server = Server::start().await;
    let portal = server.portal().await;
    let claims = json!({ "id_token": { "name": null, "phone_number": { "essential": true } } });
    let request = portal.request().with("claims", &claims.to_string());
    let tokens = portal
        .tokens_with(&mut server.browser_of(&ZHANG), &request)
        .await;
    let told = tokens.id_claims();
    assert_eq!(
        (&told["name"], &told["phone_number"]),
        (&json!(ZHANG.name), &json!(ZHANG.phone))
    );
    assert_eq!(told["email"], Value::Null);
    let fetched = portal.userinfo(&tokens.access).await.json();
    assert_eq!(names(&fetched), BTreeSet::from(["sub"]));
}

/// RFC 6749 §4.4.
#[tokio::test]
async fn a_client_gets_a_token_of_its_own() {
    let server = Server::start().await;
    let machine = json!({
        "grant_types": ["client_credentials"],
        "redirect_uris": null,
        "scope": null,
    });
    let portal = Portal::register(&server, &machine).await;
    let ask = async |scope: &str| {
        let fields = [("grant_type", "client_credentials"), ("scope", scope)];
        portal.call("/oauth2/token", &fields).await
    };
    let answer = ask("").await;
    assert_eq!(answer.json()["refresh_token"], Value::Null);
    assert_eq!(answer.json()["id_token"], Value::Null);
    let tokens = Tokens::of(&answer);
    assert_signed(&jwks(&server).await, &tokens.access);
    let claims = claims_of(&tokens.access);
    assert_eq!(claims["sub"], portal.client_id);
    for name in ["auth_time", "acr", "aal", "ial", "scope"] {
        assert_eq!(claims[name], Value::Null, "{name}");
    }
    assert!(portal.is_active(&tokens.access).await);
    for scope in ["openid", "profile", "offline_access", "nonsense"] {
        assert_refused(&ask(scope).await, "invalid_scope");
    }
    let public = json!({
        "grant_types": ["client_credentials"],
        "token_endpoint_auth_method": "none",
        "client_name": "P",
    });
    assert!(Portal::try_register(&server, &public).await.is_err());
}

/// RFC 8707: the provider itself is the one resource there is.
#[tokio::test]
async fn tokens_are_for_the_provider_only() {
    let server = Server::start().await;
    let portal = server.portal().await;
    let mut zhang = server.browser_of(&ZHANG);
    let tokens = portal.tokens(&mut zhang).await;
    for (resource, is_ours) in [
        (ISSUER, true),
        ("https://api.example", false),
        ("https://id.example/other", false),
        ("urn:x", false),
        ("id.example", false),
    ] {
        let fields = [
            ("grant_type", "refresh_token"),
            ("refresh_token", tokens.refresh()),
            ("resource", resource),
        ];
        let answer = portal.call("/oauth2/token", &fields).await;
        if is_ours {
            assert_eq!(claims_of(&Tokens::of(&answer).access)["aud"], ISSUER);
        } else {
            assert_refused(&answer, "invalid_target");
            let request = portal.request().with("resource", resource);
            assert_redirect_refuses(&zhang.visit(&request.url()).await, "invalid_target");
        }
    }
}

#[tokio::test]
async fn what_is_no_token_request_is_refused() {
    let server = Server::start().await;
    let portal = server.portal().await;
    assert_eq!(server.get("/oauth2/token").await.status, 405);
    for (fields, code) in [
        (vec![], "invalid_request"),
        (vec![("grant_type", "")], "invalid_request"),
        (
            vec![("grant_type", "authorization_code")],
            "invalid_request",
        ),
        (vec![("grant_type", "refresh_token")], "invalid_request"),
        (
            vec![("grant_type", "authorization_code"), ("code", "x")],
            "invalid_grant",
        ),
        (
            vec![("grant_type", "refresh_token"), ("refresh_token", "x")],
            "invalid_grant",
        ),
        (
            vec![
                ("grant_type", "refresh_token"),
                ("refresh_token", "x"),
                ("scope", "\""),
            ],
            "invalid_scope",
        ),
    ] {
        let answer = portal.call("/oauth2/token", &fields).await;
        assert_refused(&answer, code);
    }
    for (kind, body) in [
        (
            "application/json",
            "{\"grant_type\":\"client_credentials\"}",
        ),
        ("text/plain", "grant_type=client_credentials"),
        ("multipart/form-data; boundary=x", "--x--"),
    ] {
        let request = Request::post("/oauth2/token")
            .header(CONTENT_TYPE, kind)
            .body(Body::from(body));
        assert_eq!(server.send(request.unwrap()).await.status, 415, "{kind}");
    }
}

#[tokio::test]
async fn a_suspended_client_is_refused_everywhere() {
    let server = Server::start().await;
    let portal = server.portal().await;
    let mut zhang = server.browser_of(&ZHANG);
    let tokens = portal.tokens(&mut zhang).await;
    let code = portal.authorize(&mut zhang).await;
    let hint = tokens.id.as_deref().expect("an ID token");
    let ended = format!(
        "/oauth2/end_session?client_id={}&post_logout_redirect_uri=https://portal1.example/bye",
        portal.client_id
    );
    let waiting = server.browser_of(&LI).visit(&portal.request().url()).await;
    assert_eq!(waiting.path(), "/login");
    portal.suspend().await;
    for answer in [
        portal.redeem(&code).await,
        portal.refresh(tokens.refresh()).await,
        portal.introspect(&tokens.access).await,
        portal.revoke(&tokens.access).await,
    ] {
        assert_refused(&answer, "invalid_client");
    }
    assert_eq!(portal.userinfo(&tokens.access).await.status, 401);
    for target in [
        portal.request().url(),
        portal.request().with("prompt", "none").url(),
    ] {
        assert_page_refuses(&zhang.visit(&target).await, "unknown_client");
    }
    for target in [ended, format!("/oauth2/end_session?id_token_hint={hint}")] {
        assert_page_refuses(&zhang.visit(&target).await, "invalid_request");
    }
    // Resumed, it goes on; what it was refused meanwhile it may ask again.
    portal.becomes(ClientStatus::Active).await;
    assert_eq!(portal.userinfo(&tokens.access).await.status, 200);
    Tokens::of(&portal.redeem(&code).await);
    Tokens::of(&portal.refresh(tokens.refresh()).await);
}
