//! From a write to a delivery: what is enqueued is delivered, in order, again if need be, by one
//! node at a time, and nothing of it stays.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tongxing::crypto::custody::MasterKey;
use tongxing::crypto::entropy::SystemEntropy;
use tongxing::crypto::seal::Sealed;
use tongxing::domain::message::{Message, MessageText, Recipient};
use tongxing::domain::one_time_code::OneTimeCode;
use tongxing::domain::phone::PhoneNumber;
use tongxing::domain::secret::Secret;
use tongxing::jobs::deliver::{Carrier, Delivery, Tally, Undelivered};
use tongxing::jobs::deliver_messages;
use tongxing::ledger::keyring::{KeySettings, Keys};
use tongxing::ledger::outbox::{Deliverable, LEASE, OutboxKind, Parcel};
use tongxing::ledger::{Ledger, OutboxItem};
use tongxing::outbound::messages::{MessageFile, MessageGateway};
use tongxing::protocol::jose::SignatureAlgorithm;
use tongxing::protocol::language::Language;
use tongxing::storage::Error;
use tongxing::views::message::MessageTexts;

use crate::harness::{Database, on_both};
use crate::ledger::House;

/// Something to deliver: its words, and the key that it is ordered by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Letter {
    words: String,
    ordering: Option<String>,
}

impl Sealed for Letter {
    const PURPOSE: &'static str = "test letter";
}

impl Deliverable for Letter {
    const KIND: OutboxKind = OutboxKind::Message;

    fn lives_for(&self) -> Duration {
        Duration::from_mins(1)
    }

    fn ordering(&self) -> Option<String> {
        self.ordering.clone()
    }
}

/// Tells of every attempt, and fails as it is told.
#[derive(Clone)]
struct Recorder {
    attempts: mpsc::UnboundedSender<(String, i64)>,
    fails: Arc<Mutex<BTreeSet<String>>>,
    gate: watch::Receiver<bool>,
}

impl Carrier for Recorder {
    type Content = Letter;

    async fn carry(&self, parcel: &Parcel, letter: &Letter) -> Result<(), Undelivered> {
        let attempt = (letter.words.clone(), parcel.attempt());
        self.attempts.send(attempt).unwrap();
        self.gate.clone().wait_for(|open| *open).await.unwrap();
        if letter.words.contains("refused") {
            return Err(Undelivered::Refused("as told".to_owned()));
        }
        if self.fails.lock().unwrap().contains(&letter.words) {
            return Err(Undelivered::Later("as told".to_owned()));
        }
        Ok(())
    }
}

/// An installation whose nodes deliver.
struct Post {
    house: House,
    ledger: Ledger,
    keys: Keys,
    recorder: Recorder,
    gate: watch::Sender<bool>,
    attempts: mpsc::UnboundedReceiver<(String, i64)>,
    tally: Arc<Tally>,
}

/// A node at work.
struct Node {
    end: watch::Sender<bool>,
    running: JoinHandle<()>,
}

impl Node {
    async fn end(self) {
        self.end.send_replace(true);
        self.running.await.unwrap();
    }
}

impl Post {
    async fn new(database: &Database) -> Self {
        let house = House::new(database).await;
        let ledger = house.process();
        let keys = open_keys(&ledger).await;
        let (sender, attempts) = mpsc::unbounded_channel();
        let (gate, opened) = watch::channel(true);
        Self {
            house,
            ledger,
            keys,
            recorder: Recorder {
                attempts: sender,
                fails: Arc::default(),
                gate: opened,
            },
            gate,
            attempts,
            tally: Arc::default(),
        }
    }

    fn node(&self, ledger: &Ledger) -> Node {
        let (end, shutdown) = watch::channel(false);
        let tally = Arc::clone(&self.tally);
        let delivery = Delivery::new(ledger, &self.keys, self.recorder.clone(), tally);
        let running = tokio::spawn(delivery.run(shutdown));
        Node { end, running }
    }

    /// Enqueues, a millisecond after whatever was before.
    async fn enqueue(&self, words: &str, ordering: Option<&str>) {
        self.house.clock.advance(Duration::from_millis(1));
        let letter = Letter {
            words: words.to_owned(),
            ordering: ordering.map(str::to_owned),
        };
        enqueue(&self.ledger, &self.keys, &letter).await;
    }

    fn fail(&self, words: &str) {
        self.recorder.fails.lock().unwrap().insert(words.to_owned());
    }

    fn succeed(&self, words: &str) {
        self.recorder.fails.lock().unwrap().remove(words);
    }

    async fn attempt(&mut self) -> (String, i64) {
        tokio::time::timeout(Duration::from_secs(20), self.attempts.recv())
            .await
            .expect("an attempt is made")
            .unwrap()
    }

    async fn rows(&self) -> i64 {
        self.house.count("SELECT COUNT(*) AS n FROM outbox").await
    }
}

async fn open_keys(ledger: &Ledger) -> Keys {
    let master = MasterKey::from_text(&Secret::new("ab".repeat(32))).unwrap();
    // Without RSA, whose keys take their time.
    let settings = KeySettings {
        algorithms: vec![SignatureAlgorithm::EdDsa],
        ..KeySettings::new("http://localhost:8080")
    };
    Keys::open(ledger, Arc::new(master), settings)
        .await
        .unwrap()
}

fn sealed<T: Deliverable>(ledger: &Ledger, keys: &Keys, content: &T) -> OutboxItem {
    OutboxItem::new(content, (&keys.ring(), &SystemEntropy), ledger.now()).unwrap()
}

async fn enqueue<T: Deliverable>(ledger: &Ledger, keys: &Keys, content: &T) {
    let item = sealed(ledger, keys, content);
    ledger
        .write(item, |entry, item| {
            Box::pin(async move { entry.enqueue(item).await })
        })
        .await
        .unwrap_or_else(|error: Error| panic!("{error}"));
}

async fn until(what: impl Fn() -> bool) {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
    while !what() {
        assert!(
            tokio::time::Instant::now() < deadline,
            "it did not come true"
        );
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

fn is_ready(future: impl Future<Output = ()>) -> bool {
    let context = &mut std::task::Context::from_waker(std::task::Waker::noop());
    std::pin::pin!(future).poll(context).is_ready()
}

fn attempts(list: &[(&str, i64)]) -> BTreeSet<(String, i64)> {
    list.iter()
        .map(|&(words, n)| (words.to_owned(), n))
        .collect()
}

on_both! {
    async fn what_a_write_enqueues_is_there_with_it_or_not_at_all(database: &Database) {
        #[derive(Debug)]
        struct Refused;
        impl From<Error> for Refused {
            fn from(error: Error) -> Self {
                panic!("{error}");
            }
        }
        let post = Post::new(database).await;
        let letter = Letter { words: "hello".to_owned(), ordering: None };
        let item = sealed(&post.ledger, &post.keys, &letter);
        let refused: Result<(), Refused> = post
            .ledger
            .write(item.clone(), |entry, item| {
                Box::pin(async move {
                    entry.enqueue(item).await?;
                    Err(Refused)
                })
            })
            .await;
        assert!(refused.is_err());
        assert_eq!(post.rows().await, 0);
        let outbox = post.ledger.outbox();
        assert!(!is_ready(outbox.enqueued(OutboxKind::Message)));
        enqueue(&post.ledger, &post.keys, &letter).await;
        assert_eq!(post.rows().await, 1);
        assert!(is_ready(outbox.enqueued(OutboxKind::Message)));
        assert!(!is_ready(outbox.enqueued(OutboxKind::Message)));
        let collected = outbox.collect(OutboxKind::Message, 16).await.unwrap();
        let parcel = &collected.parcels[0];
        assert_eq!(parcel.open::<Letter>(&post.keys.ring()), Some(letter));
        assert_eq!(parcel.created_at(), post.ledger.now());
        assert_eq!(parcel.expires_at().since(parcel.created_at()).as_secs(), 60);
        // The identifier that its maker knows is the one that its receiver gets.
        let first = sealed(&post.ledger, &post.keys, &Letter { words: "x".to_owned(), ordering: None });
        assert_ne!(first.id(), item.id());
    }

    async fn what_is_delivered_leaves_nothing(database: &Database) {
        let mut post = Post::new(database).await;
        let node = post.node(&post.ledger);
        for words in ["one", "two", "three"] {
            post.enqueue(words, None).await;
            assert_eq!(post.attempt().await, (words.to_owned(), 1));
        }
        until(|| post.tally.delivered() == 3).await;
        assert_eq!(post.rows().await, 0);
        node.end().await;
    }

    async fn what_is_enqueued_goes_out_at_once(database: &Database) {
        let mut post = Post::new(database).await;
        let node = post.node(&post.ledger);
        // Rounds that begin when the last has ended: each would wait a quarter of a second for
        // the poll. On a busy machine some are slow all the same; that some are quick is enough.
        let mut quick = 0;
        for number in 0..200 {
            let begun = tokio::time::Instant::now();
            post.enqueue(&format!("letter {number}"), None).await;
            post.attempt().await;
            quick += u32::from(begun.elapsed() < Duration::from_millis(125));
            if quick == 10 {
                break;
            }
        }
        assert_eq!(quick, 10);
        node.end().await;
    }

    async fn what_others_enqueue_is_found(database: &Database) {
        let mut post = Post::new(database).await;
        let elsewhere = post.house.process();
        let node = post.node(&elsewhere);
        post.enqueue("from afar", None).await;
        assert_eq!(post.attempt().await, ("from afar".to_owned(), 1));
        node.end().await;
    }

    async fn a_failed_attempt_is_repeated_until_the_item_expires(database: &Database) {
        let mut post = Post::new(database).await;
        let node = post.node(&post.ledger);
        post.fail("unlucky");
        post.enqueue("unlucky", None).await;
        // At 0, 1, 3, 7, 15 and 31 seconds; the next would be after the 60 that it lives for.
        for (attempt, pause) in [(1, 1), (2, 2), (3, 4), (4, 8), (5, 16)] {
            assert_eq!(post.attempt().await, ("unlucky".to_owned(), attempt));
            until(|| post.tally.retried() == attempt.unsigned_abs()).await;
            post.house.clock.advance(Duration::from_millis(1000 * pause - 1));
            let early = post.ledger.outbox().collect(OutboxKind::Message, 16).await.unwrap();
            assert!(early.parcels.is_empty());
            post.house.clock.advance(Duration::from_millis(1));
        }
        assert_eq!(post.attempt().await, ("unlucky".to_owned(), 6));
        until(|| post.tally.given_up() == 1).await;
        assert_eq!(post.rows().await, 1);
        assert_eq!(post.house.count("SELECT COUNT(payload) AS n FROM outbox").await, 0);
        // That it failed is known for a month.
        let outbox = post.ledger.outbox();
        post.house.pass(30 * 24 * 3600);
        outbox.sweep().await.unwrap();
        assert_eq!(post.rows().await, 1);
        post.house.pass(1);
        outbox.sweep().await.unwrap();
        assert_eq!(post.rows().await, 0);
        node.end().await;
    }

    async fn what_is_refused_is_not_repeated(database: &Database) {
        let mut post = Post::new(database).await;
        let node = post.node(&post.ledger);
        post.enqueue("refused", None).await;
        assert_eq!(post.attempt().await, ("refused".to_owned(), 1));
        until(|| post.tally.given_up() == 1).await;
        let count = post.ledger.outbox().count(OutboxKind::Message).await.unwrap();
        assert_eq!((count.waiting, count.failed, count.oldest), (0, 1, None));
        node.end().await;
    }

    async fn later_items_of_one_key_wait_and_others_do_not(database: &Database) {
        let mut post = Post::new(database).await;
        post.fail("first");
        post.enqueue("first", Some("key")).await;
        post.enqueue("second", Some("key")).await;
        post.enqueue("third", Some("key")).await;
        post.enqueue("other", Some("another key")).await;
        let node = post.node(&post.ledger);
        let begun = BTreeSet::from([post.attempt().await, post.attempt().await]);
        assert_eq!(begun, attempts(&[("first", 1), ("other", 1)]));
        until(|| post.tally.retried() == 1 && post.tally.delivered() == 1).await;
        post.succeed("first");
        post.house.pass(1);
        for expected in [("first", 2), ("second", 1), ("third", 1)] {
            let (words, attempt) = post.attempt().await;
            assert_eq!((words.as_str(), attempt), expected);
        }
        until(|| post.tally.delivered() == 4).await;
        node.end().await;
    }

    async fn two_nodes_never_deliver_the_same_item(database: &Database) {
        let mut post = Post::new(database).await;
        let nodes = [post.node(&post.ledger), post.node(&post.house.process())];
        let mut expected = BTreeSet::new();
        for number in 0..60 {
            let words = format!("letter {number}");
            post.enqueue(&words, None).await;
            expected.insert((words, 1));
        }
        let mut seen = BTreeSet::new();
        for _ in 0..60 {
            assert!(seen.insert(post.attempt().await));
        }
        assert_eq!(seen, expected);
        until(|| post.tally.delivered() == 60).await;
        for node in nodes {
            node.end().await;
        }
        assert!(post.attempts.try_recv().is_err());
        assert_eq!(post.rows().await, 0);
    }

    async fn what_a_dead_node_was_at_is_delivered_by_another(database: &Database) {
        let mut post = Post::new(database).await;
        post.enqueue("left behind", None).await;
        let dead = post.house.process().outbox();
        let taken = dead.collect(OutboxKind::Message, 16).await.unwrap();
        assert_eq!(taken.parcels.len(), 1);
        let node = post.node(&post.ledger);
        post.house.clock.advance(LEASE.saturating_sub(Duration::from_millis(1)));
        let nothing = post.ledger.outbox().collect(OutboxKind::Message, 16).await.unwrap();
        assert!(nothing.parcels.is_empty());
        post.house.clock.advance(Duration::from_millis(1));
        assert_eq!(post.attempt().await, ("left behind".to_owned(), 2));
        until(|| post.tally.delivered() == 1).await;
        node.end().await;
    }

    async fn what_expired_while_nobody_was_there_is_given_up(database: &Database) {
        let mut post = Post::new(database).await;
        post.enqueue("too late", Some("key")).await;
        post.house.pass(59);
        post.enqueue("in time", Some("key")).await;
        post.house.pass(1);
        let node = post.node(&post.ledger);
        assert_eq!(post.attempt().await, ("in time".to_owned(), 1));
        until(|| post.tally.given_up() == 1 && post.tally.delivered() == 1).await;
        node.end().await;
    }

    async fn what_nobody_delivers_loses_its_content_when_it_expires(database: &Database) {
        let post = Post::new(database).await;
        for _ in 0..3 {
            post.enqueue("undelivered", None).await;
        }
        let outbox = post.ledger.outbox();
        post.house.pass(59);
        outbox.sweep().await.unwrap();
        assert_eq!(post.house.count("SELECT COUNT(payload) AS n FROM outbox").await, 3);
        post.house.pass(1);
        outbox.sweep().await.unwrap();
        assert_eq!(post.house.count("SELECT COUNT(payload) AS n FROM outbox").await, 0);
        let count = outbox.count(OutboxKind::Message).await.unwrap();
        assert_eq!((count.waiting, count.failed), (0, 3));
    }

    async fn no_more_than_sixteen_are_delivered_at_once(database: &Database) {
        let mut post = Post::new(database).await;
        post.gate.send_replace(false);
        for number in 0..20 {
            post.enqueue(&format!("letter {number}"), None).await;
        }
        let node = post.node(&post.ledger);
        for _ in 0..16 {
            post.attempt().await;
        }
        assert_eq!(post.house.count("SELECT COUNT(holder) AS n FROM outbox").await, 16);
        assert!(post.attempts.try_recv().is_err());
        post.gate.send_replace(true);
        for _ in 16..20 {
            post.attempt().await;
        }
        until(|| post.tally.delivered() == 20).await;
        node.end().await;
    }

    async fn a_node_that_ends_finishes_what_it_has_begun(database: &Database) {
        let mut post = Post::new(database).await;
        post.gate.send_replace(false);
        let node = post.node(&post.ledger);
        post.enqueue("begun", None).await;
        post.attempt().await;
        node.end.send_replace(true);
        tokio::task::yield_now().await;
        assert!(!node.running.is_finished());
        post.gate.send_replace(true);
        node.running.await.unwrap();
        assert_eq!((post.tally.delivered(), post.rows().await), (1, 0));
    }

    async fn what_this_release_cannot_read_is_left_to_others(database: &Database) {
        let post = Post::new(database).await;
        let message = message();
        enqueue(&post.ledger, &post.keys, &message).await;
        let node = post.node(&post.ledger);
        until(|| post.tally.retried() == 1).await;
        assert_eq!(post.house.count("SELECT COUNT(payload) AS n FROM outbox").await, 1);
        node.end().await;
    }

    async fn a_message_is_put_into_words_and_handed_over(database: &Database) {
        let post = Post::new(database).await;
        let message = message();
        let item = sealed(&post.ledger, &post.keys, &message);
        post.ledger
            .write(item.clone(), |entry, item| {
                Box::pin(async move { entry.enqueue(item).await })
            })
            .await
            .unwrap_or_else(|error: Error| panic!("{error}"));
        assert!(!in_the_clear(&post.house).await.contains("13800000001"));
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("messages.ndjson");
        let gateway = MessageGateway::File(MessageFile::new(&path));
        let (end, shutdown) = watch::channel(false);
        let (texts, tally) = (MessageTexts::new().unwrap(), Arc::clone(&post.tally));
        let parts = (post.ledger.clone(), post.keys.clone());
        let run = deliver_messages::run(parts, (gateway, texts), tally, shutdown);
        let running = tokio::spawn(run);
        until(|| post.tally.delivered() == 1).await;
        end.send_replace(true);
        running.await.unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        let line: serde_json::Value = serde_json::from_str(text.trim_end()).unwrap();
        assert_eq!(line["to"], "+8613800000001");
        assert_eq!((&line["channel"], &line["code"]), (&"sms".into(), &"012345".into()));
        assert_eq!(line["id"], item.id().to_string());
        assert!(line["text"].as_str().unwrap().starts_with("【通行】"));
        assert_eq!(post.rows().await, 0);
    }
}

fn message() -> Message {
    Message {
        to: Recipient::Phone(PhoneNumber::parse("13800000001").unwrap()),
        locale: Language::ZhCn,
        text: MessageText::RegistrationCode {
            code: OneTimeCode::parse("012345").unwrap(),
        },
    }
}

/// All that somebody with the table sees of an item.
async fn in_the_clear(house: &House) -> String {
    let mut reader = house.storage.reader().await.unwrap();
    let sql = "SELECT item_id, kind, ordering, payload FROM outbox";
    let row = reader.fetch_optional(sql, &[]).await.unwrap().unwrap();
    let mut all = String::new();
    for column in ["item_id", "kind", "payload"] {
        all += &row.get::<String>(column).unwrap();
    }
    assert_eq!(row.get::<Option<String>>("ordering").unwrap(), None);
    all
}
