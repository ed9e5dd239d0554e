//! The ways to the provider and back.

use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use super::request::PortalRequest;
use super::{Portal, answer, page};
use crate::demo::relying_party::{Login, RelyingPartyError, Wishes};
use crate::demo::visitors::{Journey, JourneyKind, LoginSecrets};
use crate::views::demo::Notice;

/// `GET /login`: sends the browser to the provider. Others may send residents here with `iss` and
/// `login_hint` (OpenID Connect Core §4); where they would like them to arrive is not asked, since
/// there is but one page.
pub(super) async fn login(State(portal): State<Portal>, request: PortalRequest) -> Response {
    // RFC 9700 §4.4: only our own provider can be meant.
    let iss = request.query("iss");
    if iss.is_some_and(|iss| iss != portal.relying_party().issuer()) {
        return refused(&portal, &request, &RelyingPartyError::Issuer);
    }
    let secrets = LoginSecrets {
        nonce: portal.draw(),
        verifier: portal.draw(),
    };
    let state = portal.draw();
    let wishes = Wishes {
        login_hint: request.query("login_hint"),
        language: request.locale.tag(),
    };
    let url = portal
        .relying_party()
        .login_url(&state, &secrets, &wishes)
        .await;
    match url {
        Ok(url) => {
            let kind = JourneyKind::Login(secrets);
            let cookie = set_out(&portal, request.cookie.as_deref(), state, kind);
            let response = answer::see_other(url.as_str());
            let response = answer::known_by(&portal, response, cookie.as_deref());
            answer::remembering(&portal, &request, response)
        }
        Err(error) => refused(&portal, &request, &error),
    }
}

/// `GET /callback`: takes the answer of the authorization endpoint. The browser ends at `/`, so
/// that no code stays in its address.
pub(super) async fn callback(State(portal): State<Portal>, request: PortalRequest) -> Response {
    match returned(&portal, &request).await {
        Ok(login) => {
            let draw = portal.draw_cookie();
            let cookie = draw.cookie.clone();
            let now = portal.now();
            portal.visitors().enter(request.cookie(), login, draw, now);
            answer::known_by(&portal, answer::see_other("/"), Some(&cookie))
        }
        // No fault: the page says so, and offers to begin again.
        Err(error) if error.declines() => {
            portal.visitors().decline(request.cookie(), portal.now());
            answer::see_other("/")
        }
        Err(error) => refused(&portal, &request, &error),
    }
}

async fn returned(portal: &Portal, request: &PortalRequest) -> Result<Login, RelyingPartyError> {
    let state = request.query("state").ok_or(RelyingPartyError::State)?;
    let journey = come_back(portal, request, state).ok_or(RelyingPartyError::State)?;
    let JourneyKind::Login(secrets) = journey.kind else {
        return Err(RelyingPartyError::State);
    };
    portal
        .relying_party()
        .check_issuer(request.query("iss"))
        .await?;
    if let Some(code) = request.query("error") {
        return Err(RelyingPartyError::Refused {
            code: code.to_owned(),
            description: request
                .query("error_description")
                .unwrap_or_default()
                .to_owned(),
        });
    }
    let code = request.query("code").ok_or(RelyingPartyError::Empty)?;
    portal
        .relying_party()
        .redeem(code, secrets, journey.began_at)
        .await
}

/// `POST /refresh`: renews what was received. When the provider has ended it, so does the portal.
pub(super) async fn refresh(
    State(portal): State<Portal>,
    request: PortalRequest,
    body: Bytes,
) -> Response {
    let Some(login) = whose_form(&portal, &request, &body) else {
        return answer::see_other("/");
    };
    match portal.relying_party().refresh(&login).await {
        Ok(renewed) => {
            let now = portal.now();
            portal.visitors().renew(request.cookie(), renewed, now);
            answer::see_other("/")
        }
        Err(error) => {
            if error.ends_the_login() {
                portal.visitors().leave(request.cookie());
            }
            refused(&portal, &request, &error)
        }
    }
}

/// `POST /logout`: ends the portal's own login, whatever becomes of the provider's, then sends the
/// browser there (RP-Initiated Logout §2).
pub(super) async fn logout(
    State(portal): State<Portal>,
    request: PortalRequest,
    body: Bytes,
) -> Response {
    let Some(login) = whose_form(&portal, &request, &body) else {
        return answer::see_other("/");
    };
    portal.visitors().leave(request.cookie());
    let state = portal.draw();
    let url = portal
        .relying_party()
        .logout_url(&login, &state, request.locale.tag())
        .await;
    match url {
        Ok(url) => {
            let cookie = set_out(&portal, None, state, JourneyKind::Logout);
            answer::known_by(&portal, answer::see_other(url.as_str()), cookie.as_deref())
        }
        Err(error) => refused(&portal, &request, &error),
    }
}

/// `GET /logged-out`: where the provider sends the browser. Says so only to who asked for it.
pub(super) async fn logged_out(State(portal): State<Portal>, request: PortalRequest) -> Response {
    let journey = request
        .query("state")
        .and_then(|state| come_back(&portal, &request, state));
    match journey.map(|journey| journey.kind) {
        Some(JourneyKind::Logout) => page::with_notice(&portal, &request, Notice::LoggedOut),
        Some(JourneyKind::Login(_)) | None => answer::see_other("/"),
    }
}

fn set_out(
    portal: &Portal,
    cookie: Option<&str>,
    state: String,
    kind: JourneyKind,
) -> Option<String> {
    let now = portal.now();
    let journey = Journey {
        state,
        kind,
        began_at: now,
    };
    let draw = portal.draw_cookie();
    portal.visitors().set_out(cookie, journey, draw, now)
}

fn come_back(portal: &Portal, request: &PortalRequest, state: &str) -> Option<Journey> {
    let now = portal.now();
    portal.visitors().come_back(request.cookie(), state, now)
}

/// As whom the browser has entered, if the form is one that it was given.
fn whose_form(
    portal: &Portal,
    request: &PortalRequest,
    body: &[u8],
) -> Option<std::sync::Arc<Login>> {
    let now = portal.now();
    let (login, csrf) = portal.visitors().entered(request.cookie(), now)?;
    request.is_own_form(body, &csrf).then_some(login)
}

fn refused(portal: &Portal, request: &PortalRequest, error: &RelyingPartyError) -> Response {
    tracing::info!(
        portal = portal.province().key,
        code = error.code(),
        "refused"
    );
    let mut response = page::with_problem(portal, request, error);
    let unreachable = matches!(error, RelyingPartyError::Http(_));
    *response.status_mut() = if unreachable {
        StatusCode::BAD_GATEWAY
    } else {
        StatusCode::BAD_REQUEST
    };
    response
}
