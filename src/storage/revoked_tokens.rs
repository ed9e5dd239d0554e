//! The `revoked_tokens` table: marks that live as long as the access tokens they stop.

use super::{Error, Reader, SWEEP_LIMIT, Transaction, values};
use crate::domain::id::AccessTokenId;
use crate::domain::instant::Instant;

/// Marks a token as revoked; marking twice is no fault.
pub async fn insert(
    tx: &mut Transaction,
    owner: &str,
    token_id: AccessTokenId,
    expires_at: Instant,
) -> Result<(), Error> {
    tx.execute(
        "INSERT INTO revoked_tokens (owner, token_id, expires_at) VALUES ($1, $2, $3)
         ON CONFLICT DO NOTHING",
        values![owner, token_id, expires_at],
    )
    .await?;
    Ok(())
}

/// Whether a token is marked.
pub async fn contains(
    reader: &mut Reader,
    owner: &str,
    token_id: AccessTokenId,
) -> Result<bool, Error> {
    let row = reader
        .fetch_optional(
            "SELECT token_id FROM revoked_tokens WHERE owner = $1 AND token_id = $2",
            values![owner, token_id],
        )
        .await?;
    Ok(row.is_some())
}

/// Deletes marks of tokens that have expired; at most [`SWEEP_LIMIT`]. The number deleted.
pub async fn delete_expired(tx: &mut Transaction, now: Instant) -> Result<u64, Error> {
    tx.execute(
        "DELETE FROM revoked_tokens WHERE (owner, token_id) IN (
             SELECT owner, token_id FROM revoked_tokens WHERE expires_at < $1
              ORDER BY expires_at LIMIT $2)",
        values![now, SWEEP_LIMIT],
    )
    .await
}
