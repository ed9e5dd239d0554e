//! The file that receives messages instead of a gateway: everybody's phone.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::Value;

use crate::installation::Installation;
use crate::server::within;

/// The file's name.
pub(crate) const OUTBOX: &str = "outbox.ndjson";

/// How long a message may be on its way on a busy machine.
const PATIENCE: Duration = Duration::from_secs(40);

/// Reads the file as it grows. Cheap to clone; clones share what was read.
#[derive(Clone)]
pub(crate) struct Outbox {
    file: PathBuf,
    read: Arc<Mutex<Messages>>,
}

#[derive(Default)]
struct Messages {
    position: u64,
    by_recipient: BTreeMap<String, Vec<Value>>,
}

impl Outbox {
    /// The messages to a phone or an address, the oldest first.
    pub(crate) fn messages(&self, to: &str) -> Vec<Value> {
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        read.catch_up(&self.file);
        read.by_recipient.get(to).cloned().unwrap_or_default()
    }

    /// The codes sent to a phone, the oldest first. A message that a dead process sent and its
    /// successor sent again is one: its identifier is the same.
    pub(crate) fn codes(&self, phone: &str) -> Vec<String> {
        let mut messages = self.messages(phone);
        let mut seen = Vec::new();
        messages.retain(|message| {
            let is_new = !seen.contains(&message["id"]);
            seen.push(message["id"].clone());
            is_new
        });
        let code = |message: &Value| message["code"].as_str().map(str::to_owned);
        messages.iter().filter_map(code).collect()
    }

    /// The `count`th code sent to a phone, once it is there.
    pub(crate) async fn code(&self, phone: &str, count: usize) -> String {
        within(PATIENCE, "a code", async || {
            self.codes(phone).get(count.checked_sub(1)?).cloned()
        })
        .await
    }

    /// The first message to a phone or an address whose text has this in it, once it is there.
    pub(crate) async fn told(&self, to: &str, text: &str) -> Value {
        within(PATIENCE, text, async || {
            let messages = self.messages(to).into_iter();
            let mut told = messages.filter(|m| m["text"].as_str().unwrap().contains(text));
            told.next()
        })
        .await
    }
}

impl Messages {
    fn catch_up(&mut self, file: &PathBuf) {
        let Ok(mut file) = File::open(file) else {
            return;
        };
        let mut text = String::new();
        file.seek(SeekFrom::Start(self.position)).unwrap();
        file.read_to_string(&mut text).unwrap();
        // What has no end yet is read the next time.
        let whole = text.rfind('\n').map_or(0, |end| end + 1);
        for line in text[..whole].lines() {
            let message: Value = serde_json::from_str(line).unwrap();
            let to = message["to"].as_str().unwrap().to_owned();
            self.by_recipient.entry(to).or_default().push(message);
        }
        self.position += whole as u64;
    }
}

impl Installation {
    /// Where messages are written.
    pub(crate) fn outbox_file(&self) -> PathBuf {
        self.path(OUTBOX)
    }

    /// The messages.
    pub(crate) fn outbox(&self) -> Outbox {
        Outbox {
            file: self.outbox_file(),
            read: Arc::default(),
        }
    }
}
