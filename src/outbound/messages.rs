//! The gateway that takes messages to people: a file, in development and tests, or the operator's
//! adapter for whoever carries text messages and e-mails.
//!
//! A message has one identifier at every attempt, so that who takes it twice can tell. Addresses,
//! texts and codes are in what is sent and nowhere else: no error repeats them.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Serialize;

use super::{FetchError, PartnerClient, PartnerToken, PartnerUrl};
use crate::domain::id::DeliveryId;
use crate::domain::instant::Instant;
use crate::domain::secret::Secret;

/// From the connection to the answer's end.
const TIMEOUT: Duration = Duration::from_secs(10);

/// A message in words, as a gateway gets it: the JSON object is the gateway's interface.
#[derive(Clone, Serialize)]
pub struct OutgoingMessage<'a> {
    /// A number as E.164 has it, or an e-mail address.
    pub to: &'a str,
    /// `sms` or `email`.
    pub channel: &'a str,
    /// What to show.
    pub text: &'a str,
    /// The code in the text, for gateways that fill templates of their own.
    pub code: Option<&'a str>,
    /// When it was written.
    #[serde(serialize_with = "as_text")]
    pub at: Instant,
    /// The same at every attempt.
    pub id: DeliveryId,
}

/// Why a gateway did not take a message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// It never will.
    #[error("the gateway refuses the message: {0}")]
    Refused(String),
    /// It may later.
    #[error("the gateway does not take the message: {0}")]
    Later(String),
}

/// Takes messages.
#[derive(Debug, Clone)]
pub enum MessageGateway {
    /// Appends them to a file.
    File(MessageFile),
    /// Hands them to the operator's adapter.
    Http(MessageAdapter),
}

impl MessageGateway {
    /// The operator's adapter at `url`, which may know us by a token.
    pub fn http(url: PartnerUrl, token: Option<Secret<String>>) -> Result<Self, FetchError> {
        let client = PartnerClient::new(TIMEOUT)?;
        let token = PartnerToken::new(token);
        Ok(Self::Http(MessageAdapter { client, url, token }))
    }

    /// Shows the adapter another token from the next message on.
    pub fn replace_token(&self, token: Option<Secret<String>>) {
        match self {
            Self::File(_) => {}
            Self::Http(adapter) => adapter.token.replace(token),
        }
    }

    /// Says at the start what would keep every message from being sent.
    pub fn prepare(&self) -> io::Result<()> {
        match self {
            Self::File(file) => file.prepare(),
            // It may come up after us; what is not taken is tried again.
            Self::Http(_) => Ok(()),
        }
    }

    /// Hands a message over.
    pub async fn send(&self, message: &OutgoingMessage<'_>) -> Result<(), SendError> {
        match self {
            Self::File(file) => file.append(message),
            Self::Http(adapter) => adapter.post(message).await,
        }
    }
}

/// A file that receives messages instead of a gateway, one JSON object a line.
#[derive(Debug, Clone)]
pub struct MessageFile(PathBuf);

impl MessageFile {
    /// The file at `path`, which need not be there.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    fn prepare(&self) -> io::Result<()> {
        if let Some(folder) = self.0.parent().filter(|path| *path != Path::new("")) {
            let mut builder = DirBuilder::new();
            builder.recursive(true).mode(0o700).create(folder)?;
        }
        self.open().map(drop)
    }

    /// Opened for each line: whoever reads the file may move it away.
    fn open(&self) -> io::Result<File> {
        OpenOptions::new()
            .append(true)
            .create(true)
            .mode(0o600)
            .open(&self.0)
    }

    /// One write a line, so that lines of several processes do not mix. A few microseconds for a
    /// file on a disk of this machine: no thread of its own.
    fn append(&self, message: &OutgoingMessage<'_>) -> Result<(), SendError> {
        let line = serde_json::to_string(message)
            .map_err(|error| SendError::Refused(error.to_string()))?
            + "\n";
        let written = self.open().and_then(|mut file| file.write(line.as_bytes()));
        match written {
            Ok(length) if length == line.len() => Ok(()),
            Ok(_) => Err(SendError::Later("the line was cut short".to_owned())),
            Err(error) => Err(SendError::Later(error.kind().to_string())),
        }
    }
}

/// An adapter that the operator runs for whoever carries messages.
#[derive(Debug, Clone)]
pub struct MessageAdapter {
    client: PartnerClient,
    url: PartnerUrl,
    token: PartnerToken,
}

impl MessageAdapter {
    async fn post(&self, message: &OutgoingMessage<'_>) -> Result<(), SendError> {
        let (key, token) = (message.id.to_string(), self.token.current());
        let posted = (self.client).hand_over(&self.url, token.as_deref(), &key, message);
        posted.await.map_err(|error| match error {
            // About us, or about the moment, and not about the message (RFC 9110 §15.5.2, §15.5.9,
            // RFC 6585 §4).
            FetchError::Status(401 | 408 | 429) => SendError::Later(error.to_string()),
            FetchError::Status(400..=499) => SendError::Refused(error.to_string()),
            FetchError::Status(_)
            | FetchError::Forbidden
            | FetchError::Busy
            | FetchError::Unreachable
            | FetchError::TooLarge
            | FetchError::NotJson
            | FetchError::Setup => SendError::Later(error.to_string()),
        })
    }
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde hands over a reference"
)]
fn as_text<S: serde::Serializer>(at: &Instant, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(at)
}

#[cfg(test)]
mod tests;
