//! Every route, on one page: a table a group, each group with its class of limits.

use axum::Router;
use axum::routing::{get, post};

use super::endpoints::{
    authorization, documents, end_session, introspection, revocation, token, userinfo,
};
use super::middleware::{Class, Envelope};
use super::pages::proofing::{application, check, code};
use super::pages::{account, assets, consent, errors, home, login, logout, privacy};
use super::state::AppState;
use crate::protocol::endpoints as paths;

/// The public server.
pub fn router(state: AppState, envelope: &Envelope) -> Router {
    let documents = Router::new()
        .route(paths::OPENID_CONFIGURATION, get(documents::metadata))
        .route(paths::OAUTH_AUTHORIZATION_SERVER, get(documents::metadata))
        .route(paths::JWKS, get(documents::jwks))
        .layer(envelope.class(Class::Api));
    let protocol = Router::new()
        .route(paths::TOKEN, post(token::post))
        .route(paths::USERINFO, get(userinfo::get).post(userinfo::post))
        .route(paths::INTROSPECT, post(introspection::post))
        .route(paths::REVOKE, post(revocation::post))
        .layer(envelope.class(Class::Token));
    let login = Router::new()
        .route("/login", post(login::submit))
        .route(
            "/register",
            get(application::show).post(application::submit),
        )
        .route("/register/code", get(code::show).post(code::submit))
        .route(
            "/register/resend",
            get(code::show_resend).post(code::resend),
        )
        .route("/register/check", get(check::show).post(check::submit))
        .route("/recover", get(application::show).post(application::submit))
        .route("/recover/code", get(code::show).post(code::submit))
        .route("/recover/resend", get(code::show_resend).post(code::resend))
        .route("/recover/check", get(check::show).post(check::submit))
        .layer(envelope.class(Class::Login));
    let logout = Router::new()
        .route(
            paths::END_SESSION,
            get(end_session::get).post(end_session::post),
        )
        .route("/logout", get(logout::show).post(logout::submit))
        .layer(envelope.class(Class::Logout));
    let pages = Router::new()
        .route(
            paths::AUTHORIZE,
            get(authorization::get).post(authorization::post),
        )
        .route("/", get(home::show))
        // Quick, and many ask for it when many log in: those already in must not wait for it.
        .route("/login", get(login::show))
        .merge(my_account())
        .route("/docs/privacy", get(privacy::show))
        .route("/consent", get(consent::show).post(consent::submit))
        .route("/docs/errors", get(errors::without_slash))
        .route("/docs/errors/", get(errors::index))
        .route("/docs/errors/{code}", get(errors::code))
        .route("/assets/{file}", get(assets::get))
        .fallback(errors::not_found)
        .layer(envelope.class(Class::Page));
    documents
        .merge(protocol)
        .merge(login)
        .merge(logout)
        .merge(pages)
        .with_state(state)
}

fn my_account() -> Router<AppState> {
    Router::new()
        .route("/account", get(account::show))
        .route(
            "/account/sessions/end",
            get(account::back).post(account::end_sessions),
        )
        .route(
            "/account/portals/withdraw",
            get(account::back).post(account::withdraw),
        )
        .route(
            "/account/phone",
            get(account::back).post(account::confirm_phone),
        )
        .route("/account/phone/code", get(code::show).post(code::submit))
        .route(
            "/account/phone/resend",
            get(code::show_resend).post(code::resend),
        )
}
