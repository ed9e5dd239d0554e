//! Who is who: across sectors, by hints, and by claims that were not granted.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::support::{
    LI, Portal, Server, Tokens, WANG, ZHANG, assert_redirect_refuses, claims_of, seconds,
};

/// Every text in a JSON value, and in the JWTs in it.
fn texts(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::String(text) => {
            if text.split('.').count() == 3 && text.starts_with("ey") {
                texts(&claims_of(text), found);
            }
            found.insert(text.clone());
        }
        Value::Array(items) => items.iter().for_each(|item| texts(item, found)),
        Value::Object(members) => members.values().for_each(|item| texts(item, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// All that a portal is told of a visit, but for what tells of the person's own data.
async fn told(portal: &Portal, tokens: &Tokens) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    texts(&tokens.response, &mut found);
    texts(&portal.userinfo(&tokens.access).await.json(), &mut found);
    for token in [&*tokens.access, tokens.refresh()] {
        texts(&portal.introspect(token).await.json(), &mut found);
    }
    found
}

/// Case 40.
#[tokio::test]
async fn subjects_of_two_sectors_cannot_be_linked() {
    let server = Server::start().await;
    let (portal, other) = (server.portal().await, server.portal().await);
    let mut zhang = server.browser_of(&ZHANG);
    let mut li = server.browser_of(&LI);
    let scope = "openid offline_access";
    let here = portal
        .tokens_with(&mut zhang, &portal.request().with("scope", scope))
        .await;
    let there = other
        .tokens_with(&mut zhang, &other.request().with("scope", scope))
        .await;
    let another = other
        .tokens_with(&mut li, &other.request().with("scope", scope))
        .await;
    // What one session and one account show to two sectors has no more in common than what two
    // residents do: constants such as the issuer.
    let (here_told, there_told) = (told(&portal, &here).await, told(&other, &there).await);
    let common: BTreeSet<_> = here_told.intersection(&there_told).cloned().collect();
    let another_told = told(&other, &another).await;
    let of_strangers: BTreeSet<_> = here_told.intersection(&another_told).cloned().collect();
    assert_eq!(common, of_strangers);
    // One sector is told the same everywhere.
    let sub = here.id_claims()["sub"].clone();
    assert_eq!(portal.userinfo(&here.access).await.json()["sub"], sub);
    assert_eq!(portal.introspect(&here.access).await.json()["sub"], sub);
    assert_eq!(claims_of(&here.access)["sub"], sub);
    // A subject of another sector is no hint, nor a question that is answered.
    let foreign = there.id.as_deref().expect("an ID token");
    let named = there.id_claims()["sub"].clone();
    let claims = json!({ "id_token": { "sub": { "value": named } } }).to_string();
    let silent = portal.request().with("prompt", "none");
    for request in [
        silent.clone().with("id_token_hint", foreign),
        silent.with("claims", &claims),
    ] {
        let answer = zhang.visit(&request.url()).await;
        assert_redirect_refuses(&answer, "login_required");
    }
    // A sector is what the host says, and no host may list redirect URIs that are not its own.
    let shared = json!({
        "redirect_uris": ["https://portal1.example/cb", "https://portal2.example/cb"],
        "client_name": "P",
    });
    assert!(Portal::try_register(&server, &shared).await.is_err());
}

/// Case 40: what is meant to be one sector is.
#[tokio::test]
async fn a_sector_and_public_subjects_are_shared_on_purpose_only() {
    let server = Server::start().await;
    let uri = |path: &str| json!({ "redirect_uris": [format!("https://one.example/{path}")] });
    let one = [
        Portal::register(&server, &uri("a")).await,
        Portal::register(&server, &uri("b")).await,
    ];
    let public = json!({ "subject_type": "public" });
    let open = [
        Portal::register(&server, &public).await,
        Portal::register(&server, &public).await,
    ];
    let named = json!({ "redirect_uris": ["https://public/cb"] });
    let named = Portal::register(&server, &named).await;
    let mut zhang = server.browser_of(&ZHANG);
    let mut subjects = Vec::new();
    for portal in one.iter().chain(&open).chain([&named]) {
        let tokens = portal.tokens(&mut zhang).await;
        let sub = tokens.id_claims()["sub"].clone();
        assert_eq!(portal.userinfo(&tokens.access).await.json()["sub"], sub);
        subjects.push(sub.to_string());
    }
    assert_eq!(subjects[0], subjects[1]);
    assert_eq!(subjects[2], subjects[3]);
    let different: BTreeSet<_> = subjects.iter().collect();
    assert_eq!(different.len(), 3, "{subjects:?}");
}

/// Case 41.
#[tokio::test]
async fn the_claims_parameter_widens_nothing() {
    let server = Server::start().await;
    let narrow = json!({ "scope": "openid profile" });
    let portal = Portal::register(&server, &narrow).await;
    let mut zhang = server.browser_of(&ZHANG);
    let all = json!({ "essential": true });
    let members = json!({
        "name": all, "phone_number": all, "phone_number_verified": null, "email": all,
        "resident_id_card": all, "document_number": all, "birthdate": null,
    });
    let claims = json!({ "userinfo": members, "id_token": members }).to_string();
    // Cleared for the name, and not for the phone, however it is asked for.
    let first = portal.tokens_with(&mut zhang, &portal.request()).await;
    assert_eq!(
        portal.userinfo(&first.access).await.json()["name"],
        Value::Null
    );
    let request = portal.request().with("claims", &claims);
    // The resident agreed to `openid` alone: a name asked for by itself is asked about.
    let silent = request.clone().with("prompt", "none");
    let answer = zhang.visit(&silent.url()).await;
    assert_redirect_refuses(&answer, "consent_required");
    let tokens = portal.tokens_with(&mut zhang, &request).await;
    assert_eq!(zhang.asked.last().map(String::as_str), Some("/consent"));
    for told in [
        portal.userinfo(&tokens.access).await.json(),
        tokens.id_claims(),
    ] {
        assert_eq!(told["name"], ZHANG.name);
        for name in [
            "phone_number",
            "phone_number_verified",
            "email",
            "document_number",
            "birthdate",
        ] {
            assert_eq!(told[name], Value::Null, "{name}");
        }
        assert!(!told.to_string().contains(&ZHANG.phone[3..]));
        assert!(!told.to_string().contains(ZHANG.document_number));
    }
    // It is for that one authorization, not for all that come later.
    let later = portal.tokens_with(&mut zhang, &portal.request()).await;
    assert_eq!(
        portal.userinfo(&later.access).await.json()["name"],
        Value::Null
    );
    assert_eq!(later.id_claims()["name"], Value::Null);
}

/// Case 41: an essential level that cannot be met, and claims that are a weapon.
#[tokio::test]
async fn claims_that_cannot_be_met_or_read_are_refused() {
    let server = Server::start().await;
    let portal = server.portal().await;
    let acr = |level: &str| json!({ "id_token": { "acr": { "essential": true, "values": [format!("urn:tongxing:{level}")] } } });
    for (person, level, reached) in [
        (&ZHANG, "ial:2", true),
        (&ZHANG, "ial:3", false),
        (&ZHANG, "aal:2", false),
        (&LI, "ial:2", false),
        (&WANG, "ial:4", true),
    ] {
        let mut browser = server.browser_of(person);
        let request = portal.request().with("claims", &acr(level).to_string());
        let answer = browser.agree(&request.url()).await;
        if reached {
            let tokens = Tokens::of(&portal.redeem(&request.code(&answer)).await);
            assert_eq!(tokens.id_claims()["acr"], format!("urn:tongxing:{level}"));
        } else {
            assert_redirect_refuses(&answer, "unmet_authentication_requirements");
        }
    }
    let huge = json!({ "userinfo": { "x": "a".repeat(10_000) } }).to_string();
    let deep = format!("{}1{}", "{\"a\":".repeat(60), "}".repeat(60));
    for claims in [
        &*huge,
        &*deep,
        "[]",
        "1",
        "{",
        "{\"userinfo\":[]}",
        "{\"userinfo\":{\"name\":1}}",
    ] {
        let request = portal.request().with("claims", claims);
        let answer = server.browser().visit(&request.url()).await;
        assert_redirect_refuses(&answer, "invalid_request");
    }
}

/// Case 45.
#[tokio::test]
async fn a_hint_is_believed_only_if_we_signed_it_for_this_client() {
    let server = Server::start().await;
    let (portal, other) = (server.portal().await, server.portal().await);
    let mut zhang = server.browser_of(&ZHANG);
    let mine = portal.tokens(&mut zhang).await;
    let elsewhere = other.tokens(&mut zhang).await;
    let of_li = portal.tokens(&mut server.browser_of(&LI)).await;
    let id = |tokens: &Tokens| tokens.id.clone().expect("an ID token");
    let hint = id(&mine);
    let parts: Vec<&str> = hint.split('.').collect();
    let mut changed = claims_of(&hint);
    changed["sub"] = of_li.id_claims()["sub"].clone();
    let changed = URL_SAFE_NO_PAD.encode(changed.to_string());
    let unsigned = URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#);
    let silent = portal.request().with("prompt", "none");
    for (name, foreign) in [
        ("of another resident", id(&of_li)),
        ("of another client", id(&elsewhere)),
        ("changed", format!("{}.{changed}.{}", parts[0], parts[2])),
        ("unsigned", format!("{unsigned}.{}.", parts[1])),
        ("without signature", format!("{}.{}.", parts[0], parts[1])),
        ("an access token", mine.access.clone()),
        ("a refresh token", mine.refresh().to_owned()),
        ("no token", "zhang".to_owned()),
    ] {
        let request = silent.clone().with("id_token_hint", &foreign);
        let answer = zhang.visit(&request.url()).await;
        assert_eq!(
            answer.returned().get("error").map(String::as_str),
            Some("login_required"),
            "{name}"
        );
        // With somebody there to log in, the page comes; another than the hinted is not passed off
        // as them.
        let request = portal.request().with("id_token_hint", &foreign);
        let page = zhang.clone().visit(&request.url()).await;
        assert_eq!(page.path(), "/login", "{name}");
    }
    let request = portal.request().with("id_token_hint", &id(&of_li));
    let answer = server.browser_of(&ZHANG).agree(&request.url()).await;
    assert_redirect_refuses(&answer, "login_required");
    // Ours, for this client, of this resident: also long after it has expired.
    server.clock.advance(seconds(3600));
    let request = silent.with("id_token_hint", &hint);
    let answer = zhang.visit(&request.url()).await;
    assert!(answer.returned().contains_key("code"));
}
