//! Documents name only what exists: every invariant of `ARCHITECTURE.md` its test, every row of
//! evidence its test or the reason there is none, every path a file.
//!
//! In these documents a test is written in code quotes with its module: `module::name_of_the_test`.

use std::collections::BTreeMap;

use crate::source::{Source, assert_found, assert_none, read_tree, root};

const CASES: usize = 55;
const NOT_YET: &str = "not applicable yet: ";

/// Folders whose files the documents may name.
const FOLDERS: &[&str] = &[
    "src/",
    "tests/",
    "docs/",
    "config/",
    "migrations/",
    "templates/",
    "benches/",
    "deploy/",
    ".ci/",
];

/// Names of functions in test code, each with the modules of its file.
struct Tests(BTreeMap<String, Vec<Vec<String>>>);

impl Tests {
    /// Functions in files of tests, and in modules marked `#[cfg(test)]`. That a function in test
    /// code is a test, or used by one, is the compiler's to say: dead code fails the build.
    fn of(sources: &[Source]) -> Self {
        let mut tests: BTreeMap<String, Vec<Vec<String>>> = BTreeMap::new();
        for source in sources {
            let modules: Vec<String> = source
                .path
                .trim_end_matches(".rs")
                .split('/')
                .filter(|part| !["src", "main", "mod"].contains(part))
                .map(str::to_owned)
                .collect();
            let text = if source.is_test() {
                source.text.as_str()
            } else {
                source
                    .text
                    .split_once("#[cfg(test)]")
                    .map_or("", |(_, tests)| tests)
            };
            for rest in text.split("fn ").skip(1) {
                let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_');
                let name = rest.get(..end.unwrap_or(rest.len())).unwrap_or_default();
                tests
                    .entry(name.to_owned())
                    .or_default()
                    .push(modules.clone());
            }
        }
        Self(tests)
    }

    /// Whether `a::b::name` is there: the function, in a file whose modules include `a` and `b`.
    fn has(&self, path: &str) -> bool {
        let parts: Vec<&str> = path.split("::").collect();
        let Some((name, modules)) = parts.split_last() else {
            return false;
        };
        self.0.get(*name).is_some_and(|files| {
            files.iter().any(|file| {
                modules
                    .iter()
                    .all(|m| *m == "tests" || file.iter().any(|f| f == m))
            })
        })
    }
}

/// What stands in code quotes.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

fn is_test_name(quote: &str) -> bool {
    quote.contains("::")
        && quote
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "_:".contains(c))
}

fn missing_tests(document: &Source, tests: &Tests) -> Vec<String> {
    let mut faults = Vec::new();
    for (index, line) in document.text.lines().enumerate() {
        for name in quoted(line).filter(|quote| is_test_name(quote) && !tests.has(quote)) {
            faults.push(document.fault(index + 1, &format!("there is no test `{name}`")));
        }
    }
    faults
}

fn missing_files(document: &Source) -> Vec<String> {
    let mut faults = Vec::new();
    for (index, line) in document.text.lines().enumerate() {
        let paths = quoted(line).filter(|quote| {
            FOLDERS.iter().any(|folder| quote.starts_with(folder))
                && !quote.contains([' ', '*', '…', '<', '{'])
        });
        for path in paths.filter(|path| !root().join(path).exists()) {
            faults.push(document.fault(index + 1, &format!("there is no `{path}`")));
        }
    }
    faults
}

/// Every item of the list below the heading "Invariants" names a test.
fn invariants_without_test(document: &Source) -> Vec<String> {
    let section = document
        .text
        .split("\n## Invariants")
        .nth(1)
        .unwrap_or_default();
    let section = section.split("\n## ").next().unwrap_or_default();
    let items: Vec<&str> = section.split("\n- ").skip(1).collect();
    if items.is_empty() {
        return vec![format!(
            "{}: no list below \"## Invariants\"",
            document.path
        )];
    }
    items
        .iter()
        .filter(|item| !quoted(item).any(is_test_name))
        .map(|item| {
            let first = item.lines().next().unwrap_or_default();
            format!("{}: names no test that keeps it: {first}", document.path)
        })
        .collect()
}

/// Cases 1 to 55, each once, each with a test or the reason there is none yet.
fn unanswered_attacks(document: &Source) -> Vec<String> {
    let mut seen = BTreeMap::new();
    let mut faults = Vec::new();
    for (index, line) in document.text.lines().enumerate() {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let (Some(case), Some(answer)) = (
            cells.get(1).and_then(|cell| cell.parse::<usize>().ok()),
            cells.get(3),
        ) else {
            continue;
        };
        *seen.entry(case).or_insert(0) += 1;
        if !quoted(answer).any(is_test_name) && !answer.contains(NOT_YET) {
            faults.push(document.fault(index + 1, &format!("case {case} names no test")));
        }
    }
    for case in (1..=CASES).filter(|case| seen.get(case) != Some(&1)) {
        faults.push(format!("{}: case {case} must have one row", document.path));
    }
    faults
}

fn all_tests() -> Tests {
    let mut sources = read_tree("src", &["rs"]);
    sources.extend(read_tree("tests", &["rs"]));
    Tests::of(&sources)
}

fn page(name: &str) -> Source {
    let text = std::fs::read_to_string(root().join(name)).expect("the document");
    Source::new(name, &text)
}

#[test]
fn every_invariant_names_a_test_that_exists() {
    let document = page("ARCHITECTURE.md");
    assert_none(&invariants_without_test(&document));
    assert_none(&missing_tests(&document, &all_tests()));
}

#[test]
fn evidence_names_only_tests_that_exist() {
    let documents = read_tree("docs/evidence", &["md"]);
    assert!(!documents.is_empty(), "no evidence was found");
    let tests = all_tests();
    let faults: Vec<String> = documents
        .iter()
        .flat_map(|document| missing_tests(document, &tests))
        .collect();
    assert_none(&faults);
}

#[test]
fn every_attack_is_answered() {
    assert_none(&unanswered_attacks(&page("docs/evidence/attacks.md")));
}

#[test]
fn documents_name_only_files_that_exist() {
    let mut documents = read_tree("docs", &["md"]);
    for name in [
        "README.md",
        "README.zh-CN.md",
        "ARCHITECTURE.md",
        "CONTRIBUTING.md",
        "SECURITY.md",
    ] {
        documents.push(page(name));
    }
    let faults: Vec<String> = documents.iter().flat_map(missing_files).collect();
    assert_none(&faults);
}

#[test]
fn a_document_that_names_what_is_not_there_is_found() {
    let tests = Tests::of(&[
        Source::new("tests/http/token.rs", "#[test]\nfn a_code_works_once() {}"),
        Source::new(
            "src/domain/id.rs",
            "fn not_a_test() {}\n#[cfg(test)]\nmod tests { fn orders() {} }",
        ),
    ]);
    let good = Source::new(
        "a.md",
        "`http::token::a_code_works_once` `id::tests::orders` `Id::new`",
    );
    assert_none(&missing_tests(&good, &tests));
    for gone in [
        "`http::token::gone`",
        "`storage::a_code_works_once`",
        "`domain::id::not_a_test`",
    ] {
        let document = Source::new("a.md", gone);
        assert_found(&missing_tests(&document, &tests), "there is no test");
    }
    let paths = Source::new("a.md", "`src/lib.rs` `tests/run NAME`\n`src/nowhere.rs`");
    assert_found(
        &missing_files(&paths),
        "a.md:2: there is no `src/nowhere.rs`",
    );
    assert_eq!(missing_files(&paths).len(), 1);
}

#[test]
fn an_invariant_without_a_test_is_found() {
    let document = Source::new(
        "a.md",
        "# A\n\n## Invariants\n\n- **One.** `a::b`\n- **Two.**\n\n## C\n- x",
    );
    assert_eq!(invariants_without_test(&document).len(), 1);
    assert_found(&invariants_without_test(&document), "**Two.**");
    assert_found(
        &invariants_without_test(&Source::new("a.md", "# A")),
        "no list",
    );
}

#[test]
fn an_attack_without_an_answer_is_found() {
    let rows: String = (1..CASES)
        .map(|case| match case {
            7 => "| 7 | tried | nothing |\n".to_owned(),
            8 => "| 8 | tried | not applicable yet: no such endpoint |\n".to_owned(),
            _ => format!("| {case} | tried | `http::a_{case}` |\n"),
        })
        .collect();
    let faults = unanswered_attacks(&Source::new("a.md", &rows));
    assert_found(&faults, "case 7 names no test");
    assert_found(&faults, "case 55 must have one row");
    assert_eq!(faults.len(), 2);
}

/// Whoever reads only one of them gets the portal that `tests/clients` tries.
#[test]
fn the_portal_is_the_same_in_both_languages() {
    let program = |name: &str| {
        let text = std::fs::read_to_string(root().join(name)).expect("a README");
        let (_, rest) = text.split_once("```js\n").expect("a program");
        rest.split_once("```").expect("its end").0.to_owned()
    };
    assert_eq!(program("README.md"), program("README.zh-CN.md"));
}
