//! The thread that writes: queued closures in batches, one COMMIT for all, a savepoint for each that
//! has something before it.
//!
//! Nothing is answered before COMMIT, refusals included: a refusal may rest on what an earlier
//! closure of the batch wrote. If the batch is lost, all of it is unavailable.

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use super::super::Transaction;
use super::super::error::Error;
use super::super::job::{Job, Outcome};
use super::super::reader::guard;
use super::message;
use super::queue::Queue;

pub(super) struct Writer {
    tx: Transaction,
    queue: Arc<Queue>,
    most: usize,
    pending: VecDeque<Box<dyn Job>>,
    done: Vec<Box<dyn Job>>,
}

impl Writer {
    pub(super) fn new(tx: Transaction, queue: Arc<Queue>, most: usize) -> Self {
        Self {
            tx,
            queue,
            most,
            pending: VecDeque::new(),
            done: Vec::new(),
        }
    }

    /// Until the queue is closed and empty.
    pub(super) fn run(mut self) {
        while !self.pending.is_empty() || self.queue.wait(&mut self.pending, self.most) {
            let lost = self.batch().err();
            for job in self.done.drain(..) {
                // A caller's type may panic when it is made or dropped; the thread must not end.
                let _ = guard(|| job.answer(lost.as_ref()));
            }
        }
    }

    /// One transaction around pending jobs and those that arrive meanwhile.
    fn batch(&mut self) -> Result<(), Error> {
        if let Err(error) = self.command("BEGIN IMMEDIATE") {
            self.done.extend(self.pending.drain(..));
            return Err(error);
        }
        let written = self.write();
        let committed = written.and_then(|()| self.command("COMMIT"));
        if committed.is_err() && !self.is_autocommit() {
            // If even this fails, the next BEGIN does too and says so.
            let _ = self.command("ROLLBACK");
        }
        committed
    }

    fn write(&mut self) -> Result<(), Error> {
        // Undoing what comes first is undoing all. A savepoint would cost it a copy of every page that
        // it touches, and a walk through these copies at the end of many statements.
        let mut is_first = true;
        while let Some(mut job) = self.pending.pop_front() {
            let begun = if is_first {
                Ok(())
            } else {
                self.command("SAVEPOINT one")
            };
            self.tx.renew();
            let outcome = begun.map(|()| run(&mut *job, &mut self.tx));
            self.done.push(job);
            if self.is_autocommit() {
                return Err(Error::Unavailable(
                    "SQLite rolled the batch back (disk full, or input or output failed)"
                        .to_owned(),
                ));
            }
            match (outcome?, is_first) {
                (Outcome::Keep, true) => is_first = false,
                (Outcome::Undo, true) => {
                    self.command("ROLLBACK")?;
                    self.command("BEGIN IMMEDIATE")?;
                }
                (Outcome::Keep, false) => self.command("RELEASE one")?,
                (Outcome::Undo, false) => {
                    self.command("ROLLBACK TO one")?;
                    self.command("RELEASE one")?;
                }
            }
            if self.pending.is_empty() {
                let room = self.most.saturating_sub(self.done.len());
                self.queue.take(&mut self.pending, room);
            }
        }
        Ok(())
    }

    /// However a batch is lost, trying again is what its callers can do.
    fn command(&mut self, sql: &'static str) -> Result<(), Error> {
        match self.tx.as_sqlite() {
            Some(connection) => connection
                .command(sql)
                .map_err(|error| Error::Unavailable(message(&error))),
            None => Err(Error::Unavailable("the connection was lost".to_owned())),
        }
    }

    /// Whether no transaction is open: SQLite rolls back by itself when it must.
    fn is_autocommit(&mut self) -> bool {
        self.tx
            .as_sqlite()
            .is_none_or(|connection| connection.is_autocommit())
    }
}

/// A statement on SQLite is ready when it returns, so one poll runs a closure to its end. What is
/// not ready then awaited something else, and is refused.
fn run(job: &mut dyn Job, tx: &mut Transaction) -> Outcome {
    let polled = job
        .run(tx)
        .as_mut()
        .poll(&mut Context::from_waker(Waker::noop()));
    match polled {
        Poll::Ready(outcome) => outcome,
        Poll::Pending => {
            job.refuse(Error::Refused(
                "a write awaited something other than its transaction".to_owned(),
            ));
            Outcome::Undo
        }
    }
}

/// However the thread ends, nobody waits for it in vain.
impl Drop for Writer {
    fn drop(&mut self) {
        self.queue.abandon();
    }
}
