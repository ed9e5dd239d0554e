//! Which language somebody gets.
//!
//! A language chosen by hand (switch or cookie) wins over what the portal asked (`ui_locales`),
//! and that over the browser's preference. Pure: where the three come from is not known here.

pub use crate::protocol::language::Language as Locale;
use crate::protocol::ui::Locales;

/// Chooses a language: `switch` is what the person chose by hand, `ui_locales` what the portal
/// asked (OpenID Connect Core §3.1.2.1: never an error), and `accept_language` the browser's
/// header. Who wants none of ours gets `default`.
pub fn negotiate(
    ui_locales: Option<&str>,
    switch: Option<&str>,
    accept_language: Option<&str>,
    default: Locale,
) -> Locale {
    switch
        .and_then(Locale::for_tag)
        .or_else(|| Locale::from_locales(&Locales::parse(ui_locales?)))
        .or_else(|| Locale::from_accept_language(accept_language?))
        .unwrap_or(default)
}

/// The direction of a language's script, as in `<html dir>`.
pub(super) const fn direction(locale: Locale) -> &'static str {
    match locale {
        Locale::ZhCn | Locale::En => "ltr",
    }
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
    fn a_hostile_header_is_read_in_part_only() {
        let header = "x,".repeat(100_000) + "en";
        assert_eq!(negotiate(None, None, Some(&header), ZhCn), ZhCn);
    }
}
