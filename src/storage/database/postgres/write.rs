//! A write: BEGIN, the closure, COMMIT, and again when another transaction was in the way.

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;
use std::time::Duration;

use super::super::error::{Error, Failure, Fault};
use super::super::reader::guard;
use super::{BoxFuture, Home, Session, Transaction};

const ATTEMPTS: u32 = 8;

/// How one attempt ended.
enum Attempt<T, E> {
    Done(Result<T, E>),
    /// Nothing was committed, and another attempt may succeed.
    Again(Error),
}

pub(super) async fn run<I, T, E, F>(home: &Arc<Home>, input: &I, work: &F) -> Result<T, E>
where
    I: Sync,
    T: Send,
    E: From<Error> + Send,
    F: for<'a> Fn(&'a mut Transaction, &'a I) -> BoxFuture<'a, Result<T, E>> + Sync,
{
    let mut last = None;
    for attempt in 0..ATTEMPTS {
        if attempt > 0 {
            tokio::time::sleep(pause(attempt)).await;
        }
        match try_once(home, input, work).await {
            Attempt::Done(result) => return result,
            Attempt::Again(error) => last = Some(error),
        }
    }
    let error = last.unwrap_or_else(|| Error::Unavailable("no attempt was made".to_owned()));
    Err(error.into())
}

async fn try_once<I, T, E, F>(home: &Arc<Home>, input: &I, work: &F) -> Attempt<T, E>
where
    I: Sync,
    T: Send,
    E: From<Error> + Send,
    F: for<'a> Fn(&'a mut Transaction, &'a I) -> BoxFuture<'a, Result<T, E>> + Sync,
{
    let mut session = match Session::pooled(home).await {
        Ok(session) => session,
        Err(error) => return Attempt::Done(Err(error.into())),
    };
    if let Err(failed) = session.begin().await {
        return Attempt::Done(Err(failed.error.into()));
    }
    let mut tx = Transaction::postgres(session);
    let result = perform(&mut tx, input, work).await;
    let fault = tx.fault();
    let Some(mut session) = tx.into_postgres() else {
        return Attempt::Done(Err(Error::panicked().into()));
    };
    let done = match (result, fault) {
        // Nothing was committed, whatever the closure made of it.
        (_, Some(Fault::Lost)) => {
            return Attempt::Again(Error::Unavailable("the connection was lost".to_owned()));
        }
        (_, Some(Fault::Conflict)) => {
            roll_back(&mut session).await;
            return Attempt::Again(conflict());
        }
        (Some(Ok(value)), None) => return commit(&mut session, value).await,
        (Some(Ok(_)), Some(Fault::Refused)) => Err(Error::ignored().into()),
        (Some(Err(error)), _) => Err(error),
        (None, _) => Err(Error::panicked().into()),
    };
    roll_back(&mut session).await;
    Attempt::Done(done)
}

/// Runs the closure; nothing if it panicked.
async fn perform<I, T, E, F>(tx: &mut Transaction, input: &I, work: &F) -> Option<Result<T, E>>
where
    F: for<'a> Fn(&'a mut Transaction, &'a I) -> BoxFuture<'a, Result<T, E>>,
{
    let mut future = guard(move || work(tx, input))?;
    poll_fn(|context| match guard(|| future.as_mut().poll(context)) {
        Some(Poll::Pending) => Poll::Pending,
        Some(Poll::Ready(result)) => Poll::Ready(Some(result)),
        None => Poll::Ready(None),
    })
    .await
}

async fn commit<T, E: From<Error>>(session: &mut Session, value: T) -> Attempt<T, E> {
    match session.end("COMMIT").await {
        Ok(()) => Attempt::Done(Ok(value)),
        Err(Failure {
            fault: Fault::Conflict,
            ..
        }) => {
            roll_back(session).await;
            Attempt::Again(conflict())
        }
        // It may have been committed: running again could do it twice.
        Err(Failure { error, .. }) => Attempt::Done(Err(match error {
            Error::Unavailable(why) | Error::Refused(why) => {
                Error::Unavailable(format!("COMMIT: {why}"))
            }
            other @ Error::Corrupt { .. } => other,
        }
        .into())),
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
