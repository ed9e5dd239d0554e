//! Proof key for code exchange: who stole a code has nothing.

use serde_json::json;

use crate::support::{
    Portal, Server, Tokens, ZHANG, assert_redirect_refuses, assert_refused, challenge,
};

#[tokio::test]
async fn a_verifier_without_a_challenge_is_refused() {
    let server = Server::start().await;
    let openid = json!({ "security_profile": "openid" });
    let portal = Portal::register(&server, &openid).await;
    let mut zhang = server.browser_of(&ZHANG);
    // The attacker strips the challenge on its way; the portal still sends its verifier.
    let stripped = portal.request().without_pkce();
    let mut code = portal.authorize_with(&mut zhang, &stripped).await;
    code.verifier = Some("a-code-verifier-of-forty-three-characters-1".to_owned());
    assert_refused(&portal.redeem(&code).await, "invalid_grant");
    // Without either it is the flow of old, which this profile lets certified libraries use.
    code.verifier = None;
    Tokens::of(&portal.redeem(&code).await);
    // With a challenge, the verifier must come, in this profile too.
    let mut code = portal.authorize_with(&mut zhang, &portal.request()).await;
    let verifier = code.verifier.take();
    assert_refused(&portal.redeem(&code).await, "invalid_grant");
    code.verifier = verifier;
    Tokens::of(&portal.redeem(&code).await);
    // The default profile does not answer a stripped request at all.
    let strict = server.portal().await;
    let answer = zhang.visit(&strict.request().without_pkce().url()).await;
    assert_redirect_refuses(&answer, "invalid_request");
}

#[tokio::test]
async fn only_s256_and_well_formed_verifiers_pass() {
    let server = Server::start().await;
    let openid = json!({ "security_profile": "openid" });
    let mut zhang = server.browser_of(&ZHANG);
    for portal in [
        server.portal().await,
        Portal::register(&server, &openid).await,
    ] {
        let usual = portal.request();
        let long = "x".repeat(44);
        for bad in [
            usual.clone().with("code_challenge_method", "plain"),
            usual.clone().with("code_challenge_method", "s256"),
            usual.clone().with("code_challenge_method", "S512"),
            usual.clone().without("code_challenge_method"),
            usual.clone().without("code_challenge"),
            usual.clone().with("code_challenge", &long),
            usual.clone().with("code_challenge", &long[..42]),
            usual.clone().with("code_challenge", &"=".repeat(43)),
            usual.clone().with("code_challenge", &"+".repeat(43)),
        ] {
            let answer = zhang.visit(&bad.url()).await;
            assert_redirect_refuses(&answer, "invalid_request");
        }
        let mut code = portal.authorize(&mut zhang).await;
        let right = code.verifier.take().unwrap();
        let with_umlaut = "ü".repeat(43);
        for malformed in [
            &right[..42],
            &"v".repeat(129),
            &right.replace('-', "+"),
            &with_umlaut,
        ] {
            code.verifier = Some(malformed.to_owned());
            assert_refused(&portal.redeem(&code).await, "invalid_request");
        }
        // Of the right form, but another; the challenge itself, as with `plain`.
        for wrong in [right.to_uppercase(), challenge(&right)] {
            code.verifier = Some(wrong);
            assert_refused(&portal.redeem(&code).await, "invalid_grant");
        }
        code.verifier = Some(right);
        Tokens::of(&portal.redeem(&code).await);
        // The longest and the shortest that RFC 7636 §4.1 allows.
        for verifier in ["~".repeat(128), "-".repeat(43)] {
            let request = usual.clone().with("code_challenge", &challenge(&verifier));
            let mut code = portal.authorize_with(&mut zhang, &request).await;
            code.verifier = Some(verifier);
            Tokens::of(&portal.redeem(&code).await);
        }
    }
}

#[tokio::test]
async fn a_public_client_needs_pkce() {
    let server = Server::start().await;
    let mut zhang = server.browser_of(&ZHANG);
    for profile in ["portal", "openid"] {
        let public = json!({
            "token_endpoint_auth_method": "none",
            "security_profile": profile,
        });
        let app = Portal::register(&server, &public).await;
        let answer = zhang.visit(&app.request().without_pkce().url()).await;
        assert_redirect_refuses(&answer, "invalid_request");
        let mut code = app.authorize(&mut zhang).await;
        let verifier = code.verifier.take();
        assert_refused(&app.redeem(&code).await, "invalid_grant");
        code.verifier = verifier;
        Tokens::of(&app.redeem(&code).await);
    }
}
