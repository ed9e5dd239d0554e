//! `/account`: who I am, where I am logged in, what I entered, what happened lately.

use axum::extract::State;
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;

use super::done::just_done;
use super::home::shown_level;
use super::interaction::{self, portal_name};
use super::logout;
use super::proofing::visitor;
use crate::accounts::challenge::SendError;
use crate::accounts::overview::{Overview, Remote};
use crate::accounts::phone::PhoneError;
use crate::domain::check::{Check, CheckResult};
use crate::domain::client::{ClientId, ClientStatus};
use crate::domain::grant::Grant;
use crate::domain::instant::Instant;
use crate::domain::notice::Notice;
use crate::domain::session::Session;
use crate::http::context::{FormBody, RequestContext};
use crate::http::respond;
use crate::http::state::AppState;
use crate::protocol::language::Language;
use crate::protocol::parameters::Parameters;
use crate::storage;
use crate::storage::sessions::ListedSession;
use crate::views::account::{
    self as shown, AccountPage, EnteredPortal, HeldDocument, HeldPhone, LiveSession, PassedCheck,
    SessionPlace, Standing,
};
use crate::views::consent::Received;
use crate::views::error_code::PageCode;
use crate::views::link::WebLink;
use crate::views::local_time::LocalTime;
use crate::views::page::{Form, HiddenField};

/// Name the forms in their CSRF tokens.
const END_FORM: &str = "end sessions";
const WITHDRAW_FORM: &str = "withdraw consent";
const PHONE_FORM: &str = "confirm phone";

/// Where somebody goes who must log in first.
const LOGIN: &str = "/login";

/// Shows it.
pub async fn show(State(state): State<AppState>, context: RequestContext) -> Response {
    let session = match interaction::session(&state, &context).await {
        Ok(Some(session)) => session,
        Ok(None) => return respond::see_other(LOGIN),
        Err(response) => return *response,
    };
    let overview = match state.accounts.overview(session.account_id).await {
        Ok(Some(overview)) => overview,
        Ok(None) => return respond::see_other(LOGIN),
        Err(error) => return respond::profile_error_page(&state, &context, &error),
    };
    let mut forms = Forms {
        state: &state,
        context: &context,
        session: &session,
        cookie: None,
    };
    let page = match forms.page(overview).await {
        Ok(page) => page,
        Err(error) => return respond::storage_error_page(&state, &context, &error),
    };
    let cookie = forms.cookie;
    respond::with_cookie(respond::page(&state, &context, &page, None), cookie)
}

/// What is posted to is no page: whoever comes by a link of one, such as the switches on the page of
/// a refusal, goes back to the account.
pub async fn back() -> Response {
    respond::see_other("/account")
}

/// Ends other logins.
pub async fn end_sessions(
    State(state): State<AppState>,
    context: RequestContext,
    body: FormBody,
) -> Response {
    let (session, fields) = match posted((&state, &context), &body, END_FORM).await {
        Ok(posted) => posted,
        Err(response) => return *response,
    };
    let which = match fields.get("session") {
        Some("others") => Remote::Others,
        Some(one) => match one.parse() {
            Ok(one) => Remote::Session(one),
            Err(_) => return interaction::malformed(&state, &context),
        },
        None => return interaction::malformed(&state, &context),
    };
    match state.accounts.end_remotely(&session, which).await {
        Ok(()) => respond::see_other("/account"),
        Err(error) => respond::end_error_page(&state, &context, &error),
    }
}

/// Takes back what a portal was allowed.
pub async fn withdraw(
    State(state): State<AppState>,
    context: RequestContext,
    body: FormBody,
) -> Response {
    let (session, fields) = match posted((&state, &context), &body, WITHDRAW_FORM).await {
        Ok(posted) => posted,
        Err(response) => return *response,
    };
    let portal = fields.get("portal").unwrap_or_default().to_owned();
    let Ok(client_id) = ClientId::try_from(portal) else {
        return interaction::malformed(&state, &context);
    };
    let withdrawn = async {
        // Also of one that is suspended: it may be resumed.
        if let Some(client) = state.provider.clients().find(&client_id).await? {
            state.accounts.withdraw(session.account_id, &client).await?;
        }
        Ok(())
    };
    match withdrawn.await {
        Ok(()) => respond::see_other("/account"),
        Err(error) => respond::storage_error_page(&state, &context, &error),
    }
}

/// Sends a code to a phone of one's own.
pub async fn confirm_phone(
    State(state): State<AppState>,
    context: RequestContext,
    body: FormBody,
) -> Response {
    let (session, fields) = match posted((&state, &context), &body, PHONE_FORM).await {
        Ok(posted) => posted,
        Err(response) => return *response,
    };
    let Some(place) = fields.get("phone").and_then(|place| place.parse().ok()) else {
        return interaction::malformed(&state, &context);
    };
    let visitor = visitor(&state, &context, None);
    let asked = state
        .accounts
        .ask_phone(session.account_id, place, visitor)
        .await;
    match asked {
        Ok(challenge) => respond::see_other(&format!("/account/phone/code?challenge={challenge}")),
        Err(PhoneError::Unknown | PhoneError::Send(SendError::Over)) => {
            respond::see_other("/account")
        }
        Err(PhoneError::Send(SendError::Limited(wait))) => {
            let status = StatusCode::TOO_MANY_REQUESTS;
            let text = "Too many codes were sent to this phone.";
            let code = PageCode::TooManyRequests;
            let response = respond::error_page(&state, &context, status, code, text);
            respond::too_many(response, wait)
        }
        Err(PhoneError::Send(SendError::Seal(error))) => {
            respond::seal_error_page(&state, &context, &error)
        }
        Err(PhoneError::Send(SendError::Storage(error))) => {
            respond::storage_error_page(&state, &context, &error)
        }
        Err(PhoneError::Profile(error)) => respond::profile_error_page(&state, &context, &error),
    }
}

/// The login that a form was sent from, and what was sent.
async fn posted(
    (state, context): (&AppState, &RequestContext),
    body: &FormBody,
    form: &str,
) -> Result<(Session, Parameters), Box<Response>> {
    let fields = body
        .parameters()
        .ok_or_else(|| Box::new(interaction::malformed(state, context)))?;
    let session = interaction::session(state, context)
        .await?
        .ok_or_else(|| Box::new(respond::see_other(LOGIN)))?;
    let subject = session.id.to_string();
    if interaction::csrf_holds_for(state, context, &fields, (form, &subject)) {
        Ok((session, fields))
    } else {
        Err(Box::new(interaction::forged(state, context)))
    }
}

/// Makes the page and its forms, each tied to the login that is shown it.
struct Forms<'a> {
    state: &'a AppState,
    context: &'a RequestContext,
    session: &'a Session,
    cookie: Option<HeaderValue>,
}

impl Forms<'_> {
    async fn page(&mut self, overview: Overview) -> Result<AccountPage, storage::Error> {
        let mut portals = Vec::with_capacity(overview.grants.len());
        for (client_id, grant) in &overview.grants {
            portals.extend(self.portal(client_id, grant).await?);
        }
        // A consent given again since is not withdrawn.
        let stands = |id| overview.grants.iter().any(|(granted, _)| granted == id);
        let news: Vec<&Notice> = overview
            .notices
            .iter()
            .filter(|notice| !notice.client_id.as_ref().is_some_and(stands))
            .collect();
        let mut notices = Vec::with_capacity(overview.notices.len());
        for notice in &overview.notices {
            notices.push(self.happened(notice).await?);
        }
        let has_others = overview
            .sessions
            .iter()
            .any(|live| live.id != self.session.id);
        let mut sessions: Vec<LiveSession> = overview
            .sessions
            .iter()
            .map(|live| self.live(live))
            .collect();
        sessions.sort_by_key(|live| !matches!(live.place, SessionPlace::Here));
        let profile = &overview.profile;
        let phones = profile.phones.iter().zip(&overview.phones_confirmed);
        Ok(AccountPage {
            done: just_done(&news, self.state.clock.now()),
            person: profile.masked(),
            level: shown_level(overview.level),
            documents: profile
                .documents
                .iter()
                .map(|document| HeldDocument {
                    document_type: document.document_type(),
                    number: document.masked(),
                })
                .collect(),
            phones: phones
                .enumerate()
                .map(|(place, (phone, confirmed_at))| {
                    self.phone(place, phone.masked(), *confirmed_at)
                })
                .collect(),
            checks: overview
                .checks
                .iter()
                .filter(|check| check.result == CheckResult::Match)
                .map(|check| passed(check, self.state.clock.now()))
                .collect(),
            sessions,
            end_others: has_others.then(|| self.end("others")),
            portals,
            notices,
            logout: self.form("/logout", logout::FORM, ""),
        })
    }

    fn phone(&mut self, place: usize, number: String, confirmed_at: Option<Instant>) -> HeldPhone {
        let subject = self.session.id.to_string();
        let confirm = self.state.accounts.sends_codes().then(|| {
            let mut form = self.form("/account/phone", PHONE_FORM, &subject);
            form.hidden
                .push(HiddenField::new("phone", place.to_string()));
            form
        });
        HeldPhone {
            number,
            confirmed_at: confirmed_at.map(LocalTime::of),
            standing: if self.state.accounts.phone_counts(confirmed_at) {
                Standing::InForce
            } else {
                Standing::Lapsed
            },
            confirm,
        }
    }

    fn live(&mut self, live: &ListedSession) -> LiveSession {
        LiveSession {
            device: live.device.clone(),
            since: LocalTime::of(live.authenticated_at),
            place: if live.id == self.session.id {
                SessionPlace::Here
            } else {
                SessionPlace::Elsewhere {
                    end: self.end(&live.id.to_string()),
                }
            },
        }
    }

    fn end(&mut self, which: &str) -> Form {
        let subject = self.session.id.to_string();
        let mut form = self.form("/account/sessions/end", END_FORM, &subject);
        form.hidden.push(HiddenField::new("session", which));
        form
    }

    async fn happened(&self, notice: &Notice) -> Result<shown::Notice, storage::Error> {
        let client = match &notice.client_id {
            Some(client_id) => self.state.provider.clients().find(client_id).await?,
            None => None,
        };
        let locale = self.context.locale(None, self.state.default_locale);
        Ok(shown::Notice {
            kind: notice.kind,
            at: LocalTime::of(notice.at),
            portal: client.map(|client| portal_name(&client, locale)),
        })
    }

    fn withdraw(&mut self, client_id: &ClientId) -> Form {
        let subject = self.session.id.to_string();
        let mut form = self.form("/account/portals/withdraw", WITHDRAW_FORM, &subject);
        form.hidden
            .push(HiddenField::new("portal", client_id.as_str()));
        form
    }

    fn form(&mut self, action: &str, name: &str, subject: &str) -> Form {
        let about = (action.to_owned(), name);
        let (form, cookie) = interaction::form_to(self.state, self.context, about, subject);
        // One browser cookie for all forms of the page.
        self.cookie = self.cookie.take().or(cookie);
        form
    }

    /// None for a portal that is gone. One that is suspended may be resumed, but nobody is led there.
    async fn portal(
        &mut self,
        client_id: &ClientId,
        grant: &Grant,
    ) -> Result<Option<EnteredPortal>, storage::Error> {
        let client = self.state.provider.clients().find(client_id).await?;
        let Some(client) = client.filter(|client| client.status != ClientStatus::Removed) else {
            return Ok(None);
        };
        let locale = self.context.locale(None, self.state.default_locale);
        let language = Language::for_tag(locale.tag()).unwrap_or_default();
        let uri = client.metadata.pages().client_uri.choose(language);
        let claims = grant.claims.iter().map(|claim| claim.as_str());
        let is_open = client.status == ClientStatus::Active;
        Ok(Some(EnteredPortal {
            name: portal_name(&client, locale),
            href: uri
                .filter(|_| is_open)
                .and_then(|uri| WebLink::parse(uri.as_str())),
            since: LocalTime::of(grant.granted_at),
            receives: Received::by(grant.scope.iter(), claims),
            withdraw: client.rests_on_consent().then(|| self.withdraw(client_id)),
        }))
    }
}

fn passed(check: &Check, now: Instant) -> PassedCheck {
    PassedCheck {
        method: check.method,
        authority: check.authority.as_str().to_owned(),
        performed_at: LocalTime::of(check.performed_at),
        expires_at: check.expires_at.map(LocalTime::of),
        standing: match check.proves(now) {
            Some(_) => Standing::InForce,
            None => Standing::Lapsed,
        },
    }
}
