//! The look-up tables `account_documents` and `account_phones`: from blind index to account.

use super::{Error, Reader, Transaction, values};
use crate::domain::id::AccountId;
use crate::domain::instant::Instant;

/// How many accounts one phone may serve (DESIGN: phones are shared within a family).
pub const ACCOUNTS_PER_PHONE: u32 = 5;

/// Makes the account the holder of a document; false when another account holds it.
pub async fn claim_document(
    tx: &mut Transaction,
    document_key: &str,
    index_version: u32,
    account_id: AccountId,
) -> Result<bool, Error> {
    let inserted = tx
        .execute(
            "INSERT INTO account_documents (document_key, index_version, account_id)
             VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
            values![document_key, index_version, account_id],
        )
        .await?;
    Ok(inserted == 1)
}

/// The holder of a document.
pub async fn find_by_document(
    reader: &mut Reader,
    document_key: &str,
) -> Result<Option<AccountId>, Error> {
    let row = reader
        .fetch_optional(
            "SELECT account_id FROM account_documents WHERE document_key = $1",
            values![document_key],
        )
        .await?;
    row.map(|row| row.get("account_id")).transpose()
}

/// Adds a phone to an account; false when the phone already serves as many accounts as it may, or
/// this one.
pub async fn add_phone(
    tx: &mut Transaction,
    phone_key: &str,
    index_version: u32,
    account_id: AccountId,
    confirmed_at: Option<Instant>,
) -> Result<bool, Error> {
    // A count in the statement would not do: two that run at once do not see each other's row.
    for place in 1..=ACCOUNTS_PER_PHONE {
        let inserted = tx
            .execute(
                "INSERT INTO account_phones (phone_key, account_id, place, index_version,
                                             confirmed_at)
                 VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
                values![phone_key, account_id, place, index_version, confirmed_at],
            )
            .await?;
        if inserted == 1 {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The accounts that confirmed a phone.
pub async fn list_by_phone(reader: &mut Reader, phone_key: &str) -> Result<Vec<AccountId>, Error> {
    let rows = reader
        .fetch_all(
            "SELECT account_id FROM account_phones
              WHERE phone_key = $1 AND confirmed_at IS NOT NULL ORDER BY account_id",
            values![phone_key],
        )
        .await?;
    rows.iter().map(|row| row.get("account_id")).collect()
}
