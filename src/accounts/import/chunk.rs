//! A chunk of lines: parsed one by one, looked up at once, sealed, and written in one transaction.
//!
//! Lines of one document are written one after the other, since what becomes of the second rests on
//! the first. When a whole chunk cannot be written, each of its lines is tried alone.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::task::JoinSet;

use super::ImportError;
use crate::accounts::Accounts;
use crate::accounts::opening::{AccountParts, NewAccount, Written, write_all};
use crate::crypto::password::PasswordError;
use crate::domain::account_record::{AccountRecord, ImportedCredential};
use crate::domain::check::Check;
use crate::domain::id::{AccountId, CredentialId};
use crate::domain::instant::Instant;
use crate::domain::secret::Secret;
use crate::ledger::Entry;
use crate::ledger::audit::{Event, EventKind, Operation};
use crate::storage::credentials::PasswordCredential;
use crate::storage::{Error, account_index};

/// Lines in a chunk: what a commit costs is shared by many, and nobody who writes beside an import
/// waits for long.
const LINES: usize = 256;
/// Bytes of lines in a chunk, so that memory is bounded whatever they hold.
const BYTES: usize = 4 << 20;
/// Passwords to hash in a chunk: a hash costs a thousand times as much as its account's rows, and it
/// is lost when the import is cut off before its chunk is written.
const PASSWORDS: usize = 32;
/// How long a hash waits for residents who log in meanwhile.
const TURN: Duration = Duration::from_millis(5);
/// How often accounts are sealed anew because their buckets' keys were replaced before they were
/// there.
const SEALED_ANEW: u32 = 8;

/// What the chunks of one import have in common.
pub(super) struct Import {
    /// Who ordered it and why, if somebody did.
    by: Option<Operation>,
    /// One chunk is written at a time. On SQLite two would be one transaction, and what writes beside
    /// the import would wait for both.
    turn: Mutex<()>,
}

impl Import {
    pub(super) fn new(by: Option<Operation>) -> Self {
        Self {
            by,
            turn: Mutex::new(()),
        }
    }
}

/// Some lines, parsed.
#[derive(Default)]
pub(super) struct Chunk {
    records: Vec<(u64, AccountRecord)>,
    /// Those that are no records, with the reasons.
    rejected: Vec<(u64, String)>,
    bytes: usize,
    passwords: usize,
}

/// What became of a line.
pub(super) enum Outcome {
    Imported,
    Existing,
    Rejected(String),
}

impl Chunk {
    /// Takes a line up, unless it is empty.
    pub(super) fn add(&mut self, line: u64, text: &[u8], now: Instant) {
        if text.trim_ascii().is_empty() {
            return;
        }
        self.bytes += text.len();
        match AccountRecord::parse(text, now) {
            Ok(record) => {
                let is_password = matches!(record.credential, ImportedCredential::Password(_));
                self.passwords += usize::from(is_password);
                self.records.push((line, record));
            }
            Err(problems) => self.rejected.push((line, problems.to_string())),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.records.is_empty() && self.rejected.is_empty()
    }

    pub(super) fn is_full(&self) -> bool {
        self.records.len() + self.rejected.len() >= LINES
            || self.bytes >= BYTES
            || self.passwords >= PASSWORDS
    }
}

impl Accounts {
    /// What became of each line of a chunk, in the order of their numbers.
    pub(super) async fn import_chunk(
        &self,
        chunk: Chunk,
        import: &Import,
    ) -> Result<Vec<(u64, Outcome)>, ImportError> {
        let rejected = chunk.rejected.into_iter();
        let mut outcomes: Vec<(u64, Outcome)> = rejected
            .map(|(line, reason)| (line, Outcome::Rejected(reason)))
            .collect();
        let mut left: Vec<(u64, String, AccountRecord)> = chunk
            .records
            .into_iter()
            .map(|(line, record)| (line, self.document_key(&record.document), record))
            .collect();
        while !left.is_empty() {
            // Before what is costly; the insertion decides all the same.
            let mut reader = self.ledger.reader().await?;
            let keys = left.iter().map(|(_, key, _)| key.as_str());
            let held = account_index::list_held(&mut reader, keys).await?;
            drop(reader);
            let (mut now, mut later, mut seen) = (Vec::new(), Vec::new(), HashSet::new());
            for (line, key, record) in left {
                if held.contains(&key) {
                    outcomes.push((line, Outcome::Existing));
                } else if seen.insert(key.clone()) {
                    now.push((line, record));
                } else {
                    later.push((line, key, record));
                }
            }
            outcomes.extend(self.import_records(now, import).await?);
            left = later;
        }
        outcomes.sort_by_key(|(line, _)| *line);
        Ok(outcomes)
    }

    /// Records of different documents, none of which is known to have an account.
    async fn import_records(
        &self,
        records: Vec<(u64, AccountRecord)>,
        import: &Import,
    ) -> Result<Vec<(u64, Outcome)>, ImportError> {
        let now = self.now();
        let mut outcomes = Vec::with_capacity(records.len());
        let (mut lines, mut parts) = (Vec::new(), Vec::new());
        for (line, hashed) in self.with_hashes(records, now).await? {
            match hashed {
                Ok(one) => {
                    lines.push(line);
                    parts.push(one);
                }
                Err(reason) => outcomes.push((line, Outcome::Rejected(reason))),
            }
        }
        let ids: Vec<AccountId> = parts.iter().map(|parts| parts.id).collect();
        self.profiles.prepare(&ids).await?;
        let mut accounts = Vec::with_capacity(parts.len());
        for parts in parts {
            accounts.push(self.new_account(parts, now).await?);
        }
        let written = self.store(lines, accounts, import).await?;
        outcomes.extend(written);
        Ok(outcomes)
    }

    /// What accounts are made of, passwords hashed side by side; or why one cannot be.
    async fn with_hashes(
        &self,
        records: Vec<(u64, AccountRecord)>,
        now: Instant,
    ) -> Result<Vec<(u64, Result<AccountParts, String>)>, ImportError> {
        let mut ready = Vec::with_capacity(records.len());
        let mut hashing = JoinSet::new();
        for (line, record) in records {
            match &record.credential {
                ImportedCredential::Hash(hash) => {
                    let hash = hash.as_str().to_owned();
                    ready.push((line, Ok(self.parts(record, hash, now))));
                }
                ImportedCredential::Password(password) => {
                    let (accounts, password) = (self.clone(), password.clone());
                    hashing.spawn(async move {
                        let hashed = accounts.hash(&password).await;
                        (line, hashed.map(|hash| accounts.parts(record, hash, now)))
                    });
                }
            }
        }
        while let Some(hashed) = hashing.join_next().await {
            ready.push(hashed.map_err(|error| {
                Error::Unavailable(format!("the hash of a password was cut off: {error}"))
            })?);
        }
        // Of those who share a phone the first come first.
        ready.sort_by_key(|(line, _)| *line);
        Ok(ready)
    }

    fn parts(&self, record: AccountRecord, hash: String, now: Instant) -> AccountParts {
        let phone_check = Check::phone_confirmed_by("import", now);
        AccountParts {
            id: AccountId::random(&*self.entropy),
            name: record.name,
            document: record.document,
            phone: record.phone,
            email: record.email,
            checks: record.checks.into_iter().chain([phone_check]).collect(),
            password: PasswordCredential {
                id: CredentialId::ordered(now, &*self.entropy),
                hash,
            },
        }
    }

    async fn hash(&self, password: &Secret<String>) -> Result<String, String> {
        loop {
            match self.passwords.hash(password.clone()).await {
                Ok(hash) => return Ok(hash.as_str().to_owned()),
                // The import waits for its turn; residents who log in do not.
                Err(PasswordError::Busy) => tokio::time::sleep(TURN).await,
                Err(error) => return Err(format!("password: {error}")),
            }
        }
    }

    /// Writes accounts of different documents. The keys of their buckets may be replaced since they
    /// were sealed.
    async fn store(
        &self,
        mut lines: Vec<u64>,
        mut accounts: Vec<NewAccount>,
        import: &Import,
    ) -> Result<Vec<(u64, Outcome)>, ImportError> {
        let mut outcomes = Vec::with_capacity(lines.len());
        for _ in 0..SEALED_ANEW {
            let shared = Arc::new(accounts);
            let (mut again, mut their_lines) = (Vec::new(), Vec::new());
            let written = self.write(&shared, import).await?;
            for ((&line, account), written) in lines.iter().zip(shared.iter()).zip(written) {
                let outcome = match written {
                    Written::Yes => Outcome::Imported,
                    Written::DocumentTaken => Outcome::Existing,
                    Written::PhoneFull => {
                        let reason = "phone_number: serves as many accounts as it may";
                        Outcome::Rejected(reason.to_owned())
                    }
                    Written::KeyReplaced => {
                        let mut account = account.clone();
                        self.seal_anew(&mut account).await?;
                        again.push(account);
                        their_lines.push(line);
                        continue;
                    }
                };
                outcomes.push((line, outcome));
            }
            if again.is_empty() {
                return Ok(outcomes);
            }
            (lines, accounts) = (their_lines, again);
        }
        Err(Error::Unavailable("the bucket's key was replaced".to_owned()).into())
    }

    /// Writes them together; or, when something is in the way of that, one after the other.
    async fn write(
        &self,
        accounts: &Arc<Vec<NewAccount>>,
        import: &Import,
    ) -> Result<Vec<Written>, Error> {
        let _turn = import.turn.lock().await;
        match self.write_together(Arc::clone(accounts), import).await {
            Err(error) if accounts.len() > 1 => {
                tracing::warn!(%error, "a chunk of an import is written line by line");
            }
            written => return written,
        }
        let mut written = Vec::with_capacity(accounts.len());
        for account in accounts.iter() {
            written.extend(self.write_alone(account, import).await?);
        }
        Ok(written)
    }

    /// One of a chunk that was not acknowledged: it may be there all the same.
    async fn write_alone(
        &self,
        account: &NewAccount,
        import: &Import,
    ) -> Result<Vec<Written>, Error> {
        let alone = Arc::new(vec![account.clone()]);
        let mut written = self.write_together(alone, import).await?;
        if written == [Written::DocumentTaken] {
            let mut reader = self.ledger.reader().await?;
            let key = account.document_key();
            let holder = account_index::find_by_document(&mut reader, key).await?;
            if holder == Some(account.id()) {
                written = vec![Written::Yes];
            }
        }
        Ok(written)
    }

    async fn write_together(
        &self,
        accounts: Arc<Vec<NewAccount>>,
        import: &Import,
    ) -> Result<Vec<Written>, Error> {
        let by = import.by.clone();
        self.ledger
            .write((accounts, by), |entry, (accounts, by)| {
                Box::pin(write_accounts(entry, accounts, by.as_ref()))
            })
            .await
    }
}

async fn write_accounts(
    entry: &mut Entry<'_>,
    accounts: &[NewAccount],
    by: Option<&Operation>,
) -> Result<Vec<Written>, Error> {
    let written = write_all(entry, accounts).await?;
    let events: Vec<Event> = accounts
        .iter()
        .zip(&written)
        .filter(|(_, written)| **written == Written::Yes)
        .map(|(new, _)| {
            let event = Event::new(EventKind::AccountImported, new.created_at()).account(new.id());
            match by {
                Some(by) => event.by(by),
                None => event,
            }
        })
        .collect();
    entry.record_all(&events).await?;
    Ok(written)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HASH: &str = r#""password_hash":"$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHRzb21lc2FsdA$MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI""#;
    const PASSWORD: &str = r#""password":"correct horse battery""#;

    /// How many lines fill a chunk.
    fn full_after(text: &str) -> usize {
        let mut chunk = Chunk::default();
        (1..10_000)
            .find(|line| {
                chunk.add(*line, text.as_bytes(), Instant::from_seconds(1_700_000_000));
                chunk.is_full()
            })
            .and_then(|lines| usize::try_from(lines).ok())
            .unwrap()
    }

    #[test]
    fn a_chunk_has_so_many_lines_bytes_and_passwords() {
        let line = |credential: &str| {
            format!(
                r#"{{"name":"张伟","document_type":"passport","document_number":"E12345678",
                "phone_number":"+8613800000001",{credential}}}"#
            )
        };
        assert_eq!(full_after(&line(HASH)), LINES);
        assert_eq!(full_after(&line(PASSWORD)), PASSWORDS);
        assert_eq!(full_after("not JSON"), LINES);
        assert_eq!(full_after(&"x".repeat(60_000)), BYTES.div_ceil(60_000));
    }

    #[test]
    fn empty_lines_are_nothing() {
        let mut chunk = Chunk::default();
        for text in ["", "  ", "\t\r"] {
            chunk.add(1, text.as_bytes(), Instant::from_seconds(1));
        }
        assert!(chunk.is_empty() && !chunk.is_full());
    }
}
