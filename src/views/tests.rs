//! Every page in every state and every language: it renders, it is well-formed, nothing breaks out
//! of it, forms and fields are complete, and templates and texts agree.

mod markup;
mod registration;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use minijinja::value::Kwargs;

use super::catalog::{self, Catalog};
use super::error_code::Code;
use super::locale::Locale;
use super::page::{Chrome, LanguageLinks, Page};
use super::renderer::{Renderer, arguments, render_in};
use super::templates::{self, TEMPLATES};
use super::text_size::TextSize;
use super::{account, code, outcome, privacy, register};
use super::{consent, demo, error, home, login, logout, message};
use markup::{Element, parse};

/// A page that was rendered: which, in which language, and what came out.
struct Rendered {
    name: String,
    template: &'static str,
    locale: Locale,
    html: String,
}

/// Does `$apply!(PAGE)` for every page there is.
macro_rules! for_every_page {
    ($apply:ident) => {
        $apply!(login::LoginPage);
        $apply!(consent::ConsentPage);
        $apply!(logout::LogoutPage);
        $apply!(logout::LoggedOutPage);
        $apply!(error::ErrorPage);
        $apply!(error::ErrorDocPage);
        $apply!(home::HomePage);
        $apply!(register::RegisterPage);
        $apply!(code::CodePage);
        $apply!(code::ResendPage);
        $apply!(outcome::OutcomePage);
        $apply!(account::AccountPage);
        $apply!(privacy::PrivacyPage);
        $apply!(demo::PortalPage);
        $apply!(demo::StartPage);
        $apply!(demo::PhonePage);
    };
}

fn chrome(locale: Locale, text_size: TextSize) -> Chrome {
    Chrome {
        locale,
        languages: LanguageLinks {
            zh_cn: "?interaction=x&lang=zh-CN".to_owned(),
            en: "?interaction=x&lang=en".to_owned(),
        },
        text_size,
        text_href: format!("?interaction=x&text={}", text_size.other().tag()),
    }
}

fn render_all() -> Vec<Rendered> {
    let locales = Locale::ALL.into_iter();
    locales
        .flat_map(|locale| render_all_in(locale, TextSize::Normal))
        .collect()
}

fn render_all_in(locale: Locale, text_size: TextSize) -> Vec<Rendered> {
    let renderer = Renderer::new().unwrap();
    let mut all = Vec::new();
    macro_rules! render {
        ($page:ty) => {
            for (index, page) in <$page>::samples().iter().enumerate() {
                let template = <$page>::TEMPLATE;
                let name = template.replace(".html", "").replace('/', "-");
                all.push(Rendered {
                    name: format!("{name}.{index}.{}", locale.tag()),
                    template,
                    locale,
                    html: renderer
                        .render(page, &chrome(locale, text_size))
                        .unwrap_or_else(|error| panic!("{name} {index}: {:?}", error)),
                });
            }
        };
    }
    for_every_page!(render);
    all
}

#[test]
fn every_page_is_well_formed_and_nothing_breaks_out() {
    for page in render_all() {
        let name = &page.name;
        let elements = parse(&page.html).unwrap_or_else(|problem| panic!("{name}: {problem}"));
        assert!(!page.html.contains("<script"), "{name}");
        assert!(
            elements
                .iter()
                .all(|e| e.name != "script" && e.name != "style"),
            "{name}"
        );
        for element in &elements {
            for attribute in element.attributes.keys() {
                assert!(
                    attribute != "style" && !attribute.starts_with("on"),
                    "{name}: {attribute}"
                );
            }
            for address in ["href", "src", "action"]
                .iter()
                .filter_map(|a| element.get(a))
            {
                assert!(
                    !address.to_lowercase().starts_with("javascript"),
                    "{name}: {address}"
                );
            }
        }
    }
}

/// A template that no page shows in these tests is one that nobody has looked at.
#[test]
fn every_template_is_rendered_or_part_of_one_that_is() {
    let rendered: BTreeSet<_> = render_all().iter().map(|page| page.template).collect();
    let all: BTreeSet<_> = TEMPLATES.iter().map(|(name, _)| *name).collect();
    let parts: BTreeSet<_> = TEMPLATES
        .iter()
        .flat_map(|(_, source)| source.split("{%").skip(1))
        .filter_map(|tag| {
            let (word, rest) = tag.trim_start_matches('-').trim().split_once(' ')?;
            let is_part = ["extends", "from", "include"].contains(&word);
            is_part.then(|| rest.split('"').nth(1)).flatten()
        })
        .collect();
    let shown: BTreeSet<_> = rendered.union(&parts).copied().collect();
    assert_eq!(all, shown);
    assert!(rendered.is_disjoint(&parts), "{rendered:?} {parts:?}");
}

/// As it is before any compression: the page and whatever it loads.
#[test]
fn a_page_and_all_that_it_loads_weigh_at_most_30_kb() {
    for size in TextSize::ALL {
        let pages = Locale::ALL
            .into_iter()
            .flat_map(|locale| render_all_in(locale, size));
        for page in pages {
            let elements = parse(&page.html).unwrap();
            let loaded = elements.iter().filter(|e| e.name == "link");
            let loaded: Vec<_> = loaded
                .map(|link| {
                    let path = link.get("href").unwrap().split('?').next().unwrap();
                    super::assets::find(path).unwrap().body.len()
                })
                .collect();
            assert_eq!(loaded.len(), 2, "{}: a stylesheet and an icon", page.name);
            let bytes = page.html.len() + loaded.iter().sum::<usize>();
            assert!(bytes <= 30 * 1024, "{}: {bytes} bytes", page.name);
        }
    }
}

#[test]
fn every_page_can_be_had_in_the_other_language_and_the_other_size() {
    for locale in Locale::ALL {
        for size in TextSize::ALL {
            for page in render_all_in(locale, size) {
                let elements = parse(&page.html).unwrap();
                let is_large = elements[0].get("class") == Some("large");
                assert_eq!(is_large, size == TextSize::Large, "{}", page.name);
                let links: Vec<_> = elements
                    .iter()
                    .filter_map(|e| e.get("href"))
                    .filter(|href| href.starts_with("?interaction=x&"))
                    .collect();
                let other = Locale::ALL.into_iter().find(|other| *other != locale);
                let expected = [
                    format!("?interaction=x&text={}", size.other().tag()),
                    format!("?interaction=x&lang={}", other.unwrap().tag()),
                ];
                assert_eq!(links, expected, "{}", page.name);
            }
        }
    }
}

#[test]
fn every_page_says_its_language_and_can_be_read_aloud() {
    for page in render_all() {
        let name = &page.name;
        let elements = parse(&page.html).unwrap();
        let html = elements.iter().find(|e| e.name == "html").unwrap();
        assert_eq!(html.get("lang"), Some(page.locale.tag()), "{name}");
        assert!(html.get("dir").is_some(), "{name}");
        assert_eq!(
            elements.iter().filter(|e| e.name == "h1").count(),
            1,
            "{name}: one h1"
        );
        assert_eq!(
            elements.iter().filter(|e| e.name == "main").count(),
            1,
            "{name}: one main"
        );
        assert!(
            elements
                .iter()
                .any(|e| e.name == "title" && !e.text.trim().is_empty()),
            "{name}"
        );
        assert!(
            elements.iter().any(|e| e.get("class") == Some("skip")),
            "{name}: skip link"
        );
        let mut ids = BTreeSet::new();
        for id in elements.iter().filter_map(|e| e.get("id")) {
            assert!(ids.insert(id), "{name}: {id} twice");
        }
        for (attribute, target) in elements.iter().flat_map(|e| {
            ["for", "aria-describedby", "aria-labelledby"]
                .iter()
                .filter_map(|a| Some((a, e.get(a)?)))
        }) {
            for id in target.split(' ') {
                assert!(ids.contains(id), "{name}: {attribute} to no {id}");
            }
        }
        for image in elements.iter().filter(|e| e.name == "img") {
            assert!(image.get("alt").is_some(), "{name}: an image without alt");
        }
    }
}

#[test]
fn every_form_posts_its_hidden_fields_and_every_field_has_a_label() {
    let mut forms = 0;
    for page in render_all() {
        let name = &page.name;
        let elements = parse(&page.html).unwrap();
        // On the way to a portal there is one thing to do a page; my account is no such page.
        assert!(
            page.template == "account.html"
                || elements.iter().filter(|e| e.name == "form").count() <= 1,
            "{name}: one form"
        );
        for (index, form) in elements
            .iter()
            .enumerate()
            .filter(|(_, e)| e.name == "form")
        {
            forms += 1;
            assert_eq!(form.get("method"), Some("post"), "{name}");
            assert!(
                form.get("action").is_some_and(|action| !action.is_empty()),
                "{name}"
            );
            let fields: BTreeMap<_, _> = elements
                .iter()
                .filter(|e| e.form == Some(index) && e.get("type") == Some("hidden"))
                .filter_map(|e| Some((e.get("name")?, e.get("value")?)))
                .collect();
            assert_eq!(fields.get("interaction"), Some(&"0b7Yk3mQ1fT9"), "{name}");
            assert_eq!(
                fields.get("csrf"),
                Some(&super::page::sample::HOSTILE),
                "{name}"
            );
        }
        let fields = ["input", "select"];
        for field in elements
            .iter()
            .filter(|e| fields.contains(&e.name.as_str()))
        {
            assert!(field.form.is_some(), "{name}: a field outside of a form");
            if field.get("type") != Some("hidden") {
                let id = field.get("id");
                let label = |e: &Element| e.name == "label" && e.get("for") == id;
                assert!(
                    id.is_some() && elements.iter().any(label),
                    "{name}: no label"
                );
            }
        }
    }
    assert!(forms > 20);
}

/// The ids that outside tests and the conformance suite's browser use (DESIGN, "Protocol profile").
#[test]
fn the_fixed_ids_are_there() {
    let fixed: &[(&str, &[&str])] = &[
        ("login.html", &["username", "password", "login-submit"]),
        ("consent.html", &["consent-allow", "consent-deny"]),
        ("logout.html", &["logout-confirm", "logout-cancel"]),
        ("error.html", &["error-code", "error-description"]),
        ("code.html", &["otp-again"]),
        ("resend.html", &["otp-resend"]),
        ("account.html", &["account-logout"]),
    ];
    let pages = render_all();
    for (template, ids) in fixed {
        let of_template: Vec<_> = pages.iter().filter(|p| p.template == *template).collect();
        assert!(!of_template.is_empty());
        for page in of_template {
            let elements = parse(&page.html).unwrap();
            for id in *ids {
                let found = elements.iter().find(|e| e.get("id") == Some(id));
                let found = found.unwrap_or_else(|| panic!("{}: no {id}", page.name));
                if ["input", "select"].contains(&found.name.as_str()) {
                    assert_eq!(found.get("name"), Some(*id));
                }
            }
        }
    }
    let somewhere = |id: &str| {
        pages.iter().any(|p| {
            parse(&p.html)
                .unwrap()
                .iter()
                .any(|e| e.get("id") == Some(id))
        })
    };
    assert!(
        [
            "client-logo",
            "client-policy",
            "client-tos",
            "retry-submit",
            "end-other-sessions"
        ]
        .into_iter()
        .all(somewhere)
    );
}

/// The conformance suite waits for a fixed English sentence, whatever the language of the page.
#[test]
fn an_error_has_its_sentence_and_reference_in_every_language() {
    for page in render_all()
        .iter()
        .filter(|p| p.name.starts_with("error.0."))
    {
        let elements = parse(&page.html).unwrap();
        let text = |id| {
            elements
                .iter()
                .find(|e| e.get("id") == Some(id))
                .unwrap()
                .text
                .clone()
        };
        assert_eq!(text("error-code"), "invalid_request");
        assert_eq!(
            text("error-description"),
            "The redirect_uri is not registered for this client."
        );
        assert!(page.html.contains("req_06dj9m8q6n6t3b8e5r2w1x7c4h"));
        assert!(
            elements
                .iter()
                .any(|e| e.get("href") == Some("/docs/errors/invalid_request"))
        );
    }
}

#[test]
fn the_password_never_comes_back() {
    for page in render_all().iter().filter(|p| p.template == "login.html") {
        let elements = parse(&page.html).unwrap();
        let password = elements
            .iter()
            .find(|e| e.get("id") == Some("password"))
            .unwrap();
        assert_eq!(password.get("value"), None);
        assert_eq!(password.get("type"), Some("password"));
        assert_eq!(password.get("autocomplete"), Some("current-password"));
    }
}

#[test]
fn the_embedded_templates_are_all_that_are_in_the_folder() {
    let mut files = BTreeSet::new();
    for folder in ["", "demo/"] {
        let path = format!("{}/templates/{folder}", env!("CARGO_MANIFEST_DIR"));
        for entry in std::fs::read_dir(path).unwrap() {
            let path = entry.unwrap().path();
            if path
                .extension()
                .is_some_and(|extension| extension == "html")
            {
                files.insert(format!(
                    "{folder}{}",
                    path.file_name().unwrap().to_str().unwrap()
                ));
            }
        }
    }
    let embedded: BTreeSet<_> = TEMPLATES
        .iter()
        .map(|(name, _)| (*name).to_owned())
        .collect();
    assert_eq!(embedded, files);
    for (name, source) in TEMPLATES {
        assert!(
            !source.contains("safe") && !source.contains("autoescape"),
            "{name}"
        );
    }
}

/// What each text of a language file takes: key (`message` or `message.attribute`) to variables.
fn keys_in_file(locale: Locale) -> BTreeMap<String, BTreeSet<String>> {
    let mut keys = BTreeMap::new();
    let mut message = "";
    for line in catalog::sources(locale)
        .iter()
        .flat_map(|source| source.lines())
        .filter(|line| line.contains('='))
    {
        if line.starts_with('#') {
            continue;
        }
        let (key, text) = line.split_once(" = ").unwrap_or_else(|| panic!("{line}"));
        let key = if let Some(attribute) = key.strip_prefix("    .") {
            format!("{message}.{attribute}")
        } else {
            message = key;
            key.to_owned()
        };
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let variables = text.split("{ $").skip(1);
        let variables = variables.map(|rest| rest.chars().take_while(|c| is_name(*c)).collect());
        assert!(
            keys.insert(key, variables.collect()).is_none(),
            "{line}: twice"
        );
    }
    keys
}

/// What pages and messages really ask for, by rendering all samples with an ear at `t`.
fn keys_asked(locale: Locale) -> BTreeMap<String, BTreeSet<String>> {
    let asked = Arc::new(Mutex::new(BTreeMap::new()));
    let catalog = Catalog::load(locale).unwrap();
    let ear = Arc::clone(&asked);
    let environment = templates::environment(locale, move |key: &str, values: &Kwargs| {
        let names = values.args().map(str::to_owned).collect::<BTreeSet<_>>();
        let before = ear.lock().unwrap().insert(key.to_owned(), names.clone());
        assert!(
            before.is_none_or(|before| before == names),
            "{key}: other values"
        );
        Ok(catalog.text(key, &arguments(values)?).unwrap())
    })
    .unwrap();
    macro_rules! listen {
        ($page:ty) => {
            for (page, size) in <$page>::samples()
                .iter()
                .flat_map(|page| TextSize::ALL.map(|size| (page, size)))
            {
                render_in(&environment, page, &chrome(locale, size)).unwrap();
            }
        };
    }
    for_every_page!(listen);
    for text in message::tests::samples() {
        let (key, values) = message::wording(&text);
        let names = values.iter().map(|(name, _)| name.to_owned()).collect();
        asked.lock().unwrap().insert(key.to_owned(), names);
    }
    std::mem::take(&mut asked.lock().unwrap())
}

#[test]
fn texts_are_used_and_used_texts_exist_with_the_same_values_in_every_language() {
    let expected = keys_asked(Locale::En);
    for locale in Locale::ALL {
        assert_eq!(keys_in_file(locale), keys_asked(locale), "{}", locale.tag());
        assert_eq!(keys_in_file(locale), expected, "{}", locale.tag());
    }
}

#[test]
fn every_code_is_explained_and_no_other() {
    for locale in Locale::ALL {
        let explained: BTreeSet<_> = keys_in_file(locale)
            .into_keys()
            .filter_map(|key| Some(key.strip_prefix("code-")?.to_owned()))
            .collect();
        let expected: BTreeSet<_> = Code::all()
            .map(Code::as_str)
            .flat_map(|code| {
                [
                    code.to_owned(),
                    format!("{code}.why"),
                    format!("{code}.fix"),
                ]
            })
            .collect();
        assert_eq!(explained, expected);
    }
}

/// Writes every page for looking at in the folder `views` of the temporary ones:
/// `cargo test --lib views -- --ignored`.
#[test]
#[ignore = "writes files for people to look at"]
fn write_samples() {
    let folder = std::env::temp_dir().join("views");
    std::fs::create_dir_all(folder.join("assets")).unwrap();
    for asset in super::assets::ALL {
        std::fs::write(folder.join(asset.path.trim_start_matches('/')), asset.body).unwrap();
    }
    for page in render_all() {
        let html = page.html.replace("&#x2f;assets&#x2f;", "assets/");
        std::fs::write(folder.join(format!("{}.html", page.name)), html).unwrap();
    }
}
