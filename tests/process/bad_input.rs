//! What is wrong is said in one clear line, with exit 1, and without any password.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::installation::{Finished, Installation, free_port, on_both};
use crate::postgres::postgres_database;

/// In URLs; must never be repeated.
const PASSWORD: &str = "sesame-0pen";

/// Holds a failure against the rule, and against what its line must and must not say.
#[track_caller]
fn says(done: &Finished, words: &[&str]) {
    let line = done.failed_with_one_line();
    for word in words {
        assert!(line.contains(word), "{word}: {line}");
    }
    assert!(!line.contains(PASSWORD), "{line}");
}

#[tokio::test]
async fn an_unknown_setting_is_named() {
    let installation = Installation::sqlite();
    for command in ["check-config", "serve", "migrate"] {
        let over = [("server.no_such_setting", "1")];
        let done = installation.run_with(&[command], &over).await;
        says(
            &done,
            &[
                "server.no_such_setting",
                "TONGXING__SERVER__NO_SUCH_SETTING",
            ],
        );
    }
    let file = installation.write("config.toml", "[no_such_section]\nkey = 1\n");
    let done = installation.run(&["--config", &file, "check-config"]).await;
    says(&done, &["no_such_section", "config.toml"]);
    let done = installation
        .run(&["check-config", "--set", "login.no=1"])
        .await;
    says(&done, &["login.no", "--set"]);
}

#[tokio::test]
async fn several_problems_are_reported_at_once() {
    let installation = Installation::sqlite();
    let over = [
        ("server.no_such_setting", "1"),
        ("server.listen", "nowhere"),
        ("log.level", "loud"),
        ("database.url", "mysql://user:sesame-0pen@host/name"),
        ("lifetimes.code_seconds", "61"),
    ];
    let done = installation.run_with(&["serve"], &over).await;
    assert_eq!(done.code, Some(1), "{done:?}");
    let lines: Vec<&str> = done.stderr.lines().collect();
    assert_eq!(lines.len(), 1 + over.len(), "{done:?}");
    assert!(
        lines[0].starts_with("tongxing: ") && lines[0].contains('5'),
        "{done:?}"
    );
    for (setting, _) in over {
        assert_eq!(
            done.stderr.matches(setting).count(),
            1,
            "{setting}: {done:?}"
        );
    }
    assert!(!done.stderr.contains(PASSWORD), "{done:?}");
}

#[tokio::test]
async fn a_database_that_cannot_be_reached_is_named_without_its_password() {
    let installation = Installation::sqlite();
    let file = installation.write("file", "not a folder");
    let behind = format!("sqlite:{file}/tongxing.db");
    let done = installation
        .run_with(&["serve"], &[("database.url", &behind)])
        .await;
    says(&done, &["file"]);
    let folder = format!("sqlite:{}", installation.folder().display());
    let done = installation
        .run_with(&["migrate"], &[("database.url", &folder)])
        .await;
    says(&done, &["cannot reach the database"]);

    let closed = format!(
        "postgres://tongxing:{PASSWORD}@127.0.0.1:{}/tongxing",
        free_port()
    );
    let vault = format!("sqlite:{}", installation.path("vault.db").display());
    let over = [("database.url", closed.as_str()), ("vault.url", &vault)];
    for command in ["serve", "migrate"] {
        let done = installation.run_with(&[command], &over).await;
        says(
            &done,
            &["cannot reach the database postgres://", "127.0.0.1"],
        );
    }
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused() {
    let installation = Installation::sqlite();
    installation.write("tongxing.db", &"this is a letter to a friend. ".repeat(500));
    let done = installation.run(&["serve"]).await;
    says(&done, &["tongxing.db"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_postgres_database_that_is_not_there_or_not_migrated_is_named() {
    let Some(installation) = Installation::postgres().await else {
        return;
    };
    let done = installation.run(&["serve"]).await;
    says(&done, &["tongxing migrate"]);
    let other = postgres_database().await.unwrap();
    let mut gone: url::Url = other.url.parse().unwrap();
    gone.set_path("no_such_database");
    gone.set_password(Some(PASSWORD)).unwrap();
    let over = [("database.url", gone.as_str())];
    let done = installation.run_with(&["migrate"], &over).await;
    says(&done, &["no_such_database"]);
}

on_both! {
    async fn a_wrong_master_key_is_refused(installation: &mut Installation) {
        let key = |byte: u8| STANDARD.encode([byte; 32]);
        let right = installation.write("right.key", &key(1));
        let wrong = installation.write("wrong.key", &key(2));
        installation.set("vault.master_key_file", &right);
        installation.migrate().await;
        installation.run(&["keys", "list"]).await.json();
        let over = [("vault.master_key_file", wrong.as_str())];
        for command in [&["serve"][..], &["keys", "list"], &["audit", "verify"]] {
            let done = installation.run_with(command, &over).await;
            says(&done, &["master key"]);
            assert!(!done.stderr.contains(&key(2)), "{done:?}");
        }
        installation.run(&["keys", "list"]).await.json();
    }

    async fn a_newer_schema_is_refused(installation: &mut Installation) {
        installation.set("log.level", "info");
        installation.migrate().await;
        installation
            .execute(
                "INSERT INTO schema_migrations \
                 (number, file, checksum, schema_name, oldest_admitted) \
                 VALUES (9999, '9999_from_the_future', '', 'main', 9999)",
            )
            .await;
        for command in [&["serve"][..], &["migrate"], &["client", "list"]] {
            let done = installation.run(command).await;
            says(&done, &["9999"]);
        }
    }
}

#[tokio::test]
async fn a_lost_master_key_is_not_replaced_by_a_new_one() {
    let installation = Installation::sqlite();
    installation.migrate().await;
    let key = installation.path("master.key");
    std::fs::remove_file(&key).unwrap();
    let done = installation.run(&["serve"]).await;
    says(&done, &["vault.master_key_file"]);
    assert!(!key.exists());
}

#[tokio::test]
async fn plain_http_is_for_loopback_only() {
    let installation = Installation::sqlite();
    let over = [("server.issuer", "http://id.example.cn")];
    let done = installation.run_with(&["serve"], &over).await;
    says(&done, &["server.issuer", "plain http"]);
    let over = [
        ("testing.enabled", "true"),
        ("server.issuer", "https://id.example.cn"),
    ];
    let done = installation.run_with(&["serve"], &over).await;
    says(&done, &["testing.enabled"]);
}

#[tokio::test]
async fn probes_are_not_for_the_public() {
    let installation = Installation::sqlite();
    let public = installation.setting("server.listen").to_owned();
    let over = [("server.management_listen", public.as_str())];
    let done = installation.run_with(&["serve"], &over).await;
    says(&done, &["server.management_listen"]);
}

#[tokio::test]
async fn an_address_in_use_is_named() {
    let installation = Installation::sqlite();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let done = installation
        .run_with(&["serve"], &[("server.listen", &address)])
        .await;
    says(&done, &["cannot listen on", &address, "server.listen"]);
}

#[tokio::test]
async fn a_wrong_use_exits_with_2() {
    let installation = Installation::sqlite();
    for line in [
        &[][..],
        &["frobnicate"],
        &["serve", "now"],
        &["client"],
        &["client", "add"],
        &["account", "show"],
        &["serve", "--no-such-flag"],
    ] {
        let done = installation.run(line).await;
        assert_eq!(done.code, Some(2), "{line:?}: {done:?}");
        assert!(
            done.stdout.is_empty() && !done.stderr.is_empty(),
            "{done:?}"
        );
    }
    let done = installation.run(&["--help"]).await;
    assert_eq!(done.code, Some(0), "{done:?}");
    assert!(done.stdout.contains("serve"), "{done:?}");
}

#[tokio::test]
async fn what_is_not_there_is_said_in_one_line() {
    let installation = Installation::sqlite();
    installation.migrate().await;
    let unknown = "cli_00000000000000000000000000";
    let account = "acc_00000000000000000000000000";
    for line in [
        &["client", "show", unknown][..],
        &["client", "suspend", unknown],
        &["client", "show", "../../etc/passwd"],
        &["client", "add", "--metadata", "no-such-file.json"],
        &["account", "show", account],
        &["account", "freeze", account],
        &["account", "show", "me"],
        &["account", "import", "no-such-file.ndjson"],
        &["account", "show", "--document-number-file", "no-such-file"],
        &["audit", "verify", "--head", "not a head"],
    ] {
        installation.run(line).await.failed_with_one_line();
    }
    let metadata = installation.write("bad.json", r#"{"redirect_uris": ["javascript:alert(1)"]}"#);
    let done = installation
        .run(&["client", "add", "--metadata", &metadata])
        .await;
    says(&done, &["redirect_uri"]);
}
