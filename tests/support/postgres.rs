//! A PostgreSQL server for tests: the one in `TONGXING_TEST_POSTGRES`, or a private one in a
//! temporary folder that ends with the test program. A database for each who asks.

use std::fs;
use std::io::Read as _;
use std::net::TcpListener;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};

/// A database of its own.
pub(crate) struct PostgresDatabase {
    /// Its URL.
    pub(crate) url: String,
    /// Its name.
    pub(crate) name: String,
}

/// A fresh database; `None` if `TONGXING_TEST_SKIP_POSTGRES=1` says to do without.
pub(crate) async fn postgres_database() -> Option<PostgresDatabase> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let server = server()?;
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let name = format!("test_{}_{number}", std::process::id());
    let mut connection = PgConnection::connect(&url_of(server, "postgres"))
        .await
        .expect("the test server answers");
    connection
        .execute(sqlx::raw_sql(AssertSqlSafe(format!(
            "CREATE DATABASE {name}"
        ))))
        .await
        .expect("the test server lets us create databases");
    Some(PostgresDatabase {
        url: url_of(server, &name),
        name,
    })
}

impl Drop for PostgresDatabase {
    fn drop(&mut self) {
        let Some(server) = server() else { return };
        let (url, name) = (url_of(server, "postgres"), self.name.clone());
        let drop = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime");
            runtime.block_on(async move {
                let mut connection = PgConnection::connect(&url).await?;
                let sql = format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)");
                connection.execute(sqlx::raw_sql(AssertSqlSafe(sql))).await
            })
        });
        // The test has said all that matters; an external server keeps an empty database.
        let _ = drop.join();
    }
}

/// The URL of another database of the same server.
fn url_of(server: &str, database: &str) -> String {
    let mut url = url::Url::parse(server).expect("TONGXING_TEST_POSTGRES is a URL");
    url.set_path(database);
    url.into()
}

#[expect(
    clippy::disallowed_methods,
    reason = "tests are told of their server so"
)]
fn server() -> Option<&'static str> {
    static SERVER: OnceLock<Option<String>> = OnceLock::new();
    let server = SERVER.get_or_init(|| {
        if let Ok(url) = std::env::var("TONGXING_TEST_POSTGRES") {
            return Some(url);
        }
        if std::env::var("TONGXING_TEST_SKIP_POSTGRES").is_ok_and(|value| value == "1") {
            return None;
        }
        Some(Cluster::create().url())
    });
    server.as_deref()
}

/// A private server in a temporary folder, gone with this program.
pub(crate) struct Cluster {
    programs: PathBuf,
    folder: PathBuf,
    port: u16,
}

impl Cluster {
    /// A running one.
    pub(crate) fn create() -> Self {
        let programs = programs().expect(
            "no PostgreSQL: install it, set TONGXING_TEST_POSTGRES=postgres://…, or \
             TONGXING_TEST_SKIP_POSTGRES=1",
        );
        let folder = tempfile::Builder::new()
            .prefix("tongxing-postgres-")
            .tempdir()
            .expect("a temporary folder")
            .keep();
        if is_root() {
            // PostgreSQL refuses to run as root.
            run(Command::new("chown").arg("postgres").arg(&folder));
        }
        let port = TcpListener::bind("127.0.0.1:0")
            .and_then(|listener| listener.local_addr())
            .expect("a free port")
            .port();
        let cluster = Self {
            programs,
            folder,
            port,
        };
        run(cluster
            .program("initdb")
            .args(["-U", "tongxing", "-A", "trust", "-E", "UTF8", "--no-sync"])
            .args(["--locale", "C.UTF-8", "-D"])
            .arg(cluster.data()));
        cluster.start();
        stop_when_we_end(cluster.program("pg_ctl"), &cluster.data(), &cluster.folder);
        cluster
    }

    /// Starts it and waits until it answers.
    pub(crate) fn start(&self) {
        let options = format!(
            "-p {} -c listen_addresses=127.0.0.1 -c unix_socket_directories={} \
             -c max_connections=300 -c shared_buffers=32MB",
            self.port,
            self.folder.display()
        );
        run(self
            .program("pg_ctl")
            .args(["start", "-w", "-s", "-t", "60", "-l"])
            .arg(self.folder.join("log"))
            .args(["-o", &options, "-D"])
            .arg(self.data()));
    }

    /// The URL of its first database.
    pub(crate) fn url(&self) -> String {
        format!("postgres://tongxing@127.0.0.1:{}/postgres", self.port)
    }

    /// Where its files are.
    pub(crate) fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// One of PostgreSQL's programs, as a user whom it lets run.
    pub(crate) fn program(&self, name: &str) -> Command {
        let path = self.programs.join(name);
        let mut command = if is_root() {
            let mut command = Command::new("runuser");
            command.args(["-u", "postgres", "--"]).arg(path);
            command
        } else {
            Command::new(path)
        };
        command.current_dir(&self.folder).env_remove("PGDATA");
        command
    }
}

fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0)
}

/// A shell that waits for the end of a pipe that only we hold, however we end.
fn stop_when_we_end(mut pg_ctl: Command, data: &Path, folder: &Path) {
    pg_ctl
        .args(["stop", "-s", "-m", "immediate", "-D"])
        .arg(data);
    let mut guard = Command::new("sh");
    guard
        .args([
            "-c",
            "trap '' INT TERM HUP; cat; folder=$1; shift; \"$@\"; rm -rf \"$folder\"",
            "sh",
        ])
        .arg(folder)
        .arg(pg_ctl.get_program())
        .args(pg_ctl.get_args())
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    #[expect(
        clippy::zombie_processes,
        reason = "the guard outlives this process: that is its purpose"
    )]
    let mut guard = guard.spawn().expect("sh runs");
    // The pipe closes with this process, not before.
    std::mem::forget(guard.stdin.take());
}

/// The newest installation: on the path, or where Debian puts it.
fn programs() -> Option<PathBuf> {
    let mut found: Vec<PathBuf> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path().join("bin")))
        .filter(|folder| folder.join("initdb").exists())
        .collect();
    found.sort_by_key(|folder| {
        let version = folder.parent().and_then(Path::file_name);
        version.and_then(|version| version.to_str()?.parse::<u32>().ok())
    });
    found.pop().or_else(|| {
        let path = std::env::var_os("PATH")?;
        std::env::split_paths(&path).find(|folder| folder.join("initdb").exists())
    })
}

/// Runs a program to its end; it must succeed.
pub(crate) fn run(command: &mut Command) {
    // Not `output`: the server inherits the pipes and would keep them open.
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let status = child.wait().expect("a child ends");
    if !status.success() {
        let mut said = String::new();
        if let Some(mut stderr) = child.stderr.take() {
            let _ = stderr.read_to_string(&mut said);
        }
        panic!("{command:?} failed: {said}");
    }
}
