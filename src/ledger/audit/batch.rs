//! What a batch says, byte by byte: the hash of an event's row, the signed statement of a batch,
//! and the hash by which the next batch and the witnesses name it.

use std::fmt;
use std::str::FromStr;

use super::tree::{Hash, leaf_hash};
use crate::crypto::digest::sha256;
use crate::crypto::encoding;
use crate::domain::id::WriterId;
use crate::storage::audit::{BatchRow, EventRow};

/// What a batch is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BatchKind {
    /// A process seals its own events.
    Events,
    /// A lease holder seals events of a process that died.
    Recovered,
    /// A lease holder names the heads of all chains.
    Link,
}

impl BatchKind {
    /// The stored name.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Events => "events",
            Self::Recovered => "recovered",
            Self::Link => "link",
        }
    }

    /// The kind of a stored name.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        [Self::Events, Self::Recovered, Self::Link]
            .into_iter()
            .find(|kind| kind.name() == name)
    }
}

/// What the first batch of a chain has as its previous.
pub(crate) const GENESIS: &str = "";

/// The hash of an event's row: every column behind its length, so that no two rows read alike.
pub(crate) fn event_leaf(row: &EventRow) -> Hash {
    let account = row.account_id.map(|account| account.to_string());
    let client = row.client_id.as_deref();
    let writer = row.writer.to_string();
    leaf_hash(&encoding::length_prefixed(&[
        writer.as_bytes(),
        &row.seq.to_be_bytes(),
        &row.at.as_millis().to_be_bytes(),
        row.kind.as_bytes(),
        &[u8::from(account.is_some())],
        account.as_deref().unwrap_or_default().as_bytes(),
        &[u8::from(client.is_some())],
        client.unwrap_or_default().as_bytes(),
        row.detail.as_bytes(),
    ]))
}

/// The bytes of a batch that are signed: every column but the signature.
pub fn statement(row: &BatchRow) -> Vec<u8> {
    let (writer, sealed_by) = (row.writer.to_string(), row.sealed_by.to_string());
    encoding::length_prefixed(&[
        b"tongxing audit batch 1",
        writer.as_bytes(),
        &row.number.to_be_bytes(),
        row.kind.as_bytes(),
        row.previous.as_bytes(),
        &row.at.as_millis().to_be_bytes(),
        &row.settled.to_be_bytes(),
        &row.highest.to_be_bytes(),
        &row.count.to_be_bytes(),
        row.spans.as_bytes(),
        row.root.as_bytes(),
        row.links.as_bytes(),
        sealed_by.as_bytes(),
        row.key_id.as_bytes(),
    ])
}

/// The hash that names a batch.
pub(crate) fn hash(row: &BatchRow) -> String {
    let digest = sha256(&[&encoding::length_prefixed(&[
        &statement(row),
        row.signature.as_bytes(),
    ])]);
    encoding::encode(&digest)
}

/// A point in a chain, as a witness notes it: `wri_…:17:hash`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// Whose chain.
    pub writer: WriterId,
    /// The batch's number.
    pub number: i64,
    /// The batch's hash.
    pub hash: String,
}

impl Head {
    pub(crate) fn of(row: &BatchRow) -> Self {
        Self {
            writer: row.writer,
            number: row.number,
            hash: hash(row),
        }
    }
}

impl fmt::Display for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.writer, self.number, self.hash)
    }
}

/// Text that is not the head of a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the head of an audit chain (WRITER:NUMBER:HASH)")]
pub struct ParseHeadError;

impl FromStr for Head {
    type Err = ParseHeadError;

    fn from_str(text: &str) -> Result<Self, ParseHeadError> {
        let mut parts = text.splitn(3, ':');
        let mut part = || parts.next().ok_or(ParseHeadError);
        let head = Self {
            writer: part()?.parse().map_err(|_| ParseHeadError)?,
            number: part()?.parse().map_err(|_| ParseHeadError)?,
            hash: part()?.to_owned(),
        };
        let is_hash = encoding::decode_exact::<32>(&head.hash).is_some();
        if head.number < 1 || !is_hash || head.to_string() != text {
            return Err(ParseHeadError);
        }
        Ok(head)
    }
}

/// Heads of chains as one text, for witnesses: `wri_…:17:hash,wri_…:3:hash`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Heads(pub Vec<Head>);

impl fmt::Display for Heads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, head) in self.0.iter().enumerate() {
            let comma = if index > 0 { "," } else { "" };
            write!(f, "{comma}{head}")?;
        }
        Ok(())
    }
}

impl FromStr for Heads {
    type Err = ParseHeadError;

    /// Also takes a head on each line, as witnesses gather them, but never none.
    fn from_str(text: &str) -> Result<Self, ParseHeadError> {
        let parts = text.split(|c: char| c == ',' || c.is_ascii_whitespace());
        let heads: Result<Vec<Head>, _> = parts
            .filter(|part| !part.is_empty())
            .map(str::parse)
            .collect();
        let heads = heads?;
        if heads.is_empty() {
            return Err(ParseHeadError);
        }
        Ok(Self(heads))
    }
}

impl From<Head> for Heads {
    fn from(head: Head) -> Self {
        Self(vec![head])
    }
}

/// The heads that a link names.
pub(crate) fn parse_links(text: &str) -> Result<Vec<Head>, ParseHeadError> {
    text.split_terminator(' ').map(str::parse).collect()
}

/// Heads as a link stores them.
pub(crate) fn print_links(heads: &[Head]) -> String {
    let heads: Vec<String> = heads.iter().map(Head::to_string).collect();
    heads.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::instant::Instant;

    fn event() -> EventRow {
        EventRow {
            writer: WriterId::from_u128(1),
            seq: 1,
            at: Instant::from_millis(1),
            kind: "login".to_owned(),
            account_id: None,
            client_id: None,
            detail: "{}".to_owned(),
        }
    }

    #[test]
    fn every_column_counts() {
        let leaf = event_leaf(&event());
        for change in [
            |row: &mut EventRow| row.writer = WriterId::from_u128(2),
            |row: &mut EventRow| row.seq = 2,
            |row: &mut EventRow| row.at = Instant::from_millis(2),
            |row: &mut EventRow| row.kind = "logout".to_owned(),
            |row: &mut EventRow| row.account_id = Some(crate::domain::id::Id::from_u128(1)),
            |row: &mut EventRow| row.client_id = Some(String::new()),
            |row: &mut EventRow| row.detail = "{ }".to_owned(),
        ] {
            let mut row = event();
            change(&mut row);
            assert_ne!(event_leaf(&row), leaf);
        }
    }

    #[test]
    fn a_head_is_read_as_it_is_printed() {
        let head = Head {
            writer: WriterId::from_u128(5),
            number: 17,
            hash: encoding::encode(&[7; 32]),
        };
        assert_eq!(head.to_string().parse(), Ok(head.clone()));
        assert_eq!(
            parse_links(&print_links(&[head.clone(), head.clone()])),
            Ok(vec![head.clone(), head.clone()])
        );
        assert_eq!(parse_links(""), Ok(vec![]));
        let both = Heads(vec![head.clone(), head.clone()]);
        assert_eq!(both.to_string().parse(), Ok(both.clone()));
        assert_eq!(format!(" {head}\n{head}\n").parse(), Ok(both));
        assert_eq!(head.to_string().parse(), Ok(Heads::from(head.clone())));
        for bad in ["", ",", &format!("{head},wri_1")] {
            assert!(bad.parse::<Heads>().is_err(), "{bad}");
        }
        let text = head.to_string();
        for bad in [
            "",
            "wri_1:1:x",
            &text.replace(":17:", ":0:"),
            &text.replace(":17:", ":+17:"),
            &format!("{text}A"),
        ] {
            assert!(bad.parse::<Head>().is_err(), "{bad}");
        }
    }
}
