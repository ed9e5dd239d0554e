//! Members with language tags: `client_name`, `client_name#zh-CN` (RFC 7591 §2.2).

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value};

use super::bad;
use crate::protocol::error::OAuthError;
use crate::protocol::language::Language;
use crate::protocol::ui::is_language_tag;

/// A value, and versions of it for some languages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Localized<T> {
    plain: Option<T>,
    by_language: BTreeMap<String, T>,
}

const MAX_LANGUAGES: usize = 20;

impl<T> Default for Localized<T> {
    fn default() -> Self {
        Self {
            plain: None,
            by_language: BTreeMap::new(),
        }
    }
}

impl<T> Localized<T> {
    /// The version for readers of `language`: its own tag, then any tag of that language, then the
    /// untagged one, then whatever there is.
    #[must_use]
    pub fn choose(&self, language: Language) -> Option<&T> {
        self.by_language
            .iter()
            .find(|(tag, _)| tag.eq_ignore_ascii_case(language.tag()))
            .or_else(|| {
                self.by_language
                    .iter()
                    .find(|(tag, _)| Language::for_tag(tag) == Some(language))
            })
            .map(|(_, value)| value)
            .or(self.plain.as_ref())
            .or_else(|| self.by_language.values().next())
    }

    /// The untagged version.
    #[must_use]
    pub const fn plain(&self) -> Option<&T> {
        self.plain.as_ref()
    }

    /// Whether there is no version at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.plain.is_none() && self.by_language.is_empty()
    }

    /// Reads `name` and its tagged versions among `other`.
    pub(super) fn read<E: std::fmt::Display>(
        name: &str,
        plain: Option<&str>,
        other: &Map<String, Value>,
        parse: impl Fn(&str) -> Result<T, E>,
    ) -> Result<Self, OAuthError> {
        let parse = |member: &str, text: &str| parse(text).map_err(|error| bad(member, error));
        let plain = plain.map(|text| parse(name, text)).transpose()?;
        let mut by_language = BTreeMap::new();
        for (member, value) in other {
            let Some(tag) = member
                .strip_prefix(name)
                .and_then(|rest| rest.strip_prefix('#'))
            else {
                continue;
            };
            if value.is_null() {
                continue;
            }
            let text = value
                .as_str()
                .filter(|_| is_language_tag(tag))
                .ok_or_else(|| bad(name, "has a version that is not a text with a language tag"))?;
            if by_language.len() == MAX_LANGUAGES {
                return Err(bad(name, "has too many languages"));
            }
            by_language.insert(tag.to_owned(), parse(member, text)?);
        }
        Ok(Self { plain, by_language })
    }
}

impl<T: Clone + Into<String>> Localized<T> {
    /// The untagged text, with the tagged ones added to `other`.
    pub(super) fn write(&self, name: &str, other: &mut Map<String, Value>) -> Option<String> {
        for (tag, value) in &self.by_language {
            other.insert(format!("{name}#{tag}"), Value::String(value.clone().into()));
        }
        self.plain.clone().map(Into::into)
    }
}
