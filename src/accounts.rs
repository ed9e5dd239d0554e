//! Use cases of residents and of those who keep their accounts: login, sessions, consent, import.
//!
//! Satisfies the steps an authorization needs, then the page resumes it. Knows no header, cookie
//! attribute, status code or template.

pub mod administer;
pub mod browser;
pub mod challenge;
pub mod completion;
pub mod consent;
pub mod draft;
pub mod ended;
pub mod guessing;
pub mod import;
pub mod known_device;
pub mod limits;
pub mod login;
pub mod logout;
pub mod loss;
mod messages;
mod new_session;
mod opening;
pub mod overview;
pub mod phone;
pub mod profile;
mod proofing;
mod recovery;
mod registration;
pub mod remove;
pub mod restored;
pub mod session;
mod withdrawal;

use std::sync::Arc;
use std::time::Duration;

use crate::crypto::password::PasswordPool;
use crate::domain::clock::Clock;
use crate::domain::document::IdentityDocument;
use crate::domain::entropy::Entropy;
use crate::domain::instant::Instant;
use crate::domain::phone::PhoneNumber;
use crate::domain::phone_holder::CONFIRMATION_COUNTS_FOR;
use crate::ledger::Ledger;
use crate::ledger::erasures::Erasures;
use crate::ledger::keyring::{KeyRing, Keys};
use crate::ledger::profiles::Profiles;
use crate::outbound::authority::Authority;
use crate::storage::shared::SharedFailures;
use guessing::{GuessLimits, Guessing};
use limits::CodeLimits;

/// What the use cases of accounts stand on. Cheap to clone.
#[derive(Clone)]
pub struct Accounts {
    ledger: Ledger,
    keys: Keys,
    profiles: Profiles,
    erasures: Erasures,
    passwords: PasswordPool,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    /// How long a login lasts.
    session_ttl: Duration,
    /// Who says whether name, document and phone are one person's; none where nobody can register.
    authority: Option<Authority>,
    /// Whether messages can be sent.
    sends_messages: bool,
    /// How many codes are sent.
    code_limits: CodeLimits,
    /// What guesses at passwords are held against.
    guessing: Guessing,
    /// How long an authority's answer counts.
    check_lifetime: Duration,
}

/// The parts an [`Accounts`] is made of.
pub struct AccountsParts {
    /// Where everything is written.
    pub ledger: Ledger,
    /// This provider's keys.
    pub keys: Keys,
    /// Personal data at rest.
    pub profiles: Profiles,
    /// Removals of accounts.
    pub erasures: Erasures,
    /// The hashing threads.
    pub passwords: PasswordPool,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
    /// How long a login lasts.
    pub session_ttl: Duration,
    /// Who says whether name, document and phone are one person's; none where nobody can register.
    pub authority: Option<Authority>,
    /// Whether messages can be sent.
    pub sends_messages: bool,
    /// How many codes are sent.
    pub code_limits: CodeLimits,
    /// How often passwords may be guessed.
    pub guess_limits: GuessLimits,
    /// Failures of address blocks, which all nodes should know.
    pub block_failures: SharedFailures,
    /// How long an authority's answer counts.
    pub check_lifetime: Duration,
}

impl Accounts {
    /// Puts the parts together.
    pub fn new(parts: AccountsParts) -> Self {
        let AccountsParts {
            ledger,
            keys,
            profiles,
            erasures,
            passwords,
            clock,
            entropy,
            session_ttl,
            authority,
            sends_messages,
            code_limits,
            guess_limits,
            block_failures,
            check_lifetime,
        } = parts;
        Self {
            ledger,
            keys,
            profiles,
            erasures,
            passwords,
            clock,
            entropy,
            session_ttl,
            authority,
            sends_messages,
            code_limits,
            guessing: Guessing::new(guess_limits, block_failures),
            check_lifetime,
        }
    }

    fn now(&self) -> Instant {
        self.clock.now()
    }

    fn ring(&self) -> Arc<KeyRing> {
        self.keys.ring()
    }

    /// Where a document is found.
    fn document_key(&self, document: &IdentityDocument) -> String {
        self.ring().index().of("document", &document.index_text())
    }

    /// Where a phone is found.
    fn phone_key(&self, phone: &PhoneNumber) -> String {
        self.ring().index().of("phone", phone.index_text())
    }

    /// What a phone must have been confirmed after to count.
    fn phone_horizon(&self) -> Instant {
        self.now().minus(CONFIRMATION_COUNTS_FOR)
    }
}
