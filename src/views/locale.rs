//! The languages of the pages, and which of them somebody gets.
//!
//! A language asked for by hand (switch or cookie) wins over what the portal asked (`ui_locales`),
//! and that over the browser's preference. Pure: where the three come from is not known here.

/// A language that every page speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Locale {
    /// Chinese, simplified.
    ZhCn,
    /// English.
    En,
}

/// More ranges than any browser sends; the rest of a longer header is not read.
const MAX_RANGES: usize = 32;

impl Locale {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::ZhCn, Self::En];

    /// The BCP 47 tag, as in `<html lang>` and in the `lang` parameter of the switch.
    pub const fn tag(self) -> &'static str {
        match self {
            Self::ZhCn => "zh-CN",
            Self::En => "en",
        }
    }

    /// The direction of its script, as in `<html dir>`.
    pub const fn direction(self) -> &'static str {
        match self {
            Self::ZhCn | Self::En => "ltr",
        }
    }

    /// The locale for a language tag. Only the primary language counts: traditional Chinese is
    /// nearer to a reader of `zh-TW` than English.
    pub fn from_tag(tag: &str) -> Option<Self> {
        let primary = tag.trim().split(['-', '_']).next()?;
        if primary.eq_ignore_ascii_case("zh") {
            Some(Self::ZhCn)
        } else if primary.eq_ignore_ascii_case("en") {
            Some(Self::En)
        } else {
            None
        }
    }
}

/// Chooses a language: `switch` is what the person chose by hand, `ui_locales` what the portal
/// asked (OpenID Connect Core §3.1.2.1: tags in order of preference, never an error), and
/// `accept_language` the browser's header. Who wants none of ours gets `default`.
pub fn negotiate(
    ui_locales: Option<&str>,
    switch: Option<&str>,
    accept_language: Option<&str>,
    default: Locale,
) -> Locale {
    switch
        .and_then(Locale::from_tag)
        .or_else(|| {
            ui_locales?
                .split_ascii_whitespace()
                .take(MAX_RANGES)
                .find_map(Locale::from_tag)
        })
        .or_else(|| from_accept_language(accept_language?, default))
        .unwrap_or(default)
}

/// The best of RFC 9110 §12.5.4; of equal weights the first.
fn from_accept_language(header: &str, default: Locale) -> Option<Locale> {
    let mut best: Option<(u16, Locale)> = None;
    for range in header.split(',').take(MAX_RANGES) {
        let mut parts = range.split(';');
        let tag = parts.next().unwrap_or_default().trim();
        let weight = parts.next().map_or(Some(1000), thousandths);
        let locale = if tag == "*" {
            Some(default)
        } else {
            Locale::from_tag(tag)
        };
        if let (Some(locale), Some(weight)) = (locale, weight)
            && weight > best.map_or(0, |(best, _)| best)
        {
            best = Some((weight, locale));
        }
    }
    best.map(|(_, locale)| locale)
}

/// `q=0.8` as 800; nothing for what is no weight.
fn thousandths(parameter: &str) -> Option<u16> {
    let value = parameter
        .trim()
        .strip_prefix(['q', 'Q'])?
        .trim_start()
        .strip_prefix('=')?
        .trim();
    let (whole, fraction) = value.split_once('.').unwrap_or((value, ""));
    if fraction.len() > 3 || !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let weight = format!("{whole}{fraction:0<3}").parse().ok()?;
    (weight <= 1000).then_some(weight)
}

#[cfg(test)]
mod tests {
    use super::Locale::{En, ZhCn};
    use super::*;

    #[test]
    fn the_hand_wins_over_the_portal_and_the_portal_over_the_browser() {
        assert_eq!(negotiate(Some("en"), Some("zh-CN"), Some("en"), En), ZhCn);
        assert_eq!(negotiate(Some("zh-CN"), None, Some("en"), En), ZhCn);
        assert_eq!(negotiate(None, None, Some("zh"), En), ZhCn);
        assert_eq!(negotiate(None, None, None, ZhCn), ZhCn);
    }

    #[test]
    fn what_is_unknown_is_passed_over() {
        assert_eq!(
            negotiate(Some("fr tlh zh-Hans"), Some("xx"), Some("en"), En),
            ZhCn
        );
        assert_eq!(
            negotiate(Some("fr"), None, Some("de;q=1, en;q=0.1"), ZhCn),
            En
        );
        assert_eq!(negotiate(Some(""), Some(""), Some(",;q=,"), ZhCn), ZhCn);
    }

    #[test]
    fn the_browser_is_heard_by_weight() {
        for (header, expected) in [
            ("zh-CN,zh;q=0.9,en;q=0.8", ZhCn),
            ("en-GB, zh;q=0.9", En),
            ("en;q=0.5, zh-TW;q=0.51", ZhCn),
            ("en;q=0.8, zh;q=0.8", En),
            ("zh;q=0, en;q=0.001", En),
            ("en;q=0", ZhCn),
            ("fr, *;q=0.5, en;q=0.1", ZhCn),
            ("en;q=2, zh;q=0.1", ZhCn),
            ("en;q=0.1234, zh;q=0.1", ZhCn),
            ("en; Q = 1 , zh;q=0.9", En),
        ] {
            assert_eq!(
                negotiate(None, None, Some(header), ZhCn),
                expected,
                "{header}"
            );
        }
    }

    #[test]
    fn a_hostile_header_is_read_in_part_only() {
        let header = "x,".repeat(100_000) + "en";
        assert_eq!(negotiate(None, None, Some(&header), ZhCn), ZhCn);
    }
}
