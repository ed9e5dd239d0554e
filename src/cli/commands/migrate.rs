//! `tongxing migrate`

use serde::Serialize;

use crate::cli::arguments::Migrate;
use crate::cli::compose;
use crate::cli::config::Config;
use crate::cli::output;
use crate::storage::database::{DatabaseUrl, Migrations, OpenError, schema_of};
use crate::storage::migrations;

/// What a migration would do.
#[derive(Serialize)]
struct Plan {
    database: Step,
    key_store: Step,
}

/// From one schema to another, by the numbers of their last migrations.
#[derive(Serialize)]
struct Step {
    found: i64,
    wanted: i64,
    /// Servers of the release before would go on with what they then misread.
    stop_servers_first: bool,
}

pub(super) async fn run(command: &Migrate, config: &Config) -> anyhow::Result<()> {
    if !command.check {
        return compose::migrate(config).await;
    }
    Ok(output::json(&Plan {
        database: step(&config.database.url, &migrations::MAIN).await?,
        key_store: step(&config.vault.url, &migrations::VAULT).await?,
    })?)
}

async fn step(url: &DatabaseUrl, to: &'static Migrations) -> Result<Step, OpenError> {
    let is_missing = url.file().is_some_and(|file| !file.exists());
    let found = if is_missing {
        0
    } else {
        schema_of(url, to).await?
    };
    Ok(Step {
        found,
        wanted: to.newest(),
        // Without a schema there is no server.
        stop_servers_first: found > 0 && !to.admits(found),
    })
}
