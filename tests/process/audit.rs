//! `audit verify` on the command line: a good log passes, each kind of tampering is listed.

use std::time::Duration;

use serde_json::Value;

use crate::browser::Browser;
use crate::installation::{Finished, Installation, on_both};
use crate::people::Person;
use crate::server::within;

/// Statements that hide what happened, and the problem that gives each away.
const TAMPERING: [(&str, &str); 6] = [
    (
        "UPDATE audit_events SET detail = '{}' WHERE kind = 'client_suspended'",
        "events_changed",
    ),
    (
        "DELETE FROM audit_events WHERE kind = 'client_suspended'",
        "event_missing",
    ),
    // Two of one writer change places.
    (
        "UPDATE audit_events SET seq = -seq WHERE seq <= 2; \
         UPDATE audit_events SET seq = 3 + seq WHERE seq < 0",
        "events_changed",
    ),
    (
        "UPDATE audit_batches SET at = at + 1 WHERE number = 1",
        "signature_invalid",
    ),
    (
        "DELETE FROM audit_batches WHERE number = 1 AND writer IN \
         (SELECT writer FROM audit_batches WHERE number = 2)",
        "batch_missing",
    ),
    (
        "INSERT INTO audit_events (writer, seq, at, kind, account_id, client_id, detail) \
         SELECT writer, seq + 1000, at - 60000, kind, account_id, client_id, detail \
         FROM audit_events WHERE kind = 'client_suspended'",
        "event_overdue",
    ),
];

#[track_caller]
fn report(done: &Finished) -> Value {
    serde_json::from_str(&done.stdout).unwrap_or_else(|error| panic!("{error}: {done:?}"))
}

/// Some history: accounts, a client, logins and tokens, and a suspension. The head that the server
/// logged for witnesses after it.
async fn history(installation: &mut Installation) -> String {
    installation.set("log.format", "json");
    installation.migrate().await;
    let people: Vec<Person> = (0..5).map(Person::numbered).collect();
    installation.import(&people).await;
    let portal = installation.add_portal("one").await;
    let server = installation.serve().await;
    for person in &people {
        let mut browser = Browser::new(&server.http);
        let code = browser.enter(&portal, person).await.code();
        portal.tokens(&server.http, &code).await;
    }
    // Sealed by now or by the next second's batch; then two more of another.
    let sealed = "SELECT COUNT(*) FROM audit_batches WHERE writer IN \
                  (SELECT writer FROM audit_events WHERE kind = 'login')";
    within(Duration::from_secs(10), "the logins sealed", async || {
        (installation.number(sealed).await > 0).then_some(())
    })
    .await;
    for person in &people {
        Browser::new(&server.http)
            .enter(&portal, person)
            .await
            .code();
    }
    server.stop().await;
    let change = [&*portal.id, "--operator", "li", "--reason", "leak"];
    let done = installation
        .run(&[&["client", "suspend"][..], &change].concat())
        .await;
    assert_eq!(done.code, Some(0), "{done:?}");
    // A server links all chains when it starts.
    let server = installation.serve().await;
    let head = within(
        Duration::from_secs(10),
        "a head for witnesses",
        async || {
            let log = server.log();
            let line = log
                .lines()
                .find(|line| line.contains("audit chains linked"))?;
            let line: Value = serde_json::from_str(line).ok()?;
            Some(line["head"].as_str()?.to_owned())
        },
    )
    .await;
    server.stop().await;
    head
}

on_both! {
    async fn a_good_log_passes_and_each_tampering_is_listed(installation: &mut Installation) {
        let head = history(installation).await;
        let done = installation.run(&["audit", "verify"]).await;
        let good = done.json();
        assert_eq!(good["ok"], true, "{done:?}");
        assert_eq!(good["problems"].as_array().map(Vec::len), Some(0), "{good}");
        assert_eq!(good["pending"], 0, "{good}");
        assert_eq!(good["head"], *head, "{good}");
        assert!(good["events"].as_u64().unwrap() >= 5 + 1 + 5 * 4, "{good}");
        let done = installation.run(&["audit", "verify", "--head", &head]).await;
        assert_eq!(done.code, Some(0), "{done:?}");

        for table in ["audit_events", "audit_batches"] {
            let copy = format!("CREATE TABLE copy_of_{table} AS SELECT * FROM {table}");
            installation.execute(&copy).await;
        }
        for (statement, kind) in TAMPERING {
            installation.execute(statement).await;
            let done = installation.run(&["audit", "verify"]).await;
            assert_eq!(done.code, Some(1), "{statement}: {done:?}");
            assert!(done.stderr.starts_with("tongxing: "), "{done:?}");
            let found = report(&done);
            assert_eq!(found["ok"], false);
            let problems = found["problems"].as_array().unwrap();
            let is_found = problems.iter().any(|problem| problem["kind"] == kind);
            assert!(is_found, "{statement}: {found}");
            restore(installation).await;
        }
        assert_eq!(installation.run(&["audit", "verify"]).await.code, Some(0));
    }

    async fn a_log_cut_off_after_the_last_link_is_detected(installation: &mut Installation) {
        let linked = history(installation).await;
        let id = somebody(installation).await;
        let frozen = installation.run(&["account", "freeze", &id]).await;
        assert_eq!(frozen.code, Some(0), "{frozen:?}");
        let report_of = installation.run(&["audit", "verify"]).await;
        let noted = report_of.json();
        assert!(noted["keys"].as_array().is_some_and(|keys| !keys.is_empty()), "{noted}");
        let noted_head = noted["head"].as_str().unwrap().to_owned();
        let file = installation.write("noted.json", &report_of.stdout);
        let forms = [noted_head, format!("@{file}")];
        for head in &forms {
            let done = installation.run(&["audit", "verify", "--head", head]).await;
            assert_eq!(done.code, Some(0), "{done:?}");
        }
        // The freeze never was: its batch, its event and its writer are gone.
        for table in ["audit_batches", "audit_writers", "audit_events"] {
            let cut = format!(
                "DELETE FROM {table} WHERE writer IN \
                 (SELECT writer FROM audit_events WHERE kind = 'account_frozen')"
            );
            installation.execute(&cut).await;
        }
        let done = installation.run(&["audit", "verify", "--head", &linked]).await;
        assert_eq!(done.code, Some(0), "the last link knows nothing of it: {done:?}");
        for head in &forms {
            let done = installation.run(&["audit", "verify", "--head", head]).await;
            assert_eq!(done.code, Some(1), "{done:?}");
            assert_eq!(report(&done)["problems"][0]["kind"], "head_missing", "{done:?}");
        }
    }

    async fn exports_prove_themselves_where_there_is_no_database(installation: &mut Installation) {
        history(installation).await;
        let (one, two) = (file(installation, "one"), file(installation, "two"));
        let done = installation.run(&["audit", "export", "--to", &one]).await;
        assert_eq!((done.code, &*done.stdout), (Some(0), ""), "{done:?}");
        let again = installation.run(&["audit", "export", "--to", &one]).await;
        assert!(again.failed_with_one_line().contains("is there already"), "{again:?}");
        let position = last_line(&one)["position"].as_str().unwrap().to_owned();
        let id = somebody(installation).await;
        let frozen = installation.run(&["account", "freeze", &id]).await;
        assert_eq!(frozen.code, Some(0), "{frozen:?}");
        let done = installation.run(&["audit", "export", "--after", &position]).await;
        assert_eq!(done.code, Some(0), "{done:?}");
        assert!(done.stdout.contains("account_frozen") && !done.stdout.contains("account_imported"));
        std::fs::write(&two, &done.stdout).unwrap();
        let stored = installation.run(&["audit", "verify"]).await.json();
        let key = audit_key(installation, "current").await;

        let elsewhere = Installation::bare();
        let verify = ["audit", "verify", "--export", &one, &two];
        let done = elsewhere.run(&verify).await;
        assert_eq!(done.json()["keys_from"], "file", "{done:?}");
        assert!(done.stderr.contains("--key"), "{done:?}");
        let done = elsewhere.run(&[&verify[..], &["--key", &key]].concat()).await;
        let report_of = done.json();
        assert_eq!(report_of["keys_from"], "given", "{report_of}");
        assert_eq!(done.stderr, "", "{done:?}");
        for member in ["batches", "events", "writers", "head"] {
            assert_eq!(report_of[member], stored[member], "{member}: {report_of} {stored}");
        }
        assert!(std::fs::read_dir(elsewhere.folder()).unwrap().all(|entry| {
            !entry.unwrap().file_name().to_str().unwrap().contains(".db")
        }));

        // Another's key proves nothing, which is not what a changed line looks like.
        let unnamed = elsewhere.run(&[&verify[..], &["--key", "another"]].concat()).await;
        assert_eq!(unnamed.code, Some(1), "{unnamed:?}");
        assert!(unnamed.stderr.contains("no --key names who signed them"), "{unnamed:?}");
        let problems = report(&unnamed)["problems"].as_array().cloned().unwrap_or_default();
        assert!(problems.iter().all(|problem| problem["kind"] == "key_unknown"), "{unnamed:?}");

        let text = std::fs::read_to_string(&two).unwrap();
        elsewhere.write("changed", &text.replace("account_frozen", "account_unfrozen"));
        let changed = file(&elsewhere, "changed");
        let done = elsewhere.run(&["audit", "verify", "--export", &one, &changed]).await;
        assert_eq!(done.code, Some(1), "{done:?}");
        assert_eq!(report(&done)["problems"][0]["kind"], "events_changed", "{done:?}");
        let verify = ["audit", "verify", "--export", &one, &changed, "--key", "another"];
        let done = elsewhere.run(&verify).await;
        assert!(done.stderr.contains("not what was written"), "{done:?}");
        let done = elsewhere.run(&["audit", "verify", "--export", &changed[1..]]).await;
        assert!(done.failed_with_one_line().contains(&changed[1..]), "{done:?}");
        let other = format!("1:{}", stored["head"].as_str().unwrap());
        let done = installation.run(&["audit", "export", "--after", &other]).await;
        assert!(done.failed_with_one_line().contains("position"), "{done:?}");
    }

    async fn a_key_that_was_not_given_is_no_forgery(installation: &mut Installation) {
        history(installation).await;
        let change = ["--operator", "li", "--reason", "yearly"];
        let done = installation.run(&[&["keys", "rotate"][..], &change].concat()).await;
        assert_eq!(done.code, Some(0), "{done:?}");
        let id = somebody(installation).await;
        let frozen = installation.run(&["account", "freeze", &id]).await;
        assert_eq!(frozen.code, Some(0), "{frozen:?}");
        let whole = file(installation, "whole");
        let done = installation.run(&["audit", "export", "--to", &whole]).await;
        assert_eq!(done.code, Some(0), "{done:?}");
        let current = audit_key(installation, "current").await;
        let retired = audit_key(installation, "retired").await;

        let verify = ["audit", "verify", "--export", &whole, "--key", &current];
        let with_both = [&verify[..], &["--key", &retired]].concat();
        let done = installation.run(&with_both).await;
        assert_eq!((done.code, &*done.stderr), (Some(0), ""), "{done:?}");
        let done = installation.run(&verify).await;
        assert_eq!(done.code, Some(1), "{done:?}");
        assert!(done.stderr.contains("signed by a key that was not given"), "{done:?}");
        assert!(!done.stderr.contains("not what was written"), "{done:?}");

        let text = std::fs::read_to_string(&whole).unwrap();
        // What a given key has signed cannot be looked at where the files do not bring it.
        let without: Vec<&str> = text
            .lines()
            .filter(|line| !(line.starts_with("{\"type\":\"key\"") && line.contains(&current)))
            .collect();
        assert_eq!(without.len() + 1, text.lines().count(), "{text}");
        installation.write("keyless", &(without.join("\n") + "\n"));
        let keyless = file(installation, "keyless");
        let verify = ["audit", "verify", "--export", &keyless, "--key", &current, "--key", &retired];
        let done = installation.run(&verify).await;
        assert!(done.stderr.contains("not what was written"), "{done:?}");

        installation.write("changed", &text.replace("account_frozen", "account_unfrozen"));
        let changed = file(installation, "changed");
        let verify = ["audit", "verify", "--export", &changed, "--key", &current];
        let done = installation.run(&verify).await;
        assert!(done.stderr.contains("not what was written"), "{done:?}");
    }

    async fn a_log_cut_off_behind_a_noted_head_is_detected(installation: &mut Installation) {
        let head = history(installation).await;
        let writer = head.split(':').next().unwrap();
        // The last process never was: its batches and events are gone.
        for table in ["audit_batches", "audit_events"] {
            let cut = format!("DELETE FROM {table} WHERE writer = '{writer}'");
            installation.execute(&cut).await;
        }
        let done = installation.run(&["audit", "verify"]).await;
        assert_eq!(done.code, Some(0), "nothing shows it from inside: {done:?}");
        let done = installation.run(&["audit", "verify", "--head", &head]).await;
        assert_eq!(done.code, Some(1), "{done:?}");
        let found = report(&done);
        assert_eq!(found["problems"][0]["kind"], "head_missing", "{found}");
    }
}

async fn restore(installation: &Installation) {
    for table in ["audit_events", "audit_batches"] {
        let back =
            format!("DELETE FROM {table}; INSERT INTO {table} SELECT * FROM copy_of_{table}");
        installation.execute(&back).await;
    }
}

/// The id of some account.
async fn somebody(installation: &Installation) -> String {
    let number = installation.write("number", &Person::numbered(0).number);
    let command = ["account", "show", "--document-number-file", &number];
    let shown = installation.run(&command).await.json();
    shown["account_id"].as_str().unwrap().to_owned()
}

/// The fingerprint of the audit key with this status.
async fn audit_key(installation: &Installation, status: &str) -> String {
    let keys = installation.run(&["keys", "list"]).await.json();
    let is_it = |key: &&Value| key["purpose"] == "audit" && key["status"] == status;
    let key = keys.as_array().unwrap().iter().find(is_it).unwrap();
    key["key_id"].as_str().unwrap().to_owned()
}

fn file(installation: &Installation, name: &str) -> String {
    installation.path(name).to_str().unwrap().to_owned()
}

fn last_line(file: &str) -> Value {
    let text = std::fs::read_to_string(file).unwrap();
    serde_json::from_str(text.lines().last().unwrap()).unwrap()
}
