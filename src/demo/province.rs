//! The two portals of the story: whose they are, what they ask for, and on what ground.
//!
//! They differ on purpose: one acts on a statutory duty and tells, the other on consent and asks;
//! one needs the phone number and receives it, the other does not and never sees it.

use serde_json::json;

use crate::protocol::client_metadata::raw::RawClientMetadata;
use crate::protocol::error::OAuthError;
use crate::views::demo::{Accent, Neighbor};

/// A province's portal.
#[derive(Debug)]
pub struct Province {
    /// The first label of its host, and its name in files and cookies.
    pub key: &'static str,
    /// Its look.
    pub accent: Accent,
    /// Its name in Chinese.
    pub name_zh: &'static str,
    /// Its name in English.
    pub name_en: &'static str,
    /// Where it listens when nobody else does.
    pub usual_port: u16,
    /// What it asks for beside `openid`.
    pub scopes: &'static [&'static str],
    legal_basis: &'static str,
    purpose_zh: &'static str,
    purpose_en: &'static str,
}

/// 浙江, social insurance.
pub static ZHEJIANG: Province = Province {
    key: "zhejiang",
    accent: Accent::Zhejiang,
    name_zh: "浙江社会保险",
    name_en: "Zhejiang Social Insurance",
    usual_port: 8081,
    scopes: &["profile", "phone", "offline_access"],
    legal_basis: "statutory_duty",
    purpose_zh: "办理社会保险登记和待遇核发",
    purpose_en: "Social insurance registration and payment of benefits",
};

/// 广东, business registration.
pub static GUANGDONG: Province = Province {
    key: "guangdong",
    accent: Accent::Guangdong,
    name_zh: "广东企业登记",
    name_en: "Guangdong Business Registration",
    usual_port: 8082,
    scopes: &["profile", "offline_access"],
    legal_basis: "consent",
    purpose_zh: "预填企业登记申请",
    purpose_en: "Filling in your business registration for you",
};

/// All of them, in the order of the story.
pub static PROVINCES: [&Province; 2] = [&ZHEJIANG, &GUANGDONG];

impl Province {
    /// Where browsers reach the portal on `port`. Each portal has a host of its own, since browsers
    /// do not tell cookies apart by port.
    pub fn origin(&self, port: u16) -> String {
        format!("http://{}.localhost:{port}", self.key)
    }

    /// What it registers at the provider (RFC 7591).
    pub fn metadata(&self, origin: &str) -> Result<RawClientMetadata, OAuthError> {
        let metadata = json!({
            "client_name": self.name_en,
            "client_name#zh-CN": self.name_zh,
            "client_uri": format!("{origin}/"),
            "redirect_uris": [format!("{origin}/callback")],
            "post_logout_redirect_uris": [format!("{origin}/logged-out")],
            "initiate_login_uri": format!("{origin}/login"),
            "backchannel_logout_uri": format!("{origin}/backchannel-logout"),
            "backchannel_logout_session_required": true,
            "grant_types": ["authorization_code", "refresh_token"],
            "token_endpoint_auth_method": "client_secret_basic",
            "scope": format!("openid {}", self.scopes.join(" ")),
            "legal_basis": self.legal_basis,
            "purpose": self.purpose_en,
            "purpose#zh-CN": self.purpose_zh,
        });
        RawClientMetadata::from_json(metadata.to_string().as_bytes())
    }

    /// The portal as a link to be shown.
    pub fn link(&self, href: String) -> Neighbor {
        Neighbor {
            name_zh: self.name_zh.to_owned(),
            name_en: self.name_en.to_owned(),
            href,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::client_metadata::ClientMetadata;
    use crate::protocol::client_metadata::registration::RegistrationPolicy;

    #[test]
    fn the_provider_accepts_what_the_portals_register() {
        for province in PROVINCES {
            let raw = province.metadata(&province.origin(80_81)).unwrap();
            let metadata = ClientMetadata::register(raw, &RegistrationPolicy::default()).unwrap();
            assert!(metadata.requires_pkce());
            // Without the port, so that subjects outlive a change of ports.
            assert_eq!(
                metadata.sector(),
                Some(format!("{}.localhost", province.key).as_str())
            );
            assert_eq!(metadata.legal_basis().as_str(), province.legal_basis);
        }
    }
}
