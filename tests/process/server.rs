//! A running server.

use std::fs;
use std::path::PathBuf;
use std::process::Child;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::http::{Answer, Http};
use crate::installation::wait;
use crate::noise::Promise;

/// How long a start and an end may take on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);

/// A server process; killed with this value.
pub(crate) struct Server {
    child: Child,
    log: PathBuf,
    /// Speaks to its public listener.
    pub(crate) http: Http,
    management: Http,
}

impl Server {
    /// Waits until it says that it is ready.
    pub(crate) async fn ready(
        child: Child,
        log: PathBuf,
        (http, management): (Http, &str),
    ) -> Self {
        let mut server = Self {
            child,
            log,
            http,
            management: Http::to("http://management", management),
        };
        let deadline = Instant::now() + PATIENCE;
        while !server.is_ready().await {
            let ended = server.child.try_wait().unwrap();
            assert!(
                ended.is_none() && Instant::now() < deadline,
                "no server: {ended:?} {}",
                server.log()
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        server
    }

    /// Whether it says that it is ready.
    pub(crate) async fn is_ready(&self) -> bool {
        let answer = self.management.try_get("http://management/readyz").await;
        answer.is_ok_and(|answer| answer.status == 200)
    }

    /// An answer of the management listener.
    pub(crate) async fn manage(&self, path: &str) -> Answer {
        self.management
            .get(&format!("http://management{path}"))
            .await
    }

    /// The answer of the management listener to a POST without anything.
    pub(crate) async fn manage_by_post(&self, path: &str) -> Answer {
        let url = format!("http://management{path}");
        let request = self.management.posting(&url, &[]);
        self.management.send(request).await.expect("an answer")
    }

    /// All that it wrote to its standard output and error.
    pub(crate) fn log(&self) -> String {
        let read = |extension| fs::read_to_string(self.log.with_extension(extension)).unwrap();
        read("out") + &read("err")
    }

    /// Sends a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, signal).expect("it runs");
    }

    /// Ends it without a chance to say anything.
    pub(crate) fn kill(&mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it ends");
    }

    /// Waits for its end; its exit code.
    pub(crate) async fn ended(&mut self) -> Option<i32> {
        let code = wait(&mut self.child, PATIENCE).await;
        code.unwrap_or_else(|| panic!("it does not end: {}", self.log()))
    }

    /// Asks it to stop, and expects exit code 0.
    pub(crate) async fn stop(mut self) {
        self.signal(Signal::TERM);
        assert_eq!(self.ended().await, Some(0), "{}", self.log());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Most have ended already.
        self.child.kill().unwrap_or_default();
        self.child.wait().map(drop).unwrap_or_default();
    }
}

/// Asks again and again until there is an answer, but not for longer than `patience` (and what the
/// machine is late: see [`Promise`]).
pub(crate) async fn within<T>(
    patience: Duration,
    what: &str,
    mut ask: impl AsyncFnMut() -> Option<T>,
) -> T {
    let promise = Promise::within(patience);
    loop {
        let is_due = promise.is_due();
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(!is_due, "not within {patience:?}: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
