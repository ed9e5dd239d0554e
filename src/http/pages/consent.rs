//! `/consent`: asks on the ground of consent, tells on the ground of a statutory duty.

use axum::extract::State;
use axum::response::Response;

use super::interaction::{self, Paused};
use crate::accounts::profile::Profile;
use crate::domain::session::Session;
use crate::http::context::{FormBody, RequestContext};
use crate::http::endpoints::authorization;
use crate::http::respond;
use crate::http::state::AppState;
use crate::protocol::client_metadata;
use crate::provider::authorize::Browser;
use crate::views::consent::{ConsentPage, LegalBasis, Portal, Received};
use crate::views::link::WebLink;

/// Names the form in its CSRF token.
const FORM: &str = "consent";

/// Shows who receives what.
pub async fn show(State(state): State<AppState>, context: RequestContext) -> Response {
    let (paused, session) = match entered(&state, &context).await {
        Ok(entered) => entered,
        Err(response) => return *response,
    };
    match state.accounts.profile(session.account_id).await {
        Ok(Some((_, profile))) => asked(&state, &context, &paused, &profile),
        Ok(None) => respond::see_other("/login"),
        Err(error) => respond::storage_error_page(&state, &context, &error),
    }
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
    let (paused, session) = match entered(&state, &context).await {
        Ok(entered) => entered,
        Err(response) => return *response,
    };
    if !interaction::csrf_holds(&state, &context, &fields, FORM) {
        return interaction::forged(&state, &context);
    }
    let provider = &state.provider;
    let decided = match fields.get("decision") {
        Some("allow") => provider.allow(&paused.interaction, &paused.client, &session).await,
        Some("deny") => {
            let denied = provider.deny(&paused.interaction, &session).await;
            return authorization::answer(&state, &context, denied);
        }
        _ => return interaction::malformed(&state, &context),
    };
    match decided {
        Ok(()) => interaction::resume(&state, &context, &paused, browser(&context)).await,
        Err(error) => respond::storage_error_page(&state, &context, &error),
    }
}

/// The interaction and the login it needs by now; without either there is nothing to decide.
async fn entered(
    state: &AppState,
    context: &RequestContext,
) -> Result<(Paused, Session), Box<Response>> {
    let paused = interaction::open(state, context)
        .await?
        .ok_or_else(|| Box::new(interaction::malformed(state, context)))?;
    let session = match context.session_cookie() {
        Some(cookie) => state.accounts.session(cookie).await,
        None => Ok(None),
    };
    match session {
        Ok(Some(session)) => Ok((paused, session)),
        // The login ended meanwhile: the request itself knows what is missing.
        Ok(None) => {
            Err(Box::new(interaction::resume(state, context, &paused, browser(context)).await))
        }
        Err(error) => Err(Box::new(respond::storage_error_page(state, context, &error))),
    }
}

fn browser(context: &RequestContext) -> Browser<'_> {
    Browser {
        session_cookie: context.session_cookie(),
        browser_cookie: context.browser_cookie(),
    }
}

fn asked(
    state: &AppState,
    context: &RequestContext,
    paused: &Paused,
    profile: &Profile,
) -> Response {
    let metadata = &paused.client.metadata;
    let tag = interaction::locale(state, context, Some(paused)).tag();
    let (form, cookie) = interaction::form(state, context, Some(paused), ("/consent", FORM));
    let mut receives: Vec<Received> = Vec::new();
    let scope = paused.request().scope();
    let of_scope = scope.iter().filter_map(Received::from_scope);
    for received in of_scope.chain(paused.request().claim_names().map(Received::from_claim)) {
        if !receives.contains(&received) {
            receives.push(received);
        }
    }
    let link = |uri: Option<&str>| uri.and_then(WebLink::parse);
    let shown = ConsentPage {
        form,
        person: profile.name.masked(),
        portal: Portal {
            name: metadata.name(tag).to_owned(),
            logo: metadata.logo_uri().and_then(|uri| WebLink::parse_https(uri.as_str())),
            policy: link(metadata.policy_uri().map(|uri| uri.as_str())),
            tos: link(metadata.tos_uri().map(|uri| uri.as_str())),
        },
        basis: match metadata.legal_basis() {
            client_metadata::LegalBasis::Consent => LegalBasis::Consent,
            client_metadata::LegalBasis::StatutoryDuty => LegalBasis::StatutoryDuty,
        },
        purpose: metadata.purpose(tag).map(str::to_owned),
        receives,
    };
    respond::with_cookie(interaction::page(state, context, &shown, Some(paused)), cookie)
}
