//! The options, read by hand.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, bail};

/// Which database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EngineKind {
    Sqlite,
    Postgres,
}

/// Which databases.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Engines {
    One(EngineKind),
    Both,
}

impl Engines {
    pub(crate) fn has(self, engine: EngineKind) -> bool {
        self == Self::Both || self == Self::One(engine)
    }
}

/// What to do.
#[derive(Debug, Clone)]
pub(crate) struct Arguments {
    pub(crate) engine: Engines,
    /// How long a round of one operation takes.
    pub(crate) time: Duration,
    /// The median of so many rounds counts.
    pub(crate) rounds: usize,
    pub(crate) connections: usize,
    /// Only the operation of this name.
    pub(crate) only: Option<String>,
    /// Instead: ten times the load, for so long.
    pub(crate) overload: Option<Duration>,
    /// Instead: an import of so many accounts, and logins to few and to so many.
    pub(crate) accounts: Option<usize>,
    /// Another build of the program, to compare with.
    pub(crate) program: Option<PathBuf>,
    /// Lines of JSON instead of a table.
    pub(crate) json: bool,
    /// Be the bare handler to compare with, on this port.
    pub(crate) bare_port: Option<u16>,
}

impl Arguments {
    pub(crate) fn parse(mut words: impl Iterator<Item = String>) -> anyhow::Result<Self> {
        let mut arguments = Self {
            engine: Engines::Both,
            time: Duration::from_secs(1),
            rounds: 3,
            connections: 32,
            only: None,
            overload: None,
            accounts: None,
            program: None,
            json: false,
            bare_port: None,
        };
        while let Some(option) = words.next() {
            let mut value = || words.next().with_context(|| format!("{option} what?"));
            match option.as_str() {
                "--engine" => {
                    arguments.engine = match value()?.as_str() {
                        "sqlite" => Engines::One(EngineKind::Sqlite),
                        "postgres" => Engines::One(EngineKind::Postgres),
                        "both" => Engines::Both,
                        other => bail!("--engine {other}: sqlite, postgres or both"),
                    }
                }
                "--seconds" => arguments.time = Duration::from_secs_f64(value()?.parse()?),
                "--rounds" => arguments.rounds = value()?.parse::<usize>()?.max(1),
                "--connections" => {
                    arguments.connections = value()?.parse::<usize>()?.clamp(1, 999);
                }
                "--overload" => {
                    arguments.overload = Some(Duration::from_secs_f64(value()?.parse()?));
                }
                "--accounts" => arguments.accounts = Some(value()?.parse::<usize>()?.max(1)),
                "--only" => arguments.only = Some(value()?),
                // The server runs in a folder of its own.
                "--program" => arguments.program = Some(std::fs::canonicalize(value()?)?),
                "--json" => arguments.json = true,
                "--bare" => arguments.bare_port = Some(value()?.parse()?),
                // Cargo says so to every benchmark.
                "--bench" => {}
                other => bail!("unknown option {other}"),
            }
        }
        Ok(arguments)
    }
}
