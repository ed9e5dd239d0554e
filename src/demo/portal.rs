//! A portal's web server: one page, and the ways to the provider and back.
//!
//! `GET /` shows who has entered; `/login` and `POST /logout` send the browser to the provider,
//! `/callback` and `/logged-out` take it back; `POST /refresh` renews what was received, and to
//! `POST /backchannel-logout` the provider itself says that a login has ended (`PUT` makes it deaf). Under the machine's
//! plain name the same port tells where the demo starts, and shows everybody's phone. A host that is
//! neither is refused, so that no name of somebody else's can be made to point here (DNS rebinding).

mod actions;
mod answer;
mod hearing;
mod page;
mod phone;
mod request;

use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::response::Response;
use axum::routing::{get, post};
use tower::ServiceExt as _;

use super::inbox::Inbox;
use super::province::Province;
use super::relying_party::{Login, RelyingParty};
use super::visitors::{Draw, Visitors};
use crate::crypto::encoding;
use crate::domain::clock::Clock;
use crate::domain::entropy::Entropy;
use crate::domain::instant::Instant;
use crate::views::assets;
use crate::views::demo::{Neighbor, StartPage};
use crate::views::renderer::Renderer;
use hearing::Hearing;

/// More than any form here is long.
const MAX_FORM: usize = 16 * 1024;

/// The parts of a [`Portal`].
pub struct PortalParts {
    /// Whose it is.
    pub province: &'static Province,
    /// Its port, in its own host name and in the machine's.
    pub port: u16,
    /// How it logs people in.
    pub relying_party: RelyingParty,
    /// The portal to go on to.
    pub other: Option<Neighbor>,
    /// Where the demo starts: the address to link to.
    pub start_href: String,
    /// What is told there.
    pub start: StartPage,
    /// The messages that arrived.
    pub inbox: Inbox,
    /// The pages.
    pub renderer: Renderer,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
}

/// A portal. Cheap to clone.
#[derive(Clone)]
pub struct Portal(Arc<Inner>);

struct Inner {
    parts: PortalParts,
    /// Whether it hears of logouts elsewhere.
    hearing: Hearing,
    visitors: Mutex<Visitors<Login>>,
}

impl Portal {
    /// A portal that nobody has entered yet.
    pub fn new(parts: PortalParts) -> Self {
        Self(Arc::new(Inner {
            parts,
            hearing: Hearing::default(),
            visitors: Mutex::new(Visitors::new()),
        }))
    }

    /// Everything it serves.
    pub fn router(self) -> Router {
        let own = self
            .province()
            .origin(self.0.parts.port)
            .replacen("http://", "", 1);
        let port = self.0.parts.port;
        let start = ["localhost", "127.0.0.1", "[::1]"].map(|host| format!("{host}:{port}"));
        let headers = answer::Headers::new(self.relying_party().issuer());
        let portal = with_assets(
            Router::new()
                .route("/", get(page::show))
                .route("/login", get(actions::login))
                .route("/callback", get(actions::callback))
                .route("/refresh", post(actions::refresh))
                .route("/logout", post(actions::logout))
                .route(
                    "/backchannel-logout",
                    post(hearing::hear).put(hearing::switch),
                )
                .route("/logged-out", get(actions::logged_out)),
        )
        .with_state(self.clone());
        let start_page = with_assets(
            Router::new()
                .route("/", get(page::start))
                .route(phone::PATH, get(phone::show)),
        )
        .with_state(self);
        Router::new()
            .fallback(move |request: Request| {
                let host = request::host(&request);
                let chosen = if host == Some(own.as_str()) {
                    Some(portal.clone())
                } else if start.iter().any(|name| host == Some(name)) {
                    Some(start_page.clone())
                } else {
                    None
                };
                let headers = headers.clone();
                async move {
                    let response = match chosen {
                        Some(router) => answered(router.oneshot(request).await),
                        None => answer::misdirected(),
                    };
                    headers.complete(response)
                }
            })
            .layer(DefaultBodyLimit::max(MAX_FORM))
    }

    fn province(&self) -> &'static Province {
        self.0.parts.province
    }

    fn parts(&self) -> &PortalParts {
        &self.0.parts
    }

    fn relying_party(&self) -> &RelyingParty {
        &self.0.parts.relying_party
    }

    fn hearing(&self) -> &Hearing {
        &self.0.hearing
    }

    /// Never held across an await.
    fn visitors(&self) -> MutexGuard<'_, Visitors<Login>> {
        self.0
            .visitors
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> Instant {
        self.0.parts.clock.now()
    }

    /// 256 random bits as text.
    fn draw(&self) -> String {
        encoding::encode(&self.0.parts.entropy.bytes::<32>())
    }

    fn draw_cookie(&self) -> Draw {
        Draw {
            cookie: self.draw(),
            csrf: self.draw(),
        }
    }
}

fn with_assets(router: Router<Portal>) -> Router<Portal> {
    let mut router = router.fallback(async || answer::not_found());
    for asset in [&assets::DEMO_STYLESHEET, &assets::ICON] {
        router = router.route(asset.path, get(move || async move { answer::asset(asset) }));
    }
    router
}

fn answered(response: Result<Response, Infallible>) -> Response {
    match response {
        Ok(response) => response,
        Err(never) => match never {},
    }
}
