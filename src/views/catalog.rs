//! The texts of one language, by key.
//!
//! A text that is missing, or that lacks one of its values, is an error and never an empty place
//! on a page.

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentError, FluentResource};
use unic_langid::LanguageIdentifier;

use super::locale::Locale;
use crate::domain::document::DocumentType;

/// The files of a language as they are written.
pub(super) const fn sources(locale: Locale) -> &'static [&'static str] {
    match locale {
        Locale::ZhCn => &[
            include_str!("../../templates/locales/zh-CN.ftl"),
            include_str!("../../templates/locales/zh-CN/account.ftl"),
            include_str!("../../templates/locales/zh-CN/demo.ftl"),
            include_str!("../../templates/locales/zh-CN/privacy.ftl"),
            include_str!("../../templates/locales/zh-CN/registration.ftl"),
        ],
        Locale::En => &[
            include_str!("../../templates/locales/en.ftl"),
            include_str!("../../templates/locales/en/account.ftl"),
            include_str!("../../templates/locales/en/demo.ftl"),
            include_str!("../../templates/locales/en/privacy.ftl"),
            include_str!("../../templates/locales/en/registration.ftl"),
        ],
    }
}

/// Why a catalog or one of its texts cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum CatalogError {
    /// A file is not Fluent, or says something twice.
    #[error("texts of {0}: {1}")]
    Malformed(&'static str, String),
    /// No text has this key.
    #[error("no text {0} in {1}")]
    Missing(String, &'static str),
    /// The text could not be put together.
    #[error("text {0} in {1}: {2}")]
    Unresolved(String, &'static str, String),
}

/// What a kind of document is called in a language.
pub fn document_name(kind: DocumentType, locale: Locale) -> Result<String, CatalogError> {
    let key = format!("document-{}", kind.as_str());
    Catalog::load(locale)?.text(&key, &FluentArgs::new())
}

/// All texts of one language.
pub(super) struct Catalog {
    tag: &'static str,
    bundle: FluentBundle<FluentResource>,
}

impl Catalog {
    /// Reads the embedded files of `locale`.
    pub(super) fn load(locale: Locale) -> Result<Self, CatalogError> {
        let tag = locale.tag();
        let language: LanguageIdentifier = tag
            .parse()
            .map_err(|_| CatalogError::Malformed(tag, "no language tag".to_owned()))?;
        let mut bundle = FluentBundle::new_concurrent(vec![language]);
        // The marks that isolate directions would end up in attributes and titles; both our
        // scripts run left to right, and templates isolate names by <bdi>.
        bundle.set_use_isolating(false);
        for source in sources(locale) {
            let resource = FluentResource::try_new((*source).to_owned())
                .map_err(|(_, errors)| CatalogError::Malformed(tag, join(&errors)))?;
            bundle
                .add_resource(resource)
                .map_err(|errors| CatalogError::Malformed(tag, join::<FluentError>(&errors)))?;
        }
        Ok(Self { tag, bundle })
    }

    /// The text of `key` (`message` or `message.attribute`) with its values set in.
    pub(super) fn text(&self, key: &str, values: &FluentArgs<'_>) -> Result<String, CatalogError> {
        let (id, attribute) = match key.split_once('.') {
            Some((id, attribute)) => (id, Some(attribute)),
            None => (key, None),
        };
        let pattern = self
            .bundle
            .get_message(id)
            .and_then(|message| match attribute {
                Some(name) => message.get_attribute(name).map(|found| found.value()),
                None => message.value(),
            })
            .ok_or_else(|| CatalogError::Missing(key.to_owned(), self.tag))?;
        let mut errors = Vec::new();
        let text = self
            .bundle
            .format_pattern(pattern, Some(values), &mut errors);
        if errors.is_empty() {
            Ok(text.into_owned())
        } else {
            Err(CatalogError::Unresolved(
                key.to_owned(),
                self.tag,
                join(&errors),
            ))
        }
    }
}

fn join<E: ToString>(errors: &[E]) -> String {
    errors
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_text_or_value_is_an_error() {
        let catalog = Catalog::load(Locale::En).unwrap();
        let mut values = FluentArgs::new();
        assert!(matches!(
            catalog.text("no-such-text", &values),
            Err(CatalogError::Missing(key, "en")) if key == "no-such-text"
        ));
        assert!(matches!(
            catalog.text("back-to-portal", &values),
            Err(CatalogError::Unresolved(..))
        ));
        values.set("portal", "{ $other }");
        assert!(
            catalog
                .text("back-to-portal", &values)
                .unwrap()
                .contains("{ $other }")
        );
    }
}
