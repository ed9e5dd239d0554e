//! What commands print: JSON for machines on standard output, sentences for people on standard
//! error.

use std::fmt::Arguments;
use std::io::{self, Write};

use serde::Serialize;

/// Prints a document for machines.
pub fn json(document: &impl Serialize) -> io::Result<()> {
    let mut text = serde_json::to_string_pretty(document)?;
    text.push('\n');
    self::text(&text)
}

/// Prints text for machines that is ready as it is. A reader that has gone away, as `head` does,
/// has read what it wanted.
pub fn text(text: &str) -> io::Result<()> {
    let mut output = io::stdout().lock();
    let written = output.write_all(text.as_bytes());
    match written.and_then(|()| output.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}

/// Says a line to people. Nothing can be done when they do not hear.
pub fn say(line: Arguments<'_>) {
    writeln!(io::stderr(), "{line}").unwrap_or_default();
}
