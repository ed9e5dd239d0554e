//! The adapter of `outbound` against the simulator, over HTTP: they keep each other honest. Then
//! what else the simulator serves.

use std::future::pending;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::pin;

use axum::body::{Body, Bytes};
use axum::http::{Request, StatusCode};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use super::*;
use crate::crypto::entropy::SystemEntropy;
use crate::domain::clock::ManualClock;
use crate::domain::document::{DocumentType, IdentityDocument};
use crate::http::server::{Listener, Patience, Settings};
use crate::outbound::authority::{AuthoritySettings, BreakerState, ThreeElements, Verdict};
use crate::outbound::{Authority, PartnerUrl};

const SEED: u64 = 5;

fn clock() -> ManualClock {
    ManualClock::new(Instant::parse_rfc3339("2026-11-22T08:00:00Z").unwrap())
}

fn simulator(token: Option<&str>) -> Simulator {
    Simulator::new(SimulatorParts {
        seed: SEED,
        synthetic: 40,
        others: Vec::new(),
        behavior: Behavior::Ok,
        delay: None,
        token: token.map(|token| Secret::new(token.to_owned())),
        clock: Arc::new(clock()),
    })
}

fn elements(person: &Person) -> ThreeElements {
    let Person {
        name,
        document,
        phone,
    } = person.clone();
    ThreeElements {
        name,
        document,
        phone,
    }
}

/// A simulator that listens, and an adapter that asks it; its clock stands still.
struct Pair {
    simulator: Simulator,
    authority: Authority,
    clock: ManualClock,
}

impl Pair {
    fn new() -> Self {
        Self::with(simulator(None), |_| {})
    }

    fn with(simulator: Simulator, adjust: impl FnOnce(&mut AuthoritySettings)) -> Self {
        // Another test may have installed it.
        drop(rustls::crypto::aws_lc_rs::default_provider().install_default());
        let settings = Settings {
            max_connections: 100,
            shutdown_grace: Duration::ZERO,
            tls: None,
            patience: Patience::default(),
        };
        let anywhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let listener = Listener::bind(anywhere, settings).unwrap();
        let address = listener.local_address().unwrap();
        tokio::spawn(listener.serve(simulator.router(), pending()));
        let clock = clock();
        let mut settings = AuthoritySettings {
            url: PartnerUrl::parse(&format!("http://{address}")).unwrap(),
            token: None,
            timeout: Duration::from_secs(20),
            max_concurrent: 32,
            calls_per_minute: 6000,
            open_for: Duration::from_secs(10),
        };
        adjust(&mut settings);
        let authority =
            Authority::new(settings, Arc::new(clock.clone()), Arc::new(SystemEntropy)).unwrap();
        Self {
            simulator,
            authority,
            clock,
        }
    }

    fn person(&self, index: usize) -> ThreeElements {
        elements(&self.simulator.people()[index])
    }

    async fn verify(&self, index: usize) -> CheckResult {
        self.authority.verify(&self.person(index)).await.result
    }

    fn count(&self, name: &str) -> u64 {
        let counts = self.authority.counts();
        let found = counts.iter().find(|(counted, _)| *counted == name);
        found.unwrap_or_else(|| panic!("{name} in {counts:?}")).1
    }
}

#[tokio::test]
async fn everybody_whom_it_knows_matches() {
    let pair = Pair::new();
    let mut transactions = std::collections::BTreeSet::new();
    for index in 0..40 {
        let verdict = pair.authority.verify(&pair.person(index)).await;
        let Verdict {
            result,
            authority,
            transaction,
        } = verdict;
        assert_eq!(result, CheckResult::Match, "{index}");
        assert_eq!(authority.as_str(), NAME);
        assert_eq!(transaction.as_str().len(), 32);
        transactions.insert(transaction.as_str().to_owned());
    }
    assert_eq!(transactions.len(), 40);
    assert_eq!(pair.count("match"), 40);
    let durations = pair.authority.durations();
    assert_eq!(durations.buckets.iter().map(|(_, n)| n).sum::<u64>(), 40);
}

#[tokio::test]
async fn what_differs_is_a_mismatch_and_who_is_unknown_has_no_record() {
    let pair = Pair::new();
    // The third of twenty has middle dots: however they are typed, it is one name.
    let dotted = pair.person(2);
    for (dot, result) in [
        ("\u{2022}", CheckResult::Match),
        ("\u{30FB}", CheckResult::Match),
        ("\u{FF0E}", CheckResult::Match),
        (" \u{B7} ", CheckResult::Match),
        ("", CheckResult::Mismatch),
    ] {
        let typed = dotted.name.as_str().replace('\u{B7}', dot);
        let asked = ThreeElements {
            name: PersonName::parse(&typed).unwrap(),
            ..dotted.clone()
        };
        assert_eq!(
            pair.authority.verify(&asked).await.result,
            result,
            "{dot:?}"
        );
    }
    let (one, other) = (pair.person(0), pair.person(1));
    let phone = ThreeElements {
        phone: other.phone.clone(),
        ..one.clone()
    };
    let name = ThreeElements {
        name: other.name.clone(),
        ..one.clone()
    };
    let document = ThreeElements {
        document: other.document,
        ..one.clone()
    };
    for asked in [&phone, &name, &document] {
        let verdict = pair.authority.verify(asked).await;
        assert_eq!(verdict.result, CheckResult::Mismatch);
        assert_eq!(verdict.authority.as_str(), NAME);
    }
    let unknown = Person::synthetic(SEED, 40).unwrap();
    let verdict = pair.authority.verify(&elements(&unknown)).await;
    assert_eq!(verdict.result, CheckResult::NoRecord);
}

#[tokio::test]
async fn a_passport_is_one_of_its_country() {
    let pair = Pair::new();
    let holder = pair.person(12);
    assert_eq!(holder.document.document_type(), DocumentType::Passport);
    let now = clock().now();
    let number = holder.document.number().as_str();
    let country = Some("ISL");
    let elsewhere = ThreeElements {
        document: IdentityDocument::parse(DocumentType::Passport, number, country, now).unwrap(),
        ..holder
    };
    let verdict = pair.authority.verify(&elsewhere).await;
    assert_eq!(verdict.result, CheckResult::NoRecord);
}

#[tokio::test]
async fn it_says_what_it_is_told_to_say() {
    let pair = Pair::new();
    for (behavior, result) in [
        (Behavior::Mismatch, CheckResult::Mismatch),
        (Behavior::NoRecord, CheckResult::NoRecord),
        (Behavior::Ok, CheckResult::Match),
    ] {
        pair.simulator.behave(behavior, None);
        assert_eq!(pair.verify(0).await, result);
    }
}

#[tokio::test]
async fn too_late_is_unavailable() {
    let timeout = Duration::from_millis(60);
    let pair = Pair::with(simulator(None), |settings| settings.timeout = timeout);
    pair.simulator.behave(Behavior::Slow, None);
    let verdict = pair.authority.verify(&pair.person(0)).await;
    assert_eq!(verdict.result, CheckResult::Unavailable);
    // Nobody has said a name: it is called by its address.
    assert_eq!(verdict.authority.as_str(), "127.0.0.1");
    assert!(pair.authority.durations().sum < 5.0);
}

#[tokio::test]
async fn down_is_unavailable_and_soon_not_asked_any_more() {
    let pair = Pair::new();
    pair.simulator.behave(Behavior::Down, None);
    for _ in 0..8 {
        assert_eq!(pair.verify(0).await, CheckResult::Unavailable);
    }
    assert_eq!(pair.authority.breaker_state(), BreakerState::Open);
    assert_eq!(
        (pair.count("unavailable"), pair.count("breaker_open")),
        (5, 3)
    );
}

#[tokio::test]
async fn nobody_there_is_unavailable() {
    let pair = Pair::with(simulator(None), |settings| {
        let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let free = taken.local_addr().unwrap();
        settings.url = PartnerUrl::parse(&format!("http://{free}")).unwrap();
    });
    assert_eq!(pair.verify(0).await, CheckResult::Unavailable);
}

#[tokio::test]
async fn flapping_opens_the_breaker_and_a_good_probe_closes_it() {
    let pair = Pair::new();
    pair.simulator.behave(Behavior::Flapping, None);
    for call in 0..20 {
        let expected = if call % 2 == 0 {
            CheckResult::Match
        } else {
            CheckResult::Unavailable
        };
        assert_eq!(pair.verify(0).await, expected, "{call}");
    }
    assert_eq!(pair.authority.breaker_state(), BreakerState::Open);
    assert_eq!(pair.verify(0).await, CheckResult::Unavailable);
    assert_eq!(pair.count("breaker_open"), 1);
    // Down when the probe comes: open for as long again.
    pair.simulator.behave(Behavior::Down, None);
    pair.clock.advance(Duration::from_secs(10));
    assert_eq!(pair.authority.breaker_state(), BreakerState::HalfOpen);
    assert_eq!(pair.verify(0).await, CheckResult::Unavailable);
    assert_eq!(pair.authority.breaker_state(), BreakerState::Open);
    pair.simulator.behave(Behavior::Ok, None);
    pair.clock.advance(Duration::from_secs(9));
    assert_eq!(pair.verify(0).await, CheckResult::Unavailable);
    pair.clock.advance(Duration::from_secs(1));
    assert_eq!(pair.verify(0).await, CheckResult::Match);
    assert_eq!(pair.authority.breaker_state(), BreakerState::Closed);
    assert_eq!(pair.verify(1).await, CheckResult::Match);
}

#[tokio::test]
async fn a_probe_that_the_resident_did_not_wait_for_keeps_nothing_shut() {
    let pair = Pair::new();
    pair.simulator.behave(Behavior::Down, None);
    for _ in 0..5 {
        pair.verify(0).await;
    }
    pair.simulator.behave(Behavior::Slow, None);
    pair.clock.advance(Duration::from_secs(10));
    let gone = tokio::time::timeout(Duration::from_millis(20), pair.verify(0)).await;
    assert!(gone.is_err());
    assert_eq!(pair.authority.breaker_state(), BreakerState::HalfOpen);
    pair.simulator.behave(Behavior::Ok, None);
    assert_eq!(pair.verify(0).await, CheckResult::Match);
}

#[tokio::test]
async fn garbage_is_never_taken_for_an_answer() {
    // No JSON, a match of another transaction, an unknown word, a megabyte.
    for skipped in 0..4 {
        let pair = Pair::new();
        pair.simulator.behave(Behavior::Garbage, None);
        for _ in 0..skipped {
            pair.simulator.switch().next();
        }
        assert_eq!(pair.verify(0).await, CheckResult::Unavailable, "{skipped}");
        assert_eq!(pair.count("unavailable"), 1);
    }
}

#[tokio::test]
async fn without_the_right_token_it_says_nothing() {
    for (shown, result) in [
        (None, CheckResult::Unavailable),
        (Some("wrong"), CheckResult::Unavailable),
        (Some("s3cret"), CheckResult::Match),
    ] {
        let pair = Pair::with(simulator(Some("s3cret")), |settings| {
            settings.token = shown.map(|token| Secret::new(token.to_owned()));
        });
        assert_eq!(pair.verify(0).await, result, "{shown:?}");
    }
}

#[tokio::test]
async fn past_its_limits_it_is_not_asked_and_nobody_waits() {
    let pair = Pair::with(simulator(None), |settings| settings.max_concurrent = 1);
    pair.simulator.behave(Behavior::Slow, None);
    let mut first = pin!(pair.verify(0));
    let second = tokio::select! {
        biased;
        _ = &mut first => panic!("it is slow"),
        second = pair.verify(1) => second,
    };
    assert_eq!(second, CheckResult::Unavailable);
    assert_eq!(pair.count("busy"), 1);

    let pair = Pair::with(simulator(None), |settings| settings.calls_per_minute = 2);
    assert_eq!(pair.verify(0).await, CheckResult::Match);
    assert_eq!(pair.verify(0).await, CheckResult::Match);
    assert_eq!(pair.verify(0).await, CheckResult::Unavailable);
    assert_eq!(pair.count("quota"), 1);
    // Our own limits say nothing of the authority.
    assert_eq!(pair.authority.breaker_state(), BreakerState::Closed);
    pair.clock.advance(Duration::from_mins(1));
    assert_eq!(pair.verify(0).await, CheckResult::Match);
}

#[tokio::test]
async fn people_named_to_it_are_verified_and_not_listed() {
    let other = Person::synthetic(SEED + 1, 0).unwrap();
    let known = Person::synthetic(SEED, 0).unwrap();
    let moved = Person {
        phone: other.phone.clone(),
        ..known.clone()
    };
    let simulator = Simulator::new(SimulatorParts {
        seed: SEED,
        synthetic: 1,
        others: vec![other.clone(), moved.clone()],
        behavior: Behavior::Ok,
        delay: None,
        token: None,
        clock: Arc::new(clock()),
    });
    assert_eq!(simulator.people(), std::slice::from_ref(&known));
    for (person, result) in [
        (&other, CheckResult::Match),
        (&moved, CheckResult::Match),
        (&known, CheckResult::Mismatch),
    ] {
        assert_eq!(simulator.judge(person), result);
    }
}

async fn answer(simulator: &Simulator, request: Request<Body>) -> (StatusCode, Value) {
    let response = simulator.router().oneshot(request).await.unwrap();
    let status = response.status();
    let body: Bytes = response.into_body().collect().await.unwrap().to_bytes();
    let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
    (status, body)
}

async fn get_from(simulator: &Simulator, path: &str) -> (StatusCode, Value) {
    let request = Request::get(path).body(Body::empty()).unwrap();
    answer(simulator, request).await
}

async fn post_to(simulator: &Simulator, body: &Value) -> (StatusCode, Value) {
    let request = Request::post("/v1/verifications");
    let request = request.body(Body::from(body.to_string())).unwrap();
    answer(simulator, request).await
}

#[tokio::test]
async fn people_are_listed_by_pages() {
    let simulator = simulator(None);
    let (status, page) = get_from(&simulator, "/people?from=3&count=2").await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!((&page["total"], &page["from"]), (&json!(40), &json!(3)));
    let expected: Vec<_> = simulator.people()[3..5]
        .iter()
        .map(Person::to_json)
        .collect();
    assert_eq!(page["people"], json!(expected));
    let (_, whole) = get_from(&simulator, "/people").await;
    assert_eq!(whole["people"].as_array().unwrap().len(), 40);
    let (_, past) = get_from(&simulator, "/people?from=40").await;
    assert_eq!(past["people"], json!([]));
    for query in ["from=1&from=2", "from=-1", "count=x", "page=1"] {
        let (status, _) = get_from(&simulator, &format!("/people?{query}")).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{query}");
    }
}

#[tokio::test]
async fn it_is_switched_while_it_runs() {
    let simulator = simulator(None);
    let put = async |body: &str| {
        let request = Request::put("/behavior").body(Body::from(body.to_owned()));
        answer(&simulator, request.unwrap()).await
    };
    let shown = get_from(&simulator, "/behavior").await.1;
    assert_eq!(shown, json!({"behavior": "ok", "delay_ms": 0}));
    let asked = json!({"behavior": "slow", "delay_ms": 4000});
    assert_eq!(
        put(&asked.to_string()).await,
        (StatusCode::OK, asked.clone())
    );
    assert_eq!(get_from(&simulator, "/behavior").await.1, asked);
    let (_, usual) = put(r#"{"behavior":"slow"}"#).await;
    assert_eq!(usual["delay_ms"], 10_000);
    for wrong in [
        "",
        r#"{"behavior":"sometimes"}"#,
        r#"{"behavior":"ok","delay":1}"#,
        r#"{"behavior":"ok","delay_ms":600001}"#,
    ] {
        assert_eq!(put(wrong).await.0, StatusCode::BAD_REQUEST, "{wrong}");
    }
    assert_eq!(get_from(&simulator, "/livez").await.0, StatusCode::OK);
}

#[tokio::test]
async fn a_request_that_is_not_understood_is_refused_without_its_values() {
    let simulator = simulator(None);
    let mut good = simulator.people()[0].to_json();
    good["transaction"] = "t-1".into();
    good["method"] = "three_elements".into();
    let (status, told) = post_to(&simulator, &good).await;
    let expected = json!({"transaction": "t-1", "authority": NAME, "result": "match"});
    assert_eq!((status, told), (StatusCode::OK, expected));
    for (member, value) in [
        ("transaction", ""),
        ("method", "face"),
        ("method", "guess"),
        ("name", "Zhang3"),
        ("document_number", "123456789012345678"),
        ("document_country", "CHN"),
        ("phone_number", "+8611000000000"),
    ] {
        let mut wrong = good.clone();
        wrong[member] = value.into();
        let (status, told) = post_to(&simulator, &wrong).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{member}");
        let told = told.to_string();
        assert!(value.len() < 5 || !told.contains(value), "{told}");
    }
}

#[tokio::test]
async fn with_a_token_nothing_but_the_probe_is_open() {
    let simulator = simulator(Some("s3cret"));
    for path in ["/people", "/behavior"] {
        let (status, _) = get_from(&simulator, path).await;
        assert_eq!(status, StatusCode::UNAUTHORIZED, "{path}");
    }
    assert_eq!(get_from(&simulator, "/livez").await.0, StatusCode::OK);
    for (shown, status) in [
        ("Bearer s3cret", StatusCode::OK),
        ("bearer s3cret", StatusCode::OK),
        ("Bearer s3cret2", StatusCode::UNAUTHORIZED),
        ("Basic s3cret", StatusCode::UNAUTHORIZED),
        ("s3cret", StatusCode::UNAUTHORIZED),
    ] {
        let request = Request::get("/behavior").header("authorization", shown);
        let request = request.body(Body::empty()).unwrap();
        assert_eq!(answer(&simulator, request).await.0, status, "{shown}");
    }
}
