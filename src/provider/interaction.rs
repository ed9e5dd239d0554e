//! Interactions: an authorization request paused while its resident logs in or decides.
//!
//! An interaction is sealed into the page's address and holds immutable facts only, so nothing of
//! it can be rolled back or forked, and an abandoned one leaves no row behind. It opens only in the
//! browser that started it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Provider;
use crate::accounts::browser::BrowserTag;
use crate::crypto::seal::{SealError, Sealed};
use crate::crypto::{digest, encoding};
use crate::domain::client::Client;
use crate::domain::id::InteractionId;
use crate::domain::instant::Instant;
use crate::ledger::keyring::MacUse;
use crate::protocol::authorization_request::AuthorizationRequest;
use crate::storage;

/// A paused authorization request.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Interaction {
    /// Its identifier.
    pub id: InteractionId,
    /// The request, validated.
    pub request: AuthorizationRequest,
    /// When it was paused; logins and decisions it asks for come after.
    pub created_at: Instant,
    /// Digest of the cookie of the browser that started it.
    browser: BrowserTag,
}

impl Sealed for Interaction {
    const PURPOSE: &'static str = "interaction";
}

/// Why an interaction cannot go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InteractionError {
    /// It was not made here, or too long ago.
    #[error("the interaction is unknown or has expired")]
    Expired,
    /// It was started in another browser.
    #[error("the interaction belongs to another browser")]
    OtherBrowser,
}

impl Provider {
    /// A new browser cookie's value: what ties interactions and forms to one browser.
    pub fn draw_browser_cookie(&self) -> String {
        let bytes: [u8; 16] = self.entropy.bytes();
        encoding::encode(&bytes)
    }

    /// Pauses a request for the browser that holds `browser_cookie`.
    pub(super) fn pause(
        &self,
        request: AuthorizationRequest,
        browser_cookie: &str,
    ) -> Result<String, SealError> {
        let interaction = Interaction {
            id: InteractionId::ordered(self.now(), &*self.entropy),
            request,
            created_at: self.now(),
            browser: BrowserTag::of(browser_cookie),
        };
        self.ring().sealer().seal(&interaction, &*self.entropy)
    }

    /// Opens an interaction in the browser that started it.
    pub fn open_interaction(
        &self,
        sealed: &str,
        browser_cookie: Option<&str>,
    ) -> Result<Interaction, InteractionError> {
        let opened = self.ring().sealer().open::<Interaction>(sealed);
        let interaction = opened.ok_or(InteractionError::Expired)?;
        if self.now().since(interaction.created_at) > self.lifetimes.interaction {
            return Err(InteractionError::Expired);
        }
        if !interaction.browser.is_of(browser_cookie) {
            return Err(InteractionError::OtherBrowser);
        }
        Ok(interaction)
    }

    /// The client that an interaction is for, if it is still active and answers may still be sent
    /// where this one goes.
    pub async fn client_of(
        &self,
        interaction: &Interaction,
    ) -> Result<Option<Arc<Client>>, storage::Error> {
        let request = &interaction.request;
        let Ok(id) = request.client_id().parse() else {
            return Ok(None);
        };
        let client = self.clients.find_active(&id).await?;
        let redirect_uri = request.target().redirect_uri();
        Ok(client.filter(|client| client.metadata.allows_redirect(redirect_uri)))
    }

    /// The token that a form on a page of ours must bring back: tied to the browser, to the form
    /// and to the interaction it decides.
    pub fn csrf_token(&self, browser_cookie: &str, form: &str, subject: &str) -> String {
        let parts = [
            browser_cookie.as_bytes(),
            form.as_bytes(),
            subject.as_bytes(),
        ];
        encoding::encode(&self.ring().mac(MacUse::Form).tag("csrf", &parts))
    }

    /// Whether a form brought back its token.
    pub fn csrf_holds(
        &self,
        (browser_cookie, token): (&str, &str),
        form: &str,
        subject: &str,
    ) -> bool {
        let expected = self.csrf_token(browser_cookie, form, subject);
        digest::equal(expected.as_bytes(), token.as_bytes())
    }
}
