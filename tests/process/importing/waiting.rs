//! An import that does not end until a test lets it: what is committed meanwhile is counted, sealed
//! and stays, and everybody else is served.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::Value;

use super::chunks::{counts, whole_accounts};
use super::hashed;
use crate::browser::Browser;
use crate::installation::{Installation, on_both, wait};
use crate::people::Person;
use crate::server::within;

/// Two whole chunks, when there is nothing to hash.
const WHOLE: u32 = 512;
/// These, and a part of the next.
const SENT: u32 = 700;

/// A named pipe, which the import reads as its file.
fn pipe(installation: &Installation) -> PathBuf {
    let path = installation.path("pipe");
    let made = Command::new("mkfifo").arg(&path).status().unwrap();
    assert!(made.success());
    path
}

/// Opened for reading too, so that nobody is waited for.
fn open(pipe: &Path) -> File {
    let mut options = OpenOptions::new();
    options.read(true).write(true).open(pipe).unwrap()
}

/// Sends people; the pipe, still open, when all are taken.
fn send(path: &Path, people: std::ops::Range<u32>) -> JoinHandle<File> {
    let lines: String = people
        .map(|index| hashed(&Person::numbered(index)))
        .collect();
    let mut pipe = open(path);
    std::thread::spawn(move || {
        // It ends in vain when the test does.
        pipe.write_all(lines.as_bytes()).unwrap_or_default();
        pipe
    })
}

/// Sends people, one after the other, until it is enough; how many they were.
fn send_until(path: &Path, enough: &Arc<AtomicBool>) -> JoinHandle<u32> {
    let (mut pipe, enough) = (open(path), Arc::clone(enough));
    std::thread::spawn(move || {
        let mut sent = 0;
        while !enough.load(Ordering::Relaxed) {
            let line = hashed(&Person::numbered(sent));
            pipe.write_all(line.as_bytes()).unwrap();
            sent += 1;
        }
        sent
    })
}

async fn until_whole_chunks_are_there(installation: &Installation) {
    within(Duration::from_mins(1), "two chunks", async || {
        let count = installation.number("SELECT COUNT(*) FROM accounts").await;
        (count == i64::from(WHOLE)).then_some(())
    })
    .await;
}

on_both! {
    async fn an_import_killed_in_the_middle_of_a_chunk_is_resumed(installation: &mut Installation) {
        installation.migrate().await;
        let path = pipe(installation);
        let command = ["account", "import", path.to_str().unwrap()];
        let log = installation.path("cut-off");
        let mut importing = installation.start(&command, &[], &log);
        let sending = send(&path, 0..SENT);
        until_whole_chunks_are_there(installation).await;
        importing.kill().unwrap();
        assert_eq!(wait(&mut importing, Duration::from_secs(10)).await, Some(None));
        drop(sending);
        assert_eq!(whole_accounts(installation).await, i64::from(WHOLE));

        let lines: String = (0..SENT).map(|index| hashed(&Person::numbered(index))).collect();
        let file = installation.write("people", &lines);
        let done = installation.run(&["account", "import", &file]).await;
        let (sent, before) = (u64::from(SENT), u64::from(WHOLE));
        assert_eq!(counts(&done), [sent - before, before, 0]);
        assert_eq!(whole_accounts(installation).await, i64::from(SENT));
    }

    async fn what_an_import_has_done_is_sealed_while_it_runs(installation: &mut Installation) {
        installation.migrate().await;
        let path = pipe(installation);
        let command = ["account", "import", path.to_str().unwrap()];
        let log = installation.path("importing");
        let mut importing = installation.start(&command, &[], &log);
        let sending = send(&path, 0..SENT);
        until_whole_chunks_are_there(installation).await;
        // Nobody else is there who would do it.
        within(Duration::from_mins(1), "its events sealed", async || {
            let verified = installation.run(&["audit", "verify"]).await;
            (verified.json()["pending"] == 0).then_some(())
        })
        .await;
        assert!(importing.try_wait().unwrap().is_none(), "it waits for more");
        let pipe = sending.join().unwrap();
        drop(pipe);
        assert_eq!(wait(&mut importing, Duration::from_mins(1)).await, Some(Some(0)));
        let summary = std::fs::read_to_string(log.with_extension("out")).unwrap();
        let summary: Value = serde_json::from_str(&summary).unwrap();
        assert_eq!(summary["imported"], SENT, "{summary}");
        assert_eq!(installation.run(&["audit", "verify"]).await.json()["pending"], 0);
    }
    async fn residents_log_in_while_an_import_runs(installation: &mut Installation) {
        installation.migrate().await;
        let resident = Person::numbered(900_000);
        installation.import(std::slice::from_ref(&resident)).await;
        let portal = installation.add_portal("one").await;
        let server = installation.serve().await;
        let accounts = || installation.number("SELECT COUNT(*) FROM accounts");

        let path = pipe(installation);
        let command = ["account", "import", path.to_str().unwrap()];
        let log = installation.path("importing");
        let enough = Arc::new(AtomicBool::new(false));
        let sending = send_until(&path, &enough);
        let mut importing = installation.start(&command, &[], &log);
        let (mut logins, begun) = (0, accounts().await);
        while logins < 3 || accounts().await < begun + i64::from(WHOLE) {
            let mut browser = Browser::new(&server.http);
            let code = browser.enter(&portal, &resident).await.code();
            portal.tokens(&server.http, &code).await;
            logins += 1;
        }
        assert!(importing.try_wait().unwrap().is_none(), "it has not ended before");
        enough.store(true, Ordering::Relaxed);
        let sent = sending.join().unwrap();
        assert_eq!(wait(&mut importing, Duration::from_mins(1)).await, Some(Some(0)));
        let summary = std::fs::read_to_string(log.with_extension("out")).unwrap();
        let summary: Value = serde_json::from_str(&summary).unwrap();
        assert_eq!(summary["imported"], sent, "{summary}");
        server.stop().await;
        assert_eq!(whole_accounts(installation).await, i64::from(sent) + 1);
    }
}
