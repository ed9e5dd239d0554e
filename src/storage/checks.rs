//! The `checks` table: what was checked about an account's person.

use super::database::row_values;
use super::{Error, Reader, Row, Transaction, Value, values};
use crate::domain::check::{Check, CheckLabel};
use crate::domain::id::{AccountId, CheckId};
use crate::domain::instant::Instant;

/// A check to be recorded, and what it rests on.
#[derive(Debug, Clone)]
pub struct NewCheck {
    /// Its identifier.
    pub id: CheckId,
    /// The check.
    pub check: Check,
    /// The blind index of the document it is about.
    pub document_key: Option<String>,
    /// The blind index of the phone it is about.
    pub phone_key: Option<String>,
}

const INSERT: &str =
    "INSERT INTO checks (account_id, check_id, method, authority, reference, result,
                         performed_at, expires_at, document_key, phone_key)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";

/// Records a check.
pub async fn insert(
    tx: &mut Transaction,
    account_id: AccountId,
    new: &NewCheck,
) -> Result<(), Error> {
    tx.execute(INSERT, &row_of(account_id, new)).await?;
    Ok(())
}

/// Records checks of many accounts.
pub async fn insert_all(
    tx: &mut Transaction,
    checks: &[(AccountId, &NewCheck)],
) -> Result<(), Error> {
    let rows: Vec<_> = checks
        .iter()
        .map(|&(account_id, new)| row_of(account_id, new))
        .collect();
    tx.fetch_each(INSERT, &rows).await?;
    Ok(())
}

fn row_of(account_id: AccountId, new: &NewCheck) -> Vec<Value<'_>> {
    let check = &new.check;
    row_values![
        account_id,
        new.id,
        check.method.as_str(),
        check.authority.as_str(),
        check.transaction.as_str(),
        check.result.as_str(),
        check.performed_at,
        check.expires_at,
        new.document_key.as_deref(),
        new.phone_key.as_deref(),
    ]
}

/// Ends what rests on a document that the account has lost; the number ended.
pub async fn end_with_document(
    tx: &mut Transaction,
    account_id: AccountId,
    document_key: &str,
    now: Instant,
) -> Result<u64, Error> {
    tx.execute(
        "UPDATE checks SET expires_at = $3
          WHERE account_id = $1 AND (expires_at IS NULL OR expires_at > $3)
            AND (document_key = $2 OR (document_key IS NULL AND method <> 'phone_code'))",
        values![account_id, document_key, now],
    )
    .await
}

/// Ends what rests on a phone that the account has lost; the number ended.
pub async fn end_with_phone(
    tx: &mut Transaction,
    account_id: AccountId,
    phone_key: &str,
    now: Instant,
) -> Result<u64, Error> {
    tx.execute(
        "UPDATE checks SET expires_at = $3
          WHERE account_id = $1 AND (expires_at IS NULL OR expires_at > $3) AND phone_key = $2",
        values![account_id, phone_key, now],
    )
    .await
}

/// All checks of an account, oldest first.
pub async fn list(reader: &mut Reader, account_id: AccountId) -> Result<Vec<Check>, Error> {
    let rows = reader
        .fetch_all(
            "SELECT method, authority, reference, result, performed_at,
                    expires_at AS check_expires_at
               FROM checks WHERE account_id = $1 ORDER BY performed_at, method, check_id",
            values![account_id],
        )
        .await?;
    rows.iter().map(read).collect()
}

/// Reads a check out of a row that may have none (an outer join).
pub(super) fn read_joined(row: &Row) -> Result<Option<Check>, Error> {
    match row.get::<Option<String>>("method")? {
        Some(_) => read(row).map(Some),
        None => Ok(None),
    }
}

fn read(row: &Row) -> Result<Check, Error> {
    let corrupt = |column| Error::Corrupt {
        table: "checks",
        column,
    };
    Ok(Check {
        method: row
            .get::<String>("method")?
            .parse()
            .map_err(|_| corrupt("method"))?,
        authority: CheckLabel::parse(&row.get::<String>("authority")?)
            .map_err(|_| corrupt("authority"))?,
        transaction: CheckLabel::parse(&row.get::<String>("reference")?)
            .map_err(|_| corrupt("reference"))?,
        result: row
            .get::<String>("result")?
            .parse()
            .map_err(|_| corrupt("result"))?,
        performed_at: row.get("performed_at")?,
        expires_at: row.get("check_expires_at")?,
    })
}
