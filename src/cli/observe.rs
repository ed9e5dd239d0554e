//! What the layers below the server have to tell the metrics.

#[cfg(target_os = "linux")]
mod process;

use std::sync::Arc;

use super::compose::Services;
use crate::http::metrics::Metrics;
use crate::jobs;
use crate::jobs::deliver::Tally;
use crate::ledger::Ledger;
use crate::outbound::Authority;
use crate::outbound::authority::BreakerState;
use crate::storage::Storage;
use crate::storage::database::PoolLoad;
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
    feed(metrics, &services.ledger);
    audit(metrics, &services.ledger);
    databases(
        metrics,
        [
            ("main", services.ledger.storage().clone()),
            ("vault", services.journal.store().clone()),
        ],
    );
    metrics.gauges(
        "task_failing",
        "How many background tasks of that name failed the last time and are being tried again",
        "task",
        jobs::failing,
    );
    #[cfg(target_os = "linux")]
    process::observe(metrics);
    if let Some(authority) = &services.authority {
        checks(metrics, authority);
    }
    redis(metrics, &services.failures);
}

fn feed(metrics: &Metrics, ledger: &Ledger) {
    let observed = ledger.clone();
    metrics.gauge(
        "change_feed_fresh",
        "1 when the change feed was read within a second",
        move || i64::from(observed.feed().is_fresh()),
    );
    let observed = ledger.clone();
    metrics.gauge(
        "change_feed_age_seconds",
        "How long ago the change feed was last read",
        move || observed.feed().age().as_secs_f64(),
    );
}

fn audit(metrics: &Metrics, ledger: &Ledger) {
    let observed = ledger.clone();
    metrics.gauge(
        "audit_unsealed_events",
        "Audit events of this process that wait for a seal",
        move || observed.unsealed().events,
    );
    let observed = ledger.clone();
    metrics.gauge(
        "audit_sealed_age_seconds",
        "How long ago the audit events of this process were last sealed",
        move || observed.unsealed().sealed_ago.as_secs_f64(),
    );
}

/// The connections to both databases, which are their threads on SQLite.
fn databases(metrics: &Metrics, databases: [(&'static str, Storage); 2]) {
    let databases = Arc::new(databases);
    let of_each = |read: fn(PoolLoad, usize) -> f64| {
        let databases = Arc::clone(&databases);
        move || {
            let read = |(name, storage): &(&'static str, Storage)| {
                let (pool, writes) = storage.load();
                (*name, read(pool, writes))
            };
            databases.iter().map(read).collect()
        }
    };
    for (name, help, read) in LEVELS {
        metrics.gauges(name, help, "database", of_each(read));
    }
    for (name, help, read) in COUNTS {
        metrics.counters(name, help, "database", of_each(read));
    }
}

/// A name, what it means, and how it is read off.
type OfADatabase = (&'static str, &'static str, fn(PoolLoad, usize) -> f64);

const LEVELS: [OfADatabase; 4] = [
    (
        "database_connections",
        "Connections that there may be to a database",
        |pool, _| float(pool.size),
    ),
    (
        "database_connections_used",
        "Connections in use now",
        |pool, _| float(pool.lent),
    ),
    (
        "database_waiting",
        "Who waits for a connection now",
        |pool, _| float(pool.waiting),
    ),
    (
        "database_writes_waiting",
        "Writes that wait for SQLite's writer",
        |_, writes| float(writes),
    ),
];

const COUNTS: [OfADatabase; 3] = [
    (
        "database_waits",
        "How often no connection was free at once",
        |pool, _| count(pool.waits),
    ),
    (
        "database_waits_in_vain",
        "How often none was free in time, and the request was refused",
        |pool, _| count(pool.refused),
    ),
    (
        "database_wait_seconds",
        "How long connections were waited for, together",
        |pool, _| pool.waited.as_secs_f64(),
    ),
];

fn float(number: usize) -> f64 {
    count(u64::try_from(number).unwrap_or(u64::MAX))
}

/// Exact for what can be counted: up to 2^53.
#[expect(
    clippy::cast_precision_loss,
    reason = "that is what the text form is read as"
)]
const fn count(number: u64) -> f64 {
    number as f64
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

/// A name and what it means.
type Named = (&'static str, &'static str);

/// What the deliveries of one kind are called.
#[derive(Debug, Clone, Copy)]
pub(super) struct DeliveryNames {
    attempts: Named,
    waiting: Named,
    failed: Named,
    oldest: Named,
}

/// Messages to people.
pub(super) const MESSAGES: DeliveryNames = DeliveryNames {
    attempts: (
        "messages",
        "Attempts to send a message to somebody by what came of them, and what expired before one",
    ),
    waiting: (
        "messages_waiting",
        "Messages that are not sent yet, of all nodes",
    ),
    failed: (
        "messages_failed",
        "Messages that were given up within a month, of all nodes",
    ),
    oldest: (
        "messages_oldest_seconds",
        "How long the oldest message that is not sent has waited",
    ),
};

/// Logouts, to clients.
pub(super) const LOGOUTS: DeliveryNames = DeliveryNames {
    attempts: (
        "logouts",
        "Attempts to tell a portal of a logout by what came of them, and what expired before one",
    ),
    waiting: (
        "logouts_waiting",
        "Logouts that portals have not confirmed yet, of all nodes",
    ),
    failed: (
        "logouts_failed",
        "Logouts that were given up within a month, of all nodes",
    ),
    oldest: (
        "logouts_oldest_seconds",
        "How long the oldest logout that is not confirmed has waited",
    ),
};

/// What came of deliveries.
pub(super) fn deliveries(
    metrics: &Metrics,
    names: DeliveryNames,
    (tally, ledger): (&Arc<Tally>, &Ledger),
) {
    let outcomes = Arc::clone(tally);
    metrics.counters(names.attempts.0, names.attempts.1, "outcome", move || {
        vec![
            ("delivered", outcomes.delivered()),
            ("retried", outcomes.retried()),
            ("given_up", outcomes.given_up()),
        ]
    });
    let waiting = Arc::clone(tally);
    metrics.gauge(names.waiting.0, names.waiting.1, move || waiting.waiting());
    let failed = Arc::clone(tally);
    metrics.gauge(names.failed.0, names.failed.1, move || failed.failed());
    let (oldest, clock) = (Arc::clone(tally), Arc::clone(ledger.clock()));
    metrics.gauge(names.oldest.0, names.oldest.1, move || {
        i64::try_from(oldest.oldest_age(clock.now()).as_secs()).unwrap_or(i64::MAX)
    });
}
