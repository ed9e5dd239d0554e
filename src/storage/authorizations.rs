//! The `authorizations` table. Inserting a row is what redeems a code: the key is the code's own
//! identifier, so of any number of racing redemptions one inserts.

use serde::{Deserialize, Serialize};

use super::{Error, Reader, Row, SWEEP_LIMIT, Transaction, accounts, values};
use crate::domain::account::SealedProfile;
use crate::domain::authorization::Authorization;
use crate::domain::client::ClientId;
use crate::domain::id::{AccountId, AuthorizationId, SessionId};
use crate::domain::instant::Instant;
use crate::domain::session::Session;

/// Redeems a code: inserts its authorization if the session, the account, the grant and the client
/// still hold. Where there is nothing to refresh it is kept as long as its session, since its client
/// is to hear when that ends. False when one of them does not, or the code was redeemed before.
///
/// The session's row is locked, so that of a redemption and the session's end one waits for the
/// other: either the end is seen and nothing is redeemed, or whoever looks after the end
/// ([`list_entered`]) sees the redemption.
pub async fn redeem(
    tx: &mut Transaction,
    authorization: &Authorization,
    now: Instant,
) -> Result<bool, Error> {
    let inserted = tx
        .execute(
            "INSERT INTO authorizations (account_id, authorization_id, client_id, session_id,
                                         grant_id, subject, scope, details, issued_at, expires_at,
                                         refresh_count, access_epoch)
             SELECT a.account_id, $2, $3, $4, $5, $6, $7, $8, $9,
                    CASE WHEN $11 IS NULL AND s.expires_at > $10 THEN s.expires_at ELSE $10 END,
                    $11, a.access_epoch
               FROM accounts a
               JOIN sessions s ON s.account_id = a.account_id AND s.session_id = $4
                              AND s.access_epoch = a.access_epoch
              WHERE a.account_id = $1 AND a.status = 'active'
                AND s.ended_at IS NULL AND s.expires_at > $12
                AND EXISTS (SELECT 1 FROM grants g
                             WHERE g.account_id = $1 AND g.client_id = $3
                               AND g.grant_id = $5 AND g.revoked_at IS NULL)
                AND EXISTS (SELECT 1 FROM clients c
                             WHERE c.client_id = $3 AND c.status = 'active')
                FOR SHARE OF s
             ON CONFLICT DO NOTHING",
            values![
                authorization.account_id,
                authorization.id,
                authorization.client_id.as_str(),
                authorization.session_id,
                authorization.grant_id,
                authorization.subject.as_str(),
                authorization.scope.to_string(),
                details_text(authorization)?,
                authorization.issued_at,
                authorization.expires_at,
                authorization.refresh_count,
                now,
            ],
        )
        .await?;
    Ok(inserted == 1)
}

/// Keeps the authorizations of a session that is renewed as long as it will last, as [`redeem`]
/// does with those to come. The number kept longer.
pub async fn keep_with_session(tx: &mut Transaction, session: &Session) -> Result<u64, Error> {
    tx.execute(
        "UPDATE authorizations SET expires_at = $3
          WHERE account_id = $1 AND session_id = $2 AND refresh_count IS NULL
            AND expires_at < $3",
        values![session.account_id, session.id, session.expires_at],
    )
    .await
}

/// An authorization as found, and what decides whether it still holds.
#[derive(Debug)]
pub struct StoredAuthorization {
    /// The authorization.
    pub authorization: Authorization,
    /// When its refresh token last rotated.
    pub rotated_at: Option<Instant>,
    /// When it was revoked.
    pub revoked_at: Option<Instant>,
    /// Whether its account is active and the grant it rests on stands.
    pub is_supported: bool,
}

impl StoredAuthorization {
    /// Whether tokens may be issued from it and used.
    pub fn holds(&self, now: Instant) -> bool {
        self.is_supported && self.revoked_at.is_none() && self.authorization.expires_at > now
    }
}

/// The authorization, whether it still holds or not.
pub async fn find(
    reader: &mut Reader,
    account_id: AccountId,
    id: AuthorizationId,
) -> Result<Option<StoredAuthorization>, Error> {
    let row = reader
        .fetch_optional(
            "SELECT z.account_id, z.authorization_id, z.client_id, z.session_id, z.grant_id,
                    z.subject, z.scope, z.details, z.issued_at, z.expires_at, z.refresh_count,
                    z.rotated_at, z.revoked_at,
                    (a.status = 'active' AND g.grant_id IS NOT NULL
                     AND z.access_epoch = a.access_epoch) AS is_supported
               FROM authorizations z
               JOIN accounts a ON a.account_id = z.account_id
               LEFT JOIN grants g ON g.account_id = z.account_id AND g.client_id = z.client_id
                                 AND g.grant_id = z.grant_id AND g.revoked_at IS NULL
              WHERE z.account_id = $1 AND z.authorization_id = $2",
            values![account_id, id],
        )
        .await?;
    row.map(|row| read(&row)).transpose()
}

/// The same, with the sealed profile of its account: all that userinfo reads, in one statement.
pub async fn find_with_profile(
    reader: &mut Reader,
    account_id: AccountId,
    id: AuthorizationId,
) -> Result<Option<(StoredAuthorization, SealedProfile)>, Error> {
    let row = reader
        .fetch_optional(
            "SELECT z.account_id, z.authorization_id, z.client_id, z.session_id, z.grant_id,
                    z.subject, z.scope, z.details, z.issued_at, z.expires_at, z.refresh_count,
                    z.rotated_at, z.revoked_at,
                    (a.status = 'active' AND g.grant_id IS NOT NULL
                     AND z.access_epoch = a.access_epoch) AS is_supported,
                    a.key_bucket, a.key_version, a.wrapped_key, a.profile
               FROM authorizations z
               JOIN accounts a ON a.account_id = z.account_id
               LEFT JOIN grants g ON g.account_id = z.account_id AND g.client_id = z.client_id
                                 AND g.grant_id = z.grant_id AND g.revoked_at IS NULL
              WHERE z.account_id = $1 AND z.authorization_id = $2",
            values![account_id, id],
        )
        .await?;
    row.map(|row| Ok((read(&row)?, accounts::read_sealed(&row)?)))
        .transpose()
}

/// Moves the refresh family's counter on by one; false when it is no longer at `count`, or the
/// authorization was revoked.
pub async fn rotate_refresh(
    tx: &mut Transaction,
    account_id: AccountId,
    id: AuthorizationId,
    count: u32,
    now: Instant,
) -> Result<bool, Error> {
    let rotated = tx
        .execute(
            "UPDATE authorizations SET refresh_count = refresh_count + 1, rotated_at = $4
              WHERE account_id = $1 AND authorization_id = $2 AND refresh_count = $3
                AND revoked_at IS NULL",
            values![account_id, id, count, now],
        )
        .await?;
    Ok(rotated == 1)
}

/// Revokes an authorization and every token of it; false when it was revoked before.
pub async fn revoke(
    tx: &mut Transaction,
    account_id: AccountId,
    id: AuthorizationId,
    now: Instant,
) -> Result<bool, Error> {
    let revoked = tx
        .execute(
            "UPDATE authorizations SET revoked_at = $3
              WHERE account_id = $1 AND authorization_id = $2 AND revoked_at IS NULL",
            values![account_id, id, now],
        )
        .await?;
    Ok(revoked == 1)
}

/// A client that was entered in a session, and by which subject it knows the account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnteredClient {
    /// The session.
    pub session_id: SessionId,
    /// The client.
    pub client_id: ClientId,
    /// The subject.
    pub subject: String,
}

/// The clients that were entered in the sessions of an account which ended at `ended_at`.
///
/// `CROSS JOIN`, by which SQLite looks at the sessions first: they are fewer.
pub async fn list_entered(
    reader: &mut Reader,
    account_id: AccountId,
    ended_at: Instant,
) -> Result<Vec<EnteredClient>, Error> {
    let rows = reader
        .fetch_all(
            "SELECT DISTINCT s.session_id, z.client_id, z.subject
               FROM sessions s CROSS JOIN authorizations z
              WHERE s.account_id = $1 AND s.ended_at = $2
                AND z.account_id = s.account_id AND z.session_id = s.session_id
              ORDER BY s.session_id, z.client_id",
            values![account_id, ended_at],
        )
        .await?;
    rows.iter()
        .map(|row| {
            Ok(EnteredClient {
                session_id: row.get("session_id")?,
                client_id: row
                    .get::<String>("client_id")?
                    .try_into()
                    .map_err(|_| corrupt("client_id"))?,
                subject: row.get("subject")?,
            })
        })
        .collect()
}

/// Revokes every authorization of an account; the number revoked.
pub async fn revoke_all(
    tx: &mut Transaction,
    account_id: AccountId,
    now: Instant,
) -> Result<u64, Error> {
    tx.execute(
        "UPDATE authorizations SET revoked_at = $2 WHERE account_id = $1 AND revoked_at IS NULL",
        values![account_id, now],
    )
    .await
}

/// Deletes authorizations that expired before `before`; at most [`SWEEP_LIMIT`]. The number deleted.
pub async fn delete_expired(tx: &mut Transaction, before: Instant) -> Result<u64, Error> {
    tx.execute(
        "DELETE FROM authorizations WHERE (account_id, authorization_id) IN (
             SELECT account_id, authorization_id FROM authorizations WHERE expires_at < $1
              ORDER BY expires_at LIMIT $2)",
        values![before, SWEEP_LIMIT],
    )
    .await
}

fn details_text(authorization: &Authorization) -> Result<String, Error> {
    serde_json::to_string(&authorization.details).map_err(|_| corrupt("details"))
}

fn corrupt(column: &'static str) -> Error {
    Error::Corrupt {
        table: "authorizations",
        column,
    }
}

fn read(row: &Row) -> Result<StoredAuthorization, Error> {
    let refresh_count = row.get::<Option<i64>>("refresh_count")?;
    Ok(StoredAuthorization {
        authorization: Authorization {
            account_id: row.get("account_id")?,
            id: row.get("authorization_id")?,
            client_id: row
                .get::<String>("client_id")?
                .try_into()
                .map_err(|_| corrupt("client_id"))?,
            session_id: row.get("session_id")?,
            grant_id: row.get("grant_id")?,
            subject: row.get("subject")?,
            scope: row
                .get::<String>("scope")?
                .parse()
                .map_err(|_| corrupt("scope"))?,
            details: serde_json::from_str(&row.get::<String>("details")?)
                .map_err(|_| corrupt("details"))?,
            issued_at: row.get("issued_at")?,
            expires_at: row.get("expires_at")?,
            refresh_count: refresh_count
                .map(|count| u32::try_from(count).map_err(|_| corrupt("refresh_count")))
                .transpose()?,
        },
        rotated_at: row.get("rotated_at")?,
        revoked_at: row.get("revoked_at")?,
        is_supported: row.get("is_supported")?,
    })
}
