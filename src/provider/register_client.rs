//! Registering clients and changing them (RFC 7591 metadata, by an operator).

use serde::Serialize;

use super::Provider;
use super::subject::sector_of;
use crate::crypto::client_secret::{self, ClientSecretHash};
use crate::domain::client::{Client, ClientId, ClientStatus};
use crate::domain::instant::Instant;
use crate::domain::secret::Secret;
use crate::ledger::audit::{Event, EventKind, Operation};
use crate::ledger::feed::Change;
use crate::outbound::{FetchError, GuardedClient};
use crate::protocol::client_metadata::ClientMetadata;
use crate::protocol::client_metadata::raw::RawClientMetadata;
use crate::protocol::client_metadata::registration::RegistrationPolicy;
use crate::protocol::error::OAuthError;
use crate::storage::{self, clients};

/// The longest sector document that is read, in bytes.
const MAX_SECTOR_DOCUMENT: usize = 64 * 1024;

/// A registration as its owner sees it (RFC 7591 §3.2.1).
#[derive(Serialize)]
pub struct Registration {
    /// The identifier.
    pub client_id: ClientId,
    /// The secret, shown this once; none for a public client.
    #[serde(skip_serializing_if = "Option::is_none")]
    client_secret: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_secret_expires_at: Option<u8>,
    client_id_issued_at: i64,
    /// `active` or `suspended`.
    status: ClientStatus,
    #[serde(flatten)]
    metadata: ClientMetadata,
}

impl Registration {
    /// A client as registered; its secret is not known any more.
    pub fn of(client: &Client) -> Self {
        Self {
            client_id: client.id.clone(),
            client_secret: None,
            client_secret_expires_at: None,
            client_id_issued_at: client.registered_at.as_seconds(),
            status: client.status,
            metadata: client.metadata.clone(),
        }
    }

    fn with_secret(mut self, secret: Option<&Secret<String>>) -> Self {
        self.client_secret = secret.map(|secret| secret.expose().clone());
        // RFC 7591 §3.2.1: 0 is "does not expire".
        self.client_secret_expires_at = secret.map(|_| 0);
        self
    }
}

/// Why a client was not registered or changed.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The metadata is not acceptable.
    #[error("{}: {}", .0.code().as_str(), .0.description())]
    Metadata(OAuthError),
    /// The sector document could not be read.
    #[error("sector_identifier_uri: {0}")]
    Sector(#[from] FetchError),
    /// Residents would meet it under other subjects, or it would learn those of another sector.
    #[error("the sector of the subjects is fixed at registration: register another client")]
    OtherSector,
    /// There is no such client.
    #[error("there is no such client")]
    Unknown,
    /// The client is in that state already.
    #[error("the client is in that state already")]
    Already,
    /// Storage did not answer.
    #[error(transparent)]
    Storage(#[from] storage::Error),
}

impl From<OAuthError> for ClientError {
    fn from(error: OAuthError) -> Self {
        Self::Metadata(error)
    }
}

impl Provider {
    /// Registers a client.
    pub async fn register_client(
        &self,
        raw: RawClientMetadata,
        fetcher: &GuardedClient,
        operation: Operation,
    ) -> Result<Registration, ClientError> {
        let metadata = accept(raw, fetcher).await?;
        let now = self.now();
        let secret = (!metadata.is_public()).then(|| client_secret::generate(&*self.entropy));
        let client = Client {
            id: ClientId::draw(&*self.entropy),
            status: ClientStatus::Active,
            metadata,
            secret_hash: secret
                .as_ref()
                .map(|secret| ClientSecretHash::of(secret).to_string()),
            registered_at: now,
            changed_at: now,
        };
        let registration = Registration::of(&client).with_secret(secret.as_ref());
        let event = event(EventKind::ClientAdded, &client.id, &operation, now);
        self.ledger
            .write((client, event), |entry, (client, event)| {
                Box::pin(async move {
                    if !clients::insert(entry.tx(), client).await? {
                        return Err(ClientError::Already);
                    }
                    entry.announce(Change::ClientChanged(client.id.to_string()));
                    Ok(entry.record(event).await?)
                })
            })
            .await?;
        Ok(registration)
    }

    /// Replaces a client's metadata. Its secret stays, unless it had none and needs one now.
    pub async fn update_client(
        &self,
        id: ClientId,
        raw: RawClientMetadata,
        fetcher: &GuardedClient,
        operation: Operation,
    ) -> Result<Registration, ClientError> {
        let metadata = accept(raw, fetcher).await?;
        let mut client = self.find_client(&id).await?;
        check_sector(&client, &metadata)?;
        let now = self.now();
        let needs_secret = !metadata.is_public() && client.secret_hash.is_none();
        let secret = needs_secret.then(|| client_secret::generate(&*self.entropy));
        if let Some(secret) = &secret {
            client.secret_hash = Some(ClientSecretHash::of(secret).to_string());
        }
        client.secret_hash = client.secret_hash.filter(|_| !metadata.is_public());
        client.metadata = metadata;
        let registration = Registration::of(&client).with_secret(secret.as_ref());
        let event = event(EventKind::ClientUpdated, &id, &operation, now);
        self.ledger
            .write((client, event, now), |entry, (client, event, now)| {
                Box::pin(async move {
                    let hash = client.secret_hash.as_deref();
                    let tx = entry.tx();
                    let metadata = &client.metadata;
                    if !clients::update_metadata(tx, &client.id, metadata, hash, *now).await? {
                        return Err(ClientError::Unknown);
                    }
                    entry.announce(Change::ClientChanged(client.id.to_string()));
                    Ok(entry.record(event).await?)
                })
            })
            .await?;
        Ok(registration)
    }

    /// Suspends, resumes or removes a client. It bites within a second, in every process.
    pub async fn change_client_status(
        &self,
        id: ClientId,
        to: ClientStatus,
        operation: Operation,
    ) -> Result<(), ClientError> {
        let now = self.now();
        let kind = match to {
            ClientStatus::Active => EventKind::ClientResumed,
            ClientStatus::Suspended => EventKind::ClientSuspended,
            ClientStatus::Removed => EventKind::ClientRemoved,
        };
        let event = event(kind, &id, &operation, now);
        self.ledger
            .write((id, to, event, now), |entry, (id, to, event, now)| {
                Box::pin(async move {
                    if !clients::update_status(entry.tx(), id, *to, *now).await? {
                        let known = clients::find(entry.tx(), id).await?;
                        return Err(match known {
                            Some(client) if client.status != ClientStatus::Removed => {
                                ClientError::Already
                            }
                            _ => ClientError::Unknown,
                        });
                    }
                    entry.announce(Change::ClientChanged(id.to_string()));
                    Ok(entry.record(event).await?)
                })
            })
            .await
    }

    /// A client, whatever its status; removed ones are gone.
    pub async fn find_client(&self, id: &ClientId) -> Result<Client, ClientError> {
        let mut reader = self.ledger.reader().await?;
        let found = clients::find(&mut reader, id).await?;
        found
            .filter(|client| client.status != ClientStatus::Removed)
            .ok_or(ClientError::Unknown)
    }

    /// Clients after `after`, by identifier.
    pub async fn list_clients(
        &self,
        after: Option<&ClientId>,
        limit: u32,
    ) -> Result<Vec<Client>, storage::Error> {
        let mut reader = self.ledger.reader().await?;
        clients::list(&mut reader, after, limit).await
    }
}

/// Holds metadata against the rules, the sector document included (OpenID Connect Core §8.1).
async fn accept(
    raw: RawClientMetadata,
    fetcher: &GuardedClient,
) -> Result<ClientMetadata, ClientError> {
    let metadata = ClientMetadata::register(raw, &RegistrationPolicy::default())?;
    if let Some(uri) = metadata.sector_identifier_uri() {
        let document: Vec<String> = fetcher.get_json(uri.as_str(), MAX_SECTOR_DOCUMENT).await?;
        metadata.check_sector_document(&document)?;
    }
    Ok(metadata)
}

/// The sector is fixed at registration (DESIGN §3). A portal that moves keeps it by a
/// `sector_identifier_uri` on the host it had.
fn check_sector(client: &Client, metadata: &ClientMetadata) -> Result<(), ClientError> {
    let has_residents = !client.metadata.redirect_uris().is_empty();
    if has_residents && sector_of(&client.metadata) != sector_of(metadata) {
        return Err(ClientError::OtherSector);
    }
    Ok(())
}

fn event(kind: EventKind, id: &ClientId, operation: &Operation, now: Instant) -> Event {
    Event::new(kind, now).client(id.as_str()).by(operation)
}
