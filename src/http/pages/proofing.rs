//! What registration, recovery and the confirmation of a phone have in common: each is a challenge
//! that travels in the page's address beside the portal's request, if there is one.

pub mod application;
pub mod check;
pub mod code;

mod fields;
mod outcome;

use axum::response::Response;

use super::interaction::{self, Paused};
use crate::accounts::challenge::{OpenChallenge, OpenError, Visitor};
use crate::accounts::completion::{Completion, CompletionError};
use crate::accounts::login::LoginPlace;
use crate::domain::challenge::ChallengePurpose;
use crate::http::context::{FormBody, RequestContext};
use crate::http::respond;
use crate::http::state::AppState;
use crate::protocol::language::Language;
use crate::protocol::parameters::Parameters;
use crate::views::code::CodePurpose;
use crate::views::register::Purpose;

/// What somebody is on the way to; the path says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Registration,
    Recovery,
    Phone,
}

impl Way {
    fn of(context: &RequestContext) -> Self {
        let first = |root: &str| context.path.starts_with(root);
        if first(Self::Recovery.root()) {
            Self::Recovery
        } else if first(Self::Phone.root()) {
            Self::Phone
        } else {
            Self::Registration
        }
    }

    const fn root(self) -> &'static str {
        match self {
            Self::Registration => "/register",
            Self::Recovery => "/recover",
            Self::Phone => "/account/phone",
        }
    }

    /// Where one begins again.
    const fn start(self) -> &'static str {
        match self {
            Self::Registration | Self::Recovery => self.root(),
            Self::Phone => "/account",
        }
    }

    const fn purpose(self) -> ChallengePurpose {
        match self {
            Self::Registration => ChallengePurpose::Registration,
            Self::Recovery => ChallengePurpose::Recovery,
            Self::Phone => ChallengePurpose::PhoneConfirmation,
        }
    }

    const fn shown(self) -> Purpose {
        match self {
            Self::Registration => Purpose::Registration,
            Self::Recovery | Self::Phone => Purpose::Recovery,
        }
    }

    const fn shown_code(self) -> CodePurpose {
        match self {
            Self::Registration => CodePurpose::Registration,
            Self::Recovery => CodePurpose::Recovery,
            Self::Phone => CodePurpose::Confirmation,
        }
    }
}

/// A challenge on its way, with the request that waits for it.
struct Underway {
    way: Way,
    sealed: String,
    open: OpenChallenge,
    paused: Option<Paused>,
}

impl Underway {
    /// The challenge of the address. The error is the page that says why there is none.
    async fn find(state: &AppState, context: &RequestContext) -> Result<Self, Box<Response>> {
        let way = Way::of(context);
        let paused = interaction::open(state, context).await?;
        let sealed = context
            .query_parameters()
            .get("challenge")
            .unwrap_or_default()
            .to_owned();
        let opened = state
            .accounts
            .open_challenge(way.purpose(), &sealed, context.browser_cookie())
            .await;
        match opened {
            Ok(open) => Ok(Self {
                way,
                sealed,
                open,
                paused,
            }),
            Err(OpenError::Over) => Err(Box::new(outcome::over(
                state,
                context,
                (way, paused.as_ref()),
            ))),
            Err(OpenError::Ended(ended)) => Err(Box::new(outcome::page(
                state,
                context,
                (way, paused.as_ref()),
                ended,
            ))),
            Err(OpenError::Storage(error)) => Err(Box::new(respond::storage_error_page(
                state, context, &error,
            ))),
        }
    }

    /// The same, for a form that was sent from a page of it, and what was sent.
    async fn posted(
        (state, context): (&AppState, &RequestContext),
        body: &FormBody,
        form: &str,
    ) -> Result<(Self, Parameters), Box<Response>> {
        let fields = body
            .parameters()
            .ok_or_else(|| Box::new(interaction::malformed(state, context)))?;
        let underway = Self::find(state, context).await?;
        let subject = underway.subject();
        if interaction::csrf_holds_for(state, context, &fields, (form, &subject)) {
            Ok((underway, fields))
        } else {
            Err(Box::new(interaction::forged(state, context)))
        }
    }

    /// The address of a step: `code`, `resend` or `check`.
    fn address(&self, step: &str) -> String {
        step_address((self.way, step), &self.sealed, self.paused.as_ref())
    }

    /// Where somebody goes who comes back to the code's page after the code has come back. A phone is
    /// noted as soon as its code is: there is nothing to try again.
    fn after_code(&self) -> String {
        match self.way {
            Way::Registration | Way::Recovery => self.address("check"),
            Way::Phone => Way::Phone.start().to_owned(),
        }
    }

    /// What a form of this challenge is tied to.
    fn subject(&self) -> String {
        let interaction = self.paused.as_ref().map(|paused| paused.sealed.as_str());
        format!("{} {}", self.sealed, interaction.unwrap_or_default())
    }

    fn portal(&self, state: &AppState, context: &RequestContext) -> Option<String> {
        let locale = interaction::locale(state, context, self.paused.as_ref());
        let paused = self.paused.as_ref()?;
        Some(interaction::portal_name(&paused.client, locale))
    }

    /// Does what the challenge is for, once its code has come back.
    async fn complete(&self, state: &AppState, context: &RequestContext) -> Response {
        if self.way == Way::Phone {
            return self.complete_phone(state, context).await;
        }
        let device = context.device();
        let place = LoginPlace {
            previous_cookie: context.session_cookie(),
            device: device.as_deref(),
            known_device: context.known_device_cookie(),
        };
        let completed = state.accounts.complete(&self.open, place).await;
        let about = (self.way, self.paused.as_ref());
        match completed {
            Ok(Completion::Done(login)) => {
                interaction::enter(state, context, self.paused.as_ref(), &login).await
            }
            Ok(Completion::Ended(ended)) => outcome::page(state, context, about, ended),
            // With a distinct address, so that it can be tried again without another code.
            Ok(Completion::Unavailable) => respond::see_other(&self.address("check")),
            Err(CompletionError::Over) => outcome::over(state, context, about),
            Err(CompletionError::Busy) => outcome::busy(state, context, self),
            Err(CompletionError::Profile(error)) => {
                respond::profile_error_page(state, context, &error)
            }
            Err(CompletionError::Storage(error)) => {
                respond::storage_error_page(state, context, &error)
            }
            Err(CompletionError::Seal(error)) => respond::seal_error_page(state, context, &error),
        }
    }

    async fn complete_phone(&self, state: &AppState, context: &RequestContext) -> Response {
        let session = match interaction::session(state, context).await {
            Ok(Some(session)) => session,
            Ok(None) => return respond::see_other("/login"),
            Err(response) => return *response,
        };
        let accounts = &state.accounts;
        let done = accounts
            .complete_phone_confirmation(&self.open, session.account_id)
            .await;
        match done {
            Ok(true) => respond::see_other("/account"),
            Ok(false) => outcome::over(state, context, (self.way, None)),
            Err(error) => respond::storage_error_page(state, context, &error),
        }
    }
}

/// The address of a step of a challenge.
fn step_address((way, step): (Way, &str), challenge: &str, paused: Option<&Paused>) -> String {
    let root = way.root();
    let interaction = paused.map_or_else(String::new, |paused| {
        format!("&interaction={}", paused.sealed)
    });
    format!("{root}/{step}?challenge={challenge}{interaction}")
}

/// Who asks, for the limits and the language of the message.
pub(super) fn visitor<'a>(
    state: &AppState,
    context: &'a RequestContext,
    paused: Option<&Paused>,
) -> Visitor<'a> {
    let locale = interaction::locale(state, context, paused);
    Visitor {
        browser_cookie: context.browser_cookie().unwrap_or_default(),
        address: context.client_address,
        language: Language::for_tag(locale.tag()).unwrap_or_default(),
    }
}
