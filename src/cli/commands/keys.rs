//! `tongxing keys …`

use serde::Serialize;

use super::operation;
use crate::cli::arguments::Keys;
use crate::cli::compose::Services;
use crate::cli::output;
use crate::ledger::audit::Operation;
use crate::ledger::keyring::{KeyInfo, Rewrapping, Rotation};

pub(super) async fn run(command: &Keys, services: &Services) -> anyhow::Result<()> {
    let keys = &services.keys;
    match command {
        Keys::List => {}
        Keys::Rewrap { change } => return rewrap(services, &operation(change)).await,
        Keys::Rotate { force, change } => {
            let rotation = if *force {
                Rotation::Emergency
            } else {
                Rotation::Planned
            };
            keys.rotate_by(&operation(change), rotation).await?;
            tell(&keys.list().await?, rotation);
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
}

async fn rewrap(services: &Services, by: &Operation) -> anyhow::Result<()> {
    let bucket_keys = services.key_store.rewrap().await?;
    let keys = services.keys.rewrap().await?;
    if keys.rewrapped + bucket_keys.rewrapped > 0 {
        services
            .keys
            .note_rewrapped(by, (keys, bucket_keys))
            .await?;
    }
    // What the journal has of the old wrappings goes, too.
    services.journal.copy().await?;
    services.journal.store().scrub().await?;
    let (own, other) = (
        services.master.fingerprint(),
        services.master.other_fingerprint(),
    );
    output::json(&Summary {
        master_key: own.clone(),
        other_master_key: other.clone(),
        keys,
        bucket_keys,
    })?;
    let count = keys.rewrapped + bucket_keys.rewrapped;
    match (other, count) {
        (None, _) => output::say(format_args!(
            "there is no vault.other_master_key: nothing was to be done"
        )),
        (Some(other), 0) => output::say(format_args!(
            "all was under {own} already; if {other} is the new one, exchange the two and begin again"
        )),
        (Some(other), _) => output::say(format_args!(
            "all is under {own} now: take {other} away (vault.other_master_key) on every node; backups \
             from before still need it"
        )),
    }
    Ok(())
}

/// What a rotation made of the keys.
fn tell(keys: &[KeyInfo], rotation: Rotation) {
    let before = match rotation {
        Rotation::Planned => "retired",
        Rotation::Emergency => "withdrawn",
    };
    for key in keys.iter().filter(|key| key.status == "current") {
        let same =
            |other: &&KeyInfo| other.purpose == key.purpose && other.algorithm == key.algorithm;
        let last = keys.iter().filter(same).filter(|k| k.status == before);
        let Some(last) = last.max_by_key(|key| key.number) else {
            // Of a kind that does not rotate.
            continue;
        };
        output::say(format_args!(
            "{} {}: {} took over from {}",
            key.purpose, key.algorithm, key.key_id, last.key_id
        ));
    }
    output::say(match rotation {
        Rotation::Planned => format_args!(
            "the next keys are in the key set; what the last ones made stays good: nobody is logged out"
        ),
        Rotation::Emergency => format_args!(
            "the last keys are out of the key set: what they signed is not verified any more, here at \
             once and at portals when they fetch it again; nobody is logged out"
        ),
    });
}
