//! Private Redis servers for tests, in temporary folders; they end with the test program.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::ports::free_port;

const PATIENCE: Duration = Duration::from_mins(1);

/// A private server; killed with this value.
pub(crate) struct RedisServer {
    program: PathBuf,
    folder: TempDir,
    options: Vec<String>,
    port: u16,
    guard: Option<Child>,
}

impl RedisServer {
    /// A running one; `None` if `TONGXING_TEST_SKIP_REDIS=1` says to do without.
    pub(crate) fn start() -> Option<Self> {
        Self::start_with(&[])
    }

    /// The same with other options.
    pub(crate) fn start_with(options: &[&str]) -> Option<Self> {
        let mut server = Self {
            program: program("redis-server")?,
            folder: tempfile::Builder::new()
                .prefix("tongxing-redis-")
                .tempdir()
                .expect("a temporary folder"),
            options: options.iter().map(|&option| option.to_owned()).collect(),
            port: free_port(),
            guard: None,
        };
        server.restart();
        Some(server)
    }

    /// Its address.
    pub(crate) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Its URL.
    pub(crate) fn url(&self) -> String {
        format!("redis://{}", self.address())
    }

    /// Ends it without a chance to say anything. It keeps nothing.
    pub(crate) fn kill(&mut self) {
        if let Some(mut guard) = self.guard.take() {
            drop(guard.stdin.take());
            guard.wait().expect("the guard ends");
        }
    }

    /// Starts it again where it was, and waits until it answers.
    #[expect(
        clippy::disallowed_methods,
        reason = "another process starts, for milliseconds"
    )]
    pub(crate) fn restart(&mut self) {
        // Its guard waits for the end of a pipe that only we hold, however we end.
        let script = "trap '' INT TERM HUP; \"$@\" </dev/null & server=$!; cat; kill -9 $server";
        let port = self.port.to_string();
        let guard = Command::new("sh")
            .args(["-c", script, "sh"])
            .arg(&self.program)
            .args(["--port", &port, "--bind", "127.0.0.1", "--save", ""])
            .args(["--appendonly", "no", "--daemonize", "no"])
            .args(&self.options)
            .current_dir(self.folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        self.guard = Some(guard.expect("sh runs"));
        let deadline = Instant::now() + PATIENCE;
        while std::net::TcpStream::connect(self.address()).is_err() {
            assert!(Instant::now() < deadline, "redis-server does not start");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Where a program is; `None` when told to do without.
pub(crate) fn program(name: &str) -> Option<PathBuf> {
    if told("TONGXING_TEST_SKIP_REDIS").as_deref() == Some("1") {
        return None;
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path)
        .map(|folder| folder.join(name))
        .find(|program| program.exists());
    Some(found.expect("no Redis: install redis-server, or TONGXING_TEST_SKIP_REDIS=1"))
}

/// A variable of the environment.
#[expect(
    clippy::disallowed_methods,
    reason = "tests are told of their server so"
)]
pub(crate) fn told(variable: &str) -> Option<String> {
    std::env::var(variable).ok()
}
