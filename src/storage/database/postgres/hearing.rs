//! Tells a server that is slow from one that is gone without a word.
//!
//! A statement may take its time, and holding it against the server would end what is about to be
//! committed. But when nothing at all has been heard for a while, one of those who wait asks over a
//! new connection; if that is not answered either, none of them waits any longer: all in a second.

use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::Mutex;

use super::Home;

/// How long nothing may be heard before somebody asks.
const SILENCE: Duration = Duration::from_millis(400);
/// How long who asks whether somebody is there waits.
pub(super) const GREETING: Duration = Duration::from_millis(500);
/// How long we wait for one answer, whatever else is heard. The server ends its statements earlier.
pub(super) const ANSWER: Duration = Duration::from_secs(12);

/// What was heard of a server.
pub(super) struct Hearing {
    started: Instant,
    /// When it last answered, in milliseconds since `started`.
    heard: AtomicU64,
    /// When it last did not answer somebody who asked whether it is there.
    missed: Mutex<Option<Instant>>,
}

impl Hearing {
    pub(super) fn new() -> Self {
        Self {
            started: Instant::now(),
            heard: AtomicU64::new(0),
            missed: Mutex::new(None),
        }
    }

    fn note(&self) {
        self.heard.store(self.now(), Ordering::Relaxed);
    }

    fn is_silent(&self) -> bool {
        let heard = self.heard.load(Ordering::Relaxed);
        Duration::from_millis(self.now().saturating_sub(heard)) >= SILENCE
    }

    fn now(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

impl Home {
    /// The answer to what was asked; none when none is to be expected any more.
    pub(super) async fn hear<T>(
        &self,
        asked: impl Future<Output = Result<T, sqlx::Error>>,
    ) -> Option<Result<T, sqlx::Error>> {
        let sent = Instant::now();
        tokio::select! {
            biased;
            answer = asked => {
                if answer.is_ok() {
                    self.hearing.note();
                }
                Some(answer)
            }
            () = self.lose_patience(sent) => None,
        }
    }

    async fn lose_patience(&self, sent: Instant) {
        while sent.elapsed() < ANSWER {
            tokio::time::sleep(SILENCE).await;
            if self.hearing.is_silent() && !self.is_there(sent).await {
                return;
            }
        }
    }

    /// Whether the server answers at all. One asks for all who wait.
    async fn is_there(&self, sent: Instant) -> bool {
        let mut missed = self.hearing.missed.lock().await;
        if !self.hearing.is_silent() {
            return true;
        }
        if missed.is_some_and(|missed| missed > sent) {
            return false;
        }
        let greeted = tokio::time::timeout(GREETING, self.connect()).await;
        if matches!(greeted, Ok(Ok(_))) {
            self.hearing.note();
            true
        } else {
            *missed = Some(Instant::now());
            false
        }
    }
}
