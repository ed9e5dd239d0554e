//! The commands: one file a noun.

mod accounts;
mod audit;
mod authority;
mod backup;
mod clients;
mod demo;
mod keys;
mod migrate;

use anyhow::bail;

use super::arguments::{Account, Audit, Change, Client, Command};
use super::compose::{self, Opening, Services};
use super::config::Config;
use super::telemetry::{self, Destination};
use super::{block_on, output, serve, web};
use crate::ledger::audit::Operation;

/// Does what was asked.
pub(super) fn run(command: &Command, config: &Config) -> anyhow::Result<()> {
    // Every other command's standard output is its answer.
    let destination = if matches!(command, Command::Serve) {
        Destination::StandardOutput
    } else {
        Destination::StandardError
    };
    let level = telemetry::start(&config.log, destination);
    match command {
        Command::CheckConfig => {
            block_on(async { web::check(config) })?;
            config.vault.check_master_key()?;
            Ok(output::text(config.to_toml())?)
        }
        Command::Serve => block_on(serve::run(config, level)),
        Command::Demo(command) => block_on(demo::run(command, config, level)),
        Command::Authority(command) => block_on(authority::run(command)),
        Command::Migrate(command) => block_on(migrate::run(command, config)),
        Command::Backup(command) => with_services(config, Database::MustExist, async |services| {
            backup::save(command, services).await
        }),
        Command::Restore(command) => block_on(backup::restore(command, config)),
        Command::Client(command) => {
            let database = match command {
                Client::Add { .. } => Database::MayBeNew,
                Client::List
                | Client::Show { .. }
                | Client::Update { .. }
                | Client::Suspend(_)
                | Client::Resume(_)
                | Client::Remove(_) => Database::MustExist,
            };
            with_services(config, database, async |services| {
                clients::run(command, services).await
            })
        }
        Command::Account(command) => {
            let database = match command {
                Account::Import { .. } => Database::MayBeNew,
                Account::Show(_)
                | Account::Freeze { .. }
                | Account::Unfreeze { .. }
                | Account::Remove { .. } => Database::MustExist,
            };
            with_services(config, database, async |services| {
                accounts::run(command, services).await
            })
        }
        Command::Keys(command) => with_services(config, Database::MustExist, async |services| {
            keys::run(command, services).await
        }),
        Command::Audit(Audit::Verify { head, export, key }) if !export.is_empty() => {
            audit::verify_exports(export, (head, key))
        }
        Command::Audit(command) => with_services(config, Database::IsExamined, async |services| {
            audit::run(command, config, services).await
        }),
    }
}

/// What a command makes of a database that is not there.
enum Database {
    /// It begins one.
    MayBeNew,
    /// It is about what is in it: making one would hide that another was meant.
    MustExist,
    /// The same, and it looks at whatever is there.
    IsExamined,
}

/// Opens the databases for one command, and seals what it recorded however it ends.
fn with_services(
    config: &Config,
    database: Database,
    work: impl AsyncFnOnce(&Services) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let opening = match (database, compose::missing(config)) {
        (Database::MustExist | Database::IsExamined, Some(file)) => bail!(
            "there is no database at {}: is --config missing?",
            file.display()
        ),
        (Database::IsExamined, None) => Opening::Examined,
        (Database::MayBeNew | Database::MustExist, _) => Opening::Usual,
    };
    block_on(async {
        let services = Services::open_as(config, opening).await?;
        let done = work(&services).await;
        services.close().await?;
        done
    })
}

/// Who changes something by the command line, and why. The command line is break-glass: without a
/// name it is the system's.
fn operation(change: &Change) -> Operation {
    Operation::new(
        change.operator.as_deref().unwrap_or("command line"),
        change.reason.as_deref().unwrap_or_default(),
    )
}
