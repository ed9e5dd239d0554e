//! SIGKILL in the middle of code exchanges: what was acknowledged is there, what was redeemed
//! stays redeemed, and the audit log is whole again within seconds.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::browser::Browser;
use crate::http::Http;
use crate::installation::{Installation, on_both};
use crate::people::Person;
use crate::portal::{Portal, Tokens};
use crate::server::{Server, within};

const CODES: usize = 1_000;
const CONNECTIONS: usize = 16;
/// Acknowledged exchanges after which the server is killed.
const ENOUGH: usize = 400;
/// A code lives for 60 s; one that is younger than this has not expired.
const SURELY_ALIVE: Duration = Duration::from_secs(50);

/// A code, and what became of it.
#[derive(Debug, Clone)]
struct Code {
    text: String,
    drawn: Instant,
    fate: Fate,
}

#[derive(Debug, Clone)]
enum Fate {
    /// It was never sent.
    Kept,
    /// It was sent, and no answer came.
    Unknown,
    /// It bought these.
    Acknowledged(Tokens),
}

on_both! {
    async fn kill_9_in_the_middle_of_1000_exchanges_loses_nothing_acknowledged(installation: &mut Installation) {
        installation.set("log.format", "json");
        installation.migrate().await;
        let person = Person::numbered(1);
        installation.import(std::slice::from_ref(&person)).await;
        let portal = installation.add_portal("one").await;

        let mut server = installation.serve().await;
        let codes = draw(&server.http, &portal, &person).await;
        let codes = exchange_until_killed(&mut server, &portal, codes).await;
        drop(server);

        let server = installation.serve().await;
        nothing_acknowledged_is_lost(&server.http, &portal, &codes).await;
        nothing_redeemed_is_redeemed_again(&server.http, &portal, &codes).await;
        the_audit_log_recovers(installation, &server).await;
        server.stop().await;
        let verified = installation.run(&["audit", "verify"]).await;
        assert_eq!(verified.json()["pending"], 0, "{verified:?}");
    }
}

/// One login, and a thousand codes of it.
async fn draw(http: &Http, portal: &Portal, person: &Person) -> Vec<Code> {
    let mut browser = Browser::new(http);
    browser.enter(portal, person).await.code();
    let url = portal.authorization_url(http.origin());
    let drawing: Vec<_> = (0..4)
        .map(|_| {
            let (mut browser, url) = (browser.clone(), url.clone());
            tokio::spawn(async move {
                let mut codes = Vec::new();
                for _ in 0..CODES / 4 {
                    codes.push((browser.go(&url, None).await.code(), Instant::now()));
                }
                codes
            })
        })
        .collect();
    let mut codes = Vec::new();
    for drawing in drawing {
        codes.extend(drawing.await.unwrap());
    }
    let distinct: BTreeSet<&str> = codes.iter().map(|(code, _)| code.as_str()).collect();
    assert_eq!(distinct.len(), CODES);
    codes
        .into_iter()
        .map(|(text, drawn)| Code {
            text,
            drawn,
            fate: Fate::Kept,
        })
        .collect()
}

/// Exchanges codes side by side, and kills the server when enough are acknowledged.
async fn exchange_until_killed(
    server: &mut Server,
    portal: &Portal,
    codes: Vec<Code>,
) -> Vec<Code> {
    let acknowledged = Arc::new(AtomicUsize::new(0));
    let shares: Vec<Vec<Code>> = (0..CONNECTIONS)
        .map(|share| {
            codes
                .iter()
                .skip(share)
                .step_by(CONNECTIONS)
                .cloned()
                .collect()
        })
        .collect();
    let exchanging: Vec<_> = shares
        .into_iter()
        .map(|mut share| {
            let (http, portal) = (server.http.apart(), portal.clone());
            let acknowledged = Arc::clone(&acknowledged);
            tokio::spawn(async move {
                for code in &mut share {
                    code.fate = Fate::Unknown;
                    // No answer: the server is gone, and the rest is kept.
                    let Ok(answer) = portal.try_exchange(&http, &code.text).await else {
                        break;
                    };
                    code.fate = Fate::Acknowledged(Tokens::of(&answer));
                    acknowledged.fetch_add(1, Ordering::SeqCst);
                }
                share
            })
        })
        .collect();
    within(Duration::from_secs(50), "enough exchanges", async || {
        (acknowledged.load(Ordering::SeqCst) >= ENOUGH).then_some(())
    })
    .await;
    server.kill();
    let mut codes = Vec::new();
    for exchanging in exchanging {
        codes.extend(exchanging.await.unwrap());
    }
    let count = |is: fn(&Fate) -> bool| codes.iter().filter(|code| is(&code.fate)).count();
    let done = count(|fate| matches!(fate, Fate::Acknowledged(_)));
    let unknown = count(|fate| matches!(fate, Fate::Unknown));
    let kept = count(|fate| matches!(fate, Fate::Kept));
    let middle = done >= ENOUGH && unknown > 0 && kept > 0;
    assert!(
        middle,
        "{done} acknowledged, {unknown} without an answer, {kept} not sent"
    );
    codes
}

async fn nothing_acknowledged_is_lost(http: &Http, portal: &Portal, codes: &[Code]) {
    for (index, code) in codes.iter().enumerate() {
        let Fate::Acknowledged(tokens) = &code.fate else {
            continue;
        };
        assert!(portal.is_active(http, &tokens.refresh).await);
        assert!(portal.is_active(http, &tokens.access).await);
        if index % 10 == 0 {
            let answer = portal.refresh(http, &tokens.refresh).await;
            assert_eq!(answer.status, 200, "{answer:?}");
        }
    }
}

async fn nothing_redeemed_is_redeemed_again(http: &Http, portal: &Portal, codes: &[Code]) {
    for code in codes {
        let young = code.drawn.elapsed() < SURELY_ALIVE;
        let answer = portal.exchange(http, &code.text).await;
        let granted = match answer.status {
            200 => true,
            400 if answer.json()["error"] == "invalid_grant" => false,
            _ => panic!("{answer:?}"),
        };
        match &code.fate {
            Fate::Acknowledged(tokens) => {
                assert!(!granted, "a redeemed code was redeemed again");
                // RFC 6749 §4.1.2: who replays a code loses what it bought.
                assert!(!portal.is_active(http, &tokens.refresh).await);
            }
            Fate::Kept => assert!(granted || !young, "{answer:?}"),
            // Either it was redeemed and the answer was lost, or it was not.
            Fate::Unknown => {}
        }
        if granted {
            let again = portal.exchange(http, &code.text).await;
            assert_eq!(again.json()["error"], "invalid_grant", "{again:?}");
        }
    }
}

/// What the dead process left unsealed is sealed by the living one.
pub(crate) async fn the_audit_log_recovers(installation: &Installation, server: &Server) {
    within(
        Duration::from_mins(1),
        "the dead process's events sealed",
        async || {
            let sealed = server.log().contains("sealing events of a dead process");
            let verified = installation.run(&["audit", "verify"]).await;
            (sealed && verified.code == Some(0)).then_some(())
        },
    )
    .await;
}
