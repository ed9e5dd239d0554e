//! `/`: where one is, and whether one is logged in.

use axum::extract::State;
use axum::response::Response;

use super::{interaction, logout};
use crate::http::context::RequestContext;
use crate::http::respond;
use crate::http::state::AppState;
use crate::storage;
use crate::views::home::{HomePage, IdentityLevel};

/// Shows the page.
pub async fn show(State(state): State<AppState>, context: RequestContext) -> Response {
    let person = match context.session_cookie() {
        Some(cookie) => person(&state, cookie).await,
        None => Ok(None),
    };
    match person {
        Ok(None) => {
            let shown = HomePage::SignedOut { login_href: "/login".to_owned() };
            respond::page(&state, &context, &shown, None)
        }
        Ok(Some((person, level))) => {
            let (logout, cookie) =
                interaction::form(&state, &context, None, ("/logout", logout::FORM));
            let shown = HomePage::SignedIn { person, level, logout };
            respond::with_cookie(respond::page(&state, &context, &shown, None), cookie)
        }
        Err(error) => respond::storage_error_page(&state, &context, &error),
    }
}

async fn person(
    state: &AppState,
    cookie: &str,
) -> Result<Option<(String, IdentityLevel)>, storage::Error> {
    let Some(session) = state.accounts.session(cookie).await? else { return Ok(None) };
    let Some((_, profile)) = state.accounts.profile(session.account_id).await? else {
        return Ok(None);
    };
    let level = state.accounts.assurance_level(session.account_id).await?;
    Ok(Some((profile.name.masked(), shown_level(level.map(|level| level.number())))))
}

fn shown_level(number: Option<u8>) -> IdentityLevel {
    match number {
        Some(1) => IdentityLevel::L1,
        Some(2) => IdentityLevel::L2,
        Some(3) => IdentityLevel::L3,
        Some(4) => IdentityLevel::L4,
        _ => IdentityLevel::None,
    }
}
