//! Imports: wrong lines cost nothing else, and what was cut off is resumed by running it again.

mod chunks;
mod waiting;

use std::fs;
use std::time::Duration;

use serde_json::Value;

use crate::installation::{Installation, on_both, wait};
use crate::people::Person;
use crate::server::within;

const MANY: usize = 2_000;

/// The line of somebody whose password another system has hashed; many of them make one chunk.
fn hashed(person: &Person) -> String {
    const HASH: &str = "$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHRzb21lc2FsdA$\
                        MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI";
    let mut line: Value = serde_json::from_str(&person.line()).unwrap();
    let members = line.as_object_mut().unwrap();
    members.remove("password");
    members.insert("password_hash".to_owned(), HASH.into());
    format!("{line}\n")
}

/// A line with one member changed.
fn altered(person: &Person, member: &str, value: Value) -> String {
    let mut line: Value = serde_json::from_str(&person.line()).unwrap();
    line[member] = value;
    format!("{line}\n")
}

on_both! {
    async fn a_wrong_line_is_reported_with_its_number_and_reason_and_costs_nothing_else(installation: &mut Installation) {
        installation.migrate().await;
        let person = Person::numbered;
        let wrong_check = {
            let number = &person(2).number;
            let last = if number.ends_with('0') { "1" } else { "0" };
            format!("{}{last}", &number[..17])
        };
        // Each with what its reason must say; none for a good line.
        let lines: Vec<(Vec<u8>, Option<&str>)> = vec![
            (person(1).line().into(), None),
            (altered(&person(2), "document_number", wrong_check.into()).into(), Some("document_number")),
            ("this is not json\n".into(), Some("")),
            ("\n".into(), None),
            (altered(&person(3), "document_type", "library_card".into()).into(), Some("document_type")),
            (altered(&person(4), "phone_number", "12".into()).into(), Some("phone_number")),
            (altered(&person(5), "password", Value::Null).into(), Some("password")),
            (altered(&person(6), "favourite_colour", "red".into()).into(), Some("unknown member")),
            (b"{\"name\": \"\xff\xfe\"}\n".to_vec(), Some("")),
            (altered(&person(7), "name", "x".repeat(200_000).into()).into(), Some("")),
            // Again: existing, not wrong.
            (person(1).line().into(), None),
            (altered(&person(8), "password_hash", "$argon2id$v=19$x".into()).into(), Some("password")),
            (person(9).line().replace('\n', "\r\n").into(), None),
            (person(10).line().trim_end().into(), None),
        ];
        let text: Vec<u8> = lines.iter().flat_map(|(line, _)| line.clone()).collect();
        let file = installation.path("people.ndjson");
        fs::write(&file, text).unwrap();
        let (file, rejects) = (file.to_str().unwrap(), installation.path("rejects.ndjson"));
        let command = ["account", "import", file, "--rejects", rejects.to_str().unwrap()];

        let wrong: Vec<(u64, &str)> = (1..)
            .zip(&lines)
            .filter_map(|(number, (_, why))| Some((number, (*why)?)))
            .collect();
        for (imported, existing) in [(3, 1), (0, 4)] {
            let done = installation.run(&command).await;
            let summary = done.json();
            assert_eq!(summary["imported"], imported, "{done:?}");
            assert_eq!(summary["existing"], existing, "{done:?}");
            assert_eq!(summary["rejected"], wrong.len(), "{done:?}");
            let reported = fs::read_to_string(&rejects).unwrap();
            let mut reported: Vec<Value> = reported
                .lines()
                .map(|line| serde_json::from_str(line).unwrap())
                .collect();
            reported.sort_by_key(|rejection| rejection["line"].as_u64());
            assert_eq!(reported.len(), wrong.len(), "{reported:?}");
            for (rejection, (number, why)) in reported.iter().zip(&wrong) {
                assert_eq!(rejection["line"], *number, "{reported:?}");
                let reason = rejection["reason"].as_str().unwrap();
                assert!(!reason.is_empty() && reason.contains(why), "{rejection}");
            }
        }
        assert_eq!(installation.number("SELECT COUNT(*) FROM accounts").await, 3);
    }

    async fn an_import_of_2000_lines_cut_off_by_kill_9_is_resumed_with_every_account_once(installation: &mut Installation) {
        installation.migrate().await;
        let people = (0..u32::try_from(MANY).unwrap()).map(Person::numbered);
        let lines: String = people.map(|person| person.line()).collect();
        let file = installation.write("people.ndjson", &lines);
        let command = ["account", "import", &file];

        let log = installation.path("cut-off");
        let mut importing = installation.start(&command, &[], &log);
        within(Duration::from_mins(1), "some accounts", async || {
            let count = installation.number("SELECT COUNT(*) FROM accounts").await;
            (count >= 200).then_some(())
        })
        .await;
        importing.kill().unwrap();
        let code = wait(&mut importing, Duration::from_secs(10)).await;
        assert_eq!(code, Some(None), "it was killed, it had not ended");
        let before = installation.number("SELECT COUNT(*) FROM accounts").await;
        assert!(before < i64::try_from(MANY).unwrap(), "in the middle: {before}");

        let resumed = installation.run(&command).await.json();
        let total = |summary: &Value, member: &str| summary[member].as_u64().unwrap();
        let sum = total(&resumed, "imported") + total(&resumed, "existing");
        assert_eq!((sum, total(&resumed, "rejected")), (MANY as u64, 0), "{resumed}");
        assert_eq!(total(&resumed, "existing"), u64::try_from(before).unwrap(), "{resumed}");
        let again = installation.run(&command).await.json();
        assert_eq!(total(&again, "imported"), 0, "{again}");
        for table in ["accounts", "account_documents", "account_phones", "credentials"] {
            let count = installation.number(&format!("SELECT COUNT(*) FROM {table}")).await;
            assert_eq!(count, i64::try_from(MANY).unwrap(), "{table}");
        }
        // One of those written before, one after.
        for index in [3, 1_990] {
            let number = installation.write("number", &Person::numbered(index).number);
            let shown = installation
                .run(&["account", "show", "--document-number-file", &number])
                .await
                .json();
            assert_eq!(shown["status"], "active", "{shown}");
        }
    }
}
