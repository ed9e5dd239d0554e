//! What `deploy/` and the runbooks of `docs/operations/` say, done as it is written.
//!
//! Blocks of shell commands are taken out of the documents and run, all of them: a document whose
//! block no test runs fails its test. What a machine has for itself (folders below `/`, addresses,
//! ports, the name of the provider) is replaced, and where systemd would act a stand-in does what the
//! unit says, under the unit's filter of system calls.

mod backups;
mod board;
mod compose;
mod container;
mod crowd;
mod databases;
mod document;
mod fabric;
mod keys;
mod machine;
mod recipe;
mod routes;
mod scraped;
mod systemd;
mod upgrade;
mod yaml;

use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

/// The root of the package.
fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// A file of the package.
fn text_of(path: &str) -> String {
    let file = root().join(path);
    std::fs::read_to_string(file).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Replaces in one pass, so that nothing is replaced in what was put in. Of two that begin alike the
/// first is taken.
fn substituted(text: &str, substitutions: &[(String, String)]) -> String {
    let mut done = String::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let found = substitutions
            .iter()
            .find(|(from, _)| rest.starts_with(from));
        if let Some((from, to)) = found {
            done.push_str(to);
            rest = &rest[from.len()..];
        } else {
            done.push(first);
            rest = &rest[first.len_utf8()..];
        }
    }
    done
}

/// Where a program is that `tests/run` provides; `None` when told to do without.
fn program(name: &str, skip: &str) -> Option<PathBuf> {
    if crate::redis::told(skip).as_deref() == Some("1") {
        return None;
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(["/usr/sbin".into(), "/usr/bin".into()]);
    let found = folders.map(|folder| folder.join(name)).find(|p| p.exists());
    Some(found.unwrap_or_else(|| panic!("no {name}: install it, or set {skip}=1")))
}

/// Runs a program to its end.
fn ran(command: &mut Command) -> Output {
    let output = command.stdin(Stdio::null()).output();
    output.unwrap_or_else(|error| panic!("{command:?}: {error}"))
}

/// What a program printed; it must have succeeded.
#[track_caller]
fn printed(command: &mut Command) -> String {
    let output = ran(command);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {said}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}
