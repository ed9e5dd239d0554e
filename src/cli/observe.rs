//! What the layers below the server have to tell the metrics.

use std::sync::Arc;

use super::compose::Services;
use crate::http::metrics::Metrics;
use crate::jobs::deliver::Tally;
use crate::ledger::Ledger;
use crate::outbound::Authority;
use crate::outbound::authority::BreakerState;
use crate::storage::shared::SharedFailures;

/// What the services have to tell.
pub(super) fn services(metrics: &Metrics, services: &Services) {
    let passwords = services.passwords.clone();
    metrics.gauge(
        "password_hashes_waiting",
        "Passwords waiting to be hashed",
        move || i64::try_from(passwords.load().queued).unwrap_or(i64::MAX),
    );
    let passwords = services.passwords.clone();
    metrics.gauge(
        "password_hashes_running",
        "Passwords being hashed",
        move || i64::try_from(passwords.load().busy).unwrap_or(i64::MAX),
    );
    let accounts = services.accounts.clone();
    metrics.counters(
        "login_refused",
        "Passwords that were not looked at, by what had failed too often: the name from there, a known device, the network",
        "reason",
        move || accounts.refused_guesses(),
    );
    let ledger = services.ledger.clone();
    metrics.gauge(
        "change_feed_fresh",
        "1 when the change feed was read within a second",
        move || i64::from(ledger.feed().is_fresh()),
    );
    if let Some(authority) = &services.authority {
        checks(metrics, authority);
    }
    redis(metrics, &services.failures);
}

/// Nothing where there is no Redis: nothing is missing then.
fn redis(metrics: &Metrics, failures: &SharedFailures) {
    let Some(state) = failures.redis() else {
        return;
    };
    let observed = failures.clone();
    metrics.gauge(
        "redis_up",
        "1 when Redis answers in time, 0 when this node counts failures alone",
        move || i64::from(observed.redis().unwrap_or(state).is_up),
    );
    let observed = failures.clone();
    metrics.counter(
        "redis_outages",
        "How often Redis stopped answering in time",
        move || observed.redis().unwrap_or(state).outages,
    );
}

fn checks(metrics: &Metrics, authority: &Authority) {
    let observed = authority.clone();
    metrics.gauge(
        "authority_breaker",
        "Whether the verification authority is asked: 0 yes, 1 to try it (half open), 2 no (open)",
        move || match observed.breaker_state() {
            BreakerState::Closed => 0,
            BreakerState::HalfOpen => 1,
            BreakerState::Open => 2,
        },
    );
    let observed = authority.clone();
    metrics.counters(
        "authority_checks",
        "Checks by what the verification authority answered, or why it was not asked",
        "result",
        move || observed.counts(),
    );
    let observed = authority.clone();
    metrics.histogram(
        "authority_check_seconds",
        "How long the verification authority took to answer, or to fail",
        move || {
            let durations = observed.durations();
            (durations.sum, durations.buckets)
        },
    );
}

/// What the deliveries of one kind are called.
#[derive(Debug, Clone, Copy)]
pub(super) struct DeliveryNames {
    attempts: &'static str,
    waiting: &'static str,
    failed: &'static str,
    oldest: &'static str,
}

/// Messages to people.
pub(super) const MESSAGES: DeliveryNames = DeliveryNames {
    attempts: "messages",
    waiting: "messages_waiting",
    failed: "messages_failed",
    oldest: "messages_oldest_seconds",
};

/// Logouts, to clients.
pub(super) const LOGOUTS: DeliveryNames = DeliveryNames {
    attempts: "logouts",
    waiting: "logouts_waiting",
    failed: "logouts_failed",
    oldest: "logouts_oldest_seconds",
};

/// What came of deliveries.
pub(super) fn deliveries(
    metrics: &Metrics,
    names: DeliveryNames,
    (tally, ledger): (&Arc<Tally>, &Ledger),
) {
    let outcomes = Arc::clone(tally);
    metrics.counters(
        names.attempts,
        "Attempts to deliver, by outcome, and what expired before one",
        "outcome",
        move || {
            vec![
                ("delivered", outcomes.delivered()),
                ("retried", outcomes.retried()),
                ("given_up", outcomes.given_up()),
            ]
        },
    );
    let waiting = Arc::clone(tally);
    metrics.gauge(
        names.waiting,
        "What is not delivered yet, of all nodes",
        move || waiting.waiting(),
    );
    let failed = Arc::clone(tally);
    metrics.gauge(
        names.failed,
        "What was given up within a month, of all nodes",
        move || failed.failed(),
    );
    let (oldest, clock) = (Arc::clone(tally), Arc::clone(ledger.clock()));
    metrics.gauge(
        names.oldest,
        "How long the oldest that is not delivered has waited",
        move || i64::try_from(oldest.oldest_age(clock.now()).as_secs()).unwrap_or(i64::MAX),
    );
}
