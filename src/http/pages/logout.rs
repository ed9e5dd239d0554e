//! `/logout`: asks before it ends a login, since anybody can send somebody here.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;

use super::interaction::{self, portal_name};
use crate::accounts::logout::LogoutOrigin;
use crate::domain::client::Client;
use crate::http::context::{FormBody, RequestContext};
use crate::http::cookies::CookieName;
use crate::http::respond::{self, PageSources};
use crate::http::state::AppState;
use crate::protocol::end_session::LogoutTarget;
use crate::protocol::language::Language;
use crate::provider::end_session::PendingLogout;
use crate::views::link::WebLink;
use crate::views::logout::{LoggedOutPage, LogoutOutcome, LogoutPage, PortalLink};

/// Names the form in its CSRF token.
pub(super) const FORM: &str = "logout";

/// Asks.
pub async fn show(State(state): State<AppState>, context: RequestContext) -> Response {
    let asked = asked(&state, &context).await;
    let session = match interaction::session(&state, &context).await {
        Ok(Some(session)) => session,
        Ok(None) => return logged_out(&state, &context, asked.client.as_deref()),
        Err(response) => return *response,
    };
    let person = match state.accounts.profile(session.account_id).await {
        Ok(Some((_, profile))) => profile.name.masked(),
        Ok(None) => String::new(),
        Err(error) => return respond::profile_error_page(&state, &context, &error),
    };
    let action = match &asked.sealed {
        Some(sealed) => format!("/logout?pending={sealed}"),
        None => "/logout".to_owned(),
    };
    let (form, cookie) = interaction::form_to(&state, &context, (action, FORM), asked.subject());
    let locale = context.locale(None, state.default_locale);
    let portal = asked
        .client
        .as_deref()
        .map(|client| portal_name(client, locale));
    let response = respond::page(
        &state,
        &context,
        &LogoutPage {
            form,
            person,
            portal,
        },
        None,
    );
    let sources = PageSources {
        form_targets: asked
            .target()
            .map(LogoutTarget::origin)
            .into_iter()
            .collect(),
        images: None,
    };
    respond::with_cookie(respond::with_sources(response, &sources), cookie)
}

/// Takes the decision.
pub async fn submit(
    State(state): State<AppState>,
    context: RequestContext,
    body: FormBody,
) -> Response {
    let Some(fields) = body.parameters() else {
        return interaction::malformed(&state, &context);
    };
    let asked = asked(&state, &context).await;
    if !interaction::csrf_holds_for(&state, &context, &fields, (FORM, asked.subject())) {
        return interaction::forged(&state, &context);
    }
    if fields.get("decision") == Some("cancel") {
        let portal = asked
            .client
            .as_deref()
            .and_then(|client| portal_link(&context, &state, client));
        let page = LoggedOutPage {
            outcome: LogoutOutcome::Stayed,
            portal,
        };
        return respond::page(&state, &context, &page, None);
    }
    match interaction::session(&state, &context).await {
        Ok(Some(session)) => {
            if let Err(error) = state
                .accounts
                .logout(&session, LogoutOrigin::Resident)
                .await
            {
                return respond::storage_error_page(&state, &context, &error);
            }
        }
        Ok(None) => {}
        Err(response) => return *response,
    }
    let response = match asked.target() {
        Some(target) => respond::see_other(&target.to_location()),
        None => logged_out(&state, &context, asked.client.as_deref()),
    };
    respond::with_cookie(response, state.cookies.clear(CookieName::Session))
}

/// The page that says that nobody is logged in any more.
pub(in crate::http) fn logged_out(
    state: &AppState,
    context: &RequestContext,
    client: Option<&Client>,
) -> Response {
    let portal = client.and_then(|client| portal_link(context, state, client));
    let page = LoggedOutPage {
        outcome: LogoutOutcome::LoggedOut,
        portal,
    };
    respond::page(state, context, &page, None)
}

/// What asked for the logout, if it was a portal.
struct Asked {
    sealed: Option<String>,
    pending: Option<PendingLogout>,
    client: Option<Arc<Client>>,
}

impl Asked {
    /// What the form's token is tied to besides the browser.
    fn subject(&self) -> &str {
        self.sealed.as_deref().unwrap_or_default()
    }

    /// Where to go afterwards. Not to a portal that was suspended meanwhile.
    fn target(&self) -> Option<&LogoutTarget> {
        self.client.as_ref()?;
        self.pending.as_ref()?.target.as_ref()
    }
}

async fn asked(state: &AppState, context: &RequestContext) -> Asked {
    let sealed = context.query_parameters().get("pending").map(str::to_owned);
    let pending = sealed
        .as_deref()
        .and_then(|sealed| state.provider.open_pending_logout(sealed));
    let id = pending
        .as_ref()
        .and_then(|pending| pending.client_id.as_ref());
    let client = match id {
        // A portal that cannot be read just now is left out of the page, no more.
        Some(id) => state
            .provider
            .clients()
            .find_active(id)
            .await
            .ok()
            .flatten(),
        None => None,
    };
    Asked {
        sealed,
        pending,
        client,
    }
}

fn portal_link(context: &RequestContext, state: &AppState, client: &Client) -> Option<PortalLink> {
    let locale = context.locale(None, state.default_locale);
    let language = Language::for_tag(locale.tag()).unwrap_or(Language::En);
    let uri = client.metadata.pages().client_uri.choose(language)?;
    Some(PortalLink {
        name: portal_name(client, locale),
        href: WebLink::parse(uri.as_str())?,
    })
}
