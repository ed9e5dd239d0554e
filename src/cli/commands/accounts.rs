//! `tongxing account …`

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, BufWriter, Read as _, Write as _};
use std::path::Path;

use anyhow::Context as _;

use super::operation;
use crate::accounts::administer::AdministerError;
use crate::accounts::import::{ImportListener, ImportSummary, Rejection};
use crate::cli::arguments::{Account, AccountSelector};
use crate::cli::compose::Services;
use crate::cli::output;
use crate::domain::account_record::MAX_LINE;
use crate::domain::document::{DocumentType, IdentityDocument};
use crate::domain::id::AccountId;
use crate::provider::register_client::Operation;

pub(super) async fn run(command: &Account, services: &Services) -> anyhow::Result<()> {
    let accounts = &services.accounts;
    match command {
        Account::Import {
            file,
            rejects,
            change,
        } => import(services, file, rejects.as_deref(), operation(change)).await,
        Account::Show(selector) => {
            let id = select(services, selector).await?;
            if let Some(summary) = accounts.summarize(id).await? {
                return Ok(output::json(&summary)?);
            }
            let removal = accounts.removal(id).await?;
            Ok(output::json(&removal.ok_or(AdministerError::Unknown)?)?)
        }
        Account::Freeze { account, change } => {
            let id = select(services, account).await?;
            let operation = operation(change);
            accounts
                .freeze(id, operation.operator, operation.reason)
                .await?;
            told(id, "frozen")
        }
        Account::Unfreeze { account, change } => {
            let id = select(services, account).await?;
            let operation = operation(change);
            accounts
                .unfreeze(id, operation.operator, operation.reason)
                .await?;
            told(id, "active")
        }
        Account::Remove { account, change } => {
            let id = select(services, account).await?;
            let (operator, reason) = (change.operator.clone(), change.reason.clone());
            let removal = accounts.remove(id, operator, reason).await?;
            output::json(&removal)?;
            if let Some(at) = &removal.complete_after {
                output::say(format_args!(
                    "the deletion is complete on {at}, when backups of the key store from before \
                     have lapsed: keep none for longer"
                ));
            }
            Ok(())
        }
    }
}

fn told(id: AccountId, status: &str) -> anyhow::Result<()> {
    Ok(output::json(
        &serde_json::json!({ "account_id": id, "status": status }),
    )?)
}

/// The account meant. A document number comes by file, so that it is in no list of processes.
async fn select(services: &Services, selector: &AccountSelector) -> anyhow::Result<AccountId> {
    if let Some(id) = &selector.id {
        return id.parse().context("ACCOUNT_ID");
    }
    let path = selector
        .document_number_file
        .as_deref()
        .context("no account was named")?;
    let number = read_all(path)?;
    let kind: DocumentType = selector.document_type.parse().context("--document-type")?;
    let now = services.ledger.now();
    let document =
        IdentityDocument::parse(kind, number.trim(), None, now).context("the document number")?;
    let found = services.accounts.find_by_document(&document).await?;
    Ok(found.ok_or(AdministerError::Unknown)?)
}

fn read_all(path: &Path) -> anyhow::Result<String> {
    if path == Path::new("-") {
        let mut text = String::new();
        io::stdin().read_to_string(&mut text)?;
        return Ok(text);
    }
    fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

async fn import(
    services: &Services,
    file: &Path,
    rejects: Option<&Path>,
    operation: Operation,
) -> anyhow::Result<()> {
    let input: Box<dyn BufRead + Send> = if file == Path::new("-") {
        Box::new(BufReader::new(io::stdin()))
    } else {
        let opened = File::open(file).with_context(|| format!("cannot read {}", file.display()))?;
        Box::new(BufReader::new(opened))
    };
    let rejects = match rejects {
        Some(path) => {
            Some(BufWriter::new(File::create(path).with_context(|| {
                format!("cannot write {}", path.display())
            })?))
        }
        None => None,
    };
    let mut listener = Listener { rejects };
    let by = (&*operation.operator, &*operation.reason);
    let summary = services
        .accounts
        .import_by(Lines(input), &mut listener, by)
        .await?;
    if let Some(rejects) = &mut listener.rejects {
        rejects.flush()?;
    }
    Ok(output::json(&summary)?)
}

/// Lines as bytes, each bounded: what is too long is cut just past the limit, so that it is refused
/// as too long, and skipped to its end.
struct Lines(Box<dyn BufRead + Send>);

impl Iterator for Lines {
    type Item = io::Result<Vec<u8>>;

    fn next(&mut self) -> Option<Self::Item> {
        read_line(&mut *self.0).transpose()
    }
}

fn read_line(input: &mut dyn BufRead) -> io::Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    let mut began = false;
    loop {
        let buffer = input.fill_buf()?;
        if buffer.is_empty() {
            return Ok(began.then_some(line));
        }
        began = true;
        let end = buffer.iter().position(|&byte| byte == b'\n');
        let taken = buffer
            .get(..end.unwrap_or(buffer.len()))
            .unwrap_or_default();
        let room = (MAX_LINE + 1).saturating_sub(line.len());
        line.extend_from_slice(taken.get(..room.min(taken.len())).unwrap_or_default());
        let consumed = end.map_or(buffer.len(), |end| end + 1);
        input.consume(consumed);
        if end.is_some() {
            return Ok(Some(line));
        }
    }
}

struct Listener {
    rejects: Option<BufWriter<File>>,
}

impl ImportListener for Listener {
    fn rejected(&mut self, rejection: &Rejection) -> io::Result<()> {
        if let Some(rejects) = &mut self.rejects {
            serde_json::to_writer(&mut *rejects, rejection)?;
            rejects.write_all(b"\n")
        } else {
            output::say(format_args!(
                "line {}: {}",
                rejection.line, rejection.reason
            ));
            Ok(())
        }
    }

    fn progress(&mut self, summary: &ImportSummary) {
        let ImportSummary {
            imported,
            existing,
            rejected,
        } = summary;
        output::say(format_args!(
            "{imported} imported, {existing} existing, {rejected} rejected"
        ));
    }
}
