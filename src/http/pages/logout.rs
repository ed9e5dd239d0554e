//! `/logout`: asks before it ends a login, since anybody can send somebody here.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::response::Response;
use tokio::time::{Instant, sleep_until};

use super::interaction::{self, portal_name};
use crate::accounts::ended::LogoutReceipt;
use crate::accounts::logout::LogoutOrigin;
use crate::domain::client::{Client, ClientStatus};
use crate::http::context::{FormBody, RequestContext};
use crate::http::cookies::CookieName;
use crate::http::respond::{self, PageSources};
use crate::http::state::AppState;
use crate::protocol::end_session::LogoutTarget;
use crate::protocol::language::Language;
use crate::provider::end_session::PendingLogout;
use crate::views::link::WebLink;
use crate::views::logout::{
    LoggedOutPage, LogoutOutcome, LogoutPage, PortalLink, UnconfirmedPortal,
};

/// Names the form in its CSRF token.
pub(super) const FORM: &str = "logout";

/// How long portals have to confirm before the next page is shown: what a person does not notice.
pub const PATIENCE: Duration = Duration::from_millis(700);
const FIRST_PAUSE: Duration = Duration::from_millis(10);

/// Asks.
pub async fn show(State(state): State<AppState>, context: RequestContext) -> Response {
    let asked = asked(&state, &context).await;
    let session = match interaction::session(&state, &context).await {
        Ok(Some(session)) => session,
        Ok(None) => {
            let left = Left {
                client: asked.client.as_deref(),
                target: None,
                receipt: None,
            };
            return self::left(&state, &context, left).await;
        }
        Err(response) => return *response,
    };
    let person = match state.accounts.profile(session.account_id).await {
        Ok(Some((_, profile))) => profile.masked(),
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
            unconfirmed: Vec::new(),
        };
        return respond::page(&state, &context, &page, None);
    }
    let receipt = match interaction::session(&state, &context).await {
        Ok(Some(session)) => {
            let origin = LogoutOrigin::Resident;
            match state.accounts.logout(&session, origin).await {
                Ok(receipt) => Some(receipt),
                Err(error) => return respond::end_error_page(&state, &context, &error),
            }
        }
        Ok(None) => None,
        Err(response) => return *response,
    };
    let left = Left {
        client: asked.client.as_deref(),
        target: asked.target(),
        receipt,
    };
    let response = self::left(&state, &context, left).await;
    respond::with_cookie(response, state.cookies.clear(CookieName::Session))
}

/// A logout that is done.
#[derive(Debug, Clone)]
pub(in crate::http) struct Left<'a> {
    /// Who asked for it.
    pub(in crate::http) client: Option<&'a Client>,
    /// Where to go now.
    pub(in crate::http) target: Option<&'a LogoutTarget>,
    /// What ended just now.
    pub(in crate::http) receipt: Option<LogoutReceipt>,
}

/// Goes where the logout leads. Whoever leaves a shared computer must know where they are still
/// logged in: portals that have not confirmed in a moment are named first.
pub(in crate::http) async fn left(
    state: &AppState,
    context: &RequestContext,
    left: Left<'_>,
) -> Response {
    let unconfirmed = match &left.receipt {
        Some(receipt) => unconfirmed(state, receipt).await,
        None => Vec::new(),
    };
    let on = left.target.map(LogoutTarget::to_location);
    let link = match (left.client, &on) {
        (Some(client), Some(on)) => portal_link_to(context, state, (client, on)),
        (Some(client), None) => portal_link(context, state, client),
        (None, _) => None,
    };
    match (on, &link) {
        // An address of an app's own is no link: nothing else leads there.
        (Some(on), _) if unconfirmed.is_empty() || link.is_none() => respond::see_other(&on),
        _ => {
            let locale = context.locale(None, state.default_locale);
            let page = LoggedOutPage {
                outcome: LogoutOutcome::LoggedOut,
                portal: link,
                unconfirmed: unconfirmed
                    .iter()
                    .map(|client| UnconfirmedPortal {
                        name: portal_name(client, locale),
                        href: portal_link(context, state, client).map(|link| link.href),
                    })
                    .collect(),
            };
            respond::page(state, context, &page, None)
        }
    }
}

/// The portals that have not confirmed in time; those known to fail are not waited for.
/// If it cannot be known, none is named.
async fn unconfirmed(state: &AppState, receipt: &LogoutReceipt) -> Vec<Arc<Client>> {
    let deadline = Instant::now() + state.logout_patience;
    let mut pause = FIRST_PAUSE;
    loop {
        match state.provider.unconfirmed(receipt).await {
            Ok(unconfirmed) if !unconfirmed.is_pending || Instant::now() >= deadline => {
                return unconfirmed.clients;
            }
            Ok(_) => {
                sleep_until(deadline.min(Instant::now() + pause)).await;
                pause *= 2;
            }
            Err(error) => {
                tracing::warn!(%error, "it is not known who has confirmed a logout");
                return Vec::new();
            }
        }
    }
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

/// Nobody is led to a portal that was suspended.
fn portal_link(context: &RequestContext, state: &AppState, client: &Client) -> Option<PortalLink> {
    if client.status != ClientStatus::Active {
        return None;
    }
    let locale = context.locale(None, state.default_locale);
    let language = Language::for_tag(locale.tag()).unwrap_or(Language::En);
    let uri = client.metadata.pages().client_uri.choose(language)?;
    portal_link_to(context, state, (client, uri.as_str()))
}

fn portal_link_to(
    context: &RequestContext,
    state: &AppState,
    (client, address): (&Client, &str),
) -> Option<PortalLink> {
    let locale = context.locale(None, state.default_locale);
    Some(PortalLink {
        name: portal_name(client, locale),
        href: WebLink::parse(address)?,
    })
}
