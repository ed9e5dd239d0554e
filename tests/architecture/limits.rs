//! Size of files, and words that promise work instead of doing it.

use crate::source::{Source, assert_found, assert_none, program, read_tree};

const LONGEST: usize = 400;

/// Data tables and generated files: read as data, so their length costs a reader nothing.
const LONG_FILES: &[&str] = &[];

/// Marks of work left undone, in any file.
const MARKS: &[&str] = &["TODO", "FIXME", "XXX"];

/// A test that does not run shows nothing.
const IGNORED: &str = "#[ignore";

/// What is no test but a tool that the test harness runs.
const TOOL: &str = "#[ignore = \"writes files for people to look at\"]";

/// Names that say nothing: what is in there belongs to the thing it is about.
const EMPTY_NAMES: &[&str] = &["utils", "util", "helpers", "helper", "misc", "prelude"];

fn long_files(sources: &[Source], allowed: &[&str]) -> Vec<String> {
    let mut faults = Vec::new();
    for source in sources.iter().filter(|source| !source.is_test()) {
        let lines = source.text.lines().count();
        let is_allowed = allowed.contains(&source.path.as_str());
        if lines > LONGEST && !is_allowed {
            let what = format!("{lines} lines, {LONGEST} at most: split it by what it is about");
            faults.push(source.fault(lines, &what));
        } else if lines <= LONGEST && is_allowed {
            faults.push(source.fault(lines, "is short again: take it off LONG_FILES"));
        }
    }
    for path in allowed
        .iter()
        .filter(|path| !sources.iter().any(|s| s.path == **path))
    {
        faults.push(format!("{path}: is gone: take it off LONG_FILES"));
    }
    faults
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn marks(sources: &[Source]) -> Vec<String> {
    let mut faults = Vec::new();
    for source in sources {
        for (index, line) in source.text.lines().enumerate() {
            let is_marked = line
                .split(|c| !is_word(c))
                .any(|word| MARKS.contains(&word));
            let line = line.trim();
            if is_marked || line.starts_with(IGNORED) && line != TOOL {
                faults.push(source.fault(index + 1, "a mark of unfinished work: do it or file it"));
            }
        }
    }
    faults
}

fn empty_names(sources: &[Source]) -> Vec<String> {
    let mut faults = Vec::new();
    for source in sources {
        let in_path = source
            .path
            .split(['/', '.'])
            .find(|part| EMPTY_NAMES.contains(part));
        let in_code = source.tokens.windows(2).find_map(|pair| match pair {
            [keyword, name] if keyword.text == "mod" => EMPTY_NAMES
                .contains(&name.text.as_str())
                .then_some((name.text.as_str(), name.line)),
            _ => None,
        });
        if let Some((name, line)) = in_path.map(|name| (name, 1)).or(in_code) {
            let what = format!("`{name}` names nothing: put each part beside what it serves");
            faults.push(source.fault(line, &what));
        }
    }
    faults
}

/// Everything that a developer of ours writes, but for this test, which names the words.
fn written() -> Vec<Source> {
    let mut all = read_tree("src", &["rs"]);
    all.extend(read_tree("tests", &["rs", "mjs", "py", "sh"]));
    all.extend(read_tree("benches", &["rs"]));
    all.extend(read_tree("migrations", &["sql"]));
    all.extend(read_tree("templates", &["html", "ftl", "css", "js"]));
    all.extend(read_tree("config", &["toml"]));
    all.retain(|source| !source.path.starts_with("tests/architecture"));
    all
}

#[test]
fn files_are_short() {
    assert_none(&long_files(&program(), LONG_FILES));
}

#[test]
fn a_long_file_is_found() {
    let long = "fn f() {}\n".repeat(LONGEST + 1);
    let sources = [Source::new("src/http/router.rs", &long)];
    assert_found(&long_files(&sources, &[]), "401 lines");
    assert_none(&long_files(&sources, &["src/http/router.rs"]));
    assert_none(&long_files(
        &[Source::new("src/http/router/tests.rs", &long)],
        &[],
    ));
    let short = [Source::new("src/http/router.rs", "")];
    assert_found(&long_files(&short, &["src/http/router.rs"]), "short again");
    assert_found(&long_files(&[], &["src/data.rs"]), "is gone");
}

#[test]
fn nothing_is_left_marked_for_later() {
    assert_none(&marks(&written()));
}

#[test]
fn a_mark_is_found() {
    let source = Source::new("src/a.rs", "fn f() {}\n// TODO: more\n");
    assert_found(&marks(&[source]), "src/a.rs:2");
    let ignored = Source::new("tests/http/a.rs", "#[test]\n#[ignore]\nfn f() {}");
    assert_found(&marks(&[ignored]), "tests/http/a.rs:2");
    assert_none(&marks(&[Source::new(
        "src/a.rs",
        "const TODO_LIST: u8 = 0;",
    )]));
}

#[test]
fn modules_are_named_after_things() {
    assert_none(&empty_names(&written()));
}

#[test]
fn an_empty_name_is_found() {
    assert_found(
        &empty_names(&[Source::new("src/http/utils.rs", "")]),
        "`utils`",
    );
    assert_found(
        &empty_names(&[Source::new("src/http.rs", "fn f() {}\nmod helpers;")]),
        ":2",
    );
    assert_none(&empty_names(&[Source::new(
        "src/http.rs",
        "use hyper_util::rt; // utils",
    )]));
}
