//! `/docs/errors/CODE`, and the page for addresses where nothing is.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;

use crate::http::context::RequestContext;
use crate::http::respond;
use crate::http::state::AppState;
use crate::views::error::ErrorDocPage;
use crate::views::error_code::PageCode;

/// All codes.
pub async fn index(State(state): State<AppState>, context: RequestContext) -> Response {
    respond::page(&state, &context, &ErrorDocPage::index(), None)
}

/// Where all codes are, for whoever left the slash out.
pub async fn without_slash() -> Response {
    respond::moved("/docs/errors/")
}

/// One code.
pub async fn code(
    State(state): State<AppState>,
    Path(code): Path<String>,
    context: RequestContext,
) -> Response {
    match ErrorDocPage::of(&code) {
        Some(page) => respond::page(&state, &context, &page, None),
        None => not_found(State(state), context).await,
    }
}

/// 404.
pub async fn not_found(State(state): State<AppState>, context: RequestContext) -> Response {
    let text = "There is no page at this address.";
    let (status, code) = (StatusCode::NOT_FOUND, PageCode::NotFound);
    respond::error_page(&state, &context, status, code, text)
}
