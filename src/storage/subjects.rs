//! The `subjects` table: the name a sector knows an account by. The stored value wins, so subjects
//! survive changes of keys and merges.

use super::{Error, Reader, Transaction, values};
use crate::domain::id::AccountId;

/// Stores a subject unless the sector has one already.
pub async fn insert(
    tx: &mut Transaction,
    account_id: AccountId,
    sector: &str,
    subject: &str,
) -> Result<(), Error> {
    tx.execute(
        "INSERT INTO subjects (account_id, sector, subject) VALUES ($1, $2, $3)
         ON CONFLICT DO NOTHING",
        values![account_id, sector, subject],
    )
    .await?;
    Ok(())
}

/// The subject the sector knows the account by.
pub async fn find(
    reader: &mut Reader,
    account_id: AccountId,
    sector: &str,
) -> Result<Option<String>, Error> {
    let row = reader
        .fetch_optional(
            "SELECT subject FROM subjects WHERE account_id = $1 AND sector = $2",
            values![account_id, sector],
        )
        .await?;
    row.map(|row| row.get("subject")).transpose()
}
