use proptest::prelude::*;
use serde_json::{Value, json};

use super::registration::RegistrationPolicy;
use super::values::ResponseMode;
use super::*;
use crate::protocol::language::Language;

#[expect(clippy::needless_pass_by_value, reason = "calls read better")]
fn register(value: Value) -> Result<ClientMetadata, OAuthError> {
    let raw = RawClientMetadata::from_json(value.to_string().as_bytes())?;
    ClientMetadata::register(raw, &RegistrationPolicy::default())
}

/// A portal, with `changes` made to its metadata; `null` takes a member away.
#[expect(clippy::needless_pass_by_value, reason = "calls read better")]
fn portal(changes: Value) -> Result<ClientMetadata, OAuthError> {
    let mut metadata = json!({
        "client_name": "Portal",
        "redirect_uris": ["https://portal.example/cb"],
        "grant_types": ["authorization_code", "refresh_token"],
        "scope": "openid profile",
    });
    for (name, value) in changes.as_object().unwrap() {
        metadata[name] = value.clone();
    }
    register(metadata)
}

fn code(result: Result<ClientMetadata, OAuthError>) -> ErrorCode {
    result.unwrap_err().code()
}

#[test]
fn defaults_are_those_of_the_specifications_and_of_design() {
    let client = register(json!({"redirect_uris": ["https://portal.example/cb"]})).unwrap();
    assert_eq!(
        serde_json::to_value(&client).unwrap(),
        json!({
            "redirect_uris": ["https://portal.example/cb"],
            "token_endpoint_auth_method": "client_secret_basic",
            "grant_types": ["authorization_code"],
            "response_types": ["code"],
            "scope": "openid",
            "application_type": "web",
            "subject_type": "pairwise",
            "id_token_signed_response_alg": "RS256",
            "require_auth_time": false,
            "backchannel_logout_session_required": false,
            "security_profile": "portal",
            "legal_basis": "consent",
        })
    );
    assert_eq!(client.sector(), Some("portal.example"));
    assert!(client.requires_pkce() && !client.is_public());
}

#[test]
fn registered_metadata_reads_back_as_it_was() {
    let client = portal(json!({
        "client_name#zh-CN": "门户",
        "client_uri": "https://portal.example/",
        "logo_uri": "https://portal.example/logo.png",
        "tos_uri#en": "https://portal.example/tos",
        "policy_uri": "https://portal.example/policy",
        "contacts": ["ops@portal.example"],
        "software_id": "x", "software_version": "1",
        "sector_identifier_uri": "https://sector.example/uris.json",
        "subject_type": "public",
        "id_token_signed_response_alg": "ES256",
        "default_max_age": 600, "require_auth_time": true,
        "default_acr_values": ["urn:tongxing:aal:2", "urn:tongxing:aal:2"],
        "initiate_login_uri": "https://portal.example/start",
        "post_logout_redirect_uris": ["https://portal.example/bye"],
        "backchannel_logout_uri": "https://portal.example/logout",
        "backchannel_logout_session_required": true,
        "jwks": {"keys": [{"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA", "kid": "k"}]},
        "security_profile": "openid", "legal_basis": "statutory_duty",
        "purpose#zh-CN": "办理社保",
    }))
    .unwrap();
    let json = serde_json::to_string(&client).unwrap();
    assert_eq!(
        serde_json::from_str::<ClientMetadata>(&json).unwrap(),
        client
    );
    assert_eq!(client.authentication().acr_values.len(), 1);
    assert_eq!(client.sector(), Some("sector.example"));
    let names = &client.pages().name;
    assert_eq!(names.choose(Language::ZhCn).unwrap().as_str(), "门户");
    assert_eq!(names.choose(Language::En).unwrap().as_str(), "Portal");
    assert!(client.pages().tos_uri.plain().is_none());
    assert!(client.pages().tos_uri.choose(Language::ZhCn).is_some());
}

/// Attack case 6, in every member that a browser may act on.
#[test]
fn no_member_holds_a_script_or_an_insecure_address() {
    let evil = [
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "data:text/html,<script>alert(1)</script>",
        "http://portal.example/x",
        "http://localhost.evil.test/x",
        "https://portal.example/#x",
        "https://user@portal.example/x",
        "//portal.example/x",
    ];
    for uri in evil {
        for member in ["redirect_uris", "post_logout_redirect_uris"] {
            assert!(portal(json!({ member: [uri] })).is_err(), "{member} {uri}");
        }
        for member in [
            "client_uri",
            "client_uri#en",
            "logo_uri",
            "tos_uri",
            "policy_uri#zh-CN",
            "jwks_uri",
            "sector_identifier_uri",
            "initiate_login_uri",
            "backchannel_logout_uri",
        ] {
            assert_eq!(
                code(portal(json!({ member: uri }))),
                ErrorCode::InvalidClientMetadata
            );
        }
    }
    assert_eq!(
        code(portal(json!({"redirect_uris": ["javascript:alert(1)"]}))),
        ErrorCode::InvalidRedirectUri
    );
}

#[test]
fn redirect_uris_are_required_for_codes() {
    for changes in [json!({"redirect_uris": null}), json!({"redirect_uris": []})] {
        assert_eq!(code(portal(changes)), ErrorCode::InvalidRedirectUri);
    }
    let many: Vec<_> = (0..33)
        .map(|n| format!("https://portal.example/{n}"))
        .collect();
    assert_eq!(
        code(portal(json!({ "redirect_uris": many }))),
        ErrorCode::InvalidRedirectUri
    );
}

/// RFC 7591 §2.1.
#[test]
fn grant_types_response_types_and_authentication_agree() {
    for changes in [
        json!({"grant_types": []}),
        json!({"grant_types": ["implicit"]}),
        json!({"grant_types": ["password"]}),
        json!({"grant_types": ["refresh_token"]}),
        json!({"grant_types": ["client_credentials"], "response_types": ["code"]}),
        json!({"response_types": []}),
        json!({"response_types": ["token"]}),
        json!({"response_types": ["code id_token"]}),
        json!({"grant_types": ["authorization_code", "client_credentials"], "token_endpoint_auth_method": "none"}),
        json!({"token_endpoint_auth_method": "private_key_jwt"}),
        json!({"token_endpoint_auth_method": "client_secret_jwt"}),
    ] {
        assert_eq!(
            code(portal(changes.clone())),
            ErrorCode::InvalidClientMetadata,
            "{changes}"
        );
    }
    let public =
        portal(json!({"token_endpoint_auth_method": "none", "security_profile": "openid"}));
    assert!(public.unwrap().requires_pkce());
    let confidential = portal(json!({"security_profile": "openid"})).unwrap();
    assert!(!confidential.requires_pkce());
}

#[test]
fn a_client_without_residents_needs_no_redirect_uri_sector_or_scope() {
    let client = register(json!({"grant_types": ["client_credentials"]})).unwrap();
    assert!(client.scope().is_empty() && client.sector().is_none());
    assert!(!client.allows_response(ResponseType::Code));
    assert!(client.allows_grant(GrantType::ClientCredentials));
}

/// DESIGN §3, Subjects; attack case 40.
#[test]
fn a_sector_is_one_host_or_a_document_that_lists_every_uri() {
    let two = json!(["https://a.example/cb", "https://b.example/cb"]);
    assert_eq!(
        code(portal(json!({ "redirect_uris": two }))),
        ErrorCode::InvalidClientMetadata
    );
    let public = portal(json!({"redirect_uris": two, "subject_type": "public"})).unwrap();
    assert_eq!(public.sector(), None);
    let same = json!(["https://a.example/cb", "https://A.example:8443/other"]);
    assert_eq!(
        portal(json!({ "redirect_uris": same })).unwrap().sector(),
        Some("a.example")
    );
    let listed = portal(json!({
        "redirect_uris": two, "sector_identifier_uri": "https://sector.example/uris.json",
    }))
    .unwrap();
    assert_eq!(listed.sector(), Some("sector.example"));
    let document = |uris: &[&str]| uris.iter().map(|&uri| uri.to_owned()).collect::<Vec<_>>();
    let full = document(&[
        "https://b.example/cb",
        "https://a.example/cb",
        "https://c.example",
    ]);
    assert_eq!(listed.check_sector_document(&full), Ok(()));
    for missing in [
        document(&["https://a.example/cb"]),
        document(&[]),
        document(&["https://a.example/cb", "https://b.example/cb/"]),
    ] {
        assert!(listed.check_sector_document(&missing).is_err());
    }
}

#[test]
fn only_known_scopes_exist() {
    assert_eq!(
        code(portal(json!({"scope": "openid admin"}))),
        ErrorCode::InvalidClientMetadata
    );
    assert_eq!(
        code(portal(json!({"scope": "open\"id"}))),
        ErrorCode::InvalidClientMetadata
    );
}

/// Ignoring these would leave the client unprotected without knowing.
#[test]
fn what_we_cannot_do_is_refused_rather_than_dropped() {
    for changes in [
        json!({"id_token_signed_response_alg": "none"}),
        json!({"id_token_signed_response_alg": "HS256"}),
        json!({"id_token_encrypted_response_alg": "RSA-OAEP"}),
        json!({"userinfo_signed_response_alg": "RS256"}),
        json!({"require_pushed_authorization_requests": true}),
        json!({"dpop_bound_access_tokens": true}),
        json!({"security_profile": "fapi2"}),
        json!({"security_profile": "fapi_ciba"}),
        json!({"security_profile": "none"}),
        json!({"legal_basis": "curiosity"}),
        json!({"subject_type": "ephemeral"}),
        json!({"application_type": "embedded"}),
        json!({"default_acr_values": ["urn:mace:incommon:iap:silver"]}),
        json!({"jwks": {"keys": []}, "jwks_uri": "https://portal.example/jwks"}),
        json!({"jwks": {"keys": [{"kty": "oct", "k": "AA"}]}}),
        json!({"jwks": "https://portal.example/jwks"}),
    ] {
        assert_eq!(
            code(portal(changes.clone())),
            ErrorCode::InvalidClientMetadata,
            "{changes}"
        );
    }
    assert!(portal(json!({"dpop_bound_access_tokens": false})).is_ok());
}

#[test]
fn all_faults_that_stand_alone_are_told_at_once() {
    let refused = portal(json!({
        "redirect_uris": ["javascript:alert(1)"],
        "legal_basis": "curiosity",
        "scope": "open\"id",
        "subject_type": "ephemeral",
    }))
    .unwrap_err();
    assert_eq!(refused.code(), ErrorCode::InvalidRedirectUri);
    for member in ["redirect URI", "legal_basis", "scope a", "subject_type"] {
        let told = refused.description().matches(member).count();
        assert_eq!(told, 1, "{member}: {}", refused.description());
    }
}

#[test]
fn names_cannot_deceive() {
    for changes in [
        json!({"client_name": "Portal\u{202E}lairt"}),
        json!({"client_name": "a\nb"}),
        json!({"client_name": " "}),
        json!({"client_name": "x".repeat(201)}),
        json!({"client_name#zh-CN": "\u{200B}"}),
        json!({"client_name#zh CN": "x"}),
        json!({"client_name#zh-CN": 7}),
        json!({"client_name": 7}),
        json!({"purpose": "\u{0}"}),
        json!({"contacts": ["a\u{7}b"]}),
    ] {
        assert_eq!(
            code(portal(changes.clone())),
            ErrorCode::InvalidClientMetadata,
            "{changes}"
        );
    }
}

/// Attack case 53: what the server decides cannot be brought along.
#[test]
fn members_of_the_server_are_dropped_like_unknown_ones() {
    let client = portal(json!({
        "client_id": "admin", "client_secret": "x", "registration_access_token": "x",
        "trusted": true, "some_future_member": {"a": 1},
    }))
    .unwrap();
    let text = serde_json::to_string(&client).unwrap();
    for name in [
        "client_id\"",
        "client_secret\"",
        "registration_access_token",
        "trusted",
        "future",
    ] {
        assert!(!text.contains(name), "{name}");
    }
}

#[test]
fn native_clients_may_use_private_schemes_and_vary_loopback_ports() {
    let native = portal(json!({
        "application_type": "native",
        "token_endpoint_auth_method": "none",
        "redirect_uris": ["http://127.0.0.1/cb"],
    }))
    .unwrap();
    assert!(native.allows_redirect("http://127.0.0.1:51004/cb"));
    assert!(!native.allows_redirect("http://localhost:51004/cb"));
    assert!(portal(json!({"redirect_uris": ["cn.gov.example:/cb"]})).is_err());
    let private = json!({"application_type": "native", "redirect_uris": ["cn.gov.example:/cb"]});
    assert_eq!(portal(private).unwrap().sector(), Some("cn.gov.example"));
}

#[test]
fn documents_that_are_not_metadata_are_refused() {
    for text in ["", "[]", "null", "{\"redirect_uris\": \"x\"}", "{\"a\":1}x"] {
        let result = RawClientMetadata::from_json(text.as_bytes());
        assert_eq!(
            result.unwrap_err().code(),
            ErrorCode::InvalidClientMetadata,
            "{text}"
        );
    }
    assert!(RawClientMetadata::from_json(&vec![b' '; 70_000]).is_err());
}

#[test]
fn vocabularies_print_what_they_parse() {
    for method in TokenEndpointAuthMethod::ALL {
        assert_eq!(method.as_str().parse(), Ok(*method));
    }
    let error = "form_post".parse::<ResponseMode>().unwrap_err();
    assert_eq!(error.to_string(), "is not one of: query");
}

proptest! {
    #[test]
    fn never_panics(text in "\\PC{0,200}", member in "[a-z_]{1,30}(#[a-z-]{0,5})?", value in "\\PC{0,30}") {
        let _ = RawClientMetadata::from_json(text.as_bytes());
        let _ = portal(json!({ member: value }));
    }
}
