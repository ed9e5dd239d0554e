//! The documents anybody may read: both discovery documents and the key set.

use axum::extract::State;
use axum::http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};

use crate::http::state::AppState;

/// How long a portal may keep a document: a rotation of keys waits for as
/// long (`KEY_SET_CACHED_FOR`).
const CACHED: &str = "public, max-age=300";

/// `/.well-known/openid-configuration` (OpenID Connect Discovery §4) and
/// `/.well-known/oauth-authorization-server` (RFC 8414 §3): one document.
pub async fn metadata(State(state): State<AppState>) -> Response {
    document(state.provider.metadata_document())
}

/// `/oauth2/jwks` (RFC 7517 §5).
pub async fn jwks(State(state): State<AppState>) -> Response {
    document(state.provider.jwks_document())
}

/// Any page may read these (CORS): they are public, and scripts of portals need them.
fn document(json: bytes::Bytes) -> Response {
    let headers = [
        (CONTENT_TYPE, "application/json"),
        (CACHE_CONTROL, CACHED),
        (ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
    ];
    (headers, json).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::keyring::KEY_SET_CACHED_FOR;

    #[test]
    fn a_key_set_is_kept_for_as_long_as_rotations_wait() {
        let seconds = KEY_SET_CACHED_FOR.as_secs();
        assert_eq!(CACHED, format!("public, max-age={seconds}"));
    }
}
