//! What is taken away at one node, or by the command line, is gone at both within a second; with
//! Redis, without it, when it is killed and when it comes back.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use super::{
    PATIENCE, Verdict, access, another_node, bites, client_credentials, enter, is_in, measured,
    userinfo,
};
use crate::changes::{Entered, published};
use crate::installation::Installation;
use crate::redis::RedisServer;
use crate::server::{Server, within};

/// Two nodes, and what takes away from them.
struct Nodes {
    installation: Installation,
    both: [Server; 2],
    /// People and portals so far.
    entered: u32,
    /// The longest that anything took to bite.
    worst: Duration,
}

impl Nodes {
    async fn start(redis: Option<&RedisServer>) -> Option<Self> {
        let mut installation = Installation::postgres().await?;
        installation.set("testing.enabled", "true");
        if let Some(redis) = redis {
            installation.set("redis.url", &redis.url());
        }
        installation.migrate().await;
        let both = [
            installation.serve().await,
            another_node(&installation, &[]).await,
        ];
        Some(Self {
            installation,
            both,
            entered: 0,
            worst: Duration::ZERO,
        })
    }

    async fn enter(&mut self) -> Entered {
        self.entered += 1;
        let [one, other] = &self.both;
        let entered = enter(&self.installation, &one.http, self.entered).await;
        for node in [one, other] {
            is_in(&node.http, &entered).await;
        }
        entered
    }

    /// At both nodes; says how long it took.
    async fn bites(&mut self, what: &str, change: Instant, ask: impl AsyncFn(&Server) -> Verdict) {
        let [one, other] = &self.both;
        let (one, other) = tokio::join!(
            bites(change, what, async || ask(one).await),
            bites(change, what, async || ask(other).await),
        );
        measured(format_args!("{what}: refused after {one:?} and {other:?}"));
        self.worst = self.worst.max(one).max(other);
    }

    async fn command(&self, command: &str, arguments: &[&str]) -> Instant {
        let command: Vec<&str> = command
            .split(' ')
            .chain(arguments.iter().copied())
            .collect();
        let done = self.installation.run(&command).await;
        assert_eq!(done.code, Some(0), "{done:?}");
        Instant::now()
    }

    async fn a_logout(&mut self) {
        let entered = self.enter().await;
        let mut browser = entered.browser.clone();
        let page = browser.open("/logout").await;
        let page = browser.submit(&page, &[("decision", "confirm")]).await;
        assert_eq!(page.page().answer.status, 200);
        let change = Instant::now();
        self.bites("a logout", change, async |node| {
            access(&node.http, &entered).await
        })
        .await;
    }

    async fn a_freeze(&mut self) {
        let entered = self.enter().await;
        let number = self.installation.write("number", &entered.person.number);
        let selector = ["--document-number-file", &*number];
        let change = self.command("account freeze", &selector).await;
        self.bites("a freeze", change, async |node| {
            access(&node.http, &entered).await
        })
        .await;
    }

    async fn a_suspension(&mut self) {
        let entered = self.enter().await;
        let portal = &entered.portal;
        let arguments = [&*portal.id, "--operator", "li", "--reason", "leak"];
        let change = self.command("client suspend", &arguments).await;
        self.bites("a suspension", change, async |node| {
            let (own, userinfo) = tokio::join!(
                client_credentials(&node.http, portal),
                userinfo(&node.http, portal, &entered.tokens),
            );
            Verdict::all(&[own, userinfo])
        })
        .await;
    }

    /// The keys that both publish, once that is the same.
    async fn published(&self) -> BTreeSet<String> {
        within(PATIENCE, "the same keys", async || {
            let [one, other] = &self.both;
            let (one, other) = (published(&one.http).await, published(&other.http).await);
            (one == other).then_some(one)
        })
        .await
    }

    async fn a_rotation_by_command(&mut self) {
        let before = self.published().await;
        let arguments = ["--force", "--operator", "li", "--reason", "leak"];
        let change = self.command("keys rotate", &arguments).await;
        self.rotated("keys rotate", &before, change).await;
    }

    async fn a_rotation_by_request(&mut self) {
        let before = self.published().await;
        let answer = self.both[0].manage_by_post("/keys/rotate").await;
        assert_eq!(answer.status, 200, "{answer:?}");
        self.rotated("POST /keys/rotate", &before, Instant::now())
            .await;
    }

    /// New keys are published at both. A key set may be
    /// late on a busy machine: portals have known these keys for minutes before they sign.
    async fn rotated(&mut self, what: &str, before: &BTreeSet<String>, change: Instant) {
        within(PATIENCE, what, async || {
            for node in &self.both {
                if published(&node.http).await.is_subset(before) {
                    return None;
                }
            }
            Some(())
        })
        .await;
        let took = change.elapsed();
        measured(format_args!("{what}: published by both after {took:?}"));
        self.worst = self.worst.max(took);
    }

    async fn everything(&mut self, when: &str) {
        let entered = self.enter().await;
        self.a_logout().await;
        self.a_freeze().await;
        self.a_suspension().await;
        for node in &self.both {
            is_in(&node.http, &entered).await;
        }
        self.a_rotation_by_command().await;
        let entered = self.enter().await;
        self.a_rotation_by_request().await;
        for node in &self.both {
            is_in(&node.http, &entered).await;
        }
        measured(format_args!("{when}: the worst so far is {:?}", self.worst));
    }

    /// Waits until both say so of Redis.
    async fn redis_is(&self, up: u8) {
        let line = format!("\ntongxing_redis_up {up}\n");
        for node in &self.both {
            within(PATIENCE, &line, async || {
                let metrics = node.manage("/metrics").await;
                metrics.body.contains(&line).then_some(())
            })
            .await;
        }
    }

    async fn stop(self) {
        let [one, other] = self.both;
        one.stop().await;
        other.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_redis_what_is_taken_away_is_gone_at_both_nodes_within_a_second() {
    let Some(mut nodes) = Nodes::start(None).await else {
        return;
    };
    nodes.everything("without Redis").await;
    let metrics = nodes.both[0].manage("/metrics").await.body;
    assert!(!metrics.contains("tongxing_redis_up"), "{metrics}");
    nodes.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_redis_up_killed_and_back_what_is_taken_away_is_gone_at_both_nodes_within_a_second() {
    let Some(mut redis) = RedisServer::start() else {
        return;
    };
    redis.kill();
    // A Redis that is not there keeps no server from starting.
    let Some(mut nodes) = Nodes::start(Some(&redis)).await else {
        return;
    };
    let wrong = [("redis.url", "redis://u:hunter2@redis.example:port")];
    let refused = nodes.installation.run_with(&["serve"], &wrong).await;
    let line = refused.failed_with_one_line();
    assert!(
        line.contains("redis.url") && !line.contains("hunter2"),
        "{line}"
    );
    nodes.redis_is(0).await;
    redis.restart();
    nodes.redis_is(1).await;
    nodes.everything("with Redis").await;
    redis.kill();
    nodes.redis_is(0).await;
    nodes.everything("after Redis was killed").await;
    redis.restart();
    nodes.redis_is(1).await;
    nodes.everything("with Redis back").await;
    let log = nodes.both[0].log();
    let told = |what: &str| log.matches(what).count();
    assert!(told("each node counts alone") >= 2, "{log}");
    assert!(told("failures are counted together") >= 2, "{log}");
    nodes.stop().await;
}
