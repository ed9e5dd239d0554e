//! Processor time and memory of processes, as the kernel counts them.

use std::fs;
use std::time::Duration;

use anyhow::Context as _;

/// What `/proc` counts in, on every architecture there is.
const TICKS_PER_SECOND: f64 = 100.0;

/// A running process.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Process(pub(crate) u32);

/// Memory, in kilobytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Memory {
    pub(crate) resident: u64,
    /// The most it ever was.
    pub(crate) peak: u64,
}

/// Fields of `/proc/PID/stat`.
struct Stat {
    parent: u32,
    own: f64,
    /// Of children that have ended.
    ended: f64,
}

impl Process {
    /// User and system time of all its threads.
    pub(crate) fn cpu(self) -> anyhow::Result<Duration> {
        Ok(Duration::from_secs_f64(self.stat()?.own))
    }

    pub(crate) fn memory(self) -> anyhow::Result<Memory> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.0))?;
        let kilobytes = |name: &str| -> anyhow::Result<u64> {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            let value = line.and_then(|rest| rest.split_whitespace().next());
            Ok(value.with_context(|| format!("no {name}"))?.parse()?)
        };
        Ok(Memory {
            resident: kilobytes("VmRSS:")?,
            peak: kilobytes("VmHWM:")?,
        })
    }

    /// User and system time of those of its children that have ended.
    pub(crate) fn ended_cpu(self) -> anyhow::Result<Duration> {
        Ok(Duration::from_secs_f64(self.stat()?.ended))
    }

    fn stat(self) -> anyhow::Result<Stat> {
        let text = fs::read_to_string(format!("/proc/{}/stat", self.0))?;
        // The name, in parentheses, may hold anything.
        let (_, rest) = text.rsplit_once(')').context("a process has a name")?;
        let fields: Vec<&str> = rest.split_whitespace().collect();
        let field = |number: usize| -> anyhow::Result<f64> {
            let text = fields.get(number - 3).context("a field is missing")?;
            Ok(text.parse()?)
        };
        let parent = fields.get(1).context("a process has a parent")?;
        Ok(Stat {
            parent: parent.parse()?,
            own: (field(14)? + field(15)?) / TICKS_PER_SECOND,
            ended: (field(16)? + field(17)?) / TICKS_PER_SECOND,
        })
    }
}

/// Processor time of this thread so far.
pub(crate) fn this_thread() -> anyhow::Result<Duration> {
    let text = fs::read_to_string("/proc/thread-self/schedstat")?;
    let nanoseconds = text.split_whitespace().next().context("a first field")?;
    Ok(Duration::from_nanos(nanoseconds.parse()?))
}

/// A PostgreSQL server: its first process and the children of that.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PostgresProcesses(Process);

impl PostgresProcesses {
    /// The server that listens at a database's port, when it was told the port on its command
    /// line, as private servers are.
    pub(crate) fn find(url: &str) -> anyhow::Result<Option<Self>> {
        let port = url::Url::parse(url)?.port().unwrap_or(5432).to_string();
        for process in all()? {
            let path = format!("/proc/{}/cmdline", process.0);
            let words = fs::read_to_string(path).unwrap_or_default();
            let words: Vec<&str> = words.split('\0').collect();
            let is_postgres = words
                .first()
                .is_some_and(|word| word.ends_with("/postgres"));
            if is_postgres && words.windows(2).any(|pair| pair == ["-p", port.as_str()]) {
                return Ok(Some(Self(process)));
            }
        }
        Ok(None)
    }

    /// Processor time of all of them, the ended ones too.
    pub(crate) fn cpu(self) -> anyhow::Result<Duration> {
        let first = self.0.stat()?;
        let mut seconds = first.own + first.ended;
        for process in all()? {
            // One may end while we look.
            if let Ok(stat) = process.stat()
                && stat.parent == self.0.0
            {
                seconds += stat.own;
            }
        }
        Ok(Duration::from_secs_f64(seconds))
    }
}

fn all() -> anyhow::Result<Vec<Process>> {
    let entries = fs::read_dir("/proc")?;
    Ok(entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .map(Process)
        .collect())
}
