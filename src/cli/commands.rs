//! The commands: one file a noun.

mod accounts;
mod audit;
mod authority;
mod clients;
mod demo;
mod keys;

use super::arguments::{Change, Command};
use super::compose::{self, Services};
use super::config::Config;
use super::telemetry::{self, Destination};
use super::{block_on, output, serve};
use crate::provider::register_client::Operation;

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
        Command::CheckConfig => Ok(output::text(config.to_toml())?),
        Command::Serve => block_on(serve::run(config, level)),
        Command::Demo(command) => block_on(demo::run(command, config, level)),
        Command::Authority(command) => block_on(authority::run(command)),
        Command::Migrate => block_on(compose::migrate(config)),
        Command::Client(command) => with_services(config, async |services| {
            clients::run(command, services).await
        }),
        Command::Account(command) => with_services(config, async |services| {
            accounts::run(command, services).await
        }),
        Command::Keys(command) => {
            with_services(config, async |services| keys::run(command, services).await)
        }
        Command::Audit(command) => {
            with_services(config, async |services| audit::run(command, services).await)
        }
    }
}

/// Opens the databases for one command, and seals what it recorded however it ends.
fn with_services(
    config: &Config,
    work: impl AsyncFnOnce(&Services) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    block_on(async {
        let services = Services::open(config).await?;
        let done = work(&services).await;
        services.close().await?;
        done
    })
}

/// Who changes something by the command line, and why. The command line is break-glass: without a
/// name it is the system's.
fn operation(change: &Change) -> Operation {
    Operation {
        operator: change
            .operator
            .clone()
            .unwrap_or_else(|| "command line".to_owned()),
        reason: change.reason.clone().unwrap_or_default(),
    }
}
