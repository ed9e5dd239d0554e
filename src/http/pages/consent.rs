//! `/consent`: asks on the ground of consent, tells on the ground of a statutory duty.

use axum::extract::State;
use axum::response::Response;

use super::done::just_done;
use super::interaction::{self, Paused, portal_name};
use crate::domain::notice::Notice;
use crate::domain::session::Session;
use crate::http::context::{FormBody, RequestContext};
use crate::http::endpoints::authorization;
use crate::http::respond;
use crate::http::state::AppState;
use crate::protocol::authorization_request::AuthorizationRequest;
use crate::protocol::client_metadata::localized::Localized;
use crate::protocol::client_metadata::values;
use crate::protocol::language::Language;
use crate::protocol::web_uri::WebUri;
use crate::provider::authorize::Browser;
use crate::provider::authorize::consent::subject_of_decision;
use crate::views::account::Done;
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
    let profile = match state.accounts.profile(session.account_id).await {
        Ok(Some((_, profile))) => profile,
        Ok(None) => return respond::see_other("/login"),
        Err(error) => return respond::profile_error_page(&state, &context, &error),
    };
    let notices = match state.accounts.notices(session.account_id).await {
        Ok(notices) => notices,
        Err(error) => return respond::storage_error_page(&state, &context, &error),
    };
    // The next portal does not say again what was done on the way to this one.
    let on_the_way: Vec<&Notice> = notices
        .iter()
        .filter(|notice| notice.at >= paused.interaction.created_at)
        .collect();
    let person = Person {
        name: profile.masked(),
        done: just_done(&on_the_way, state.clock.now()),
    };
    asked(&state, &context, (&paused, &session), person)
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
    let subject = subject_of_decision(&paused.sealed, &paused.client, &session);
    if !interaction::csrf_holds_for(&state, &context, &fields, (FORM, &subject)) {
        return interaction::forged(&state, &context);
    }
    let provider = &state.provider;
    let decided = match fields.get("decision") {
        Some("allow") => {
            provider
                .allow(&paused.interaction, &paused.client, &session)
                .await
        }
        Some("deny") => {
            let denied = provider
                .deny(&paused.interaction, &paused.client, &session)
                .await;
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
        Ok(None) => Err(Box::new(
            interaction::resume(state, context, &paused, browser(context)).await,
        )),
        Err(error) => Err(Box::new(respond::storage_error_page(
            state, context, &error,
        ))),
    }
}

fn browser(context: &RequestContext) -> Browser<'_> {
    Browser {
        session_cookie: context.session_cookie(),
        browser_cookie: context.browser_cookie(),
    }
}

/// Who is asked.
struct Person {
    name: String,
    done: Option<Done>,
}

fn asked(
    state: &AppState,
    context: &RequestContext,
    (paused, session): (&Paused, &Session),
    person: Person,
) -> Response {
    let metadata = &paused.client.metadata;
    let pages = metadata.pages();
    let locale = interaction::locale(state, context, Some(paused));
    let language = Language::for_tag(locale.tag()).unwrap_or(Language::En);
    let subject = subject_of_decision(&paused.sealed, &paused.client, session);
    let action = format!("/consent?interaction={}", paused.sealed);
    let (form, cookie) = interaction::form_to(state, context, (action, FORM), &subject);
    let logo = pages
        .logo_uri
        .choose(language)
        .and_then(|uri| WebLink::parse_https(uri.as_str()));
    let link = |uri: &Localized<WebUri>| {
        uri.choose(language)
            .and_then(|uri| WebLink::parse(uri.as_str()))
    };
    let images = logo.as_ref().map(WebLink::origin);
    let shown = ConsentPage {
        form,
        done: person.done,
        person: person.name,
        portal: Portal {
            name: portal_name(&paused.client, locale),
            logo,
            policy: link(&pages.policy_uri),
            tos: link(&pages.tos_uri),
        },
        basis: match metadata.legal_basis() {
            values::LegalBasis::Consent => LegalBasis::Consent,
            values::LegalBasis::StatutoryDuty => LegalBasis::StatutoryDuty,
        },
        purpose: pages
            .purpose
            .choose(language)
            .map(|purpose| purpose.as_str().to_owned()),
        receives: receives(paused.request()),
    };
    let response = interaction::page(state, context, &shown, (Some(paused), images));
    respond::with_cookie(response, cookie)
}

fn receives(request: &AuthorizationRequest) -> Vec<Received> {
    let claims = request.claims();
    let single = claims.userinfo().keys().chain(claims.id_token().keys());
    Received::by(request.scope().iter(), single.map(|claim| claim.as_str()))
}
