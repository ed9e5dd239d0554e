//! What the pages of an interaction share: opening it, its form, and going on afterwards.

use std::sync::Arc;

use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;

use crate::domain::client::Client;
use crate::http::context::RequestContext;
use crate::http::cookies::CookieName;
use crate::http::endpoints::authorization;
use crate::http::respond::{self, PageSources};
use crate::http::state::AppState;
use crate::protocol::authorization_request::AuthorizationRequest;
use crate::protocol::parameters::Parameters;
use crate::provider::authorize::Browser;
use crate::provider::interaction::{Interaction, InteractionError};
use crate::views::locale::Locale;
use crate::views::page::{Form, HiddenField, Page};

/// An interaction opened in the browser that started it, with its client.
pub struct Paused {
    /// As it travels.
    pub sealed: String,
    /// What it holds.
    pub interaction: Interaction,
    /// Who asks.
    pub client: Arc<Client>,
}

impl Paused {
    /// The request it pauses.
    pub fn request(&self) -> &AuthorizationRequest {
        &self.interaction.request
    }
}

/// Opens the interaction a page was called with; none if it was called without. The error is the
/// page that says why not.
pub async fn open(
    state: &AppState,
    context: &RequestContext,
) -> Result<Option<Paused>, Box<Response>> {
    let Some(sealed) = sealed(context) else { return Ok(None) };
    let opened = state.provider.open_interaction(&sealed, context.browser_cookie());
    let interaction = opened.map_err(|error| Box::new(refusal(state, context, error)))?;
    let client_id = interaction.client_id();
    let found = state.provider.clients().find_active(client_id).await;
    let client = found
        .map_err(|error| Box::new(respond::storage_error_page(state, context, &error)))?
        .ok_or_else(|| {
            let status = StatusCode::BAD_REQUEST;
            let text = "The portal that asked is not registered here, or is suspended.";
            Box::new(respond::error_page(state, context, status, "unknown_client", text))
        })?;
    Ok(Some(Paused { sealed, interaction, client }))
}

/// The interaction travels in the address, of the page and of its form alike, so that the links
/// that switch the language keep it.
fn sealed(context: &RequestContext) -> Option<String> {
    context.query_parameters().get("interaction").map(str::to_owned)
}

fn refusal(state: &AppState, context: &RequestContext, error: InteractionError) -> Response {
    let (code, text) = match error {
        InteractionError::Expired => (
            "interaction_expired",
            "This login took too long or was opened twice. Start again at the portal.",
        ),
        InteractionError::OtherBrowser => (
            "wrong_browser",
            "This login was started in another browser. Start again at the portal.",
        ),
    };
    respond::error_page(state, context, StatusCode::BAD_REQUEST, code, text)
}

/// The page for a form that cannot be read.
pub fn malformed(state: &AppState, context: &RequestContext) -> Response {
    let text = "The form could not be read.";
    respond::error_page(state, context, StatusCode::BAD_REQUEST, "invalid_request", text)
}

/// The page for a form that did not come from a page of ours in this browser.
pub fn forged(state: &AppState, context: &RequestContext) -> Response {
    let text = "The form did not come from this browser's own page. Go back and try again.";
    respond::error_page(state, context, StatusCode::FORBIDDEN, "csrf", text)
}

/// Whether a form comes from a page of ours in this browser.
pub fn csrf_holds(
    state: &AppState,
    context: &RequestContext,
    fields: &Parameters,
    form: &str,
) -> bool {
    // A browser says where a request comes from; one that says nothing is judged by the token.
    if matches!(context.header("sec-fetch-site"), Some(site) if site != "same-origin") {
        return false;
    }
    let (Some(cookie), Some(token)) = (context.browser_cookie(), fields.get("csrf")) else {
        return false;
    };
    let subject = sealed(context).unwrap_or_default();
    state.provider.csrf_holds((cookie, token), form, &subject)
}

/// The form of a page, and the browser cookie to set if there was none.
pub fn form(
    state: &AppState,
    context: &RequestContext,
    paused: Option<&Paused>,
    (action, name): (&str, &str),
) -> (Form, Option<HeaderValue>) {
    let mut set = None;
    let cookie = context.browser_cookie().map_or_else(
        || {
            let drawn = state.provider.draw_browser_cookie();
            set = state.cookies.set(CookieName::Browser, &drawn);
            drawn
        },
        str::to_owned,
    );
    let sealed = paused.map(|paused| paused.sealed.as_str()).unwrap_or_default();
    let csrf = state.provider.csrf_token(&cookie, name, sealed);
    let action = match paused {
        Some(_) => format!("{action}?interaction={sealed}"),
        None => action.to_owned(),
    };
    (Form { action, hidden: vec![HiddenField::new("csrf", csrf)] }, set)
}

/// The language of an interaction's pages.
pub fn locale(state: &AppState, context: &RequestContext, paused: Option<&Paused>) -> Locale {
    let ui_locales = paused.and_then(|paused| paused.request().ui_locales_text());
    context.locale(ui_locales.as_deref(), state.default_locale)
}

/// Renders a page whose form may end at the portal.
pub fn page<P: Page>(
    state: &AppState,
    context: &RequestContext,
    shown: &P,
    paused: Option<&Paused>,
) -> Response {
    let ui_locales = paused.and_then(|paused| paused.request().ui_locales_text());
    let response = respond::page(state, context, shown, ui_locales.as_deref());
    let Some(paused) = paused else { return response };
    let logo = paused.client.metadata.logo_uri().map(|logo| logo.origin());
    let sources = PageSources {
        form_targets: vec![paused.request().redirect_target().form_action_source()],
        images: logo.filter(|origin| origin.starts_with("https:")),
    };
    respond::with_sources(response, &sources)
}

/// Goes on with the authorization request.
pub async fn resume(
    state: &AppState,
    context: &RequestContext,
    paused: &Paused,
    browser: Browser<'_>,
) -> Response {
    let outcome = state
        .provider
        .resume((&paused.sealed, &paused.interaction), &paused.client, browser)
        .await;
    authorization::answer(state, context, outcome)
}
