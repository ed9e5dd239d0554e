//! A write as the engines see it: a closure with its input and the caller that waits, whatever
//! their types.
//!
//! There are a hundred closures and one way to run each engine's transaction: erased here, that way
//! is compiled once.

use std::future::poll_fn;
use std::task::Poll;

use tokio::sync::oneshot;

use super::error::Error;
use super::reader::guard;
use super::{BoxFuture, Transaction};

/// What is to become of what a closure wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    Keep,
    Undo,
}

/// A closure that may run several times and is answered once.
pub(super) trait Job: Send {
    /// Runs the closure and keeps its result, in place of an earlier one.
    fn run<'a>(&'a mut self, tx: &'a mut Transaction) -> BoxFuture<'a, Outcome>;
    /// Puts a refusal in place of the result.
    fn refuse(&mut self, error: Error);
    /// Sends the result; or `lost`, if what it stands for was.
    fn answer(self: Box<Self>, lost: Option<&Error>);
}

struct Call<I, T, E, F> {
    input: I,
    work: F,
    result: Option<Result<T, E>>,
    caller: oneshot::Sender<Result<T, E>>,
}

/// A job, and where its answer arrives.
pub(super) fn job<I, T, E, F>(input: I, work: F) -> (Box<dyn Job>, oneshot::Receiver<Result<T, E>>)
where
    I: Send + Sync + 'static,
    T: Send + 'static,
    E: From<Error> + Send + 'static,
    F: for<'a> Fn(&'a mut Transaction, &'a I) -> BoxFuture<'a, Result<T, E>>
        + Send
        + Sync
        + 'static,
{
    let (caller, answered) = oneshot::channel();
    let job = Call {
        input,
        work,
        result: None,
        caller,
    };
    (Box::new(job), answered)
}

impl<I, T, E, F> Job for Call<I, T, E, F>
where
    I: Send + Sync,
    T: Send,
    E: From<Error> + Send,
    F: for<'a> Fn(&'a mut Transaction, &'a I) -> BoxFuture<'a, Result<T, E>> + Send + Sync,
{
    fn run<'a>(&'a mut self, tx: &'a mut Transaction) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            let result = match guarded(|| (self.work)(tx, &self.input)).await {
                Some(Ok(_)) if tx.fault().is_some() => Err(E::from(Error::ignored())),
                Some(result) => result,
                None => Err(E::from(Error::panicked())),
            };
            let outcome = match result {
                Ok(_) => Outcome::Keep,
                Err(_) => Outcome::Undo,
            };
            self.result = Some(result);
            outcome
        })
    }

    fn refuse(&mut self, error: Error) {
        self.result = Some(Err(E::from(error)));
    }

    fn answer(self: Box<Self>, lost: Option<&Error>) {
        let answer = match (lost, self.result) {
            (Some(lost), _) => Err(E::from(lost.clone())),
            (None, Some(result)) => result,
            // Never run: its caller hears that the sender is gone.
            (None, None) => return,
        };
        // A caller that went away has no use for it.
        let _ = self.caller.send(answer);
    }
}

/// What the future gives; nothing if it panicked.
async fn guarded<'a, T>(begin: impl FnOnce() -> BoxFuture<'a, T>) -> Option<T> {
    let mut future = guard(begin)?;
    poll_fn(|context| match guard(|| future.as_mut().poll(context)) {
        Some(Poll::Pending) => Poll::Pending,
        Some(Poll::Ready(result)) => Poll::Ready(Some(result)),
        None => Poll::Ready(None),
    })
    .await
}
