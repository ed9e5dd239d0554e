//! What whoever tries it for the first time runs into: each slip is told, and none is obeyed.

use std::fs;
use std::process::{Command, Stdio};

use rustix::process::Signal;

use crate::installation::{Installation, on_both};
use crate::portal::Portal;

#[tokio::test]
async fn a_command_about_a_database_that_is_not_there_makes_none() {
    let installation = Installation::sqlite();
    let account = "acc_00000000000000000000000000";
    for line in [
        &["client", "list"][..],
        &["client", "show", "x"],
        &["client", "suspend", "x"],
        &["account", "show", account],
        &["account", "freeze", account],
        &["keys", "list"],
        &["keys", "rotate"],
        &["audit", "verify"],
    ] {
        let done = installation.run(line).await;
        let told = done.failed_with_one_line();
        assert!(told.contains("is --config missing?"), "{told}");
        assert!(told.contains("tongxing.db"), "{told}");
    }
    for file in ["tongxing.db", "vault.db", "master.key"] {
        assert!(!installation.path(file).exists(), "{file}");
    }
    let metadata = installation.write("client.json", &Portal::metadata("one").to_string());
    let added = installation
        .run(&["client", "add", "--metadata", &metadata])
        .await;
    assert_eq!(added.code, Some(0), "{added:?}");
    assert!(added.stderr.contains("tongxing.db"), "{added:?}");
}

on_both! {
    async fn the_issuer_stays_as_soon_as_somebody_knows_it(installation: &mut Installation) {
        installation.migrate().await;
        let first = installation.issuer().to_owned();
        let second = "http://localhost:4711";
        let other = [("server.issuer", second)];
        for over in [&[][..], &other, &[]] {
            let done = installation.run_with(&["keys", "list"], over).await;
            assert_eq!(done.code, Some(0), "nobody knows it yet: {done:?}");
        }
        let portal = installation.add_portal("one").await;
        for command in [&["serve"][..], &["client", "show", &portal.id]] {
            let refused = installation.run_with(command, &other).await;
            let line = refused.failed_with_one_line();
            assert!(line.contains(&first) && line.contains(second), "{line}");
            assert!(line.contains("server.issuer"), "{line}");
        }
        installation.run(&["client", "show", &portal.id]).await.json();
    }
}

#[tokio::test]
async fn what_serve_would_refuse_does_not_pass_the_check() {
    let installation = Installation::sqlite();
    let missing = [
        ("tls.certificate", "no-such.pem"),
        ("tls.key", "no-such-key.pem"),
    ];
    let done = installation.run_with(&["check-config"], &missing).await;
    let line = done.failed_with_one_line();
    assert!(line.contains("no-such"), "{line}");
    installation.migrate().await;
    fs::remove_file(installation.path("master.key")).unwrap();
    let done = installation.run(&["check-config"]).await;
    assert!(done.failed_with_one_line().contains("master key"));
}

#[tokio::test]
async fn members_that_are_not_read_are_named() {
    let installation = Installation::sqlite();
    installation.migrate().await;
    let mut metadata = Portal::metadata("one");
    metadata["client_name#zh-CN"] = "一号".into();
    metadata["redirect_uri"] = "https://portal.example/".into();
    let file = installation.write("client.json", &metadata.to_string());
    let added = installation
        .run(&["client", "add", "--metadata", &file])
        .await;
    assert_eq!(added.json()["client_name#zh-CN"], "一号");
    assert!(
        added.stderr.contains("\"redirect_uri\" is ignored"),
        "{added:?}"
    );
    assert!(!added.stderr.contains("client_name"), "{added:?}");
}

#[tokio::test]
async fn a_refusal_is_logged_with_the_client_if_it_is_registered() {
    let installation = Installation::sqlite();
    installation.migrate().await;
    let portal = installation.add_portal("one").await;
    let mut server = installation.serve().await;
    let http = &server.http;
    let form = [("grant_type", "authorization_code"), ("code", "none")];
    assert_eq!(portal.post(http, "/oauth2/token", &form).await.status, 400);
    let stranger = format!("{}/oauth2/authorize?client_id=a-stranger", http.origin());
    assert_eq!(http.get(&stranger).await.status, 400);
    let done = installation.run(&["client", "suspend", &portal.id]).await;
    assert_eq!(done.code, Some(0), "{done:?}");
    let url = portal.authorization_url(http.origin());
    crate::server::within(
        std::time::Duration::from_secs(10),
        "suspended",
        async || (http.get(&url).await.status == 400).then_some(()),
    )
    .await;
    assert_eq!(portal.post(http, "/oauth2/token", &form).await.status, 401);
    server.signal(Signal::HUP);
    crate::server::within(
        std::time::Duration::from_secs(10),
        "read again",
        async || {
            server
                .log()
                .contains("the log level was read again")
                .then_some(())
        },
    )
    .await;
    server.signal(Signal::TERM);
    assert_eq!(server.ended().await, Some(0));
    let log = server.log();
    let of = |part: &str| {
        let found = log.lines().find(|line| line.contains(part));
        found
            .unwrap_or_else(|| panic!("{part} in {log}"))
            .to_owned()
    };
    for part in [
        "the authorization code is unknown",
        "endpoint=\"authorize\"",
        "invalid_client",
    ] {
        assert!(of(part).contains(&portal.id), "{}", of(part));
    }
    assert!(of("endpoint=\"authorize\"").contains("the client is suspended"));
    assert!(of("invalid_client").contains("the client is suspended"));
    assert!(!log.contains("a-stranger"), "{log}");
    assert!(log.contains("stopped"), "{log}");
}

#[tokio::test]
async fn a_variable_that_nobody_reads_is_told() {
    let installation = Installation::sqlite();
    let output = Command::new(env!("CARGO_BIN_EXE_tongxing"))
        .arg("check-config")
        .current_dir(installation.folder())
        .env_clear()
        .env("TONGXING_SERVER_ISSUER", "https://id.example.org")
        .output()
        .unwrap();
    assert!(output.status.success());
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(
        told.contains("TONGXING_SERVER_ISSUER is not read"),
        "{told}"
    );
}

#[tokio::test]
async fn a_reader_that_goes_away_is_no_error() {
    let installation = Installation::sqlite();
    let mut child = Command::new(env!("CARGO_BIN_EXE_tongxing"))
        .arg("check-config")
        .current_dir(installation.folder())
        .env_clear()
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert!(output.stderr.is_empty(), "{output:?}");
}
