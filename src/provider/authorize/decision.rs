//! What an authorization request needs: a pure function of facts, so that its truth table is its
//! documentation (see the tests).

use std::time::Duration;

use super::{Hinted, Step};
use crate::domain::grant::Grant;
use crate::domain::instant::Instant;
use crate::domain::session::Session;
use crate::protocol::acr::Ial;
use crate::protocol::authorization_request::AuthorizationRequest;
use crate::protocol::error::ErrorCode;
use crate::protocol::prompt::Prompt;
use crate::storage::sessions::SessionForClient;

/// What is known when a request is decided on.
pub(super) struct Facts<'a> {
    pub(super) request: &'a AuthorizationRequest,
    pub(super) session: Option<&'a SessionForClient>,
    pub(super) hinted: Hinted,
    pub(super) ial: Option<Ial>,
    pub(super) terms: String,
    /// When the request was paused; none if it has just arrived.
    pub(super) started_at: Option<Instant>,
    pub(super) now: Instant,
}

/// What a request needs.
#[derive(Debug)]
pub(super) enum Decision<'a> {
    /// The resident.
    Need(Step),
    /// To be refused.
    Refuse(ErrorCode, &'static str),
    /// Nothing more.
    Ready(Ready<'a>),
}

/// All that a code is issued from.
#[derive(Debug)]
pub(super) struct Ready<'a> {
    pub(super) session: &'a Session,
    pub(super) grant: &'a Grant,
    pub(super) subject: &'a str,
    /// What is proven of the resident's identity.
    pub(super) ial: Option<Ial>,
}

/// Decides. `prompt=none` turns every need into the error that names it (Core §3.1.2.6).
pub(super) fn decide<'a>(facts: &Facts<'a>) -> Decision<'a> {
    let silent = facts.request.prompts().is_silent();
    match without_prompt(facts) {
        Decision::Need(Step::Login) if silent => {
            Decision::Refuse(ErrorCode::LoginRequired, "The resident is not logged in.")
        }
        Decision::Need(Step::Consent) if silent => Decision::Refuse(
            ErrorCode::ConsentRequired,
            "The resident has not decided on this yet.",
        ),
        decision @ (Decision::Need(_) | Decision::Refuse(..) | Decision::Ready(_)) => decision,
    }
}

fn without_prompt<'a>(facts: &Facts<'a>) -> Decision<'a> {
    let Some(found) = facts.session else {
        return Decision::Need(Step::Login);
    };
    let session = &found.stored.session;
    if needs_fresh_login(facts, session) {
        return Decision::Need(Step::Login);
    }
    // Somebody else is logged in than the client speaks of. Who has just logged in is told to the
    // client; otherwise the right person may still do so.
    if !is_the_hinted(facts, found.subject.as_deref()) {
        let tried = facts
            .started_at
            .is_some_and(|started| session.authenticated_at > started);
        return if tried {
            let reason = "Another resident logged in than the one the request names.";
            Decision::Refuse(ErrorCode::LoginRequired, reason)
        } else {
            Decision::Need(Step::Login)
        };
    }
    let acr = facts.request.acr();
    if acr.is_essential() && !acr.is_satisfied(session.methods.aal(), facts.ial) {
        let reason = "The required assurance level cannot be reached.";
        return Decision::Refuse(ErrorCode::UnmetAuthenticationRequirements, reason);
    }
    match (&found.grant, &found.subject) {
        (Some(grant), Some(subject)) if !needs_decision(facts, grant) => Decision::Ready(Ready {
            session,
            grant,
            subject,
            ial: facts.ial,
        }),
        _ => Decision::Need(Step::Consent),
    }
}

/// Whether the login at hand is not fresh enough: `prompt=login` and `select_account` ask for one
/// made after the request, `max_age` for one that is not older (Core §3.1.2.1).
fn needs_fresh_login(facts: &Facts<'_>, session: &Session) -> bool {
    // A login made for this very request is as fresh as it gets: `max_age=0` must come to an end.
    if facts
        .started_at
        .is_some_and(|started| session.authenticated_at > started)
    {
        return false;
    }
    let prompts = facts.request.prompts();
    let asked = prompts.contains(Prompt::Login) || prompts.contains(Prompt::SelectAccount);
    let age = facts.now.since(session.authenticated_at);
    let too_old = facts
        .request
        .max_age()
        .is_some_and(|seconds| seconds == 0 || age > Duration::from_secs(seconds.into()));
    asked || too_old
}

fn is_the_hinted(facts: &Facts<'_>, subject: Option<&str>) -> bool {
    match &facts.hinted {
        Hinted::Nobody => true,
        Hinted::Subject(hinted) => subject == Some(hinted.as_str()),
        Hinted::Stranger => false,
    }
}

/// Whether the resident must decide, or be told, although there is a grant.
fn needs_decision(facts: &Facts<'_>, grant: &Grant) -> bool {
    let request = facts.request;
    let claims = super::consent::single_claims(request);
    let asked_again = request.prompts().contains(Prompt::Consent)
        && facts
            .started_at
            .is_none_or(|started| grant.granted_at <= started);
    asked_again || !grant.covers(request.scope(), &claims, &facts.terms)
}

#[cfg(test)]
mod tests;
