//! The `credentials` table. A password is stored as its argon2id hash in PHC form.

use super::database::row_values;
use super::{Error, Reader, Transaction, values};
use crate::domain::id::{AccountId, CredentialId};
use crate::domain::instant::Instant;

/// A stored password.
#[derive(Debug, Clone)]
pub struct PasswordCredential {
    /// Its identifier.
    pub id: CredentialId,
    /// The hash in PHC form.
    pub hash: String,
}

const INSERT_PASSWORD: &str = "INSERT INTO credentials (account_id, credential_id, kind, secret,
                              created_at, changed_at)
     VALUES ($1, $2, 'password', $3, $4, $4)";

/// Gives an account a password.
pub async fn insert_password(
    tx: &mut Transaction,
    account_id: AccountId,
    password: &PasswordCredential,
    now: Instant,
) -> Result<(), Error> {
    let row = values![account_id, password.id, password.hash.as_str(), now];
    tx.execute(INSERT_PASSWORD, row).await?;
    Ok(())
}

/// Gives many accounts each its password.
pub async fn insert_passwords(
    tx: &mut Transaction,
    passwords: &[(AccountId, &PasswordCredential, Instant)],
) -> Result<(), Error> {
    let rows: Vec<_> = passwords
        .iter()
        .map(|&(account_id, password, now)| {
            row_values![account_id, password.id, password.hash.as_str(), now]
        })
        .collect();
    tx.fetch_each(INSERT_PASSWORD, &rows).await?;
    Ok(())
}

/// The account's password, if it has one, and its access epoch: a login by this password holds only
/// if that is still the same.
pub async fn find_password(
    reader: &mut Reader,
    account_id: AccountId,
) -> Result<Option<(PasswordCredential, i64)>, Error> {
    let row = reader
        .fetch_optional(
            "SELECT c.credential_id, c.secret, a.access_epoch
               FROM credentials c JOIN accounts a ON a.account_id = c.account_id
              WHERE c.account_id = $1 AND c.kind = 'password'
              ORDER BY c.credential_id DESC LIMIT 1",
            values![account_id],
        )
        .await?;
    row.map(|row| {
        let credential = PasswordCredential {
            id: row.get("credential_id")?,
            hash: row.get("secret")?,
        };
        Ok((credential, row.get("access_epoch")?))
    })
    .transpose()
}

/// Sets the account's password, whatever it was; false when it has none.
pub async fn replace_password(
    tx: &mut Transaction,
    account_id: AccountId,
    hash: &str,
    now: Instant,
) -> Result<bool, Error> {
    let replaced = tx
        .execute(
            "UPDATE credentials SET secret = $2, changed_at = $3
              WHERE account_id = $1 AND kind = 'password'",
            values![account_id, hash, now],
        )
        .await?;
    Ok(replaced > 0)
}

/// Replaces a hash by a stronger one of the same password; false when it has changed meanwhile.
pub async fn update_password(
    tx: &mut Transaction,
    account_id: AccountId,
    old: &PasswordCredential,
    new_hash: &str,
    now: Instant,
) -> Result<bool, Error> {
    let changed = tx
        .execute(
            "UPDATE credentials SET secret = $4, changed_at = $5
              WHERE account_id = $1 AND credential_id = $2 AND secret = $3",
            values![account_id, old.id, old.hash.as_str(), new_hash, now],
        )
        .await?;
    Ok(changed == 1)
}
