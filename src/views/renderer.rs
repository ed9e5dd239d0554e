//! Turns a page into HTML.
//!
//! Templates are parsed and texts read once, for each language; a renderer is cheap to clone and
//! shared by all threads. An error names template and line, never what a page shows.

use std::sync::Arc;

use fluent_bundle::{FluentArgs, FluentValue};
use minijinja::value::{Kwargs, Serde, Value, ValueKind};
use minijinja::{Environment, Error, ErrorKind, context};

use super::catalog::Catalog;
pub use super::catalog::CatalogError;
use super::locale::Locale;
use super::page::{Chrome, Page};
use super::templates;

/// Renders every page in every language.
#[derive(Clone)]
pub struct Renderer(Arc<Environments>);

struct Environments {
    zh_cn: Environment<'static>,
    en: Environment<'static>,
}

/// Why the embedded templates or texts cannot be used: a mistake of ours, found at the start.
#[derive(Debug, thiserror::Error)]
pub enum RendererError {
    /// A template does not parse.
    #[error("a template does not parse")]
    Template(#[from] Error),
    /// A language's texts cannot be read.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
}

/// Why a page was not rendered.
#[derive(Debug, thiserror::Error)]
#[error("page {template} could not be rendered")]
pub struct RenderError {
    template: &'static str,
    source: Error,
}

impl Renderer {
    /// Parses all templates, reads all texts.
    pub fn new() -> Result<Self, RendererError> {
        Ok(Self(Arc::new(Environments {
            zh_cn: environment(Locale::ZhCn)?,
            en: environment(Locale::En)?,
        })))
    }

    /// The page as HTML.
    pub fn render<P: Page>(&self, page: &P, chrome: &Chrome) -> Result<String, RenderError> {
        let environment = match chrome.locale {
            Locale::ZhCn => &self.0.zh_cn,
            Locale::En => &self.0.en,
        };
        render_in(environment, page, chrome).map_err(|source| RenderError {
            template: P::TEMPLATE,
            source,
        })
    }
}

/// Renders in an environment at hand.
pub(super) fn render_in<P: Page>(
    environment: &Environment<'_>,
    page: &P,
    chrome: &Chrome,
) -> Result<String, Error> {
    environment.get_template(P::TEMPLATE)?.render(context! {
        page => Serde(page),
        languages => Serde(&chrome.languages),
        text => chrome.text_size.tag(),
        text_href => &chrome.text_href,
        choices => chrome.choices(),
    })
}

fn environment(locale: Locale) -> Result<Environment<'static>, RendererError> {
    let catalog = Catalog::load(locale)?;
    let translate = move |key: &str, values: &Kwargs| {
        catalog.text(key, &arguments(values)?).map_err(|error| {
            Error::new(ErrorKind::InvalidOperation, "text not available").with_source(error)
        })
    };
    Ok(templates::environment(locale, translate)?)
}

/// The values a template sets into a text. Only texts: nothing of ours counts in words.
pub(super) fn arguments(values: &Kwargs) -> Result<FluentArgs<'static>, Error> {
    let mut arguments = FluentArgs::new();
    for name in values.args() {
        let value: Value = values.get(name)?;
        if value.kind() != ValueKind::String {
            return Err(Error::new(
                ErrorKind::InvalidOperation,
                "a value of a text is no text",
            ));
        }
        arguments.set(name.to_owned(), FluentValue::from(value.to_string()));
    }
    Ok(arguments)
}
