//! `/register/code`, `/recover/code`, `/account/phone/code`, where the one-time code is typed, and
//! `…/resend`, where another one is asked for.

use axum::extract::State;
use axum::response::Response;

use super::{Underway, outcome, visitor};
use crate::accounts::challenge::{ChallengeStage, CodeVerdict, SendError};
use crate::domain::message::CODE_LIFETIME;
use crate::http::context::{FormBody, RequestContext};
use crate::http::pages::interaction;
use crate::http::respond;
use crate::http::state::AppState;
use crate::views::code::{CodePage, CodeProblem, ResendPage, ResendProblem};

/// Names the forms in their CSRF tokens.
const FORM: &str = "code";
const RESEND_FORM: &str = "resend";

/// Shows the field for the code.
pub async fn show(State(state): State<AppState>, context: RequestContext) -> Response {
    match Underway::find(&state, &context).await {
        Ok(underway) => form(&state, &context, &underway, None),
        Err(response) => *response,
    }
}

/// Takes a code.
pub async fn submit(
    State(state): State<AppState>,
    context: RequestContext,
    body: FormBody,
) -> Response {
    let posted = Underway::posted((&state, &context), &body, FORM).await;
    let (underway, fields) = match posted {
        Ok(posted) => posted,
        Err(response) => return *response,
    };
    let typed = fields.get("otp-code").unwrap_or_default();
    let verdict = state.accounts.confirm_code(&underway.open, typed).await;
    let problem = match verdict {
        Ok(CodeVerdict::Right) => return underway.complete(&state, &context).await,
        Ok(CodeVerdict::Wrong { tries_left }) => CodeProblem::Wrong {
            tries_left: tries_left.into(),
        },
        Ok(CodeVerdict::TooManyTries) => CodeProblem::TooManyTries,
        Ok(CodeVerdict::Expired) => CodeProblem::Expired,
        Err(error) => return respond::storage_error_page(&state, &context, &error),
    };
    form(&state, &context, &underway, Some(problem))
}

/// Shows the button that asks for another code.
pub async fn show_resend(State(state): State<AppState>, context: RequestContext) -> Response {
    match Underway::find(&state, &context).await {
        Ok(underway) => resend_form(&state, &context, &underway, None),
        Err(response) => *response,
    }
}

/// Sends another code.
pub async fn resend(
    State(state): State<AppState>,
    context: RequestContext,
    body: FormBody,
) -> Response {
    let posted = Underway::posted((&state, &context), &body, RESEND_FORM).await;
    let underway = match posted {
        Ok((underway, _)) => underway,
        Err(response) => return *response,
    };
    let visitor = visitor(&state, &context, underway.paused.as_ref());
    match state.accounts.send_again(&underway.open, visitor).await {
        Ok(()) => respond::see_other(&underway.address("code")),
        Err(SendError::Limited(wait)) => {
            let minutes = respond::minutes(wait);
            let problem = ResendProblem::TryLater { minutes };
            let response = resend_form(&state, &context, &underway, Some(problem));
            respond::too_many(response, wait)
        }
        Err(SendError::Over) => {
            let about = (underway.way, underway.paused.as_ref());
            outcome::over(&state, &context, about)
        }
        Err(SendError::Seal(error)) => respond::seal_error_page(&state, &context, &error),
        Err(SendError::Storage(error)) => respond::storage_error_page(&state, &context, &error),
    }
}

fn form(
    state: &AppState,
    context: &RequestContext,
    underway: &Underway,
    problem: Option<CodeProblem>,
) -> Response {
    if underway.open.stage() == ChallengeStage::Confirmed {
        return respond::see_other(&underway.after_code());
    }
    let paused = underway.paused.as_ref();
    let about = (underway.address("code"), FORM);
    let (form, cookie) = interaction::form_to(state, context, about, &underway.subject());
    let page = CodePage {
        purpose: underway.way.shown_code(),
        form,
        portal: underway.portal(state, context),
        phone: underway.open.masked_phone(),
        valid_minutes: respond::minutes(CODE_LIFETIME),
        problem,
        resend_href: underway.address("resend"),
        back_href: interaction::address(underway.way.start(), paused),
    };
    let response = interaction::page(state, context, &page, (paused, None));
    respond::with_cookie(response, cookie)
}

fn resend_form(
    state: &AppState,
    context: &RequestContext,
    underway: &Underway,
    problem: Option<ResendProblem>,
) -> Response {
    let paused = underway.paused.as_ref();
    let about = (underway.address("resend"), RESEND_FORM);
    let (form, cookie) = interaction::form_to(state, context, about, &underway.subject());
    let page = ResendPage {
        purpose: underway.way.shown_code(),
        form,
        portal: underway.portal(state, context),
        phone: underway.open.masked_phone(),
        problem,
        code_href: underway.address("code"),
        back_href: interaction::address(underway.way.start(), paused),
    };
    let response = interaction::page(state, context, &page, (paused, None));
    respond::with_cookie(response, cookie)
}
