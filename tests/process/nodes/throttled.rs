//! Guesses at one node count at the other, too, where there is a Redis.

use std::time::{Duration, Instant};

use super::{PATIENCE, another_node};
use crate::browser::{Arrival, Browser};
use crate::http::Answer;
use crate::installation::Installation;
use crate::people::Person;
use crate::redis::RedisServer;
use crate::server::{Server, within};

/// A delay that leaves time to ask the other node.
const ENOUGH: Duration = Duration::from_secs(3);

/// A wrong password at a name that was not tried before.
async fn guess(node: &Server, name: u32) -> Answer {
    let mut browser = Browser::new(&node.http);
    let page = browser.open("/login").await;
    let person = Person::numbered(name);
    let arrival = browser.log_in(&page, &person.phone, "a wrong one").await;
    let Arrival::Page(page) = arrival else {
        panic!("logged in: {arrival:?}");
    };
    page.answer
}

/// How long who is refused has to wait.
fn wait(answer: &Answer) -> Option<Duration> {
    let seconds = answer.header("retry-after")?.parse().unwrap();
    (answer.status == 429).then(|| Duration::from_secs(seconds))
}

/// How often both gave Redis up so far; none while one of them does not ask it.
async fn outages(nodes: [&Server; 2]) -> Option<[String; 2]> {
    let mut outages = [const { String::new() }; 2];
    for (node, outages) in nodes.into_iter().zip(&mut outages) {
        let metrics = node.manage("/metrics").await.body;
        let find = |name: &str| metrics.lines().find_map(|line| line.strip_prefix(name));
        if find("tongxing_redis_up ")? != "1" {
            return None;
        }
        *outages = find("tongxing_redis_outages_total ")?.to_owned();
    }
    Some(outages)
}

/// What the other node says to its first guess, while the one is refused; none if the machine was
/// too busy for the nodes to hear of each other.
async fn told(redis: &RedisServer) -> Option<Answer> {
    let mut installation = Installation::postgres().await?;
    installation.set("redis.url", &redis.url());
    installation.set("login.throttle.failures_per_network", "1");
    // Its own tries, which an address has at each node, are used up by one.
    installation.set("login.throttle.tries", "1");
    installation.migrate().await;
    let one = installation.serve().await;
    let other = another_node(&installation, &[]).await;
    let before = within(PATIENCE, "both ask Redis", async || {
        outages([&one, &other]).await
    })
    .await;
    let mut name = 0;
    let (refused, delay) = loop {
        name += 1;
        let answer = guess(&one, name).await;
        match wait(&answer) {
            Some(delay) if delay >= ENOUGH => break (Instant::now(), delay),
            Some(delay) => tokio::time::sleep(delay).await,
            None => assert!(name < 100, "never refused: {answer:?}"),
        }
    };
    guess(&other, 1000).await;
    let answer = guess(&other, 1001).await;
    let in_time = refused.elapsed() < delay;
    let is_telling = in_time && outages([&one, &other]).await == Some(before);
    one.stop().await;
    other.stop().await;
    is_telling.then_some(answer)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_block_that_guessed_at_one_node_waits_at_the_other() {
    let Some(redis) = RedisServer::start() else {
        return;
    };
    if Installation::postgres().await.is_none() {
        return;
    }
    let deadline = Instant::now() + PATIENCE * 3;
    let answer = loop {
        if let Some(answer) = told(&redis).await {
            break answer;
        }
        assert!(Instant::now() < deadline, "never heard of each other");
    };
    assert!(wait(&answer).is_some(), "{answer:?}");
}
