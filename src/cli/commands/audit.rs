//! `tongxing audit …`

use std::fs;

use anyhow::{Context as _, bail};
use serde::Deserialize;

use crate::cli::arguments::Audit;
use crate::cli::compose::Services;
use crate::cli::output;
use crate::ledger::Heads;
use crate::ledger::audit::verify::{Options, verify};
use crate::ledger::keyring::audit_keys;

pub(super) async fn run(command: &Audit, services: &Services) -> anyhow::Result<()> {
    let Audit::Verify { head } = command;
    let ledger = &services.ledger;
    let heads = noted(head).context("--head")?;
    let keys = audit_keys(&mut ledger.reader().await?, Some(&services.master)).await?;
    let options = Options {
        heads,
        now: ledger.now(),
        keys,
    };
    let report = verify(ledger.storage(), &options).await?;
    output::json(&report)?;
    if !report.ok {
        bail!("the audit log is not what was written: see the problems in the report");
    }
    Ok(())
}

/// A report of an earlier verification: of it, only the heads count.
#[derive(Deserialize)]
struct Report {
    head: String,
}

/// The heads in texts and files.
fn noted(arguments: &[String]) -> anyhow::Result<Heads> {
    let mut heads = Heads::default();
    for argument in arguments {
        let read = match argument.strip_prefix('@') {
            None => argument.parse()?,
            Some(file) => in_file(file).with_context(|| file.to_owned())?,
        };
        heads.0.extend(read.0);
    }
    Ok(heads)
}

fn in_file(file: &str) -> anyhow::Result<Heads> {
    let text = fs::read_to_string(file)?;
    if text.trim_start().starts_with('{') {
        let report: Report = serde_json::from_str(&text)?;
        return Ok(report.head.parse()?);
    }
    Ok(text.parse()?)
}
