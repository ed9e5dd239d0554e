//! `tongxing keys …`

use serde::Serialize;

use super::operation;
use crate::cli::arguments::Keys;
use crate::cli::compose::Services;
use crate::cli::output;
use crate::ledger::keyring::{KeyInfo, Rewrapping, Rotation};
use crate::provider::register_client::Operation;

pub(super) async fn run(command: &Keys, services: &Services) -> anyhow::Result<()> {
    let keys = &services.keys;
    match command {
        Keys::List => {}
        Keys::Rewrap { change } => return rewrap(services, &operation(change)).await,
        Keys::Rotate { force, change } => {
            let Operation { operator, reason } = operation(change);
            let rotation = if *force {
                Rotation::Emergency
            } else {
                Rotation::Planned
            };
            keys.rotate_by(&operator, &reason, rotation).await?;
            tell(&keys.list().await?);
        }
    }
    Ok(output::json(&keys.list().await?)?)
}

/// What a re-wrapping did; master keys by their fingerprints.
#[derive(Serialize)]
struct Summary {
    master_key: String,
    other_master_key: Option<String>,
    keys: Rewrapping,
    bucket_keys: Rewrapping,
    other_key_needed: bool,
}

async fn rewrap(services: &Services, by: &Operation) -> anyhow::Result<()> {
    let bucket_keys = services.key_store.rewrap().await?;
    let keys = services.keys.rewrap().await?;
    if keys.rewrapped + bucket_keys.rewrapped > 0 {
        let by = (&*by.operator, &*by.reason);
        services
            .keys
            .note_rewrapped(by, (keys, bucket_keys))
            .await?;
    }
    let other = services.master.other_fingerprint();
    let is_given = other.is_some();
    output::json(&Summary {
        master_key: services.master.fingerprint(),
        other_master_key: other,
        keys,
        bucket_keys,
        // Whatever it opened is under the current one, and nothing comes under it any more.
        other_key_needed: false,
    })?;
    if is_given {
        output::say(format_args!(
            "the other master key is no longer needed here: take vault.other_master_key away on every \
             node; backups from before still need it"
        ));
    }
    Ok(())
}

/// What a rotation made of the keys.
fn tell(keys: &[KeyInfo]) {
    for key in keys.iter().filter(|key| key.status == "current") {
        let same =
            |other: &&KeyInfo| other.purpose == key.purpose && other.algorithm == key.algorithm;
        let last = keys.iter().filter(same).filter(|k| k.status == "retired");
        let Some(last) = last.max_by_key(|key| key.number) else {
            // Of a kind that does not rotate.
            continue;
        };
        output::say(format_args!(
            "{} {}: {} took over from {}",
            key.purpose, key.algorithm, key.key_id, last.key_id
        ));
    }
    output::say(format_args!(
        "the next keys are in the key set; what the last ones made stays good: nobody is logged out"
    ));
}
