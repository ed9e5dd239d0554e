//! Who may come in: so many of a class, of the quick ones few at a time, with bodies of so many
//! bytes.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::Request;
use http_body_util::BodyExt as _;
use hyper::body::Body as _;
use prometheus_client::metrics::gauge::Gauge;

use super::Class;
use super::turnstile::{Line, Turn, Turnstile};
use crate::http::metrics::{Metrics, Refused};

/// No form, request object or metadata document of ours is larger.
pub(super) const MAX_BODY_BYTES: usize = 64 * 1024;
/// What bodies on their way may hold together.
const MAX_ARRIVING_BYTES: usize = 128 * 1024 * 1024;
/// How long a body may take. Ours are a few kilobytes.
const BODY_PATIENCE: Duration = Duration::from_secs(10);

/// Quick requests worked on at once, for each processor: enough to keep it busy while others wait
/// for the database.
const PLACES: usize = 12;
/// So many may wait in line for each processor, however long the line stands: so few clients are no
/// overload, only slow.
const ENOUGH: usize = 20;

/// Requests under way at once, by class.
#[derive(Debug, Clone, Copy)]
pub struct InFlight {
    /// [`Class::Login`]
    pub login: u32,
    /// [`Class::Token`]
    pub token: u32,
    /// [`Class::Page`]
    pub page: u32,
    /// [`Class::Api`]
    pub api: u32,
    /// [`Class::Logout`]
    pub logout: u32,
}

impl InFlight {
    const fn limit(&self, class: Class) -> u32 {
        match class {
            Class::Login => self.login,
            Class::Token => self.token,
            Class::Page => self.page,
            Class::Api => self.api,
            Class::Logout => self.logout,
        }
    }
}

struct Gate {
    inside: Gauge,
    limit: i64,
}

/// The gates of all classes. The number inside is the metric itself.
pub(super) struct Gates {
    login: Gate,
    token: Gate,
    page: Gate,
    api: Gate,
    logout: Gate,
    turnstile: Turnstile,
}

impl Gates {
    pub(super) fn new(limits: &InFlight, metrics: &Metrics) -> Self {
        let gate = |class| Gate {
            inside: metrics.in_flight(class),
            limit: i64::from(limits.limit(class)),
        };
        let [login, token, page, api, logout] = Class::ALL.map(gate);
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            login,
            token,
            page,
            api,
            logout,
            turnstile: Turnstile::new(processors * PLACES, processors * ENOUGH),
        }
    }

    /// A place inside, until it is dropped.
    pub(super) async fn enter(&self, class: Class) -> Result<Place, Refused> {
        let (gate, line) = match class {
            // Waits for others, or for the threads that hash, which have a queue of their own.
            Class::Login => (&self.login, None),
            Class::Token => (&self.token, Some(Line::First)),
            Class::Page => (&self.page, Some(Line::Second)),
            Class::Api => (&self.api, Some(Line::Second)),
            Class::Logout => (&self.logout, None),
        };
        let before = gate.inside.inc();
        let counted = Counted(gate.inside.clone());
        if before >= gate.limit {
            return Err(Refused::Busy);
        }
        let turn = match line {
            None => None,
            Some(line) => Some(self.turnstile.enter(line).await.ok_or(Refused::Busy)?),
        };
        Ok(Place {
            _counted: counted,
            _turn: turn,
        })
    }
}

/// A place inside a gate, and behind the turnstile if the class passes it.
pub(super) struct Place {
    _counted: Counted,
    _turn: Option<Turn>,
}

struct Counted(Gauge);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// Refusals on their way, slowly: who asks again at once would cost more than who waits.
#[derive(Default)]
pub(super) struct Farewells {
    waiting: AtomicUsize,
    turn: AtomicUsize,
}

impl Farewells {
    const SHORTEST: Duration = Duration::from_millis(100);
    const LONGEST: Duration = Duration::from_secs(5);
    /// So many refusals in a second cost little of a processor.
    const PER_SECOND: usize = 1000;
    /// More than that are not kept waiting: they would cost memory.
    const MOST: usize = 20_000;

    /// Waits the longer the more are waiting, and not all as long, so that they do not come again
    /// together. Their connections cannot ask meanwhile.
    pub(super) async fn linger(&self) {
        let others = self.waiting.fetch_add(1, Ordering::Relaxed);
        let lingering = Lingering(&self.waiting);
        if others >= Self::MOST {
            return;
        }
        let millis = u64::try_from(others * 1000 / Self::PER_SECOND).unwrap_or(u64::MAX);
        let pause = Duration::from_millis(millis).clamp(Self::SHORTEST, Self::LONGEST);
        let turn = self.turn.fetch_add(7, Ordering::Relaxed) % 16;
        let pause = pause + pause * u32::try_from(turn).unwrap_or(0) / 16;
        tokio::time::sleep(pause).await;
        drop(lingering);
    }
}

struct Lingering<'a>(&'a AtomicUsize);

impl Drop for Lingering<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Bodies on their way, before their requests take a place: who sends slowly keeps nobody out.
///
/// Bytes are counted, not requests: to fill the room one must send that much, again and again.
#[derive(Default)]
pub(super) struct Arrivals(AtomicUsize);

impl Arrivals {
    /// The request with the whole of its body, or the reason to refuse it.
    pub(super) async fn receive(
        &self,
        request: Request,
        patience: Duration,
    ) -> Result<Request, Refused> {
        if request.body().is_end_stream() {
            return Ok(request);
        }
        let declared = usize::try_from(request.body().size_hint().lower()).unwrap_or(usize::MAX);
        if declared > MAX_BODY_BYTES {
            return Err(Refused::TooLarge);
        }
        let (head, body) = request.into_parts();
        let received = tokio::time::timeout(patience.min(BODY_PATIENCE), self.collect(body)).await;
        let body = received.unwrap_or(Err(Refused::TimedOut))?;
        Ok(Request::from_parts(head, Body::from(body)))
    }

    async fn collect(&self, mut body: Body) -> Result<Bytes, Refused> {
        let mut share = Share {
            arrivals: self,
            bytes: 0,
        };
        let mut received = Bytes::new();
        while let Some(frame) = body.frame().await {
            let Ok(data) = frame.map_err(|_| Refused::Broken)?.into_data() else {
                continue;
            };
            share.grow(data.len())?;
            received = if received.is_empty() {
                data
            } else {
                [received, data].concat().into()
            };
        }
        Ok(received)
    }
}

/// What one request holds of the room.
struct Share<'a> {
    arrivals: &'a Arrivals,
    bytes: usize,
}

impl Share<'_> {
    fn grow(&mut self, by: usize) -> Result<(), Refused> {
        self.bytes += by;
        let before = self.arrivals.0.fetch_add(by, Ordering::Relaxed);
        if self.bytes > MAX_BODY_BYTES {
            return Err(Refused::TooLarge);
        }
        if before > MAX_ARRIVING_BYTES {
            return Err(Refused::Busy);
        }
        Ok(())
    }
}

impl Drop for Share<'_> {
    fn drop(&mut self) {
        self.arrivals.0.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}
