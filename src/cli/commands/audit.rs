//! `tongxing audit …`

use anyhow::{Context as _, bail};

use crate::cli::arguments::Audit;
use crate::cli::compose::Services;
use crate::cli::output;
use crate::ledger::audit::verify::{Options, verify};
use crate::ledger::keyring::audit_keys;

pub(super) async fn run(command: &Audit, services: &Services) -> anyhow::Result<()> {
    let Audit::Verify { head } = command;
    let ledger = &services.ledger;
    let head = head
        .as_deref()
        .map(str::parse)
        .transpose()
        .context("--head")?;
    let keys = audit_keys(&mut ledger.reader().await?, Some(&services.master)).await?;
    let options = Options {
        head,
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
