//! The sections, each a struct and the function that reads it.
//!
//! A function reads all its settings before it gives up on any, so that all problems are found.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use tracing::Level;

use super::read::Reader;
use crate::accounts::guessing::GuessLimits;
use crate::crypto::signing::RsaSize;
use crate::domain::address_block::AddressBlock;
use crate::ledger::usage::Retention;
use crate::outbound::{Loopback, Reach};
use crate::protocol::issuer::Issuer;
use crate::storage::database::DatabaseUrl;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_mins(1);
const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);

/// `server.*`
#[derive(Debug)]
pub struct ServerConfig {
    /// The provider's name.
    pub issuer: Issuer,
    /// Where residents and portals connect.
    pub listen: SocketAddr,
    /// Where probes and scrapers connect.
    pub management_listen: SocketAddr,
    /// Who may say for whom it speaks.
    pub trusted_proxies: Vec<AddressBlock>,
    /// Connections served at once.
    pub max_connections: usize,
    /// How long a request may take.
    pub request_timeout: Duration,
    /// How long requests may take to finish at the end.
    pub shutdown_grace: Duration,
    /// Requests worked on at once.
    pub in_flight: InFlightConfig,
}

/// `server.in_flight.*`: requests worked on at once.
#[derive(Debug)]
pub struct InFlightConfig {
    /// Password logins and the like.
    pub login: u32,
    /// Token, introspection, revocation, userinfo.
    pub token: u32,
    /// Pages.
    pub page: u32,
    /// Documents and the API.
    pub api: u32,
    /// Logouts.
    pub logout: u32,
}

pub(super) fn server(read: &mut Reader<'_>) -> Option<ServerConfig> {
    let issuer = read.parse("server.issuer", |text| {
        Issuer::parse(text).map_err(|error| error.to_string())
    });
    let listen = read.parse("server.listen", address);
    let management_listen = read.parse("server.management_listen", address);
    let trusted_proxies = read.list("server.trusted_proxies", |text| {
        text.parse()
            .map_err(|_| "must be address blocks such as 10.0.0.0/8".to_owned())
    });
    let max_connections = read.number::<u32>("server.max_connections", 1..=1_000_000);
    let request_timeout = read.duration("server.request_timeout_seconds", SECOND, 1..=600);
    let shutdown_grace = read.duration("server.shutdown_grace_seconds", SECOND, 0..=600);
    let in_flight = in_flight(read);
    // Port 0 is whichever is free.
    if listen.is_some_and(|address| address.port() != 0) && listen == management_listen {
        read.problem(
            "server.management_listen",
            "must differ from server.listen: probes and metrics are not for the public",
        );
    }
    Some(ServerConfig {
        issuer: issuer?,
        listen: listen?,
        management_listen: management_listen?,
        trusted_proxies: trusted_proxies?,
        max_connections: usize::try_from(max_connections?).ok()?,
        request_timeout: request_timeout?,
        shutdown_grace: shutdown_grace?,
        in_flight: in_flight?,
    })
}

fn in_flight(read: &mut Reader<'_>) -> Option<InFlightConfig> {
    let login = read.number("server.in_flight.login", 1..=1_000_000);
    let token = read.number("server.in_flight.token", 1..=1_000_000);
    let page = read.number("server.in_flight.page", 1..=1_000_000);
    let api = read.number("server.in_flight.api", 1..=1_000_000);
    let logout = read.number("server.in_flight.logout", 1..=1_000_000);
    Some(InFlightConfig {
        login: login?,
        token: token?,
        page: page?,
        api: api?,
        logout: logout?,
    })
}

fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse()
        .map_err(|_| "must be ADDRESS:PORT, as in 127.0.0.1:8080".to_owned())
}

/// `tls.*`: PEM files.
#[derive(Debug, Clone)]
pub struct TlsConfig {
    /// The certificate chain.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

pub(super) fn tls(read: &mut Reader<'_>) -> Option<TlsConfig> {
    let certificate = read.optional_path("tls.certificate");
    let key = read.optional_path("tls.key");
    match (certificate, key) {
        (Some(certificate), Some(key)) => Some(TlsConfig { certificate, key }),
        (None, None) => None,
        (Some(_), None) => {
            read.problem("tls.key", "must be given, since tls.certificate is");
            None
        }
        (None, Some(_)) => {
            read.problem("tls.certificate", "must be given, since tls.key is");
            None
        }
    }
}

/// `database.*`
#[derive(Debug)]
pub struct DatabaseConfig {
    /// Where it is.
    pub url: DatabaseUrl,
    /// Connections to it, or reading threads.
    pub pool_size: u32,
}

pub(super) fn database(read: &mut Reader<'_>) -> Option<DatabaseConfig> {
    let url = read.database_url("database.url", "database.url_file");
    let pool_size = read.number("database.pool_size", 1..=1000);
    Some(DatabaseConfig {
        url: url?,
        pool_size: pool_size?,
    })
}

/// `login.*`
#[derive(Debug)]
pub struct LoginConfig {
    /// `login.password.*`
    pub password: PasswordConfig,
    /// `login.throttle.*`
    pub guess_limits: GuessLimits,
}

/// `login.password.*`: argon2id and the threads that compute it.
#[derive(Debug)]
pub struct PasswordConfig {
    /// Memory of one hash.
    pub memory_kib: u32,
    /// Passes over it.
    pub passes: u32,
    /// Lanes of it.
    pub lanes: u32,
    /// Hashing threads; never 0.
    pub threads: usize,
    /// Logins that may wait for one.
    pub queue: usize,
}

pub(super) fn login(read: &mut Reader<'_>) -> Option<LoginConfig> {
    let memory_kib = read.number("login.password.memory_kib", 8..=4_194_304);
    let passes = read.number("login.password.passes", 1..=64);
    let lanes = read.number("login.password.lanes", 1..=64);
    let threads = read.number::<u32>("login.password.threads", 0..=256);
    let queue = read.number::<u32>("login.password.queue", 1..=100_000);
    let guess_limits = guess_limits(read);
    // RFC 9106 §3.1.
    if let (Some(memory_kib), Some(lanes)) = (memory_kib, lanes)
        && memory_kib < lanes * 8
    {
        read.problem("login.password.memory_kib", "must be at least 8 for a lane");
    }
    let threads = match usize::try_from(threads?).ok()? {
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        threads => threads,
    };
    Some(LoginConfig {
        password: PasswordConfig {
            memory_kib: memory_kib?,
            passes: passes?,
            lanes: lanes?,
            threads,
            queue: usize::try_from(queue?).ok()?,
        },
        guess_limits: guess_limits?,
    })
}

/// `login.throttle.*`
fn guess_limits(read: &mut Reader<'_>) -> Option<GuessLimits> {
    let tries = read.number("login.throttle.tries", 1..=100);
    let longest_delay = read.duration("login.throttle.longest_delay_minutes", MINUTE, 1..=720);
    let per_block = read.number("login.throttle.failures_per_network", 1..=1_000_000_000);
    Some(GuessLimits {
        tries: tries?,
        longest_delay: longest_delay?,
        per_block: per_block?,
    })
}

/// `lifetimes.*`
#[derive(Debug)]
pub struct LifetimesConfig {
    /// An authorization code.
    pub code: Duration,
    /// An access token.
    pub access_token: Duration,
    /// An ID token.
    pub id_token: Duration,
    /// A family of refresh tokens.
    pub refresh_token: Duration,
    /// A login.
    pub session: Duration,
    /// A paused authorization request.
    pub interaction: Duration,
}

pub(super) fn lifetimes(read: &mut Reader<'_>) -> Option<LifetimesConfig> {
    let code = read.duration("lifetimes.code_seconds", SECOND, 1..=60);
    let access_token = read.duration("lifetimes.access_token_seconds", SECOND, 1..=300);
    let id_token = read.duration("lifetimes.id_token_seconds", SECOND, 1..=86_400);
    let refresh_token = read.duration("lifetimes.refresh_token_days", DAY, 1..=3650);
    let session = read.duration("lifetimes.session_hours", HOUR, 1..=8760);
    let interaction = read.duration("lifetimes.interaction_minutes", MINUTE, 1..=1440);
    Some(LifetimesConfig {
        code: code?,
        access_token: access_token?,
        id_token: id_token?,
        refresh_token: refresh_token?,
        session: session?,
        interaction: interaction?,
    })
}

/// `retention.*`
pub(super) fn retention(read: &mut Reader<'_>) -> Option<Retention> {
    let clients = read.duration("retention.client_usage_days", DAY, 1..=36_500);
    let disclosures = read.duration("retention.disclosure_days", DAY, 1..=36_500);
    Some(Retention {
        clients: clients?,
        disclosures: disclosures?,
    })
}

/// `signing.*`
#[derive(Debug)]
pub struct SigningConfig {
    /// The size of new RSA keys.
    pub rsa_size: RsaSize,
}

pub(super) fn signing(read: &mut Reader<'_>) -> Option<SigningConfig> {
    let rsa_size = match read.number::<u32>("signing.rsa_bits", 2048..=3072)? {
        2048 => RsaSize::Bits2048,
        3072 => RsaSize::Bits3072,
        _ => {
            read.problem("signing.rsa_bits", "must be 2048 or 3072");
            return None;
        }
    };
    Some(SigningConfig { rsa_size })
}

/// `outbound.*`
#[derive(Debug)]
pub struct OutboundConfig {
    /// What requests to addresses that clients name may reach.
    pub reach: Reach,
}

pub(super) fn outbound(read: &mut Reader<'_>) -> Option<OutboundConfig> {
    let networks = read.list("outbound.private_networks", |text| {
        text.parse()
            .map_err(|_| "must be private networks such as 10.20.0.0/16".to_owned())
    });
    let loopback = if read.flag("outbound.allow_loopback")? {
        Loopback::Allowed
    } else {
        Loopback::Refused
    };
    Some(OutboundConfig {
        reach: Reach::new(loopback, networks?),
    })
}

/// `testing.*`
#[derive(Debug)]
pub struct TestingConfig {
    /// Whether the management listener has aids for test suites.
    pub enabled: bool,
}

pub(super) fn testing(read: &mut Reader<'_>, issuer: Option<&Issuer>) -> Option<TestingConfig> {
    let enabled = read.flag("testing.enabled")?;
    if enabled && issuer.is_some_and(|issuer| !issuer.is_loopback()) {
        read.problem(
            "testing.enabled",
            "is refused unless the issuer is loopback",
        );
    }
    Some(TestingConfig { enabled })
}

/// `log.*`
#[derive(Debug, Clone, Copy)]
pub struct LogConfig {
    /// How lines look.
    pub format: LogFormat,
    /// What this program says of itself.
    pub level: Level,
    /// Whether every request gets a line.
    pub requests: bool,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Human,
    /// One JSON object a line.
    Json,
}

pub(super) fn log(read: &mut Reader<'_>) -> Option<LogConfig> {
    let format = read.choice(
        "log.format",
        &[("human", LogFormat::Human), ("json", LogFormat::Json)],
    );
    let level = read.choice(
        "log.level",
        &[
            ("error", Level::ERROR),
            ("warn", Level::WARN),
            ("info", Level::INFO),
            ("debug", Level::DEBUG),
            ("trace", Level::TRACE),
        ],
    );
    let requests = read.flag("log.requests");
    Some(LogConfig {
        format: format?,
        level: level?,
        requests: requests?,
    })
}

/// Settings that later releases give a meaning: accepted as long as they ask for nothing.
pub(super) fn unsupported(read: &mut Reader<'_>) {
    for path in ["server.mtls_listen", "server.mtls_origin"] {
        if read.text(path).is_some_and(|text| !text.is_empty()) {
            read.problem(path, "is not supported by this release yet: leave it empty");
        }
    }
    if read
        .text("registration.mode")
        .is_some_and(|mode| mode != "closed")
    {
        read.problem(
            "registration.mode",
            "is not supported by this release yet: only `closed` is",
        );
    }
}
