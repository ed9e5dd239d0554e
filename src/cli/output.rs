//! What commands print: JSON for machines on standard output, sentences for people on standard
//! error.

use std::fmt::Arguments;
use std::io::{self, Write};

use serde::Serialize;

/// Prints a document for machines.
pub fn json(document: &impl Serialize) -> io::Result<()> {
    let mut output = io::stdout().lock();
    serde_json::to_writer_pretty(&mut output, document)?;
    writeln!(output)?;
    output.flush()
}

/// Prints text for machines that is ready as it is.
pub fn text(text: &str) -> io::Result<()> {
    let mut output = io::stdout().lock();
    output.write_all(text.as_bytes())?;
    output.flush()
}

/// Says a line to people. Nothing can be done when they do not hear.
pub fn say(line: Arguments<'_>) {
    writeln!(io::stderr(), "{line}").unwrap_or_default();
}
