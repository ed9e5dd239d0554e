//! Subjects: the name a client's sector knows an account by, and `sid`.

use super::Provider;
use crate::crypto::encoding;
use crate::domain::client::Client;
use crate::domain::id::{AccountId, SessionId};
use crate::ledger::keyring::MacUse;
use crate::protocol::client_metadata::ClientMetadata;
use crate::protocol::client_metadata::values::SubjectType;

/// The sector that all clients with public subjects share. No host has this name.
const PUBLIC: &str = "*";

/// Eighteen bytes: 24 characters, and no two accounts of a sector alike.
const SUBJECT_BYTES: usize = 18;

/// The sector whose subject a client sees.
pub fn sector_of(metadata: &ClientMetadata) -> &str {
    match metadata.subject_type() {
        SubjectType::Public => PUBLIC,
        SubjectType::Pairwise => metadata.sector().unwrap_or(PUBLIC),
    }
}

impl Provider {
    /// The subject a sector will know an account by, if none is stored (OpenID Connect Core §8.1).
    pub(super) fn derive_subject(&self, account_id: AccountId, sector: &str) -> String {
        let account = account_id.to_u128().to_be_bytes();
        let tag = self
            .ring()
            .mac(MacUse::Subject)
            .tag("subject", &[sector.as_bytes(), &account]);
        encoding::encode(tag.get(..SUBJECT_BYTES).unwrap_or(&tag))
    }

    /// The `sid` by which one client knows a session.
    pub(super) fn derive_sid(&self, session_id: SessionId, client: &Client) -> String {
        let session = session_id.to_u128().to_be_bytes();
        let tag = self
            .ring()
            .mac(MacUse::Sid)
            .tag("sid", &[client.id.as_str().as_bytes(), &session]);
        encoding::encode(tag.get(..SUBJECT_BYTES).unwrap_or(&tag))
    }
}
