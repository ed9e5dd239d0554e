//! How the client wants pages to look: `display`, `ui_locales`, `claims_locales` (OIDC Core
//! §3.1.2.1). All of it is a wish; a value that makes no sense is ignored, never an error.

use serde::{Deserialize, Serialize};

/// What kind of window the pages are in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Display {
    /// A full page.
    #[default]
    Page,
    /// A small window.
    Popup,
    /// A touch screen.
    Touch,
    /// A feature phone.
    Wap,
}

impl Display {
    /// Every value, for discovery.
    pub const ALL: [Self; 4] = [Self::Page, Self::Popup, Self::Touch, Self::Wap];

    /// The value as sent.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Page => "page",
            Self::Popup => "popup",
            Self::Touch => "touch",
            Self::Wap => "wap",
        }
    }

    /// Reads `display`.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        Self::ALL
            .into_iter()
            .find(|display| display.as_str() == text)
            .unwrap_or_default()
    }
}

/// Language tags in order of preference (BCP 47), at most ten.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Locales(Vec<String>);

const MAX_LOCALES: usize = 10;
const MAX_TAG_LENGTH: usize = 35;

impl Locales {
    /// Reads `ui_locales` or `claims_locales`; what is not a tag is left out.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let tags = text.split(' ').filter(|tag| is_language_tag(tag));
        Self(tags.take(MAX_LOCALES).map(str::to_owned).collect())
    }

    /// The tags, most preferred first.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// Whether nothing was asked for.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// The form of BCP 47 tags: parts of one to eight letters and digits, the first letters only.
pub(super) fn is_language_tag(text: &str) -> bool {
    let part = |part: &str| {
        (1..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric())
    };
    text.len() <= MAX_TAG_LENGTH
        && text.split('-').all(part)
        && text.split('-').next().is_some_and(|first| {
            first.len() >= 2 && first.bytes().all(|byte| byte.is_ascii_alphabetic())
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn nonsense_is_ignored() {
        assert_eq!(Display::parse("hologram"), Display::Page);
        assert_eq!(Display::parse("touch"), Display::Touch);
        let locales = Locales::parse("zh-CN <script> en  x-y de-1901-verylongpart");
        assert_eq!(locales.iter().collect::<Vec<_>>(), ["zh-CN", "en"]);
        assert!(Locales::parse("").is_empty());
    }

    proptest! {
        #[test]
        fn never_panics_and_stays_small(text in "\\PC{0,300}") {
            let locales = Locales::parse(&text);
            prop_assert!(locales.iter().count() <= MAX_LOCALES);
            prop_assert!(locales.iter().all(is_language_tag));
        }
    }
}
