//! The machines of `docs/operations/two-nodes.md`, each a folder, on addresses of the loopback
//! network.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use super::machine::Machine;
use super::{program, systemd};
use crate::http::Http;
use crate::installation::free_port;
use crate::postgres::{PostgresDatabase, postgres_database};

const CERTIFICATE: &str = include_str!("../../../src/http/tls/fixtures/first.pem");
const KEY: &str = include_str!("../../../src/http/tls/fixtures/first-key.pem");

/// What Debian has around the files below `conf.d`.
const NGINX: &str = "worker_processes 1;\npid ROOT/run/nginx.pid;\nerror_log ROOT/run/nginx.log;\n\
    events {\n\tworker_connections 768;\n}\nhttp {\n  client_body_temp_path ROOT/tmp/body;\n  proxy_temp_path ROOT/tmp/proxy;\n  \
    fastcgi_temp_path ROOT/tmp/fastcgi;\n  uwsgi_temp_path ROOT/tmp/uwsgi;\n  \
    scgi_temp_path ROOT/tmp/scgi;\n  include ROOT/etc/nginx/conf.d/*.conf;\n}\n";

/// What tests set beside what the example sets: hashing is not what is tried, and few guesses are to be
/// enough.
const FOR_TESTS: &str =
    "\n[login.password]\nmemory_kib = 64\npasses = 1\n[login.throttle]\nfailures_per_network = 1\n";

/// All machines; they end with this value.
pub(super) struct Fabric {
    pub(super) database: Machine,
    pub(super) nodes: [Machine; 2],
    pub(super) proxy: Machine,
    /// Where residents connect.
    pub(super) port: u16,
    /// Whether there is a Redis.
    pub(super) has_redis: bool,
    guard: Child,
    _postgres: PostgresDatabase,
    _folder: TempDir,
}

/// What stands in the documents and the examples, and what it is here.
struct Places {
    https: u16,
    http: u16,
    nodes: u16,
    management: u16,
    redis: u16,
    /// Of roles and databases on a server that others use, too.
    prefix: String,
    postgres: url::Url,
}

impl Fabric {
    /// Machines with nothing on them; `None` where PostgreSQL, nginx or systemd's tools are not to be
    /// had.
    pub(super) async fn prepare() -> Option<Self> {
        let nginx = program("nginx", "TONGXING_TEST_SKIP_NGINX")?;
        let sandbox = systemd::sandbox()?;
        let postgres = postgres_database().await?;
        let has_redis = program("redis-server", "TONGXING_TEST_SKIP_REDIS").is_some();
        let folder = tempfile::Builder::new()
            .prefix("tongxing-two-nodes-")
            .tempdir()
            .unwrap();
        let places = Places {
            https: free_port(),
            http: free_port(),
            nodes: free_port(),
            management: free_port(),
            redis: free_port(),
            prefix: format!("recipe_{}_", std::process::id()),
            postgres: postgres.url.parse().unwrap(),
        };
        let machine = |name: &str, address: &str| {
            let mut machine = Machine::new(&folder.path().join(name));
            places.tell(&mut machine, address);
            machine.set("NGINX_PROGRAM", nginx.to_str().unwrap());
            machine.set("SANDBOX", &sandbox);
            for path in EXAMPLES {
                machine.check_out(path);
            }
            let settings = machine.copy().join("deploy/two-nodes/tongxing.toml");
            let mut text = fs::read_to_string(&settings).unwrap();
            text.push_str(FOR_TESTS);
            fs::write(settings, text).unwrap();
            machine
        };
        let database = machine("database", "127.0.0.1");
        let nodes = [
            machine("node-1", "127.0.0.11"),
            machine("node-2", "127.0.0.12"),
        ];
        let proxy = machine("proxy", "127.0.0.1");
        for other in &nodes {
            // As if carried there.
            symlink(
                database.copy().join("secrets"),
                other.copy().join("secrets"),
            )
            .unwrap();
        }
        prepare_proxy(&proxy);
        fs::create_dir_all(database.path("/etc/redis")).unwrap();
        fs::create_dir_all(database.path("/var/lib/redis")).unwrap();
        for node in &nodes {
            fs::create_dir_all(node.path("/etc/systemd/system")).unwrap();
        }
        Some(Self {
            guard: guard(folder.path()),
            port: places.https,
            database,
            nodes,
            proxy,
            has_redis,
            _postgres: postgres,
            _folder: folder,
        })
    }

    /// What residents and portals know the provider by.
    pub(super) fn issuer(&self) -> String {
        format!("https://localhost:{}", self.port)
    }

    /// The certificate that the proxy shows.
    pub(super) fn certificate(&self) -> PathBuf {
        self.proxy.copy().join("chain.pem")
    }

    /// Speaks to the proxy.
    pub(super) fn http(&self) -> Http {
        let address = format!("127.0.0.1:{}", self.port);
        Http::secure_to(&self.issuer(), &address, &self.certificate())
    }
}

impl Drop for Fabric {
    fn drop(&mut self) {
        drop(self.guard.stdin.take());
        self.guard.wait().map(drop).unwrap_or_default();
    }
}

/// What the recipe installs.
const EXAMPLES: &[&str] = &[
    "deploy/systemd/tongxing.service",
    "deploy/systemd/tongxing.sysusers",
    "deploy/two-nodes/tongxing.toml",
    "deploy/nginx/tongxing.conf",
    "deploy/nginx/nodes.conf",
    "deploy/redis/tongxing.conf",
];

impl Places {
    fn tell(&self, machine: &mut Machine, address: &str) {
        let (server, prefix) = (&self.postgres, &self.prefix);
        let postgres = format!(
            "{}:{}",
            server.host_str().unwrap(),
            server.port().unwrap_or(5432)
        );
        // Those that others begin with come first here, and are looked at last.
        for (from, to) in [
            ("10.0.0.11".to_owned(), "127.0.0.11".to_owned()),
            ("10.0.0.12".to_owned(), "127.0.0.12".to_owned()),
            ("10.0.0.20".to_owned(), "127.0.0.1".to_owned()),
            ("10.0.0.5/32".to_owned(), "127.0.0.1/32".to_owned()),
            (":8080".to_owned(), format!(":{}", self.nodes)),
            (
                "127.0.0.1:9090".to_owned(),
                format!("{address}:{}", self.management),
            ),
            ("port 6379".to_owned(), format!("port {}", self.redis)),
            (":6379".to_owned(), format!(":{}", self.redis)),
            ("@10.0.0.20/".to_owned(), format!("@{postgres}/{prefix}")),
            (
                "postgres://tongxing".to_owned(),
                format!("postgres://{prefix}tongxing"),
            ),
            ("ROLE tongxing".to_owned(), format!("ROLE {prefix}tongxing")),
            (
                "OWNER tongxing".to_owned(),
                format!("OWNER {prefix}tongxing"),
            ),
            (
                "DATABASE tongxing".to_owned(),
                format!("DATABASE {prefix}tongxing"),
            ),
            ("id.example.org".to_owned(), "localhost".to_owned()),
            (
                "https://id.example.org".to_owned(),
                format!("https://localhost:{}", self.https),
            ),
            (
                "listen 80".to_owned(),
                format!("listen 127.0.0.1:{}", self.http),
            ),
            (
                "listen 443".to_owned(),
                format!("listen 127.0.0.1:{}", self.https),
            ),
            // Not every machine has IPv6.
            ("listen [::]:".to_owned(), "# ".to_owned()),
        ] {
            machine.replace(&from, &to);
        }
        machine.set("PGHOST", server.host_str().unwrap());
        machine.set("PGPORT", &server.port().unwrap_or(5432).to_string());
        machine.set("PGUSER", server.username());
        machine.set("PGPASSWORD", server.password().unwrap_or_default());
        machine.set("PGDATABASE", "postgres");
        machine.set(
            "CURL_CA_BUNDLE",
            machine.copy().join("chain.pem").to_str().unwrap(),
        );
    }
}

fn prepare_proxy(proxy: &Machine) {
    let (copy, here) = (proxy.copy(), proxy.path("/"));
    fs::write(copy.join("chain.pem"), CERTIFICATE).unwrap();
    fs::write(copy.join("key.pem"), KEY).unwrap();
    for folder in ["/etc/nginx/conf.d", "/var/log/nginx", "/tmp"] {
        fs::create_dir_all(proxy.path(folder)).unwrap();
    }
    let here = here.to_str().unwrap().trim_end_matches('/');
    let mut text = String::new();
    write!(text, "{}", NGINX.replace("ROOT", here)).unwrap();
    fs::write(proxy.path("/etc/nginx/nginx.conf"), text).unwrap();
}

/// Ends what machines have started, however we end: it waits for the end of a pipe that only we hold.
fn guard(folder: &Path) -> Child {
    let script = "trap '' INT TERM HUP; cat
        for file in \"$1\"/*/run/nginx.pid; do [ -s \"$file\" ] && kill -TERM $(cat \"$file\"); done
        for file in \"$1\"/*/run/*.pid; do [ -s \"$file\" ] && kill -KILL $(cat \"$file\"); done
        true";
    let guard = Command::new("bash")
        .args(["-c", script, "bash"])
        .arg(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    guard.expect("bash runs")
}
