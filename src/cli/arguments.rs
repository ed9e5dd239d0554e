//! The command line's grammar. No secret and no person's number is ever an argument: other users
//! of the machine see those.

#![expect(
    clippy::doc_markdown,
    reason = "comments here are help texts, shown as they are"
)]

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{ArgGroup, Args, Parser, Subcommand};

use crate::authority::{Behavior, LONGEST_DELAY_MS, MOST_PEOPLE};

/// Tongxing 通行: a unified identity authentication server
#[derive(Debug, Parser)]
#[command(name = "tongxing", version, arg_required_else_help = true)]
pub struct Arguments {
    /// A file of settings (TOML), over the built-in defaults
    #[arg(long, value_name = "FILE", global = true)]
    pub config: Option<PathBuf>,
    /// One setting, over all else; may be repeated
    #[arg(long, value_name = "SECTION.KEY=VALUE", global = true)]
    pub set: Vec<String>,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the server
    Serve,
    /// Try it out: a provider and two portals on this machine, with synthetic people
    Demo(Demo),
    /// Bring the schemas of the database and of the key store up to date
    Migrate(Migrate),
    /// Write the whole database into a folder, while servers go on
    Backup(Backup),
    /// Put a backup into an empty database, of either engine; no server may run
    Restore(Restore),
    /// Print the resolved configuration, secrets redacted
    CheckConfig,
    /// Relying portals
    #[command(subcommand)]
    Client(Client),
    /// Residents' accounts
    #[command(subcommand)]
    Account(Account),
    /// Signing keys
    #[command(subcommand)]
    Keys(Keys),
    /// The audit log
    #[command(subcommand)]
    Audit(Audit),
    /// A simulated verification authority, with synthetic people
    Authority(Authority),
}

/// `tongxing demo`
#[derive(Debug, Args)]
pub struct Demo {
    /// Forget what earlier runs left behind
    #[arg(long)]
    pub fresh: bool,
    /// Play the whole story by itself, explain each request, and end
    #[arg(long, conflicts_with = "fresh")]
    pub tour: bool,
}

/// `tongxing migrate`
#[derive(Debug, Args)]
pub struct Migrate {
    /// Change nothing: print which schemas there are, which this release needs, and whether servers of
    /// the release before have to be stopped first
    #[arg(long)]
    pub check: bool,
}

/// `tongxing backup`
#[derive(Debug, Args)]
pub struct Backup {
    /// Where to: a folder that is empty or not there yet
    #[arg(value_name = "FOLDER")]
    pub folder: PathBuf,
}

/// `tongxing restore`
#[derive(Debug, Args)]
pub struct Restore {
    /// The folder of a backup; with --replay only the keys in its vault/ are used, if need be
    #[arg(value_name = "FOLDER", required_unless_present = "replay")]
    pub folder: Option<PathBuf>,
    /// Only take away again what was taken away since: after an interrupted restore, or when the
    /// database was put back by its own means
    #[arg(long)]
    pub replay: bool,
    /// Restore although not all that was taken away since is known: the rest counts again
    #[arg(long)]
    pub despite_gaps: bool,
}

/// Who changes something by the command line, and why: both go to the audit log.
#[derive(Debug, Clone, Args)]
pub struct Change {
    /// Who does this
    #[arg(long, value_name = "NAME")]
    pub operator: Option<String>,
    /// Why
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
}

/// `tongxing client …`
#[derive(Debug, Subcommand)]
pub enum Client {
    /// Register a client; prints its metadata with client_id and client_secret
    Add {
        /// Client metadata (RFC 7591, JSON); - reads standard input
        #[arg(long, value_name = "FILE")]
        metadata: PathBuf,
        /// For the audit log.
        #[command(flatten)]
        change: Change,
    },
    /// List all clients
    List,
    /// Print a client's metadata
    Show {
        /// Its client_id
        #[arg(value_name = "CLIENT_ID")]
        id: String,
    },
    /// Replace a client's metadata
    Update {
        /// Its client_id
        #[arg(value_name = "CLIENT_ID")]
        id: String,
        /// Client metadata (RFC 7591, JSON); - reads standard input
        #[arg(long, value_name = "FILE")]
        metadata: PathBuf,
        /// For the audit log.
        #[command(flatten)]
        change: Change,
    },
    /// Stop a client at once
    Suspend(ClientChange),
    /// Let a suspended client go on
    Resume(ClientChange),
    /// Remove a client and what it was granted
    Remove(ClientChange),
}

/// A change to one client.
#[derive(Debug, Args)]
pub struct ClientChange {
    /// Its client_id
    #[arg(value_name = "CLIENT_ID")]
    pub id: String,
    /// For the audit log.
    #[command(flatten)]
    pub change: Change,
}

/// `tongxing account …`
#[derive(Debug, Subcommand)]
pub enum Account {
    /// Import accounts, one JSON object a line; prints a summary
    Import {
        /// The lines; - reads standard input
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// Where rejected lines go, with their numbers and reasons
        #[arg(long, value_name = "FILE")]
        rejects: Option<PathBuf>,
        /// For the audit log.
        #[command(flatten)]
        change: Change,
    },
    /// Print an account without its personal data
    Show(AccountSelector),
    /// Stop an account: no logins, no tokens
    Freeze {
        /// Which.
        #[command(flatten)]
        account: AccountSelector,
        /// For the audit log.
        #[command(flatten)]
        change: Change,
    },
    /// Let a frozen account go on
    Unfreeze {
        /// Which.
        #[command(flatten)]
        account: AccountSelector,
        /// For the audit log.
        #[command(flatten)]
        change: Change,
    },
    /// Remove an account and all that is known of it, for good; again, to finish what was interrupted
    Remove {
        /// Which.
        #[command(flatten)]
        account: AccountSelector,
        /// For the audit log.
        #[command(flatten)]
        change: FinalChange,
    },
}

/// Who does what cannot be undone, and why: both go to the audit log.
#[derive(Debug, Clone, Args)]
pub struct FinalChange {
    /// Who does this
    #[arg(long, value_name = "NAME")]
    pub operator: String,
    /// Why
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
}

/// One account, by its id or by a document.
#[derive(Debug, Args)]
#[group(skip)]
#[command(group = ArgGroup::new("which").args(["id", "document_number_file"]).required(true))]
pub struct AccountSelector {
    /// Its id (acc_…)
    #[arg(value_name = "ACCOUNT_ID")]
    pub id: Option<String>,
    /// The kind of document its number is of
    #[arg(
        long,
        value_name = "TYPE",
        default_value = "resident_id_card",
        requires = "document_number_file"
    )]
    pub document_type: String,
    /// A file with a document number; - reads standard input
    #[arg(long, value_name = "FILE")]
    pub document_number_file: Option<PathBuf>,
}

/// `tongxing keys …`
#[derive(Debug, Subcommand)]
pub enum Keys {
    /// List signing keys: current, next, retired
    List,
    /// Make the next keys current: those that sign tokens and the audit log, and those that seal
    Rotate {
        /// At once, though portals may not know the next keys yet: when a key has leaked
        #[arg(long)]
        force: bool,
        /// For the audit log.
        #[command(flatten)]
        change: Change,
    },
    /// Bring all keys under vault.master_key, so that vault.other_master_key can go; again, to finish
    /// what was interrupted
    Rewrap {
        /// For the audit log.
        #[command(flatten)]
        change: Change,
    },
}

/// `tongxing audit …`
#[derive(Debug, Subcommand)]
pub enum Audit {
    /// Look for changed, missing and reordered records
    Verify {
        /// The head that was noted earlier: finds what was cut off behind it. Or @FILE with heads, or
        /// with the report that has them; may be repeated
        #[arg(long, value_name = "HEAD")]
        head: Vec<String>,
        /// Instead of the log, exports of it in their order: nothing else is read
        #[arg(long, value_name = "FILE", num_args = 1..)]
        export: Vec<PathBuf>,
        /// A key that may have signed the exports, by its fingerprint (keys list); may be repeated.
        /// Without any, those in the files are taken at their word
        #[arg(long, value_name = "FINGERPRINT", requires = "export")]
        key: Vec<String>,
    },
    /// Print the sealed records and what proves them, one JSON object a line, for a witness elsewhere
    Export {
        /// Only what came after: the position in the last line of an earlier export
        #[arg(long, value_name = "POSITION")]
        after: Option<String>,
        /// Into a new file rather than to standard output
        #[arg(long, value_name = "FILE")]
        to: Option<PathBuf>,
    },
}

/// `tongxing authority`
#[derive(Debug, Args)]
pub struct Authority {
    /// Where servers connect; port 0 is whichever is free
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:9200")]
    pub listen: SocketAddr,
    /// Whose synthetic people it knows: the same number, the same people
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    pub seed: u64,
    /// How many synthetic people it knows
    #[arg(long, value_name = "COUNT", default_value_t = 1000, value_parser = clap::value_parser!(u64).range(..=MOST_PEOPLE))]
    pub people: u64,
    /// Whom else it knows, one JSON object a line: name, document_type, document_number,
    /// document_country (passports only), phone_number
    #[arg(long, value_name = "FILE")]
    pub people_file: Option<PathBuf>,
    /// How it behaves; PUT /behavior changes it later
    #[arg(long, default_value = "ok", value_parser = behavior())]
    pub behavior: Behavior,
    /// How long it waits before each answer; otherwise only `slow` waits, for ten seconds
    #[arg(long, value_name = "MILLISECONDS", value_parser = clap::value_parser!(u64).range(..=LONGEST_DELAY_MS))]
    pub delay_ms: Option<u64>,
    /// A file with the bearer token that callers must show
    #[arg(long, value_name = "FILE")]
    pub token_file: Option<PathBuf>,
}

fn behavior() -> impl TypedValueParser<Value = Behavior> {
    let names = Behavior::ALL.iter().map(|behavior| behavior.as_str());
    PossibleValuesParser::new(names).try_map(|name| name.parse::<Behavior>())
}

#[cfg(test)]
mod tests;
