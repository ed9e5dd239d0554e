//! `tongxing backup` and `tongxing restore`.

use std::path::Path;

use serde_json::json;

use crate::cli::arguments::{Backup, Restore};
use crate::cli::compose::{Databases, Opening, Services};
use crate::cli::config::Config;
use crate::cli::output;
use crate::ledger::audit::{Event, EventKind};
use crate::ledger::backup::{self, KeyStore};
use crate::storage;

pub(super) async fn save(command: &Backup, services: &Services) -> anyhow::Result<()> {
    let saved = services.backups().save(&command.folder).await?;
    let ledger = &services.ledger;
    let detail = json!({ "taken_at": saved.taken_at, "rows": saved.rows });
    let event = Event::new(EventKind::BackupTaken, ledger.now()).detail(detail);
    let recorded: Result<(), storage::Error> = ledger
        .write(event, |entry, event| {
            Box::pin(async move { entry.record(event).await })
        })
        .await;
    recorded?;
    Ok(output::json(&saved)?)
}

pub(super) async fn restore(command: &Restore, config: &Config) -> anyhow::Result<()> {
    load(&command.folder, config).await
}

async fn load(folder: &Path, config: &Config) -> anyhow::Result<()> {
    let databases = Databases::open(config).await?;
    let backups = databases.backups(config);
    let began = backups.clock.now();
    let loaded = backups.load(folder).await;
    databases.close().await;
    let loaded = loaded?;
    let services = Services::open_as(config, Opening::Restoring).await?;
    let told = json!({
        "taken_at": loaded.manifest.taken_at.to_string(),
        "rows": loaded.rows,
        "key_store": match loaded.key_store {
            KeyStore::Kept => "kept",
            KeyStore::Restored => "restored",
        },
    });
    backup::finish(&services.ledger, began, told.clone()).await?;
    services.close().await?;
    Ok(output::json(&told)?)
}
