//! Password guessing from 1,000 address blocks against 10,000 accounts, and the residents among it.

use std::sync::Arc;

use serde_json::{Value, json};
use tokio::task::JoinSet;
use tongxing::crypto::entropy::SystemEntropy;
use tongxing::crypto::password::PasswordPool;
use tongxing::domain::secret::Secret;

use super::{Guesser, WRONG};
use crate::support::{Applicant, Server, minutes, quick, seconds};

const ACCOUNTS: usize = 10_000;
const BLOCKS: usize = 1_000;
/// What everybody chose, so that it is hashed once.
const PASSWORD: &str = "what every resident chose";
/// Requests at once: fewer than the server takes.
const AT_ONCE: usize = 48;
/// Wrong passwords from one block in an hour before it has to wait.
const PER_BLOCK: usize = 300;

/// A server with 10,000 more accounts.
async fn crowded_server() -> Server {
    let server = Server::start().await;
    let pool = PasswordPool::start(quick(), Arc::new(SystemEntropy)).expect("a thread");
    let hash = pool.hash(Secret::new(PASSWORD.to_owned())).await;
    let hash = hash.expect("a hash").as_str().to_owned();
    let records: Vec<Value> = (0..ACCOUNTS)
        .map(|number| {
            let who = Applicant::new(number);
            json!({
                "name": who.name,
                "document_type": who.document_type,
                "document_number": who.document_number,
                "phone_number": who.phone,
                "password_hash": hash,
                "checks": [],
            })
        })
        .collect();
    assert_eq!(server.import_all(&records).await, ACCOUNTS as u64);
    server
}

fn block(number: usize) -> String {
    format!("10.{}.{}.9", 64 + number / 250, number % 250)
}

fn name(number: usize) -> String {
    Applicant::new(number).phone
}

/// What came of the guesses: hashed and wrong, refused, right.
#[derive(Debug, Default, PartialEq, Eq)]
struct Outcome {
    wrong: usize,
    refused: usize,
    entered: usize,
}

/// Tries each (block, account), many at once.
async fn try_all(
    guesser: &Guesser,
    password: &'static str,
    pairs: impl Iterator<Item = (usize, usize)>,
) -> Outcome {
    let mut outcome = Outcome::default();
    let mut running = JoinSet::new();
    let mut settle = |status: u16| match status {
        200 => outcome.wrong += 1,
        303 => outcome.entered += 1,
        429 => outcome.refused += 1,
        other => panic!("{other}"),
    };
    for (from, to) in pairs {
        if running.len() >= AT_ONCE {
            settle(
                running
                    .join_next()
                    .await
                    .expect("a task")
                    .expect("an answer"),
            );
        }
        let mut guesser = guesser.clone();
        guesser.browser.address = block(from).parse().expect("an address");
        running.spawn(async move { guesser.guess(&name(to), password).await.status.as_u16() });
    }
    while let Some(status) = running.join_next().await {
        settle(status.expect("an answer"));
    }
    outcome
}

/// The issue's own: throttled as stated, no honest resident locked out.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_blocks_guess_at_ten_thousand_accounts() {
    let server = crowded_server().await;
    let botnet = Guesser::at(&server, &block(0)).await;
    let residents = Guesser::at(&server, &block(0)).await;
    // Some have logged in before, from where bots will be.
    let mut known = Vec::new();
    for number in 0..5 {
        let mut device = residents.clone();
        let entered = device.guess(&name(number), PASSWORD).await;
        assert_eq!(entered.status, 303);
        device.browser.cookies.remove("__Host-session");
        known.push(device);
    }
    attack(&botnet).await;
    // Residents, meanwhile, with places of their own and from among the bots; and behind the block
    // that has to wait, on a device that is known,
    get_in(&residents).await;
    for (number, device) in known.iter_mut().enumerate() {
        let entered = device.guess(&name(number), PASSWORD).await;
        assert_eq!(entered.status, 303);
    }
    // and on one that is not, after a minute at most.
    let mut newcomer = residents.clone();
    assert_eq!(newcomer.guess(&name(5000), PASSWORD).await.status, 429);
    server.clock.advance(seconds(60));
    assert_eq!(newcomer.guess(&name(5000), PASSWORD).await.status, 303);
    // A day later nothing of it is left to be counted.
    server.clock.advance(minutes(24 * 60));
    let swept = tongxing::jobs::expire::sweep(&server.ledger).await;
    swept.expect("a sweep");
    assert_eq!(server.count("login_failures").await, 0);
}

/// What a botnet tries, and how much of it is looked at.
async fn attack(botnet: &Guesser) {
    // One password for everybody: each account once, each block at ten of them.
    let spread = (0..ACCOUNTS).map(|account| (account % BLOCKS, account));
    let sprayed = try_all(botnet, WRONG, spread).await;
    let all = Outcome {
        wrong: ACCOUNTS,
        ..Outcome::default()
    };
    assert_eq!(sprayed, all, "nobody's place had failed before");
    // Every block at two accounts. All have a guess (also the two that had one before: few had failed
    // by their turn); from then on both accounts are besieged, and nobody has another.
    let targets = [7, 8];
    let wave = || {
        let pairs = targets.map(|account| (0..BLOCKS).map(move |block| (block, account)));
        pairs.into_iter().flatten()
    };
    let first = try_all(botnet, WRONG, wave()).await;
    assert_eq!((first.wrong, first.refused), (2 * BLOCKS, 0));
    let second = try_all(botnet, WRONG, wave()).await;
    assert_eq!((second.wrong, second.refused), (0, 2 * BLOCKS));
    // One block at everybody: its hour is used up.
    let everybody = (1000..1600).map(|account| (0, account));
    let greedy = try_all(botnet, WRONG, everybody).await;
    let left = PER_BLOCK - ACCOUNTS / BLOCKS - targets.len();
    // What was under way when the last free one failed may pass, no more.
    assert!(
        (left..=left + AT_ONCE).contains(&greedy.wrong),
        "{greedy:?}"
    );
    assert_eq!(greedy.refused, 600 - greedy.wrong);
}

/// Residents who know their passwords.
async fn get_in(residents: &Guesser) {
    // From places of their own, those under siege too; from among the bots, where none had guessed at
    // them; and where one had.
    let at_home = (0..200).map(|account| (BLOCKS + account, account));
    let among_bots = (200..400).map(|account| (account + 1, account));
    let after_a_guess = (2001..2101).map(|account| (account % BLOCKS, account));
    let all = at_home.chain(among_bots).chain(after_a_guess);
    let entered = try_all(residents, PASSWORD, all).await;
    let everybody = Outcome {
        entered: 500,
        ..Outcome::default()
    };
    assert_eq!(entered, everybody);
}
