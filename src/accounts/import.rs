//! Bulk import of accounts: one JSON object a line, read as a stream.
//!
//! A line stands or falls alone, and lines are written side by side. A line whose document has an
//! account already changes nothing, so that an import which was cut off is resumed by running it
//! again.

use serde::Serialize;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::Accounts;
use super::opening::{AccountParts, NewAccount};
use crate::crypto::password::PasswordError;
use crate::domain::account_record::{AccountRecord, ImportedCredential};
use crate::domain::check::Check;
use crate::domain::id::{AccountId, CredentialId};
use crate::domain::instant::Instant;
use crate::ledger::Entry;
use crate::ledger::audit::{Event, EventKind};
use crate::ledger::profiles::ProfileError;
use crate::storage::accounts::Insertion;
use crate::storage::credentials::PasswordCredential;
use crate::storage::{self, account_index};

/// How many lines are worked on at once. More than hashing threads and database connections, so
/// that neither waits; few enough to bound memory.
const IN_FLIGHT: usize = 64;
/// How often one account is sealed anew because its bucket's key was replaced before it was there.
const SEALED_ANEW: u32 = 8;

/// What became of an import.
#[derive(Debug, Default, Clone, Copy, Serialize)]
pub struct ImportSummary {
    /// Accounts made.
    pub imported: u64,
    /// Lines whose document has an account already.
    pub existing: u64,
    /// Lines refused.
    pub rejected: u64,
}

/// A refused line.
#[derive(Debug, Serialize)]
pub struct Rejection {
    /// The line's number, from 1.
    pub line: u64,
    /// Why, without anything personal.
    pub reason: String,
}

/// Who hears how an import goes.
pub trait ImportListener: Send {
    /// A line was refused.
    fn rejected(&mut self, rejection: &Rejection) -> std::io::Result<()>;
    /// Some lines are done.
    fn progress(&mut self, summary: &ImportSummary);
}

/// Why an import stopped before its end.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The file could not be read, or the rejections not be written.
    #[error("line {line}: {source}")]
    Io {
        /// The line it stopped at.
        line: u64,
        /// What the system said.
        source: std::io::Error,
    },
    /// A profile could not be sealed.
    #[error(transparent)]
    Profile(#[from] ProfileError),
    /// Storage did not answer.
    #[error(transparent)]
    Storage(#[from] storage::Error),
}

/// Why one line was not imported.
#[derive(Debug)]
enum LineError {
    Existing,
    Rejected(String),
    /// The account's key no longer stands: seal it anew.
    KeyReplaced,
    Failed(ImportError),
}

impl From<storage::Error> for LineError {
    fn from(error: storage::Error) -> Self {
        Self::Failed(error.into())
    }
}

impl From<ProfileError> for LineError {
    fn from(error: ProfileError) -> Self {
        Self::Failed(error.into())
    }
}

impl Accounts {
    /// Imports every line of `lines`, on nobody's order; the caller bounds them.
    pub async fn import(
        &self,
        lines: impl Iterator<Item = std::io::Result<Vec<u8>>>,
        listener: &mut dyn ImportListener,
    ) -> Result<ImportSummary, ImportError> {
        self.import_with(lines, listener, json!({})).await
    }

    /// The same on an operator's order, for a reason: both go to the audit log.
    pub async fn import_by(
        &self,
        lines: impl Iterator<Item = std::io::Result<Vec<u8>>>,
        listener: &mut dyn ImportListener,
        (operator, reason): (&str, &str),
    ) -> Result<ImportSummary, ImportError> {
        let detail = json!({ "operator": operator, "reason": reason });
        self.import_with(lines, listener, detail).await
    }

    async fn import_with(
        &self,
        lines: impl Iterator<Item = std::io::Result<Vec<u8>>>,
        listener: &mut dyn ImportListener,
        detail: Value,
    ) -> Result<ImportSummary, ImportError> {
        let mut summary = ImportSummary::default();
        let mut running = JoinSet::new();
        for (line, text) in (1..).zip(lines) {
            let text = text.map_err(|source| ImportError::Io { line, source })?;
            if text.trim_ascii().is_empty() {
                continue;
            }
            while running.len() >= IN_FLIGHT {
                settle(&mut running, &mut summary, listener).await?;
            }
            let (accounts, detail) = (self.clone(), detail.clone());
            running.spawn(async move { (line, accounts.import_line(&text, detail).await) });
        }
        while !running.is_empty() {
            settle(&mut running, &mut summary, listener).await?;
        }
        listener.progress(&summary);
        Ok(summary)
    }

    async fn import_line(&self, text: &[u8], detail: Value) -> Result<(), LineError> {
        let now = self.now();
        let record = AccountRecord::parse(text, now)
            .map_err(|reason| LineError::Rejected(reason.to_string()))?;
        let document_key = self.document_key(&record.document);
        let mut reader = self.ledger.reader().await?;
        // Before the costly hash; the insertion decides all the same.
        if account_index::find_by_document(&mut reader, &document_key)
            .await?
            .is_some()
        {
            return Err(LineError::Existing);
        }
        drop(reader);
        let password = self.password_credential(record.credential, now).await?;
        let phone_check = Check::phone_confirmed_by("import", now);
        let parts = AccountParts {
            id: AccountId::random(&*self.entropy),
            name: record.name,
            document: record.document,
            phone: record.phone,
            email: record.email,
            checks: record.checks.into_iter().chain([phone_check]).collect(),
            password,
        };
        let new = self.new_account(parts, now).await?;
        self.store(new, detail).await
    }

    /// Writes an account. Its bucket's key may be replaced since the profile was sealed.
    async fn store(&self, mut new: NewAccount, detail: Value) -> Result<(), LineError> {
        for _ in 0..SEALED_ANEW {
            let writing = self
                .ledger
                .write((new.clone(), detail.clone()), |entry, (new, detail)| {
                    Box::pin(write_account(entry, (new, detail)))
                });
            match writing.await {
                Err(LineError::KeyReplaced) => self.seal_anew(&mut new).await?,
                written => return written,
            }
        }
        Err(LineError::KeyReplaced)
    }

    async fn password_credential(
        &self,
        credential: ImportedCredential,
        now: Instant,
    ) -> Result<PasswordCredential, LineError> {
        let hash = match credential {
            ImportedCredential::Hash(hash) => hash.as_str().to_owned(),
            ImportedCredential::Password(password) => loop {
                match self.passwords.hash(password.clone()).await {
                    Ok(hash) => break hash.as_str().to_owned(),
                    // The import waits for its turn; residents who log in do not.
                    Err(PasswordError::Busy) => tokio::task::yield_now().await,
                    Err(error) => return Err(LineError::Rejected(format!("password: {error}"))),
                }
            },
        };
        Ok(PasswordCredential {
            id: CredentialId::ordered(now, &*self.entropy),
            hash,
        })
    }
}

async fn write_account(
    entry: &mut Entry<'_>,
    (new, detail): (&NewAccount, &Value),
) -> Result<(), LineError> {
    if !new.claim_document(entry).await? {
        return Err(LineError::Existing);
    }
    if !new.claim_phone(entry).await? {
        let reason = "phone_number: serves as many accounts as it may";
        return Err(LineError::Rejected(reason.to_owned()));
    }
    match new.insert(entry).await? {
        Insertion::Inserted => {}
        Insertion::KeyReplaced => return Err(LineError::KeyReplaced),
    }
    let event = Event::new(EventKind::AccountImported, new.created_at()).account(new.id());
    Ok(entry.record(&event.detail(detail.clone())).await?)
}

/// Takes up one finished line.
async fn settle(
    running: &mut JoinSet<(u64, Result<(), LineError>)>,
    summary: &mut ImportSummary,
    listener: &mut dyn ImportListener,
) -> Result<(), ImportError> {
    let Some(finished) = running.join_next().await else {
        return Ok(());
    };
    let (line, outcome) = finished.map_err(|error| {
        ImportError::Storage(storage::Error::Unavailable(format!(
            "a line was cut off: {error}"
        )))
    })?;
    match outcome {
        Ok(()) => summary.imported += 1,
        Err(LineError::Existing) => summary.existing += 1,
        Err(LineError::Rejected(reason)) => {
            summary.rejected += 1;
            listener
                .rejected(&Rejection { line, reason })
                .map_err(|source| ImportError::Io { line, source })?;
        }
        Err(LineError::KeyReplaced) => {
            let error = storage::Error::Unavailable("the bucket's key was replaced".to_owned());
            return Err(error.into());
        }
        Err(LineError::Failed(error)) => return Err(error),
    }
    if (summary.imported + summary.existing + summary.rejected).is_multiple_of(1000) {
        listener.progress(summary);
    }
    Ok(())
}
