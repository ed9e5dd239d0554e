//! The access token as a JWT (RFC 9068): what a portal or API needs to decide alone.

use serde::{Deserialize, Serialize};

use super::acr::{Aal, Acr, Ial};
use super::scope::Scope;

/// The `typ` of its header: an ID token is never taken for one (RFC 9068 §2.1, attack case 36).
pub const TYPE: &str = "at+jwt";

/// What an access token states.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessTokenClaims {
    /// This provider.
    pub iss: String,
    /// Who, as the client's sector knows them; the client itself where no resident is involved.
    pub sub: String,
    /// The API that it is for: the issuer unless another resource was asked for.
    pub aud: String,
    /// The client that it was issued to.
    pub client_id: String,
    /// Until when it is to be accepted, Unix seconds.
    pub exp: i64,
    /// When it was made, Unix seconds.
    pub iat: i64,
    /// Its own name.
    pub jti: String,
    /// What it allows.
    #[serde(default, skip_serializing_if = "Scope::is_empty")]
    pub scope: Scope,
    /// How and when the resident logged in; absent where no resident is involved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth_time: Option<i64>,
    /// The level that the request asked for and got, else the login's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acr: Option<Acr>,
    /// How well the login is assured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub aal: Option<Aal>,
    /// How well the person is proven.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ial: Option<Ial>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn reads_what_it_writes() {
        let claims = AccessTokenClaims {
            iss: "https://id.example".into(),
            sub: "c".into(),
            aud: "https://id.example".into(),
            client_id: "c".into(),
            exp: 301,
            iat: 1,
            jti: "j".into(),
            scope: Scope::empty(),
            auth_time: None,
            acr: None,
            aal: Some(Aal::Two),
            ial: None,
        };
        let json = serde_json::to_value(&claims).unwrap();
        assert_eq!(
            json,
            json!({
                "iss": "https://id.example", "sub": "c", "aud": "https://id.example",
                "client_id": "c", "exp": 301, "iat": 1, "jti": "j", "aal": 2,
            })
        );
        assert_eq!(
            serde_json::from_value::<AccessTokenClaims>(json).unwrap(),
            claims
        );
    }
}
