//! Every query of a table module is called by a test here.

use std::fs;
use std::path::{Path, PathBuf};

/// Rust files under a folder of this package.
pub(crate) fn rust_files(folder: &str) -> Vec<PathBuf> {
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}

/// The table modules: all under `src/storage` but the executor and its tests.
pub(crate) fn table_files() -> Vec<PathBuf> {
    let mut files = rust_files("src/storage");
    files.retain(|path| {
        let path = path.to_str().unwrap();
        !path.contains("/storage/database") && !path.ends_with("/tests.rs")
    });
    files
}

/// How a test calls each public asynchronous function: with its module, or as a method.
fn queries() -> Vec<String> {
    let mut queries = Vec::new();
    for path in table_files() {
        let module = path.file_stem().unwrap().to_str().unwrap();
        let text = fs::read_to_string(&path).unwrap();
        for line in text.lines() {
            if let Some(rest) = line.trim_start().strip_prefix("pub async fn ") {
                let name = rest.split(['(', '<']).next().unwrap();
                let is_method = line.starts_with(' ');
                let owner = if is_method { "" } else { module };
                let between = if is_method { "." } else { "::" };
                queries.push(format!("{owner}{between}{name}("));
            }
        }
    }
    queries
}

#[test]
fn every_query_is_tested_on_both_engines() {
    let tests: String = rust_files("tests/storage")
        .iter()
        .map(|path| fs::read_to_string(path).unwrap())
        .collect();
    let missing: Vec<String> = queries()
        .into_iter()
        .filter(|call| !tests.contains(call))
        .collect();
    assert!(
        missing.is_empty(),
        "no test in tests/storage calls {missing:#?}"
    );
}
