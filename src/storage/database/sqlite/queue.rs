//! The writer's bounded queue.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use super::super::error::Error;
use super::super::job::Job;

pub(super) struct Queue {
    state: Mutex<State>,
    arrived: Condvar,
    bound: usize,
}

struct State {
    jobs: VecDeque<Box<dyn Job>>,
    /// Waking costs a system call, so it is done only when the writer sleeps.
    asleep: bool,
    closed: bool,
}

impl Queue {
    pub(super) fn new(bound: usize) -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::new(State {
                jobs: VecDeque::new(),
                asleep: false,
                closed: false,
            }),
            arrived: Condvar::new(),
            bound,
        })
    }

    /// Queues a job, or refuses at once.
    pub(super) fn push(&self, job: Box<dyn Job>) -> Result<(), Error> {
        let mut state = self.lock();
        if state.closed {
            return Err(Error::Unavailable("closed".to_owned()));
        }
        if state.jobs.len() >= self.bound {
            return Err(Error::Unavailable("too many writes are waiting".to_owned()));
        }
        state.jobs.push_back(job);
        if std::mem::take(&mut state.asleep) {
            drop(state);
            self.arrived.notify_one();
        }
        Ok(())
    }

    /// How many jobs wait.
    pub(super) fn len(&self) -> usize {
        self.lock().jobs.len()
    }

    /// Moves up to `most` jobs to `into`, waiting for the first. False when closed and drained.
    pub(super) fn wait(&self, into: &mut VecDeque<Box<dyn Job>>, most: usize) -> bool {
        let mut state = self.lock();
        while state.jobs.is_empty() {
            if state.closed {
                return false;
            }
            state.asleep = true;
            state = self
                .arrived
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
        state.move_to(into, most);
        true
    }

    /// Moves up to `most` jobs to `into`, if there are any.
    pub(super) fn take(&self, into: &mut VecDeque<Box<dyn Job>>, most: usize) {
        self.lock().move_to(into, most);
    }

    /// Refuses further jobs; those queued are still done.
    pub(super) fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        state.asleep = false;
        drop(state);
        self.arrived.notify_one();
    }

    /// Refuses further jobs and drops those queued, so that their callers hear.
    pub(super) fn abandon(&self) {
        self.close();
        let jobs = std::mem::take(&mut self.lock().jobs);
        drop(jobs);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn move_to(&mut self, into: &mut VecDeque<Box<dyn Job>>, most: usize) {
        let count = self.jobs.len().min(most);
        into.extend(self.jobs.drain(..count));
    }
}
