//! How sure we are: who a person is (identity assurance, from checks) and that this is the person
//! (authentication assurance, from the methods of a login).
//!
//! Neither is stored as a number. `acr_values` asks for either by URN; any one satisfied value
//! satisfies the list, the first is preferred (OpenID Connect Core §3.1.2.1).

use serde::{Deserialize, Serialize};

use super::check::Check;
use super::instant::Instant;

/// How well it is proven who a person is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum IdentityAssuranceLevel {
    /// The phone is confirmed, or name and number agree and nothing more.
    L1,
    /// Name, number and the carrier's phone agree.
    L2,
    /// The person acted: a bank card, or the living face.
    L3,
    /// The document itself, a certificate, or a counter.
    L4,
}

impl IdentityAssuranceLevel {
    /// All levels, the lowest first.
    pub const ALL: [Self; 4] = [Self::L1, Self::L2, Self::L3, Self::L4];

    /// The level that `checks` prove at `now`; none if there is nothing at all.
    #[must_use]
    pub fn derive(checks: &[Check], phone: PhoneConfirmation, now: Instant) -> Option<Self> {
        let by_phone = (phone == PhoneConfirmation::Confirmed).then_some(Self::L1);
        let by_checks = checks.iter().filter_map(|check| check.proves(now));
        by_checks.chain(by_phone).max()
    }

    /// 1 to 4, as in the claim `ial`.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::L1 => 1,
            Self::L2 => 2,
            Self::L3 => 3,
            Self::L4 => 4,
        }
    }

    /// As `acr_values` asks for it.
    #[must_use]
    pub const fn as_urn(self) -> &'static str {
        match self {
            Self::L1 => "urn:tongxing:ial:1",
            Self::L2 => "urn:tongxing:ial:2",
            Self::L3 => "urn:tongxing:ial:3",
            Self::L4 => "urn:tongxing:ial:4",
        }
    }

    /// The level of a URN.
    #[must_use]
    pub fn from_urn(urn: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.as_urn() == urn)
    }
}

/// Whether the account holds a phone that came back with its code, recently enough to count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PhoneConfirmation {
    /// It does.
    Confirmed,
    /// It does not.
    Unconfirmed,
}

/// How well it is proven that this is the person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum AuthenticationAssuranceLevel {
    /// One factor: a password, a code by SMS or voice, a scanned QR code.
    One,
    /// Two factors of different kinds, or a passkey with user verification.
    Two,
    /// An attested passkey bound to its device, or a certificate with PIN.
    Three,
}

impl AuthenticationAssuranceLevel {
    /// All levels, the lowest first.
    pub const ALL: [Self; 3] = [Self::One, Self::Two, Self::Three];

    /// 1 to 3, as in the claim `aal`.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::One => 1,
            Self::Two => 2,
            Self::Three => 3,
        }
    }

    /// As `acr_values` asks for it, and as `acr` tells it.
    #[must_use]
    pub const fn as_urn(self) -> &'static str {
        match self {
            Self::One => "urn:tongxing:aal:1",
            Self::Two => "urn:tongxing:aal:2",
            Self::Three => "urn:tongxing:aal:3",
        }
    }

    /// The level of a URN.
    #[must_use]
    pub fn from_urn(urn: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.as_urn() == urn)
    }
}

/// What a login holds of both kinds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Assurance {
    /// Of the login.
    pub authentication: AuthenticationAssuranceLevel,
    /// Of the account; none if nothing is proven.
    pub identity: Option<IdentityAssuranceLevel>,
}

impl Assurance {
    /// Whether it reaches `acr`. A value that we do not know is never reached.
    #[must_use]
    pub fn satisfies(self, acr: &str) -> bool {
        let authentication = AuthenticationAssuranceLevel::from_urn(acr);
        let identity = IdentityAssuranceLevel::from_urn(acr);
        authentication.is_some_and(|asked| self.authentication >= asked)
            || identity.is_some_and(|asked| self.identity >= Some(asked))
    }

    /// Whether it reaches any of `acr_values`; nothing asked is reached.
    #[must_use]
    pub fn satisfies_any<S: AsRef<str>>(self, acr_values: &[S]) -> bool {
        acr_values.is_empty() || self.preferred(acr_values).is_some()
    }

    /// The claim `acr`: the most preferred of `acr_values` that is reached, else the level of the
    /// login.
    #[must_use]
    pub fn acr<S: AsRef<str>>(self, acr_values: &[S]) -> &str {
        self.preferred(acr_values)
            .unwrap_or(self.authentication.as_urn())
    }

    fn preferred<S: AsRef<str>>(self, acr_values: &[S]) -> Option<&str> {
        acr_values
            .iter()
            .map(AsRef::as_ref)
            .find(|acr| self.satisfies(acr))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::check::{CheckLabel, CheckMethod, CheckResult};

    use AuthenticationAssuranceLevel as Aal;
    use IdentityAssuranceLevel as Ial;

    fn check(method: CheckMethod, result: CheckResult, expires: i64) -> Check {
        Check {
            method,
            authority: CheckLabel::parse("authority").unwrap(),
            performed_at: Instant::from_seconds(0),
            transaction: CheckLabel::parse("1").unwrap(),
            result,
            expires_at: Some(Instant::from_seconds(expires)),
        }
    }

    #[test]
    fn the_level_is_the_highest_of_what_still_counts() {
        let checks = [
            check(CheckMethod::ThreeElements, CheckResult::Match, 300),
            check(CheckMethod::Face, CheckResult::Match, 200),
            check(CheckMethod::Counter, CheckResult::Mismatch, 400),
        ];
        let derive = |phone, at| Ial::derive(&checks, phone, Instant::from_seconds(at));
        assert_eq!(derive(PhoneConfirmation::Confirmed, 100), Some(Ial::L3));
        assert_eq!(derive(PhoneConfirmation::Confirmed, 200), Some(Ial::L2));
        assert_eq!(derive(PhoneConfirmation::Confirmed, 300), Some(Ial::L1));
        assert_eq!(derive(PhoneConfirmation::Unconfirmed, 300), None);
    }

    #[test]
    fn urns_name_levels_both_ways() {
        for level in Ial::ALL {
            assert_eq!(
                level.as_urn(),
                format!("urn:tongxing:ial:{}", level.number())
            );
            assert_eq!(Ial::from_urn(level.as_urn()), Some(level));
            assert_eq!(Aal::from_urn(level.as_urn()), None);
        }
        for level in Aal::ALL {
            assert_eq!(
                level.as_urn(),
                format!("urn:tongxing:aal:{}", level.number())
            );
            assert_eq!(Aal::from_urn(level.as_urn()), Some(level));
        }
    }

    #[test]
    fn acr_is_the_most_preferred_value_reached() {
        let held = Assurance {
            authentication: Aal::Two,
            identity: Some(Ial::L2),
        };
        for (asked, acr, reached) in [
            (&[][..], "urn:tongxing:aal:2", true),
            (&["urn:tongxing:aal:1"], "urn:tongxing:aal:1", true),
            (&["urn:tongxing:aal:3"], "urn:tongxing:aal:2", false),
            (
                &["urn:tongxing:ial:3", "urn:tongxing:ial:1"],
                "urn:tongxing:ial:1",
                true,
            ),
            (
                &["urn:tongxing:aal:3", "urn:tongxing:ial:2"],
                "urn:tongxing:ial:2",
                true,
            ),
            (
                &["0", "urn:mace:incommon:iap:silver"],
                "urn:tongxing:aal:2",
                false,
            ),
            (&["urn:tongxing:ial:5"], "urn:tongxing:aal:2", false),
        ] {
            assert_eq!(held.acr(asked), acr, "{asked:?}");
            assert_eq!(held.satisfies_any(asked), reached, "{asked:?}");
        }
    }

    #[test]
    fn an_account_without_proof_reaches_no_identity_level() {
        let held = Assurance {
            authentication: Aal::Three,
            identity: None,
        };
        assert!(!held.satisfies("urn:tongxing:ial:1"));
        assert!(held.satisfies("urn:tongxing:aal:3"));
    }

    proptest! {
        #[test]
        fn no_check_ever_lowers_a_level(
            methods in prop::collection::vec(prop::sample::select(CheckMethod::ALL), 0..6),
            more in prop::sample::select(CheckMethod::ALL),
        ) {
            let now = Instant::from_seconds(1);
            let mut checks: Vec<_> =
                methods.into_iter().map(|m| check(m, CheckResult::Match, 10)).collect();
            let before = Ial::derive(&checks, PhoneConfirmation::Unconfirmed, now);
            checks.push(check(more, CheckResult::Match, 10));
            let after = Ial::derive(&checks, PhoneConfirmation::Unconfirmed, now);
            prop_assert!(after >= before);
            prop_assert!(after >= Some(more.level()));
        }
    }
}
