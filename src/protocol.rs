//! The words of the specifications: requests, responses, metadata, scopes; parsing and rules.
//!
//! Everything here is pure: no I/O, nothing async, no clock, no randomness, no cryptography. Each
//! type that comes from outside has one validating constructor, so holding a value of it is the
//! proof that its rules hold. What a rule needs from above (a digest, a verified signature, a
//! registered client) is a parameter.

pub mod access_token;
pub mod acr;
pub mod authorization_request;
pub mod authorization_response;
pub mod bearer;
pub mod claims_request;
pub mod client_authentication;
pub mod client_metadata;
pub mod end_session;
pub mod endpoints;
pub mod error;
pub mod id_token;
pub mod introspection;
pub mod issuer;
pub mod jose;
pub mod language;
pub mod logout_token;
pub mod parameters;
pub mod pkce;
pub mod prompt;
pub mod provider_metadata;
pub mod redirect_uri;
pub mod resource;
pub mod revocation;
pub mod scope;
pub mod text;
pub mod token_request;
pub mod token_response;
pub mod ui;
pub mod userinfo;
pub mod web_uri;
