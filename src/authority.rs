//! The simulated verification authority: speaks the interface of a real one, knows synthetic people
//! and can be told to fail in every way that authorities do.
//!
//! Part of `tongxing authority`, a process of its own, and of the demo. It needs nothing of this
//! installation: no database, no key. No person appears in its logs, synthetic or not, and those
//! named to it are verified but never listed.

mod behavior;
mod draws;
mod endpoints;
mod names;
mod people;

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware;
use axum::routing::{get, post};

use self::behavior::Switch;
use crate::domain::check::CheckResult;
use crate::domain::clock::Clock;
use crate::domain::instant::Instant;
use crate::domain::name::PersonName;
use crate::domain::phone::PhoneNumber;
use crate::domain::secret::Secret;

pub use self::behavior::Behavior;
pub use self::people::{MOST_PEOPLE, Person, PersonError};

/// What it calls itself in answers.
pub const NAME: &str = "模拟核验机构";
/// The longest delay it can be told: what is longer is a slip.
pub const LONGEST_DELAY_MS: u64 = 600_000;

/// More than any request is long.
const MAX_BODY: usize = 16 * 1024;

/// The parts of a [`Simulator`].
pub struct SimulatorParts {
    /// Whose synthetic people it knows.
    pub seed: u64,
    /// How many of them, [`MOST_PEOPLE`] at most.
    pub synthetic: u64,
    /// Whom else it knows. Where documents are the same, these are right.
    pub others: Vec<Person>,
    /// How it behaves at first.
    pub behavior: Behavior,
    /// How long it waits before every answer; with none named, only `slow` waits.
    pub delay: Option<Duration>,
    /// What callers must show.
    pub token: Option<Secret<String>>,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

/// A simulated authority. Cheap to clone; clones are one.
#[derive(Clone)]
pub struct Simulator(Arc<Inner>);

struct Inner {
    people: Vec<Person>,
    /// By document.
    register: HashMap<String, (PersonName, PhoneNumber)>,
    switch: Switch,
    token: Option<Secret<String>>,
    clock: Arc<dyn Clock>,
}

impl Simulator {
    /// A simulator that has not been asked yet.
    #[must_use]
    pub fn new(parts: SimulatorParts) -> Self {
        let synthetic = 0..parts.synthetic.min(MOST_PEOPLE);
        let people: Vec<Person> = synthetic
            .filter_map(|index| Person::synthetic(parts.seed, index))
            .collect();
        let register = people.iter().cloned().chain(parts.others);
        let register = register
            .map(|person| (person.document.index_text(), (person.name, person.phone)))
            .collect();
        Self(Arc::new(Inner {
            people,
            register,
            switch: Switch::new(parts.behavior, parts.delay),
            token: parts.token,
            clock: parts.clock,
        }))
    }

    /// The synthetic people it knows, in their order.
    pub fn people(&self) -> &[Person] {
        &self.0.people
    }

    /// Behaves otherwise from now on.
    pub fn behave(&self, behavior: Behavior, delay: Option<Duration>) {
        self.0.switch.put(behavior, delay);
    }

    /// Everything it serves.
    pub fn router(&self) -> Router {
        let behavior = get(endpoints::show_behavior).put(endpoints::put_behavior);
        let guard = middleware::from_fn_with_state(self.clone(), endpoints::guard);
        Router::new()
            .route("/v1/verifications", post(endpoints::verify))
            .route("/people", get(endpoints::people))
            .route("/behavior", behavior)
            .route_layer(guard)
            .route("/livez", get(endpoints::alive))
            .layer(DefaultBodyLimit::max(MAX_BODY))
            .with_state(self.clone())
    }

    /// What is true of a person.
    fn judge(&self, asked: &Person) -> CheckResult {
        match self.0.register.get(&asked.document.index_text()) {
            None => CheckResult::NoRecord,
            Some((name, phone)) if name.matches(&asked.name) && *phone == asked.phone => {
                CheckResult::Match
            }
            Some(_) => CheckResult::Mismatch,
        }
    }

    fn switch(&self) -> &Switch {
        &self.0.switch
    }

    fn token(&self) -> Option<&str> {
        self.0.token.as_ref().map(|token| token.expose().as_str())
    }

    fn now(&self) -> Instant {
        self.0.clock.now()
    }
}
