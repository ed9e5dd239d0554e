//! The program under test, in a process and a folder of its own.

use std::fs::{self, File};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use tempfile::TempDir;

use super::arguments::{Arguments, EngineKind};
use super::client::Connection;
use super::overload;
use super::process::Process;

/// What cargo built for this benchmark.
const PROGRAM: &str = env!("CARGO_BIN_EXE_tongxing");
const PATIENCE: Duration = Duration::from_secs(30);

/// What a command took.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Taken {
    pub(crate) elapsed: Duration,
    pub(crate) cpu: Duration,
    /// Memory, in kilobytes.
    pub(crate) peak: u64,
}

/// The program, configured; serving when it was started.
#[derive(Debug)]
pub(crate) struct Server {
    program: PathBuf,
    folder: TempDir,
    settings: Vec<(&'static str, String)>,
    pub(crate) address: SocketAddr,
    engine: EngineKind,
    /// The only one it runs on, if it shall not have all.
    processor: Option<&'static str>,
    running: Option<Child>,
}

impl Server {
    /// Configures the program and migrates the database.
    pub(crate) fn prepare(
        arguments: &Arguments,
        folder: TempDir,
        database: String,
    ) -> anyhow::Result<Self> {
        let (address, management) = (free_address()?, free_address()?);
        let engine = if database.starts_with("sqlite:") {
            EngineKind::Sqlite
        } else {
            EngineKind::Postgres
        };
        let settings = vec![
            (
                "TONGXING__SERVER__ISSUER",
                format!("http://localhost:{}", address.port()),
            ),
            ("TONGXING__SERVER__LISTEN", address.to_string()),
            (
                "TONGXING__SERVER__MANAGEMENT_LISTEN",
                management.to_string(),
            ),
            ("TONGXING__DATABASE__URL", database),
        ];
        let server = Self {
            program: arguments
                .program
                .clone()
                .unwrap_or_else(|| PathBuf::from(PROGRAM)),
            folder,
            settings,
            address,
            engine,
            processor: arguments.overload.map(|_| overload::SERVERS_PROCESSOR),
            running: None,
        };
        server.run(&["migrate"])?;
        Ok(server)
    }

    pub(crate) const fn engine(&self) -> EngineKind {
        self.engine
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Runs a command of the program, and returns what it printed.
    pub(crate) fn run(&self, words: &[&str]) -> anyhow::Result<String> {
        let output = self
            .command(words)
            .stdin(Stdio::null())
            .output()
            .with_context(|| self.program.display().to_string())?;
        if !output.status.success() {
            bail!("{words:?}: {}", String::from_utf8_lossy(&output.stderr));
        }
        Ok(String::from_utf8(output.stdout)?)
    }

    /// Runs a command of the program, and returns what it printed and what it took.
    pub(crate) async fn run_watched(&self, words: &[&str]) -> anyhow::Result<(String, Taken)> {
        let own = Process(std::process::id());
        let (said, errors) = (self.folder().join("said"), self.folder().join("errors"));
        let (before, begun) = (own.ended_cpu()?, Instant::now());
        let mut child = self
            .command(words)
            .stdin(Stdio::null())
            .stdout(File::create(&said)?)
            .stderr(File::create(&errors)?)
            .spawn()?;
        let mut peak = 0;
        let status = loop {
            if let Some(status) = child.try_wait()? {
                break status;
            }
            // It may have ended since.
            if let Ok(memory) = Process(child.id()).memory() {
                peak = peak.max(memory.peak);
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        };
        let taken = Taken {
            elapsed: begun.elapsed(),
            cpu: own.ended_cpu()?.saturating_sub(before),
            peak,
        };
        if !status.success() {
            bail!("{words:?}: {}", fs::read_to_string(&errors)?);
        }
        Ok((fs::read_to_string(&said)?, taken))
    }

    /// Starts serving; returns how long the first answer took.
    pub(crate) async fn start(&mut self) -> anyhow::Result<Duration> {
        let log = File::create(self.folder.path().join("log"))?;
        let begun = Instant::now();
        let child = self
            .command(&["serve"])
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()?;
        self.running = Some(child);
        while begun.elapsed() < PATIENCE {
            if self.answers().await.is_ok() {
                return Ok(begun.elapsed());
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        bail!("the server does not answer")
    }

    async fn answers(&self) -> anyhow::Result<()> {
        let request = "GET /oauth2/jwks HTTP/1.1\r\nHost: localhost\r\n\r\n";
        let mut connection = Connection::open(self.address).await?;
        connection.send(request.as_bytes()).await?.expect(200)?;
        Ok(())
    }

    /// Asks the server to end, and waits until it has.
    pub(crate) async fn stop(&mut self) -> anyhow::Result<()> {
        let Some(mut child) = self.running.take() else {
            return Ok(());
        };
        Command::new("kill").arg(child.id().to_string()).status()?;
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            if child.try_wait()?.is_some() {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        child.kill()?;
        bail!("the server does not end")
    }

    pub(crate) fn process(&self) -> anyhow::Result<Process> {
        let child = self.running.as_ref().context("the server runs")?;
        Ok(Process(child.id()))
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = match self.processor {
            None => Command::new(&self.program),
            Some(number) => {
                let mut command = Command::new("taskset");
                command.args(["-c", number]).arg(&self.program);
                command
            }
        };
        command
            .args(words)
            .current_dir(&self.folder)
            .envs(self.settings.iter().map(|(key, value)| (key, value)));
        command
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(mut child) = self.running.take() {
            // It may have ended by itself.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// An address that nobody listened at a moment ago.
pub(crate) fn free_address() -> anyhow::Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}
