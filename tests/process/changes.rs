//! What the command line changes bites within a second in every running server.

use std::collections::BTreeSet;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use crate::browser::Browser;
use crate::http::{Answer, Http};
use crate::installation::{Installation, free_port, on_both};
use crate::people::Person;
use crate::portal::{Portal, Tokens};
use crate::server::within;

/// The promise.
const SECOND: Duration = Duration::from_secs(1);

/// One person who has entered one portal.
pub(crate) struct Entered {
    pub(crate) person: Person,
    pub(crate) portal: Portal,
    pub(crate) browser: Browser,
    pub(crate) tokens: Tokens,
}

impl Entered {
    pub(crate) async fn at(http: &Http, portal: Portal, person: Person) -> Self {
        let mut browser = Browser::new(http);
        let code = browser.enter(&portal, &person).await.code();
        let tokens = portal.tokens(http, &code).await;
        Self {
            person,
            portal,
            browser,
            tokens,
        }
    }
}

pub(crate) async fn prepared(installation: &Installation) -> (Portal, Person) {
    installation.migrate().await;
    let person = Person::numbered(7);
    installation.import(std::slice::from_ref(&person)).await;
    (installation.add_portal("one").await, person)
}

fn error(answer: &Answer) -> Option<String> {
    let json: Value = serde_json::from_str(&answer.body).ok()?;
    Some(json["error"].as_str()?.to_owned())
}

on_both! {
    async fn a_suspended_client_is_refused_within_a_second_and_resumed_within_another(installation: &mut Installation) {
        let (portal, person) = prepared(installation).await;
        let server = installation.serve().await;
        let http = &server.http;
        let entered = Entered::at(http, portal.clone(), person).await;
        assert_eq!(portal.client_credentials(http).await.status, 200);

        let change = [&*portal.id, "--operator", "li", "--reason", "leak"];
        let done = installation.run(&[&["client", "suspend"][..], &change].concat()).await;
        assert_eq!(done.json()["status"], "suspended");
        within(SECOND, "the token endpoint refuses", async || {
            let answer = portal.client_credentials(http).await;
            (error(&answer).as_deref() == Some("invalid_client")).then_some(())
        })
        .await;
        let answer = portal.refresh(http, &entered.tokens.refresh).await;
        assert_eq!(error(&answer).as_deref(), Some("invalid_client"), "{answer:?}");
        let answer = portal.userinfo(http, &entered.tokens.access).await;
        assert_eq!(answer.status, 401, "{answer:?}");
        let url = portal.authorization_url(http.origin());
        let page = entered.browser.clone().go(&url, None).await.page();
        assert!(page.has("error-code"), "no redirect to a suspended portal: {page:?}");

        let done = installation.run(&[&["client", "resume"][..], &change].concat()).await;
        assert_eq!(done.json()["status"], "active");
        within(SECOND, "the token endpoint answers", async || {
            (portal.client_credentials(http).await.status == 200).then_some(())
        })
        .await;
        server.stop().await;
    }

    async fn a_frozen_account_is_out_within_a_second(installation: &mut Installation) {
        let (portal, person) = prepared(installation).await;
        let server = installation.serve().await;
        let http = &server.http;
        let entered = Entered::at(http, portal, person).await;
        let Entered { portal, tokens, .. } = &entered;
        assert_eq!(portal.userinfo(http, &tokens.access).await.status, 200);
        let number = installation.write("number", &entered.person.number);
        let selector = ["--document-number-file", &number];
        let frozen = installation.run(&[&["account", "freeze"][..], &selector].concat()).await;
        assert_eq!(frozen.json()["status"], "frozen");
        within(SECOND, "everything of it is refused", async || {
            let (userinfo, refresh) = tokio::join!(
                portal.userinfo(http, &tokens.access),
                portal.refresh(http, &tokens.refresh),
            );
            let refused = error(&refresh).as_deref() == Some("invalid_grant");
            (userinfo.status == 401 && refused).then_some(())
        })
        .await;
        assert!(!portal.is_active(http, &tokens.access).await);
        // Neither the session nor the password lets anybody in.
        let page = entered.browser.clone().enter(portal, &entered.person).await.page();
        assert!(page.has("login-problem"), "{page:?}");

        let done = installation.run(&[&["account", "unfreeze"][..], &selector].concat()).await;
        assert_eq!(done.json()["status"], "active");
        Browser::new(http).enter(portal, &entered.person).await.code();
        // What freezing ended stays ended.
        assert_eq!(portal.userinfo(http, &tokens.access).await.status, 401);
        assert_eq!(portal.refresh(http, &tokens.refresh).await.status, 400);
        server.stop().await;
    }

    async fn rotated_keys_are_in_use_and_published_within_a_second_and_old_tokens_hold(installation: &mut Installation) {
        let (portal, person) = prepared(installation).await;
        let server = installation.serve().await;
        let http = &server.http;
        let entered = Entered::at(http, portal, person).await;
        let Entered { portal, tokens, .. } = &entered;
        let before = within(Duration::from_secs(20), "the next keys published", async || {
            let keys = installation.run(&["keys", "list"]).await.json();
            let next: BTreeSet<String> = (keys.as_array().unwrap().iter())
                .filter(|key| key["purpose"] == "signing" && key["status"] == "next")
                .map(|key| key["key_id"].as_str().unwrap().to_owned())
                .collect();
            let published = published(http).await;
            (!next.is_empty() && next.is_subset(&published)).then_some(published)
        })
        .await;
        let (old_access, old_id) = (key_of(&tokens.access), key_of(&tokens.id));
        assert!(before.contains(&old_access) && before.contains(&old_id));

        let done = installation.run(&["keys", "rotate"]).await;
        assert_eq!(done.code, Some(0), "{done:?}");
        let after = within(SECOND, "new keys are published", async || {
            let after = published(http).await;
            (!after.is_subset(&before)).then_some(after)
        })
        .await;
        assert!(before.is_subset(&after), "what verifies old tokens stays published");
        within(SECOND, "new keys sign", async || {
            let fresh = portal.refresh(http, &tokens.refresh).await.json();
            let key = key_of(fresh["access_token"].as_str().unwrap());
            // It had been published ahead of its first use.
            (key != old_access && before.contains(&key)).then_some(())
        })
        .await;
        assert_eq!(portal.userinfo(http, &tokens.access).await.status, 200);
        assert!(portal.is_active(http, &tokens.access).await);
        let mut browser = entered.browser.clone();
        let hinted = format!("{}&id_token_hint={}&prompt=none", portal.authorization_url(http.origin()), tokens.id);
        let code = browser.go(&hinted, None).await.code();
        let fresh = portal.tokens(http, &code).await;
        assert_ne!(key_of(&fresh.id), old_id);
        server.stop().await;
    }
}

/// The names of the keys that the JWKS shows.
pub(crate) async fn published(http: &Http) -> BTreeSet<String> {
    let jwks = http
        .get(&format!("{}/oauth2/jwks", http.origin()))
        .await
        .json();
    let keys = jwks["keys"].as_array().unwrap();
    keys.iter()
        .map(|key| key["kid"].as_str().unwrap().to_owned())
        .collect()
}

/// The name of the key that signed a token.
fn key_of(token: &str) -> String {
    let header = URL_SAFE_NO_PAD
        .decode(token.split('.').next().unwrap())
        .unwrap();
    let header: Value = serde_json::from_slice(&header).unwrap();
    header["kid"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_logout_at_one_server_kills_the_access_token_at_another_within_a_second() {
    let Some(installation) = Installation::postgres().await else {
        return;
    };
    let (portal, person) = prepared(&installation).await;
    let one = installation.serve().await;
    let (listen, management) = (free_port(), free_port());
    let other = installation
        .serve_with(&[
            ("server.listen", &format!("127.0.0.1:{listen}")),
            (
                "server.management_listen",
                &format!("127.0.0.1:{management}"),
            ),
        ])
        .await;
    let entered = Entered::at(&one.http, portal, person).await;
    let Entered {
        person,
        portal,
        mut browser,
        tokens,
    } = entered;
    assert_eq!(
        portal.userinfo(&other.http, &tokens.access).await.status,
        200
    );
    assert!(portal.is_active(&other.http, &tokens.access).await);

    let logout = format!("{}/logout", one.http.origin());
    let page = browser.go(&logout, None).await.page();
    let page = browser
        .submit(&page, &[("decision", "confirm")])
        .await
        .page();
    assert_eq!(page.answer.status, 200, "{page:?}");
    within(SECOND, "the other server refuses the token", async || {
        let answer = portal.userinfo(&other.http, &tokens.access).await;
        (answer.status == 401).then_some(())
    })
    .await;
    assert!(!portal.is_active(&other.http, &tokens.access).await);

    // What one server issues the other takes, from the session to the code.
    let mut browser = Browser::new(&one.http);
    browser.enter(&portal, &person).await.code();
    browser.http = other.http.clone();
    let url = portal.authorization_url(other.http.origin());
    let code = browser.go(&url, None).await.code();
    portal.tokens(&one.http, &code).await;
    assert_eq!(portal.exchange(&other.http, &code).await.status, 400);
    one.stop().await;
    other.stop().await;
}
