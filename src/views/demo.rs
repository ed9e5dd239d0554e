//! The demo's pages: two portals of different provinces, the page that tells where to start, and
//! everybody's phone.
//!
//! They are pages of somebody else, so they have a frame and a stylesheet of their own.

mod cast;
mod phone;

use serde::Serialize;

use super::page::{Form, Page, sample};

pub use super::catalog::{CatalogError, document_name};
pub use cast::{Cast, Newcomer, Squatter};
pub use phone::{PhoneChoice, PhoneOwner, PhonePage, ReceivedMessage, Refreshing};

/// The only page of a demo portal.
#[derive(Serialize)]
pub struct PortalPage {
    /// Whose look it has.
    pub accent: Accent,
    /// Its name in Chinese.
    pub portal_name_zh: String,
    /// Its name in English.
    pub portal_name_en: String,
    /// Who has entered.
    pub signed_in: Option<SignedIn>,
    /// What has just been done.
    pub notice: Option<Notice>,
    /// Why what was tried came to nothing.
    pub problem: Option<Refusal>,
    /// Where login starts.
    pub login_href: String,
    /// The form of whoever has entered: it logs out, or renews what was received.
    pub form: Form,
    /// Where its other button posts.
    pub refresh_action: String,
    /// The demo's other portal, to be entered next.
    pub other: Option<Neighbor>,
    /// Where the demo starts.
    pub start_href: String,
}

/// What has just been done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Notice {
    /// Logged out here and at the provider.
    LoggedOut,
    /// New tokens and new claims.
    Refreshed,
    /// The login was ended at the provider or at another portal.
    EndedElsewhere,
    /// They did not agree at the provider, so nothing was received.
    Declined,
}

/// A demo portal's colors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Accent {
    /// Celadon, as Longquan makes it.
    Zhejiang,
    /// The red of the kapok.
    Guangdong,
}

/// Who has entered a demo portal, and everything the portal was given.
#[derive(Serialize)]
pub struct SignedIn {
    /// What the portal calls the person.
    pub display_name: String,
    /// Whether they logged in for this visit.
    pub entry: Entry,
    /// The claims.
    pub claims: Vec<Claim>,
    /// The tokens received.
    pub tokens: Vec<Token>,
    /// Until when the access token is good, if more can be had.
    pub renewable: Option<String>,
}

/// How somebody entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Entry {
    /// They logged in at the provider.
    Login,
    /// They had logged in before and typed nothing.
    SingleSignOn,
}

/// A claim that was received.
#[derive(Clone, Serialize)]
pub struct Claim {
    /// Its name.
    pub name: String,
    /// Its value, as JSON unless it is text.
    pub value: String,
    /// The value as people write it.
    pub reading: Option<String>,
    /// What it says, if it is one of those that are explained.
    pub meaning: Option<Meaning>,
    /// Whether the ID token has it.
    pub in_id_token: bool,
    /// Whether userinfo has it.
    pub in_userinfo: bool,
}

/// The claims that are explained.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[expect(
    missing_docs,
    reason = "the claims are named and defined by the specifications"
)]
pub enum Meaning {
    Sub,
    Name,
    PhoneNumber,
    PhoneNumberVerified,
    Acr,
    Amr,
    Aal,
    Ial,
    AuthTime,
    Sid,
    Iss,
    Aud,
    Exp,
    Iat,
    Nonce,
    AtHash,
}

impl Meaning {
    /// Every one, by the claim's name, in the order in which they are told.
    pub const ALL: [(&'static str, Self); 16] = [
        ("sub", Self::Sub),
        ("name", Self::Name),
        ("phone_number", Self::PhoneNumber),
        ("phone_number_verified", Self::PhoneNumberVerified),
        ("ial", Self::Ial),
        ("aal", Self::Aal),
        ("acr", Self::Acr),
        ("amr", Self::Amr),
        ("auth_time", Self::AuthTime),
        ("iss", Self::Iss),
        ("aud", Self::Aud),
        ("iat", Self::Iat),
        ("exp", Self::Exp),
        ("sid", Self::Sid),
        ("nonce", Self::Nonce),
        ("at_hash", Self::AtHash),
    ];

    /// What the claim of this name says.
    pub fn of(claim: &str) -> Option<Self> {
        let known = Self::ALL.iter().find(|(name, _)| *name == claim);
        known.map(|&(_, meaning)| meaning)
    }
}

/// A token that was received.
#[derive(Clone, Serialize)]
pub struct Token {
    /// Its name in the token answer.
    pub name: String,
    /// What is in it, or itself if that is not for the portal to read.
    pub content: String,
}

/// Why something came to nothing, as a portal shows it.
#[derive(Serialize)]
pub struct Refusal {
    /// `error`.
    pub code: String,
    /// What it means for the person, if anything can be said.
    pub advice: Option<Advice>,
}

/// What an error means for the person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Advice {
    /// It was too late, or another browser's.
    BeginAgain,
    /// The provider has ended their login.
    Ended,
    /// It may work in a moment.
    Later,
}

impl Advice {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::BeginAgain, Self::Ended, Self::Later];
}

/// Another portal.
#[derive(Clone, Serialize)]
pub struct Neighbor {
    /// Its name in Chinese.
    pub name_zh: String,
    /// Its name in English.
    pub name_en: String,
    /// Its address.
    pub href: String,
}

/// Where the demo starts: what to open and whom to be.
#[derive(Serialize)]
pub struct StartPage {
    /// The portals.
    pub portals: Vec<Neighbor>,
    /// The provider's address.
    pub provider_href: String,
    /// Whom to be.
    pub people: Vec<Person>,
    /// Whom else to be, and what to play.
    pub cast: Cast,
}

/// A synthetic person of the demo.
#[derive(Clone, Serialize)]
pub struct Person {
    /// Name.
    pub name: String,
    /// What to type as the user name.
    pub username: String,
    /// What to type as the password: synthetic, and shown on purpose.
    pub password: String,
    /// How well their identity is proven, as `L2`.
    pub level: String,
}

fn neighbor(name_zh: &str, name_en: &str, href: &str) -> Neighbor {
    Neighbor {
        name_zh: name_zh.to_owned(),
        name_en: name_en.to_owned(),
        href: href.to_owned(),
    }
}

fn sample_tokens() -> Vec<Token> {
    let id_token = "{\n  \"iss\": \"http://localhost:8080\",\n  \"sub\": \"p-5V0c2nq8\",\n  \"aud\": \"zj-social\",\n  \"acr\": \"urn:tongxing:aal:1\"\n}";
    [("id_token", id_token), ("access_token", sample::HOSTILE)]
        .map(|(name, content)| Token {
            name: name.to_owned(),
            content: content.to_owned(),
        })
        .to_vec()
}

fn sample_claims() -> Vec<Claim> {
    let claim = |name: &str, value: &str| Claim {
        name: name.to_owned(),
        value: value.to_owned(),
        reading: None,
        meaning: Meaning::of(name),
        in_id_token: true,
        in_userinfo: name == "sub",
    };
    let explained = Meaning::ALL.map(|(name, _)| claim(name, "p-5V0c2nq8mZ4rY7wK1xT3aB6dE9"));
    let told = Claim {
        reading: Some("2026-11-22 12:30:00 UTC+8".to_owned()),
        ..claim("updated_at", "1795321800")
    };
    let hostile = Claim {
        in_id_token: false,
        in_userinfo: true,
        ..claim(sample::HOSTILE, sample::HOSTILE)
    };
    explained.into_iter().chain([told, hostile]).collect()
}

fn sample_portal() -> PortalPage {
    PortalPage {
        accent: Accent::Zhejiang,
        portal_name_zh: "浙江社会保险".to_owned(),
        portal_name_en: "Zhejiang Social Insurance".to_owned(),
        signed_in: None,
        notice: None,
        problem: None,
        login_href: "/login".to_owned(),
        form: sample::form("/logout"),
        refresh_action: "/refresh".to_owned(),
        other: Some(neighbor(
            "广东企业登记",
            "Guangdong Business Registration",
            "http://guangdong.localhost:8082/",
        )),
        start_href: "http://localhost:8081/".to_owned(),
    }
}

fn sample_signed_in(entry: Entry, renewable: Option<&str>) -> SignedIn {
    SignedIn {
        display_name: "林晓雨".to_owned(),
        entry,
        claims: sample_claims(),
        tokens: sample_tokens(),
        renewable: renewable.map(str::to_owned),
    }
}

impl Page for PortalPage {
    const TEMPLATE: &'static str = "demo/portal.html";

    fn samples() -> Vec<Self> {
        let guangdong = || Self {
            accent: Accent::Guangdong,
            portal_name_zh: "广东企业登记".to_owned(),
            portal_name_en: "Guangdong Business Registration".to_owned(),
            ..sample_portal()
        };
        let refused = |advice| Self {
            problem: Some(Refusal {
                code: sample::HOSTILE.to_owned(),
                advice,
            }),
            other: None,
            ..guangdong()
        };
        let mut samples = vec![
            sample_portal(),
            Self {
                signed_in: Some(sample_signed_in(
                    Entry::Login,
                    Some("2026-11-22 12:35:00 UTC+8"),
                )),
                ..sample_portal()
            },
            refused(None),
            Self {
                notice: Some(Notice::LoggedOut),
                ..guangdong()
            },
            Self {
                notice: Some(Notice::EndedElsewhere),
                ..sample_portal()
            },
            Self {
                notice: Some(Notice::Declined),
                ..guangdong()
            },
            Self {
                signed_in: Some(sample_signed_in(Entry::SingleSignOn, None)),
                notice: Some(Notice::Refreshed),
                ..guangdong()
            },
        ];
        samples.extend(Advice::ALL.map(|advice| refused(Some(advice))));
        samples
    }
}

impl Page for StartPage {
    const TEMPLATE: &'static str = "demo/start.html";

    fn samples() -> Vec<Self> {
        let person = |name: &str, username: &str| Person {
            name: name.to_owned(),
            username: username.to_owned(),
            password: "tongxing-demo".to_owned(),
            level: "L2".to_owned(),
        };
        let start = |people, name| Self {
            portals: vec![
                neighbor(
                    "浙江社会保险",
                    "Zhejiang Social Insurance",
                    "http://zhejiang.localhost:8081/",
                ),
                neighbor(
                    "广东企业登记",
                    "Guangdong Business Registration",
                    "http://guangdong.localhost:8082/",
                ),
            ],
            provider_href: "http://localhost:8080/".to_owned(),
            people,
            cast: Cast::sample(name),
        };
        let people = vec![
            person("林晓雨", "13800000001"),
            person("古丽娜尔·买买提", "13800000003"),
        ];
        vec![
            start(people, "沈知遥"),
            start(
                vec![person(sample::HOSTILE, sample::HOSTILE)],
                sample::HOSTILE,
            ),
        ]
    }
}
