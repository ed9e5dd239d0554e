//! How a registration or recovery ends or pauses, other than by its success.

use axum::http::StatusCode;
use axum::response::Response;

use super::{Underway, Way, check};
use crate::accounts::challenge::CHALLENGE_LIFETIME;
use crate::domain::challenge::ChallengeOutcome;
use crate::http::context::RequestContext;
use crate::http::pages::interaction::{self, Paused};
use crate::http::respond;
use crate::http::state::AppState;
use crate::views::outcome::OutcomePage;

/// The page of an end.
pub(super) fn page(
    state: &AppState,
    context: &RequestContext,
    (way, paused): (Way, Option<&Paused>),
    outcome: ChallengeOutcome,
) -> Response {
    let to = |path: &str| interaction::address(path, paused);
    let shown = match outcome {
        ChallengeOutcome::Done => return over(state, context, (way, paused)),
        ChallengeOutcome::NotVerified => OutcomePage::NotVerified {
            purpose: way.shown(),
            again_href: to(way.start()),
        },
        ChallengeOutcome::AlreadyRegistered => OutcomePage::AlreadyRegistered {
            login_href: to("/login"),
            recover_href: to("/recover"),
        },
        ChallengeOutcome::NoAccount => OutcomePage::NoSuchAccount {
            register_href: to("/register"),
        },
        ChallengeOutcome::OtherPhone => OutcomePage::RecoveryPhoneUnknown {
            again_href: to("/recover"),
        },
        ChallengeOutcome::NeedsMore => OutcomePage::RecoveryNeedsCounter {
            login_href: to("/login"),
        },
        ChallengeOutcome::Frozen => OutcomePage::AccountFrozen,
    };
    interaction::page(state, context, &shown, (paused, None))
}

/// The steps took too long, or were taken already.
pub(super) fn over(
    state: &AppState,
    context: &RequestContext,
    (way, paused): (Way, Option<&Paused>),
) -> Response {
    let shown = OutcomePage::ChallengeOver {
        purpose: way.shown(),
        again_href: interaction::address(way.start(), paused),
        login_href: interaction::address("/login", paused),
    };
    let mut response = interaction::page(state, context, &shown, (paused, None));
    *response.status_mut() = StatusCode::BAD_REQUEST;
    response
}

/// Nobody can register or recover here.
pub(super) fn closed(
    state: &AppState,
    context: &RequestContext,
    paused: Option<&Paused>,
) -> Response {
    let shown = OutcomePage::RegistrationClosed {
        login_href: interaction::address("/login", paused),
    };
    let mut response = interaction::page(state, context, &shown, (paused, None));
    *response.status_mut() = StatusCode::NOT_FOUND;
    response
}

/// The authority says nothing for now; what was typed and confirmed is kept.
pub(super) fn unavailable(
    state: &AppState,
    context: &RequestContext,
    underway: &Underway,
) -> Response {
    let about = (underway.address("check"), check::FORM);
    let (form, cookie) = interaction::form_to(state, context, about, &underway.subject());
    let shown = OutcomePage::AuthorityUnavailable {
        purpose: underway.way.shown(),
        form,
        kept_minutes: respond::minutes(CHALLENGE_LIFETIME),
    };
    let response = interaction::page(state, context, &shown, (underway.paused.as_ref(), None));
    respond::with_cookie(response, cookie)
}

/// This server has too much to do: the same page, and when to try again.
pub(super) fn busy(state: &AppState, context: &RequestContext, underway: &Underway) -> Response {
    let mut response = unavailable(state, context, underway);
    *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    respond::retry_later(response)
}
