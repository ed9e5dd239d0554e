//! The verification authority of a test server: the simulator, asked by the real adapter over HTTP.
//! Whom it knows changes while it runs, as people get documents and carriers hand numbers on.

use std::collections::BTreeMap;
use std::future::pending;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::IntoResponse as _;
use tower::ServiceExt as _;

use tongxing::authority::{Behavior, Person, Simulator, SimulatorParts};
use tongxing::crypto::entropy::SystemEntropy;
use tongxing::domain::clock::{Clock as _, ManualClock};
use tongxing::http::server::{Listener, Patience, Settings};
use tongxing::outbound::authority::AuthoritySettings;
use tongxing::outbound::{Authority, PartnerUrl};

use super::applicant::Applicant;
use super::parts::PATIENCE;

/// How long the adapter leaves an authority alone that fails.
pub(crate) const LEFT_ALONE: Duration = Duration::from_secs(10);

/// An authority at work. Clones are one.
#[derive(Clone)]
pub(crate) struct TestAuthority(Arc<Inner>);

struct Inner {
    clock: ManualClock,
    at_work: Mutex<AtWork>,
}

struct AtWork {
    /// By document.
    people: BTreeMap<String, Person>,
    behavior: Behavior,
    /// What it answers whatever is asked.
    status: Option<StatusCode>,
    simulator: Simulator,
}

impl TestAuthority {
    /// Begins to serve; also what asks it.
    pub(super) fn serve(clock: &ManualClock) -> (Self, Authority) {
        // Who comes second finds it done.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let authority = Self(Arc::new(Inner {
            clock: clock.clone(),
            at_work: Mutex::new(AtWork {
                people: BTreeMap::new(),
                behavior: Behavior::Ok,
                status: None,
                simulator: simulator(Vec::new(), Behavior::Ok, clock),
            }),
        }));
        let settings = Settings {
            max_connections: 100,
            shutdown_grace: Duration::ZERO,
            tls: None,
            patience: Patience::default(),
        };
        let anywhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let listener = Listener::bind(anywhere, settings).expect("a port");
        let address = listener.local_address().expect("an address");
        tokio::spawn(listener.serve(authority.router(), pending()));
        let settings = AuthoritySettings {
            url: PartnerUrl::parse(&format!("http://{address}")).expect("an address"),
            token: None,
            timeout: PATIENCE,
            max_concurrent: 256,
            calls_per_minute: 1_000_000,
            open_for: LEFT_ALONE,
        };
        let asks = Authority::new(settings, Arc::new(clock.clone()), Arc::new(SystemEntropy));
        (authority, asks.expect("an adapter"))
    }

    /// Whatever comes goes to the simulator of this moment.
    fn router(&self) -> Router {
        let authority = self.clone();
        Router::new().fallback(move |request: Request| {
            let at_work = authority.0.at_work.lock().expect("no panic");
            let (status, router) = (at_work.status, at_work.simulator.router());
            async move {
                match status {
                    Some(status) => Ok(status.into_response()),
                    None => router.oneshot(request).await,
                }
            }
        })
    }

    /// From now on it knows these people so; others as before.
    pub(crate) fn knows(&self, people: &[&Applicant]) {
        let now = self.0.clock.now();
        self.change(|at_work| {
            for applicant in people {
                let person = Person::parse(applicant.record().to_string().as_bytes(), now);
                let person = person.expect("a person");
                let key = person.document.index_text();
                at_work.people.insert(key, person);
            }
        });
    }

    /// Behaves so from now on.
    pub(crate) fn behaves(&self, behavior: Behavior) {
        self.change(|at_work| at_work.behavior = behavior);
    }

    /// Answers with this status from now on, whatever is asked; with none, as it behaves.
    pub(crate) fn answers(&self, status: Option<u16>) {
        let status = status.map(|status| StatusCode::from_u16(status).expect("a status"));
        self.change(|at_work| at_work.status = status);
    }

    fn change(&self, change: impl FnOnce(&mut AtWork)) {
        let mut at_work = self.0.at_work.lock().expect("no panic");
        change(&mut at_work);
        let people = at_work.people.values().cloned().collect();
        at_work.simulator = simulator(people, at_work.behavior, &self.0.clock);
    }
}

fn simulator(people: Vec<Person>, behavior: Behavior, clock: &ManualClock) -> Simulator {
    Simulator::new(SimulatorParts {
        seed: 0,
        synthetic: 0,
        others: people,
        behavior,
        delay: Some(Duration::ZERO),
        token: None,
        clock: Arc::new(clock.clone()),
    })
}
