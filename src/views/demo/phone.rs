//! "Your phone": the messages that the demo sent, as they arrive.
//!
//! The page keeps nothing: what is chosen there is in its links.

use serde::Serialize;

use crate::domain::instant::Instant;
use crate::views::local_time::LocalTime;
use crate::views::page::{Page, sample};

/// The phone of everybody in the demo, or of one of them.
#[derive(Serialize)]
pub struct PhonePage {
    /// The messages shown, newest first.
    pub messages: Vec<ReceivedMessage>,
    /// Whose messages can be shown, everybody's first.
    pub choices: Vec<PhoneChoice>,
    /// Whether the page comes again by itself.
    pub refreshing: Refreshing,
    /// This page, now.
    pub again_href: String,
    /// This page, refreshing by itself if it does not, and the other way round.
    pub switch_href: String,
    /// Where the demo starts.
    pub start_href: String,
}

/// Whether the page comes again by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Refreshing {
    /// Every few seconds.
    ByItself,
    /// When asked.
    Asked,
}

/// A message on a phone.
#[derive(Clone, Serialize)]
pub struct ReceivedMessage {
    /// The phone, in groups that can be read.
    pub phone: String,
    /// Whose it is, if it is one of the demo's people's.
    pub owner: Option<String>,
    /// When it was written.
    pub at: LocalTime,
    /// The code in it, if it is about one.
    pub code: Option<String>,
    /// What it says.
    pub text: String,
}

/// A phone whose messages can be shown alone.
#[derive(Clone, Serialize)]
pub struct PhoneChoice {
    /// Whose it is.
    pub whose: PhoneOwner,
    /// Its page.
    pub href: String,
    /// Whether it is the page at hand.
    pub current: bool,
}

/// Whose phone can be shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum PhoneOwner {
    /// All of them at once.
    Everybody,
    /// One person's.
    Person {
        /// Their name.
        name: String,
    },
    /// That of whoever used another's name, and has told none of their own.
    Squatter,
}

impl Page for PhonePage {
    const TEMPLATE: &'static str = "demo/phone.html";

    fn samples() -> Vec<Self> {
        let message = |owner: Option<&str>, code: Option<&str>, text: &str| ReceivedMessage {
            phone: "138 0000 0011".to_owned(),
            owner: owner.map(str::to_owned),
            at: LocalTime::of(Instant::from_seconds(1_795_321_800)),
            code: code.map(str::to_owned),
            text: text.to_owned(),
        };
        let choice = |whose, current| PhoneChoice {
            whose,
            href: "/phone?to=0011".to_owned(),
            current,
        };
        let person = |name: &str| PhoneOwner::Person {
            name: name.to_owned(),
        };
        let page = |messages, refreshing| Self {
            messages,
            choices: vec![
                choice(PhoneOwner::Everybody, true),
                choice(person("沈知遥"), false),
                choice(person(sample::HOSTILE), false),
                choice(PhoneOwner::Squatter, false),
            ],
            refreshing,
            again_href: "/phone".to_owned(),
            switch_href: "/phone?refresh=off".to_owned(),
            start_href: "http://localhost:8081/".to_owned(),
        };
        let messages = vec![
            message(Some("沈知遥"), Some("493817"), "【通行】验证码 493817。"),
            message(None, None, sample::HOSTILE),
            message(Some(sample::HOSTILE), None, "注册了账号"),
        ];
        vec![
            page(messages, Refreshing::ByItself),
            page(Vec::new(), Refreshing::Asked),
        ]
    }
}
