//! Signals: SIGTERM and SIGINT end the server, SIGHUP reloads what can be reloaded.

use std::future::pending;
use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

/// Waits for signals. Made early, so that none that comes during the start is lost.
#[derive(Debug)]
pub struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
    over: Option<watch::Receiver<bool>>,
}

/// What a signal asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// To finish what has begun and end.
    Stop,
    /// To read certificates, partners' tokens and the log level again.
    Reload,
}

impl Signals {
    /// Begins to listen; needs a Tokio runtime.
    pub fn listen() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hang_up: signal(SignalKind::hangup())?,
            over: None,
        })
    }

    /// Also asks to stop, once, when `over` says so or is gone.
    #[must_use]
    pub fn until(self, over: watch::Receiver<bool>) -> Self {
        Self {
            over: Some(over),
            ..self
        }
    }

    /// The next thing asked for.
    pub async fn next(&mut self) -> Asked {
        tokio::select! {
            _ = self.terminate.recv() => Asked::Stop,
            _ = self.interrupt.recv() => Asked::Stop,
            _ = self.hang_up.recv() => Asked::Reload,
            () = ended(&mut self.over) => {
                self.over = None;
                Asked::Stop
            }
        }
    }
}

async fn ended(over: &mut Option<watch::Receiver<bool>>) {
    match over {
        Some(over) => drop(over.wait_for(|over| *over).await),
        None => pending().await,
    }
}
