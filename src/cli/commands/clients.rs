//! `tongxing client …`

use std::fs;
use std::io::{self, Read as _};
use std::path::Path;

use anyhow::Context as _;

use super::operation;
use crate::cli::arguments::{Client, ClientChange};
use crate::cli::compose::Services;
use crate::cli::output;
use crate::domain::client::{ClientId, ClientStatus};
use crate::protocol::client_metadata::raw::RawClientMetadata;
use crate::provider::register_client::Registration;

/// Clients listed at a time.
const PAGE: u32 = 500;

pub(super) async fn run(command: &Client, services: &Services) -> anyhow::Result<()> {
    let provider = &services.provider;
    match command {
        Client::Add { metadata, change } => {
            let raw = read_metadata(metadata)?;
            let added = provider
                .register_client(raw, &services.fetcher, operation(change))
                .await?;
            output::json(&added)?;
        }
        Client::Update {
            id,
            metadata,
            change,
        } => {
            let (id, raw) = (parse(id)?, read_metadata(metadata)?);
            let updated = provider
                .update_client(id, raw, &services.fetcher, operation(change))
                .await?;
            output::json(&updated)?;
        }
        Client::Show { id } => {
            let client = provider.find_client(&parse(id)?).await?;
            output::json(&Registration::of(&client))?;
        }
        Client::List => list(services).await?,
        Client::Suspend(change) => move_to(services, change, ClientStatus::Suspended).await?,
        Client::Resume(change) => move_to(services, change, ClientStatus::Active).await?,
        Client::Remove(change) => move_to(services, change, ClientStatus::Removed).await?,
    }
    Ok(())
}

async fn list(services: &Services) -> anyhow::Result<()> {
    let mut listed: Vec<Registration> = Vec::new();
    let mut after: Option<ClientId> = None;
    loop {
        let page = services.provider.list_clients(after.as_ref(), PAGE).await?;
        after = page.last().map(|client| client.id.clone());
        let full = u32::try_from(page.len()).is_ok_and(|len| len == PAGE);
        listed.extend(page.iter().map(Registration::of));
        if !full {
            break;
        }
    }
    Ok(output::json(&listed)?)
}

async fn move_to(
    services: &Services,
    change: &ClientChange,
    to: ClientStatus,
) -> anyhow::Result<()> {
    let id = parse(&change.id)?;
    let provider = &services.provider;
    provider
        .change_client_status(id.clone(), to, operation(&change.change))
        .await?;
    Ok(output::json(
        &serde_json::json!({ "client_id": id, "status": to }),
    )?)
}

fn parse(id: &str) -> anyhow::Result<ClientId> {
    id.parse().context("client_id")
}

fn read_metadata(path: &Path) -> anyhow::Result<RawClientMetadata> {
    let mut json = Vec::new();
    if path == Path::new("-") {
        io::stdin().read_to_end(&mut json)?;
    } else {
        json = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    }
    let raw = RawClientMetadata::from_json(&json)
        .map_err(|error| anyhow::anyhow!("{}: {}", error.code().as_str(), error.description()))?;
    for member in raw.ignored() {
        output::say(format_args!(
            "tongxing: {member:?} is ignored: not a member that this provider reads"
        ));
    }
    Ok(raw)
}
