//! Claims about a resident as they are released (OIDC Core §5.1, §5.3.2).

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::claims_request::Claim;

/// Personal claims. What was not asked for, not cleared or not known is absent, never empty.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ReleasedClaims {
    /// The name as proven.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The phone number, E.164.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone_number: Option<String>,
    /// Whether the phone is confirmed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone_number_verified: Option<bool>,
    /// The e-mail address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Whether the address is confirmed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email_verified: Option<bool>,
}

impl ReleasedClaims {
    /// These claims without those that are not in `allowed`.
    #[must_use]
    pub fn limited_to(self, allowed: &BTreeSet<Claim>) -> Self {
        let may = |claim| allowed.contains(&claim);
        Self {
            name: self.name.filter(|_| may(Claim::Name)),
            phone_number: self.phone_number.filter(|_| may(Claim::PhoneNumber)),
            phone_number_verified: self
                .phone_number_verified
                .filter(|_| may(Claim::PhoneNumberVerified)),
            email: self.email.filter(|_| may(Claim::Email)),
            email_verified: self.email_verified.filter(|_| may(Claim::EmailVerified)),
        }
    }

    /// Which claims are there, for the record of what was disclosed.
    #[must_use]
    pub fn present(&self) -> BTreeSet<Claim> {
        let there = |claim: &Claim| match claim {
            Claim::Name => self.name.is_some(),
            Claim::PhoneNumber => self.phone_number.is_some(),
            Claim::PhoneNumberVerified => self.phone_number_verified.is_some(),
            Claim::Email => self.email.is_some(),
            Claim::EmailVerified => self.email_verified.is_some(),
        };
        Claim::ALL.into_iter().filter(there).collect()
    }
}

/// Names of claims only.
impl fmt::Debug for ReleasedClaims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.present()).finish()
    }
}

/// The answer of the userinfo endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UserInfo {
    /// Who, as the client's sector knows them.
    pub sub: String,
    /// What about them.
    #[serde(flatten)]
    pub claims: ReleasedClaims,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::scope::Scope;

    fn everything() -> ReleasedClaims {
        ReleasedClaims {
            name: Some("张伟".into()),
            phone_number: Some("+8613800000001".into()),
            phone_number_verified: Some(true),
            email: None,
            email_verified: None,
        }
    }

    #[test]
    fn only_what_is_allowed_is_released() {
        let scope: Scope = "openid profile".parse().unwrap();
        let allowed = Claim::of_scope(&scope).collect();
        let claims = everything().limited_to(&allowed);
        let info = UserInfo {
            sub: "s".into(),
            claims,
        };
        assert_eq!(
            serde_json::to_string(&info).unwrap(),
            r#"{"sub":"s","name":"张伟"}"#
        );
        let allowed = BTreeSet::from([Claim::Name, Claim::PhoneNumber]);
        assert_eq!(everything().limited_to(&allowed).present(), allowed);
        assert_eq!(
            everything().limited_to(&BTreeSet::new()),
            ReleasedClaims::default()
        );
    }

    #[test]
    fn nothing_personal_prints() {
        let printed = format!("{:?}", everything());
        assert!(printed.contains("PhoneNumber"), "{printed}");
        assert!(
            !printed.contains("138") && !printed.contains('张'),
            "{printed}"
        );
    }
}
