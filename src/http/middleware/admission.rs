//! Who may come in: so many of a class at once, with bodies of so many bytes.

use axum::body::Body;
use axum::extract::Request;
use http_body_util::Limited;
use hyper::body::Body as _;
use prometheus_client::metrics::gauge::Gauge;

use super::Class;
use crate::http::metrics::{Metrics, Refused};

/// No form, request object or metadata document of ours is larger.
pub(super) const MAX_BODY_BYTES: usize = 64 * 1024;

/// Requests worked on at once, by class.
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
}

impl InFlight {
    const fn limit(&self, class: Class) -> u32 {
        match class {
            Class::Login => self.login,
            Class::Token => self.token,
            Class::Page => self.page,
            Class::Api => self.api,
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
}

impl Gates {
    pub(super) fn new(limits: &InFlight, metrics: &Metrics) -> Self {
        let gate = |class| Gate {
            inside: metrics.in_flight(class),
            limit: i64::from(limits.limit(class)),
        };
        let [login, token, page, api] = Class::ALL.map(gate);
        Self {
            login,
            token,
            page,
            api,
        }
    }

    /// A place inside, until it is dropped.
    pub(super) fn enter(&self, class: Class) -> Result<Place, Refused> {
        let gate = match class {
            Class::Login => &self.login,
            Class::Token => &self.token,
            Class::Page => &self.page,
            Class::Api => &self.api,
        };
        let before = gate.inside.inc();
        let place = Place(gate.inside.clone());
        if before >= gate.limit {
            return Err(Refused::Busy);
        }
        Ok(place)
    }
}

/// A place inside a gate.
pub(super) struct Place(Gauge);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// Refuses a body that says it is too large; cuts off one that turns out to be, which extractors
/// answer with 413.
pub(super) fn bounded(request: Request) -> Result<Request, Refused> {
    let declared = request.body().size_hint();
    let limit = u64::try_from(MAX_BODY_BYTES).unwrap_or(u64::MAX);
    if declared.lower() > limit {
        return Err(Refused::TooLarge);
    }
    if declared.upper().is_some_and(|upper| upper <= limit) {
        return Ok(request);
    }
    Ok(request.map(|body| Body::new(Limited::new(body, MAX_BODY_BYTES))))
}
