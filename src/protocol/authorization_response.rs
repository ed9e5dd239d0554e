//! The authorization response (RFC 6749 §4.1.2, OIDC Core §3.1.2.5): the one way in which this
//! provider sends a browser back to a client.
//!
//! It is made from a [`RedirectTarget`] only, so it cannot lead where the client has not
//! registered, and it always names the issuer (RFC 9207), in errors too.

use super::authorization_request::{RedirectTarget, Refused};
use super::error::OAuthError;
use super::issuer::Issuer;
use super::text::SecretText;
use url::form_urlencoded;

/// An answer to an authorization request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthorizationResponse {
    target: RedirectTarget,
    outcome: Outcome,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Outcome {
    Code(SecretText),
    Error(OAuthError),
}

impl AuthorizationResponse {
    /// The code was issued.
    #[must_use]
    pub const fn granted(target: RedirectTarget, code: SecretText) -> Self {
        Self {
            target,
            outcome: Outcome::Code(code),
        }
    }

    /// The request was refused.
    #[must_use]
    pub fn refused(refused: Refused) -> Self {
        Self {
            target: refused.target,
            outcome: Outcome::Error(refused.error),
        }
    }

    /// The error, if it is one.
    #[must_use]
    pub const fn error(&self) -> Option<&OAuthError> {
        match &self.outcome {
            Outcome::Error(error) => Some(error),
            Outcome::Code(_) => None,
        }
    }

    /// Where it goes.
    #[must_use]
    pub const fn target(&self) -> &RedirectTarget {
        &self.target
    }

    /// The address for the `Location` header. It may hold a code, so it does not print.
    #[must_use]
    pub fn to_location(&self, issuer: &Issuer) -> SecretText {
        let mut parameters = Vec::with_capacity(4);
        match &self.outcome {
            Outcome::Code(code) => parameters.push(("code", code.expose())),
            Outcome::Error(error) => {
                parameters.push(("error", error.code().as_str()));
                parameters.push(("error_description", error.description()));
            }
        }
        parameters.extend(self.target.state().map(|state| ("state", state)));
        parameters.push(("iss", issuer.as_str()));
        SecretText::new(append_query(self.target.redirect_uri(), &parameters))
    }
}

/// Adds parameters to the query of a URI without a fragment, leaving what it has as it is
/// (RFC 6749 §3.1.2). Spaces become `%20`, which form decoders and plain ones both understand.
pub(super) fn append_query(uri: &str, parameters: &[(&str, &str)]) -> String {
    if parameters.is_empty() {
        return uri.to_owned();
    }
    let query = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(parameters)
        .finish()
        .replace('+', "%20");
    let separator = match uri.split_once('?') {
        None => "?",
        Some((_, existing)) if existing.is_empty() || existing.ends_with('&') => "",
        Some(_) => "&",
    };
    format!("{uri}{separator}{query}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use url::Url;

    #[test]
    fn parameters_join_what_the_uri_has() {
        let add = |uri| append_query(uri, &[("a", "1"), ("b", "x y&z+")]);
        assert_eq!(
            add("https://p.example/cb"),
            "https://p.example/cb?a=1&b=x%20y%26z%2B"
        );
        assert_eq!(
            add("https://p.example/cb?c=d"),
            "https://p.example/cb?c=d&a=1&b=x%20y%26z%2B"
        );
        assert_eq!(
            add("https://p.example/cb?"),
            "https://p.example/cb?a=1&b=x%20y%26z%2B"
        );
        assert_eq!(
            add("cn.gov.example:/cb"),
            "cn.gov.example:/cb?a=1&b=x%20y%26z%2B"
        );
        assert_eq!(
            append_query("https://p.example/cb", &[]),
            "https://p.example/cb"
        );
    }

    proptest! {
        /// Whatever the state holds, it comes back as it was, and nothing else comes with it.
        #[test]
        fn a_value_cannot_add_a_parameter_or_leave_the_query(state in "\\PC{0,40}|[\r\n#&=?%+]{0,10}") {
            let text = append_query("https://p.example/cb?x=1", &[("state", &state)]);
            let url = Url::parse(&text).unwrap();
            prop_assert_eq!(url.fragment(), None);
            prop_assert!(text.is_ascii() && !text.contains(['\r', '\n', ' ']));
            let pairs: Vec<_> = url.query_pairs().into_owned().collect();
            prop_assert_eq!(pairs, vec![("x".into(), "1".into()), ("state".into(), state)]);
        }
    }
}
