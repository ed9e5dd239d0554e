//! `/docs/privacy`: the notice that whoever registers is shown.

use axum::extract::State;
use axum::response::Response;

use crate::http::context::RequestContext;
use crate::http::respond;
use crate::http::state::AppState;
use crate::views::privacy::PrivacyPage;

/// Shows it.
pub async fn show(State(state): State<AppState>, context: RequestContext) -> Response {
    let operator = state.operator.clone();
    let shown = PrivacyPage::new(operator.name, operator.contact);
    respond::page(&state, &context, &shown, None)
}
