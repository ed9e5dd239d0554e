//! The `account_notices` table: what happened to an account, for its person to see.

use super::{Error, Reader, Transaction, values};
use crate::domain::id::{AccountId, NoticeId};
use crate::domain::notice::{Notice, NoticeKind};

/// How many are kept: the latest.
const KEPT: u32 = 20;

/// Notes what happened. Only the latest are kept.
pub async fn insert(
    tx: &mut Transaction,
    account_id: AccountId,
    id: NoticeId,
    notice: Notice,
) -> Result<(), Error> {
    tx.execute(
        "INSERT INTO account_notices (account_id, notice_id, kind, at) VALUES ($1, $2, $3, $4)",
        values![account_id, id, notice.kind.as_str(), notice.at],
    )
    .await?;
    tx.execute(
        "DELETE FROM account_notices
          WHERE account_id = $1 AND notice_id NOT IN (
                SELECT notice_id FROM account_notices WHERE account_id = $1
                 ORDER BY notice_id DESC LIMIT $2)",
        values![account_id, KEPT],
    )
    .await?;
    Ok(())
}

/// The latest, newest first.
pub async fn list(reader: &mut Reader, account_id: AccountId) -> Result<Vec<Notice>, Error> {
    let rows = reader
        .fetch_all(
            "SELECT kind, at FROM account_notices WHERE account_id = $1
              ORDER BY notice_id DESC LIMIT $2",
            values![account_id, KEPT],
        )
        .await?;
    rows.iter()
        .map(|row| {
            let kind: NoticeKind =
                row.get::<String>("kind")?
                    .parse()
                    .map_err(|_| Error::Corrupt {
                        table: "account_notices",
                        column: "kind",
                    })?;
            let at = row.get("at")?;
            Ok(Notice { kind, at })
        })
        .collect()
}
