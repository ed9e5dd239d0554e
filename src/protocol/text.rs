//! Text with rules: what must not be printed, and what people will read on a page.
//!
//! A [`SecretText`] never shows its content in `Debug`; a [`DisplayText`] is short and cannot
//! rearrange or hide the page around it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A code, token, secret or hint as it travels: serializes, because its place is on the wire or in
/// a sealed value, but never prints.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SecretText(String);

impl SecretText {
    /// Hides `text`.
    #[must_use]
    pub const fn new(text: String) -> Self {
        Self(text)
    }

    /// The text itself: every use is a place to look at.
    #[must_use]
    pub const fn expose(&self) -> &str {
        self.0.as_str()
    }
}

impl From<&str> for SecretText {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// Text that is shown to people: trimmed, not empty, at most [`DisplayText::MAX_CHARS`] characters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DisplayText(String);

/// Text that must not be shown to people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DisplayTextError {
    /// Nothing but white space.
    #[error("is empty")]
    Empty,
    /// More than [`DisplayText::MAX_CHARS`] characters.
    #[error("is longer than {} characters", DisplayText::MAX_CHARS)]
    TooLong,
    /// A control character, or one that hides or reorders text.
    #[error("has a control, invisible or direction-changing character")]
    Forbidden,
}

impl DisplayText {
    /// The longest text, in characters.
    pub const MAX_CHARS: usize = 200;

    /// Checks `text`.
    pub fn parse(text: &str) -> Result<Self, DisplayTextError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(DisplayTextError::Empty);
        }
        if text.chars().count() > Self::MAX_CHARS {
            return Err(DisplayTextError::TooLong);
        }
        if text.chars().any(deceives) {
            return Err(DisplayTextError::Forbidden);
        }
        Ok(Self(text.to_owned()))
    }

    /// The text.
    #[must_use]
    pub const fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl TryFrom<String> for DisplayText {
    type Error = DisplayTextError;

    fn try_from(text: String) -> Result<Self, DisplayTextError> {
        Self::parse(&text)
    }
}

impl From<DisplayText> for String {
    fn from(text: DisplayText) -> Self {
        text.0
    }
}

impl fmt::Display for DisplayText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Characters by which a name could pretend to be another or break out of its place: controls,
/// bidirectional marks, embeddings, overrides and isolates, invisible and line-breaking ones, and
/// tags. Variation selectors stay, since Han and Mongolian names need them.
fn deceives(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{AD}'
                | '\u{34F}'
                | '\u{61C}'
                | '\u{115F}'..='\u{1160}'
                | '\u{180E}'
                | '\u{200B}'..='\u{200F}'
                | '\u{2028}'..='\u{202E}'
                | '\u{2060}'..='\u{206F}'
                | '\u{3164}'
                | '\u{FEFF}'
                | '\u{FFF9}'..='\u{FFFF}'
                | '\u{E0000}'..='\u{E00FF}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_never_prints() {
        let secret = SecretText::from("hunter2");
        assert_eq!(format!("{secret:?}"), "[redacted]");
        assert_eq!(secret.expose(), "hunter2");
    }

    #[test]
    fn names_of_people_and_portals_are_fine() {
        for text in [
            "浙江社保",
            "Portal 0",
            "阿卜杜拉·买买提",
            "𠮷野家",
            "e\u{301}",
        ] {
            assert_eq!(DisplayText::parse(text).unwrap().as_str(), text);
        }
        assert_eq!(DisplayText::parse("  a ").unwrap().as_str(), "a");
    }

    #[test]
    fn text_that_deceives_is_refused() {
        for text in [
            "a\u{202E}b",
            "a\u{2066}b",
            "a\nb",
            "a\u{0}",
            "a\u{200B}b",
            "a\u{7F}",
        ] {
            assert_eq!(DisplayText::parse(text), Err(DisplayTextError::Forbidden));
        }
        assert_eq!(DisplayText::parse(" \t "), Err(DisplayTextError::Empty));
        assert_eq!(
            DisplayText::parse(&"x".repeat(201)),
            Err(DisplayTextError::TooLong)
        );
    }
}
