//! What the pages of an interaction share: opening it, its form, and going on afterwards.

use std::sync::Arc;

use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;

use crate::accounts::known_device::KNOWN_FOR;
use crate::accounts::login::NewLogin;
use crate::domain::client::Client;
use crate::domain::session::Session;
use crate::http::context::RequestContext;
use crate::http::cookies::CookieName;
use crate::http::endpoints::authorization;
use crate::http::respond::{self, PageSources};
use crate::http::state::AppState;
use crate::protocol::authorization_request::AuthorizationRequest;
use crate::protocol::error::ErrorCode;
use crate::protocol::language::Language;
use crate::protocol::parameters::Parameters;
use crate::provider::authorize::Browser;
use crate::provider::interaction::{Interaction, InteractionError};
use crate::views::error_code::PageCode;
use crate::views::locale::Locale;
use crate::views::page::{Form, HiddenField, Page};

/// An interaction opened in the browser that started it, with its client.
pub(super) struct Paused {
    /// As it travels.
    pub(super) sealed: String,
    /// What it holds.
    pub(super) interaction: Interaction,
    /// Who asks.
    pub(super) client: Arc<Client>,
}

impl Paused {
    /// The request it pauses.
    pub(super) fn request(&self) -> &AuthorizationRequest {
        &self.interaction.request
    }
}

/// Opens the interaction a page was called with; none if it was called without. The error is the
/// page that says why not.
pub(super) async fn open(
    state: &AppState,
    context: &RequestContext,
) -> Result<Option<Paused>, Box<Response>> {
    let Some(sealed) = sealed(context) else {
        return Ok(None);
    };
    let opened = state
        .provider
        .open_interaction(&sealed, context.browser_cookie());
    let interaction = opened.map_err(|error| Box::new(refusal(state, context, error)))?;
    let found = state.provider.client_of(&interaction).await;
    let client = found
        .map_err(|error| Box::new(respond::storage_error_page(state, context, &error)))?
        .ok_or_else(|| {
            let status = StatusCode::BAD_REQUEST;
            let text = "The portal that asked is not registered here, or is suspended.";
            Box::new(respond::error_page(
                state,
                context,
                status,
                PageCode::UnknownClient,
                text,
            ))
        })?;
    Ok(Some(Paused {
        sealed,
        interaction,
        client,
    }))
}

/// The interaction travels in the address, of the page and of its form alike, so that the links
/// that switch language and text size keep it.
fn sealed(context: &RequestContext) -> Option<String> {
    context
        .query_parameters()
        .get("interaction")
        .map(str::to_owned)
}

fn refusal(state: &AppState, context: &RequestContext, error: InteractionError) -> Response {
    let (code, text) = match error {
        InteractionError::Expired => (
            PageCode::InteractionExpired,
            "This login took too long or was opened twice. Start again at the portal.",
        ),
        InteractionError::OtherBrowser => (
            PageCode::WrongBrowser,
            "This login was started in another browser. Start again at the portal.",
        ),
    };
    respond::error_page(state, context, StatusCode::BAD_REQUEST, code, text)
}

/// The page for a form that cannot be read.
pub(super) fn malformed(state: &AppState, context: &RequestContext) -> Response {
    let text = "The form could not be read.";
    respond::error_page(
        state,
        context,
        StatusCode::BAD_REQUEST,
        ErrorCode::InvalidRequest,
        text,
    )
}

/// The page for a form that did not come from a page of ours in this browser.
pub(super) fn forged(state: &AppState, context: &RequestContext) -> Response {
    let text = "The form did not come from this browser's own page. Go back and try again.";
    respond::error_page(state, context, StatusCode::FORBIDDEN, PageCode::Csrf, text)
}

/// Whether a form comes from a page of ours in this browser.
pub(super) fn csrf_holds(
    state: &AppState,
    context: &RequestContext,
    fields: &Parameters,
    form: &str,
) -> bool {
    let sealed = sealed(context).unwrap_or_default();
    csrf_holds_for(state, context, fields, (form, &sealed))
}

/// The same for a form that is tied to `subject`.
pub(super) fn csrf_holds_for(
    state: &AppState,
    context: &RequestContext,
    fields: &Parameters,
    (form, subject): (&str, &str),
) -> bool {
    // A browser says where a request comes from; one that says nothing is judged by the token.
    if matches!(context.header("sec-fetch-site"), Some(site) if site != "same-origin") {
        return false;
    }
    let (Some(cookie), Some(token)) = (context.browser_cookie(), fields.get("csrf")) else {
        return false;
    };
    state.provider.csrf_holds((cookie, token), form, subject)
}

/// The form of a page, and the browser cookie to set if there was none.
pub(super) fn form(
    state: &AppState,
    context: &RequestContext,
    paused: Option<&Paused>,
    (action, name): (&str, &str),
) -> (Form, Option<HeaderValue>) {
    let sealed = paused
        .map(|paused| paused.sealed.as_str())
        .unwrap_or_default();
    form_to(state, context, (address(action, paused), name), sealed)
}

/// A form whose token is tied to the browser and to `subject`.
pub(super) fn form_to(
    state: &AppState,
    context: &RequestContext,
    (action, name): (String, &str),
    subject: &str,
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
    let csrf = state.provider.csrf_token(&cookie, name, subject);
    (
        Form {
            action,
            hidden: vec![HiddenField::new("csrf", csrf)],
        },
        set,
    )
}

/// The language of an interaction's pages.
pub(super) fn locale(
    state: &AppState,
    context: &RequestContext,
    paused: Option<&Paused>,
) -> Locale {
    context.locale(ui_locales(paused).as_deref(), state.default_locale)
}

fn ui_locales(paused: Option<&Paused>) -> Option<String> {
    let tags: Vec<&str> = paused?.request().ui_locales().iter().collect();
    Some(tags.join(" "))
}

/// Renders a page whose form may end at the portal.
pub(super) fn page<P: Page>(
    state: &AppState,
    context: &RequestContext,
    shown: &P,
    (paused, images): (Option<&Paused>, Option<String>),
) -> Response {
    let response = respond::page(state, context, shown, ui_locales(paused).as_deref());
    let Some(paused) = paused else {
        return response;
    };
    let sources = PageSources {
        form_targets: vec![paused.request().target().origin()],
        images,
    };
    respond::with_sources(response, &sources)
}

/// The address of a page that belongs to the same interaction, if there is one.
pub(super) fn address(path: &str, paused: Option<&Paused>) -> String {
    match paused {
        Some(paused) => format!("{path}?interaction={}", paused.sealed),
        None => path.to_owned(),
    }
}

/// The login of the browser, if there is one.
pub(super) async fn session(
    state: &AppState,
    context: &RequestContext,
) -> Result<Option<Session>, Box<Response>> {
    let Some(cookie) = context.session_cookie() else {
        return Ok(None);
    };
    let session = state.accounts.session(cookie).await;
    session.map_err(|error| Box::new(respond::storage_error_page(state, context, &error)))
}

/// Where somebody goes who has just logged in: on with the request that waits, or to their account.
pub(super) async fn enter(
    state: &AppState,
    context: &RequestContext,
    paused: Option<&Paused>,
    login: &NewLogin,
) -> Response {
    let response = match paused {
        Some(paused) => {
            let browser = Browser {
                session_cookie: Some(&login.cookie),
                browser_cookie: context.browser_cookie(),
            };
            resume(state, context, paused, browser).await
        }
        None => respond::see_other("/account"),
    };
    let cookies = state.cookies;
    let session = cookies.set(CookieName::Session, &login.cookie);
    let device = cookies.keep(CookieName::Device, &login.known_device, KNOWN_FOR);
    respond::with_cookie(respond::with_cookie(response, session), device)
}

/// Goes on with the authorization request.
pub(super) async fn resume(
    state: &AppState,
    context: &RequestContext,
    paused: &Paused,
    browser: Browser<'_>,
) -> Response {
    let outcome = state
        .provider
        .resume(
            (&paused.sealed, &paused.interaction),
            &paused.client,
            browser,
        )
        .await;
    authorization::answer(state, context, outcome)
}

pub(super) fn portal_name(client: &Client, locale: Locale) -> String {
    let language = Language::for_tag(locale.tag()).unwrap_or(Language::En);
    let name = client.metadata.pages().name.choose(language);
    name.map_or_else(|| client.id.to_string(), |name| name.as_str().to_owned())
}
