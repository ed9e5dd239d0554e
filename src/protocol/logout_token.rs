//! The logout token (OpenID Connect Back-Channel Logout 1.0 §2.4): a session ended.

use serde::Serialize;

/// The type in its header, so that no other token is taken for it (§2.4).
pub const TYPE: &str = "logout+jwt";

/// What a logout token states.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LogoutTokenClaims {
    /// This provider.
    pub iss: String,
    /// Who, as the client's sector knows them.
    pub sub: String,
    /// The client.
    pub aud: String,
    /// When it was made, Unix seconds.
    pub iat: i64,
    /// Until when it is to be accepted, Unix seconds.
    pub exp: i64,
    /// Its name: the same at every attempt to deliver it.
    pub jti: String,
    /// The session, as the client knows it.
    pub sid: String,
    /// That this is about a logout.
    pub events: LogoutEvents,
}

/// The one event that a logout token is about; there is nothing more to say of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct LogoutEvents {
    #[serde(rename = "http://schemas.openid.net/event/backchannel-logout")]
    backchannel_logout: NoDetails,
}

/// An empty object.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
struct NoDetails {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_says_what_the_specification_asks_for_and_has_no_nonce() {
        let claims = LogoutTokenClaims {
            iss: "https://id.example".to_owned(),
            sub: "subject".to_owned(),
            aud: "portal".to_owned(),
            iat: 100,
            exp: 220,
            jti: "dlv_1".to_owned(),
            sid: "sid".to_owned(),
            events: LogoutEvents::default(),
        };
        let expected = serde_json::json!({
            "iss": "https://id.example",
            "sub": "subject",
            "aud": "portal",
            "iat": 100,
            "exp": 220,
            "jti": "dlv_1",
            "sid": "sid",
            "events": { "http://schemas.openid.net/event/backchannel-logout": {} },
        });
        assert_eq!(serde_json::to_value(claims).unwrap(), expected);
    }
}
