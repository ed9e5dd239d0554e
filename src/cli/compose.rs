//! Puts the parts together: from configuration to use cases.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;

use super::config::{Config, GatewayConfig};
use crate::accounts::{Accounts, AccountsParts};
use crate::crypto::custody::MasterKey;
use crate::crypto::entropy::SystemEntropy;
use crate::crypto::password::{PasswordParameters, PasswordPool, PoolSettings};
use crate::crypto::token_cache::TokenCache;
use crate::domain::clock::{Clock, SystemClock};
use crate::domain::entropy::Entropy;
use crate::ledger::Ledger;
use crate::ledger::backup::{Backups, refuse_half_restored, void_before};
use crate::ledger::erasures::Erasures;
use crate::ledger::issuer::{self, Rename};
use crate::ledger::journal::Journal;
use crate::ledger::keyring::{KeySettings, Keys};
use crate::ledger::profiles::Profiles;
use crate::ledger::vault::{Vault, VaultError};
use crate::outbound::messages::{MessageFile, MessageGateway};
use crate::outbound::{Authority, FetchError, GuardedClient};
use crate::provider::clients::Clients;
use crate::provider::{Lifetimes, Provider, ProviderParts};
use crate::storage::Storage;
use crate::storage::database::{DatabaseUrl, Migrations, Options};
use crate::storage::migrations;
use crate::storage::shared::SharedFailures;

/// How many access tokens a process remembers to have signed: five minutes of 500 a second.
const REMEMBERED_TOKENS: usize = 150_000;

/// Whether the schema may be brought up to date on the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Schema {
    /// As the engine has it: SQLite migrates, PostgreSQL is checked.
    Prepare,
    /// Always migrate: the `migrate` command.
    Migrate,
}

/// How an installation is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opening {
    /// As it is.
    Usual,
    /// It may have been known by another issuer.
    Renamed,
    /// Its audit log is looked at, whatever became of it: also where it was put back from a copy.
    Examined,
    /// It is being restored, and not to be used yet.
    Restoring,
}

/// Both databases, for what is below the use cases.
pub struct Databases {
    /// What backups are restored into.
    pub backups: Backups,
}

impl Databases {
    /// Opens them, and brings both schemas up to date.
    pub async fn open(config: &Config) -> anyhow::Result<Self> {
        // Before the vault is opened, which makes its file.
        let master = Arc::new(config.vault.master_key(&SystemEntropy)?);
        let backups = Backups {
            main: open_main(config, Schema::Migrate).await?,
            vault: open_vault(config).await?,
            master,
            issuer: config.server.issuer.as_str().to_owned(),
            clock: Arc::new(SystemClock),
            entropy: Arc::new(SystemEntropy),
        };
        Ok(Self { backups })
    }

    /// Closes them.
    pub async fn close(self) {
        self.backups.main.close().await;
        self.backups.vault.close().await;
    }
}

/// The use cases, over open databases.
pub struct Services {
    /// Where everything is written.
    pub ledger: Ledger,
    /// The provider's keys.
    pub keys: Keys,
    /// The OpenID Provider.
    pub provider: Provider,
    /// Accounts and logins.
    pub accounts: Accounts,
    /// Personal data at rest.
    pub profiles: Profiles,
    /// Removals of accounts.
    pub erasures: Erasures,
    /// The hashing threads.
    pub passwords: PasswordPool,
    /// Fetches what clients point to.
    pub fetcher: GuardedClient,
    /// Verifies residents' identities, when one is configured.
    pub authority: Option<Authority>,
    /// Takes messages to people; without it none can be sent.
    pub messages: Option<MessageGateway>,
    /// Failures counted together with other nodes.
    pub failures: SharedFailures,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
    /// The key that wraps all others.
    pub master: Arc<MasterKey>,
    /// What was taken away, for restores.
    pub journal: Journal,
    /// The keys that personal data lies under.
    pub key_store: Vault,
    vault: Storage,
}

impl Services {
    /// Opens the databases and puts the use cases together.
    pub async fn open(config: &Config) -> anyhow::Result<Self> {
        Self::open_as(config, Opening::Usual).await
    }

    /// The same for an installation that is not as usual.
    pub async fn open_as(config: &Config, opening: Opening) -> anyhow::Result<Self> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let entropy: Arc<dyn Entropy> = Arc::new(SystemEntropy);
        // Before the vault is opened, which makes its file.
        let master = Arc::new(config.vault.master_key(&*entropy)?);
        let journal = open_journal(config, opening, (&clock, &entropy)).await?;
        let (ledger, vault_storage) = (journal.ledger().clone(), journal.store().clone());
        let settings = KeySettings {
            rsa_size: config.signing.rsa_size,
            ..KeySettings::new(config.server.issuer.as_str())
        };
        let vault = key_store(&vault_storage, &master, (&clock, &entropy)).await?;
        let keys = Keys::open(&ledger, Arc::clone(&master), settings).await?;
        let profiles = Profiles::open(&ledger, vault.clone()).await?;
        let erasures = Erasures::new(profiles.clone(), journal.clone());
        let passwords = start_hashing(config, &entropy)?;
        let authority = authority(config, &clock, &entropy)?;
        let failures = shared_failures(config);
        let accounts = Accounts::new(AccountsParts {
            ledger: ledger.clone(),
            keys: keys.clone(),
            profiles: profiles.clone(),
            erasures: erasures.clone(),
            passwords: passwords.clone(),
            clock: Arc::clone(&clock),
            entropy: Arc::clone(&entropy),
            session_ttl: config.lifetimes.session,
            authority: authority.clone(),
            sends_messages: config.notification.gateway.is_some(),
            code_limits: config.proofing.code_limits,
            guess_limits: config.login.guess_limits,
            block_failures: failures.clone(),
            check_lifetime: config.proofing.check_lifetime,
        });
        let provider = Provider::new(ProviderParts {
            issuer: Arc::new(config.server.issuer.clone()),
            accounts: accounts.clone(),
            ledger: ledger.clone(),
            keys: keys.clone(),
            clients: Clients::new(ledger.clone()),
            tokens: Arc::new(TokenCache::new(REMEMBERED_TOKENS, &*entropy)),
            lifetimes: lifetimes(config),
            void_before: void_before(&mut ledger.reader().await?).await?,
            clock: Arc::clone(&clock),
            entropy: Arc::clone(&entropy),
        });
        let fetcher = GuardedClient::new(config.outbound.reach.clone())?;
        Ok(Self {
            ledger,
            keys,
            provider,
            accounts,
            profiles,
            erasures,
            passwords,
            fetcher,
            authority,
            messages: message_gateway(config)?,
            failures,
            entropy,
            master,
            journal,
            key_store: vault,
            vault: vault_storage,
        })
    }

    /// What backups are made of.
    #[must_use]
    pub fn backups(&self) -> Backups {
        Backups {
            main: self.ledger.storage().clone(),
            vault: self.vault.clone(),
            master: Arc::clone(&self.master),
            issuer: self.provider.issuer().as_str().to_owned(),
            clock: Arc::clone(self.ledger.clock()),
            entropy: Arc::clone(&self.entropy),
        }
    }

    /// Seals and writes what is pending, and closes the databases.
    pub async fn close(self) -> anyhow::Result<()> {
        self.ledger.close().await?;
        if let Err(error) = self.journal.copy().await {
            // What was done is done; the next process copies it.
            tracing::warn!(%error, "what was taken away is not in the journal yet");
        }
        self.ledger.storage().close().await;
        self.vault.close().await;
        Ok(())
    }
}

/// The file of a database that is not there yet. Others are made by whoever runs them.
#[must_use]
pub fn missing(config: &Config) -> Option<&Path> {
    config.database.url.file().filter(|file| !file.exists())
}

/// Brings both schemas up to date.
pub async fn migrate(config: &Config) -> anyhow::Result<()> {
    // Before the vault is opened, which makes its file.
    config.vault.master_key(&SystemEntropy)?;
    open_main(config, Schema::Migrate).await?.close().await;
    open_vault(config).await?.close().await;
    Ok(())
}

/// The main database with its ledger and the key store's with its journal, if they may be used so.
async fn open_journal(
    config: &Config,
    opening: Opening,
    (clock, entropy): (&Arc<dyn Clock>, &Arc<dyn Entropy>),
) -> anyhow::Result<Journal> {
    let storage = open_main(config, Schema::Prepare).await?;
    if opening != Opening::Restoring {
        refuse_half_restored(&storage).await?;
    }
    let ledger = Ledger::new(storage, Arc::clone(clock), Arc::clone(entropy));
    let rename = match opening {
        Opening::Renamed => Rename::Allowed,
        Opening::Usual | Opening::Examined | Opening::Restoring => Rename::Refused,
    };
    issuer::note(&ledger, &config.server.issuer, rename).await?;
    let vault = open_vault(config).await?;
    let journal = Journal::new(ledger, vault, config.lifetimes.session);
    if matches!(opening, Opening::Usual | Opening::Renamed) {
        journal.check().await?;
    }
    Ok(journal)
}

async fn open_main(config: &Config, schema: Schema) -> anyhow::Result<Storage> {
    open(config, &config.database.url, &migrations::MAIN, schema).await
}

/// Its tables are small, and only servers that know its schema use it: it is always brought up to
/// date.
async fn open_vault(config: &Config) -> anyhow::Result<Storage> {
    open(
        config,
        &config.vault.url,
        &migrations::VAULT,
        Schema::Migrate,
    )
    .await
}

async fn open(
    config: &Config,
    url: &DatabaseUrl,
    migrations: &'static Migrations,
    schema: Schema,
) -> anyhow::Result<Storage> {
    if let Some(folder) = url.file().and_then(|file| file.parent()) {
        std::fs::create_dir_all(folder)
            .with_context(|| format!("cannot make the folder {}", folder.display()))?;
    }
    let options = Options {
        connections: usize::try_from(config.database.pool_size)?,
        ..Options::default()
    };
    let made = url.file().filter(|file| !file.exists());
    let storage = Storage::open(url, migrations, options).await?;
    if let Some(file) = made {
        // Whoever forgot --config sees here that it is not the one they meant.
        tracing::info!(file = %file.display(), "a new database was made");
    }
    match schema {
        Schema::Prepare => storage.prepare_schema().await?,
        Schema::Migrate => storage.migrate().await?,
    }
    Ok(storage)
}

async fn key_store(
    storage: &Storage,
    master: &Arc<MasterKey>,
    (clock, entropy): (&Arc<dyn Clock>, &Arc<dyn Entropy>),
) -> Result<Vault, VaultError> {
    let (clock, entropy) = (Arc::clone(clock), Arc::clone(entropy));
    Vault::open(storage.clone(), Arc::clone(master), clock, entropy).await
}

/// Calls nothing yet.
fn authority(
    config: &Config,
    clock: &Arc<dyn Clock>,
    entropy: &Arc<dyn Entropy>,
) -> Result<Option<Authority>, FetchError> {
    let settings = config.authority.clone();
    settings
        .map(|settings| Authority::new(settings, Arc::clone(clock), Arc::clone(entropy)))
        .transpose()
}

/// Opens and calls nothing yet: only a server sends.
fn message_gateway(config: &Config) -> Result<Option<MessageGateway>, FetchError> {
    let gateway = match config.notification.gateway.clone() {
        None => return Ok(None),
        Some(GatewayConfig::File(path)) => MessageGateway::File(MessageFile::new(path)),
        Some(GatewayConfig::Http { url, token }) => MessageGateway::http(url, token)?,
    };
    Ok(Some(gateway))
}

/// Connects to nothing yet: only a server counts.
fn shared_failures(config: &Config) -> SharedFailures {
    config
        .redis
        .clone()
        .map_or_else(SharedFailures::in_memory, SharedFailures::in_redis)
}

fn start_hashing(config: &Config, entropy: &Arc<dyn Entropy>) -> anyhow::Result<PasswordPool> {
    let password = &config.login.password;
    let parameters = PasswordParameters::new(password.memory_kib, password.passes, password.lanes)
        .context("login.password: the parameters are out of bounds")?;
    let settings = PoolSettings {
        threads: password.threads,
        queue: password.queue,
        parameters,
    };
    PasswordPool::start(settings, Arc::clone(entropy)).context("cannot start hashing threads")
}

const fn lifetimes(config: &Config) -> Lifetimes {
    let lifetimes = &config.lifetimes;
    Lifetimes {
        code: lifetimes.code,
        access_token: lifetimes.access_token,
        id_token: lifetimes.id_token,
        refresh_token: lifetimes.refresh_token,
        interaction: lifetimes.interaction,
    }
}
