//! Signals: SIGTERM and SIGINT end the server, SIGHUP reloads what can be reloaded.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// Waits for signals. Made early, so that none that comes during the start is lost.
#[derive(Debug)]
pub struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
}

/// What a signal asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// To finish what has begun and end.
    Stop,
    /// To read certificates and the log level again.
    Reload,
}

impl Signals {
    /// Begins to listen; needs a Tokio runtime.
    pub fn listen() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    /// The next thing asked for.
    pub async fn next(&mut self) -> Asked {
        tokio::select! {
            _ = self.terminate.recv() => Asked::Stop,
            _ = self.interrupt.recv() => Asked::Stop,
            _ = self.hang_up.recv() => Asked::Reload,
        }
    }
}
