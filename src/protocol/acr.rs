//! Authentication context: how well a resident logged in, and how well we know who they are.
//!
//! Two ladders, one for the login ([`Aal`]) and one for the person ([`Ial`]), both asked for in
//! `acr_values` or by an `acr` claim (OIDC Core §3.1.2.1, §5.5.1.1). Any one satisfied value
//! satisfies a request; unknown values never do. What a level takes is decided above.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

macro_rules! levels {
    ($(#[$doc:meta])* $name:ident { $($(#[$level_doc:meta])* $variant:ident = $number:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $($(#[$level_doc])* $variant,)*
        }

        impl $name {
            /// From the lowest to the highest.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The level's number.
            #[must_use]
            pub const fn number(self) -> u8 {
                match self {
                    $(Self::$variant => $number,)*
                }
            }

            /// The level of a number.
            #[must_use]
            pub const fn from_number(number: u8) -> Option<Self> {
                match number {
                    $($number => Some(Self::$variant),)*
                    _ => None,
                }
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_u8(self.number())
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let number = u8::deserialize(deserializer)?;
                Self::from_number(number).ok_or_else(|| de::Error::custom("not a level"))
            }
        }
    };
}

levels! {
    /// Authentication assurance level: how the resident logged in.
    Aal {
        /// A password, a code by SMS or voice, or a QR scan.
        One = 1,
        /// Two factors of different kinds, or a passkey with user verification.
        Two = 2,
        /// An attested device-bound passkey, or a certificate with PIN.
        Three = 3,
    }
}

levels! {
    /// Identity assurance level: how well the person is proven.
    Ial {
        /// Phone confirmed, or name and number alone.
        One = 1,
        /// Name, number and the carrier's phone agree.
        Two = 2,
        /// Four elements, or the face against the authority's photograph.
        Three = 3,
        /// In person, or equal to it.
        Four = 4,
    }
}

/// One value of `acr`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Acr {
    /// `urn:tongxing:aal:N`
    Authentication(Aal),
    /// `urn:tongxing:ial:N`
    Identity(Ial),
}

const AAL_PREFIX: &str = "urn:tongxing:aal:";
const IAL_PREFIX: &str = "urn:tongxing:ial:";

impl Acr {
    /// Every value, for discovery.
    pub fn all() -> impl Iterator<Item = Self> {
        let authentication = Aal::ALL.iter().map(|&level| Self::Authentication(level));
        authentication.chain(Ial::ALL.iter().map(|&level| Self::Identity(level)))
    }

    /// Reads one value; nothing if it is not one of ours.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::all().find(|acr| acr.to_string() == text)
    }

    /// Whether a login at `aal` by a person proven to `ial` satisfies this value.
    #[must_use]
    pub fn is_satisfied(self, aal: Aal, ial: Option<Ial>) -> bool {
        match self {
            Self::Authentication(wanted) => aal >= wanted,
            Self::Identity(wanted) => ial >= Some(wanted),
        }
    }
}

impl fmt::Display for Acr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Authentication(level) => write!(f, "{AAL_PREFIX}{}", level.number()),
            Self::Identity(level) => write!(f, "{IAL_PREFIX}{}", level.number()),
        }
    }
}

impl Serialize for Acr {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Acr {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| de::Error::custom("not an acr value of this provider"))
    }
}

/// What a request demands of `acr`, most preferred value first. Values of others are left out:
/// an essential demand that has only such values is thus one that nothing satisfies.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum AcrRequest {
    /// Nothing.
    #[default]
    Any,
    /// One of these if it can be had; the request goes on without.
    Voluntary(Vec<Acr>),
    /// One of these, or the request fails.
    Essential(Vec<Acr>),
}

impl AcrRequest {
    /// Reads `acr_values`, which are a wish (OIDC Core §3.1.2.1).
    #[must_use]
    pub fn from_acr_values(text: &str) -> Self {
        Self::voluntary(&text.split(' ').collect::<Vec<_>>())
    }

    /// A wish for one of `values`.
    pub fn voluntary(values: &[&str]) -> Self {
        match known(values) {
            values if values.is_empty() => Self::Any,
            values => Self::Voluntary(values),
        }
    }

    /// A demand for one of `values` (OIDC Core §5.5.1.1).
    pub fn essential(values: &[&str]) -> Self {
        Self::Essential(known(values))
    }

    /// Whether a login at `aal` by a person proven to `ial` is enough.
    #[must_use]
    pub fn is_satisfied(&self, aal: Aal, ial: Option<Ial>) -> bool {
        match self {
            Self::Any => true,
            Self::Voluntary(values) | Self::Essential(values) => {
                values.iter().any(|acr| acr.is_satisfied(aal, ial))
            }
        }
    }

    /// Whether going on without is an error.
    #[must_use]
    pub const fn is_essential(&self) -> bool {
        matches!(self, Self::Essential(_))
    }

    /// The values asked for, most preferred first.
    #[must_use]
    pub fn values(&self) -> &[Acr] {
        match self {
            Self::Any => &[],
            Self::Voluntary(values) | Self::Essential(values) => values,
        }
    }

    /// The `acr` to state: the most preferred satisfied value, else the login's own level.
    #[must_use]
    pub fn state(&self, aal: Aal, ial: Option<Ial>) -> Acr {
        let satisfied = self
            .values()
            .iter()
            .copied()
            .find(|acr| acr.is_satisfied(aal, ial));
        satisfied.unwrap_or(Acr::Authentication(aal))
    }
}

fn known(values: &[&str]) -> Vec<Acr> {
    let mut known = Vec::new();
    for acr in values.iter().filter_map(|value| Acr::parse(value)) {
        if !known.contains(&acr) {
            known.push(acr);
        }
    }
    known
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_print_and_parse() {
        assert_eq!(Acr::all().count(), 7);
        for acr in Acr::all() {
            assert_eq!(Acr::parse(&acr.to_string()), Some(acr));
        }
        for text in [
            "",
            "urn:tongxing:aal:4",
            "urn:tongxing:ial:0",
            "urn:tongxing:aal:01",
            "0",
        ] {
            assert_eq!(Acr::parse(text), None, "{text}");
        }
    }

    /// DESIGN §3: any one satisfied value satisfies the list; `acr` is the most preferred one.
    #[test]
    fn the_most_preferred_satisfied_value_is_stated() {
        let request = AcrRequest::from_acr_values(
            "urn:tongxing:aal:3 urn:x urn:tongxing:ial:2 urn:tongxing:aal:1",
        );
        assert!(request.is_satisfied(Aal::One, Some(Ial::Two)));
        assert_eq!(
            request.state(Aal::One, Some(Ial::Two)),
            Acr::Identity(Ial::Two)
        );
        assert_eq!(
            request.state(Aal::Three, Some(Ial::Two)),
            Acr::Authentication(Aal::Three)
        );
        assert_eq!(
            request.state(Aal::Two, Some(Ial::One)),
            Acr::Authentication(Aal::One)
        );
        assert!(!request.is_essential());
    }

    #[test]
    fn unknown_values_are_no_wish_but_an_essential_demand_for_them_fails() {
        assert_eq!(AcrRequest::from_acr_values("urn:x 0"), AcrRequest::Any);
        let demand = AcrRequest::essential(&["urn:x"]);
        assert!(demand.is_essential() && !demand.is_satisfied(Aal::Three, Some(Ial::Four)));
        assert_eq!(
            AcrRequest::Any.state(Aal::Two, Some(Ial::One)),
            Acr::Authentication(Aal::Two)
        );
    }

    #[test]
    fn levels_serialize_as_numbers() {
        assert_eq!(
            serde_json::to_string(&(Aal::Two, Ial::Four)).unwrap(),
            "[2,4]"
        );
        assert!(serde_json::from_str::<Aal>("4").is_err());
        assert!(Ial::Two > Ial::One);
    }
}
