//! What an account holds, across its tables: for the journal of takeaways, which says what was left
//! of it, and for a restore, which leaves no more than that.

use super::{Error, Reader, Transaction, values};
use crate::domain::account::AccountStatus;
use crate::domain::id::{AccountId, CheckId, CredentialId, GrantId, SessionId};
use crate::domain::instant::Instant;

/// What an account holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holdings {
    /// Whether it can be used.
    pub status: AccountStatus,
    /// The number of the time that everything begun with it is of.
    pub access_epoch: i64,
    /// Its credentials, each with its secret.
    pub credentials: Vec<(CredentialId, String)>,
    /// The blind indexes of its documents.
    pub documents: Vec<String>,
    /// The blind indexes of its phones.
    pub phones: Vec<String>,
    /// Its standing grants.
    pub grants: Vec<GrantId>,
    /// Its sessions that have not ended.
    pub sessions: Vec<SessionId>,
    /// Its checks, and until when they count.
    pub checks: Vec<(CheckId, Option<Instant>)>,
}

/// What an account holds; none if there is no such account.
pub async fn find(reader: &mut Reader, id: AccountId) -> Result<Option<Holdings>, Error> {
    let account = reader
        .fetch_optional(
            "SELECT status, access_epoch FROM accounts WHERE account_id = $1",
            values![id],
        )
        .await?;
    let Some(account) = account else {
        return Ok(None);
    };
    let status = AccountStatus::parse(&account.get::<String>("status")?);
    let credentials = reader
        .fetch_all(
            "SELECT credential_id, secret FROM credentials WHERE account_id = $1
              ORDER BY credential_id",
            values![id],
        )
        .await?;
    let documents = reader
        .fetch_all(
            "SELECT document_key FROM account_documents WHERE account_id = $1
              ORDER BY document_key",
            values![id],
        )
        .await?;
    let phones = reader
        .fetch_all(
            "SELECT phone_key FROM account_phones WHERE account_id = $1 ORDER BY phone_key",
            values![id],
        )
        .await?;
    let grants = reader
        .fetch_all(
            "SELECT grant_id FROM grants WHERE account_id = $1 AND revoked_at IS NULL
              ORDER BY grant_id",
            values![id],
        )
        .await?;
    let sessions = reader
        .fetch_all(
            "SELECT session_id FROM sessions WHERE account_id = $1 AND ended_at IS NULL
              ORDER BY session_id",
            values![id],
        )
        .await?;
    let checks = reader
        .fetch_all(
            "SELECT check_id, expires_at FROM checks WHERE account_id = $1 ORDER BY check_id",
            values![id],
        )
        .await?;
    Ok(Some(Holdings {
        status: status.ok_or_else(|| account.corrupt("status"))?,
        access_epoch: account.get("access_epoch")?,
        credentials: credentials
            .iter()
            .map(|row| Ok((row.get("credential_id")?, row.get("secret")?)))
            .collect::<Result<_, Error>>()?,
        documents: all(&documents, "document_key")?,
        phones: all(&phones, "phone_key")?,
        grants: all(&grants, "grant_id")?,
        sessions: all(&sessions, "session_id")?,
        checks: checks
            .iter()
            .map(|row| Ok((row.get("check_id")?, row.get("expires_at")?)))
            .collect::<Result<_, Error>>()?,
    }))
}

fn all<T: super::database::FromColumn>(
    rows: &[super::Row],
    column: &'static str,
) -> Result<Vec<T>, Error> {
    rows.iter().map(|row| row.get(column)).collect()
}

/// Gives an account a status, and an access epoch unless it has a higher one.
pub async fn set_standing(
    tx: &mut Transaction,
    id: AccountId,
    (status, access_epoch): (AccountStatus, i64),
    now: Instant,
) -> Result<(), Error> {
    tx.execute(
        "UPDATE accounts SET status = $2, changed_at = $4,
                access_epoch = CASE WHEN access_epoch < $3 THEN $3 ELSE access_epoch END
          WHERE account_id = $1",
        values![id, status.as_str(), access_epoch, now],
    )
    .await?;
    Ok(())
}

/// Takes a credential from an account.
pub async fn remove_credential(
    tx: &mut Transaction,
    id: AccountId,
    credential: CredentialId,
) -> Result<(), Error> {
    tx.execute(
        "DELETE FROM credentials WHERE account_id = $1 AND credential_id = $2",
        values![id, credential],
    )
    .await?;
    Ok(())
}

/// Takes a document from an account; nobody has it then.
pub async fn remove_document(
    tx: &mut Transaction,
    id: AccountId,
    document_key: &str,
) -> Result<(), Error> {
    tx.execute(
        "DELETE FROM account_documents WHERE document_key = $2 AND account_id = $1",
        values![id, document_key],
    )
    .await?;
    Ok(())
}

/// Withdraws a grant; false when it was withdrawn, or is not there.
pub async fn revoke_grant(
    tx: &mut Transaction,
    id: AccountId,
    grant: GrantId,
    now: Instant,
) -> Result<bool, Error> {
    let revoked = tx
        .execute(
            "UPDATE grants SET revoked_at = $3
              WHERE account_id = $1 AND grant_id = $2 AND revoked_at IS NULL",
            values![id, grant, now],
        )
        .await?;
    Ok(revoked == 1)
}

/// Ends a check at a time, unless it ends before.
pub async fn limit_check(
    tx: &mut Transaction,
    id: AccountId,
    check: CheckId,
    expires_at: Instant,
) -> Result<(), Error> {
    tx.execute(
        "UPDATE checks SET expires_at = $3
          WHERE account_id = $1 AND check_id = $2 AND (expires_at IS NULL OR expires_at > $3)",
        values![id, check, expires_at],
    )
    .await?;
    Ok(())
}
