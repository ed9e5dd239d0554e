//! Authorization codes: for one client, once, and only while what they rest on lasts.

use serde_json::json;

use crate::support::{
    Code, Portal, Server, Tokens, ZHANG, assert_refused, basic, minutes, race, seconds,
};

#[tokio::test]
async fn a_code_belongs_to_its_client() {
    let server = Server::start().await;
    let (portal, thief) = (server.portal().await, server.portal().await);
    let public = json!({ "token_endpoint_auth_method": "none" });
    let app = Portal::register(&server, &public).await;
    let mut zhang = server.browser_of(&ZHANG);
    let code = portal.authorize(&mut zhang).await;
    // Another client with a login of its own, by its own name, and by the owner's name.
    thief.authorize(&mut zhang).await;
    let retargeted = Code {
        redirect_uri: Some(thief.redirect_uri.clone()),
        ..code.clone()
    };
    for stolen in [&code, &retargeted] {
        assert_refused(&thief.redeem(stolen).await, "invalid_grant");
        assert_refused(&app.redeem(stolen).await, "invalid_grant");
    }
    let form = [
        ("grant_type", "authorization_code"),
        ("code", code.value.as_str()),
        ("redirect_uri", &portal.redirect_uri),
        ("code_verifier", code.verifier.as_deref().unwrap()),
        ("client_id", &portal.client_id),
    ];
    let proof = basic(&thief.client_id, thief.client_secret.as_deref().unwrap());
    let answer = portal.post("/oauth2/token", Some(&proof), &form).await;
    assert_refused(&answer, "invalid_request");
    let answer = portal.post("/oauth2/token", None, &form).await;
    assert_refused(&answer, "invalid_client");
    // None of that cost the owner its code.
    let tokens = Tokens::of(&portal.redeem(&code).await);
    // Who presents a redeemed code of somebody else takes nothing from its owner.
    assert_refused(&thief.redeem(&code).await, "invalid_grant");
    assert!(portal.is_active(&tokens.access).await);
}

#[tokio::test]
async fn a_replayed_code_revokes_what_it_bought() {
    let server = Server::start().await;
    let (portal, other) = (server.portal().await, server.portal().await);
    let mut zhang = server.browser_of(&ZHANG);
    // At once, after half a minute, and long after a code has expired.
    for wait in [seconds(0), seconds(30), minutes(4)] {
        let elsewhere = other.tokens(&mut zhang).await;
        let earlier = portal.tokens(&mut zhang).await;
        let code = portal.authorize(&mut zhang).await;
        let tokens = Tokens::of(&portal.redeem(&code).await);
        let refreshed = Tokens::of(&portal.refresh(tokens.refresh()).await);
        server.clock.advance(wait);
        assert!(portal.is_active(&tokens.access).await);
        assert_refused(&portal.redeem(&code).await, "invalid_grant");
        for token in [
            &tokens.access,
            &refreshed.access,
            tokens.refresh.as_ref().unwrap(),
        ] {
            assert!(!portal.is_active(token).await, "after {wait:?}");
        }
        assert_eq!(portal.userinfo(&tokens.access).await.status, 401);
        assert_refused(&portal.refresh(tokens.refresh()).await, "invalid_grant");
        // No other authorization and no remembered consent is touched.
        assert!(portal.is_active(&earlier.access).await);
        assert!(other.is_active(&elsewhere.access).await);
        zhang.asked.clear();
        portal.tokens(&mut zhang).await;
        assert!(zhang.asked.is_empty(), "{:?}", zhang.asked);
        assert_refused(&portal.redeem(&code).await, "invalid_grant");
    }
}

async fn one_of_32_wins(server: &Server) {
    let portal = server.portal().await;
    let code = portal.authorize(&mut server.browser_of(&ZHANG)).await;
    let answers = race(32, |_| {
        let (portal, code) = (portal.clone(), code.clone());
        async move { portal.redeem(&code).await }
    })
    .await;
    let (won, lost): (Vec<_>, Vec<_>) = answers
        .iter()
        .partition(|answer| answer.status.is_success());
    assert_eq!((won.len(), lost.len()), (1, 31));
    for answer in lost {
        assert_refused(answer, "invalid_grant");
    }
    // Two hold the code, so it is not known whom the winner's tokens serve (RFC 6749 §4.1.2).
    let tokens = Tokens::of(won[0]);
    assert!(!portal.is_active(&tokens.access).await);
    assert_refused(&portal.refresh(tokens.refresh()).await, "invalid_grant");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_32_racing_redemptions_one_wins() {
    one_of_32_wins(&Server::start().await).await;
    if let Some(server) = Server::start_on_postgres().await {
        one_of_32_wins(&server).await;
    }
}

#[tokio::test]
async fn a_code_is_bound_to_its_redirect_uri() {
    let server = Server::start().await;
    let uris = ["https://portal.example/one", "https://portal.example/two"];
    let portal = Portal::register(&server, &json!({ "redirect_uris": uris })).await;
    let code = portal.authorize(&mut server.browser_of(&ZHANG)).await;
    assert_eq!(code.redirect_uri.as_deref(), Some(uris[0]));
    for other in [
        None,
        Some(""),
        Some(uris[1]),
        Some("https://portal.example/one/"),
        Some("https://portal.example/On%65"),
        Some("https://evil.test/"),
    ] {
        let code = Code {
            redirect_uri: other.map(str::to_owned),
            ..code.clone()
        };
        assert_refused(&portal.redeem(&code).await, "invalid_grant");
    }
    Tokens::of(&portal.redeem(&code).await);
}

/// A server, a portal and a code for it, before anything went wrong.
async fn a_fresh_code() -> (Server, Portal, Code) {
    let server = Server::start().await;
    let portal = server.portal().await;
    let code = portal.authorize(&mut server.browser_of(&ZHANG)).await;
    (server, portal, code)
}

#[tokio::test]
async fn a_code_dies_with_time_session_and_account() {
    // Time: 60 seconds to the millisecond.
    let (server, portal, code) = a_fresh_code().await;
    server.clock.advance(seconds(60));
    assert_refused(&portal.redeem(&code).await, "invalid_grant");
    let (server, portal, code) = a_fresh_code().await;
    server.clock.advance(seconds(59));
    Tokens::of(&portal.redeem(&code).await);
    // The login it came from.
    let server = Server::start().await;
    let portal = server.portal().await;
    let mut zhang = server.browser_of(&ZHANG);
    let code = portal.authorize(&mut zhang).await;
    zhang.logout().await;
    assert_refused(&portal.redeem(&code).await, "invalid_grant");
    // Another login of the same resident does not bring it back.
    zhang.login(&ZHANG).await;
    assert_refused(&portal.redeem(&code).await, "invalid_grant");
    // The account.
    let (server, portal, code) = a_fresh_code().await;
    server.freeze(&ZHANG).await;
    assert_refused(&portal.redeem(&code).await, "invalid_grant");
    // The client: it cannot even prove itself any more.
    let (_server, portal, code) = a_fresh_code().await;
    portal.suspend().await;
    assert_refused(&portal.redeem(&code).await, "invalid_client");
    // The grant.
    let (_server, portal, code) = a_fresh_code().await;
    portal.withdraw_grant_of(&ZHANG).await;
    assert_refused(&portal.redeem(&code).await, "invalid_grant");
}

#[tokio::test]
async fn a_code_that_was_tampered_with_is_no_code() {
    let (_server, portal, code) = a_fresh_code().await;
    let value = &code.value;
    let flipped = |at: usize| {
        let mut bytes = value.clone().into_bytes();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        String::from_utf8(bytes).unwrap()
    };
    let cut = &value[..value.len() - 1];
    let mangled = [
        flipped(0),
        flipped(value.len() / 2),
        flipped(value.len() - 2),
        cut.to_owned(),
        format!("{value}A"),
        format!("{value}="),
        "nonsense".to_owned(),
        "A".repeat(5000),
    ];
    for value in mangled {
        let code = Code {
            value,
            ..code.clone()
        };
        assert_refused(&portal.redeem(&code).await, "invalid_grant");
    }
    Tokens::of(&portal.redeem(&code).await);
}
