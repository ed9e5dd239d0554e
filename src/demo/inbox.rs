//! The messages that the demo's provider has sent, read from the file that stands in for whoever
//! would carry them.
//!
//! Only its end is read: what is older is of no use to anybody. A line that is not whole yet, or
//! is none of ours, is passed over.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::PathBuf;

use serde::Deserialize;

use crate::domain::instant::Instant;

/// Some hundred messages.
const READ_AT_MOST: u64 = 128 * 1024;

/// The file of messages.
#[derive(Debug, Clone)]
pub struct Inbox(PathBuf);

/// A message that arrived.
#[derive(Debug)]
pub struct Received {
    /// To which phone, or address.
    pub to: String,
    /// What it says.
    pub text: String,
    /// The code in it.
    pub code: Option<String>,
    /// When it was written.
    pub at: Instant,
}

/// A line of the file, as far as it is read.
#[derive(Deserialize)]
struct Line {
    to: String,
    text: String,
    code: Option<String>,
    at: String,
}

impl Inbox {
    /// The messages in the file at `path`, which need not be there yet.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    /// The messages to whom `wanted` says, newest first.
    pub fn newest(&self, wanted: impl Fn(&str) -> bool) -> impl Iterator<Item = Received> {
        let lines = self.read().unwrap_or_else(|error| {
            tracing::warn!(%error, "the messages cannot be read");
            String::new()
        });
        let mut messages: Vec<_> = lines
            .lines()
            .filter_map(parse)
            .filter(|message| wanted(&message.to))
            .collect();
        messages.reverse();
        messages.into_iter()
    }

    /// A few microseconds, as for its writer: no thread of its own.
    fn read(&self) -> io::Result<String> {
        let mut file = match File::open(&self.0) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(String::new()),
            Err(error) => return Err(error),
        };
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(READ_AT_MOST)))?;
        let mut read = Vec::new();
        file.take(READ_AT_MOST).read_to_end(&mut read)?;
        Ok(String::from_utf8_lossy(&read).into_owned())
    }
}

fn parse(line: &str) -> Option<Received> {
    let line: Line = serde_json::from_str(line).ok()?;
    Some(Received {
        at: Instant::parse_rfc3339(&line.at)?,
        to: line.to,
        text: line.text,
        code: line.code,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(to: &str, text: &str) -> String {
        let at = "2026-11-22T06:00:00Z";
        serde_json::json!({ "to": to, "channel": "sms", "text": text, "code": null, "at": at, "id": "x" })
            .to_string()
            + "\n"
    }

    #[test]
    fn the_newest_comes_first_and_what_is_no_message_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("messages.ndjson");
        let inbox = Inbox::new(&path);
        assert_eq!(inbox.newest(|_| true).count(), 0);
        let text = line("+8613800000011", "1") + "{}\nno\n" + &line("+8613800000012", "2");
        std::fs::write(&path, text + &line("+8613800000011", "3") + "{\"to\":").unwrap();
        let texts = |wanted: &str| -> Vec<_> {
            let found = inbox.newest(|to| to.ends_with(wanted));
            found.map(|message| message.text).collect()
        };
        assert_eq!(texts(""), ["3", "2", "1"]);
        assert_eq!(texts("0011"), ["3", "1"]);
        assert!(texts("0013").is_empty());
    }

    #[test]
    fn of_a_long_file_the_end_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("messages.ndjson");
        let many: String = (0..4000)
            .map(|n| line("+8613800000011", &n.to_string()))
            .collect();
        std::fs::write(&path, many).unwrap();
        let found: Vec<_> = Inbox::new(&path).newest(|_| true).collect();
        assert!(found.len() > 500 && found.len() < 4000);
        assert_eq!(found[0].text, "3999");
    }
}
