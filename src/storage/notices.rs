//! The `account_notices` table: what happened to an account, for its person to see.

use super::{Error, Reader, Transaction, values};
use crate::domain::client::ClientId;
use crate::domain::id::{AccountId, NoticeId};
use crate::domain::notice::{Notice, NoticeKind};

/// How many are kept: the latest.
const KEPT: u32 = 20;

/// Notes what happened. Only the latest are kept, and of the same about the same client the last:
/// whoever gives and takes a consent over and over pushes nothing else out.
pub async fn insert(
    tx: &mut Transaction,
    account_id: AccountId,
    id: NoticeId,
    notice: &Notice,
) -> Result<(), Error> {
    let (kind, client) = (
        notice.kind.as_str(),
        notice.client_id.as_ref().map(ClientId::as_str),
    );
    if client.is_some() {
        tx.execute(
            "DELETE FROM account_notices WHERE account_id = $1 AND kind = $2 AND client_id = $3",
            values![account_id, kind, client],
        )
        .await?;
    }
    tx.execute(
        "INSERT INTO account_notices (account_id, notice_id, kind, at, client_id)
         VALUES ($1, $2, $3, $4, $5)",
        values![account_id, id, kind, notice.at, client],
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
            "SELECT kind, at, client_id FROM account_notices WHERE account_id = $1
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
            let client_id = row
                .get::<Option<String>>("client_id")?
                .map(ClientId::try_from);
            Ok(Notice {
                kind,
                at: row.get("at")?,
                client_id: client_id.transpose().map_err(|_| Error::Corrupt {
                    table: "account_notices",
                    column: "client_id",
                })?,
            })
        })
        .collect()
}
