//! What every request passes, in one layer: its id, whom it speaks for, the limits on it, and the
//! headers, counts and log line of its answer.
//!
//! A group of routes is laid under [`Envelope::class`] once; the layer runs after routing, so that
//! it knows the route's pattern. Neither the path nor the query nor an address is ever logged or
//! counted: they may say who somebody is.

mod admission;
mod answer;
mod turnstile;

#[cfg(test)]
mod tests;

use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::net::{IpAddr, Ipv4Addr};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use axum::extract::{MatchedPath, Request};
use axum::http::{Method, StatusCode};
use axum::response::Response;
use tower::{Layer, Service};

use super::address::{Peer, client_address};
use super::metrics::{Metrics, Refused};
use crate::domain::address_block::AddressBlock;
use crate::domain::entropy::Entropy;
use crate::domain::id::RequestId;
use admission::{Arrivals, Farewells, Gates};
use answer::{LogRequests, Passage, SecurityHeaders};

pub use admission::InFlight;

/// What a group of routes costs, and how its refusals look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Passwords and whatever else is slow on purpose; refusals are for people.
    Login,
    /// Protocol endpoints; refusals are JSON.
    Token,
    /// Pages; refusals are for people.
    Page,
    /// Documents and the API; refusals are JSON.
    Api,
    /// Logout, which waits for portals and must be had whatever else is going on; refusals are for
    /// people.
    Logout,
}

impl Class {
    pub(super) const ALL: [Self; 5] = [
        Self::Login,
        Self::Token,
        Self::Page,
        Self::Api,
        Self::Logout,
    ];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Login => "login",
            Self::Token => "token",
            Self::Page => "page",
            Self::Api => "api",
            Self::Logout => "logout",
        }
    }
}

/// What is known of a request before its handler runs; in its extensions.
#[derive(Debug, Clone, Copy)]
pub struct RequestFacts {
    /// Its name in logs, in `x-request-id` and on error pages. Never the client's.
    pub request_id: RequestId,
    /// Whom it speaks for.
    pub client_address: IpAddr,
}

/// What the envelope is made of.
pub struct EnvelopeSettings {
    /// For request ids.
    pub entropy: Arc<dyn Entropy>,
    /// Where requests are counted.
    pub metrics: Arc<Metrics>,
    /// Whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<AddressBlock>,
    /// Requests worked on at once.
    pub in_flight: InFlight,
    /// How long a handler may take.
    pub request_timeout: Duration,
    /// Whether residents reach the server by https, so that browsers may be told to insist.
    pub https: bool,
    /// Whether every request gets a line at `info`.
    pub log_requests: bool,
}

/// What all requests pass; cheap to clone.
#[derive(Clone)]
pub struct Envelope(Arc<Inner>);

struct Inner {
    entropy: Arc<dyn Entropy>,
    metrics: Arc<Metrics>,
    trusted_proxies: Vec<AddressBlock>,
    arrivals: Arrivals,
    gates: Gates,
    farewells: Farewells,
    request_timeout: Duration,
    headers: SecurityHeaders,
    log: LogRequests,
}

impl Envelope {
    /// An envelope for all routes of a server.
    pub fn new(settings: EnvelopeSettings) -> Self {
        Self(Arc::new(Inner {
            arrivals: Arrivals::default(),
            gates: Gates::new(&settings.in_flight, &settings.metrics),
            farewells: Farewells::default(),
            entropy: settings.entropy,
            metrics: settings.metrics,
            trusted_proxies: settings.trusted_proxies,
            request_timeout: settings.request_timeout,
            headers: SecurityHeaders::new(settings.https),
            log: LogRequests::new(settings.log_requests),
        }))
    }

    /// The layer for a group of routes: `Router::layer(envelope.class(Class::Token))`.
    pub fn class(&self, class: Class) -> EnvelopeLayer {
        EnvelopeLayer {
            envelope: self.clone(),
            class,
        }
    }
}

/// The envelope around one group of routes.
#[derive(Clone)]
pub struct EnvelopeLayer {
    envelope: Envelope,
    class: Class,
}

impl<S> Layer<S> for EnvelopeLayer {
    type Service = EnvelopeService<S>;

    fn layer(&self, inner: S) -> EnvelopeService<S> {
        EnvelopeService {
            inner,
            envelope: Arc::clone(&self.envelope.0),
            class: self.class,
        }
    }
}

/// One route in the envelope.
#[derive(Clone)]
pub struct EnvelopeService<S> {
    inner: S,
    envelope: Arc<Inner>,
    class: Class,
}

impl<S> Service<Request> for EnvelopeService<S>
where
    S: Service<Request, Response = Response, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send + 'static,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request) -> Self::Future {
        let envelope = Arc::clone(&self.envelope);
        let passage = envelope.arrive(&mut request, self.class);
        // The one that was asked whether it is ready is the one to call.
        let fresh = self.inner.clone();
        let inner = std::mem::replace(&mut self.inner, fresh);
        Box::pin(async move {
            let answered = envelope.admit(request, inner, passage.class).await;
            let response = answered.unwrap_or_else(|refused| {
                envelope.metrics.refused(passage.class, refused);
                answer::refusal(refused, &passage)
            });
            let response = envelope.leave(response, &passage);
            if response.status() == StatusCode::SERVICE_UNAVAILABLE {
                envelope.farewells.linger().await;
            }
            Ok(response)
        })
    }
}

impl Inner {
    /// Receives the request, takes a place for it, and runs its handler.
    async fn admit<S>(
        &self,
        request: Request,
        mut inner: S,
        class: Class,
    ) -> Result<Response, Refused>
    where
        S: Service<Request, Response = Response, Error = Infallible>,
    {
        let request = self.arrivals.receive(request, self.request_timeout).await?;
        let _place = self.gates.enter(class).await?;
        run(inner.call(request), self.request_timeout).await
    }

    fn arrive(&self, request: &mut Request, class: Class) -> Passage {
        let peer = request.extensions().get::<Peer>();
        // Only tests call without a connection.
        let peer = peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.0.ip());
        let facts = RequestFacts {
            request_id: RequestId::random(self.entropy.as_ref()),
            client_address: client_address(peer, request.headers(), &self.trusted_proxies),
        };
        request.extensions_mut().insert(facts);
        Passage {
            class,
            request_id: facts.request_id,
            started: Instant::now(),
            method: known_method(request.method()),
            route: request.extensions().get::<MatchedPath>().cloned(),
        }
    }

    fn leave(&self, mut response: Response, passage: &Passage) -> Response {
        let took = passage.started.elapsed();
        let status = response.status();
        self.headers.complete(response.headers_mut(), passage);
        self.metrics
            .answered(passage.route(), status.as_u16(), took);
        self.log.answered(passage, status, took);
        response
    }
}

/// Runs a handler to its end, its panic or its timeout.
async fn run<F>(handler: F, patience: Duration) -> Result<Response, Refused>
where
    F: Future<Output = Result<Response, Infallible>>,
{
    let mut handler = pin!(handler);
    // What a handler shares with others it must leave whole: locks that poison and transactions
    // that roll back do, and nothing else is shared.
    let caught = poll_fn(|context| {
        match catch_unwind(AssertUnwindSafe(|| handler.as_mut().poll(context))) {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(Ok(response))) => Poll::Ready(Ok(response)),
            Ok(Poll::Ready(Err(never))) => match never {},
            Err(_) => Poll::Ready(Err(Refused::Panicked)),
        }
    });
    tokio::time::timeout(patience, caught)
        .await
        .unwrap_or(Err(Refused::TimedOut))
}

/// A method's name for the log, which is not for clients to write in.
fn known_method(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::HEAD => "HEAD",
        Method::OPTIONS => "OPTIONS",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        _ => "other",
    }
}
