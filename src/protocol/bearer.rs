//! Bearer tokens at protected resources (RFC 6750): in the `Authorization` header or once in a
//! form body, never in the query, where logs and histories keep them (RFC 9700 §4.3.2).

use super::error::{ErrorCode, OAuthError};
use super::parameters::Parameters;
use super::text::SecretText;

/// Why a request has no usable token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BearerError {
    /// None was sent: the challenge names no error (RFC 6750 §3.1).
    #[error("no access token was sent")]
    Missing,
    /// Not a token.
    #[error("the access token is malformed")]
    Malformed,
    /// By header and by body at once.
    #[error("the access token was sent in more than one way")]
    Several,
}

impl BearerError {
    /// RFC 6750 §3.1; nothing for a request without a token.
    #[must_use]
    pub fn to_oauth(self) -> Option<OAuthError> {
        match self {
            Self::Missing => None,
            Self::Malformed | Self::Several => {
                Some(ErrorCode::InvalidRequest.because(self.to_string()))
            }
        }
    }
}

/// The longest token, in bytes.
const MAX_TOKEN: usize = 8 * 1024;

/// The token of a request with at most one `Authorization` header; `body` only if it is a form.
pub fn access_token(
    authorization: Option<&str>,
    body: Option<&Parameters>,
) -> Result<SecretText, BearerError> {
    let posted = body.and_then(|body| body.get("access_token"));
    let token = match (authorization, posted) {
        (None, None) => return Err(BearerError::Missing),
        (Some(_), Some(_)) => return Err(BearerError::Several),
        (None, Some(token)) => token,
        (Some(header), None) => from_header(header)?,
    };
    if token.len() > MAX_TOKEN || !is_b64token(token) {
        return Err(BearerError::Malformed);
    }
    Ok(SecretText::from(token))
}

fn from_header(header: &str) -> Result<&str, BearerError> {
    let (scheme, token) = header.split_once(' ').ok_or(BearerError::Malformed)?;
    if scheme.eq_ignore_ascii_case("bearer") {
        Ok(token.trim_matches(' '))
    } else {
        // Another scheme is no token at all, as if nothing had been sent.
        Err(BearerError::Missing)
    }
}

/// RFC 6750 §2.1.
fn is_b64token(text: &str) -> bool {
    let body = text.trim_end_matches('=');
    !body.is_empty()
        && body
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte))
}

/// The value of `WWW-Authenticate` (RFC 6750 §3). A description has no quotes or backslashes, so
/// nothing needs escaping.
#[must_use]
pub fn challenge(error: Option<&OAuthError>) -> String {
    match error {
        None => "Bearer".to_owned(),
        Some(error) => format!(
            r#"Bearer error="{}", error_description="{}""#,
            error.code(),
            error.description()
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn body(text: &str) -> Parameters {
        Parameters::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn header_or_body_but_not_both() {
        assert_eq!(
            access_token(Some("Bearer abc.d-e_f"), None)
                .unwrap()
                .expose(),
            "abc.d-e_f"
        );
        assert_eq!(
            access_token(Some("bearer abc"), Some(&body("x=y")))
                .unwrap()
                .expose(),
            "abc"
        );
        assert_eq!(
            access_token(None, Some(&body("access_token=abc")))
                .unwrap()
                .expose(),
            "abc"
        );
        let both = access_token(Some("Bearer a"), Some(&body("access_token=a")));
        assert_eq!(both, Err(BearerError::Several));
        assert_eq!(access_token(None, None), Err(BearerError::Missing));
        assert_eq!(
            access_token(Some("Basic abc"), None),
            Err(BearerError::Missing)
        );
        for bad in [
            "Bearer",
            "Bearer ",
            "Bearer a b",
            "Bearer a\"b",
            "Bearer ==",
            "Bearer 张",
        ] {
            assert_eq!(
                access_token(Some(bad), None),
                Err(BearerError::Malformed),
                "{bad}"
            );
        }
    }

    #[test]
    fn a_challenge_names_the_error_only_if_there_is_one() {
        assert_eq!(challenge(None), "Bearer");
        let error = ErrorCode::InvalidToken.because("the access token \"has\" expired");
        assert_eq!(
            challenge(Some(&error)),
            r#"Bearer error="invalid_token", error_description="the access token 'has' expired""#
        );
        assert_eq!(BearerError::Missing.to_oauth(), None);
    }

    proptest! {
        #[test]
        fn never_panics(header in "\\PC{0,60}") {
            let _ = access_token(Some(&header), None);
            let _ = access_token(Some(&format!("Bearer {header}")), None);
        }
    }
}
