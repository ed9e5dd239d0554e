//! Bulk import of accounts: one JSON object a line, read as a stream.
//!
//! A line stands or falls alone, and lines are written side by side. A line whose document has an
//! account already changes nothing, so that an import which was cut off is resumed by running it
//! again.

use serde::Serialize;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::Accounts;
use super::profile::Profile;
use crate::crypto::password::PasswordError;
use crate::domain::account::{Account, AccountStatus};
use crate::domain::account_record::{AccountRecord, ImportedCredential};
use crate::domain::check::Check;
use crate::domain::id::{AccountId, CheckId, CredentialId};
use crate::domain::instant::Instant;
use crate::ledger::Entry;
use crate::ledger::audit::{Event, EventKind};
use crate::ledger::profiles::ProfileError;
use crate::storage::accounts::Insertion;
use crate::storage::credentials::PasswordCredential;
use crate::storage::{self, account_index, accounts, checks, credentials};

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

/// One account, ready to be written.
#[derive(Clone)]
struct NewAccount {
    account: Account,
    index_version: u32,
    document_key: String,
    phone_key: String,
    password: PasswordCredential,
    checks: Vec<(CheckId, Check)>,
    detail: Value,
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
        let ring = self.ring();
        let document_key = ring.index().of("document", &record.document.index_text());
        let mut reader = self.ledger.reader().await?;
        // Before the costly hash; the insertion decides all the same.
        if account_index::find_by_document(&mut reader, &document_key)
            .await?
            .is_some()
        {
            return Err(LineError::Existing);
        }
        drop(reader);
        let phone_key = ring.index().of("phone", record.phone.index_text());
        let password = self.password_credential(record.credential, now).await?;
        let checks = record
            .checks
            .into_iter()
            .chain([Check::phone_confirmed_by("import", now)])
            .map(|check| (CheckId::ordered(now, &*self.entropy), check))
            .collect();
        let id = AccountId::random(&*self.entropy);
        let profile = Profile {
            name: record.name,
            documents: vec![record.document],
            phones: vec![record.phone],
            emails: record.email.into_iter().collect(),
        };
        let account = Account {
            id,
            status: AccountStatus::Active,
            sealed: self.seal_profile(id, &profile).await?,
            created_at: now,
            changed_at: now,
        };
        let index_version = ring.index().version();
        let new = NewAccount {
            account,
            index_version,
            document_key,
            phone_key,
            password,
            checks,
            detail,
        };
        self.store(new, &profile).await
    }

    /// Writes an account. Its bucket's key may be replaced since the profile was sealed.
    async fn store(&self, mut new: NewAccount, profile: &Profile) -> Result<(), LineError> {
        for _ in 0..SEALED_ANEW {
            let writing = self.ledger.write(new.clone(), |entry, new| {
                Box::pin(write_account(entry, new))
            });
            match writing.await {
                Err(LineError::KeyReplaced) => {
                    let id = new.account.id;
                    new.account.sealed = self.reseal_profile(id, profile).await?;
                }
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

async fn write_account(entry: &mut Entry<'_>, new: &NewAccount) -> Result<(), LineError> {
    let id = new.account.id;
    let now = new.account.created_at;
    let tx = entry.tx();
    if !account_index::claim_document(tx, &new.document_key, new.index_version, id).await? {
        return Err(LineError::Existing);
    }
    if !account_index::add_phone(tx, &new.phone_key, new.index_version, id, Some(now)).await? {
        let reason = "phone_number: serves as many accounts as it may";
        return Err(LineError::Rejected(reason.to_owned()));
    }
    match accounts::insert(tx, &new.account, new.index_version).await? {
        Insertion::Inserted => {}
        Insertion::KeyReplaced => return Err(LineError::KeyReplaced),
    }
    credentials::insert_password(tx, id, &new.password, now).await?;
    for (check_id, check) in &new.checks {
        checks::insert(tx, id, *check_id, check).await?;
    }
    let event = Event::new(EventKind::AccountImported, now).account(id);
    entry.record(&event.detail(new.detail.clone())).await?;
    Ok(())
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
