//! The authorization endpoint (OpenID Connect Core §3.1.2).
//!
//! A chain of facts: the client is known and its redirect URI exact (`RedirectTarget`); every
//! parameter is permitted ([`AuthorizationRequest`]); then `decision` says whether the request
//! needs the resident, is refused, or may be answered with a [`code`]. Needing the resident is an
//! outcome, not an error. A request that a live session answers writes nothing.

pub mod code;
pub mod consent;
mod decision;

use std::sync::Arc;

use super::Provider;
use super::interaction::Interaction;
use super::subject::sector_of;
use crate::crypto::seal::SealError;
use crate::domain::assurance;
use crate::domain::client::{Client, ClientId};
use crate::protocol::authorization_request::{
    AuthorizationRequest, RawAuthorizationRequest, Refused, Unverified,
};
use crate::protocol::authorization_response::AuthorizationResponse;
use crate::protocol::error::ErrorCode;
use crate::protocol::text::SecretText;
use crate::storage;
use decision::{Decision, Facts};

/// What a browser brings along.
#[derive(Debug, Clone, Copy)]
pub struct Browser<'a> {
    /// Its session cookie.
    pub session_cookie: Option<&'a str>,
    /// The cookie that ties interactions to it.
    pub browser_cookie: Option<&'a str>,
}

/// What the resident must do before a request can be answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Prove who they are.
    Login,
    /// Decide, or be told, what the client receives.
    Consent,
}

/// How an authorization request goes on.
#[derive(Debug)]
pub enum Outcome {
    /// The browser returns to the client, with a code or an error. The address may hold a code.
    Respond(SecretText),
    /// The resident is needed; the interaction travels in the page's address.
    Interact {
        /// For what.
        step: Step,
        /// The paused request, sealed.
        interaction: String,
    },
}

/// Why a request is answered by a page of ours.
#[derive(Debug, thiserror::Error)]
pub enum AuthorizeError {
    /// Nothing proves where an answer may go.
    #[error(transparent)]
    Unverified(#[from] Unverified),
    /// Storage did not answer.
    #[error(transparent)]
    Storage(#[from] storage::Error),
    /// Sealing failed.
    #[error(transparent)]
    Seal(#[from] SealError),
}

impl Provider {
    /// Answers an authorization request.
    pub async fn authorize(
        &self,
        request: &RawAuthorizationRequest,
        browser: Browser<'_>,
    ) -> Result<Outcome, AuthorizeError> {
        let id: ClientId = request
            .client_id()?
            .parse()
            .map_err(|_| Unverified::UnknownClient)?;
        let client = self
            .clients
            .find_active(&id)
            .await?
            .ok_or(Unverified::UnknownClient)?;
        let target = request.identify(&client.metadata)?;
        let request = match request.validate(target, &client.metadata) {
            Ok(request) => request,
            Err(refused) => return Ok(self.refuse(*refused)),
        };
        if !self.serves(request.resource()) {
            let told = "Tokens are issued for this provider's own resources only.";
            return Ok(self.refuse(request.refuse(ErrorCode::InvalidTarget.because(told))));
        }
        self.proceed(&client, &request, None, browser).await
    }

    /// Goes on with a paused request, after the resident did something.
    pub async fn resume(
        &self,
        paused: (&str, &Interaction),
        client: &Arc<Client>,
        browser: Browser<'_>,
    ) -> Result<Outcome, AuthorizeError> {
        self.proceed(client, &paused.1.request, Some(paused), browser)
            .await
    }

    async fn proceed(
        &self,
        client: &Arc<Client>,
        request: &AuthorizationRequest,
        paused: Option<(&str, &Interaction)>,
        browser: Browser<'_>,
    ) -> Result<Outcome, AuthorizeError> {
        let now = self.now();
        let sector = sector_of(&client.metadata);
        let session = match browser.session_cookie {
            Some(cookie) => {
                self.accounts
                    .session_for_client(cookie, client.id.as_str(), sector)
                    .await?
            }
            None => None,
        };
        let ial = session
            .as_ref()
            .and_then(|found| assurance::derive(&found.checks, now));
        let facts = Facts {
            request,
            session: session.as_ref(),
            hinted: self.hinted_subject(client, request),
            ial,
            terms: consent::terms(client),
            started_at: paused.map(|(_, interaction)| interaction.created_at),
            now,
        };
        match decision::decide(&facts) {
            Decision::Need(step) => self.interact(step, request, paused, browser),
            Decision::Refuse(code, reason) => Ok(self.refuse(request.refuse(code.because(reason)))),
            Decision::Ready(ready) => {
                let code = match self.issue_code(client, request, &ready, now) {
                    Ok(code) => code,
                    Err(SealError::TooLong) => return Ok(self.refuse(too_long(request))),
                    Err(error) => return Err(error.into()),
                };
                let response = AuthorizationResponse::granted(request.target().clone(), code);
                Ok(Outcome::Respond(response.to_location(&self.issuer)))
            }
        }
    }

    fn interact(
        &self,
        step: Step,
        request: &AuthorizationRequest,
        paused: Option<(&str, &Interaction)>,
        browser: Browser<'_>,
    ) -> Result<Outcome, AuthorizeError> {
        if let Some((sealed, _)) = paused {
            return Ok(Outcome::Interact {
                step,
                interaction: sealed.to_owned(),
            });
        }
        let cookie = browser.browser_cookie.unwrap_or_default();
        match self.pause(request.clone(), cookie) {
            Ok(interaction) => Ok(Outcome::Interact { step, interaction }),
            Err(SealError::TooLong) => Ok(self.refuse(too_long(request))),
            Err(error) => Err(error.into()),
        }
    }

    /// The answer that tells the client its request is refused.
    pub(super) fn refuse(&self, refused: Refused) -> Outcome {
        let response = AuthorizationResponse::refused(refused);
        Outcome::Respond(response.to_location(&self.issuer))
    }

    /// The subject an `id_token_hint` or a `claims` request names. A hint that is not ours, or not
    /// this client's, names nobody we could be (Core §3.1.2.1, attack case 45).
    fn hinted_subject(&self, client: &Client, request: &AuthorizationRequest) -> Hinted {
        let named = request.claims().subject().map(str::to_owned);
        let Some(hint) = request.id_token_hint() else {
            return named.map_or(Hinted::Nobody, Hinted::Subject);
        };
        match self.verify_id_token_hint(hint.expose()) {
            Some(hint) if hint.aud == client.id.as_str() => {
                let agrees = named.is_none_or(|named| named == hint.sub);
                if agrees {
                    Hinted::Subject(hint.sub)
                } else {
                    Hinted::Stranger
                }
            }
            _ => Hinted::Stranger,
        }
    }
}

/// The answer to a request that does not fit into what travels, sealed, in an address.
fn too_long(request: &AuthorizationRequest) -> Refused {
    request.refuse(ErrorCode::InvalidRequest.because("The request is too long."))
}

/// Whom a request says it is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Hinted {
    /// It does not say.
    Nobody,
    /// This subject.
    Subject(String),
    /// Somebody who cannot be logged in here.
    Stranger,
}
