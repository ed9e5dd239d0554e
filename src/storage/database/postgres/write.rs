//! A write: BEGIN, the closure, COMMIT, and again when another transaction was in the way.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::super::error::{Error, Failure, Fault};
use super::super::job::{Job, Outcome};
use super::{Home, Session, Transaction};

const ATTEMPTS: u32 = 8;

/// How one attempt ended.
enum Attempt {
    /// Committed, or refused by the closure: its result stands.
    Done,
    /// Nothing stands, and nobody tries again.
    Lost(Error),
    /// Nothing was committed, and another attempt may succeed.
    Again(Error),
}

/// Runs the job until it is committed or refused, and answers its caller.
pub(super) async fn run(home: &Arc<Home>, mut job: Box<dyn Job>) {
    let mut last = None;
    for attempt in 0..ATTEMPTS {
        if attempt > 0 {
            tokio::time::sleep(pause(attempt)).await;
        }
        match try_once(home, &mut *job).await {
            Attempt::Done => return job.answer(None),
            Attempt::Lost(error) => return job.answer(Some(&error)),
            Attempt::Again(error) => last = Some(error),
        }
    }
    job.answer(last.as_ref());
}

async fn try_once(home: &Arc<Home>, job: &mut dyn Job) -> Attempt {
    let mut session = match Session::pooled(home).await {
        Ok(session) => session,
        Err(error) => return Attempt::Lost(error),
    };
    if let Err(failed) = session.begin().await {
        return Attempt::Lost(failed.error);
    }
    let mut tx = Transaction::postgres(session);
    let outcome = job.run(&mut tx).await;
    let fault = tx.fault();
    let Some(mut session) = tx.into_postgres() else {
        return Attempt::Lost(Error::panicked());
    };
    match (fault, outcome) {
        // Nothing was committed, whatever the closure made of it.
        (Some(Fault::Lost), _) => {
            Attempt::Again(Error::Unavailable("the connection was lost".to_owned()))
        }
        (Some(Fault::Conflict), _) => {
            roll_back(&mut session).await;
            Attempt::Again(conflict())
        }
        (None, Outcome::Keep) => commit(&mut session).await,
        (_, Outcome::Undo) | (Some(Fault::Refused), Outcome::Keep) => {
            roll_back(&mut session).await;
            Attempt::Done
        }
    }
}

async fn commit(session: &mut Session) -> Attempt {
    match session.end("COMMIT").await {
        Ok(()) => Attempt::Done,
        Err(Failure {
            fault: Fault::Conflict,
            ..
        }) => {
            roll_back(session).await;
            Attempt::Again(conflict())
        }
        // It may have been committed: running again could do it twice.
        Err(Failure { error, .. }) => Attempt::Lost(match error {
            Error::Unavailable(why) | Error::Refused(why) => {
                Error::Unavailable(format!("COMMIT: {why}"))
            }
            other @ Error::Corrupt { .. } => other,
        }),
    }
}

/// If it fails, the session keeps its connection from the pool.
async fn roll_back(session: &mut Session) {
    let _ = session.end("ROLLBACK").await;
}

fn conflict() -> Error {
    Error::Unavailable("other transactions kept getting in the way".to_owned())
}

/// Grows with each attempt, and differs between writers so that they do not meet again.
fn pause(attempt: u32) -> Duration {
    static TURN: AtomicU64 = AtomicU64::new(0);
    let turn = TURN.fetch_add(1, Ordering::Relaxed) % 7;
    let base = u64::from(attempt) * u64::from(attempt);
    Duration::from_millis(base + turn)
}
