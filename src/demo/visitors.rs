//! Who is at a portal: what a browser has begun there and as whom it has entered, by its cookie.
//!
//! In memory and bounded. A journey to the provider belongs to the browser that began it and ends
//! with the first answer that names its `state`; entering changes the cookie, so that nobody can
//! hand a browser a cookie beforehand and share what it enters as. Pure: time and random values
//! are brought by the caller.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::crypto::digest::{equal, sha256};
use crate::domain::instant::Instant;

/// How many browsers are remembered; the one not seen for longest goes first.
const CAPACITY: usize = 1000;
/// Journeys of one browser at once: as many tabs as it may log in from.
const MAX_JOURNEYS: usize = 8;
/// How long the provider may take with somebody.
const JOURNEY_LIFE: Duration = Duration::from_mins(30);
/// How long a browser may stay away.
const VISIT_LIFE: Duration = Duration::from_hours(8);

/// A way to the provider and back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Journey {
    /// What the answer must name.
    pub(super) state: String,
    /// What it is for.
    pub(super) kind: JourneyKind,
    /// When it began.
    pub(super) began_at: Instant,
}

/// What a journey is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum JourneyKind {
    /// To log in.
    Login(LoginSecrets),
    /// To log out.
    Logout,
}

/// What ties a login to the browser that began it, beside `state`.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct LoginSecrets {
    /// What the ID token must carry.
    pub(super) nonce: String,
    /// What the code is redeemed with (RFC 7636).
    pub(super) verifier: String,
}

impl fmt::Debug for LoginSecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LoginSecrets([redacted])")
    }
}

/// What a browser is told of when it comes to the page again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum News {
    /// What was received has been renewed.
    Renewed,
    /// They said no at the provider.
    Declined,
}

/// A browser.
#[derive(Debug)]
struct Visitor<L> {
    csrf: String,
    seen_at: Instant,
    journeys: Vec<Journey>,
    login: Option<Arc<L>>,
    /// What came of something since the page was last shown.
    news: Option<News>,
    /// Ended by others, since the browser last entered.
    ended: bool,
}

impl<L> Visitor<L> {
    const fn new(csrf: String, now: Instant) -> Self {
        Self {
            csrf,
            seen_at: now,
            journeys: Vec::new(),
            login: None,
            news: None,
            ended: false,
        }
    }
}

/// What a new cookie and its forms carry, drawn by the caller.
#[derive(Debug, Clone)]
pub(super) struct Draw {
    /// The cookie's value.
    pub(super) cookie: String,
    /// What this browser's forms carry.
    pub(super) csrf: String,
}

/// All browsers that have begun something. `L` is what they entered as.
#[derive(Debug)]
pub(super) struct Visitors<L>(HashMap<[u8; 32], Visitor<L>>);

impl<L> Visitors<L> {
    pub(super) fn new() -> Self {
        Self(HashMap::new())
    }

    /// As whom the browser has entered, and what its forms carry.
    pub(super) fn entered(&mut self, cookie: &str, now: Instant) -> Option<(Arc<L>, String)> {
        let visitor = self.visitor(cookie, now)?;
        visitor.seen_at = now;
        Some((Arc::clone(visitor.login.as_ref()?), visitor.csrf.clone()))
    }

    /// Notes that the browser sets out. A browser without a cookie of ours is given the one drawn,
    /// which is then returned.
    pub(super) fn set_out(
        &mut self,
        cookie: Option<&str>,
        journey: Journey,
        draw: Draw,
        now: Instant,
    ) -> Option<String> {
        if let Some(visitor) = cookie.and_then(|cookie| self.visitor(cookie, now)) {
            visitor.seen_at = now;
            if visitor.journeys.len() == MAX_JOURNEYS {
                visitor.journeys.remove(0);
            }
            visitor.journeys.push(journey);
            return None;
        }
        let Draw { cookie, csrf } = draw;
        let mut visitor = Visitor::new(csrf, now);
        visitor.journeys.push(journey);
        self.admit(&cookie, visitor);
        Some(cookie)
    }

    /// The journey that an answer belongs to: this browser's, not over, and only once.
    pub(super) fn come_back(&mut self, cookie: &str, state: &str, now: Instant) -> Option<Journey> {
        let journeys = &mut self.visitor(cookie, now)?.journeys;
        let at = journeys
            .iter()
            .position(|journey| equal(journey.state.as_bytes(), state.as_bytes()))?;
        let journey = journeys.remove(at);
        (now.since(journey.began_at) < JOURNEY_LIFE).then_some(journey)
    }

    /// The browser has entered: the cookie is exchanged for the one drawn.
    pub(super) fn enter(&mut self, cookie: &str, login: L, draw: Draw, now: Instant) {
        let left = self.0.remove(&key(cookie));
        let mut visitor = Visitor::new(draw.csrf, now);
        visitor.journeys = left.map(|visitor| visitor.journeys).unwrap_or_default();
        visitor.login = Some(Arc::new(login));
        self.admit(&draw.cookie, visitor);
    }

    /// What the browser entered as has been renewed, unless it has left meanwhile.
    pub(super) fn renew(&mut self, cookie: &str, login: L, now: Instant) {
        if let Some(visitor) = self.visitor(cookie, now)
            && visitor.login.is_some()
        {
            visitor.login = Some(Arc::new(login));
            visitor.news = Some(News::Renewed);
        }
    }

    /// The browser comes back, and whoever sits there did not want to enter.
    pub(super) fn decline(&mut self, cookie: &str, now: Instant) {
        if let Some(visitor) = self.visitor(cookie, now) {
            visitor.news = Some(News::Declined);
        }
    }

    /// What there is to tell of. It is told once.
    pub(super) fn take_news(&mut self, cookie: &str, now: Instant) -> Option<News> {
        self.visitor(cookie, now)?.news.take()
    }

    /// Ends what browsers have entered as, where it is one of those meant; how many.
    pub(super) fn end(&mut self, is_meant: impl Fn(&L) -> bool) -> usize {
        let mut count = 0;
        for visitor in self.0.values_mut() {
            if visitor.login.take_if(|login| is_meant(login)).is_some() {
                visitor.ended = true;
                count += 1;
            }
        }
        count
    }

    /// Whether what the browser had entered as was ended by others.
    pub(super) fn was_ended(&mut self, cookie: &str, now: Instant) -> bool {
        let visitor = self.visitor(cookie, now);
        visitor.is_some_and(|visitor| visitor.ended)
    }

    /// The browser leaves: nothing of it stays.
    pub(super) fn leave(&mut self, cookie: &str) {
        self.0.remove(&key(cookie));
    }

    fn visitor(&mut self, cookie: &str, now: Instant) -> Option<&mut Visitor<L>> {
        let visitor = self.0.get_mut(&key(cookie))?;
        (now.since(visitor.seen_at) < VISIT_LIFE).then_some(visitor)
    }

    fn admit(&mut self, cookie: &str, visitor: Visitor<L>) {
        if self.0.len() >= CAPACITY {
            let longest_away = self.0.iter().min_by_key(|(_, visitor)| visitor.seen_at);
            if let Some(key) = longest_away.map(|(key, _)| *key) {
                self.0.remove(&key);
            }
        }
        self.0.insert(key(cookie), visitor);
    }
}

/// Looked up by digest, so that how long a look-up takes tells nothing of the cookies there are.
fn key(cookie: &str) -> [u8; 32] {
    sha256(&[cookie.as_bytes()])
}

#[cfg(test)]
mod tests;
