//! The ID token (OIDC Core §2): who logged in, how, when, for which client.

use serde::{Deserialize, Serialize};

use super::acr::{Aal, Acr, Ial};
use super::userinfo::ReleasedClaims;

/// What an ID token states.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct IdTokenClaims {
    /// This provider.
    pub iss: String,
    /// Who, as the client's sector knows them.
    pub sub: String,
    /// The client.
    pub aud: String,
    /// Until when it is to be accepted, Unix seconds.
    pub exp: i64,
    /// When it was made, Unix seconds.
    pub iat: i64,
    /// When the resident logged in, Unix seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth_time: Option<i64>,
    /// From the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nonce: Option<String>,
    /// The level that the request asked for and got, else the login's own.
    pub acr: Acr,
    /// How the resident logged in (RFC 8176).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub amr: Vec<String>,
    /// How well the login is assured.
    pub aal: Aal,
    /// How well the person is proven; absent when nothing is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ial: Option<Ial>,
    /// The session, as this client knows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sid: Option<String>,
    /// Left half of the access token's digest (OIDC Core §3.1.3.6).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at_hash: Option<String>,
    /// Personal claims that the request asked for here.
    #[serde(flatten)]
    pub claims: ReleasedClaims,
}

/// What is read of an ID token that comes back as a hint, its signature verified. That it has
/// expired does not matter (OIDC Core §3.1.2.1, RP-Initiated Logout §4).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct IdTokenHint {
    /// The provider that made it.
    pub iss: String,
    /// Who it is about, as the audience's sector knows them.
    pub sub: String,
    /// For whom it was made. We issue for one client at a time, so a list is not ours.
    pub aud: String,
    /// The session, as that client knows it.
    #[serde(default)]
    pub sid: Option<String>,
    /// When it was made, Unix seconds.
    pub iat: i64,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn token() -> IdTokenClaims {
        IdTokenClaims {
            iss: "https://id.example".into(),
            sub: "s".into(),
            aud: "c".into(),
            exp: 2,
            iat: 1,
            auth_time: None,
            nonce: Some("n".into()),
            acr: Acr::Identity(Ial::Two),
            amr: vec!["pwd".into()],
            aal: Aal::One,
            ial: Some(Ial::Two),
            sid: None,
            at_hash: None,
            claims: ReleasedClaims {
                name: Some("张伟".into()),
                ..ReleasedClaims::default()
            },
        }
    }

    #[test]
    fn claims_have_their_registered_names() {
        assert_eq!(
            serde_json::to_value(token()).unwrap(),
            json!({
                "iss": "https://id.example", "sub": "s", "aud": "c", "exp": 2, "iat": 1,
                "nonce": "n", "acr": "urn:tongxing:ial:2", "amr": ["pwd"], "aal": 1, "ial": 2,
                "name": "张伟",
            })
        );
        assert!(!format!("{:?}", token()).contains('张'));
    }

    #[test]
    fn a_hint_is_read_from_what_we_issued() {
        let hint: IdTokenHint =
            serde_json::from_value(serde_json::to_value(token()).unwrap()).unwrap();
        assert_eq!((hint.sub.as_str(), hint.aud.as_str()), ("s", "c"));
        let several = json!({"iss": "i", "sub": "s", "aud": ["a", "b"], "iat": 1});
        assert!(serde_json::from_value::<IdTokenHint>(several).is_err());
    }
}
