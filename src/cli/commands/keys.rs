//! `tongxing keys …`

use crate::cli::arguments::Keys;
use crate::cli::compose::Services;
use crate::cli::output;

pub(super) async fn run(command: &Keys, services: &Services) -> anyhow::Result<()> {
    match command {
        Keys::List => {}
        Keys::Rotate(_) => services.keys.rotate().await?,
    }
    Ok(output::json(&services.keys.list().await?)?)
}
