//! `tongxing backup` and `tongxing restore`.

use std::path::Path;

use anyhow::bail;
use serde_json::{Value, json};

use crate::cli::arguments::{Backup, Restore};
use crate::cli::compose::{self, Databases, Opening, Services};
use crate::cli::config::Config;
use crate::cli::config::MasterKeySource;
use crate::cli::output;
use crate::crypto::entropy::SystemEntropy;
use crate::ledger::audit::{Event, EventKind};
use crate::ledger::backup::{self, BackupError, Gaps, KeyStore, Verified};
use crate::ledger::journal::{Replayed, Restoring};
use crate::storage;
use crate::storage::vault::BucketKeyRow;

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
    let backup = match &command.folder {
        Some(folder) => Some(read(folder, config)?),
        None => None,
    };
    let bucket_keys = match &backup {
        Some(backup) => backup.bucket_keys()?,
        None => Vec::new(),
    };
    let gaps = if command.despite_gaps {
        Gaps::Accepted
    } else {
        Gaps::Refused
    };
    let databases = open(config, command.replay).await?;
    let begun = match backup.filter(|_| !command.replay) {
        Some(backup) => load(&databases, &backup, gaps).await,
        None => begin_replay(&databases).await,
    };
    databases.close().await;
    let (restoring, told) = begun?;
    finish(config, (&restoring, &bucket_keys), told).await
}

/// Reads a backup before any database is touched.
fn read(folder: &Path, config: &Config) -> anyhow::Result<Verified> {
    // A key that is made now opens nothing.
    if let MasterKeySource::BesideVault(key) = &config.vault.master_key
        && !key.exists()
    {
        bail!(
            "the master key {} is not there: put it back first, or name it in vault.master_key_file",
            key.display()
        );
    }
    let master = config.vault.master_key(&SystemEntropy)?;
    let issuer = config.server.issuer.as_str();
    Ok(Verified::read(folder, &master, issuer)?)
}

async fn open(config: &Config, replay: bool) -> anyhow::Result<Databases> {
    if let (true, Some(file)) = (replay, compose::missing(config)) {
        bail!("there is no database at {}", file.display());
    }
    Databases::open(config).await
}

/// Fills the databases.
async fn load(
    databases: &Databases,
    backup: &Verified,
    gaps: Gaps,
) -> anyhow::Result<(Restoring, Value)> {
    let backups = &databases.backups;
    let restoring = Restoring {
        lanes: backup.manifest().lanes.clone(),
        began: backups.clock.now(),
    };
    let loaded = backups.load(backup, gaps).await?;
    if loaded.key_store == KeyStore::Restored {
        output::say(format_args!(
            "the key store was empty: what was taken away after the backup is not known"
        ));
    }
    let told = json!({
        "taken_at": backup.manifest().taken_at.to_string(),
        "rows": loaded.rows,
        "key_store": match loaded.key_store {
            KeyStore::Kept => "kept",
            KeyStore::Restored => "restored",
        },
    });
    let restoring = restoring.begin(&backups.main, &backups.vault).await?;
    Ok((restoring, told))
}

/// Takes a database as it is.
async fn begin_replay(databases: &Databases) -> anyhow::Result<(Restoring, Value)> {
    let backups = &databases.backups;
    match backup::refuse_half_restored(&backups.main).await {
        Ok(()) | Err(BackupError::Replaying) => {}
        Err(refused) => return Err(refused.into()),
    }
    let began = backups.clock.now();
    let restoring = Restoring::of_database(&backups.main, began).await?;
    let restoring = restoring.begin(&backups.main, &backups.vault).await?;
    Ok((restoring, json!({})))
}

/// Takes away again what was taken away, and lets the database be served.
async fn finish(
    config: &Config,
    (restoring, bucket_keys): (&Restoring, &[BucketKeyRow]),
    mut told: Value,
) -> anyhow::Result<()> {
    let services = Services::open_as(config, Opening::Restoring).await?;
    let replayed = services.journal.replay(restoring).await?;
    let backups = services.backups();
    let databases = (&backups.main, &backups.vault);
    let keys = (&*services.master, bucket_keys);
    let rekeyed = backup::rekey(databases, &services.profiles, keys).await?;
    for account in &replayed.narrowed {
        services.accounts.settle_profile(*account).await?;
    }
    tell(&mut told, &replayed, rekeyed)?;
    backup::finish(&services.ledger, restoring.began, told.clone()).await?;
    services.close().await?;
    output::json(&told)?;
    if rekeyed.lost > 0 {
        output::say(format_args!(
            "{} accounts open by no key: their bucket's was replaced after the backup, whose vault/ \
             was not there",
            rekeyed.lost
        ));
    }
    Ok(())
}

fn tell(told: &mut Value, replayed: &Replayed, rekeyed: backup::Rekeyed) -> anyhow::Result<()> {
    if let Some(members) = told.as_object_mut() {
        members.insert(
            "taken_away_again".to_owned(),
            serde_json::to_value(replayed)?,
        );
        members.insert("keys_wrapped_anew".to_owned(), rekeyed.rewrapped.into());
        members.insert("accounts_without_key".to_owned(), rekeyed.lost.into());
    }
    Ok(())
}
