//! What ends or pauses a registration or recovery, other than its success.
//!
//! Each says what happened and what to do next; none is a dead end. What is told apart here is only
//! shown once phone code and authority agree; before that, a mismatch and an unknown person are one
//! and the same ([`OutcomePage::NotVerified`]).

use serde::Serialize;

use super::page::{Form, Page, sample};
use super::register::Purpose;

/// The page at the end, by what happened.
#[derive(Serialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum OutcomePage {
    /// The authority knows nobody of this name, number and phone, or they are not one person's.
    NotVerified {
        /// What it was for.
        purpose: Purpose,
        /// Where to begin again.
        again_href: String,
    },
    /// The authority does not answer; what was typed and confirmed is kept.
    AuthorityUnavailable {
        /// What it is for.
        purpose: Purpose,
        /// The form that tries once more.
        form: Form,
        /// How long it is kept.
        kept_minutes: u64,
    },
    /// The document has an account that is proven at least as well.
    AlreadyRegistered {
        /// Where login starts.
        login_href: String,
        /// Where recovery starts.
        recover_href: String,
    },
    /// The account is proven at a higher level than this check shows.
    RecoveryNeedsCounter {
        /// Where login starts.
        login_href: String,
    },
    /// The phone is none that the account confirmed lately.
    RecoveryPhoneUnknown {
        /// Where to begin again with another phone.
        again_href: String,
    },
    /// The document has no account.
    NoSuchAccount {
        /// Where registration starts.
        register_href: String,
    },
    /// An operator has stopped the account.
    AccountFrozen,
    /// The steps took too long, or have been taken already.
    ChallengeOver {
        /// What they were for.
        purpose: Purpose,
        /// Where to begin again.
        again_href: String,
        /// Where login starts: whoever has finished needs no more.
        login_href: String,
    },
    /// This server has no verification authority or no way to send codes.
    RegistrationClosed {
        /// Where login starts.
        login_href: String,
    },
}

impl Page for OutcomePage {
    const TEMPLATE: &'static str = "outcome.html";

    fn samples() -> Vec<Self> {
        let mut samples = with_links(["/register", "/login", "/recover"].map(str::to_owned));
        samples.extend(with_links([(); 3].map(|()| sample::HOSTILE.to_owned())));
        samples
    }
}

fn with_links([register, login, recover]: [String; 3]) -> Vec<OutcomePage> {
    let again = |purpose| match purpose {
        Purpose::Registration => register.clone(),
        Purpose::Recovery => recover.clone(),
    };
    let both = [Purpose::Registration, Purpose::Recovery];
    let mut all: Vec<_> = both
        .into_iter()
        .flat_map(|purpose| {
            [
                OutcomePage::NotVerified {
                    purpose,
                    again_href: again(purpose),
                },
                OutcomePage::AuthorityUnavailable {
                    purpose,
                    form: sample::form(&again(purpose)),
                    kept_minutes: 30,
                },
                OutcomePage::ChallengeOver {
                    purpose,
                    again_href: again(purpose),
                    login_href: login.clone(),
                },
            ]
        })
        .collect();
    all.extend([
        OutcomePage::AlreadyRegistered {
            login_href: login.clone(),
            recover_href: recover.clone(),
        },
        OutcomePage::RecoveryNeedsCounter {
            login_href: login.clone(),
        },
        OutcomePage::RecoveryPhoneUnknown {
            again_href: recover.clone(),
        },
        OutcomePage::NoSuchAccount {
            register_href: register.clone(),
        },
        OutcomePage::AccountFrozen,
        OutcomePage::RegistrationClosed { login_href: login },
    ]);
    all
}
