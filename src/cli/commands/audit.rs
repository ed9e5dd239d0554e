//! `tongxing audit …`

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use serde::Deserialize;

use crate::cli::arguments::Audit;
use crate::cli::compose::Services;
use crate::cli::config::Config;
use crate::cli::output;
use crate::ledger::Heads;
use crate::ledger::audit::export::check::{Expected, KeysFrom, Source, check};
use crate::ledger::audit::export::{Exported, Position, Signing, export};
use crate::ledger::audit::verify::{Options, ProblemKind, verify};
use crate::ledger::keyring::{audit_jwks, audit_keys};

pub(super) async fn run(
    command: &Audit,
    config: &Config,
    services: &Services,
) -> anyhow::Result<()> {
    match command {
        Audit::Verify { head, .. } => verify_log(head, services).await,
        Audit::Export { after, to } => {
            let issuer = config.server.issuer.as_str();
            let after = after.as_deref().map(str::parse).transpose();
            let from = (issuer, after.context("--after")?);
            write_export(from, to.as_deref(), services).await
        }
    }
}

async fn verify_log(head: &[String], services: &Services) -> anyhow::Result<()> {
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

/// Verifies exports by themselves: where they are kept, there is no database.
pub(super) fn verify_exports(
    files: &[PathBuf],
    (head, keys): (&[String], &[String]),
) -> anyhow::Result<()> {
    let expected = Expected {
        keys: keys.iter().cloned().collect(),
        heads: noted(head).context("--head")?,
    };
    let files: Vec<Exports<'_>> = files.iter().map(|file| Exports(file)).collect();
    let sources: Vec<&dyn Source> = files.iter().map(|file| file as &dyn Source).collect();
    let report = check(&sources, &expected).context("--export")?;
    output::json(&report)?;
    if report.keys_from == KeysFrom::File {
        output::say(format_args!(
            "the keys are those that the files bring along: compare `keys` with `tongxing keys list`, \
             or name them with --key"
        ));
    }
    let report = report.report;
    if !keys.is_empty() && report.has_only(ProblemKind::KeyUnknown) {
        // Whether a key was forgotten, or the files are another's, cannot be told from here.
        if report.keys.iter().any(|signer| keys.contains(signer)) {
            bail!(
                "the exports agree with themselves, but a part is signed by a key that was not given: \
                 repeat --key for every audit key there was (`tongxing keys list`, retired ones too); \
                 a key in the report that is not listed there is another's"
            );
        }
        bail!(
            "the exports agree with themselves, but no --key names who signed them: compare `keys` in \
             the report with `tongxing keys list`"
        );
    }
    if !report.ok {
        bail!("the exports are not what was written: see the problems in the report");
    }
    Ok(())
}

/// A file with an export.
struct Exports<'a>(&'a Path);

impl Source for Exports<'_> {
    fn name(&self) -> String {
        self.0.display().to_string()
    }

    fn open(&self) -> io::Result<Box<dyn BufRead>> {
        let named = |error: io::Error| {
            io::Error::new(error.kind(), format!("{}: {error}", self.0.display()))
        };
        Ok(Box::new(BufReader::new(File::open(self.0).map_err(named)?)))
    }
}

async fn write_export(
    (issuer, after): (&str, Option<Position>),
    to: Option<&Path>,
    services: &Services,
) -> anyhow::Result<()> {
    let ledger = &services.ledger;
    // What this command itself recorded belongs to it.
    ledger.seal().await?;
    let known = audit_jwks(&mut ledger.reader().await?, Some(&services.master)).await?;
    let ring = services.keys.ring();
    let signing = Signing {
        known: &known,
        own: ring.audit_key(),
    };
    let from = (issuer, after.as_ref());
    let exported = match to {
        None => {
            let mut output = BufWriter::new(io::stdout());
            export(ledger, from, &signing, &mut output).await?
        }
        Some(path) => {
            let draft = Draft::create(path)?;
            let mut output = BufWriter::new(&draft.file);
            let exported = export(ledger, from, &signing, &mut output).await?;
            drop(output);
            draft.keep(path)?;
            exported
        }
    };
    tell(&exported);
    Ok(())
}

fn tell(exported: &Exported) {
    let Exported {
        position,
        batches,
        events,
        pending,
    } = exported;
    output::say(format_args!(
        "{batches} batches with {events} events; {pending} events are not sealed yet and come with the \
         next export"
    ));
    if let Some(position) = position {
        output::say(format_args!("go on with --after {position}"));
    }
}

/// A file that gets its name when it is whole, unless there is one by that name.
struct Draft {
    file: File,
    path: PathBuf,
}

impl Draft {
    fn create(path: &Path) -> anyhow::Result<Self> {
        if path.try_exists()? {
            bail!("{} is there already, and stays", path.display());
        }
        let mut draft = path.as_os_str().to_owned();
        draft.push(".partial");
        let draft = PathBuf::from(draft);
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let opened = options.open(&draft);
        let file = opened.with_context(|| format!("cannot write {}", draft.display()))?;
        Ok(Self { file, path: draft })
    }

    fn keep(mut self, path: &Path) -> anyhow::Result<()> {
        self.file.flush()?;
        self.file.sync_all()?;
        fs::hard_link(&self.path, path)
            .with_context(|| format!("cannot write {}", path.display()))?;
        Ok(fs::remove_file(&self.path)?)
    }
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
