//! The order of layers: a module imports only from layers below its own.

use crate::source::{Source, Token, assert_found, assert_none, program};

/// From the bottom up. Modules of one row do not know each other.
const ORDER: &[&[&str]] = &[
    &["protocol"],
    &["domain"],
    &["storage", "crypto", "outbound"],
    &["ledger"],
    &["trust"],
    &["accounts"],
    &["provider"],
    &["console"],
    &["http", "jobs"],
    &["authority"],
    &["demo"],
    &["cli"],
];

/// Stands beside the use cases: page models know our words, never our tables.
const BESIDE: &str = "views";
const BESIDE_IMPORTS: &[&str] = &["domain", "protocol"];
const FIRST_TO_SHOW_PAGES: &str = "http";

fn rank(layer: &str) -> Option<usize> {
    ORDER.iter().position(|row| row.contains(&layer))
}

fn may_import(from: &str, to: &str) -> bool {
    if from == to {
        return true;
    }
    if from == BESIDE {
        return BESIDE_IMPORTS.contains(&to);
    }
    if to == BESIDE {
        return rank(from) >= rank(FIRST_TO_SHOW_PAGES);
    }
    rank(to) < rank(from)
}

fn is_layer(name: &str) -> bool {
    name == BESIDE || rank(name).is_some()
}

/// The crate's modules that a file names, with the line.
fn imports(source: &Source) -> Vec<(&str, usize)> {
    let depth = source.path.matches('/').count();
    let tokens = &source.tokens;
    let mut found = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        match token.text.as_str() {
            "crate" | "tongxing" if is(tokens, at + 1, "::") => {
                found.extend(names_after(tokens, at + 2));
            }
            "super" if at < 2 || !is(tokens, at - 2, "super") => {
                let mut climbed = 0;
                let mut next = at;
                while is(tokens, next, "super") && is(tokens, next + 1, "::") {
                    climbed += 1;
                    next += 2;
                }
                if climbed >= depth {
                    found.extend(names_after(tokens, next));
                }
            }
            _ => {}
        }
    }
    found
}

fn is(tokens: &[Token], at: usize, text: &str) -> bool {
    tokens.get(at).is_some_and(|token| token.text == text)
}

/// `name` of `name::…`, or the first names of the entries of `{a::…, b}`.
fn names_after(tokens: &[Token], at: usize) -> Vec<(&str, usize)> {
    if !is(tokens, at, "{") {
        return tokens
            .get(at)
            .map(|t| (t.text.as_str(), t.line))
            .into_iter()
            .collect();
    }
    let mut names = Vec::new();
    let mut depth = 0;
    for (before, token) in tokens[at..].iter().zip(&tokens[at + 1..]) {
        match before.text.as_str() {
            "{" => depth += 1,
            "}" => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            break;
        }
        if depth == 1 && matches!(before.text.as_str(), "{" | ",") {
            names.push((token.text.as_str(), token.line));
        }
    }
    names
}

fn upward_imports(sources: &[Source]) -> Vec<String> {
    let mut faults = Vec::new();
    for source in sources {
        let Some(layer) = source.layer().filter(|layer| *layer != "lib") else {
            continue;
        };
        if layer != "main" && !is_layer(layer) {
            faults.push(source.fault(1, &format!("`{layer}` is no layer: give it a row in ORDER")));
            continue;
        }
        for (name, line) in imports(source) {
            let allowed = if layer == "main" {
                name == "cli"
            } else {
                may_import(layer, name)
            };
            if is_layer(name) && !allowed {
                let what = format!(
                    "`{layer}` must not import `{name}`; move the shared type down, or pass the value in"
                );
                faults.push(source.fault(line, &what));
            }
        }
    }
    faults
}

#[test]
fn imports_point_down() {
    assert_none(&upward_imports(&program()));
}

#[test]
fn an_upward_import_is_found_however_it_is_written() {
    for (path, text, expected) in [
        (
            "src/domain/a.rs",
            "use crate::storage::Storage;",
            "src/domain/a.rs:1",
        ),
        (
            "src/storage/a.rs",
            "use crate::{domain::Id,\n  crypto::seal};",
            "src/storage/a.rs:2",
        ),
        (
            "src/ledger/a.rs",
            "fn f() { crate::provider::g(); }",
            "must not import `provider`",
        ),
        (
            "src/provider/a.rs",
            "use super::super::http::Page;",
            "must not import `http`",
        ),
        (
            "src/views.rs",
            "use super::storage::Row;",
            "must not import `storage`",
        ),
        (
            "src/accounts/a.rs",
            "use crate::views::Page;",
            "must not import `views`",
        ),
        (
            "src/jobs.rs",
            "use crate::http::x;",
            "must not import `http`",
        ),
        (
            "src/main.rs",
            "use tongxing::storage;",
            "must not import `storage`",
        ),
        ("src/misc.rs", "", "`misc` is no layer"),
    ] {
        assert_found(&upward_imports(&[Source::new(path, text)]), expected);
    }
}

#[test]
fn a_downward_import_passes() {
    for (path, text) in [
        (
            "src/http/a.rs",
            "use crate::{provider::x, views::y, domain::{Id, z}};",
        ),
        (
            "src/provider/a/b.rs",
            "use super::super::token::x; pub(crate) fn f() {}",
        ),
        (
            "src/domain/a.rs",
            "#[cfg(test)] mod tests { use crate::storage::x; }",
        ),
        ("src/cli/serve.rs", "use crate::http; use crate::jobs;"),
    ] {
        assert_none(&upward_imports(&[Source::new(path, text)]));
    }
}
