//! `/`: where one is, and whether one is logged in.

use axum::extract::State;
use axum::response::Response;

use super::{interaction, logout};
use crate::http::context::RequestContext;
use crate::http::respond;
use crate::http::state::AppState;
use crate::ledger::profiles::ProfileError;
use crate::protocol::acr::Ial;
use crate::views::home::{HomePage, IdentityLevel};

/// Shows the page.
pub async fn show(State(state): State<AppState>, context: RequestContext) -> Response {
    let person = match context.session_cookie() {
        Some(cookie) => person(&state, cookie).await,
        None => Ok(None),
    };
    match person {
        Ok(None) => {
            let shown = HomePage::SignedOut {
                login_href: "/login".to_owned(),
                register_href: state
                    .accounts
                    .proves_identities()
                    .then(|| "/register".to_owned()),
            };
            respond::page(&state, &context, &shown, None)
        }
        Ok(Some((person, level))) => {
            let (logout, cookie) =
                interaction::form_to(&state, &context, ("/logout".to_owned(), logout::FORM), "");
            let shown = HomePage::SignedIn {
                person,
                level,
                logout,
            };
            respond::with_cookie(respond::page(&state, &context, &shown, None), cookie)
        }
        Err(error) => respond::profile_error_page(&state, &context, &error),
    }
}

async fn person(
    state: &AppState,
    cookie: &str,
) -> Result<Option<(String, IdentityLevel)>, ProfileError> {
    let Some(session) = state.accounts.session(cookie).await? else {
        return Ok(None);
    };
    let Some((_, profile)) = state.accounts.profile(session.account_id).await? else {
        return Ok(None);
    };
    let level = state.accounts.identity_level(session.account_id).await?;
    Ok(Some((profile.masked(), shown_level(level))))
}

pub(super) const fn shown_level(level: Option<Ial>) -> IdentityLevel {
    match level {
        None => IdentityLevel::None,
        Some(Ial::One) => IdentityLevel::L1,
        Some(Ial::Two) => IdentityLevel::L2,
        Some(Ial::Three) => IdentityLevel::L3,
        Some(Ial::Four) => IdentityLevel::L4,
    }
}
