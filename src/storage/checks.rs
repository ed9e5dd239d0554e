//! The `checks` table: what was checked about an account's person.

use super::{Error, Reader, Row, Transaction, values};
use crate::domain::check::{Check, CheckLabel};
use crate::domain::id::{AccountId, CheckId};

/// Records a check.
pub async fn insert(
    tx: &mut Transaction,
    account_id: AccountId,
    check_id: CheckId,
    check: &Check,
) -> Result<(), Error> {
    tx.execute(
        "INSERT INTO checks (account_id, check_id, method, authority, reference, result,
                             performed_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        values![
            account_id,
            check_id,
            check.method.as_str(),
            check.authority.as_str(),
            check.transaction.as_str(),
            check.result.as_str(),
            check.performed_at,
            check.expires_at,
        ],
    )
    .await?;
    Ok(())
}

/// All checks of an account, oldest first.
pub async fn list(reader: &mut Reader, account_id: AccountId) -> Result<Vec<Check>, Error> {
    let rows = reader
        .fetch_all(
            "SELECT method, authority, reference, result, performed_at,
                    expires_at AS check_expires_at
               FROM checks WHERE account_id = $1 ORDER BY check_id",
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
