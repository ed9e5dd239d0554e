//! The `clients` table.

use super::{Error, Reader, Row, Transaction, values};
use crate::domain::client::{Client, ClientId, ClientStatus};
use crate::domain::instant::Instant;
use crate::protocol::client_metadata::ClientMetadata;

/// Inserts a client; false when the identifier is taken.
pub async fn insert(tx: &mut Transaction, client: &Client) -> Result<bool, Error> {
    let inserted = tx
        .execute(
            "INSERT INTO clients (client_id, status, metadata, secret_hash, registered_at, changed_at)
             VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING",
            values![
                client.id.as_str(),
                client.status.as_str(),
                to_json(&client.metadata)?,
                client.secret_hash.as_deref(),
                client.registered_at,
                client.changed_at,
            ],
        )
        .await?;
    Ok(inserted == 1)
}

/// The client, whatever its status.
pub async fn find(reader: &mut Reader, id: &ClientId) -> Result<Option<Client>, Error> {
    let row = reader
        .fetch_optional(
            "SELECT client_id, status, metadata, secret_hash, registered_at, changed_at
               FROM clients WHERE client_id = $1",
            values![id.as_str()],
        )
        .await?;
    row.map(|row| read(&row)).transpose()
}

/// Clients by identifier, after `after`, removed ones left out; at most `limit`.
pub async fn list(
    reader: &mut Reader,
    after: Option<&ClientId>,
    limit: u32,
) -> Result<Vec<Client>, Error> {
    let rows = reader
        .fetch_all(
            "SELECT client_id, status, metadata, secret_hash, registered_at, changed_at
               FROM clients WHERE client_id > $1 AND status <> 'removed'
              ORDER BY client_id LIMIT $2",
            values![after.map_or("", ClientId::as_str), limit],
        )
        .await?;
    rows.iter().map(read).collect()
}

/// Replaces a client's metadata; false when it is gone.
pub async fn update_metadata(
    tx: &mut Transaction,
    id: &ClientId,
    metadata: &ClientMetadata,
    secret_hash: Option<&str>,
    now: Instant,
) -> Result<bool, Error> {
    let changed = tx
        .execute(
            "UPDATE clients SET metadata = $2, secret_hash = $3, changed_at = $4
              WHERE client_id = $1 AND status <> 'removed'",
            values![id.as_str(), to_json(metadata)?, secret_hash, now],
        )
        .await?;
    Ok(changed == 1)
}

/// Puts a client's record in the place of whatever there is of it.
pub async fn put(tx: &mut Transaction, client: &Client) -> Result<(), Error> {
    tx.execute(
        "INSERT INTO clients (client_id, status, metadata, secret_hash, registered_at, changed_at)
         VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (client_id) DO UPDATE
             SET status = excluded.status, metadata = excluded.metadata,
                 secret_hash = excluded.secret_hash, registered_at = excluded.registered_at,
                 changed_at = excluded.changed_at",
        values![
            client.id.as_str(),
            client.status.as_str(),
            to_json(&client.metadata)?,
            client.secret_hash.as_deref(),
            client.registered_at,
            client.changed_at,
        ],
    )
    .await?;
    Ok(())
}

/// Moves a client to a status from any other but `removed`; false when there was nothing to move.
pub async fn update_status(
    tx: &mut Transaction,
    id: &ClientId,
    to: ClientStatus,
    now: Instant,
) -> Result<bool, Error> {
    let changed = tx
        .execute(
            "UPDATE clients SET status = $2, changed_at = $3
              WHERE client_id = $1 AND status <> $2 AND status <> 'removed'",
            values![id.as_str(), to.as_str(), now],
        )
        .await?;
    Ok(changed == 1)
}

fn to_json(metadata: &ClientMetadata) -> Result<String, Error> {
    serde_json::to_string(metadata).map_err(|_| Error::Corrupt {
        table: "clients",
        column: "metadata",
    })
}

fn read(row: &Row) -> Result<Client, Error> {
    let corrupt = |column| Error::Corrupt {
        table: "clients",
        column,
    };
    Ok(Client {
        id: row
            .get::<String>("client_id")?
            .try_into()
            .map_err(|_| corrupt("client_id"))?,
        status: ClientStatus::parse(&row.get::<String>("status")?)
            .ok_or_else(|| corrupt("status"))?,
        metadata: serde_json::from_str(&row.get::<String>("metadata")?)
            .map_err(|_| corrupt("metadata"))?,
        secret_hash: row.get("secret_hash")?,
        registered_at: row.get("registered_at")?,
        changed_at: row.get("changed_at")?,
    })
}
