//! Races for one thing at both nodes at once: one wins.

use std::collections::BTreeSet;

use serde_json::json;

use super::{another_node, enter};
use crate::browser::Browser;
use crate::changes::Entered;
use crate::http::{Answer, Http};
use crate::installation::Installation;
use crate::people::Person;
use crate::portal::Portal;
use crate::server::Server;

const RACERS: usize = 32;

/// An installation and two nodes; none without PostgreSQL.
async fn start(mut installation: Installation) -> (Installation, [Server; 2]) {
    for limit in ["phone", "document"] {
        installation.set(&format!("proofing.codes_per_{limit}"), "100");
    }
    installation.migrate().await;
    let both = [
        installation.serve().await,
        another_node(&installation, &[]).await,
    ];
    (installation, both)
}

async fn stop(both: [Server; 2]) {
    let [one, other] = both;
    one.stop().await;
    other.stop().await;
}

/// All at once, each over a connection of its own, every other at the other node.
async fn race<F>(both: &[Server; 2], racers: usize, run: impl Fn(Http) -> F) -> Vec<F::Output>
where
    F: Future<Output: Send + 'static> + Send + 'static,
{
    let ready = std::sync::Arc::new(tokio::sync::Barrier::new(racers));
    let racing: Vec<_> = (0..racers)
        .map(|racer| {
            let run = run(both[racer % 2].http.apart());
            let ready = std::sync::Arc::clone(&ready);
            tokio::spawn(async move {
                ready.wait().await;
                run.await
            })
        })
        .collect();
    let mut seen = Vec::new();
    for racing in racing {
        seen.push(racing.await.unwrap());
    }
    seen
}

fn won(answers: &[Answer]) -> Vec<&Answer> {
    for answer in answers {
        assert!(answer.status < 500, "{answer:?}");
    }
    answers
        .iter()
        .filter(|answer| answer.status == 200)
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_32_redemptions_of_a_code_at_both_nodes_one_wins() {
    let Some(installation) = Installation::postgres().await else {
        return;
    };
    let (installation, both) = start(installation).await;
    let entered = enter(&installation, &both[0].http, 1).await;
    let Entered {
        portal,
        mut browser,
        ..
    } = entered;
    for round in 0..3 {
        let url = portal.authorization_url(browser.http.origin());
        let code = browser.go(&url, None).await.code();
        let answers = race(&both, RACERS, |http| {
            let (portal, code) = (portal.clone(), code.clone());
            async move { portal.exchange(&http, &code).await }
        })
        .await;
        assert_eq!(won(&answers).len(), 1, "round {round}: {answers:?}");
    }
    stop(both).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_32_rotations_of_a_refresh_token_at_both_nodes_one_counts() {
    let Some(installation) = Installation::postgres().await else {
        return;
    };
    let (installation, both) = start(installation).await;
    let mut metadata = Portal::metadata("public");
    metadata["token_endpoint_auth_method"] = json!("none");
    metadata["grant_types"] = json!(["authorization_code", "refresh_token"]);
    let portal = installation.add_client("public", &metadata).await;
    let person = Person::numbered(1);
    installation.import(std::slice::from_ref(&person)).await;
    let entered = Entered::at(&both[0].http, portal, person).await;
    let Entered { portal, tokens, .. } = entered;
    let mut current = tokens.refresh;
    for round in 1..=3 {
        let answers = race(&both, RACERS, |http| {
            let (portal, token) = (portal.clone(), current.clone());
            async move { portal.refresh(&http, &token).await }
        })
        .await;
        // Whoever loses gets the winner's successor: an answer may have been lost.
        let won = won(&answers);
        assert_eq!(won.len(), RACERS, "{answers:?}");
        let successors: BTreeSet<String> = won
            .iter()
            .map(|answer| answer.json()["refresh_token"].as_str().unwrap().to_owned())
            .collect();
        let counted = installation
            .number("SELECT CAST(MAX(refresh_count) AS BIGINT) FROM authorizations")
            .await;
        assert_eq!(counted, round, "each round counts once");
        current = successors.into_iter().next().unwrap();
    }
    stop(both).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_code_typed_at_both_nodes_at_once_one_opens_or_recovers_the_account() {
    let Some(mut installation) = Installation::postgres().await else {
        return;
    };
    let person = Person::numbered(1);
    let _authority = installation.open_registration(std::slice::from_ref(&person));
    let (installation, both) = start(installation).await;
    let outbox = installation.outbox();
    for (codes, path, done) in [
        (1, "/register", "account_registered"),
        (2, "/recover", "account_recovered"),
    ] {
        let mut browser = Browser::new(&both[0].http);
        let page = browser.begin(path, &person).await;
        let code = outbox.code(&person.phone, codes).await;
        let (url, action) = (page.url.clone(), page.action());
        let hidden = page.hidden();
        let seen = race(&both, 8, |http| {
            let (mut browser, code, hidden) = (browser.clone(), code.clone(), hidden.clone());
            let url = browser.absolute(&url, &action);
            browser.http = http;
            async move {
                let mut form: Vec<(&str, &str)> =
                    hidden.iter().map(|(k, v)| (&**k, &**v)).collect();
                form.push(("otp-code", &code));
                let answer = browser.ask(&url, Some(&form)).await.expect("an answer");
                (answer.status, browser.is_logged_in())
            }
        })
        .await;
        assert!(seen.iter().all(|(status, _)| *status < 500), "{seen:?}");
        let winners = seen.iter().filter(|(_, is_in)| *is_in).count();
        assert_eq!(winners, 1, "{seen:?}");
        for rows in [
            "accounts".to_owned(),
            format!("audit_events WHERE kind = '{done}'"),
        ] {
            let count = installation
                .number(&format!("SELECT COUNT(*) FROM {rows}"))
                .await;
            assert_eq!(count, 1, "{rows}");
        }
    }
    stop(both).await;
}
