//! The database's clock, for the readiness check only: what is stored is timed by ours.

use super::{Error, Reader};
use crate::domain::instant::Instant;

/// What time the database has. SQLite's is the machine's own.
pub async fn read(reader: &mut Reader) -> Result<Instant, Error> {
    reader.server_time().await
}
