//! The embedded templates, and the environment that they run in.
//!
//! Strict: an undefined name is an error, everything is escaped for HTML, and no template is
//! loaded from anywhere else.

use minijinja::value::Kwargs;
use minijinja::{AutoEscape, Environment, Error, UndefinedBehavior};

use super::assets;
use super::locale::{self, Locale};

/// Every template by name.
pub(super) const TEMPLATES: &[(&str, &str)] = &[
    ("account.html", include_str!("../../templates/account.html")),
    ("code.html", include_str!("../../templates/code.html")),
    (
        "components.html",
        include_str!("../../templates/components.html"),
    ),
    ("consent.html", include_str!("../../templates/consent.html")),
    (
        "demo/frame.html",
        include_str!("../../templates/demo/frame.html"),
    ),
    (
        "demo/phone.html",
        include_str!("../../templates/demo/phone.html"),
    ),
    (
        "demo/portal.html",
        include_str!("../../templates/demo/portal.html"),
    ),
    (
        "demo/start.html",
        include_str!("../../templates/demo/start.html"),
    ),
    ("error.html", include_str!("../../templates/error.html")),
    (
        "error_doc.html",
        include_str!("../../templates/error_doc.html"),
    ),
    ("home.html", include_str!("../../templates/home.html")),
    ("layout.html", include_str!("../../templates/layout.html")),
    (
        "logged_out.html",
        include_str!("../../templates/logged_out.html"),
    ),
    ("login.html", include_str!("../../templates/login.html")),
    ("logout.html", include_str!("../../templates/logout.html")),
    ("outcome.html", include_str!("../../templates/outcome.html")),
    ("privacy.html", include_str!("../../templates/privacy.html")),
    (
        "register.html",
        include_str!("../../templates/register.html"),
    ),
    ("resend.html", include_str!("../../templates/resend.html")),
    (
        "switches.html",
        include_str!("../../templates/switches.html"),
    ),
];

/// The templates parsed, speaking `locale`; `translate` gives a text by key and values.
pub(super) fn environment<T>(locale: Locale, translate: T) -> Result<Environment<'static>, Error>
where
    T: Fn(&str, &Kwargs) -> Result<String, Error> + Send + Sync + 'static,
{
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment.add_global("lang", locale.tag());
    environment.add_global("dir", locale::direction(locale));
    for asset in assets::ALL {
        environment.add_global(asset.name, asset.href());
    }
    environment.add_function("t", move |key: &str, values: Kwargs| {
        translate(key, &values)
    });
    for (name, source) in TEMPLATES {
        environment.add_template(name, source)?;
    }
    Ok(environment)
}
