//! Failures that nodes count together: the same in memory, in Redis and in a cluster of it, and
//! what becomes of them when Redis is away.

use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant as Moment};

use tokio::task::JoinHandle;
use tongxing::domain::backoff::Backoff;
use tongxing::domain::instant::Instant;
use tongxing::storage::shared::SharedFailures;

use crate::ports::free_port;
use crate::proxy::{Proxy, Way};
use crate::redis::{RedisServer, program, told};

/// For what comes by itself, on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);
const START: Instant = Instant::from_millis(1_800_000_000_000);

const BACKOFF: Backoff = Backoff {
    name: "test",
    free: 2,
    first: Duration::from_secs(1),
    longest: Duration::from_secs(10),
    forgotten_after: Duration::from_hours(1),
};

/// A node's view, connected as in a server.
struct Node {
    failures: SharedFailures,
    keeper: JoinHandle<()>,
}

impl Node {
    fn of(failures: SharedFailures) -> Self {
        let kept = failures.clone();
        let keeper = tokio::spawn(async move { kept.keep_connected().await });
        Self { failures, keeper }
    }

    fn on(url: &str) -> Self {
        Self::of(SharedFailures::in_redis(url.parse().unwrap()))
    }

    async fn wait(&self, key: &str, after: Duration) -> Option<u64> {
        let wait = self.failures.wait(key, START.plus(after)).await;
        wait.map(|wait| u64::try_from(wait.as_millis()).unwrap())
    }

    async fn fail(&self, key: &str, after: Duration) {
        self.failures.add(key, &BACKOFF, START.plus(after)).await;
    }

    /// Whether it asks Redis, and how often it gave up; as if it did where there is none.
    fn state(&self) -> (bool, u64) {
        let state = self.failures.redis();
        state.map_or((true, 0), |state| (state.is_up, state.outages))
    }

    async fn until(&self, is_up: bool) {
        let deadline = Moment::now() + PATIENCE;
        while self.state().0 != is_up {
            assert!(Moment::now() < deadline, "up is not {is_up}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.keeper.abort();
    }
}

/// A name of its own, also on a server that others use.
fn key() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let time = std::time::UNIX_EPOCH.elapsed().unwrap().as_nanos();
    format!("{}-{time}-{number}", std::process::id())
}

/// What a scenario saw while Redis answered in time: on a busy machine it may not have, and then
/// it was tried again.
async fn steadily<T>(nodes: [&Node; 2], scenario: impl AsyncFn(&str) -> T) -> T {
    let deadline = Moment::now() + PATIENCE;
    loop {
        for node in nodes {
            node.until(true).await;
        }
        let before = nodes.map(Node::state);
        let seen = scenario(&key()).await;
        if nodes.map(Node::state) == before && before.iter().all(|state| state.0) {
            return seen;
        }
        assert!(Moment::now() < deadline, "it never answers in time");
    }
}

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// The URL of the server in `TONGXING_TEST_REDIS`, or of a private one for all tests.
fn redis_url() -> Option<&'static str> {
    static SHARED: OnceLock<Option<(String, Option<RedisServer>)>> = OnceLock::new();
    let shared = SHARED.get_or_init(|| {
        if let Some(url) = told("TONGXING_TEST_REDIS") {
            return Some((url, None));
        }
        let server = RedisServer::start()?;
        Some((server.url(), Some(server)))
    });
    shared.as_ref().map(|(url, _)| url.as_str())
}

/// Three private servers that are one cluster, and its URL.
fn redis_cluster() -> Option<(Vec<RedisServer>, String)> {
    let servers: Option<Vec<RedisServer>> = (0..3)
        .map(|_| {
            // By default it would be 10,000 above the other, which may be past the last port.
            let bus = free_port().to_string();
            let options = ["--cluster-enabled yes", "--cluster-node-timeout 1500"];
            let options = options.iter().flat_map(|option| option.split(' '));
            let options: Vec<&str> = options.chain(["--cluster-port", &bus]).collect();
            RedisServer::start_with(&options)
        })
        .collect();
    let servers = servers?;
    let addresses: Vec<String> = servers.iter().map(RedisServer::address).collect();
    let made = Command::new(program("redis-cli")?)
        .args(["--cluster", "create", "--cluster-yes"])
        .args(&addresses)
        .stdin(Stdio::null())
        .output()
        .expect("redis-cli runs");
    assert!(made.status.success(), "{made:?}");
    let url = format!("redis-cluster://{}", addresses[..2].join(","));
    Some((servers, url))
}

/// What must hold whoever counts.
async fn holds_the_facts(one: &Node, other: &Node) {
    let waits = steadily([one, other], async |key| {
        let mut waits = vec![one.wait(key, seconds(0)).await];
        for node in [one, other, one, other, one, other, one] {
            node.fail(key, seconds(0)).await;
            waits.push(other.wait(key, seconds(0)).await);
        }
        waits.push(one.wait(key, seconds(4)).await);
        waits.push(one.wait(key, seconds(10)).await);
        waits
    })
    .await;
    let grown = [1000, 2000, 4000, 8000, 10_000, 6000].map(Some);
    assert_eq!(waits[..3], [None; 3], "the first cost nothing");
    assert_eq!(waits[3..9], grown, "then they double until the longest");
    assert_eq!(waits[9], None, "who has waited may try");

    let waits = steadily([one, other], async |key| {
        for node in [one, other, one] {
            node.fail(key, seconds(0)).await;
        }
        let before = other.wait(key, seconds(0)).await;
        one.fail(key, seconds(3601)).await;
        let after = other.wait(key, seconds(3601)).await;
        other.fail(key, seconds(3602)).await;
        other.fail(key, seconds(3602)).await;
        (before, after, one.wait(key, seconds(3602)).await)
    })
    .await;
    assert_eq!(waits, (Some(1000), None, Some(1000)), "forgotten in time");

    let waits = steadily([one, other], async |key| {
        let keys = ["a", "{b}", "}c{", "d e:*\n", ""].map(|part| format!("{part}{key}"));
        for _ in 0..3 {
            one.fail(&keys[1], seconds(0)).await;
        }
        let mut waits = Vec::new();
        for key in &keys {
            waits.push(other.wait(key, seconds(0)).await);
        }
        waits
    })
    .await;
    assert_eq!(
        waits,
        [None, Some(1000), None, None, None],
        "keys are apart"
    );
}

async fn counts_what_comes_at_once(one: &Node, other: &Node) {
    let slow = Backoff {
        free: 0,
        first: Duration::from_millis(1),
        longest: Duration::from_hours(100),
        ..BACKOFF
    };
    let wait = steadily([one, other], async |key| {
        let at_once: Vec<_> = (0..20)
            .map(|turn| {
                let failures = [one, other][turn % 2].failures.clone();
                let key = key.to_owned();
                tokio::spawn(async move { failures.add(&key, &slow, START).await })
            })
            .collect();
        for add in at_once {
            add.await.unwrap();
        }
        one.wait(key, seconds(0)).await
    })
    .await;
    assert_eq!(wait, Some(1 << 19), "each of 20 counts");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn failures_are_counted_in_memory() {
    let one = Node::of(SharedFailures::in_memory());
    let other = Node::of(one.failures.clone());
    holds_the_facts(&one, &other).await;
    counts_what_comes_at_once(&one, &other).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn failures_are_counted_together_in_redis() {
    let Some(url) = redis_url() else { return };
    let (one, other) = (Node::on(url), Node::on(url));
    holds_the_facts(&one, &other).await;
    counts_what_comes_at_once(&one, &other).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn failures_are_counted_together_in_a_cluster_which_may_lose_a_node() {
    let Some((mut servers, url)) = redis_cluster() else {
        return;
    };
    let (one, other) = (Node::on(&url), Node::on(&url));
    holds_the_facts(&one, &other).await;
    counts_what_comes_at_once(&one, &other).await;

    servers[2].kill();
    one.until(false).await;
    let key = key();
    for _ in 0..3 {
        one.fail(&key, seconds(0)).await;
    }
    assert_eq!(one.wait(&key, seconds(0)).await, Some(1000));
    servers[2].restart();
    holds_the_facts(&one, &other).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_redis_each_node_counts_alone_and_together_as_soon_as_it_is_there() {
    let Some(mut server) = RedisServer::start() else {
        return;
    };
    server.kill();
    let (one, other) = (Node::on(&server.url()), Node::on(&server.url()));
    let key = key();
    for _ in 0..3 {
        one.fail(&key, seconds(0)).await;
    }
    assert_eq!(one.wait(&key, seconds(0)).await, Some(1000));
    assert_eq!(other.wait(&key, seconds(0)).await, None);

    server.restart();
    holds_the_facts(&one, &other).await;
    let kept = one.wait(&key, seconds(0)).await;
    assert_eq!(kept, Some(1000), "what it saw while alone it still knows");

    server.kill();
    one.until(false).await;
    other.until(false).await;
    server.restart();
    holds_the_facts(&one, &other).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_that_goes_silent_or_is_cut_delays_nobody_and_is_used_again() {
    let Some(server) = RedisServer::start() else {
        return;
    };
    let proxy = Proxy::to(server.address()).await;
    let (one, other) = (
        Node::on(&format!("redis://{}", proxy.address)),
        Node::on(&server.url()),
    );
    for way in [Way::Silent, Way::Cut, Way::Silent] {
        holds_the_facts(&one, &other).await;
        let key = key();
        for _ in 0..3 {
            one.fail(&key, seconds(0)).await;
        }
        proxy.set(way);
        // Were each to wait for an answer, this would take two minutes.
        let began = Moment::now();
        let mut longest = Duration::ZERO;
        for _ in 0..2400 {
            let asked = Moment::now();
            assert_eq!(one.wait(&key, seconds(0)).await, Some(1000), "{way:?}");
            longest = longest.max(asked.elapsed());
        }
        measured(format_args!(
            "{way:?}: 2,400 calls in {:?}, longest {longest:?}",
            began.elapsed()
        ));
        assert!(began.elapsed() < Duration::from_mins(1), "{way:?}");
        one.until(false).await;
        one.fail(&key, seconds(0)).await;
        assert_eq!(one.wait(&key, seconds(0)).await, Some(2000));
        // Connections that fell silent stay so: others are made.
        proxy.open_for_new();
    }
    holds_the_facts(&one, &other).await;
}

/// Says what was measured, to whoever runs tests with `--nocapture`.
#[expect(clippy::print_stdout, reason = "what was measured is for people")]
fn measured(what: std::fmt::Arguments<'_>) {
    println!("{what}");
}
