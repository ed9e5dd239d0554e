//! The `accounts` table.

use std::collections::{BTreeSet, HashSet};

use super::database::row_values;
use super::{Error, Reader, Row, Transaction, Value, key_buckets, values};
use crate::domain::account::{Account, AccountStatus, SealedProfile};
use crate::domain::id::AccountId;
use crate::domain::instant::Instant;

/// What became of an insertion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "an account whose key was replaced is not there"]
pub enum Insertion {
    /// The account is there.
    Inserted,
    /// It is not: the bucket's key was replaced since its profile was sealed. Seal it anew.
    KeyReplaced,
}

const INSERT: &str =
    "INSERT INTO accounts (account_id, status, key_bucket, key_version, wrapped_key,
                           profile, index_version, created_at, changed_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";

/// Inserts an account whose identifier is new, if the key that wraps its own still stands.
pub async fn insert(
    tx: &mut Transaction,
    account: &Account,
    index_version: u32,
) -> Result<Insertion, Error> {
    let sealed = &account.sealed;
    if !key_buckets::admit(tx, sealed.key_bucket, sealed.key_version).await? {
        return Ok(Insertion::KeyReplaced);
    }
    tx.execute(INSERT, &row_of(account, index_version)).await?;
    Ok(Insertion::Inserted)
}

/// The same for many: the accounts that are not there, since their bucket's key was replaced.
pub async fn insert_all(
    tx: &mut Transaction,
    accounts: &[(&Account, u32)],
) -> Result<HashSet<AccountId>, Error> {
    let buckets: BTreeSet<u16> = accounts
        .iter()
        .map(|(account, _)| account.sealed.key_bucket)
        .collect();
    let buckets: Vec<u16> = buckets.into_iter().collect();
    let lowest = key_buckets::hold(tx, &buckets).await?;
    let stands = |account: &Account| {
        let lowest = lowest.get(&account.sealed.key_bucket);
        lowest.is_some_and(|lowest| *lowest <= account.sealed.key_version)
    };
    let (standing, replaced): (Vec<_>, Vec<_>) =
        accounts.iter().partition(|(account, _)| stands(account));
    let rows: Vec<_> = standing
        .into_iter()
        .map(|&(account, index_version)| row_of(account, index_version))
        .collect();
    tx.fetch_each(INSERT, &rows).await?;
    Ok(replaced
        .into_iter()
        .map(|(account, _)| account.id)
        .collect())
}

fn row_of(account: &Account, index_version: u32) -> Vec<Value<'_>> {
    let sealed = &account.sealed;
    row_values![
        account.id,
        account.status.as_str(),
        i64::from(sealed.key_bucket),
        sealed.key_version,
        sealed.wrapped_key.as_str(),
        sealed.profile.as_str(),
        index_version,
        account.created_at,
        account.changed_at,
    ]
}

/// The account, if there is one.
pub async fn find(reader: &mut Reader, id: AccountId) -> Result<Option<Account>, Error> {
    let row = reader
        .fetch_optional(
            "SELECT account_id, status, key_bucket, key_version, wrapped_key, profile,
                    created_at, changed_at
               FROM accounts WHERE account_id = $1",
            values![id],
        )
        .await?;
    row.map(|row| read(&row)).transpose()
}

/// Keeps everyone else from changing an account, or what belongs to it, until this transaction
/// ends: whoever does, locks it first. Its status; none if there is no such account.
pub async fn lock(
    tx: &mut Transaction,
    id: AccountId,
    now: Instant,
) -> Result<Option<AccountStatus>, Error> {
    let row = tx
        .returning(
            "UPDATE accounts SET changed_at = $2 WHERE account_id = $1 RETURNING status",
            values![id, now],
        )
        .await?;
    row.map(|row| read_status(&row)).transpose()
}

/// Makes void whatever was begun with an account until now, also what is being written at this
/// moment: sessions and authorizations hold only as long as their number is the account's.
/// The number of the time that begins.
pub async fn raise_epoch(tx: &mut Transaction, id: AccountId) -> Result<i64, Error> {
    let row = tx
        .returning(
            "UPDATE accounts SET access_epoch = access_epoch + 1 WHERE account_id = $1
             RETURNING access_epoch",
            values![id],
        )
        .await?;
    row.ok_or_else(|| corrupt("access_epoch"))?
        .get("access_epoch")
}

/// Replaces the profile that `old` was read from; false when it has changed meanwhile.
pub async fn replace_profile(
    tx: &mut Transaction,
    id: AccountId,
    (old, new): (&SealedProfile, &SealedProfile),
    now: Instant,
) -> Result<bool, Error> {
    let replaced = tx
        .execute(
            "UPDATE accounts SET profile = $3, changed_at = $4
              WHERE account_id = $1 AND profile = $2",
            values![id, old.profile.as_str(), new.profile.as_str(), now],
        )
        .await?;
    Ok(replaced == 1)
}

/// Moves an account from one status to another; false when it is not in the first.
pub async fn update_status(
    tx: &mut Transaction,
    id: AccountId,
    (from, to): (AccountStatus, AccountStatus),
    now: Instant,
) -> Result<bool, Error> {
    let changed = tx
        .execute(
            "UPDATE accounts SET status = $3, changed_at = $4, access_epoch = access_epoch + 1
              WHERE account_id = $1 AND status = $2",
            values![id, from.as_str(), to.as_str(), now],
        )
        .await?;
    Ok(changed == 1)
}

/// An account's key as it lies wrapped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrappedKeyRow {
    /// Whose it is.
    pub account_id: AccountId,
    /// The version of the bucket's key that wraps it.
    pub key_version: i64,
    /// The key, wrapped.
    pub wrapped_key: String,
}

/// Up to `limit` keys of accounts in a bucket that lie under a version below `version`.
pub async fn list_keys_below(
    reader: &mut Reader,
    bucket: u16,
    version: i64,
    limit: i64,
) -> Result<Vec<WrappedKeyRow>, Error> {
    let rows = reader
        .fetch_all(
            "SELECT account_id, key_version, wrapped_key FROM accounts
              WHERE key_bucket = $1 AND key_version < $2
              ORDER BY key_version, account_id LIMIT $3",
            values![i64::from(bucket), version, limit],
        )
        .await?;
    rows.iter()
        .map(|row| {
            Ok(WrappedKeyRow {
                account_id: row.get("account_id")?,
                key_version: row.get("key_version")?,
                wrapped_key: row.get("wrapped_key")?,
            })
        })
        .collect()
}

/// Puts an account's key as it is wrapped now in the place of `old`; false when that is not there.
/// The key itself stays, and so does the profile, which may change at the same time.
pub async fn rewrap_key(
    tx: &mut Transaction,
    account_id: AccountId,
    old: &str,
    (version, wrapped): (i64, &str),
) -> Result<bool, Error> {
    let changed = tx
        .execute(
            "UPDATE accounts SET key_version = $3, wrapped_key = $4
              WHERE account_id = $1 AND wrapped_key = $2",
            values![account_id, old, version, wrapped],
        )
        .await?;
    Ok(changed == 1)
}

/// Reads an account's sealed profile out of a row that has its columns.
pub(super) fn read_sealed(row: &Row) -> Result<SealedProfile, Error> {
    Ok(SealedProfile {
        key_bucket: u16::try_from(row.get::<i64>("key_bucket")?)
            .map_err(|_| corrupt("key_bucket"))?,
        key_version: row.get("key_version")?,
        wrapped_key: row.get("wrapped_key")?,
        profile: row.get("profile")?,
    })
}

fn read_status(row: &Row) -> Result<AccountStatus, Error> {
    AccountStatus::parse(&row.get::<String>("status")?).ok_or_else(|| corrupt("status"))
}

fn corrupt(column: &'static str) -> Error {
    Error::Corrupt {
        table: "accounts",
        column,
    }
}

fn read(row: &Row) -> Result<Account, Error> {
    Ok(Account {
        id: row.get("account_id")?,
        status: read_status(row)?,
        sealed: read_sealed(row)?,
        created_at: row.get("created_at")?,
        changed_at: row.get("changed_at")?,
    })
}
