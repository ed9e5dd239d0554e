//! Configuration: layers of settings (`layers`), read into one typed struct a section.
//!
//! Every problem is found before anything starts and all are reported together, each with the
//! setting's path and where its value came from. What `config/default.toml` does not name is
//! refused. Only `cli` knows this module: each layer below is handed the few values it needs.

mod authority;
mod layers;
mod near;
mod notification;
mod operator;
mod problem;
mod proofing;
mod read;
mod sections;
mod sharing;
mod token;
mod vault;

#[cfg(test)]
mod tests;

pub use layers::{Sources, misspelled};
pub use notification::{GatewayConfig, NotificationConfig};
pub use problem::{Problem, Problems};
pub use proofing::ProofingConfig;
pub use sections::{
    DatabaseConfig, InFlightConfig, LifetimesConfig, LogConfig, LogFormat, LoginConfig,
    OutboundConfig, PasswordConfig, ServerConfig, SigningConfig, TestingConfig, TlsConfig,
};
pub(in crate::cli) use token::read_token;
pub use vault::{MasterKeyError, MasterKeySource, VaultConfig};

use std::fmt;

use layers::Settings;
use read::Reader;

use crate::http::state::Operator;
use crate::ledger::usage::Retention;
use crate::outbound::authority::AuthoritySettings;
use crate::storage::shared::RedisUrl;

/// Everything that was configured, checked.
pub struct Config {
    /// `server.*`
    pub server: ServerConfig,
    /// `tls.*`, when given.
    pub tls: Option<TlsConfig>,
    /// `database.*`
    pub database: DatabaseConfig,
    /// `vault.*`
    pub vault: VaultConfig,
    /// `redis.*`, when given.
    pub redis: Option<RedisUrl>,
    /// `login.*`
    pub login: LoginConfig,
    /// `lifetimes.*`
    pub lifetimes: LifetimesConfig,
    /// `retention.*`
    pub retention: Retention,
    /// `signing.*`
    pub signing: SigningConfig,
    /// `authority.*`, when there is one.
    pub authority: Option<AuthoritySettings>,
    /// `notification.*`
    pub notification: NotificationConfig,
    /// `proofing.*`
    pub proofing: ProofingConfig,
    /// `operator.*`
    pub operator: Operator,
    /// `outbound.*`
    pub outbound: OutboundConfig,
    /// `testing.*`
    pub testing: TestingConfig,
    /// `log.*`
    pub log: LogConfig,
    sources: Sources,
    printed: String,
}

/// Says nothing of what was configured: the sources hold secrets.
impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config").finish_non_exhaustive()
    }
}

impl Config {
    /// Reads the layers and checks them, or says all that is wrong with them.
    pub fn load(sources: &Sources) -> Result<Self, Problems> {
        let mut problems = Problems::default();
        let mut settings = Settings::layered(sources, &mut problems);
        let config = Self::read(&mut settings, &mut problems);
        match config {
            Some(mut config) if problems.is_empty() => {
                config.sources = sources.clone();
                config.printed = settings.to_toml();
                Ok(config)
            }
            Some(_) | None => Err(problems),
        }
    }

    /// Reads the same layers again: files may have changed.
    pub fn reload(&self) -> Result<Self, Problems> {
        Self::load(&self.sources)
    }

    /// The same layers below some more assignments.
    pub fn overlaid(
        &self,
        assignments: impl IntoIterator<Item = String>,
    ) -> Result<Self, Problems> {
        let mut sources = self.sources.clone();
        sources.assignments.extend(assignments);
        Self::load(&sources)
    }

    /// The resolved settings as TOML, secrets redacted, with the origin of what is not a default.
    pub fn to_toml(&self) -> &str {
        &self.printed
    }

    fn read(settings: &mut Settings, problems: &mut Problems) -> Option<Self> {
        let mut read = Reader::new(settings, problems);
        let server = sections::server(&mut read);
        let tls = sections::tls(&mut read);
        let database = sections::database(&mut read);
        let vault = vault::read(&mut read, database.as_ref().map(|database| &database.url));
        let redis = sharing::read(&mut read);
        let login = sections::login(&mut read);
        let lifetimes = sections::lifetimes(&mut read);
        let retention = sections::retention(&mut read);
        let signing = sections::signing(&mut read);
        let authority = authority::read(&mut read);
        let notification = notification::read(&mut read);
        let is_mute = authority.is_some()
            && (notification.as_ref()).is_some_and(|notification| notification.gateway.is_none());
        let proofing = proofing::read(&mut read, is_mute);
        let operator = operator::read(&read);
        let outbound = sections::outbound(&mut read);
        let testing = sections::testing(&mut read, server.as_ref().map(|server| &server.issuer));
        let log = sections::log(&mut read);
        sections::unsupported(&mut read);
        read.finish();
        Some(Self {
            server: server?,
            tls,
            database: database?,
            vault: vault?,
            redis,
            login: login?,
            lifetimes: lifetimes?,
            retention: retention?,
            signing: signing?,
            authority,
            notification: notification?,
            proofing: proofing?,
            operator,
            outbound: outbound?,
            testing: testing?,
            log: log?,
            sources: Sources::default(),
            printed: String::new(),
        })
    }
}
