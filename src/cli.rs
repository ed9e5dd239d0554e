//! The command line and composition root; the only reader of configuration and environment.
//!
//! Exit codes: 0 done, 1 refused or failed, 2 usage. A failure is one line on standard error
//! that begins with `tongxing:`; machine output is JSON on standard output.

pub mod arguments;
mod commands;
pub mod compose;
pub mod config;
mod observe;
pub mod output;
pub mod serve;
pub mod signals;
pub mod telemetry;
pub mod web;

use std::ffi::OsString;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Parser as _;

use arguments::Arguments;
use config::{Config, Sources};

const USAGE: u8 = 2;

/// Runs the program with these arguments (its own name first) and this environment.
pub fn run(
    arguments: impl Iterator<Item = OsString>,
    environment: impl Iterator<Item = (OsString, OsString)>,
) -> ExitCode {
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(message) => {
            // Help that was asked for is no error. Nothing can be done for who cannot be told.
            message.print().unwrap_or_default();
            let refused = message.use_stderr();
            return if refused {
                ExitCode::from(USAGE)
            } else {
                ExitCode::SUCCESS
            };
        }
    };
    telemetry::report_panics_without_their_message();
    let sources = Sources {
        file: arguments.config,
        assignments: arguments.set,
        environment: environment.collect(),
    };
    for name in config::misspelled(&sources.environment) {
        output::say(format_args!(
            "tongxing: {name} is not read: settings are TONGXING__SECTION__KEY, with two underscores"
        ));
    }
    let done = Config::load(&sources)
        .map_err(anyhow::Error::from)
        .and_then(|config| commands::run(&arguments.command, &config));
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            output::say(format_args!("tongxing: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

/// Runs a command's asynchronous part to its end.
pub fn block_on<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    // An error means that it is installed already, which is all that is wanted.
    drop(rustls::crypto::aws_lc_rs::default_provider().install_default());
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start threads")?
        .block_on(work)
}
