//! Recorded checks of a person's identity. An account's level is derived from them
//! ([`super::assurance`]) and stands or falls with them.

use std::fmt;

use serde::{Deserialize, Serialize, Serializer};

use super::code_list::code_list;
use super::entropy::Entropy;
use super::instant::Instant;
use crate::protocol::acr::Ial;

code_list! {
    /// How an identity was checked.
    pub enum CheckMethod {
        /// A one-time code sent to the phone came back.
        PhoneCode = "phone_code",
        /// 二要素: name and number agree with the population register.
        TwoElements = "two_elements",
        /// 三要素: name, number and the carrier's phone agree.
        ThreeElements = "three_elements",
        /// 四要素: name, number, bank card and the phone the bank holds agree.
        FourElements = "four_elements",
        /// 人脸: a live face agrees with the authoritative photograph.
        Face = "face",
        /// The chip of the identity card was read, and the face agrees with it.
        ChipAndFace = "chip_and_face",
        /// 网证, presented under the person's control.
        NetworkCredential = "network_credential",
        /// A certificate of a licensed authority, with its key.
        Certificate = "certificate",
        /// 窗口: an official compared the person and the document.
        Counter = "counter",
    }
}

impl CheckMethod {
    /// The level that a match by this method proves (DESIGN §3, national-identity §1.3).
    #[must_use]
    pub const fn level(self) -> Ial {
        match self {
            // Name and number alone show that such a person exists, not that this is the person.
            Self::PhoneCode | Self::TwoElements => Ial::One,
            Self::ThreeElements => Ial::Two,
            Self::FourElements | Self::Face => Ial::Three,
            Self::ChipAndFace | Self::NetworkCredential | Self::Certificate | Self::Counter => {
                Ial::Four
            }
        }
    }
}

/// What a check is about: it counts no longer once the account has lost one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grounds {
    /// The document.
    pub document: bool,
    /// The phone.
    pub phone: bool,
}

impl CheckMethod {
    /// What a check by this method rests on.
    #[must_use]
    pub const fn rests_on(self) -> Grounds {
        let (document, phone) = match self {
            Self::PhoneCode => (false, true),
            Self::ThreeElements => (true, true),
            Self::TwoElements
            | Self::FourElements
            | Self::Face
            | Self::ChipAndFace
            | Self::NetworkCredential
            | Self::Certificate
            | Self::Counter => (true, false),
        };
        Grounds { document, phone }
    }
}

code_list! {
    /// What the authority answered. Authorities verify; they return no data.
    pub enum CheckResult {
        /// All elements agree.
        Match = "match",
        /// Some element disagrees.
        Mismatch = "mismatch",
        /// The authority knows no such person.
        NoRecord = "no_record",
        /// No answer in time, or none that could be read.
        Unavailable = "unavailable",
    }
}

/// A name of an authority or a transaction: one to 128 printable characters.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CheckLabel(String);

/// Text that cannot name an authority or a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be 1 to 128 printable characters")]
pub struct CheckLabelError;

impl CheckLabel {
    /// Checks a label.
    pub fn parse(text: &str) -> Result<Self, CheckLabelError> {
        const MAX_CHARACTERS: usize = 128;
        let fits = (1..=MAX_CHARACTERS).contains(&text.chars().count());
        let is_unseen = |c| matches!(c, '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{2069}' | '\u{FEFF}');
        if fits && text.trim() == text && !text.chars().any(|c| c.is_control() || is_unseen(c)) {
            Ok(Self(text.to_owned()))
        } else {
            Err(CheckLabelError)
        }
    }

    /// A new transaction's name: 128 random bits in hexadecimal digits, so that nobody who has not
    /// been told it can answer in its name.
    #[must_use]
    pub fn random(entropy: &dyn Entropy) -> Self {
        Self(format!("{:032x}", u128::from_be_bytes(entropy.bytes())))
    }

    /// The label as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CheckLabel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for CheckLabel {
    type Error = CheckLabelError;

    fn try_from(text: String) -> Result<Self, CheckLabelError> {
        Self::parse(&text)
    }
}

impl From<CheckLabel> for String {
    fn from(label: CheckLabel) -> Self {
        label.0
    }
}

/// One check: who said what about this identity, when, and how long it counts. Shown with its times
/// in RFC 3339, as an import line has them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// How.
    pub method: CheckMethod,
    /// Who answered.
    pub authority: CheckLabel,
    /// When.
    #[serde(serialize_with = "as_rfc3339")]
    pub performed_at: Instant,
    /// The authority's own name for this check, to ask it again.
    pub transaction: CheckLabel,
    /// What it answered.
    pub result: CheckResult,
    /// From when on it no longer counts; never, if nothing is said.
    #[serde(
        skip_serializing_if = "Option::is_none",
        serialize_with = "as_optional_rfc3339"
    )]
    pub expires_at: Option<Instant>,
}

impl Check {
    /// What `source` vouches for: the phone is the person's. `source` names whom, and stands for the
    /// transaction too, since none is known.
    #[must_use]
    pub fn phone_confirmed_by(source: &'static str, now: Instant) -> Self {
        Self {
            method: CheckMethod::PhoneCode,
            authority: CheckLabel(source.to_owned()),
            performed_at: now,
            transaction: CheckLabel(source.to_owned()),
            result: CheckResult::Match,
            expires_at: None,
        }
    }

    /// The level it proves at `now`: none without a match, before it was made or once it has expired.
    #[must_use]
    pub fn proves(&self, now: Instant) -> Option<Ial> {
        let counts = self.result == CheckResult::Match
            && self.performed_at <= now
            && self.expires_at.is_none_or(|expires_at| now < expires_at);
        counts.then(|| self.method.level())
    }
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "the signature serde calls"
)]
fn as_rfc3339<S: Serializer>(at: &Instant, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(at)
}

#[expect(clippy::ref_option, reason = "the signature serde calls")]
fn as_optional_rfc3339<S: Serializer>(
    at: &Option<Instant>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match at {
        Some(at) => as_rfc3339(at, serializer),
        None => serializer.serialize_none(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(result: CheckResult) -> Check {
        Check {
            method: CheckMethod::ThreeElements,
            authority: CheckLabel::parse("模拟核验").unwrap(),
            performed_at: Instant::from_seconds(100),
            transaction: CheckLabel::parse("t-1").unwrap(),
            result,
            expires_at: Some(Instant::from_seconds(200)),
        }
    }

    #[test]
    fn only_a_match_in_its_time_proves_anything() {
        let matched = check(CheckResult::Match);
        let at = |check: &Check, seconds| check.proves(Instant::from_seconds(seconds));
        assert_eq!(at(&matched, 99), None);
        assert_eq!(at(&matched, 100), Some(Ial::Two));
        assert_eq!(at(&matched, 199), Some(Ial::Two));
        assert_eq!(at(&matched, 200), None);
        for &result in CheckResult::ALL {
            let proves = at(&check(result), 150).is_some();
            assert_eq!(proves, result == CheckResult::Match, "{result}");
        }
    }

    #[test]
    fn a_label_is_short_and_printable() {
        assert!(CheckLabel::parse(&"字".repeat(128)).is_ok());
        let long = "a".repeat(129);
        for text in ["", " a", "a\n", "a\u{0}b", "a\u{202E}b", &long] {
            assert_eq!(CheckLabel::parse(text), Err(CheckLabelError), "{text:?}");
        }
    }

    #[test]
    fn a_check_is_shown_as_an_import_line_has_it() {
        let shown = serde_json::json!({
            "method": "three_elements",
            "authority": "模拟核验",
            "performed_at": "1970-01-01T00:01:40.000Z",
            "transaction": "t-1",
            "result": "match",
            "expires_at": "1970-01-01T00:03:20.000Z",
        });
        assert_eq!(
            serde_json::to_value(check(CheckResult::Match)).unwrap(),
            shown
        );
    }

    #[test]
    fn a_phone_that_is_vouched_for_counts_at_once() {
        let now = Instant::from_seconds(100);
        let check = Check::phone_confirmed_by("import", now);
        assert_eq!(check.proves(now), Some(Ial::One));
        assert_eq!(check.authority.as_str(), "import");
    }
}
