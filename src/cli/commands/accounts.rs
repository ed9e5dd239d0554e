//! `tongxing account …`

mod import;
mod lines;
mod progress;

use std::fs;
use std::io::{self, Read as _};
use std::path::Path;

use anyhow::Context as _;

use super::operation;
use crate::accounts::administer::AdministerError;
use crate::cli::arguments::{Account, AccountSelector};
use crate::cli::compose::Services;
use crate::cli::output;
use crate::domain::document::{DocumentType, IdentityDocument};
use crate::domain::id::AccountId;
use crate::ledger::audit::Operation;

pub(super) async fn run(command: &Account, services: &Services) -> anyhow::Result<()> {
    let accounts = &services.accounts;
    match command {
        Account::Import {
            file,
            rejects,
            change,
        } => import::run(services, file, rejects.as_deref(), operation(change)).await,
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
            accounts.freeze(id, operation(change)).await?;
            told(id, "frozen")
        }
        Account::Unfreeze { account, change } => {
            let id = select(services, account).await?;
            accounts.unfreeze(id, operation(change)).await?;
            told(id, "active")
        }
        Account::Remove { account, change } => {
            let id = select(services, account).await?;
            let operation = Operation::new(&change.operator, &change.reason);
            let removal = accounts.remove(id, operation).await?;
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
