//! The members that RFC 7591 §2.1 ties together: what a client exchanges for tokens, what the
//! authorization endpoint answers it with, and how it proves itself.

use std::collections::BTreeSet;

use super::bad;
use super::raw::RawClientMetadata;
use super::reading::{set, vocabulary};
use super::values::{GrantType, ResponseType, TokenEndpointAuthMethod};
use crate::protocol::error::OAuthError;

/// The members that RFC 7591 §2.1 ties together.
pub(super) struct Grants {
    pub(super) auth_method: TokenEndpointAuthMethod,
    pub(super) grant_types: BTreeSet<GrantType>,
    pub(super) response_types: BTreeSet<ResponseType>,
}

impl Grants {
    pub(super) fn read(raw: &RawClientMetadata) -> Result<Self, OAuthError> {
        let auth_method = vocabulary(
            "token_endpoint_auth_method",
            raw.token_endpoint_auth_method.as_deref(),
        )?;
        let grant_types = match &raw.grant_types {
            None => BTreeSet::from([GrantType::AuthorizationCode]),
            Some(values) => set("grant_types", values)?,
        };
        let code = grant_types.contains(&GrantType::AuthorizationCode);
        let response_types = match &raw.response_types {
            Some(values) => set("response_types", values)?,
            None if code => BTreeSet::from([ResponseType::Code]),
            None => BTreeSet::new(),
        };
        let grants = Self {
            auth_method,
            grant_types,
            response_types,
        };
        grants.check(code)?;
        Ok(grants)
    }

    fn check(&self, code: bool) -> Result<(), OAuthError> {
        if self.grant_types.is_empty() {
            return Err(bad("grant_types", "is empty"));
        }
        if code != self.response_types.contains(&ResponseType::Code) {
            return Err(bad(
                "response_types",
                "must have code exactly when grant_types has authorization_code",
            ));
        }
        if self.has(GrantType::RefreshToken) && !code {
            return Err(bad(
                "grant_types",
                "has refresh_token without authorization_code",
            ));
        }
        // RFC 6749 §4.4: only a client that can keep a secret.
        if self.has(GrantType::ClientCredentials)
            && self.auth_method == TokenEndpointAuthMethod::None
        {
            return Err(bad(
                "grant_types",
                "has client_credentials, but the client is public",
            ));
        }
        Ok(())
    }

    pub(super) fn has(&self, grant_type: GrantType) -> bool {
        self.grant_types.contains(&grant_type)
    }
}
