//! `/login`.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use super::interaction::{self, Paused, portal_name};
use crate::accounts::login::{LoginError, LoginPlace, PasswordAttempt};
use crate::domain::secret::Secret;
use crate::http::context::{FormBody, RequestContext};
use crate::http::respond;
use crate::http::state::AppState;
use crate::protocol::parameters::Parameters;
use crate::views::login::{LoginNotice, LoginPage, LoginProblem, Wait};

/// Names the form in its CSRF token.
const FORM: &str = "login";

/// Shows the form.
pub async fn show(State(state): State<AppState>, context: RequestContext) -> Response {
    let paused = match interaction::open(&state, &context).await {
        Ok(paused) => paused,
        Err(response) => return *response,
    };
    let hint = paused
        .as_ref()
        .and_then(|paused| paused.request().login_hint());
    let username = hint
        .map(|hint| hint.expose().to_owned())
        .unwrap_or_default();
    form(
        &state,
        &context,
        paused.as_ref(),
        Typed {
            username,
            notice: ended(&state, &context).await,
            problem: None,
        },
    )
}

/// Whoever comes with the cookie of a login that has ended is told why they are asked.
/// Where that cannot be known just now, nothing is said.
async fn ended(state: &AppState, context: &RequestContext) -> Option<LoginNotice> {
    let has_ended = state.accounts.has_ended(context.session_cookie()?).await;
    matches!(has_ended, Ok(true)).then_some(LoginNotice::Ended)
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
    let (Some(username), Some(password)) = (fields.get("username"), fields.get("password")) else {
        return refused(
            &state,
            &context,
            paused.as_ref(),
            &fields,
            LoginProblem::WrongCredentials,
        );
    };
    let device = context.device();
    let attempt = PasswordAttempt {
        username,
        password: Secret::new(password.to_owned()),
        address: context.client_address,
        place: LoginPlace {
            previous_cookie: context.session_cookie(),
            device: device.as_deref(),
            known_device: context.known_device_cookie(),
        },
    };
    let login = match state.accounts.login_with_password(attempt).await {
        Ok(login) => login,
        Err(error) => return failed(&state, &context, paused.as_ref(), &fields, &error),
    };
    interaction::enter(&state, &context, paused.as_ref(), &login).await
}

fn failed(
    state: &AppState,
    context: &RequestContext,
    paused: Option<&Paused>,
    fields: &Parameters,
    error: &LoginError,
) -> Response {
    match error {
        LoginError::WrongCredentials | LoginError::NotAllowed => refused(
            state,
            context,
            paused,
            fields,
            LoginProblem::WrongCredentials,
        ),
        LoginError::Throttled { wait } => {
            let problem = LoginProblem::Throttled(Wait::rounded_up(*wait));
            respond::too_many(refused(state, context, paused, fields, problem), *wait)
        }
        LoginError::Busy => {
            let mut response = refused(state, context, paused, fields, LoginProblem::TryLater);
            *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
            respond::retry_later(response)
        }
        LoginError::Storage(error) => respond::storage_error_page(state, context, error),
        LoginError::Seal(error) => respond::seal_error_page(state, context, error),
    }
}

fn refused(
    state: &AppState,
    context: &RequestContext,
    paused: Option<&Paused>,
    fields: &Parameters,
    problem: LoginProblem,
) -> Response {
    let username = fields.get("username").unwrap_or_default().to_owned();
    form(
        state,
        context,
        paused,
        Typed {
            username,
            notice: None,
            problem: Some(problem),
        },
    )
}

/// What the form starts with.
struct Typed {
    username: String,
    notice: Option<LoginNotice>,
    problem: Option<LoginProblem>,
}

fn form(
    state: &AppState,
    context: &RequestContext,
    paused: Option<&Paused>,
    typed: Typed,
) -> Response {
    let locale = interaction::locale(state, context, paused);
    let (form, cookie) = interaction::form(state, context, paused, ("/login", FORM));
    let open = state.accounts.proves_identities();
    let shown = LoginPage {
        form,
        portal: paused.map(|paused| portal_name(&paused.client, locale)),
        username: typed.username,
        notice: typed.notice,
        problem: typed.problem,
        register_href: open.then(|| interaction::address("/register", paused)),
        recover_href: open.then(|| interaction::address("/recover", paused)),
    };
    let response = interaction::page(state, context, &shown, (paused, None));
    respond::with_cookie(response, cookie)
}
