//! The wording of messages to people.
//!
//! Short enough for a text message, and the same by e-mail. A text says who writes and what it is
//! about; a code's is the same whether or not anybody is known by the number.

use chrono::{DateTime, FixedOffset, Utc};
use fluent_bundle::FluentArgs;

use super::catalog::Catalog;
pub use super::catalog::CatalogError;
use super::locale::Locale;
use crate::domain::instant::Instant;
use crate::domain::message::{Message, MessageText};

/// The texts of messages in every language.
pub struct MessageTexts {
    zh_cn: Catalog,
    en: Catalog,
}

impl MessageTexts {
    /// Reads all texts.
    pub fn new() -> Result<Self, CatalogError> {
        Ok(Self {
            zh_cn: Catalog::load(Locale::ZhCn)?,
            en: Catalog::load(Locale::En)?,
        })
    }

    /// The message in its language.
    pub fn render(&self, message: &Message) -> Result<String, CatalogError> {
        let catalog = match message.locale {
            Locale::ZhCn => &self.zh_cn,
            Locale::En => &self.en,
        };
        let (key, values) = wording(&message.text);
        catalog.text(key, &values)
    }
}

/// The text's key, and what is set into it.
pub(super) fn wording(text: &MessageText) -> (&'static str, FluentArgs<'_>) {
    let mut values = FluentArgs::new();
    if let Some(code) = text.code() {
        values.set("code", code.as_str());
    }
    let key = match text {
        MessageText::RegistrationCode { .. } => "message-registration_code",
        MessageText::RecoveryCode { .. } => "message-recovery_code",
        MessageText::PhoneCode { .. } => "message-phone_code",
        MessageText::AccountRegistered => "message-account_registered",
        MessageText::AccountRecovered { at } => {
            values.set("at", beijing_time(*at));
            "message-account_recovered"
        }
        MessageText::DocumentTakenOver { at } => {
            values.set("at", beijing_time(*at));
            "message-document_taken_over"
        }
        MessageText::PhoneLeft { at, masked_phone } => {
            values.set("at", beijing_time(*at));
            values.set("phone", masked_phone.as_str());
            "message-phone_left"
        }
    };
    (key, values)
}

/// `2026-11-22 14:05`: the one time of the whole country.
fn beijing_time(at: Instant) -> String {
    const EIGHT_HOURS: i32 = 8 * 3600;
    let utc = DateTime::<Utc>::from_timestamp_millis(at.as_millis());
    match (utc, FixedOffset::east_opt(EIGHT_HOURS)) {
        (Some(utc), Some(offset)) => {
            let local = utc.with_timezone(&offset);
            local.format("%Y-%m-%d %H:%M").to_string()
        }
        _ => at.to_string(),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::domain::message::Recipient;
    use crate::domain::one_time_code::OneTimeCode;
    use crate::domain::phone::PhoneNumber;

    /// One of every kind.
    pub(in crate::views) fn samples() -> Vec<MessageText> {
        let code = OneTimeCode::parse("012345").unwrap();
        // 16:05 in Greenwich: the next day in Beijing.
        let at = Instant::parse_rfc3339("2026-11-22T16:05:09Z").unwrap();
        vec![
            MessageText::RegistrationCode { code: code.clone() },
            MessageText::RecoveryCode { code: code.clone() },
            MessageText::PhoneCode { code },
            MessageText::AccountRegistered,
            MessageText::AccountRecovered { at },
            MessageText::DocumentTakenOver { at },
            MessageText::PhoneLeft {
                at,
                masked_phone: "+*********4321".to_owned(),
            },
        ]
    }

    fn render_all(locale: Locale) -> Vec<(MessageText, String)> {
        let texts = MessageTexts::new().unwrap();
        let phone = PhoneNumber::parse("13800000001").unwrap();
        samples()
            .into_iter()
            .map(|text| {
                let to = Recipient::Phone(phone.clone());
                let message = Message { to, locale, text };
                let rendered = texts.render(&message).unwrap();
                (message.text, rendered)
            })
            .collect()
    }

    #[test]
    fn every_text_is_short_and_says_who_writes() {
        for (locale, sender, longest) in [
            (Locale::ZhCn, "【通行】", 140),
            (Locale::En, "[Tongxing] ", 306),
        ] {
            let mut all = Vec::new();
            for (_, text) in render_all(locale) {
                assert!(text.starts_with(sender), "{text}");
                let length = text.chars().count();
                assert!(length <= longest, "{length}: {text}");
                assert!(!all.contains(&text), "two kinds in the same words: {text}");
                all.push(text);
            }
        }
    }

    #[test]
    fn english_texts_fit_the_letters_of_text_messages() {
        for (_, text) in render_all(Locale::En) {
            // Any other would halve what fits (GSM 03.38 §6.2.1).
            assert!(text.is_ascii() && !text.contains('`'), "{text}");
        }
    }

    #[test]
    fn a_code_is_told_with_its_time_and_a_warning() {
        for (locale, minutes, warning) in [
            (Locale::ZhCn, "10 分钟", "请勿告诉任何人"),
            (Locale::En, "10 minutes", "Never share it"),
        ] {
            for (kind, text) in render_all(locale) {
                let told = text.contains("012345");
                assert_eq!(told, kind.code().is_some(), "{text}");
                assert_eq!(told, text.contains(minutes), "{text}");
                assert_eq!(told, text.contains(warning), "{text}");
            }
        }
    }

    #[test]
    fn times_are_those_of_the_country() {
        for locale in Locale::ALL {
            for (kind, text) in render_all(locale) {
                let dated = matches!(
                    kind,
                    MessageText::AccountRecovered { .. }
                        | MessageText::DocumentTakenOver { .. }
                        | MessageText::PhoneLeft { .. }
                );
                assert_eq!(dated, text.contains("2026-11-23 00:05"), "{text}");
            }
        }
    }
}
