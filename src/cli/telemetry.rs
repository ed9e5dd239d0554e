//! Logs.
//!
//! The rule: no personal data, no secret, and nothing a client wrote: no names, numbers, phones,
//! addresses, paths, queries or tokens; identifiers of our own, route patterns and reasons only.
//! Libraries do not know the rule, so they are heard from `warn` on whatever the level is, and of
//! a panic only the place is told.

use std::io::{self, IsTerminal as _};

use tracing::Level;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Registry, fmt, reload};

use super::config::{LogConfig, LogFormat};

/// Where log lines go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Destination {
    /// The server's: standard output.
    StandardOutput,
    /// A command's, whose standard output is for machines: standard error.
    StandardError,
}

/// Changes the level of the running program.
#[derive(Debug, Clone)]
pub struct LevelControl(reload::Handle<Targets, Registry>);

impl LevelControl {
    /// Logs at `level` from now on.
    pub fn set(&self, level: Level) {
        if let Err(error) = self.0.reload(targets(level)) {
            tracing::warn!(%error, "the log level stays as it was");
        }
    }
}

/// Begins to log. In a process that logs already, the earlier choice stays.
pub fn start(log: &LogConfig, destination: Destination) -> LevelControl {
    let (filter, handle) = reload::Layer::new(targets(log.level));
    let (output, terminal) = match destination {
        Destination::StandardOutput => (
            fmt::writer::BoxMakeWriter::new(io::stdout),
            io::stdout().is_terminal(),
        ),
        Destination::StandardError => (
            fmt::writer::BoxMakeWriter::new(io::stderr),
            io::stderr().is_terminal(),
        ),
    };
    let lines = fmt::layer().with_writer(output).with_ansi(terminal);
    let lines = match log.format {
        LogFormat::Human => lines.with_target(false).boxed(),
        LogFormat::Json => lines.json().flatten_event(true).boxed(),
    };
    let subscriber = tracing_subscriber::registry().with(filter).with(lines);
    // Only tests start twice in one process.
    subscriber.try_init().unwrap_or_default();
    LevelControl(handle)
}

fn targets(level: Level) -> Targets {
    Targets::new()
        .with_default(LevelFilter::WARN.min(LevelFilter::from_level(level)))
        .with_target(env!("CARGO_CRATE_NAME"), level)
}

/// A panic's message may quote what it failed on.
pub fn report_panics_without_their_message() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic
            .location()
            .map_or_else(|| "unknown".to_owned(), ToString::to_string);
        if tracing::dispatcher::has_been_set() {
            tracing::error!(place, "panicked");
        } else {
            super::output::say(format_args!("tongxing: panicked at {place}"));
        }
    }));
}
