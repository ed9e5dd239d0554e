//! `resource`: the API that an access token is for (RFC 8707).
//!
//! One token is for one audience, so a request names at most one resource.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::error::{ErrorCode, OAuthError};
use super::parameters::Parameters;
use super::web_uri::WebUri;

/// The absolute URI of a resource server.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ResourceIndicator(WebUri);

impl ResourceIndicator {
    /// Reads the `resource` of a request, if it has one.
    pub fn from_parameters(parameters: &Parameters) -> Result<Option<Self>, OAuthError> {
        let mut resources = parameters.resources();
        let Some(text) = resources.next() else {
            return Ok(None);
        };
        if resources.next().is_some() {
            return Err(ErrorCode::InvalidTarget.because("ask for one resource at a time"));
        }
        let uri = WebUri::parse(text)
            .map_err(|error| ErrorCode::InvalidTarget.because(format!("resource {error}")))?;
        Ok(Some(Self(uri)))
    }

    /// The URI as sent.
    #[must_use]
    pub const fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl fmt::Display for ResourceIndicator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> Result<Option<ResourceIndicator>, OAuthError> {
        ResourceIndicator::from_parameters(&Parameters::parse(body.as_bytes()).unwrap())
    }

    #[test]
    fn at_most_one_absolute_uri() {
        assert_eq!(read("a=b"), Ok(None));
        let one = read("resource=https://api.example/v1").unwrap().unwrap();
        assert_eq!(one.as_str(), "https://api.example/v1");
        for bad in [
            "resource=https://a.example/&resource=https://b.example/",
            "resource=/relative",
            "resource=https://a.example/%23x",
        ] {
            assert_eq!(
                read(bad).unwrap_err().code(),
                ErrorCode::InvalidTarget,
                "{bad}"
            );
        }
    }
}
