//! An authorization request as a portal builds it, and the code that answers it.

use tongxing::crypto::{digest, encoding};

use super::answer::Answer;
use super::browser::encode;
use super::server::ISSUER;

/// A verifier is as good as another.
const VERIFIER: &str = "a-code-verifier-of-forty-three-characters-1";
pub(crate) const STATE: &str = "the portal's own memory";
pub(crate) const NONCE: &str = "n-0S6_WzA2Mj";

/// An authorization request: its parameters in order, some perhaps twice.
#[derive(Debug, Clone)]
pub(crate) struct AuthorizationRequest {
    parameters: Vec<(String, String)>,
    verifier: String,
}

impl AuthorizationRequest {
    pub(super) fn new(client_id: &str, redirect_uri: &str, scope: &str) -> Self {
        let request = Self {
            parameters: Vec::new(),
            verifier: VERIFIER.to_owned(),
        };
        request
            .with("client_id", client_id)
            .with("response_type", "code")
            .with("redirect_uri", redirect_uri)
            .with("scope", scope)
            .with("state", STATE)
            .with("nonce", NONCE)
            .with("code_challenge", &challenge(VERIFIER))
            .with("code_challenge_method", "S256")
    }

    /// With this value of a parameter, in place of what it had.
    #[must_use]
    pub(crate) fn with(self, name: &str, value: &str) -> Self {
        self.without(name).and(name, value)
    }

    /// With one more of a parameter.
    #[must_use]
    pub(crate) fn and(mut self, name: &str, value: &str) -> Self {
        self.parameters.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Without a parameter.
    #[must_use]
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.parameters.retain(|(known, _)| known != name);
        self
    }

    /// Without a code challenge.
    #[must_use]
    pub(crate) fn without_pkce(self) -> Self {
        self.without("code_challenge")
            .without("code_challenge_method")
    }

    /// Where a browser is sent with it.
    pub(crate) fn url(&self) -> String {
        format!("{ISSUER}/oauth2/authorize?{}", self.body())
    }

    /// As a form posts it.
    pub(crate) fn body(&self) -> String {
        encode(&self.parameters)
    }

    /// The parameters as they stand.
    pub(crate) fn parameters(&self) -> &[(String, String)] {
        &self.parameters
    }

    /// The code that a browser brought back.
    #[track_caller]
    pub(crate) fn code(&self, answer: &Answer) -> Code {
        let returned = answer.returned();
        let Some(value) = returned.get("code") else {
            panic!("no code came back: {returned:?}");
        };
        let find = |name| self.parameters.iter().find(|(known, _)| known == name);
        let asked = |name| find(name).map(|(_, value)| value.clone());
        Code {
            value: value.clone(),
            redirect_uri: asked("redirect_uri"),
            verifier: asked("code_challenge").map(|_| self.verifier.clone()),
        }
    }
}

/// A code, and what its redemption must bring along. Each may be changed before it is redeemed.
#[derive(Debug, Clone)]
pub(crate) struct Code {
    pub(crate) value: String,
    pub(crate) redirect_uri: Option<String>,
    pub(crate) verifier: Option<String>,
}

/// RFC 7636 §4.2.
pub(crate) fn challenge(verifier: &str) -> String {
    encoding::encode(&digest::sha256(&[verifier.as_bytes()]))
}
