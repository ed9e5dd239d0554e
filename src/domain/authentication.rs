//! How a resident logged in, and what that is worth.
//!
//! A method is one line in the list below plus its level; everything else (claim `amr`, storage,
//! level of a session) follows.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::code_list::{UnknownCode, code_list};
use crate::protocol::acr::Aal;

code_list! {
    /// A way to log in, by its value of RFC 8176.
    pub enum AuthenticationMethod {
        /// A password.
        Password = "pwd",
    }
}

impl AuthenticationMethod {
    /// What the method is worth alone.
    #[must_use]
    pub const fn aal(self) -> Aal {
        match self {
            Self::Password => Aal::One,
        }
    }
}

/// The methods of one login: at least one, each once, in the order of the code list.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(
    try_from = "Vec<AuthenticationMethod>",
    into = "Vec<AuthenticationMethod>"
)]
pub struct AuthenticationMethods(Vec<AuthenticationMethod>);

impl AuthenticationMethods {
    /// A login by `first`.
    #[must_use]
    pub fn of(first: AuthenticationMethod) -> Self {
        Self(vec![first])
    }

    /// The same login with one more method completed.
    #[must_use]
    pub fn with(mut self, method: AuthenticationMethod) -> Self {
        if let Err(at) = self.0.binary_search(&method) {
            self.0.insert(at, method);
        }
        self
    }

    /// What a login by every method there is would be worth: no login is worth more.
    #[must_use]
    pub fn best_aal() -> Aal {
        Self(AuthenticationMethod::ALL.to_vec()).aal()
    }

    /// Each method once.
    pub fn iter(&self) -> impl Iterator<Item = AuthenticationMethod> + '_ {
        self.0.iter().copied()
    }

    /// The claim `amr`.
    #[must_use]
    pub fn amr(&self) -> Vec<&'static str> {
        self.iter().map(AuthenticationMethod::as_str).collect()
    }

    /// What the login is worth: the best of its methods.
    #[must_use]
    pub fn aal(&self) -> Aal {
        self.iter()
            .map(AuthenticationMethod::aal)
            .max()
            .unwrap_or(Aal::One)
    }
}

/// As stored: the codes with single spaces between.
impl fmt::Display for AuthenticationMethods {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.amr().join(" "))
    }
}

impl FromStr for AuthenticationMethods {
    type Err = UnknownCode;

    fn from_str(text: &str) -> Result<Self, UnknownCode> {
        let methods = text.split(' ').map(str::parse).collect::<Result<_, _>>()?;
        Self::try_from_methods(methods)
    }
}

impl AuthenticationMethods {
    fn try_from_methods(mut methods: Vec<AuthenticationMethod>) -> Result<Self, UnknownCode> {
        methods.sort_unstable();
        methods.dedup();
        if methods.is_empty() {
            return Err(UnknownCode);
        }
        Ok(Self(methods))
    }
}

impl TryFrom<Vec<AuthenticationMethod>> for AuthenticationMethods {
    type Error = UnknownCode;

    fn try_from(methods: Vec<AuthenticationMethod>) -> Result<Self, UnknownCode> {
        Self::try_from_methods(methods)
    }
}

impl From<AuthenticationMethods> for Vec<AuthenticationMethod> {
    fn from(methods: AuthenticationMethods) -> Self {
        methods.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_one_factor() {
        let login = AuthenticationMethods::of(AuthenticationMethod::Password);
        assert_eq!(login.amr(), ["pwd"]);
        assert_eq!(login.aal(), Aal::One);
        assert_eq!(login.clone().with(AuthenticationMethod::Password), login);
    }

    #[test]
    fn the_stored_form_reads_back() {
        let login = AuthenticationMethods::of(AuthenticationMethod::Password);
        assert_eq!(login.to_string(), "pwd");
        assert_eq!("pwd".parse(), Ok(login.clone()));
        let json = serde_json::to_string(&login).unwrap();
        assert_eq!(json, "[\"pwd\"]");
        assert_eq!(
            serde_json::from_str::<AuthenticationMethods>(&json).unwrap(),
            login
        );
    }

    #[test]
    fn a_login_without_a_method_is_none() {
        for text in ["", " ", "pwd ", "sms", "pwd,pwd"] {
            assert!(text.parse::<AuthenticationMethods>().is_err(), "{text:?}");
        }
        assert!(serde_json::from_str::<AuthenticationMethods>("[]").is_err());
    }
}
