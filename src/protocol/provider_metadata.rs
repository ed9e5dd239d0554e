//! What this provider says about itself (OIDC Discovery §3, RFC 8414 §2).
//!
//! Every list is built from the type that its parser uses, so what is advertised is what is
//! accepted. The same document answers at both well-known addresses.

use serde::Serialize;

use super::acr::{Aal, Acr, Ial};
use super::claims_request::Claim;
use super::client_metadata::values::{
    GrantType, ResponseMode, ResponseType, SubjectType, TokenEndpointAuthMethod,
};
use super::endpoints;
use super::issuer::Issuer;
use super::jose::SignatureAlgorithm;
use super::language::Language;
use super::pkce::S256;
use super::prompt::Prompt;
use super::scope::SUPPORTED;
use super::ui::Display;

/// The discovery document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[expect(
    missing_docs,
    reason = "the members are named and defined by the specifications"
)]
#[expect(clippy::struct_excessive_bools, reason = "the document has them")]
pub struct ProviderMetadata {
    pub issuer: String,
    pub authorization_endpoint: String,
    pub token_endpoint: String,
    pub userinfo_endpoint: String,
    pub jwks_uri: String,
    pub introspection_endpoint: String,
    pub revocation_endpoint: String,
    pub end_session_endpoint: String,
    pub scopes_supported: Vec<&'static str>,
    pub response_types_supported: Vec<&'static str>,
    pub response_modes_supported: Vec<&'static str>,
    pub grant_types_supported: Vec<&'static str>,
    pub subject_types_supported: Vec<&'static str>,
    pub id_token_signing_alg_values_supported: Vec<&'static str>,
    pub token_endpoint_auth_methods_supported: Vec<&'static str>,
    pub introspection_endpoint_auth_methods_supported: Vec<&'static str>,
    pub revocation_endpoint_auth_methods_supported: Vec<&'static str>,
    pub code_challenge_methods_supported: Vec<&'static str>,
    pub prompt_values_supported: Vec<&'static str>,
    pub display_values_supported: Vec<&'static str>,
    pub acr_values_supported: Vec<String>,
    pub claim_types_supported: Vec<&'static str>,
    pub claims_supported: Vec<&'static str>,
    pub claims_parameter_supported: bool,
    pub request_parameter_supported: bool,
    pub request_uri_parameter_supported: bool,
    pub authorization_response_iss_parameter_supported: bool,
    pub backchannel_logout_supported: bool,
    pub backchannel_logout_session_supported: bool,
    pub ui_locales_supported: Vec<&'static str>,
}

/// Claims of tokens and userinfo that are not about the resident's person.
const IMPERSONAL_CLAIMS: [&str; 12] = [
    "sub",
    "iss",
    "aud",
    "exp",
    "iat",
    "auth_time",
    "nonce",
    "acr",
    "amr",
    "aal",
    "ial",
    "sid",
];

impl ProviderMetadata {
    /// The document of `issuer`. `signing` are the algorithms for which there is a key, `best` is
    /// the highest level a login can have: what is above it could only ever be refused.
    #[must_use]
    pub fn new(issuer: &Issuer, signing: &[SignatureAlgorithm], best: Aal) -> Self {
        let methods: Vec<_> = TokenEndpointAuthMethod::ALL
            .iter()
            .map(|method| method.as_str())
            .collect();
        let secrets: Vec<_> = methods
            .iter()
            .copied()
            .filter(|&name| name != "none")
            .collect();
        let personal = Claim::ALL.into_iter().map(Claim::as_str);
        Self {
            issuer: issuer.as_str().to_owned(),
            authorization_endpoint: issuer.join(endpoints::AUTHORIZE),
            token_endpoint: issuer.join(endpoints::TOKEN),
            userinfo_endpoint: issuer.join(endpoints::USERINFO),
            jwks_uri: issuer.join(endpoints::JWKS),
            introspection_endpoint: issuer.join(endpoints::INTROSPECT),
            revocation_endpoint: issuer.join(endpoints::REVOKE),
            end_session_endpoint: issuer.join(endpoints::END_SESSION),
            scopes_supported: SUPPORTED.to_vec(),
            response_types_supported: ResponseType::ALL.iter().map(|it| it.as_str()).collect(),
            response_modes_supported: ResponseMode::ALL.iter().map(|it| it.as_str()).collect(),
            grant_types_supported: GrantType::ALL.iter().map(|it| it.as_str()).collect(),
            subject_types_supported: SubjectType::ALL.iter().map(|it| it.as_str()).collect(),
            id_token_signing_alg_values_supported: signing.iter().map(|it| it.as_str()).collect(),
            // RFC 7662 §2.1: introspection is for clients that prove themselves.
            introspection_endpoint_auth_methods_supported: secrets,
            revocation_endpoint_auth_methods_supported: methods.clone(),
            token_endpoint_auth_methods_supported: methods,
            code_challenge_methods_supported: vec![S256],
            prompt_values_supported: Prompt::ALL.into_iter().map(Prompt::as_str).collect(),
            display_values_supported: Display::ALL.into_iter().map(Display::as_str).collect(),
            acr_values_supported: Acr::all()
                .filter(|acr| acr.is_satisfied(best, Some(Ial::Four)))
                .map(|acr| acr.to_string())
                .collect(),
            claim_types_supported: vec!["normal"],
            claims_supported: IMPERSONAL_CLAIMS.into_iter().chain(personal).collect(),
            claims_parameter_supported: true,
            request_parameter_supported: false,
            // OIDC Discovery §3: absent means true, so it is said.
            request_uri_parameter_supported: false,
            authorization_response_iss_parameter_supported: true,
            backchannel_logout_supported: true,
            backchannel_logout_session_supported: true,
            ui_locales_supported: Language::ALL.into_iter().map(Language::tag).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn advertises_what_the_parsers_accept_and_nothing_else() {
        let issuer = Issuer::parse("https://id.example").unwrap();
        let document = ProviderMetadata::new(&issuer, &SignatureAlgorithm::ALL, Aal::Two);
        let json = serde_json::to_value(&document).unwrap();
        for (member, expected) in [
            ("issuer", json!("https://id.example")),
            (
                "authorization_endpoint",
                json!("https://id.example/oauth2/authorize"),
            ),
            ("token_endpoint", json!("https://id.example/oauth2/token")),
            (
                "userinfo_endpoint",
                json!("https://id.example/oauth2/userinfo"),
            ),
            ("jwks_uri", json!("https://id.example/oauth2/jwks")),
            (
                "end_session_endpoint",
                json!("https://id.example/oauth2/end_session"),
            ),
            ("response_types_supported", json!(["code"])),
            ("code_challenge_methods_supported", json!(["S256"])),
            (
                "id_token_signing_alg_values_supported",
                json!(["RS256", "PS256", "ES256", "EdDSA"]),
            ),
            ("subject_types_supported", json!(["pairwise", "public"])),
            ("request_uri_parameter_supported", json!(false)),
            (
                "acr_values_supported",
                json!([
                    "urn:tongxing:aal:1",
                    "urn:tongxing:aal:2",
                    "urn:tongxing:ial:1",
                    "urn:tongxing:ial:2",
                    "urn:tongxing:ial:3",
                    "urn:tongxing:ial:4",
                ]),
            ),
            (
                "introspection_endpoint_auth_methods_supported",
                json!(["client_secret_basic", "client_secret_post"]),
            ),
        ] {
            assert_eq!(json[member], expected, "{member}");
        }
        let text = json.to_string();
        for absent in [
            "plain",
            "implicit",
            "HS256",
            "password",
            "registration_endpoint",
        ] {
            assert!(!text.contains(absent), "{absent}");
        }
    }
}
