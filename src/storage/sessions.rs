//! The `sessions` table.

use super::{Error, Reader, Row, SWEEP_LIMIT, Transaction, checks, grants, values};
use crate::domain::check::Check;
use crate::domain::grant::Grant;
use crate::domain::id::{AccountId, SessionId};
use crate::domain::instant::Instant;
use crate::domain::session::Session;

/// Inserts a session if its account may be used and nothing has ended all that was begun with it
/// since the proof was looked at, at `access_epoch`; false otherwise.
pub async fn insert(
    tx: &mut Transaction,
    session: &Session,
    secret_hash: &str,
    (device, access_epoch): (Option<&str>, i64),
) -> Result<bool, Error> {
    let inserted = tx
        .execute(
            "INSERT INTO sessions (account_id, session_id, secret_hash, methods,
                                   authenticated_at, expires_at, device, access_epoch)
             SELECT account_id, $2, $3, $4, $5, $6, $7, access_epoch FROM accounts
              WHERE account_id = $1 AND status = 'active' AND access_epoch = $8",
            values![
                session.account_id,
                session.id,
                secret_hash,
                session.methods.to_string(),
                session.authenticated_at,
                session.expires_at,
                device,
                access_epoch,
            ],
        )
        .await?;
    Ok(inserted == 1)
}

/// Renews a live session after its person proved anew who they are, by a proof looked at at
/// `access_epoch`; false when it has ended.
pub async fn renew(
    tx: &mut Transaction,
    session: &Session,
    secret_hash: &str,
    access_epoch: i64,
) -> Result<bool, Error> {
    let renewed = tx
        .execute(
            "UPDATE sessions SET secret_hash = $3, methods = $4, authenticated_at = $5,
                                 expires_at = $6
              WHERE account_id = $1 AND session_id = $2 AND ended_at IS NULL
                AND access_epoch = $7
                AND EXISTS (SELECT 1 FROM accounts a
                             WHERE a.account_id = $1 AND a.status = 'active'
                               AND a.access_epoch = $7)",
            values![
                session.account_id,
                session.id,
                secret_hash,
                session.methods.to_string(),
                session.authenticated_at,
                session.expires_at,
                access_epoch,
            ],
        )
        .await?;
    Ok(renewed == 1)
}

/// A session as found, and what decides whether it still holds.
#[derive(Debug)]
pub struct StoredSession {
    /// The session.
    pub session: Session,
    /// Digest of the secret in its cookie.
    pub secret_hash: String,
    /// When it was ended.
    pub ended_at: Option<Instant>,
    /// Whether its account is active, and nothing has ended all that was begun with it since.
    pub is_supported: bool,
}

/// The session, ended or not.
pub async fn find(
    reader: &mut Reader,
    account_id: AccountId,
    session_id: SessionId,
) -> Result<Option<StoredSession>, Error> {
    let row = reader
        .fetch_optional(
            "SELECT s.account_id, s.session_id, s.secret_hash, s.methods, s.authenticated_at,
                    s.expires_at, s.ended_at,
                    (a.status = 'active' AND s.access_epoch = a.access_epoch) AS is_supported
               FROM sessions s JOIN accounts a ON a.account_id = s.account_id
              WHERE s.account_id = $1 AND s.session_id = $2",
            values![account_id, session_id],
        )
        .await?;
    row.map(|row| read(&row)).transpose()
}

/// A session together with what its account has given one client: all that an authorization
/// request with a live session reads, in one statement.
#[derive(Debug)]
pub struct SessionForClient {
    /// The session.
    pub stored: StoredSession,
    /// The grant to this client, if it stands.
    pub grant: Option<Grant>,
    /// The subject the client's sector knows the account by.
    pub subject: Option<String>,
    /// All checks of the account, oldest first.
    pub checks: Vec<Check>,
}

/// The session, ended or not, with the client's grant, the sector's subject and the account's
/// checks.
pub async fn find_for_client(
    reader: &mut Reader,
    (account_id, session_id): (AccountId, SessionId),
    client_id: &str,
    sector: &str,
) -> Result<Option<SessionForClient>, Error> {
    let rows = reader
        .fetch_all(
            "SELECT s.account_id, s.session_id, s.secret_hash, s.methods, s.authenticated_at,
                    s.expires_at, s.ended_at,
                    (a.status = 'active' AND s.access_epoch = a.access_epoch) AS is_supported,
                    g.grant_id, g.scope, g.claims, g.terms,
                    g.granted_at, j.subject, c.method, c.authority, c.reference, c.result,
                    c.performed_at, c.expires_at AS check_expires_at
               FROM sessions s
               JOIN accounts a ON a.account_id = s.account_id
               LEFT JOIN grants g ON g.account_id = s.account_id AND g.client_id = $3
                                 AND g.revoked_at IS NULL
               LEFT JOIN subjects j ON j.account_id = s.account_id AND j.sector = $4
               LEFT JOIN checks c ON c.account_id = s.account_id
              WHERE s.account_id = $1 AND s.session_id = $2
              ORDER BY c.check_id",
            values![account_id, session_id, client_id, sector],
        )
        .await?;
    let Some(first) = rows.first() else {
        return Ok(None);
    };
    let checks = rows.iter().map(checks::read_joined);
    Ok(Some(SessionForClient {
        stored: read(first)?,
        grant: grants::read_joined(first)?,
        subject: first.get("subject")?,
        checks: checks
            .filter_map(Result::transpose)
            .collect::<Result<_, _>>()?,
    }))
}

/// A login as its person is shown it.
#[derive(Debug, Clone)]
pub struct ListedSession {
    /// Its identifier.
    pub id: SessionId,
    /// The browser and system it was made with, if they were told.
    pub device: Option<String>,
    /// When the person last proved who they are.
    pub authenticated_at: Instant,
}

/// The logins of an account that last, the latest first.
pub async fn list_live(
    reader: &mut Reader,
    account_id: AccountId,
    now: Instant,
) -> Result<Vec<ListedSession>, Error> {
    let rows = reader
        .fetch_all(
            "SELECT s.session_id, s.device, s.authenticated_at
               FROM sessions s
               JOIN accounts a ON a.account_id = s.account_id
                              AND a.access_epoch = s.access_epoch
              WHERE s.account_id = $1 AND s.ended_at IS NULL AND s.expires_at > $2
              ORDER BY s.authenticated_at DESC, s.session_id",
            values![account_id, now],
        )
        .await?;
    rows.iter()
        .map(|row| {
            Ok(ListedSession {
                id: row.get("session_id")?,
                device: row.get("device")?,
                authenticated_at: row.get("authenticated_at")?,
            })
        })
        .collect()
}

/// Ends a session; false when it had ended before.
pub async fn end(
    tx: &mut Transaction,
    account_id: AccountId,
    session_id: SessionId,
    now: Instant,
) -> Result<bool, Error> {
    let ended = tx
        .execute(
            "UPDATE sessions SET ended_at = $3
              WHERE account_id = $1 AND session_id = $2 AND ended_at IS NULL",
            values![account_id, session_id, now],
        )
        .await?;
    Ok(ended == 1)
}

/// The sessions of an account that have not ended and are not among its `kept` latest: a person has
/// so many devices, a program any number.
pub async fn list_beyond(
    reader: &mut Reader,
    account_id: AccountId,
    kept: u32,
) -> Result<Vec<SessionId>, Error> {
    let rows = reader
        .fetch_all(
            "SELECT session_id FROM sessions
              WHERE account_id = $1 AND ended_at IS NULL AND session_id NOT IN (
                    SELECT session_id FROM sessions
                     WHERE account_id = $1 AND ended_at IS NULL
                     ORDER BY authenticated_at DESC, session_id DESC LIMIT $2)
              ORDER BY session_id",
            values![account_id, kept],
        )
        .await?;
    rows.iter().map(|row| row.get("session_id")).collect()
}

/// Ends every session of an account; the number ended.
pub async fn end_all(
    tx: &mut Transaction,
    account_id: AccountId,
    now: Instant,
) -> Result<u64, Error> {
    tx.execute(
        "UPDATE sessions SET ended_at = $2 WHERE account_id = $1 AND ended_at IS NULL",
        values![account_id, now],
    )
    .await
}

/// Deletes sessions that expired before `before`; at most [`SWEEP_LIMIT`]. The number deleted.
pub async fn delete_expired(tx: &mut Transaction, before: Instant) -> Result<u64, Error> {
    tx.execute(
        "DELETE FROM sessions WHERE (account_id, session_id) IN (
             SELECT account_id, session_id FROM sessions WHERE expires_at < $1
              ORDER BY expires_at LIMIT $2)",
        values![before, SWEEP_LIMIT],
    )
    .await
}

fn read(row: &Row) -> Result<StoredSession, Error> {
    let corrupt = |column| Error::Corrupt {
        table: "sessions",
        column,
    };
    Ok(StoredSession {
        session: Session {
            account_id: row.get("account_id")?,
            id: row.get("session_id")?,
            methods: row
                .get::<String>("methods")?
                .parse()
                .map_err(|_| corrupt("methods"))?,
            authenticated_at: row.get("authenticated_at")?,
            expires_at: row.get("expires_at")?,
        },
        secret_hash: row.get("secret_hash")?,
        ended_at: row.get("ended_at")?,
        is_supported: row.get("is_supported")?,
    })
}
