//! Admits the portals and the people at the demo's own provider, as an operator would.
//!
//! Client ids and secrets are kept in a file beside the demo's database, so that a second run finds
//! the portals registered. Ports may have changed since: then the registration is brought up to
//! date. People who are there already are left as they are.

use std::collections::BTreeMap;
use std::io::{self, Write as _};
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::people::{RESIDENTS, SQUATTER};
use super::province::Province;
use super::relying_party::Credentials;
use crate::accounts::import::{ImportError, ImportListener, ImportSummary, Rejection};
use crate::domain::client::{ClientId, ParseClientIdError};
use crate::domain::secret::Secret;
use crate::ledger::audit::Operation;
use crate::outbound::GuardedClient;
use crate::protocol::client_metadata::ClientMetadata;
use crate::protocol::error::OAuthError;
use crate::provider::Provider;
use crate::provider::register_client::{ClientError, Registration};

/// Why the demo could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum RegistrationError {
    /// The file of client ids cannot be read or written.
    #[error("the file of the portals' credentials: {0}")]
    File(#[from] io::Error),
    /// It is not what was written.
    #[error("the file of the portals' credentials is malformed; `demo --fresh` starts over")]
    Malformed,
    /// The provider refused a portal.
    #[error("a portal was not registered: {0}")]
    Client(#[from] ClientError),
    /// The provider refused people.
    #[error("the people could not be imported: {0}")]
    Import(#[from] ImportError),
    /// The provider refused somebody.
    #[error("person {line} could not be imported: {reason}")]
    Rejected {
        /// Which, from 1.
        line: u64,
        /// Why.
        reason: String,
    },
}

impl From<OAuthError> for RegistrationError {
    fn from(error: OAuthError) -> Self {
        Self::Client(ClientError::from(error))
    }
}

impl From<ParseClientIdError> for RegistrationError {
    fn from(_: ParseClientIdError) -> Self {
        Self::Malformed
    }
}

/// The file: credentials by province.
#[derive(Default, Serialize, Deserialize)]
#[serde(transparent)]
struct Kept(BTreeMap<String, KeptCredentials>);

#[derive(Clone, Serialize, Deserialize)]
struct KeptCredentials {
    client_id: String,
    client_secret: String,
}

impl From<KeptCredentials> for Credentials {
    fn from(kept: KeptCredentials) -> Self {
        Self {
            client_id: kept.client_id,
            client_secret: Secret::new(kept.client_secret),
        }
    }
}

/// Registers portals at the demo's provider.
pub struct Registrar<'a> {
    provider: &'a Provider,
    fetcher: &'a GuardedClient,
    file: &'a Path,
}

impl<'a> Registrar<'a> {
    /// For this provider, remembering in `file`.
    pub const fn new(provider: &'a Provider, fetcher: &'a GuardedClient, file: &'a Path) -> Self {
        Self {
            provider,
            fetcher,
            file,
        }
    }

    /// The credentials of the portal at `origin`, registered now if it is not yet.
    pub async fn admit(
        &self,
        province: &Province,
        origin: &str,
    ) -> Result<Credentials, RegistrationError> {
        let mut kept = self.read()?;
        if let Some(known) = kept.0.get(province.key)
            && self.bring_up_to_date(known, province, origin).await?
        {
            return Ok(known.clone().into());
        }
        let raw = province.metadata(origin)?;
        let registered = self
            .provider
            .register_client(raw, self.fetcher, operation())
            .await?;
        let credentials = credentials(&registered).ok_or(RegistrationError::Malformed)?;
        kept.0.insert(province.key.to_owned(), credentials.clone());
        self.write(&kept)?;
        Ok(credentials.into())
    }

    /// Whether the client is still there; what it registered is then what it would register now.
    async fn bring_up_to_date(
        &self,
        known: &KeptCredentials,
        province: &Province,
        origin: &str,
    ) -> Result<bool, RegistrationError> {
        let id = ClientId::try_from(known.client_id.clone())?;
        let client = match self.provider.find_client(&id).await {
            Ok(client) => client,
            Err(ClientError::Unknown) => return Ok(false),
            Err(error) => return Err(error.into()),
        };
        let raw = province.metadata(origin)?;
        if client.metadata != ClientMetadata::try_from(raw.clone())? {
            self.provider
                .update_client(id, raw, self.fetcher, operation())
                .await?;
        }
        Ok(true)
    }

    fn read(&self) -> Result<Kept, RegistrationError> {
        match std::fs::read(self.file) {
            Ok(text) => serde_json::from_slice(&text).map_err(|_| RegistrationError::Malformed),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Kept::default()),
            Err(error) => Err(error.into()),
        }
    }

    /// For the owner's eyes only.
    fn write(&self, kept: &Kept) -> Result<(), RegistrationError> {
        let text = serde_json::to_vec_pretty(kept).map_err(|_| RegistrationError::Malformed)?;
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options.open(self.file)?.write_all(&text)?;
        Ok(())
    }
}

fn operation() -> Operation {
    Operation::new("demo", "tongxing demo")
}

fn credentials(registered: &Registration) -> Option<KeptCredentials> {
    let shown = serde_json::to_value(registered).ok()?;
    let text = |member| Some(shown.get(member).and_then(Value::as_str)?.to_owned());
    Some(KeptCredentials {
        client_id: text("client_id")?,
        client_secret: text("client_secret")?,
    })
}

/// Imports the people; those who are there stay as they are.
pub async fn import_people(provider: &Provider) -> Result<(), RegistrationError> {
    let mut listener = FirstRejection::default();
    let residents = RESIDENTS.iter().chain([&SQUATTER]);
    let lines = residents.map(|resident| Ok(resident.import_line()));
    provider.accounts().import(lines, &mut listener).await?;
    match listener.0 {
        Some((line, reason)) => Err(RegistrationError::Rejected { line, reason }),
        None => Ok(()),
    }
}

#[derive(Default)]
struct FirstRejection(Option<(u64, String)>);

impl ImportListener for FirstRejection {
    fn rejected(&mut self, rejection: &Rejection) -> io::Result<()> {
        self.0
            .get_or_insert_with(|| (rejection.line, rejection.reason.clone()));
        Ok(())
    }

    fn progress(&mut self, _: &ImportSummary) {}
}
