//! Reads the tree. A source is split into its text, its production code (comments and literals
//! blanked, test modules cut) and its literals, so that a rule about code is not fooled by prose.

use std::fs;
use std::path::{Path, PathBuf};

/// One file of the tree, its path relative to the root and with forward slashes.
pub(crate) struct Source {
    pub(crate) path: String,
    pub(crate) text: String,
    /// Tokens of production code; none for a file of tests.
    pub(crate) tokens: Vec<Token>,
    /// String literals of production code.
    pub(crate) literals: Vec<Literal>,
}

/// An identifier or number, a `::`, or one other character.
pub(crate) struct Token {
    pub(crate) text: String,
    pub(crate) line: usize,
}

pub(crate) struct Literal {
    pub(crate) text: String,
    pub(crate) line: usize,
}

impl Source {
    /// A source as it would be read from `path`.
    pub(crate) fn new(path: &str, text: &str) -> Self {
        let is_rust = Path::new(path).extension().is_some_and(|e| e == "rs");
        let (mut tokens, mut literals) = (Vec::new(), Vec::new());
        if is_rust && !is_test_path(path) {
            let chars: Vec<char> = text.chars().collect();
            let (code, found) = blank(&chars);
            let (code, cut) = cut_tests(code);
            let line_of = |at: usize| 1 + chars[..at].iter().filter(|&&c| c == '\n').count();
            literals = found
                .into_iter()
                .filter(|(at, _)| !cut.iter().any(|range| range.contains(at)))
                .map(|(at, text)| Literal {
                    text,
                    line: line_of(at),
                })
                .collect();
            tokens = tokenize(&code);
        }
        Self {
            path: path.to_owned(),
            text: text.to_owned(),
            tokens,
            literals,
        }
    }

    /// The module below `src` that the file belongs to: `http` for `src/http/router.rs`.
    pub(crate) fn layer(&self) -> Option<&str> {
        let rest = self.path.strip_prefix("src/")?;
        let first = rest.split('/').next()?;
        Some(first.strip_suffix(".rs").unwrap_or(first))
    }

    /// A fault at a line of this file.
    pub(crate) fn fault(&self, line: usize, what: &str) -> String {
        format!("{}:{line}: {what}", self.path)
    }

    /// Whether the file holds tests only.
    pub(crate) fn is_test(&self) -> bool {
        is_test_path(&self.path)
    }
}

fn is_test_path(path: &str) -> bool {
    path.starts_with("tests/")
        || path.ends_with("/tests.rs")
        || path.contains("/tests/")
        || path.starts_with("benches/")
}

/// The root of the package.
pub(crate) fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Every file below `folder` with one of these extensions, in order of path.
pub(crate) fn read_tree(folder: &str, extensions: &[&str]) -> Vec<Source> {
    let mut paths = Vec::new();
    collect(&root().join(folder), extensions, &mut paths);
    paths.sort();
    paths
        .iter()
        .map(|path| {
            let relative = path.strip_prefix(root()).expect("below the root");
            let relative = relative.to_string_lossy().replace('\\', "/");
            Source::new(&relative, &fs::read_to_string(path).expect("UTF-8 text"))
        })
        .collect()
}

/// The Rust sources of the program.
pub(crate) fn program() -> Vec<Source> {
    let sources = read_tree("src", &["rs"]);
    assert!(sources.len() > 10, "the sources were not found");
    sources
}

/// Fails with every fault, one a line.
pub(crate) fn assert_none(faults: &[String]) {
    assert!(
        faults.is_empty(),
        "{} fault(s):\n{}",
        faults.len(),
        faults.join("\n")
    );
}

/// Fails unless some fault mentions `expected`.
pub(crate) fn assert_found(faults: &[String], expected: &str) {
    assert!(
        faults.iter().any(|fault| fault.contains(expected)),
        "nothing says {expected:?} in {faults:?}"
    );
}

fn collect(folder: &Path, extensions: &[&str], into: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for entry in entries {
        let path = entry.expect("a readable folder").path();
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        if path.is_dir() {
            if name != "node_modules" && name != "__pycache__" {
                collect(&path, extensions, into);
            }
        } else if extensions
            .iter()
            .any(|e| path.extension().is_some_and(|found| found == *e))
        {
            into.push(path);
        }
    }
}

/// The text with comments and the insides of literals replaced by spaces (newlines stay), and the
/// string literals with their offsets.
fn blank(text: &[char]) -> (Vec<char>, Vec<(usize, String)>) {
    let mut code = text.to_vec();
    let mut literals = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let end = match (text[at], text.get(at + 1)) {
            ('/', Some('/')) => find(text, at, |i| text[i] == '\n'),
            ('/', Some('*')) => block_comment_end(text, at),
            ('"', _) => string_end(text, at, None),
            ('r', Some('"' | '#')) if !in_word(text, at) => match raw_hashes(text, at) {
                Some(hashes) => string_end(text, at + 1 + hashes, Some(hashes)),
                None => at + 1,
            },
            ('\'', Some('\\')) => find(text, at + 3, |i| text[i] == '\'') + 1,
            ('\'', Some(_)) if text.get(at + 2) == Some(&'\'') => at + 3,
            _ => {
                at += 1;
                continue;
            }
        };
        let end = end.min(text.len());
        if text[at] == '"' || text[at] == 'r' {
            if end == at + 1 {
                at += 1;
                continue;
            }
            literals.push((at, text[at..end].iter().collect()));
        }
        for c in &mut code[at..end] {
            if *c != '\n' {
                *c = ' ';
            }
        }
        at = end;
    }
    (code, literals)
}

fn find(text: &[char], from: usize, is: impl Fn(usize) -> bool) -> usize {
    (from..text.len()).find(|&i| is(i)).unwrap_or(text.len())
}

fn in_word(text: &[char], at: usize) -> bool {
    // `br"…"` and `cr"…"` are raw strings too; `for"` is not Rust.
    at > 0 && is_word(text[at - 1]) && !matches!(text[at - 1], 'b' | 'c')
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn raw_hashes(text: &[char], at: usize) -> Option<usize> {
    let hashes = text[at + 1..].iter().take_while(|&&c| c == '#').count();
    (text.get(at + 1 + hashes) == Some(&'"')).then_some(hashes)
}

fn block_comment_end(text: &[char], from: usize) -> usize {
    let (mut depth, mut at) = (0, from);
    while at < text.len() {
        match (text[at], text.get(at + 1)) {
            ('/', Some('*')) => (depth, at) = (depth + 1, at + 2),
            ('*', Some('/')) => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            break;
        }
    }
    at
}

/// The offset after the literal whose opening quote stands at `quote`.
fn string_end(text: &[char], quote: usize, raw: Option<usize>) -> usize {
    let mut at = quote + 1;
    while at < text.len() {
        match (text[at], raw) {
            ('\\', None) => at += 1,
            ('"', None) => return at + 1,
            ('"', Some(hashes)) if text[at + 1..].iter().take(hashes).all(|&c| c == '#') => {
                return at + 1 + hashes;
            }
            _ => {}
        }
        at += 1;
    }
    at
}

/// Cuts every item marked `#[cfg(test)]`; the code left and what was cut.
fn cut_tests(mut code: Vec<char>) -> (Vec<char>, Vec<std::ops::Range<usize>>) {
    let mark: Vec<char> = "#[cfg(test)]".chars().collect();
    let mut cut = Vec::new();
    let mut at = 0;
    while at + mark.len() <= code.len() {
        if code[at..].starts_with(&mark) {
            let end = item_end(&code, at + mark.len());
            for c in &mut code[at..end] {
                if *c != '\n' {
                    *c = ' ';
                }
            }
            cut.push(at..end);
            at = end;
        } else {
            at += 1;
        }
    }
    (code, cut)
}

fn item_end(code: &[char], from: usize) -> usize {
    let mut depth = 0;
    for (at, c) in code.iter().enumerate().skip(from) {
        match c {
            '{' | '(' | '[' => depth += 1,
            '}' | ')' | ']' => {
                depth -= 1;
                if depth == 0 && *c == '}' {
                    return at + 1;
                }
            }
            ';' if depth == 0 => return at + 1,
            _ => {}
        }
    }
    code.len()
}

fn tokenize(code: &[char]) -> Vec<Token> {
    let mut tokens = Vec::new();
    let (mut at, mut line) = (0, 1);
    while at < code.len() {
        let end = match code[at] {
            c if is_word(c) => find(code, at, |i| !is_word(code[i])),
            ':' if code.get(at + 1) == Some(&':') => at + 2,
            _ => at + 1,
        };
        if !code[at].is_whitespace() {
            tokens.push(Token {
                text: code[at..end].iter().collect(),
                line,
            });
        }
        line += usize::from(code[at] == '\n');
        at = end;
    }
    tokens
}

#[test]
fn comments_literals_and_tests_are_not_code() {
    let source = Source::new(
        "src/x.rs",
        "// axum\n/* a /* b */ axum */\nlet a = \"axum \\\" x\"; let r = r#\"sql \"x\" x\"#;\n\
         fn f<'a>(c: char) { c == '\"' || c == '\\'' }\n\
         #[cfg(test)]\nmod tests {\n    fn g() { let s = \"in a test\"; axum(); }\n}\nfn last() {}\n",
    );
    let words: Vec<&str> = source
        .tokens
        .iter()
        .map(|token| token.text.as_str())
        .collect();
    assert!(
        !words.contains(&"axum") && !words.contains(&"x"),
        "{words:?}"
    );
    assert!(words.contains(&"f") && words.contains(&"last"));
    let literals: Vec<&str> = source.literals.iter().map(|l| l.text.as_str()).collect();
    assert_eq!(literals, ["\"axum \\\" x\"", "r#\"sql \"x\" x\"#"]);
    assert_eq!(source.tokens.last().map(|token| token.line), Some(9));
}
