//! Messages to people, by phone or e-mail: who gets one, in which language, and what it is about.
//!
//! The wording belongs to the views; this says only what a message tells. Nothing here names an
//! account: whoever reads somebody else's messages learns no more than what the texts say.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::email::EmailAddress;
use super::instant::Instant;
use super::one_time_code::OneTimeCode;
use super::phone::PhoneNumber;
use crate::protocol::language::Language;

/// How long a code is worth sending: as long as it holds.
pub const CODE_LIFETIME: Duration = Duration::from_mins(10);
/// A notice that comes later than this alarms more than it informs.
const NOTICE_LIFETIME: Duration = Duration::from_hours(72);

/// One message to one person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Who gets it.
    pub to: Recipient,
    /// The language that they chose, or that fits best.
    pub locale: Language,
    /// What it tells.
    pub text: MessageText,
}

/// Who gets a message, and so by which channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Recipient {
    /// By text message.
    Phone(PhoneNumber),
    /// By e-mail.
    Email(EmailAddress),
}

impl Recipient {
    /// The number in its normal form, or the address.
    #[must_use]
    pub fn address(&self) -> &str {
        match self {
            Self::Phone(number) => number.as_str(),
            Self::Email(address) => address.as_str(),
        }
    }

    /// The channel's name, as gateways have it.
    #[must_use]
    pub const fn channel(&self) -> &'static str {
        match self {
            Self::Phone(_) => "sms",
            Self::Email(_) => "email",
        }
    }
}

/// What a message tells. Sealed texts wait in the outbox while releases change: new kinds go to
/// the end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum MessageText {
    /// The code that a registration asks for.
    RegistrationCode {
        /// The code.
        code: OneTimeCode,
    },
    /// The code that a recovery asks for.
    RecoveryCode {
        /// The code.
        code: OneTimeCode,
    },
    /// The code that confirms a phone or an address of an account.
    PhoneCode {
        /// The code.
        code: OneTimeCode,
    },
    /// An account was opened with this phone.
    AccountRegistered,
    /// The account was recovered: it has a new password, and all logins ended.
    AccountRecovered {
        /// When.
        at: Instant,
    },
    /// The document now belongs to another account, whose holder proved it better.
    DocumentTakenOver {
        /// When.
        at: Instant,
    },
    /// A phone left the account, since somebody else confirmed it as theirs.
    PhoneLeft {
        /// When.
        at: Instant,
        /// The phone, masked.
        masked_phone: String,
    },
}

impl MessageText {
    /// How long the message is worth delivering.
    #[must_use]
    pub const fn lives_for(&self) -> Duration {
        match self {
            Self::RegistrationCode { .. } | Self::RecoveryCode { .. } | Self::PhoneCode { .. } => {
                CODE_LIFETIME
            }
            Self::AccountRegistered
            | Self::AccountRecovered { .. }
            | Self::DocumentTakenOver { .. }
            | Self::PhoneLeft { .. } => NOTICE_LIFETIME,
        }
    }

    /// The code in it, if it is about one.
    #[must_use]
    pub const fn code(&self) -> Option<&OneTimeCode> {
        match self {
            Self::RegistrationCode { code }
            | Self::RecoveryCode { code }
            | Self::PhoneCode { code } => Some(code),
            Self::AccountRegistered
            | Self::AccountRecovered { .. }
            | Self::DocumentTakenOver { .. }
            | Self::PhoneLeft { .. } => None,
        }
    }
}
