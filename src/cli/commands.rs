//! The commands: one file a noun, each function given the parsed arguments and the configuration.

use anyhow::bail;

use super::arguments::Command;
use super::config::Config;
use super::output;

/// Does what was asked.
pub(super) fn run(command: &Command, config: &Config) -> anyhow::Result<()> {
    match command {
        Command::CheckConfig => Ok(output::text(config.to_toml())?),
        Command::Serve
        | Command::Demo(_)
        | Command::Migrate
        | Command::Client(_)
        | Command::Account(_)
        | Command::Keys(_)
        | Command::Audit(_) => bail!("this build has no such command yet"),
    }
}
