//! My account: who I am, how well that is proven, where I am logged in, what I entered, and what
//! happened lately.
//!
//! Names and numbers are masked before they come here: the page is for recognizing, not for reading.

mod samples;

use serde::Serialize;

use super::consent::Received;
use super::home::IdentityLevel;
use super::link::WebLink;
use super::local_time::LocalTime;
use super::page::Form;
use crate::domain::check::CheckMethod;
use crate::domain::document::DocumentType;
use crate::domain::notice::NoticeKind;

/// `/account`.
#[derive(Serialize)]
pub struct AccountPage {
    /// What has just come to pass, if it is what led here.
    pub done: Option<Done>,
    /// The masked name.
    pub person: String,
    /// How well the identity is proven.
    pub level: IdentityLevel,
    /// The identity documents.
    pub documents: Vec<HeldDocument>,
    /// The phones.
    pub phones: Vec<HeldPhone>,
    /// The checks that the level rests on, and those that have run out.
    pub checks: Vec<PassedCheck>,
    /// Where the person is logged in, this browser first.
    pub sessions: Vec<LiveSession>,
    /// The form that ends all sessions but this one, if there are others.
    pub end_others: Option<Form>,
    /// The portals entered, the last one first.
    pub portals: Vec<EnteredPortal>,
    /// What happened lately, the last first.
    pub notices: Vec<Notice>,
    /// The form that logs out here.
    pub logout: Form,
}

/// What somebody has just brought about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Done {
    /// They have an account.
    Registered,
    /// They have it back.
    Recovered,
    /// A portal receives nothing more.
    Withdrawn,
}

/// An identity document of the account.
#[derive(Serialize)]
pub struct HeldDocument {
    /// Its kind.
    pub document_type: DocumentType,
    /// Its masked number.
    pub number: String,
}

/// A phone of the account.
#[derive(Serialize)]
pub struct HeldPhone {
    /// Its masked number.
    pub number: String,
    /// When it was last confirmed, if ever.
    pub confirmed_at: Option<LocalTime>,
    /// Whether it still logs in and recovers.
    pub standing: Standing,
    /// The form that sends a code to confirm it again, where codes can be sent.
    pub confirm: Option<Form>,
}

/// Whether something still counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// It counts.
    InForce,
    /// It has run out: a check is past its time, a phone was not confirmed for 180 days.
    Lapsed,
}

/// A check that agreed.
#[derive(Serialize)]
pub struct PassedCheck {
    /// How.
    pub method: CheckMethod,
    /// Who answered.
    pub authority: String,
    /// When.
    pub performed_at: LocalTime,
    /// Until when it counts, if it runs out.
    pub expires_at: Option<LocalTime>,
    /// Whether it still counts.
    pub standing: Standing,
}

/// A login that has not ended.
#[derive(Serialize)]
pub struct LiveSession {
    /// The browser and device, such as `Chrome · Android`, if known.
    pub device: Option<String>,
    /// Since when.
    pub since: LocalTime,
    /// Whether it is the one at hand.
    pub place: SessionPlace,
}

/// Where a session is, as seen from this browser.
#[derive(Serialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum SessionPlace {
    /// It is this browser's.
    Here,
    /// It is another's.
    Elsewhere {
        /// The form that ends it.
        end: Form,
    },
}

/// A portal that the person has entered.
#[derive(Serialize)]
pub struct EnteredPortal {
    /// Its name.
    pub name: String,
    /// Its address, if it has told one.
    pub href: Option<WebLink>,
    /// Since when it receives what it does.
    pub since: LocalTime,
    /// What it receives.
    pub receives: Vec<Received>,
    /// The form that takes the consent back, where it rests on one and not on a law.
    pub withdraw: Option<Form>,
}

/// Something that happened to the account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Notice {
    /// What.
    pub kind: NoticeKind,
    /// When.
    pub at: LocalTime,
    /// The name of the portal that it is about, if it is about one.
    pub portal: Option<String>,
}
