//! Login by password.
//!
//! Whoever asks, whatever they ask with: the same work is done, so that neither the answer nor its
//! time says whether an account exists.

use std::time::Duration;

use super::Accounts;
use super::guessing::{Guess, Reservation};
use crate::crypto::password::{self, PasswordError, PasswordHash, Verdict};
use crate::crypto::seal::SealError;
use crate::domain::client_address::ClientAddress;
use crate::domain::id::AccountId;
use crate::domain::secret::Secret;
use crate::domain::session::Session;
use crate::domain::username::Username;
use crate::ledger::audit::{Event, EventKind};
use crate::storage::credentials::{self, PasswordCredential};
use crate::storage::{self, account_index};

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

/// What was typed into the login page.
pub struct PasswordAttempt<'a> {
    /// A phone number or a document number.
    pub username: &'a str,
    /// The password.
    pub password: Secret<String>,
    /// Where it comes from.
    pub address: ClientAddress,
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

/// A [`LoginPlace`] that outlives the request.
struct Place {
    previous_cookie: Option<String>,
    device: Option<String>,
    known_device: Option<String>,
}

impl Place {
    fn of(place: LoginPlace<'_>) -> Self {
        Self {
            previous_cookie: place.previous_cookie.map(str::to_owned),
            device: place.device.map(str::to_owned),
            known_device: place.known_device.map(str::to_owned),
        }
    }

    fn lent(&self) -> LoginPlace<'_> {
        LoginPlace {
            previous_cookie: self.previous_cookie.as_deref(),
            device: self.device.as_deref(),
            known_device: self.known_device.as_deref(),
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
            address: attempt.address,
            device: device.as_ref().filter(|device| {
                (found.as_ref())
                    .is_some_and(|found| device.knows(found.account_id, found.access_epoch))
            }),
        };
        drop(reader);
        let reserved = self.reserve_guess(guess).await?;
        let reservation = reserved.map_err(|throttled| LoginError::Throttled {
            wait: throttled.wait,
        })?;
        // Whoever hangs up now has guessed all the same: what was reserved is settled.
        let (accounts, password) = (self.clone(), attempt.password);
        let place = Place::of(attempt.place);
        let deciding =
            tokio::spawn(
                async move { accounts.decide(password, (found, place), reservation).await },
            );
        deciding.await.unwrap_or(Err(LoginError::Busy))
    }

    async fn decide(
        &self,
        password: Secret<String>,
        (found, place): (Option<Found>, Place),
        reservation: Reservation,
    ) -> Result<NewLogin, LoginError> {
        match self.verify(password.clone(), found.as_ref()).await {
            Ok(Verdict::Wrong) => {
                let account_id = found.map(|found| found.account_id);
                Err(self.refuse(account_id, reservation).await)
            }
            Ok(verdict) => match found {
                Some(found) => {
                    let right = (password, place);
                    self.log_in(right, (found, verdict), reservation).await
                }
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
        let Some(found) = found else {
            self.passwords.verify_nothing(password).await?;
            return Ok(Verdict::Wrong);
        };
        self.passwords.verify(password, found.hash.clone()).await
    }

    /// Opens a session for a password that is right.
    async fn log_in(
        &self,
        (password, place): (Secret<String>, Place),
        (found, verdict): (Found, Verdict),
        reservation: Reservation,
    ) -> Result<NewLogin, LoginError> {
        let upgrade = match verdict {
            Verdict::Wrong | Verdict::Right => None,
            // A full hashing queue only puts the upgrade off to the next login.
            Verdict::RightButOld => {
                let stronger = self.passwords.hash(password).await.ok();
                stronger.map(|hash| (found.credential, hash.as_str().to_owned()))
            }
        };
        let account = (found.account_id, found.access_epoch);
        let opened = match self.new_session(account, place.lent()).await {
            Ok(session) => {
                let guess = reservation.rows().clone();
                self.open_session(session.by_password(upgrade, guess)).await
            }
            Err(error) => Err(error.into()),
        };
        match &opened {
            Ok(_) => {}
            // As a wrong one, whoever asks.
            Err(LoginError::NotAllowed) => self.count_against_block(reservation).await,
            // What keeps the session from being written may keep this from being, too.
            Err(_) => drop(self.give_guess_back(reservation).await),
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
        self.count_against_block(reservation).await;
        match written {
            Ok(()) => LoginError::WrongCredentials,
            Err(error) => LoginError::Storage(error),
        }
    }
}
