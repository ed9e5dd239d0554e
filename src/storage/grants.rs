//! The `grants` table.

use std::collections::BTreeSet;

use super::{Error, Reader, Row, Transaction, values};
use crate::domain::client::ClientId;
use crate::domain::grant::Grant;
use crate::domain::id::{AccountId, GrantId};
use crate::domain::instant::Instant;
use crate::protocol::claims_request::Claim;

/// How often another tab's grant may come between looking for one and making one: it is there or
/// it is not, and only a withdrawal at the same moment could make it vanish again.
const ATTEMPTS: usize = 3;

/// Gives a grant, joined to a standing one: of two tabs that allow different things, both count. A
/// standing grant keeps its identifier, so that what rests on it goes on; one that was withdrawn is
/// made anew under `grant.id`.
pub async fn give(
    tx: &mut Transaction,
    account_id: AccountId,
    client_id: &ClientId,
    grant: &Grant,
) -> Result<GrantId, Error> {
    for _ in 0..ATTEMPTS {
        if let Some(standing) = lock(tx, account_id, client_id).await? {
            let id = standing.id;
            let joined = grant.joined(Some(standing));
            update(tx, account_id, client_id, &joined).await?;
            return Ok(id);
        }
        if insert(tx, account_id, client_id, grant).await? {
            return Ok(grant.id);
        }
    }
    Err(Error::Unavailable(
        "a grant is being given and withdrawn at once".to_owned(),
    ))
}

/// The grant an account has given a client, unless it was revoked; nobody else changes it until
/// this transaction ends.
async fn lock(
    tx: &mut Transaction,
    account_id: AccountId,
    client_id: &ClientId,
) -> Result<Option<Grant>, Error> {
    let row = tx
        .returning(
            "UPDATE grants SET granted_at = granted_at
              WHERE account_id = $1 AND client_id = $2 AND revoked_at IS NULL
             RETURNING grant_id, scope, claims, terms, granted_at",
            values![account_id, client_id.as_str()],
        )
        .await?;
    row.map_or(Ok(None), |row| read_joined(&row))
}

/// Gives a grant where none stands; false when one does. One that was withdrawn is made anew.
async fn insert(
    tx: &mut Transaction,
    account_id: AccountId,
    client_id: &ClientId,
    grant: &Grant,
) -> Result<bool, Error> {
    let inserted = tx
        .execute(
            "INSERT INTO grants (account_id, client_id, grant_id, scope, claims, terms, granted_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7)
             ON CONFLICT (account_id, client_id) DO UPDATE SET
                 grant_id = excluded.grant_id, scope = excluded.scope,
                 claims = excluded.claims, terms = excluded.terms,
                 granted_at = excluded.granted_at, revoked_at = NULL
              WHERE grants.revoked_at IS NOT NULL",
            values![
                account_id,
                client_id.as_str(),
                grant.id,
                grant.scope.to_string(),
                claims_text(&grant.claims),
                grant.terms.as_str(),
                grant.granted_at,
            ],
        )
        .await?;
    Ok(inserted == 1)
}

/// Gives a standing grant, which has been [`lock`]ed, another content. It keeps its identifier, so
/// that what rests on it goes on.
async fn update(
    tx: &mut Transaction,
    account_id: AccountId,
    client_id: &ClientId,
    grant: &Grant,
) -> Result<(), Error> {
    tx.execute(
        "UPDATE grants SET scope = $3, claims = $4, terms = $5, granted_at = $6
          WHERE account_id = $1 AND client_id = $2 AND revoked_at IS NULL",
        values![
            account_id,
            client_id.as_str(),
            grant.scope.to_string(),
            claims_text(&grant.claims),
            grant.terms.as_str(),
            grant.granted_at,
        ],
    )
    .await?;
    Ok(())
}

/// Withdraws what an account has granted a client: the grant, if there was one.
pub async fn revoke(
    tx: &mut Transaction,
    account_id: AccountId,
    client_id: &ClientId,
    now: Instant,
) -> Result<Option<GrantId>, Error> {
    let revoked = tx
        .returning(
            "UPDATE grants SET revoked_at = $3
              WHERE account_id = $1 AND client_id = $2 AND revoked_at IS NULL
          RETURNING grant_id",
            values![account_id, client_id.as_str(), now],
        )
        .await?;
    revoked.map(|row| row.get("grant_id")).transpose()
}

/// Withdraws every grant of an account; the number withdrawn.
pub async fn revoke_all(
    tx: &mut Transaction,
    account_id: AccountId,
    now: Instant,
) -> Result<u64, Error> {
    tx.execute(
        "UPDATE grants SET revoked_at = $2 WHERE account_id = $1 AND revoked_at IS NULL",
        values![account_id, now],
    )
    .await
}

/// What an account has given to whom, the latest first.
pub async fn list(
    reader: &mut Reader,
    account_id: AccountId,
) -> Result<Vec<(ClientId, Grant)>, Error> {
    let rows = reader
        .fetch_all(
            "SELECT client_id, grant_id, scope, claims, terms, granted_at FROM grants
              WHERE account_id = $1 AND revoked_at IS NULL ORDER BY granted_at DESC, client_id",
            values![account_id],
        )
        .await?;
    let mut given = Vec::with_capacity(rows.len());
    for row in &rows {
        let client_id = row.get::<String>("client_id")?;
        let client_id = client_id.try_into().map_err(|_| Error::Corrupt {
            table: "grants",
            column: "client_id",
        })?;
        given.extend(read_joined(row)?.map(|grant| (client_id, grant)));
    }
    Ok(given)
}

/// Reads a grant out of a row that may have none (an outer join).
pub(super) fn read_joined(row: &Row) -> Result<Option<Grant>, Error> {
    let corrupt = |column| Error::Corrupt {
        table: "grants",
        column,
    };
    let Some(id) = row.get("grant_id")? else {
        return Ok(None);
    };
    Ok(Some(Grant {
        id,
        scope: row
            .get::<String>("scope")?
            .parse()
            .map_err(|_| corrupt("scope"))?,
        claims: row
            .get::<String>("claims")?
            .split_whitespace()
            .map(|name| Claim::parse(name).ok_or_else(|| corrupt("claims")))
            .collect::<Result<_, _>>()?,
        terms: row.get("terms")?,
        granted_at: row.get("granted_at")?,
    }))
}

fn claims_text(claims: &BTreeSet<Claim>) -> String {
    claims
        .iter()
        .map(|claim| claim.as_str())
        .collect::<Vec<_>>()
        .join(" ")
}
