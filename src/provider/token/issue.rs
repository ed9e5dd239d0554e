//! Issuing tokens: what every grant type ends with.

use super::refresh_token::RefreshToken;
use super::{ExchangeError, rotates};
use crate::crypto::jwt::sign_jwt;
use crate::crypto::{digest, encoding};
use crate::domain::authorization::Authorization;
use crate::domain::id::AccessTokenId;
use crate::domain::instant::Instant;
use crate::protocol::access_token::{AccessTokenClaims, TYPE};
use crate::protocol::id_token::IdTokenClaims;
use crate::protocol::jose::SignatureAlgorithm;
use crate::protocol::scope::{OPENID, Scope};
use crate::protocol::text::SecretText;
use crate::protocol::token_response::{TokenResponse, TokenType};
use crate::protocol::userinfo::ReleasedClaims;
use crate::provider::access_token::{TokenIdentity, TokenOwner};
use crate::provider::client_authentication::AuthenticatedClient;
use crate::provider::{Provider, disclosure};

/// Whether the family's refresh token is part of the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Occasion<'a> {
    /// The first issue, with the request's nonce.
    Redemption(Option<&'a str>),
    /// A refresh.
    Refresh,
}

impl Provider {
    /// Issues what an authorization gives: an access token, an ID token, a refresh token.
    pub(super) async fn issue(
        &self,
        client: &AuthenticatedClient,
        authorization: &Authorization,
        occasion: Occasion<'_>,
        now: Instant,
    ) -> Result<TokenResponse, ExchangeError> {
        let access_token = self.resident_access_token(authorization, now)?;
        let id_token = if authorization.scope.contains(OPENID) {
            let claims = self
                .id_token_claims(client, authorization, (occasion, now), &access_token)
                .await?;
            Some(self.sign_id_token(client, &claims)?)
        } else {
            None
        };
        // A token that does not rotate was sent once and stays the same.
        let refresh_token = match occasion {
            Occasion::Refresh if !rotates(client) => None,
            Occasion::Redemption(_) | Occasion::Refresh => RefreshToken::of(authorization)
                .map(|token| self.ring().sealer().seal_fixed(&token))
                .transpose()?
                .map(SecretText::new),
        };
        Ok(TokenResponse {
            access_token: SecretText::new(access_token),
            token_type: TokenType::Bearer,
            expires_in: self.lifetimes.access_token.as_secs(),
            refresh_token,
            id_token,
            scope: authorization.scope.clone(),
        })
    }

    fn resident_access_token(
        &self,
        authorization: &Authorization,
        now: Instant,
    ) -> Result<String, ExchangeError> {
        let details = &authorization.details;
        let owner = TokenOwner {
            account: authorization.account_id,
            authorization: authorization.id,
            session: authorization.session_id,
        };
        let claims = AccessTokenClaims {
            sub: authorization.subject.clone(),
            auth_time: Some(details.auth_time.as_seconds()),
            acr: Some(details.acr),
            aal: Some(details.methods.aal()),
            ial: details.ial,
            ..self.access_token_claims(
                authorization.client_id.as_str(),
                &authorization.scope,
                Some(owner),
                now,
            )?
        };
        self.sign_access_token(&claims, now)
    }

    /// The claims that every access token has.
    pub(super) fn access_token_claims(
        &self,
        client_id: &str,
        scope: &Scope,
        owner: Option<TokenOwner>,
        now: Instant,
    ) -> Result<AccessTokenClaims, ExchangeError> {
        let identity = TokenIdentity {
            id: AccessTokenId::ordered(now, &*self.entropy),
            owner,
        };
        Ok(AccessTokenClaims {
            iss: self.issuer.as_str().to_owned(),
            sub: client_id.to_owned(),
            aud: self.issuer.as_str().to_owned(),
            client_id: client_id.to_owned(),
            exp: now.plus(self.lifetimes.access_token).as_seconds(),
            iat: now.as_seconds(),
            jti: self.ring().sealer().seal(&identity, &*self.entropy)?,
            scope: scope.clone(),
            auth_time: None,
            acr: None,
            aal: None,
            ial: None,
        })
    }

    /// Signs an access token, and remembers that this process did.
    pub(super) fn sign_access_token(
        &self,
        claims: &AccessTokenClaims,
        now: Instant,
    ) -> Result<String, ExchangeError> {
        let ring = self.ring();
        let algorithm = SignatureAlgorithm::Es256;
        let key = ring
            .signing_key(algorithm)
            .ok_or(ExchangeError::NoKey(algorithm))?;
        let token = sign_jwt(key, Some(TYPE), claims)?;
        self.tokens
            .remember(&token, now.plus(self.lifetimes.access_token));
        Ok(token)
    }

    async fn id_token_claims(
        &self,
        client: &AuthenticatedClient,
        authorization: &Authorization,
        (occasion, now): (Occasion<'_>, Instant),
        access_token: &str,
    ) -> Result<IdTokenClaims, ExchangeError> {
        let details = &authorization.details;
        Ok(IdTokenClaims {
            iss: self.issuer.as_str().to_owned(),
            sub: authorization.subject.clone(),
            aud: authorization.client_id.as_str().to_owned(),
            exp: now.plus(self.lifetimes.id_token).as_seconds(),
            iat: now.as_seconds(),
            auth_time: Some(details.auth_time.as_seconds()),
            nonce: match occasion {
                Occasion::Redemption(nonce) => nonce.map(str::to_owned),
                Occasion::Refresh => None,
            },
            acr: details.acr,
            amr: details
                .methods
                .amr()
                .into_iter()
                .map(str::to_owned)
                .collect(),
            aal: details.methods.aal(),
            ial: details.ial,
            sid: Some(self.derive_sid(authorization.session_id, client.client())),
            at_hash: access_token_hash(client.client().metadata.id_token_algorithm(), access_token),
            claims: self.id_token_person(authorization).await?,
        })
    }

    /// Claims of the person that were asked for in the ID token itself; mostly none, and then the
    /// profile is not opened.
    async fn id_token_person(
        &self,
        authorization: &Authorization,
    ) -> Result<ReleasedClaims, ExchangeError> {
        if authorization.details.id_token_claims.is_empty() {
            return Ok(ReleasedClaims::default());
        }
        let wanted = authorization
            .details
            .id_token_claims
            .iter()
            .copied()
            .collect();
        let found = self.accounts.profile(authorization.account_id).await?;
        let (_, profile) = found.ok_or(ExchangeError::Ended)?;
        Ok(disclosure::release(&wanted, &profile))
    }

    fn sign_id_token(
        &self,
        client: &AuthenticatedClient,
        claims: &IdTokenClaims,
    ) -> Result<SecretText, ExchangeError> {
        let ring = self.ring();
        let algorithm = client.client().metadata.id_token_algorithm();
        let key = ring
            .signing_key(algorithm)
            .ok_or(ExchangeError::NoKey(algorithm))?;
        Ok(SecretText::new(sign_jwt(key, None, claims)?))
    }
}

/// `at_hash` (Core §3.1.3.6). It is optional in the code flow, and for `EdDSA` the specification does
/// not say which digest it is of: left out there.
fn access_token_hash(algorithm: SignatureAlgorithm, access_token: &str) -> Option<String> {
    match algorithm {
        SignatureAlgorithm::Rs256 | SignatureAlgorithm::Ps256 | SignatureAlgorithm::Es256 => {
            let digest = digest::sha256(&[access_token.as_bytes()]);
            Some(encoding::encode(digest.get(..16)?))
        }
        SignatureAlgorithm::EdDsa => None,
    }
}
