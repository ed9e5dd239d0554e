//! Login by password.
//!
//! Whoever asks, whatever they ask with: the same work is done, so that neither the answer nor its
//! time says whether an account exists.

use std::time::Duration;

use serde_json::json;

use super::Accounts;
use super::guessing::{Guess, Reservation, Rows};
use super::known_device::KnownDevice;
use super::session::SessionCookie;
use crate::crypto::password::{self, PasswordError, PasswordHash, Verdict};
use crate::crypto::seal::SealError;
use crate::domain::authentication::{AuthenticationMethod, AuthenticationMethods};
use crate::domain::entropy::Entropy;
use crate::domain::id::{AccountId, SessionId};
use crate::domain::instant::Instant;
use crate::domain::network::ClientNetwork;
use crate::domain::secret::Secret;
use crate::domain::session::Session;
use crate::domain::username::Username;
use crate::ledger::Entry;
use crate::ledger::audit::{Event, EventKind};
use crate::ledger::feed::Change;
use crate::ledger::outbox::OutboxItem;
use crate::storage::credentials::{self, PasswordCredential};
use crate::storage::{self, account_index, authorizations, sessions};

/// The browser that a login is opened in.
#[derive(Debug, Clone, Copy, Default)]
pub struct LoginPlace<'a> {
    /// The session cookie it sent, if any.
    pub previous_cookie: Option<&'a str>,
    /// Browser and system as their person would name them.
    pub device: Option<&'a str>,
    /// What an earlier login left in the browser.
    pub known_device: Option<&'a str>,
}

/// How many logins of one account last at once: more than anybody has devices.
const MOST_SESSIONS: u32 = 50;

/// What was typed into the login page.
pub struct PasswordAttempt<'a> {
    /// A phone number or a document number.
    pub username: &'a str,
    /// The password.
    pub password: Secret<String>,
    /// The part of the network it comes from.
    pub network: ClientNetwork,
    /// Where.
    pub place: LoginPlace<'a>,
}

/// A login that succeeded.
pub struct NewLogin {
    /// The session.
    pub session: Session,
    /// What the browser is to hold.
    pub cookie: String,
    /// What it is to hold for longer: that somebody logged in from it.
    pub known_device: String,
}

/// Why a login was refused.
#[derive(Debug, thiserror::Error)]
pub enum LoginError {
    /// No account answers to this name with this password. Which of the two, nobody is told.
    #[error("the name and the password do not belong together")]
    WrongCredentials,
    /// The account was stopped between the check and the session.
    #[error("the account may not log in")]
    NotAllowed,
    /// Too many passwords were wrong: this one was not looked at.
    #[error("too many passwords were wrong")]
    Throttled {
        /// When the next is.
        wait: Duration,
    },
    /// Too many passwords are being checked.
    #[error("password hashing is at its limit")]
    Busy,
    /// The cookie could not be sealed.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// Storage did not answer.
    #[error(transparent)]
    Storage(#[from] storage::Error),
}

impl From<PasswordError> for LoginError {
    fn from(error: PasswordError) -> Self {
        match error {
            // No stored password is that long.
            PasswordError::TooLong => Self::WrongCredentials,
            PasswordError::Busy | PasswordError::Failed => Self::Busy,
        }
    }
}

/// Whom a name stands for, and what the password is held against.
struct Found {
    account_id: AccountId,
    access_epoch: i64,
    credential: PasswordCredential,
    hash: PasswordHash,
}

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
    /// Checks a name and a password and opens a session.
    pub async fn login_with_password(
        &self,
        attempt: PasswordAttempt<'_>,
    ) -> Result<NewLogin, LoginError> {
        // Nobody's password: refused for the asking, since no hashing holds back whoever would fill
        // the audit log with it.
        if password::is_too_long(&attempt.password) {
            return Err(LoginError::WrongCredentials);
        }
        // Before anything is written for it.
        if !self.passwords.has_room() {
            return Err(LoginError::Busy);
        }
        let username = Username::parse(attempt.username, self.now());
        let mut reader = self.ledger.reader().await?;
        let found = self.password_of(&mut reader, &username).await?;
        let device = self.known_device(attempt.place.known_device);
        let guess = Guess {
            typed: attempt.username,
            username: &username,
            network: attempt.network,
            device: device.as_ref().filter(|device| {
                (found.as_ref())
                    .is_some_and(|found| device.knows(found.account_id, found.access_epoch))
            }),
        };
        let reserved = self.reserve_guess(reader, guess).await?;
        let reservation = reserved.map_err(|throttled| LoginError::Throttled {
            wait: throttled.wait,
        })?;
        match self.verify(attempt.password.clone(), found.as_ref()).await {
            Ok(Verdict::Wrong) => {
                let account_id = found.map(|found| found.account_id);
                Err(self.refuse(account_id, reservation).await)
            }
            Ok(verdict) => match found {
                Some(found) => self.log_in(attempt, (found, verdict), reservation).await,
                None => Err(self.refuse(None, reservation).await),
            },
            Err(error) => {
                self.give_guess_back(reservation).await?;
                Err(error.into())
            }
        }
    }

    /// Holds a password against that of an account, or against nothing for as long.
    async fn verify(
        &self,
        password: Secret<String>,
        found: Option<&Found>,
    ) -> Result<Verdict, PasswordError> {
        match found {
            Some(found) => self.passwords.verify(password, found.hash.clone()).await,
            None => {
                self.passwords.verify_nothing(password).await?;
                Ok(Verdict::Wrong)
            }
        }
    }

    /// Opens a session for a password that is right.
    async fn log_in(
        &self,
        attempt: PasswordAttempt<'_>,
        (found, verdict): (Found, Verdict),
        reservation: Reservation,
    ) -> Result<NewLogin, LoginError> {
        let upgrade = match verdict {
            Verdict::Wrong | Verdict::Right => None,
            // A full hashing queue only puts the upgrade off to the next login.
            Verdict::RightButOld => {
                let stronger = self.passwords.hash(attempt.password).await.ok();
                stronger.map(|hash| (found.credential, hash.as_str().to_owned()))
            }
        };
        let session = self
            .new_session((found.account_id, found.access_epoch), attempt.place)
            .await?;
        let session = NewSession {
            upgrade,
            guess: Some(reservation.rows().clone()),
            ..session
        };
        let opened = self.open_session(session).await;
        if matches!(opened, Err(LoginError::NotAllowed)) {
            self.count_against_network(reservation).await;
        }
        opened
    }

    /// The account a name stands for and its password. A phone that several accounts confirmed
    /// stands for none of them.
    async fn password_of(
        &self,
        reader: &mut storage::Reader,
        username: &Username,
    ) -> Result<Option<Found>, storage::Error> {
        let Some(account_id) = self.holder_of(reader, username).await? else {
            return Ok(None);
        };
        let Some((credential, access_epoch)) =
            credentials::find_password(reader, account_id).await?
        else {
            return Ok(None);
        };
        let hash =
            credential
                .hash
                .parse::<PasswordHash>()
                .map_err(|_| storage::Error::Corrupt {
                    table: "credentials",
                    column: "secret",
                })?;
        Ok(Some(Found {
            account_id,
            access_epoch,
            credential,
            hash,
        }))
    }

    /// The one account a name stands for.
    pub(super) async fn holder_of(
        &self,
        reader: &mut storage::Reader,
        username: &Username,
    ) -> Result<Option<AccountId>, storage::Error> {
        match username {
            Username::Phone(phone) => {
                let key = self.phone_key(phone);
                let holders =
                    account_index::list_by_phone(reader, &key, self.phone_horizon()).await?;
                Ok(match holders.as_slice() {
                    [only] => Some(*only),
                    _ => None,
                })
            }
            Username::Documents(candidates) => {
                for document in candidates {
                    let key = self.document_key(document);
                    if let Some(holder) = account_index::find_by_document(reader, &key).await? {
                        return Ok(Some(holder));
                    }
                }
                Ok(None)
            }
            Username::Unknown => Ok(None),
        }
    }

    /// Records a refusal; known and unknown accounts cost one write each.
    async fn refuse(&self, account_id: Option<AccountId>, reservation: Reservation) -> LoginError {
        let event = Event::new(EventKind::LoginFailed, self.now());
        let event = match account_id {
            Some(account_id) => event.account(account_id),
            None => event,
        };
        let written: Result<(), storage::Error> = self
            .ledger
            .write(
                (event, reservation.rows().clone()),
                |entry, (event, guess)| {
                    Box::pin(async move {
                        guess.note_failure(entry).await?;
                        entry.record(event).await
                    })
                },
            )
            .await;
        self.count_against_network(reservation).await;
        match written {
            Ok(()) => LoginError::WrongCredentials,
            Err(error) => LoginError::Storage(error),
        }
    }

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
    if sessions::end_beyond(entry.tx(), account_id, MOST_SESSIONS, login.now).await? > 0 {
        entry.enqueue(&login.told).await?;
    }
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
        entry.announce(Change::SessionEnded(previous.account_id, previous.id));
        let event = Event::new(EventKind::Logout, login.now)
            .account(previous.account_id)
            .detail(json!({ "session": previous.id }));
        entry.record(&event).await?;
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
