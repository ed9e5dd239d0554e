//! The languages that pages are written in, and the choice between them.

use serde::{Deserialize, Serialize};

use super::ui::Locales;

/// A language of our pages.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize,
)]
pub enum Language {
    /// Chinese as written on the mainland.
    #[default]
    #[serde(rename = "zh-CN")]
    ZhCn,
    /// English.
    #[serde(rename = "en")]
    En,
}

/// The longest `Accept-Language` worth reading.
const MAX_HEADER: usize = 512;

impl Language {
    /// Every language, for discovery and for tests of every page.
    pub const ALL: [Self; 2] = [Self::ZhCn, Self::En];

    /// The BCP 47 tag.
    #[must_use]
    pub const fn tag(self) -> &'static str {
        match self {
            Self::ZhCn => "zh-CN",
            Self::En => "en",
        }
    }

    /// The language that serves readers of `tag`: any Chinese, any English, or none of ours.
    #[must_use]
    pub fn for_tag(tag: &str) -> Option<Self> {
        let primary = tag.split(['-', '_']).next().unwrap_or_default();
        match primary.to_ascii_lowercase().as_str() {
            "zh" | "cmn" | "yue" | "zho" | "chi" => Some(Self::ZhCn),
            "en" | "eng" => Some(Self::En),
            _ => None,
        }
    }

    /// The first of `ui_locales` that we speak.
    #[must_use]
    pub fn from_locales(locales: &Locales) -> Option<Self> {
        locales.iter().find_map(Self::for_tag)
    }

    /// The best of an `Accept-Language` header (RFC 9110 §12.5.4).
    #[must_use]
    pub fn from_accept_language(header: &str) -> Option<Self> {
        let mut best: Option<(u16, Self)> = None;
        for range in header.get(..header.len().min(MAX_HEADER))?.split(',') {
            let mut parts = range.split(';');
            let language = Self::for_tag(parts.next().unwrap_or_default().trim());
            let weight = parts
                .find_map(|part| part.trim().strip_prefix("q="))
                .map_or(Some(1000), thousandths);
            if let (Some(language), Some(weight)) = (language, weight)
                && weight > best.map_or(0, |(weight, _)| weight)
            {
                best = Some((weight, language));
            }
        }
        best.map(|(_, language)| language)
    }
}

/// A quality value in thousandths: `0.8` is 800.
fn thousandths(text: &str) -> Option<u16> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if fraction.len() > 3 || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let fraction: u16 = format!("{fraction:0<3}").parse().ok()?;
    match whole {
        "0" => Some(fraction),
        "1" if fraction == 0 => Some(1000),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_first_that_we_speak_and_the_heaviest() {
        assert_eq!(
            Language::from_locales(&Locales::parse("fr en-GB")),
            Some(Language::En)
        );
        assert_eq!(Language::from_locales(&Locales::default()), None);
        for (header, expected) in [
            ("en-US,en;q=0.9,zh;q=0.8", Some(Language::En)),
            ("en;q=0.5, zh-TW", Some(Language::ZhCn)),
            ("en;q=0.8, zh;q=0.8", Some(Language::En)),
            ("fr, en;q=0", None),
            (",;q=,", None),
        ] {
            assert_eq!(Language::from_accept_language(header), expected, "{header}");
        }
    }

    #[test]
    fn weights_are_read_as_rfc_9110_writes_them() {
        assert_eq!(thousandths("0.8"), Some(800));
        assert_eq!(thousandths("1.000"), Some(1000));
        assert_eq!(thousandths("0"), Some(0));
        for bad in ["1.5", "2", "0.1234", "-1", "a", ""] {
            assert_eq!(thousandths(bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn never_panics(header in "\\PC{0,600}") {
            let _ = Language::from_accept_language(&header);
        }
    }
}
