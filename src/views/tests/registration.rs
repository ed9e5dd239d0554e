//! Registration and recovery: few fields, each with its own words when something is wrong, and
//! nothing on a page that tells who is known.

use super::markup::{Element, parse};
use super::{Rendered, render_all};
use crate::views::assets;
use crate::views::catalog;
use crate::views::locale::Locale;
use crate::views::privacy;

fn pages_of(template: &str) -> Vec<(Rendered, Vec<Element>)> {
    let pages = render_all().into_iter().filter(|p| p.template == template);
    pages
        .map(|page| {
            let elements = parse(&page.html).unwrap();
            (page, elements)
        })
        .collect()
}

fn is_field(element: &Element) -> bool {
    (element.name == "input" && element.get("type") != Some("hidden")) || element.name == "select"
}

fn prefix(elements: &[Element]) -> &'static str {
    let is_register = |e: &Element| e.get("id") == Some("register-submit");
    if elements.iter().any(is_register) {
        "register"
    } else {
        "recover"
    }
}

#[test]
fn the_forms_have_the_fields_agreed_under_the_names_agreed() {
    let mut seen = std::collections::BTreeSet::new();
    for (page, elements) in pages_of("register.html") {
        let prefix = prefix(&elements);
        seen.insert(prefix);
        let names: Vec<_> = elements
            .iter()
            .filter(|e| is_field(e))
            .map(|field| {
                assert_eq!(field.get("id"), field.get("name"), "{}", page.name);
                field.get("name").unwrap().to_owned()
            })
            .collect();
        let expected = [
            "name",
            "document-type",
            "document-number",
            "phone",
            "password",
        ];
        assert_eq!(
            names,
            expected.map(|name| format!("{prefix}-{name}")),
            "{}",
            page.name
        );
        let version = |e: &Element| e.get("name") == Some("notice_version");
        assert!(elements.iter().any(version), "{}", page.name);
        let notice = |e: &Element| e.get("href") == Some("/docs/privacy");
        assert!(elements.iter().any(notice), "{}", page.name);
    }
    assert_eq!(seen.len(), 2);
}

#[test]
fn a_whole_registration_takes_at_most_seven_fields() {
    let fields = |template| {
        let (_, elements) = pages_of(template).remove(0);
        elements.iter().filter(|e| is_field(e)).count()
    };
    assert!(fields("register.html") + fields("code.html") <= 7);
}

#[test]
fn browsers_know_what_belongs_where_and_a_password_never_comes_back() {
    for (page, elements) in pages_of("register.html") {
        let prefix = prefix(&elements);
        let attribute = |field: &str, attribute: &str| {
            let id = format!("{prefix}-{field}");
            let found = elements.iter().find(|e| e.get("id") == Some(&id));
            found.unwrap().get(attribute).map(str::to_owned)
        };
        for (field, autocomplete) in [
            ("name", "name"),
            ("document-type", "off"),
            ("document-number", "off"),
            ("phone", "tel"),
            ("password", "new-password"),
        ] {
            assert_eq!(
                attribute(field, "autocomplete").as_deref(),
                Some(autocomplete),
                "{}: {field}",
                page.name
            );
        }
        assert_eq!(attribute("password", "value"), None, "{}", page.name);
        assert_eq!(attribute("password", "type").as_deref(), Some("password"));
    }
}

/// A spent code leaves nothing to type: what is offered is another one.
#[test]
fn a_code_is_typed_as_browsers_fill_it_in() {
    for (page, elements) in pages_of("code.html") {
        let by_id = |id: &str| elements.iter().find(|e| e.get("id") == Some(id));
        let Some(code) = by_id("otp-code") else {
            assert_eq!(
                by_id("otp-again").unwrap().get("class"),
                Some("button primary")
            );
            continue;
        };
        assert_eq!(code.get("name"), Some("otp-code"));
        assert!(by_id("otp-submit").is_some(), "{}", page.name);
        assert_eq!(code.get("autocomplete"), Some("one-time-code"));
        assert_eq!(code.get("inputmode"), Some("numeric"));
        assert_eq!(code.get("value"), None, "{}", page.name);
    }
}

/// The summary leads to each wrong field, and each wrong field says what is wrong with it.
#[test]
fn problems_are_told_above_the_form_and_at_each_field() {
    let mut problems = 0;
    for (page, elements) in pages_of("register.html") {
        let by_id = |id: &str| elements.iter().find(|e| e.get("id") == Some(id));
        let summary: Vec<_> = elements
            .iter()
            .filter_map(|e| Some((e.get("href")?.strip_prefix('#')?, &e.text)))
            .filter(|(target, _)| *target != "main")
            .collect();
        let wrong: Vec<_> = elements
            .iter()
            .filter(|e| e.get("aria-invalid").is_some())
            .collect();
        assert_eq!(wrong.len(), summary.len(), "{}", page.name);
        for (field, (target, text)) in wrong.into_iter().zip(summary) {
            problems += 1;
            assert_eq!(field.get("id"), Some(target), "{}", page.name);
            let described = field.get("aria-describedby").unwrap();
            let problem = format!("{target}-problem");
            assert!(described.split(' ').any(|id| id == problem));
            assert_eq!(&by_id(&problem).unwrap().text, text, "{}", page.name);
            assert!(elements.iter().any(|e| e.get("role") == Some("alert")));
        }
    }
    assert!(problems > 40);
}

#[test]
fn no_outcome_is_a_dead_end() {
    for (page, elements) in pages_of("outcome.html") {
        let main = elements.iter().position(|e| e.name == "main").unwrap();
        let onward = elements.iter().skip(main).filter(|e| {
            e.name == "button" || e.name == "a" && e.get("class").is_some_and(|c| c != "skip")
        });
        assert!(onward.count() >= 1, "{}", page.name);
    }
}

/// Whoever registers is recorded with the version of the notice that was shown. When this fails,
/// the notice has changed: give it a new version, and write the new fingerprint here.
#[test]
fn the_notice_changes_with_its_version_only() {
    let notices = Locale::ALL.iter().flat_map(|locale| {
        let sources = catalog::sources(*locale).iter();
        sources.filter(|source| source.contains("\nprivacy-title = "))
    });
    let words: String = notices.copied().collect();
    assert_eq!(
        (privacy::VERSION, assets::fingerprint(words.as_bytes())),
        ("2026-11-24", 17_923_241_382_846_837_510)
    );
}
