//! What the simulator answers over HTTP.
//!
//! `POST /v1/verifications` is what every authority of this interface has. The rest is for whoever
//! plays: `GET /people` names those who can be verified, `GET` and `PUT /behavior` switch it.

use std::collections::BTreeMap;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{RawQuery, Request, State};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use hyper::body::Frame;
use serde::{Deserialize, Serialize};
use serde_json::json;
use url::form_urlencoded;

use super::behavior::{Act, Behavior};
use super::people::{Line, Person};
use super::{LONGEST_DELAY_MS, NAME, Simulator};
use crate::crypto::digest;
use crate::domain::check::{CheckLabel, CheckMethod, CheckResult};

/// People on one page, unless told, and at most.
const PAGE: usize = 100;
const LARGEST_PAGE: usize = 1000;
const HUGE: usize = 1024 * 1024;

#[derive(Deserialize)]
struct Verification {
    transaction: CheckLabel,
    method: CheckMethod,
    #[serde(flatten)]
    person: Line,
}

pub(super) async fn verify(State(simulator): State<Simulator>, body: Bytes) -> Response {
    let (act, delay) = simulator.switch().next();
    if !delay.is_zero() {
        tokio::time::sleep(delay).await;
    }
    let Ok(asked) = serde_json::from_slice::<Verification>(&body) else {
        return refused("not the JSON object that was expected");
    };
    if asked.method != CheckMethod::ThreeElements {
        return refused("method: only three_elements is verified here");
    }
    let person = match asked.person.checked(simulator.now()) {
        Ok(person) => person,
        Err(error) => return refused(&error.to_string()),
    };
    let response = answer(&simulator, act, &asked.transaction, &person);
    tracing::debug!(?act, status = response.status().as_u16(), "verification");
    response
}

fn answer(simulator: &Simulator, act: Act, asked: &CheckLabel, person: &Person) -> Response {
    let say = |transaction: &CheckLabel, result: &str| {
        json(&json!({
            "transaction": transaction,
            "authority": NAME,
            "result": result,
        }))
    };
    match act {
        Act::Judge => say(asked, simulator.judge(person).as_str()),
        Act::Say(result) => say(asked, result.as_str()),
        Act::Fail => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        Act::BreakOff => Body::new(BreaksOff).into_response(),
        Act::NotJson => "<html><body>It works!</body></html>".into_response(),
        // One digit more: like the right one in all that it has.
        Act::OtherTransaction => match CheckLabel::parse(&format!("0{asked}")) {
            Ok(other) => say(&other, CheckResult::Match.as_str()),
            Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        },
        Act::UnknownWord => say(asked, "probably"),
        Act::Huge => say(asked, &"match".repeat(HUGE / 5)),
    }
}

/// Lists synthetic people, `count` of them `from` an index.
pub(super) async fn people(
    State(simulator): State<Simulator>,
    RawQuery(query): RawQuery,
) -> Response {
    let Some((from, count)) = page(query.as_deref().unwrap_or_default()) else {
        return refused("the query is from=INDEX&count=NUMBER");
    };
    let people = simulator.people();
    let listed = people.iter().skip(from).take(count.min(LARGEST_PAGE));
    let listed: Vec<_> = listed.map(Person::to_json).collect();
    json(&json!({ "total": people.len(), "from": from, "people": listed }))
}

/// Each parameter once, and no other.
fn page(query: &str) -> Option<(usize, usize)> {
    let mut given = BTreeMap::new();
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        let number: usize = value.parse().ok()?;
        let name = name.into_owned();
        if !matches!(name.as_str(), "from" | "count") || given.insert(name, number).is_some() {
            return None;
        }
    }
    let of = |name: &str, usual| given.get(name).copied().unwrap_or(usual);
    Some((of("from", 0), of("count", PAGE)))
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Switched {
    behavior: Behavior,
    delay_ms: Option<u64>,
}

pub(super) async fn show_behavior(State(simulator): State<Simulator>) -> Response {
    let (behavior, delay) = simulator.switch().get();
    let delay_ms = u64::try_from(delay.as_millis()).ok();
    json(&Switched { behavior, delay_ms })
}

pub(super) async fn put_behavior(State(simulator): State<Simulator>, body: Bytes) -> Response {
    let Ok(asked) = serde_json::from_slice::<Switched>(&body) else {
        return refused("not the JSON object that was expected");
    };
    if asked.delay_ms.is_some_and(|delay| delay > LONGEST_DELAY_MS) {
        return refused("delay_ms: ten minutes at most");
    }
    let delay = asked.delay_ms.map(Duration::from_millis);
    simulator.switch().put(asked.behavior, delay);
    tracing::info!(behavior = %asked.behavior, "switched");
    show_behavior(State(simulator)).await
}

pub(super) async fn alive() -> &'static str {
    "ok\n"
}

/// Lets pass who shows the token, when there is one.
pub(super) async fn guard(
    State(simulator): State<Simulator>,
    headers: HeaderMap,
    request: Request,
    next: Next,
) -> Response {
    let shown = headers.get(AUTHORIZATION).and_then(bearer);
    match (simulator.token(), shown) {
        (None, _) => next.run(request).await,
        (Some(token), Some(shown)) if digest::equal(token.as_bytes(), shown) => {
            next.run(request).await
        }
        (Some(_), _) => {
            let challenge = [(WWW_AUTHENTICATE, "Bearer")];
            (StatusCode::UNAUTHORIZED, challenge).into_response()
        }
    }
}

fn bearer(value: &HeaderValue) -> Option<&[u8]> {
    let (scheme, token) = value.as_bytes().split_at_checked("Bearer ".len())?;
    scheme.eq_ignore_ascii_case(b"Bearer ").then_some(token)
}

fn refused(why: &str) -> Response {
    (StatusCode::BAD_REQUEST, json(&json!({ "error": why }))).into_response()
}

fn json(document: &impl Serialize) -> Response {
    match serde_json::to_vec(document) {
        Ok(body) => ([(CONTENT_TYPE, "application/json")], body).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// A body that fails before it has begun: the server cannot but close the connection.
struct BreaksOff;

impl hyper::body::Body for BreaksOff {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        Poll::Ready(Some(Err(io::ErrorKind::ConnectionAborted.into())))
    }
}
