//! The documents anybody may read.

use bytes::Bytes;

use super::Provider;
use crate::domain::authentication::AuthenticationMethods;
use crate::protocol::jose::SignatureAlgorithm;
use crate::protocol::provider_metadata::ProviderMetadata;

impl Provider {
    /// The discovery document, for both of its addresses (OpenID Connect Discovery §4.2,
    /// RFC 8414 §3.2).
    pub fn metadata_document(&self) -> Bytes {
        let ring = self.ring();
        let signing: Vec<SignatureAlgorithm> = SignatureAlgorithm::ALL
            .into_iter()
            .filter(|algorithm| ring.signing_key(*algorithm).is_some())
            .collect();
        let best = AuthenticationMethods::best_aal();
        to_bytes(&ProviderMetadata::new(&self.issuer, &signing, best))
    }

    /// The key set (RFC 7517 §5): current, next and retired keys.
    pub fn jwks_document(&self) -> Bytes {
        to_bytes(self.ring().jwks())
    }
}

fn to_bytes(document: &impl serde::Serialize) -> Bytes {
    // Documents of strings and lists always serialize.
    serde_json::to_vec(document).map_or_else(|_| Bytes::new(), Bytes::from)
}
