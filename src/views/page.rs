//! What every page has: a template, samples, a frame around it, and often a form.

use serde::Serialize;

use super::locale::Locale;
use super::text_size::TextSize;

/// A page: the facts its template shows, as `page`.
pub trait Page: Serialize + Sized {
    /// The template's name.
    const TEMPLATE: &'static str;

    /// The page in each state it can have, hostile texts included: what tests render in every
    /// language.
    fn samples() -> Vec<Self>;
}

/// What surrounds a page.
#[derive(Clone, Debug)]
pub struct Chrome {
    /// The language to speak.
    pub locale: Locale,
    /// The same page in each language.
    pub languages: LanguageLinks,
    /// How large the letters are.
    pub text_size: TextSize,
    /// The same page in the other size.
    pub text_href: String,
}

impl Chrome {
    /// What a link to another site of the demo takes along: cookies do not.
    pub(super) fn choices(&self) -> String {
        let text = match self.text_size {
            TextSize::Normal => "",
            TextSize::Large => "text=large&",
        };
        format!("{text}lang={}", self.locale.tag())
    }
}

/// The addresses of the page at hand with `lang=` set.
#[derive(Clone, Debug, Serialize)]
pub struct LanguageLinks {
    /// For simplified Chinese.
    pub zh_cn: String,
    /// For English.
    pub en: String,
}

/// A field that travels with a form unseen, such as the interaction and the CSRF token.
#[derive(Clone, Serialize)]
pub struct HiddenField {
    name: String,
    value: String,
}

impl HiddenField {
    /// A field of this name and value.
    pub fn new(name: impl Into<String>, value: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            value: value.into(),
        }
    }
}

/// Where a page's form is posted, and what travels with it.
#[derive(Clone, Serialize)]
pub struct Form {
    /// The address that takes the POST.
    pub action: String,
    /// Its hidden fields.
    pub hidden: Vec<HiddenField>,
}

/// For samples: a form with what forms carry, and the texts that try to break out of a page.
pub(super) mod sample {
    use super::{Form, HiddenField};

    /// Closes an attribute, a tag and a script, and would open its own.
    pub(in crate::views) const HOSTILE: &str =
        "\"'></title></textarea><script style=\"x\">alert(1)</script>{{ 7*7 }}{$x}&amp;";

    pub(in crate::views) fn form(action: &str) -> Form {
        Form {
            action: action.to_owned(),
            hidden: vec![
                HiddenField::new("interaction", "0b7Yk3mQ1fT9"),
                HiddenField::new("csrf", HOSTILE),
            ],
        }
    }
}
