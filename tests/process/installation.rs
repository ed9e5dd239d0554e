//! An installation of its own for each test: a temporary folder, databases, free ports.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use crate::http::Http;
use crate::people::Person;
use crate::portal::Portal;
pub(crate) use crate::ports::free_port;
use crate::postgres::{PostgresDatabase, postgres_database};
use crate::server::Server;

/// How long a command may take.
const PATIENCE: Duration = Duration::from_secs(90);

/// Settings, files and databases of one provider; gone with this value.
pub(crate) struct Installation {
    settings: BTreeMap<String, String>,
    folder: TempDir,
    databases: Vec<PostgresDatabase>,
    commands: AtomicU32,
    config: Option<String>,
}

/// What a command left behind.
#[derive(Debug)]
pub(crate) struct Finished {
    /// Its exit code.
    pub(crate) code: Option<i32>,
    /// Its standard output.
    pub(crate) stdout: String,
    /// Its standard error.
    pub(crate) stderr: String,
}

impl Finished {
    /// What it printed for machines; it must have succeeded.
    pub(crate) fn json(&self) -> Value {
        assert_eq!(self.code, Some(0), "{self:?}");
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Holds it against the rule for failures: exit 1 and one clear line.
    #[track_caller]
    pub(crate) fn failed_with_one_line(&self) -> &str {
        assert_eq!(self.code, Some(1), "{self:?}");
        let mut lines = self.stderr.lines();
        let line = lines.next().expect("says why");
        assert!(line.starts_with("tongxing: "), "{self:?}");
        assert_eq!(lines.next(), None, "{self:?}");
        line
    }
}

impl Installation {
    /// On SQLite, nothing in it yet.
    pub(crate) fn sqlite() -> Self {
        let mut installation = Self::bare();
        let database = installation.path("tongxing.db");
        installation.set("database.url", &format!("sqlite:{}", database.display()));
        installation
    }

    /// On PostgreSQL, the vault in a database of its own; none when told to do without.
    pub(crate) async fn postgres() -> Option<Self> {
        let (main, vault) = (postgres_database().await?, postgres_database().await?);
        let mut installation = Self::bare();
        installation.set("database.url", &main.url);
        installation.set("vault.url", &vault.url);
        installation.databases = vec![main, vault];
        Some(installation)
    }

    /// Without a database.
    pub(crate) fn bare() -> Self {
        let (public, management) = (free_port(), free_port());
        let mut installation = Self {
            settings: BTreeMap::new(),
            folder: tempfile::tempdir().unwrap(),
            databases: Vec::new(),
            commands: AtomicU32::new(0),
            config: None,
        };
        for (setting, value) in [
            ("server.issuer", format!("http://localhost:{public}")),
            ("server.listen", format!("127.0.0.1:{public}")),
            (
                "server.management_listen",
                format!("127.0.0.1:{management}"),
            ),
            ("database.pool_size", "6".to_owned()),
            // Hashing is not what is tried here.
            ("login.password.memory_kib", "64".to_owned()),
            ("login.password.passes", "1".to_owned()),
            ("outbound.allow_loopback", "true".to_owned()),
        ] {
            installation.set(setting, &value);
        }
        installation
    }

    /// Gives a setting a value.
    pub(crate) fn set(&mut self, setting: &str, value: &str) {
        self.settings.insert(setting.to_owned(), value.to_owned());
    }

    /// Gives it a configuration file.
    pub(crate) fn configure(&mut self, text: &str) {
        self.config = Some(self.write("config.toml", text));
    }

    /// What a setting was given.
    pub(crate) fn setting(&self, setting: &str) -> &str {
        &self.settings[setting]
    }

    /// The issuer.
    pub(crate) fn issuer(&self) -> &str {
        self.setting("server.issuer")
    }

    /// A file in the folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file into the folder.
    pub(crate) fn write(&self, name: &str, text: &str) -> String {
        let path = self.path(name);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }

    /// The URLs of its PostgreSQL databases: the main one, the vault.
    pub(crate) fn postgres_urls(&self) -> Vec<&str> {
        self.databases.iter().map(|d| d.url.as_str()).collect()
    }

    /// Destroys the main database; there is an empty one in its place, or none.
    pub(crate) async fn destroy(&mut self) {
        if self.databases.is_empty() {
            for file in ["tongxing.db", "tongxing.db-wal", "tongxing.db-shm"] {
                fs::remove_file(self.path(file)).unwrap_or_default();
            }
            return;
        }
        let fresh = postgres_database().await.unwrap();
        self.set("database.url", &fresh.url.clone());
        self.databases[0] = fresh;
    }

    /// The folder.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The settings as variables of the environment.
    pub(crate) fn environment(&self) -> Vec<(String, String)> {
        as_environment(&self.settings)
    }

    /// Starts the program with other settings over the usual ones.
    pub(crate) fn start(&self, arguments: &[&str], over: &[(&str, &str)], log: &Path) -> Child {
        let mut settings = self.settings.clone();
        settings.extend(over.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())));
        Command::new(env!("CARGO_BIN_EXE_tongxing"))
            .args(self.config.iter().flat_map(|file| ["--config", file]))
            .args(arguments)
            .current_dir(self.folder())
            .env_clear()
            .envs(as_environment(&settings))
            .stdin(Stdio::null())
            .stdout(File::create(log.with_extension("out")).unwrap())
            .stderr(File::create(log.with_extension("err")).unwrap())
            .spawn()
            .expect("the program starts")
    }

    /// Runs a command to its end.
    pub(crate) async fn run(&self, arguments: &[&str]) -> Finished {
        self.run_with(arguments, &[]).await
    }

    /// Runs a command with other settings over the usual ones.
    pub(crate) async fn run_with(&self, arguments: &[&str], over: &[(&str, &str)]) -> Finished {
        let number = self.commands.fetch_add(1, Ordering::Relaxed);
        let log = self.path(&format!("command-{number}"));
        let mut child = self.start(arguments, over, &log);
        let code = wait(&mut child, PATIENCE).await;
        let code = code.unwrap_or_else(|| {
            child.kill().unwrap_or_default();
            panic!("{arguments:?} does not end");
        });
        Finished {
            code,
            stdout: fs::read_to_string(log.with_extension("out")).unwrap(),
            stderr: fs::read_to_string(log.with_extension("err")).unwrap(),
        }
    }

    /// Applies the migrations.
    pub(crate) async fn migrate(&self) {
        let done = self.run(&["migrate"]).await;
        assert_eq!(done.code, Some(0), "{done:?}");
    }

    /// Imports people.
    pub(crate) async fn import(&self, people: &[Person]) {
        let lines: String = people.iter().map(Person::line).collect();
        let file = self.write("people.ndjson", &lines);
        let summary = self.run(&["account", "import", &file]).await.json();
        assert_eq!(summary["imported"], people.len(), "{summary}");
    }

    /// Registers a confidential client that acts on the ground of consent.
    pub(crate) async fn add_portal(&self, name: &str) -> Portal {
        self.add_client(name, &Portal::metadata(name)).await
    }

    /// Registers a client.
    pub(crate) async fn add_client(&self, name: &str, metadata: &Value) -> Portal {
        let metadata = self.write(&format!("{name}.json"), &metadata.to_string());
        let added = self.run(&["client", "add", "--metadata", &metadata]).await;
        Portal::registered(&added.json())
    }

    /// Starts the server and waits until it is ready.
    pub(crate) async fn serve(&self) -> Server {
        self.serve_with(&[]).await
    }

    /// Starts a server with other settings over the usual ones.
    pub(crate) async fn serve_with(&self, over: &[(&str, &str)]) -> Server {
        let number = self.commands.fetch_add(1, Ordering::Relaxed);
        let log = self.path(&format!("server-{number}"));
        let child = self.start(&["serve"], over, &log);
        let told = |setting: &str| {
            let over = over.iter().find(|(name, _)| *name == setting);
            over.map_or_else(|| self.setting(setting), |(_, value)| value)
                .to_owned()
        };
        let (listen, management) = (told("server.listen"), told("server.management_listen"));
        let http = match self.settings.get("tls.certificate") {
            Some(trusted) => Http::secure_to(self.issuer(), &listen, Path::new(trusted)),
            None => Http::to(self.issuer(), &listen),
        };
        Server::ready(child, log, (http, &management)).await
    }
}

fn as_environment(settings: &BTreeMap<String, String>) -> Vec<(String, String)> {
    let variables = settings.iter().map(|(setting, value)| {
        let name = setting.to_uppercase().replace('.', "__");
        (format!("TONGXING__{name}"), value.clone())
    });
    variables.collect()
}

/// Waits for the end of a process; its exit code, none inside when a signal ended it.
pub(crate) async fn wait(child: &mut Child, patience: Duration) -> Option<Option<i32>> {
    let deadline = Instant::now() + patience;
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return Some(status.code());
        }
        if Instant::now() > deadline {
            return None;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// `on_both! { async fn a_fact(installation: &mut Installation) { … } }`: a test for each engine.
macro_rules! on_both {
    ($($(#[$attribute:meta])* async fn $name:ident($installation:ident: &mut Installation) $body:block)*) => {$(
        mod $name {
            use super::*;

            $(#[$attribute])*
            async fn fact($installation: &mut Installation) $body

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_sqlite() {
                fact(&mut Installation::sqlite()).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_postgres() {
                if let Some(mut installation) = Installation::postgres().await {
                    fact(&mut installation).await;
                }
            }
        }
    )*};
}
pub(crate) use on_both;
