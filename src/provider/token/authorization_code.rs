//! `authorization_code` (RFC 6749 §4.1.3, RFC 7636 §4.6).
//!
//! 1. Open the code: it was made here, lately, for this client.
//! 2. Hold redirect URI and code verifier against it.
//! 3. Redeem it: one conditional insertion, which of any number of racers one makes.
//! 4. Issue tokens. Whoever comes with a redeemed code revokes what came of it.

use serde_json::json;

use super::ExchangeError;
use super::issue::Occasion;
use crate::crypto::digest;
use crate::domain::authorization::Authorization;
use crate::domain::client::ClientId;
use crate::domain::id::{AccountId, AuthorizationId};
use crate::domain::instant::Instant;
use crate::ledger::Entry;
use crate::ledger::audit::{Event, EventKind};
use crate::ledger::feed::Change;
use crate::protocol::client_metadata::values::GrantType;
use crate::protocol::pkce::CodeVerifier;
use crate::protocol::scope::OFFLINE_ACCESS;
use crate::protocol::text::SecretText;
use crate::protocol::token_response::TokenResponse;
use crate::provider::Provider;
use crate::provider::authorize::code::AuthorizationCode;
use crate::provider::client_authentication::AuthenticatedClient;
use crate::provider::disclosure;
use crate::storage::{self, authorizations};

/// What a token request brings to prove that it comes from where the code was sent.
#[derive(Debug, Clone, Copy)]
pub(super) struct Binding<'a> {
    pub(super) redirect_uri: Option<&'a str>,
    pub(super) verifier: Option<&'a CodeVerifier>,
}

/// What became of a redemption.
enum Redemption {
    Redeemed,
    Replayed,
    Ended,
}

struct Redeeming {
    authorization: Authorization,
    event: Event,
    now: Instant,
}

impl Provider {
    pub(super) async fn redeem_code(
        &self,
        client: &AuthenticatedClient,
        code: &SecretText,
        binding: Binding<'_>,
    ) -> Result<TokenResponse, ExchangeError> {
        let code = self
            .ring()
            .sealer()
            .open::<AuthorizationCode>(code.expose())
            .ok_or(ExchangeError::CodeUnknown)?;
        if code.client_id != client.client().id {
            return Err(ExchangeError::CodeOfOther);
        }
        binding.check(&code)?;
        let now = self.now();
        // A code that is too old may have been redeemed in time: its replay revokes all the same.
        let is_old = now.since(code.issued_at) >= self.lifetimes.code;
        if is_old || self.is_void(code.issued_at) {
            return Err(self.replay_of_old(&code).await?);
        }
        let authorization = self.authorization_of(&code, client, now);
        let event = Event::new(EventKind::AuthorizationRedeemed, now)
            .account(authorization.account_id)
            .client(authorization.client_id.as_str())
            .detail(json!({
                "authorization": authorization.id,
                "session": authorization.session_id,
                "scope": authorization.scope.to_string(),
                "discloses": disclosure::names(&authorization),
            }));
        let redeeming = Redeeming {
            authorization: authorization.clone(),
            event,
            now,
        };
        let redemption = self
            .ledger
            .write(redeeming, |entry, redeeming| {
                Box::pin(redeem(entry, redeeming))
            })
            .await?;
        match redemption {
            Redemption::Redeemed => {
                let occasion = Occasion::Redemption(code.nonce.as_deref());
                self.issue(client, &authorization, occasion, now).await
            }
            Redemption::Replayed => Err(ExchangeError::CodeReplayed(code.authorization_id)),
            Redemption::Ended => Err(ExchangeError::Ended),
        }
    }

    fn authorization_of(
        &self,
        code: &AuthorizationCode,
        client: &AuthenticatedClient,
        now: Instant,
    ) -> Authorization {
        let metadata = &client.client().metadata;
        let refreshes = code.scope.contains(OFFLINE_ACCESS)
            && metadata.scope().contains(OFFLINE_ACCESS)
            && metadata.allows_grant(GrantType::RefreshToken);
        let ttl = if refreshes {
            self.lifetimes.refresh_token
        } else {
            self.lifetimes.access_token
        };
        let authorization = Authorization {
            account_id: code.account_id,
            id: code.authorization_id,
            client_id: code.client_id.clone(),
            session_id: code.session_id,
            grant_id: code.grant_id,
            subject: code.subject.clone(),
            scope: code.scope.clone(),
            details: code.details.clone(),
            issued_at: now,
            // Never shorter than the code itself, so that a replay finds what it revokes.
            expires_at: now.plus(ttl.max(self.lifetimes.code)),
            refresh_count: refreshes.then_some(0),
        };
        // What an operator took away meanwhile is not granted any more.
        authorization.limited_to(metadata.scope())
    }

    async fn replay_of_old(
        &self,
        code: &AuthorizationCode,
    ) -> Result<ExchangeError, storage::Error> {
        let (account_id, id) = (code.account_id, code.authorization_id);
        let mut reader = self.ledger.reader().await?;
        let redeemed = authorizations::find(&mut reader, account_id, id)
            .await?
            .is_some();
        drop(reader);
        if !redeemed {
            return Ok(ExchangeError::CodeUnknown);
        }
        let kind = EventKind::CodeReplayed;
        self.revoke_authorization((account_id, id), &code.client_id, kind)
            .await?;
        Ok(ExchangeError::CodeReplayed(id))
    }

    /// Revokes an authorization with every token of it, and records why.
    pub(in crate::provider) async fn revoke_authorization(
        &self,
        key: (AccountId, AuthorizationId),
        client_id: &ClientId,
        kind: EventKind,
    ) -> Result<(), storage::Error> {
        let event = Event::new(kind, self.now()).client(client_id.as_str());
        self.ledger
            .write((key, event), |entry, (key, event)| {
                Box::pin(revoke(entry, *key, event.clone()))
            })
            .await
    }
}

impl Binding<'_> {
    /// RFC 6749 §4.1.3 and RFC 7636 §4.6. A verifier without a challenge is refused too, since it
    /// tells of a request that was stripped on its way (RFC 9700 §4.8.2).
    fn check(self, code: &AuthorizationCode) -> Result<(), ExchangeError> {
        let uri = self
            .redirect_uri
            .map(|uri| digest::sha256(&[uri.as_bytes()]));
        if !uri.is_some_and(|uri| digest::equal(&uri, &code.redirect_uri)) {
            return Err(ExchangeError::RedirectUri);
        }
        let proven = match (&code.challenge, self.verifier) {
            (None, None) => true,
            (Some(challenge), Some(verifier)) => {
                digest::equal(challenge.digest(), &digest::sha256(&[verifier.as_bytes()]))
            }
            (None, Some(_)) | (Some(_), None) => false,
        };
        if proven {
            Ok(())
        } else {
            Err(ExchangeError::Pkce)
        }
    }
}

async fn redeem(
    entry: &mut Entry<'_>,
    redeeming: &Redeeming,
) -> Result<Redemption, storage::Error> {
    let Redeeming {
        authorization,
        event,
        now,
    } = redeeming;
    let key = (authorization.account_id, authorization.id);
    if authorizations::redeem(entry.tx(), authorization, *now).await? {
        entry.record(event).await?;
        return Ok(Redemption::Redeemed);
    }
    if authorizations::find(entry.tx(), key.0, key.1)
        .await?
        .is_none()
    {
        return Ok(Redemption::Ended);
    }
    // RFC 6749 §4.1.2: a code that comes twice has been seen by two.
    let replayed = Event::new(EventKind::CodeReplayed, *now);
    let replayed = replayed.client(authorization.client_id.as_str());
    revoke(entry, key, replayed).await?;
    Ok(Redemption::Replayed)
}

/// Revokes an authorization that is not revoked yet; `event` says why and by whose doing.
async fn revoke(
    entry: &mut Entry<'_>,
    (account_id, id): (AccountId, AuthorizationId),
    event: Event,
) -> Result<(), storage::Error> {
    if authorizations::revoke(entry.tx(), account_id, id, event.at()).await? {
        entry.announce(Change::AuthorizationRevoked(account_id, id));
        let event = event
            .account(account_id)
            .detail(json!({ "authorization": id }));
        entry.record(&event).await?;
    }
    Ok(())
}
