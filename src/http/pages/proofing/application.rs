//! `/register` and `/recover`: who one is, by which phone, and the password from now on. Formats
//! only are judged here; nobody is looked up.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use super::fields::Typed;
use super::{Way, outcome, step_address, visitor};
use crate::accounts::challenge::SendError;
use crate::http::context::{FormBody, RequestContext};
use crate::http::pages::interaction::{self, Paused, portal_name};
use crate::http::respond;
use crate::http::state::AppState;
use crate::views::privacy;
use crate::views::register::{self, FieldProblems, Refusal, RegisterPage};

/// Names the form in its CSRF token.
const FORM: &str = "application";

/// Shows the form.
pub async fn show(State(state): State<AppState>, context: RequestContext) -> Response {
    let paused = match interaction::open(&state, &context).await {
        Ok(paused) => paused,
        Err(response) => return *response,
    };
    if !state.accounts.proves_identities() {
        return outcome::closed(&state, &context, paused.as_ref());
    }
    let shown = Shown::default();
    form(&state, &context, paused.as_ref(), shown)
}

/// Takes the form.
pub async fn submit(
    State(state): State<AppState>,
    context: RequestContext,
    body: FormBody,
) -> Response {
    let Some(fields) = body.parameters() else {
        return interaction::malformed(&state, &context);
    };
    let paused = match interaction::open(&state, &context).await {
        Ok(paused) => paused,
        Err(response) => return *response,
    };
    if !interaction::csrf_holds(&state, &context, &fields, FORM) {
        return interaction::forged(&state, &context);
    }
    if !state.accounts.proves_identities() {
        return outcome::closed(&state, &context, paused.as_ref());
    }
    let way = Way::of(&context);
    let typed = Typed::read(&fields, way.shown());
    let visitor = visitor(&state, &context, paused.as_ref());
    let application = match typed.parse(visitor.language, state.clock.now()) {
        // Another version of the privacy notice holds by now: it is shown before anything is done.
        Ok(_) if fields.get("notice_version") != Some(privacy::VERSION) => {
            return form(&state, &context, paused.as_ref(), Shown::again(&typed));
        }
        Ok(application) => application,
        Err(problems) => {
            let shown = Shown {
                problems,
                ..Shown::again(&typed)
            };
            return form(&state, &context, paused.as_ref(), shown);
        }
    };
    let begun = state
        .accounts
        .apply(way.purpose(), application, visitor)
        .await;
    match begun {
        Ok(challenge) => {
            respond::see_other(&step_address((way, "code"), &challenge, paused.as_ref()))
        }
        Err(SendError::Limited(wait)) => {
            let minutes = respond::minutes(wait);
            let shown = Shown {
                refusal: Some(Refusal::TryLater { minutes }),
                ..Shown::again(&typed)
            };
            let response = form(&state, &context, paused.as_ref(), shown);
            respond::too_many(response, wait)
        }
        Err(SendError::Over) => outcome::over(&state, &context, (way, paused.as_ref())),
        Err(SendError::Seal(error)) => respond::seal_error_page(&state, &context, &error),
        Err(SendError::Storage(error)) => respond::storage_error_page(&state, &context, &error),
    }
}

/// What the form shows.
#[derive(Default)]
struct Shown {
    typed: register::Typed,
    problems: FieldProblems,
    refusal: Option<Refusal>,
}

impl Shown {
    fn again(typed: &Typed<'_>) -> Self {
        Self {
            typed: typed.shown(),
            ..Self::default()
        }
    }
}

fn form(
    state: &AppState,
    context: &RequestContext,
    paused: Option<&Paused>,
    shown: Shown,
) -> Response {
    let way = Way::of(context);
    let locale = interaction::locale(state, context, paused);
    let (form, cookie) = interaction::form(state, context, paused, (way.root(), FORM));
    let is_wrong = !shown.problems.is_empty();
    let page = RegisterPage {
        purpose: way.shown(),
        form,
        portal: paused.map(|paused| portal_name(&paused.client, locale)),
        typed: shown.typed,
        problems: shown.problems,
        refusal: shown.refusal,
        notice_version: privacy::VERSION.to_owned(),
        login_href: interaction::address("/login", paused),
    };
    let mut response = interaction::page(state, context, &page, (paused, None));
    if is_wrong {
        *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    }
    respond::with_cookie(response, cookie)
}
