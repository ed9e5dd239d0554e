//! Userinfo (OpenID Connect Core §5.3).

use super::access_token::TokenOwner;
use super::{Provider, disclosure};
use crate::ledger::profiles::ProfileError;
use crate::protocol::claims_request::Claim;
use crate::protocol::error::{ErrorCode, OAuthError};
use crate::protocol::scope::OPENID;
use crate::protocol::userinfo::UserInfo;
use crate::storage::{self, authorizations};

/// Why a userinfo request was refused.
#[derive(Debug, thiserror::Error)]
pub enum UserinfoError {
    /// The access token is not ours, has expired, was revoked, or is for another resource.
    #[error("the access token is not accepted")]
    Token,
    /// The access token does not speak for a resident who logged in.
    #[error("the access token has no openid scope")]
    Scope,
    /// The profile does not open.
    #[error(transparent)]
    Profile(#[from] ProfileError),
    /// Storage did not answer.
    #[error(transparent)]
    Storage(#[from] storage::Error),
}

impl UserinfoError {
    /// RFC 6750 §3.1.
    pub fn to_oauth(&self) -> OAuthError {
        match self {
            Self::Token => ErrorCode::InvalidToken
                .because("The access token is unknown, has expired, or was revoked."),
            Self::Scope => {
                ErrorCode::InsufficientScope.because("The access token lacks the scope openid.")
            }
            Self::Profile(error) => super::failure::of_profile(error),
            Self::Storage(error) => super::failure::of_storage(error),
        }
    }
}

impl Provider {
    /// The claims that an access token may fetch.
    pub async fn userinfo(&self, token: &str) -> Result<UserInfo, UserinfoError> {
        let live = self.recognize(token).await?.ok_or(UserinfoError::Token)?;
        // RFC 9068 §4: a token for another resource is none for this one.
        if live.claims.aud != self.issuer.as_str() {
            return Err(UserinfoError::Token);
        }
        if !live.claims.scope.contains(OPENID) {
            return Err(UserinfoError::Scope);
        }
        let TokenOwner {
            account,
            authorization,
            ..
        } = live.identity.owner.ok_or(UserinfoError::Scope)?;
        let now = self.now();
        let mut reader = self.ledger.reader().await?;
        let found = authorizations::find_with_profile(&mut reader, account, authorization).await?;
        drop(reader);
        let (stored, sealed) = found
            .filter(|(stored, _)| stored.holds(now))
            .ok_or(UserinfoError::Token)?;
        let mut authorization = stored.authorization;
        // A refresh may have narrowed the scope for this token; and what the client is cleared for
        // no longer is not told to it, whatever was granted before.
        authorization.scope = live.claims.scope;
        let authorization = authorization.limited_to(live.client.metadata.scope());
        let profile = self.accounts.open_profile(account, &sealed).await?;
        let wanted = disclosure::of_userinfo(&authorization);
        let claims = disclosure::release(&wanted, &profile);
        let names: Vec<&str> = claims.present().into_iter().map(Claim::as_str).collect();
        self.ledger
            .usage()
            .count_read(account, live.client.id.as_str(), &names.join(" "), now);
        Ok(UserInfo {
            sub: authorization.subject,
            claims,
        })
    }
}
