//! `tongxing account import`: the file, what was refused, and how it goes.

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Write as _};
use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use tokio::sync::watch;

use super::lines::{Lines, Taken};
use super::progress::Progress;
use crate::accounts::import::{ImportListener, ImportSummary, Rejection};
use crate::cli::compose::Services;
use crate::cli::output;
use crate::jobs::seal_audit;
use crate::ledger::audit::Operation;

pub(super) async fn run(
    services: &Services,
    file: &Path,
    rejects: Option<&Path>,
    operation: Operation,
) -> anyhow::Result<()> {
    let (input, size): (Box<dyn BufRead + Send>, _) = if file == Path::new("-") {
        (Box::new(BufReader::new(io::stdin())), None)
    } else {
        let opened = File::open(file).with_context(|| format!("cannot read {}", file.display()))?;
        let found = opened.metadata()?;
        let size = found.is_file().then_some(found.len());
        (Box::new(BufReader::new(opened)), size)
    };
    let rejects = match rejects {
        Some(path) => {
            Some(BufWriter::new(File::create(path).with_context(|| {
                format!("cannot write {}", path.display())
            })?))
        }
        None => None,
    };
    let taken = Arc::new(Taken::default());
    let lines = Lines::new(input, Arc::clone(&taken));
    let mut listener = Listener {
        rejects,
        progress: Progress::new(size, taken),
    };
    let imported = import(services, lines, &mut listener, &operation).await;
    listener.progress.clear();
    let summary = imported?;
    if let Some(rejects) = &mut listener.rejects {
        rejects.flush()?;
    }
    listener.progress.end(&summary);
    Ok(output::json(&summary)?)
}

/// Imports, and has this process's part of the audit log sealed meanwhile.
async fn import(
    services: &Services,
    lines: Lines,
    listener: &mut Listener,
    operation: &Operation,
) -> anyhow::Result<ImportSummary> {
    let (over, shutdown) = watch::channel(false);
    let ledger = services.ledger.clone();
    let sealing = tokio::spawn(async move { seal_audit::seal_own(&ledger, shutdown).await });
    let accounts = &services.accounts;
    let imported = accounts.import_by(lines, listener, operation).await;
    drop(over);
    sealing.await?;
    Ok(imported?)
}

struct Listener {
    rejects: Option<BufWriter<File>>,
    progress: Progress,
}

impl ImportListener for Listener {
    fn rejected(&mut self, rejection: &Rejection) -> io::Result<()> {
        if let Some(rejects) = &mut self.rejects {
            serde_json::to_writer(&mut *rejects, rejection)?;
            rejects.write_all(b"\n")
        } else {
            let Rejection { line, reason } = rejection;
            self.progress
                .interrupt(format_args!("line {line}: {reason}"));
            Ok(())
        }
    }

    fn progress(&mut self, summary: &ImportSummary) {
        self.progress.tell(summary);
    }
}
