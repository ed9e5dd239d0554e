//! `tongxing keys …`

use super::operation;
use crate::cli::arguments::Keys;
use crate::cli::compose::Services;
use crate::cli::output;
use crate::provider::register_client::Operation;

pub(super) async fn run(command: &Keys, services: &Services) -> anyhow::Result<()> {
    match command {
        Keys::List => {}
        Keys::Rotate(change) => {
            let Operation { operator, reason } = operation(change);
            services.keys.rotate_by(&operator, &reason).await?;
        }
    }
    Ok(output::json(&services.keys.list().await?)?)
}
