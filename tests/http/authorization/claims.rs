//! The `claims` parameter and levels of assurance (OpenID Connect Core §5.5).

use serde_json::{Value, json};

use crate::support::{
    AuthorizationRequest, LI, Portal, Server, WANG, ZHANG, assert_redirect_refuses, claims_of,
};

fn claiming(portal: &Portal, claims: &Value) -> AuthorizationRequest {
    portal.request().with("claims", &claims.to_string())
}

#[tokio::test]
async fn a_single_claim_comes_where_it_was_asked() {
    let server = Server::start().await;
    let portal = server.portal().await;
    let mut zhang = server.browser_of(&ZHANG);
    let request = claiming(
        &portal,
        &json!({
            "id_token": { "name": { "essential": true }, "auth_time": { "essential": true } },
            "userinfo": { "phone_number": null, "email": { "value": "another@mail.example" },
                "nickname": { "essential": true }, "http://unknown.example/claim": null },
            "elsewhere": { "email": null },
        }),
    );
    let tokens = portal.tokens_with(&mut zhang, &request).await;
    let (id, userinfo) = (
        tokens.id_claims(),
        portal.userinfo(&tokens.access).await.json(),
    );
    assert_eq!(id["name"], ZHANG.name);
    assert!(id["phone_number"].is_null() && id["auth_time"].is_i64());
    assert_eq!(userinfo["phone_number"], ZHANG.phone);
    assert!(userinfo["name"].is_null());
    // One that is not there is left out, essential or not.
    assert!(userinfo["nickname"].is_null());
    // Refreshing repeats it.
    let request = request.with("scope", "openid offline_access");
    let tokens = portal.tokens_with(&mut zhang, &request).await;
    let again = crate::support::Tokens::of(&portal.refresh(tokens.refresh()).await);
    assert_eq!(
        portal.userinfo(&again.access).await.json()["phone_number"],
        ZHANG.phone
    );
}

#[tokio::test]
async fn a_subject_asked_for_is_the_one_answered_with() {
    let server = Server::start().await;
    let portal = server.portal().await;
    let mut zhang = server.browser_of(&ZHANG);
    let sub = portal.tokens(&mut zhang).await.id_claims()["sub"].clone();
    let about = |sub: &Value| {
        let claims = json!({ "id_token": { "sub": { "value": sub } } });
        claiming(&portal, &claims).with("prompt", "none")
    };
    let request = about(&sub);
    request.code(&zhang.visit(&request.url()).await);
    let another = about(&json!("somebody-else"));
    assert_redirect_refuses(&zhang.visit(&another.url()).await, "login_required");
}

fn essential(values: &[&str]) -> Value {
    json!({ "id_token": { "acr": { "essential": true, "values": values } } })
}

#[tokio::test]
async fn an_essential_level_that_is_not_met_fails_the_request() {
    let server = Server::start().await;
    let portal = server.portal().await;
    let mut li = server.browser_of(&LI);
    for out_of_reach in [
        essential(&["urn:tongxing:ial:2"]),
        essential(&["urn:tongxing:aal:3", "urn:tongxing:ial:4"]),
        essential(&["urn:mace:incommon:iap:silver"]),
        json!({ "id_token": { "acr": { "essential": true, "value": "urn:tongxing:aal:2" } } }),
    ] {
        let answer = li.agree(&claiming(&portal, &out_of_reach).url()).await;
        assert_redirect_refuses(&answer, "unmet_authentication_requirements");
        let silent = claiming(&portal, &out_of_reach).with("prompt", "none");
        let answer = li.visit(&silent.url()).await;
        assert_redirect_refuses(&answer, "unmet_authentication_requirements");
    }
    // Any one of the list is enough; the most preferred one that holds is stated.
    let any = essential(&[
        "urn:tongxing:ial:4",
        "urn:tongxing:ial:1",
        "urn:tongxing:aal:1",
    ]);
    let tokens = portal.tokens_with(&mut li, &claiming(&portal, &any)).await;
    assert_eq!(tokens.id_claims()["acr"], "urn:tongxing:ial:1");
    let mut wang = server.browser_of(&WANG);
    let tokens = portal
        .tokens_with(&mut wang, &claiming(&portal, &any))
        .await;
    assert_eq!(tokens.id_claims()["acr"], "urn:tongxing:ial:4");
}

#[tokio::test]
async fn a_level_wished_for_is_stated_or_done_without() {
    let server = Server::start().await;
    let portal = server.portal().await;
    let mut zhang = server.browser_of(&ZHANG);
    let wish = |values: &str| portal.request().with("acr_values", values);
    let voluntary = json!({ "id_token": { "acr": { "values": ["urn:tongxing:ial:3"] } } });
    for (request, stated) in [
        (portal.request(), "urn:tongxing:aal:1"),
        (wish("urn:tongxing:ial:2"), "urn:tongxing:ial:2"),
        (
            wish("urn:tongxing:ial:1 urn:tongxing:ial:2"),
            "urn:tongxing:ial:1",
        ),
        (
            wish("urn:tongxing:aal:2 urn:tongxing:ial:2"),
            "urn:tongxing:ial:2",
        ),
        (
            wish("urn:tongxing:aal:2 urn:tongxing:ial:4"),
            "urn:tongxing:aal:1",
        ),
        (claiming(&portal, &voluntary), "urn:tongxing:aal:1"),
    ] {
        let tokens = portal.tokens_with(&mut zhang, &request).await;
        let id = tokens.id_claims();
        assert_eq!(id["acr"], stated, "{:?}", request.parameters());
        // Both levels are there whatever was asked, and introspection agrees.
        assert_eq!((&id["aal"], &id["ial"]), (&json!(1), &json!(2)));
        let token = claims_of(&tokens.access);
        let introspected = portal.introspect(&tokens.access).await.json();
        for claims in [&token, &introspected] {
            assert_eq!(claims["acr"], stated);
            assert_eq!((&claims["aal"], &claims["ial"]), (&json!(1), &json!(2)));
        }
    }
    let default = json!({ "default_acr_values": ["urn:tongxing:ial:2"] });
    let portal = Portal::register(&server, &default).await;
    let tokens = portal.tokens(&mut zhang).await;
    assert_eq!(tokens.id_claims()["acr"], "urn:tongxing:ial:2");
}
