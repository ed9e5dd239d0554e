//! The threads that hash passwords: few, of low priority, with memory that is used again, behind a
//! queue with a bound. Work whose asker is gone is not done.
//!
//! Hashing competes with everything else for the processor. On Linux the threads are nice, so a
//! storm of logins slows logins and not the tokens of those already in.

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use argon2::Block;
use tokio::sync::oneshot;

use super::hash::{PasswordHash, PasswordParameters};
use crate::crypto::PrimitiveError;
use crate::domain::entropy::Entropy;
use crate::domain::secret::Secret;

/// Longer passwords are not hashed, whatever they are.
const MAX_PASSWORD: usize = 1024;

/// How a pool is made.
#[derive(Debug, Clone, Copy)]
pub struct PoolSettings {
    /// How many hashes run at once; each thread keeps its memory.
    pub threads: usize,
    /// How many more may wait.
    pub queue: usize,
    /// What new hashes are made with.
    pub parameters: PasswordParameters,
}

/// A thread a processor, and so short a queue that whoever waits in it is answered within a
/// second or so.
impl Default for PoolSettings {
    fn default() -> Self {
        let threads = thread::available_parallelism().map_or(1, usize::from);
        Self {
            threads,
            queue: threads.saturating_mul(32),
            parameters: PasswordParameters::default(),
        }
    }
}

/// Why a password was not hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// The queue is full: the visitor is asked to come back in a moment.
    #[error("too many passwords are waiting to be hashed")]
    Busy,
    /// Longer than 1,024 bytes.
    #[error("the password is too long")]
    TooLong,
    /// Hashing failed: a fault of ours, such as too little memory.
    #[error("the password could not be hashed")]
    Failed,
}

impl From<PrimitiveError> for PasswordError {
    fn from(_: PrimitiveError) -> Self {
        Self::Failed
    }
}

/// What comes of a password and a hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Another password.
    Wrong,
    /// The password.
    Right,
    /// The password, but its hash is weaker than today's: make a new one.
    RightButOld,
}

/// What a pool has to do, for metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolLoad {
    /// Waiting.
    pub queued: usize,
    /// Being hashed.
    pub busy: usize,
}

/// The threads and their queue. The threads end when the last of its clones is dropped.
#[derive(Clone)]
pub struct PasswordPool {
    queue: Arc<Queue>,
    entropy: Arc<dyn Entropy>,
}

/// The askers' end of the queue; dropping it sends the threads home.
struct Queue(Arc<Shared>);

struct Shared {
    settings: PoolSettings,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    jobs: VecDeque<Job>,
    busy: usize,
    closed: bool,
}

impl State {
    /// Whether one more may wait. Those who hung up make room first.
    fn make_room(&mut self, most: usize) -> bool {
        if self.jobs.len() >= most {
            self.jobs.retain(|job| !job.is_abandoned());
        }
        self.jobs.len() < most
    }
}

type Reply<T> = oneshot::Sender<Result<T, PasswordError>>;

enum Job {
    Hash(Secret<String>, [u8; 16], Reply<PasswordHash>),
    Verify(Secret<String>, PasswordHash, Reply<Verdict>),
}

impl PasswordPool {
    /// Starts the threads.
    pub fn start(settings: PoolSettings, entropy: Arc<dyn Entropy>) -> io::Result<Self> {
        let queue = Queue(Arc::new(Shared::new(settings)));
        for number in 0..settings.threads.max(1) {
            let shared = Arc::clone(&queue.0);
            thread::Builder::new()
                .name(format!("password-{number}"))
                .spawn(move || shared.work())?;
        }
        let queue = Arc::new(queue);
        Ok(Self { queue, entropy })
    }

    /// A new hash of a password.
    pub async fn hash(&self, password: Secret<String>) -> Result<PasswordHash, PasswordError> {
        if is_too_long(&password) {
            return Err(PasswordError::TooLong);
        }
        let salt = self.entropy.bytes();
        self.submit(|reply| Job::Hash(password, salt, reply)).await
    }

    /// Whether a password is the one of a hash. One that is too long to have been hashed is wrong.
    pub async fn verify(
        &self,
        password: Secret<String>,
        hash: PasswordHash,
    ) -> Result<Verdict, PasswordError> {
        if is_too_long(&password) {
            return Ok(Verdict::Wrong);
        }
        self.submit(|reply| Job::Verify(password, hash, reply))
            .await
    }

    /// Takes as long as [`PasswordPool::verify`] of a hash with today's parameters, and answers
    /// nothing: for accounts that do not exist or have no password.
    pub async fn verify_nothing(&self, password: Secret<String>) -> Result<(), PasswordError> {
        if is_too_long(&password) {
            return Ok(());
        }
        let salt = [0; 16];
        self.submit(|reply| Job::Hash(password, salt, reply))
            .await?;
        Ok(())
    }

    /// Whether one more would be taken now.
    pub fn has_room(&self) -> bool {
        let shared = &self.queue.0;
        shared.lock().make_room(shared.settings.queue)
    }

    /// How much there is to do.
    pub fn load(&self) -> PoolLoad {
        let state = self.queue.0.lock();
        PoolLoad {
            queued: state.jobs.len(),
            busy: state.busy,
        }
    }

    async fn submit<T>(&self, job: impl FnOnce(Reply<T>) -> Job) -> Result<T, PasswordError> {
        let (reply, answer) = oneshot::channel();
        self.queue.0.push(job(reply))?;
        answer.await.unwrap_or(Err(PasswordError::Failed))
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        self.0.lock().closed = true;
        self.0.changed.notify_all();
    }
}

impl fmt::Debug for PasswordPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PasswordPool").field(&self.load()).finish()
    }
}

/// Whether no password is that long: more than 1,024 bytes are never hashed.
pub fn is_too_long(password: &Secret<String>) -> bool {
    password.expose().len() > MAX_PASSWORD
}

impl Shared {
    fn new(settings: PoolSettings) -> Self {
        Self {
            settings,
            state: Mutex::default(),
            changed: Condvar::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, job: Job) -> Result<(), PasswordError> {
        let mut state = self.lock();
        if !state.make_room(self.settings.queue) {
            return Err(PasswordError::Busy);
        }
        state.jobs.push_back(job);
        drop(state);
        self.changed.notify_one();
        Ok(())
    }

    /// The next job that somebody still waits for; `None` when the pool is closed.
    fn next(&self) -> Option<Job> {
        let mut state = self.lock();
        loop {
            if state.closed {
                return None;
            }
            match state.jobs.pop_front() {
                Some(job) if job.is_abandoned() => {}
                Some(job) => {
                    state.busy += 1;
                    return Some(job);
                }
                None => {
                    let waited = self.changed.wait(state);
                    state = waited.unwrap_or_else(PoisonError::into_inner);
                }
            }
        }
    }

    fn work(&self) {
        lower_priority();
        let parameters = self.settings.parameters;
        let mut memory = Vec::new();
        while let Some(job) = self.next() {
            job.run(parameters, &mut memory);
            if memory.len() > parameters.blocks() {
                // One hash from an import must not hold its memory forever.
                memory = Vec::new();
            }
            self.lock().busy -= 1;
        }
    }
}

impl Job {
    fn is_abandoned(&self) -> bool {
        match self {
            Self::Hash(_, _, reply) => reply.is_closed(),
            Self::Verify(_, _, reply) => reply.is_closed(),
        }
    }

    fn run(self, parameters: PasswordParameters, memory: &mut Vec<Block>) {
        match self {
            Self::Hash(password, salt, reply) => {
                let password = password.expose().as_bytes();
                let made = PasswordHash::make(password, &salt, parameters, memory);
                let _gone = reply.send(made.map_err(PasswordError::from));
            }
            Self::Verify(password, hash, reply) => {
                let matches = hash.matches(password.expose().as_bytes(), memory);
                let verdict = matches.map(|matches| match (matches, hash.is_old(parameters)) {
                    (false, _) => Verdict::Wrong,
                    (true, false) => Verdict::Right,
                    (true, true) => Verdict::RightButOld,
                });
                let _gone = reply.send(verdict.map_err(PasswordError::from));
            }
        }
    }
}

/// Best effort: hashing works at any priority.
fn lower_priority() {
    #[cfg(target_os = "linux")]
    {
        // On Linux this is the thread's, not the process's.
        let _unchanged = rustix::process::nice(10);
    }
}

#[cfg(test)]
mod tests;
