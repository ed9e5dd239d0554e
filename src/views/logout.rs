//! Leaving: the question, and what is said afterwards.

use serde::Serialize;

use super::link::WebLink;
use super::page::{Form, Page, sample};

/// `/logout`: asks, since anybody can send somebody here.
#[derive(Serialize)]
pub struct LogoutPage {
    /// The form; its buttons send `decision` as `confirm` or `cancel`.
    pub form: Form,
    /// The masked name of who would leave.
    pub person: String,
    /// The name of the portal that asked for it, if one did.
    pub portal: Option<String>,
}

/// What is shown when somebody has left, or has chosen to stay.
#[derive(Serialize)]
pub struct LoggedOutPage {
    /// Which of the two.
    pub outcome: LogoutOutcome,
    /// A way back to the portal.
    pub portal: Option<PortalLink>,
    /// The portals that have not confirmed that they have ended their logins.
    pub unconfirmed: Vec<UnconfirmedPortal>,
}

/// How a logout ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LogoutOutcome {
    /// The session is over, or there was none.
    LoggedOut,
    /// The person chose to stay logged in.
    Stayed,
}

/// A portal where somebody may still be logged in.
#[derive(Serialize)]
pub struct UnconfirmedPortal {
    /// Its name.
    pub name: String,
    /// Its address, if it has told one.
    pub href: Option<WebLink>,
}

/// A way back to a portal.
#[derive(Clone, Serialize)]
pub struct PortalLink {
    /// The portal's name.
    pub name: String,
    /// Its address.
    pub href: WebLink,
}

impl PortalLink {
    pub(super) fn sample(name: &str) -> Option<Self> {
        let href = WebLink::parse("https://sb.zj.example/?a=1&b=2")?;
        Some(Self {
            name: name.to_owned(),
            href,
        })
    }
}

impl Page for LogoutPage {
    const TEMPLATE: &'static str = "logout.html";

    fn samples() -> Vec<Self> {
        vec![
            Self {
                form: sample::form("/logout"),
                person: "张*".to_owned(),
                portal: Some("浙江社会保险".to_owned()),
            },
            Self {
                form: sample::form("/logout"),
                person: "张*".to_owned(),
                portal: None,
            },
            Self {
                form: sample::form(sample::HOSTILE),
                person: sample::HOSTILE.to_owned(),
                portal: Some(sample::HOSTILE.to_owned()),
            },
        ]
    }
}

impl Page for LoggedOutPage {
    const TEMPLATE: &'static str = "logged_out.html";

    fn samples() -> Vec<Self> {
        let unconfirmed = |name: &str, address| UnconfirmedPortal {
            name: name.to_owned(),
            href: WebLink::parse(address),
        };
        vec![
            Self {
                outcome: LogoutOutcome::LoggedOut,
                portal: PortalLink::sample("浙江社会保险"),
                unconfirmed: vec![
                    unconfirmed("广东企业登记", "https://qy.gd.example/"),
                    unconfirmed("社保局", "http://10.0.0.1/"),
                    unconfirmed(sample::HOSTILE, sample::HOSTILE),
                ],
            },
            Self {
                outcome: LogoutOutcome::LoggedOut,
                portal: PortalLink::sample("浙江社会保险"),
                unconfirmed: Vec::new(),
            },
            Self {
                outcome: LogoutOutcome::LoggedOut,
                portal: None,
                unconfirmed: Vec::new(),
            },
            Self {
                outcome: LogoutOutcome::Stayed,
                portal: PortalLink::sample(sample::HOSTILE),
                unconfirmed: Vec::new(),
            },
            Self {
                outcome: LogoutOutcome::Stayed,
                portal: None,
                unconfirmed: Vec::new(),
            },
        ]
    }
}
