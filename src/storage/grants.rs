//! The `grants` table.

use std::collections::BTreeSet;

use super::{Error, Reader, Row, Transaction, values};
use crate::domain::client::ClientId;
use crate::domain::grant::Grant;
use crate::domain::id::{AccountId, GrantId};
use crate::domain::instant::Instant;
use crate::protocol::claims_request::Claim;

/// Gives or renews a grant. A standing grant keeps its identifier, so that what rests on it goes
/// on; one that was withdrawn is made anew under `grant.id`.
pub async fn upsert(
    tx: &mut Transaction,
    account_id: AccountId,
    client_id: &ClientId,
    grant: &Grant,
) -> Result<GrantId, Error> {
    let row = tx
        .returning(
            "INSERT INTO grants (account_id, client_id, grant_id, scope, claims, terms, granted_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7)
             ON CONFLICT (account_id, client_id) DO UPDATE SET
                 grant_id = CASE WHEN grants.revoked_at IS NULL THEN grants.grant_id
                                 ELSE excluded.grant_id END,
                 scope = excluded.scope, claims = excluded.claims, terms = excluded.terms,
                 granted_at = excluded.granted_at, revoked_at = NULL
             RETURNING grant_id",
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
    row.ok_or(Error::Corrupt {
        table: "grants",
        column: "grant_id",
    })?
    .get("grant_id")
}

/// The grant an account has given a client, unless it was revoked.
pub async fn find(
    reader: &mut Reader,
    account_id: AccountId,
    client_id: &ClientId,
) -> Result<Option<Grant>, Error> {
    let row = reader
        .fetch_optional(
            "SELECT grant_id, scope, claims, terms, granted_at FROM grants
              WHERE account_id = $1 AND client_id = $2 AND revoked_at IS NULL",
            values![account_id, client_id.as_str()],
        )
        .await?;
    row.map_or(Ok(None), |row| read_joined(&row))
}

/// Withdraws a grant; false when there was none.
pub async fn revoke(
    tx: &mut Transaction,
    account_id: AccountId,
    client_id: &ClientId,
    now: Instant,
) -> Result<bool, Error> {
    let revoked = tx
        .execute(
            "UPDATE grants SET revoked_at = $3
              WHERE account_id = $1 AND client_id = $2 AND revoked_at IS NULL",
            values![account_id, client_id.as_str(), now],
        )
        .await?;
    Ok(revoked == 1)
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
