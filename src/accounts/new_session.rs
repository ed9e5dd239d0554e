//! A session as it is opened, whichever way its person proved who they are.

use serde_json::json;

use super::Accounts;
use super::guessing::Rows;
use super::known_device::KnownDevice;
use super::login::{LoginError, LoginPlace, NewLogin};
use super::session::SessionCookie;
use crate::crypto::seal::SealError;
use crate::domain::authentication::{AuthenticationMethod, AuthenticationMethods};
use crate::domain::entropy::Entropy;
use crate::domain::id::{AccountId, SessionId};
use crate::domain::instant::Instant;
use crate::domain::session::Session;
use crate::ledger::Entry;
use crate::ledger::audit::{Event, EventKind};
use crate::ledger::feed::Change;
use crate::ledger::outbox::OutboxItem;
use crate::storage::credentials::{self, PasswordCredential};
use crate::storage::{self, authorizations, sessions};

/// How many logins of one account last at once: more than anybody has devices.
const MOST_SESSIONS: u32 = 50;

/// A session to be opened.
pub(super) struct NewSession {
    account_id: AccountId,
    /// The account's, when the proof was looked at.
    access_epoch: i64,
    /// What the browser's cookie stood for until now.
    previous: Option<Session>,
    device: Option<String>,
    known_device: Option<KnownDevice>,
    upgrade: Option<(PasswordCredential, String)>,
    /// Where the guess is counted that turned out right.
    guess: Option<Rows>,
}

impl NewSession {
    /// Opened by a password: with a stronger hash of it, if it is to have one, and the guess that it
    /// was until now.
    pub(super) fn by_password(
        self,
        upgrade: Option<(PasswordCredential, String)>,
        guess: Rows,
    ) -> Self {
        Self {
            upgrade,
            guess: Some(guess),
            ..self
        }
    }
}

/// What the transaction of a successful login needs, drawn before it.
struct Login {
    session: Session,
    access_epoch: i64,
    secret_hash: String,
    device: Option<String>,
    /// What the browser's cookie stood for, and what tells that it ended.
    previous: Option<(Session, OutboxItem)>,
    upgrade: Option<(PasswordCredential, String)>,
    guess: Option<Rows>,
    /// What tells that sessions of this account ended, if there are too many.
    told: OutboxItem,
    now: Instant,
}

impl Login {
    /// Whether the browser's session goes on with this login.
    fn renews(&self) -> bool {
        self.previous
            .as_ref()
            .is_some_and(|(previous, _)| previous.id == self.session.id)
    }
}

impl Accounts {
    /// A login by password, where somebody else may have been before.
    pub(super) async fn new_session(
        &self,
        (account_id, access_epoch): (AccountId, i64),
        place: LoginPlace<'_>,
    ) -> Result<NewSession, storage::Error> {
        let previous = match place.previous_cookie {
            Some(cookie) => self.session(cookie).await?,
            None => None,
        };
        Ok(NewSession {
            account_id,
            access_epoch,
            previous,
            device: place.device.map(str::to_owned),
            known_device: self.known_device(place.known_device),
            upgrade: None,
            guess: None,
        })
    }

    pub(super) async fn open_session(&self, new: NewSession) -> Result<NewLogin, LoginError> {
        let NewSession {
            account_id,
            access_epoch,
            previous,
            device,
            known_device,
            upgrade,
            guess,
        } = new;
        let now = self.now();
        let entropy: &dyn Entropy = &*self.entropy;
        // The same person proving anew who they are keeps the session its portals know (`sid`);
        // its cookie changes all the same, so that no cookie outlives a login.
        let same = previous
            .as_ref()
            .filter(|session| session.account_id == account_id);
        let session = Session {
            account_id,
            id: same.map_or_else(|| SessionId::ordered(now, entropy), |session| session.id),
            methods: AuthenticationMethods::of(AuthenticationMethod::Password),
            authenticated_at: now,
            expires_at: now.plus(self.session_ttl),
        };
        let cookie = SessionCookie {
            account_id,
            session_id: session.id,
            secret: entropy.bytes(),
        };
        let previous = previous
            .map(|previous| {
                let told = self.sessions_ended(previous.account_id, now)?;
                Ok::<_, SealError>((previous, told))
            })
            .transpose()?;
        let login = Login {
            session: session.clone(),
            access_epoch,
            secret_hash: cookie.secret_hash(),
            device,
            previous,
            upgrade,
            guess,
            told: self.sessions_ended(account_id, now)?,
            now,
        };
        let opened: Result<bool, storage::Error> = self
            .ledger
            .write(login, |entry, login| Box::pin(write_login(entry, login)))
            .await;
        if !opened? {
            return Err(LoginError::NotAllowed);
        }
        let ring = self.ring();
        let known_device = self.device_after_login((account_id, access_epoch), known_device);
        Ok(NewLogin {
            session,
            cookie: ring.sealer().seal(&cookie, entropy)?,
            known_device: ring.sealer().seal(&known_device, entropy)?,
        })
    }
}

async fn write_login(entry: &mut Entry<'_>, login: &Login) -> Result<bool, storage::Error> {
    let account_id = login.session.account_id;
    let opened = if login.renews() {
        sessions::renew(
            entry.tx(),
            &login.session,
            &login.secret_hash,
            login.access_epoch,
        )
        .await?
    } else {
        let place = (login.device.as_deref(), login.access_epoch);
        sessions::insert(entry.tx(), &login.session, &login.secret_hash, place).await?
    };
    if !opened {
        if let Some(guess) = &login.guess {
            guess.note_failure(entry).await?;
        }
        let event = Event::new(EventKind::LoginFailed, login.now).account(account_id);
        entry.record(&event).await?;
        return Ok(false);
    }
    if let Some(guess) = &login.guess {
        guess.forget(entry).await?;
    }
    if login.renews() {
        authorizations::keep_with_session(entry.tx(), &login.session).await?;
    }
    make_room(entry, login).await?;
    if let Some((old, stronger)) = &login.upgrade
        && credentials::update_password(entry.tx(), account_id, old, stronger, login.now).await?
    {
        let event = Event::new(EventKind::PasswordUpgraded, login.now).account(account_id);
        entry.record(&event).await?;
    }
    // Another person logs in where someone was: the one before is logged out, not left behind.
    if let Some((previous, told)) = login.previous.as_ref().filter(|_| !login.renews())
        && sessions::end(entry.tx(), previous.account_id, previous.id, login.now).await?
    {
        entry.enqueue(told).await?;
        record_end(entry, (previous.account_id, previous.id), login.now).await?;
    }
    let event = Event::new(EventKind::Login, login.now)
        .account(account_id)
        .detail(json!({
            "session": login.session.id,
            "methods": login.session.methods.to_string(),
        }));
    entry.record(&event).await?;
    Ok(true)
}

/// Ends the oldest sessions of an account that has too many.
async fn make_room(entry: &mut Entry<'_>, login: &Login) -> Result<(), storage::Error> {
    let account_id = login.session.account_id;
    let beyond = sessions::list_beyond(entry.tx(), account_id, MOST_SESSIONS).await?;
    if !beyond.is_empty() {
        entry.enqueue(&login.told).await?;
    }
    for session_id in beyond {
        if sessions::end(entry.tx(), account_id, session_id, login.now).await? {
            record_end(entry, (account_id, session_id), login.now).await?;
        }
    }
    Ok(())
}

async fn record_end(
    entry: &mut Entry<'_>,
    (account_id, session_id): (AccountId, SessionId),
    now: Instant,
) -> Result<(), storage::Error> {
    entry.announce(Change::SessionEnded(account_id, session_id));
    let event = Event::new(EventKind::Logout, now)
        .account(account_id)
        .detail(json!({ "session": session_id }));
    entry.record(&event).await
}
