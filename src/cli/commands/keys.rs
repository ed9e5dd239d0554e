//! `tongxing keys …`

use super::operation;
use crate::cli::arguments::Keys;
use crate::cli::compose::Services;
use crate::cli::output;
use crate::ledger::keyring::{KeyInfo, Rotation};
use crate::provider::register_client::Operation;

pub(super) async fn run(command: &Keys, services: &Services) -> anyhow::Result<()> {
    let keys = &services.keys;
    match command {
        Keys::List => {}
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
