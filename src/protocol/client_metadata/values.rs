//! The closed vocabularies of client metadata. A value outside of them is refused by name.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Text that is not in a vocabulary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is not one of: {0}")]
pub struct UnknownValue(&'static str);

macro_rules! vocabulary {
    ($(#[$doc:meta])* $name:ident {
        $(#[$first_doc:meta])* $first:ident = $first_text:literal,
        $($(#[$variant_doc:meta])* $variant:ident = $text:literal,)*
    }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
        pub enum $name {
            $(#[$first_doc])*
            #[default]
            $first,
            $($(#[$variant_doc])* $variant,)*
        }

        impl $name {
            /// Every value, for discovery.
            pub const ALL: &[Self] = &[Self::$first, $(Self::$variant,)*];

            /// The value as registered.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    Self::$first => $first_text,
                    $(Self::$variant => $text,)*
                }
            }
        }

        impl FromStr for $name {
            type Err = UnknownValue;

            fn from_str(text: &str) -> Result<Self, UnknownValue> {
                let known = Self::ALL.iter().copied().find(|value| value.as_str() == text);
                known.ok_or(UnknownValue(concat!($first_text, $(", ", $text,)*)))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
            }
        }
    };
}

vocabulary! {
    /// How a client proves itself at the token endpoint (OIDC Core §9). The first is the default
    /// (RFC 7591 §2).
    TokenEndpointAuthMethod {
        /// A secret by HTTP Basic.
        ClientSecretBasic = "client_secret_basic",
        /// A secret in the body.
        ClientSecretPost = "client_secret_post",
        /// Not at all: a public client.
        None = "none",
    }
}

vocabulary! {
    /// What a client may exchange for tokens (RFC 6749 §1.3).
    GrantType {
        /// A code from the authorization endpoint.
        AuthorizationCode = "authorization_code",
        /// A refresh token.
        RefreshToken = "refresh_token",
        /// The client's own authentication.
        ClientCredentials = "client_credentials",
    }
}

vocabulary! {
    /// What the authorization endpoint answers with. Code flow only.
    ResponseType {
        /// An authorization code.
        Code = "code",
    }
}

vocabulary! {
    /// How the answer travels. Code flow only, so the query is enough.
    ResponseMode {
        /// Parameters of the redirect URI's query.
        Query = "query",
    }
}

vocabulary! {
    /// Whether two sectors see the same subject (OIDC Core §8).
    SubjectType {
        /// Each sector sees its own.
        Pairwise = "pairwise",
        /// All see the same.
        Public = "public",
    }
}

vocabulary! {
    /// What the protocol demands of the client beyond the specifications' minimum.
    SecurityProfile {
        /// PKCE S256 always: the default for clients that we register.
        Portal = "portal",
        /// Certified libraries as they come: PKCE checked when sent.
        Openid = "openid",
    }
}

vocabulary! {
    /// On what ground the client receives personal data.
    LegalBasis {
        /// The resident's consent, asked and remembered.
        Consent = "consent",
        /// A duty by law: a notice the first time, no question.
        StatutoryDuty = "statutory_duty",
    }
}
