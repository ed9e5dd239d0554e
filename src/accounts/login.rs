//! Login by password.
//!
//! Whoever asks, whatever they ask with: the same work is done, so that neither the answer nor its
//! time says whether an account exists.

use serde_json::json;

use super::Accounts;
use super::session::SessionCookie;
use crate::crypto::password::{self, PasswordError, PasswordHash, Verdict};
use crate::crypto::seal::SealError;
use crate::domain::authentication::{AuthenticationMethod, AuthenticationMethods};
use crate::domain::entropy::Entropy;
use crate::domain::id::{AccountId, SessionId};
use crate::domain::instant::Instant;
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
}

/// How many logins of one account last at once: more than anybody has devices.
const MOST_SESSIONS: u32 = 50;

/// What was typed into the login page.
pub struct PasswordAttempt<'a> {
    /// A phone number or a document number.
    pub username: &'a str,
    /// The password.
    pub password: Secret<String>,
    /// Where.
    pub place: LoginPlace<'a>,
}

/// A login that succeeded.
pub struct NewLogin {
    /// The session.
    pub session: Session,
    /// What the browser is to hold.
    pub cookie: String,
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
    upgrade: Option<(PasswordCredential, String)>,
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
        let username = Username::parse(attempt.username, self.now());
        let Some(found) = self.password_of(&username).await? else {
            self.passwords.verify_nothing(attempt.password).await?;
            return Err(self.refuse(None).await);
        };
        let Found {
            account_id,
            access_epoch,
            credential,
            hash,
        } = found;
        let verdict = self
            .passwords
            .verify(attempt.password.clone(), hash)
            .await?;
        let upgrade = match verdict {
            Verdict::Wrong => return Err(self.refuse(Some(account_id)).await),
            Verdict::Right => None,
            // A full hashing queue only puts the upgrade off to the next login.
            Verdict::RightButOld => {
                let stronger = self.passwords.hash(attempt.password).await.ok();
                stronger.map(|hash| (credential, hash.as_str().to_owned()))
            }
        };
        let session = self
            .new_session((account_id, access_epoch), attempt.place)
            .await?;
        self.open_session(NewSession { upgrade, ..session }).await
    }

    /// The account a name stands for and its password. A phone that several accounts confirmed
    /// stands for none of them.
    async fn password_of(&self, username: &Username) -> Result<Option<Found>, storage::Error> {
        let mut reader = self.ledger.reader().await?;
        let Some(account_id) = self.holder_of(&mut reader, username).await? else {
            return Ok(None);
        };
        let Some((credential, access_epoch)) =
            credentials::find_password(&mut reader, account_id).await?
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
    async fn refuse(&self, account_id: Option<AccountId>) -> LoginError {
        let event = Event::new(EventKind::LoginFailed, self.now());
        let event = match account_id {
            Some(account_id) => event.account(account_id),
            None => event,
        };
        let written: Result<(), storage::Error> = self
            .ledger
            .write(event, |entry, event| Box::pin(entry.record(event)))
            .await;
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
            upgrade: None,
        })
    }

    pub(super) async fn open_session(&self, new: NewSession) -> Result<NewLogin, LoginError> {
        let NewSession {
            account_id,
            access_epoch,
            previous,
            device,
            upgrade,
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
        let cookie = self.ring().sealer().seal(&cookie, entropy)?;
        Ok(NewLogin { session, cookie })
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
        let event = Event::new(EventKind::LoginFailed, login.now).account(account_id);
        entry.record(&event).await?;
        return Ok(false);
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
