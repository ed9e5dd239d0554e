//! `tongxing demo --tour`: plays and explains the story, ends by itself, leaves nothing behind.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use super::program::Program;

fn tour(folder: &Path, temporary: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_tongxing"))
        .args(["demo", "--tour"])
        .current_dir(folder)
        .env("TMPDIR", temporary)
        .stdin(Stdio::null())
        .output()
        .expect("the program runs")
}

fn is_empty(folder: &Path) -> bool {
    std::fs::read_dir(folder).unwrap().next().is_none()
}

#[test]
fn a_tour_explains_every_request_and_leaves_nothing_behind() {
    let (folder, temporary) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let output = tour(folder.path(), temporary.path());
    let told = String::from_utf8(output.stdout).unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{told}\n{said}");
    assert_eq!(said, "");
    // No colors: this is no terminal.
    assert!(!told.contains('\u{1b}'));
    for (what, clause) in [
        (
            "/oauth2/authorize?response_type=code",
            "OpenID Connect Core §3.1.2",
        ),
        ("POST localhost", "RFC 9207 §2"),
        ("/callback?code=…", "RFC 7636 §4.5"),
        ("/recover/code?challenge=…", "NIST SP 800-63B-3"),
        ("/oauth2/end_session?", "RP-Initiated Logout 1.0 §2"),
    ] {
        assert!(
            told.contains(what) && told.contains(clause),
            "{what}: {told}"
        );
    }
    // Request by request: two lines of its own, and three of explanation.
    let requests: Vec<_> = told
        .split("\n\n")
        .filter(|part| part.contains(" GET ") || part.contains(" POST "))
        .collect();
    assert!(requests.len() > 40);
    for request in requests {
        let lines = request
            .lines()
            .filter(|line| line.starts_with("     "))
            .count();
        assert!(lines >= 4, "not explained: {request}");
    }
    assert!(is_empty(folder.path()) && is_empty(temporary.path()));
}

#[test]
fn a_tour_goes_beside_a_demo() {
    let (folder, temporary) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let demo = Program::start(folder.path(), &["demo"]);
    let messages = folder.path().join("data/demo/messages.ndjson");
    let output = tour(folder.path(), temporary.path());
    assert!(output.status.success());
    let read = std::fs::read_to_string(messages).unwrap_or_default();
    assert_eq!(read, "", "nobody of the demo was written to");
    demo.stop();
}

#[test]
fn a_tour_that_is_stopped_leaves_nothing_behind_either() {
    let (folder, temporary) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut child = Command::new(env!("CARGO_BIN_EXE_tongxing"))
        .args(["demo", "--tour"])
        .current_dir(folder.path())
        .env("TMPDIR", temporary.path())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut told = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(told.any(|line| line.unwrap().contains("GET ")));
    let id = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(id, rustix::process::Signal::INT).expect("a signal");
    // Read on, or it would wait for somebody to read.
    told.for_each(drop);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(said, "tongxing: the tour was stopped\n");
    assert!(is_empty(folder.path()) && is_empty(temporary.path()));
}
