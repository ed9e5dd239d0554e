//! The paths of the protocol's endpoints: one list for the router and for discovery, so that what
//! is advertised is what answers.

/// OIDC Discovery §4.
pub const OPENID_CONFIGURATION: &str = "/.well-known/openid-configuration";
/// RFC 8414 §3.
pub const OAUTH_AUTHORIZATION_SERVER: &str = "/.well-known/oauth-authorization-server";
/// RFC 6749 §3.1.
pub const AUTHORIZE: &str = "/oauth2/authorize";
/// RFC 6749 §3.2.
pub const TOKEN: &str = "/oauth2/token";
/// OIDC Core §5.3.
pub const USERINFO: &str = "/oauth2/userinfo";
/// RFC 7517 §5.
pub const JWKS: &str = "/oauth2/jwks";
/// RFC 7662 §2.
pub const INTROSPECT: &str = "/oauth2/introspect";
/// RFC 7009 §2.
pub const REVOKE: &str = "/oauth2/revoke";
/// OIDC RP-Initiated Logout §2.
pub const END_SESSION: &str = "/oauth2/end_session";
