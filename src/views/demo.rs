//! The demo's pages: two portals of different provinces, and the page that tells where to start.
//!
//! They are pages of somebody else, so they have a frame and a stylesheet of their own.

use serde::Serialize;

use super::page::{Form, Page, sample};

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
    /// Why the last login came to nothing.
    pub problem: Option<Refusal>,
    /// Where login starts.
    pub login_href: String,
    /// The form that logs out.
    pub logout: Form,
    /// The demo's other portal, to be entered next.
    pub other: Option<Neighbor>,
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
    /// The claims, by name.
    pub claims: Vec<(String, String)>,
    /// The tokens received, by name, decoded.
    pub tokens: Vec<(String, String)>,
}

/// An error answer of the provider, as a portal shows it.
#[derive(Serialize)]
pub struct Refusal {
    /// `error`.
    pub code: String,
    /// `error_description`.
    pub description: String,
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
}

fn neighbor(name_zh: &str, name_en: &str, href: &str) -> Neighbor {
    Neighbor {
        name_zh: name_zh.to_owned(),
        name_en: name_en.to_owned(),
        href: href.to_owned(),
    }
}

fn sample_tokens() -> Vec<(String, String)> {
    let id_token = "{\n  \"iss\": \"http://localhost:8080\",\n  \"sub\": \"p-5V0c2nq8\",\n  \"aud\": \"zj-social\",\n  \"acr\": \"urn:tongxing:aal:1\"\n}";
    vec![
        ("id_token".to_owned(), id_token.to_owned()),
        ("access_token".to_owned(), sample::HOSTILE.to_owned()),
    ]
}

fn sample_claims() -> Vec<(String, String)> {
    [
        ("sub", "p-5V0c2nq8mZ4rY7wK1xT3aB6dE9"),
        ("name", "张伟"),
        ("phone_number", "+8613800000000"),
        ("acr", "urn:tongxing:aal:1"),
        (sample::HOSTILE, sample::HOSTILE),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .to_vec()
}

impl Page for PortalPage {
    const TEMPLATE: &'static str = "demo/portal.html";

    fn samples() -> Vec<Self> {
        let guangdong = neighbor(
            "广东企业登记",
            "Guangdong Business Registration",
            "http://guangdong.localhost:8082/",
        );
        let zhejiang = || Self {
            accent: Accent::Zhejiang,
            portal_name_zh: "浙江社会保险".to_owned(),
            portal_name_en: "Zhejiang Social Insurance".to_owned(),
            signed_in: None,
            problem: None,
            login_href: "/login".to_owned(),
            logout: sample::form("/logout"),
            other: Some(guangdong.clone()),
        };
        vec![
            zhejiang(),
            Self {
                signed_in: Some(SignedIn {
                    display_name: "张伟".to_owned(),
                    claims: sample_claims(),
                    tokens: sample_tokens(),
                }),
                ..zhejiang()
            },
            Self {
                accent: Accent::Guangdong,
                portal_name_zh: "广东企业登记".to_owned(),
                portal_name_en: "Guangdong Business Registration".to_owned(),
                problem: Some(Refusal {
                    code: "access_denied".to_owned(),
                    description: sample::HOSTILE.to_owned(),
                }),
                other: None,
                ..zhejiang()
            },
        ]
    }
}

impl Page for StartPage {
    const TEMPLATE: &'static str = "demo/start.html";

    fn samples() -> Vec<Self> {
        let person = |name: &str, username: &str| Person {
            name: name.to_owned(),
            username: username.to_owned(),
            password: "tongxing-demo-1".to_owned(),
        };
        let start = |people| Self {
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
        };
        vec![
            start(vec![
                person("张伟", "13800000000"),
                person("欧阳娜娜", "11010519491231002X"),
            ]),
            start(vec![person(sample::HOSTILE, sample::HOSTILE)]),
        ]
    }
}
