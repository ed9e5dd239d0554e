//! Chunks: each line of one ends as if it were alone, however the import ends and whoever else writes.

use std::time::Duration;

use serde_json::{Value, json};

use super::{altered, hashed};
use crate::installation::{Finished, Installation, on_both, wait};
use crate::people::Person;
use crate::server::within;

const MANY: u32 = 2_000;
/// Lines in a chunk, when there is nothing to hash.
const CHUNK: u32 = 256;

fn people(range: std::ops::Range<u32>) -> String {
    range
        .map(|index| hashed(&Person::numbered(index)))
        .collect()
}

/// Imported, existing, rejected.
#[track_caller]
pub(super) fn counts(done: &Finished) -> [u64; 3] {
    let summary = done.json();
    ["imported", "existing", "rejected"].map(|member| summary[member].as_u64().unwrap())
}

/// How many accounts there are; all that belongs to them is there as often.
pub(super) async fn whole_accounts(installation: &Installation) -> i64 {
    let counted = installation
        .text(
            "SELECT COUNT(*) || ' ' || (SELECT COUNT(*) FROM account_documents) || ' ' || \
             (SELECT COUNT(*) FROM account_phones) || ' ' || \
             (SELECT COUNT(*) FROM credentials) || ' ' || (SELECT COUNT(*) FROM checks) || ' ' || \
             (SELECT COUNT(*) FROM audit_events WHERE kind = 'account_imported') FROM accounts",
        )
        .await;
    let mut each = counted
        .split(' ')
        .map(|count| count.parse::<i64>().unwrap());
    let accounts = each.next().unwrap();
    assert!(each.all(|count| count == accounts), "{counted}");
    accounts
}

on_both! {
    async fn each_line_of_a_chunk_ends_as_if_it_were_alone(installation: &mut Installation) {
        installation.migrate().await;
        let there = installation.write("there", &people(0..20));
        let done = installation.run(&["account", "import", &there]).await;
        assert_eq!(counts(&done), [20, 0, 0]);

        let person = Person::numbered;
        let with = |who: u32, member: &str, value: Value| {
            let mut line: Value = serde_json::from_str(&hashed(&person(who))).unwrap();
            line[member] = value;
            format!("{line}\n")
        };
        let shared = person(900).phone;
        let wrong = if person(60).number.ends_with('0') { "1" } else { "0" };
        let wrong = format!("{}{wrong}", &person(60).number[..17]);
        let mut lines = vec![
            // 1: there before. 2 to 4: new, and twice more, once with another phone.
            hashed(&person(3)),
            hashed(&person(30)),
            hashed(&person(30)),
            with(30, "phone_number", person(31).phone.into()),
            // 5: a password, not a hash.
            person(32).line(),
            // 6: a wrong check digit. 7: no JSON. 8: a member too many.
            with(60, "document_number", wrong.into()),
            "{\n".to_owned(),
            with(61, "favorite_color", json!("red")),
        ];
        // 9 to 15: seven with one phone, which serves five.
        lines.extend((40..47).map(|who| with(who, "phone_number", shared.clone().into())));
        // 16: the last of them again, with a phone that has room. 17: once more.
        lines.extend([hashed(&person(46)), hashed(&person(46))]);
        // 18 on: enough for several chunks, each person twice.
        lines.extend((100..800).flat_map(|who| [hashed(&person(who)), hashed(&person(who))]));
        let file = installation.write("mixed", &lines.concat());
        let rejects = installation.path("rejects");
        let command = ["account", "import", &file, "--rejects", rejects.to_str().unwrap()];
        let refused = |done: &Finished| -> Vec<u64> {
            assert!(done.stderr.contains(" lines: "), "{done:?}");
            let text = std::fs::read_to_string(&rejects).unwrap();
            let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
            let mut numbers: Vec<u64> = lines.map(|line| line["line"].as_u64().unwrap()).collect();
            numbers.sort_unstable();
            numbers
        };

        let done = installation.run(&command).await;
        // 2, 5, five of seven, 16, and 700; 1, 3, 4, 17, and 700.
        assert_eq!(counts(&done), [708, 704, 5], "{done:?}");
        assert_eq!(refused(&done), [6, 7, 8, 14, 15]);
        assert_eq!(whole_accounts(installation).await, 728);
        let done = installation.run(&command).await;
        // 15 has an account by now.
        assert_eq!(counts(&done), [0, 1_413, 4], "{done:?}");
        assert_eq!(refused(&done), [6, 7, 8, 14]);
        assert_eq!(whole_accounts(installation).await, 728);
        assert_eq!(installation.run(&["audit", "verify"]).await.json()["pending"], 0);
    }

    async fn two_imports_of_one_file_at_once_make_every_account_once(installation: &mut Installation) {
        installation.migrate().await;
        let file = installation.write("people", &people(0..MANY));
        let command = ["account", "import", &*file];
        let (one, other) = tokio::join!(installation.run(&command), installation.run(&command));
        let (one, other) = (counts(&one), counts(&other));
        assert_eq!(one[0] + other[0], u64::from(MANY), "{one:?} {other:?}");
        for [imported, existing, rejected] in [one, other] {
            assert_eq!((imported + existing, rejected), (u64::from(MANY), 0));
        }
        assert_eq!(whole_accounts(installation).await, i64::from(MANY));
    }

    async fn an_import_killed_again_and_again_goes_on_from_where_it_was(installation: &mut Installation) {
        installation.migrate().await;
        let file = installation.write("people", &people(0..MANY));
        let command = ["account", "import", &*file];
        let mut before = 0;
        for attempt in 0..20 {
            let log = installation.path(&format!("attempt-{attempt}"));
            let mut importing = installation.start(&command, &[], &log);
            let ended = within(Duration::from_mins(1), "some accounts more", async || {
                let ended = importing.try_wait().unwrap();
                let count = installation.number("SELECT COUNT(*) FROM accounts").await;
                (ended.is_some() || count > before).then_some(ended.is_some())
            })
            .await;
            importing.kill().unwrap_or_default();
            wait(&mut importing, Duration::from_secs(10)).await;
            // What was being committed when it was killed may be there a moment later.
            let after = within(Duration::from_secs(30), "an end", async || {
                let first = installation.number("SELECT COUNT(*) FROM accounts").await;
                tokio::time::sleep(Duration::from_millis(100)).await;
                let second = installation.number("SELECT COUNT(*) FROM accounts").await;
                (first == second).then_some(second)
            })
            .await;
            assert_eq!(whole_accounts(installation).await, after);
            assert!(after > before || ended, "{before}, then {after}");
            before = after;
            if ended || after == i64::from(MANY) {
                break;
            }
        }
        let done = installation.run(&command).await;
        let existing = u64::try_from(before).unwrap();
        assert_eq!(counts(&done), [u64::from(MANY) - existing, existing, 0]);
        assert_eq!(whole_accounts(installation).await, i64::from(MANY));
    }
}

/// A transaction of somebody else's holds what a chunk needs, until the chunk is given up. Only on
/// PostgreSQL do two write at the same time.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_chunk_that_cannot_be_written_is_written_line_by_line() {
    use sqlx::{Connection as _, Executor as _, PgConnection};

    let Some(installation) = Installation::postgres().await else {
        return;
    };
    installation.migrate().await;
    // Whose document it is, only the program can tell: so it makes the row, and it is taken away.
    let first = installation.write(
        "first",
        &altered(&Person::numbered(5), "email", "a@b.example".into()),
    );
    installation
        .run(&["account", "import", &first])
        .await
        .json();
    let key = installation
        .text("SELECT document_key FROM account_documents")
        .await;
    let id = installation.text("SELECT account_id FROM accounts").await;
    let removal = [
        "account",
        "remove",
        &id,
        "--operator",
        "li",
        "--reason",
        "test",
    ];
    installation.run(&removal).await.json();
    let url = installation.postgres_urls()[0];
    let mut other = PgConnection::connect(url).await.unwrap();
    let mut held = other.begin().await.unwrap();
    let insert = sqlx::query("INSERT INTO account_documents VALUES ($1, 1, 'somebody')").bind(&key);
    held.execute(insert).await.unwrap();

    let file = installation.write("people", &people(0..40));
    let log = installation.path("importing");
    let mut importing = installation.start(&["account", "import", &file], &[], &log);
    within(Duration::from_mins(1), "the chunk given up", async || {
        let said = std::fs::read_to_string(log.with_extension("err")).unwrap();
        said.contains("line by line").then_some(())
    })
    .await;
    held.rollback().await.unwrap();
    assert_eq!(
        wait(&mut importing, Duration::from_mins(1)).await,
        Some(Some(0))
    );
    let summary = std::fs::read_to_string(log.with_extension("out")).unwrap();
    let summary: Value = serde_json::from_str(&summary).unwrap();
    assert_eq!(
        summary,
        json!({ "imported": 40, "existing": 0, "rejected": 0 })
    );
    let accounts = installation.number("SELECT COUNT(*) FROM accounts").await;
    assert_eq!(accounts, 40);
}

/// The same, and the import is killed while it waits in the middle of its transaction.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_chunk_killed_in_the_middle_of_its_transaction_leaves_nothing() {
    use sqlx::{Connection as _, Executor as _, PgConnection};

    let Some(installation) = Installation::postgres().await else {
        return;
    };
    installation.migrate().await;
    let url = installation.postgres_urls()[0];
    let mut other = PgConnection::connect(url).await.unwrap();
    let mut held = other.begin().await.unwrap();
    // Documents are written before, passwords after.
    held.execute("LOCK TABLE account_phones IN SHARE MODE")
        .await
        .unwrap();
    let file = installation.write("people", &people(0..CHUNK));
    let command = ["account", "import", &*file];
    let log = installation.path("importing");
    let mut importing = installation.start(&command, &[], &log);
    within(Duration::from_mins(1), "the chunk waits", async || {
        let waiting = "SELECT COUNT(*) FROM pg_locks WHERE NOT granted \
             AND relation = 'account_phones'::regclass";
        (installation.number(waiting).await > 0).then_some(())
    })
    .await;
    importing.kill().unwrap();
    wait(&mut importing, Duration::from_secs(10)).await;
    held.rollback().await.unwrap();
    within(
        Duration::from_mins(1),
        "its connections are gone",
        async || {
            let open = "SELECT COUNT(*) FROM pg_stat_activity \
             WHERE application_name = 'tongxing' AND datname = current_database()";
            (installation.number(open).await == 0).then_some(())
        },
    )
    .await;
    assert_eq!(whole_accounts(&installation).await, 0);
    let done = installation.run(&command).await;
    assert_eq!(counts(&done), [u64::from(CHUNK), 0, 0]);
    assert_eq!(whole_accounts(&installation).await, i64::from(CHUNK));
}
