//! The page before a portal is entered: a question where its processing rests on consent, a notice
//! where it rests on a statutory duty.
//!
//! It says who enters, who receives, for what purpose, and each thing received in words (Personal
//! Information Protection Law, articles 17 and 23).

use std::collections::BTreeSet;

use serde::Serialize;

use super::account::Done;
use super::link::WebLink;
use super::page::{Form, Page, sample};

/// `/consent`.
#[derive(Serialize)]
pub struct ConsentPage {
    /// The form; its buttons send `decision` as `allow` or `deny`.
    pub form: Form,
    /// What the person has just brought about, on the way here.
    pub done: Option<Done>,
    /// The masked name of who enters.
    pub person: String,
    /// Who receives.
    pub portal: Portal,
    /// What allows it.
    pub basis: LegalBasis,
    /// What it is used for, in the portal's words.
    pub purpose: Option<String>,
    /// Each thing received.
    pub receives: Vec<Received>,
}

/// A portal as it presents itself.
#[derive(Clone, Serialize)]
pub struct Portal {
    /// Its name.
    pub name: String,
    /// Its logo (`logo_uri`): build it with [`WebLink::parse_https`], and admit
    /// [`WebLink::origin`] as a source of images in the page's content security policy.
    pub logo: Option<WebLink>,
    /// Its privacy policy (`policy_uri`).
    pub policy: Option<WebLink>,
    /// Its terms of service (`tos_uri`).
    pub tos: Option<WebLink>,
}

/// What allows a portal to process personal information.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LegalBasis {
    /// The person is asked.
    Consent,
    /// The law orders it; the person is told.
    StatutoryDuty,
}

/// Something that a portal receives. Pages list them in this order: who it is, what is known of
/// them, and last that it goes on afterwards.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case", tag = "kind", content = "claim")]
pub enum Received {
    /// An identifier of the person at this portal.
    Subject,
    /// The name.
    Name,
    /// The phone number.
    Phone,
    /// The e-mail address.
    Email,
    /// The date of birth.
    Birthdate,
    /// The gender.
    Gender,
    /// Kind and number of the identity document.
    Document,
    /// How well the identity was checked.
    Assurance,
    /// A claim that has no words of its own.
    Claim(String),
    /// The portal stays connected while the person is away.
    OfflineAccess,
}

impl Received {
    /// Each thing that scope values and single claims clear, once.
    pub fn by<'a>(
        scope: impl Iterator<Item = &'a str>,
        claims: impl Iterator<Item = &'a str>,
    ) -> Vec<Self> {
        let cleared = scope.filter_map(Self::from_scope);
        let all: BTreeSet<_> = cleared.chain(claims.map(Self::from_claim)).collect();
        all.into_iter().collect()
    }

    /// What a scope value clears; nothing for one that clears nothing by itself.
    fn from_scope(scope: &str) -> Option<Self> {
        match scope {
            "openid" => Some(Self::Subject),
            "profile" => Some(Self::Name),
            "phone" => Some(Self::Phone),
            "email" => Some(Self::Email),
            "offline_access" => Some(Self::OfflineAccess),
            _ => None,
        }
    }

    /// What a claim tells, so that a list of claims names each thing once.
    fn from_claim(claim: &str) -> Self {
        match claim {
            "sub" => Self::Subject,
            "name" | "family_name" | "given_name" => Self::Name,
            "phone_number" | "phone_number_verified" => Self::Phone,
            "email" | "email_verified" => Self::Email,
            "birthdate" => Self::Birthdate,
            "gender" => Self::Gender,
            "document_type" | "document_number" => Self::Document,
            "acr" | "aal" | "ial" => Self::Assurance,
            other => Self::Claim(other.to_owned()),
        }
    }
}

impl Page for ConsentPage {
    const TEMPLATE: &'static str = "consent.html";

    fn samples() -> Vec<Self> {
        let link = WebLink::parse;
        let hostile = sample::HOSTILE;
        let claim = Received::Claim(hostile.to_owned());
        vec![
            Self {
                form: sample::form("/consent?interaction=0b7Yk3mQ1fT9"),
                done: Some(Done::Registered),
                person: "张*".to_owned(),
                portal: Portal {
                    name: "浙江社会保险".to_owned(),
                    logo: None,
                    policy: link("https://sb.zj.example/privacy"),
                    tos: link("https://sb.zj.example/terms"),
                },
                basis: LegalBasis::StatutoryDuty,
                purpose: Some("办理社会保险参保、缴费和待遇申领".to_owned()),
                receives: vec![Received::Subject, Received::Name, Received::Phone],
            },
            Self {
                form: sample::form("/consent"),
                done: None,
                person: "欧阳**".to_owned(),
                portal: Portal {
                    name: "广东企业登记".to_owned(),
                    logo: WebLink::parse_https("https://qydj.gd.example/logo.png"),
                    policy: link("https://qydj.gd.example/privacy"),
                    tos: None,
                },
                basis: LegalBasis::Consent,
                purpose: None,
                receives: vec![
                    Received::Subject,
                    Received::Name,
                    Received::Phone,
                    Received::Email,
                    Received::Birthdate,
                    Received::Gender,
                    Received::Document,
                    Received::Assurance,
                    Received::OfflineAccess,
                ],
            },
            Self {
                form: sample::form(hostile),
                done: Some(Done::Recovered),
                person: hostile.to_owned(),
                portal: Portal {
                    name: hostile.to_owned(),
                    logo: None,
                    policy: link("https://a.example/\"><script>"),
                    tos: None,
                },
                basis: LegalBasis::Consent,
                purpose: Some(hostile.to_owned()),
                receives: vec![claim],
            },
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_that_clears_nothing_names_nothing() {
        assert_eq!(
            Received::from_scope("offline_access"),
            Some(Received::OfflineAccess)
        );
        assert_eq!(Received::from_scope("address"), None);
        assert_eq!(Received::from_claim("sub"), Received::Subject);
        assert_eq!(Received::from_claim("x"), Received::Claim("x".to_owned()));
    }

    #[test]
    fn what_is_received_is_listed_once_with_the_connection_last() {
        let scope = ["offline_access", "openid", "phone", "profile"].into_iter();
        let claims = ["name", "x", "birthdate"].into_iter();
        assert_eq!(
            Received::by(scope, claims),
            [
                Received::Subject,
                Received::Name,
                Received::Phone,
                Received::Birthdate,
                Received::Claim("x".to_owned()),
                Received::OfflineAccess,
            ]
        );
    }
}
