//! `tongxing authority` as a process: what it prints is believed, and spoken to over HTTP.

use serde_json::json;
use tongxing::authority::Person;

use crate::installation::Installation;
use crate::simulator::Simulator;

#[tokio::test]
async fn it_prints_where_it_is_and_whom_it_knows_and_verifies_them() {
    let folder = tempfile::tempdir().unwrap();
    let simulator = Simulator::start(folder.path(), &["--seed", "7", "--people", "30"]);
    assert_eq!(simulator.ready["seed"], 7);
    let people = simulator.ready["people"].as_array().expect("people");
    let expected: Vec<_> = (0..10)
        .map(|index| Person::synthetic(7, index).unwrap().to_json())
        .collect();
    assert_eq!(people, &expected);
    for person in people {
        let (status, answer) = simulator.verify(person, "").await;
        assert_eq!((status, &answer["result"]), (200, &json!("match")));
        assert_eq!(answer["transaction"], "t-42");
    }
    let mut other = people[0].clone();
    other["phone_number"] = people[1]["phone_number"].clone();
    assert_eq!(simulator.verify(&other, "").await.1["result"], "mismatch");
    let stranger = Person::synthetic(7, 30).unwrap().to_json();
    assert_eq!(
        simulator.verify(&stranger, "").await.1["result"],
        "no_record"
    );

    simulator.behave("no_record", None).await;
    assert_eq!(
        simulator.verify(&people[0], "").await.1["result"],
        "no_record"
    );
    simulator.stop();
}

#[tokio::test]
async fn whom_a_file_names_it_verifies_for_who_shows_the_token_and_tells_nobody_of() {
    let folder = tempfile::tempdir().unwrap();
    let named = Person::synthetic(99, 2).unwrap().to_json();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (people, token) = (path("people.ndjson"), path("token"));
    std::fs::write(&people, format!("{named}\n\n")).unwrap();
    std::fs::write(&token, "s3cret\n").unwrap();
    let arguments = [
        "--people",
        "0",
        "--people-file",
        &people,
        "--token-file",
        &token,
    ];
    let simulator = Simulator::start(folder.path(), &arguments);
    assert_eq!(simulator.ready["people"], json!([]));
    assert_eq!(simulator.verify(&named, "wrong").await.0, 401);
    let (status, answer) = simulator.verify(&named, "s3cret").await;
    assert_eq!((status, &answer["result"]), (200, &json!("match")));
    let log = simulator.log();
    simulator.stop();
    for member in ["name", "document_number", "phone_number"] {
        let value = named[member].as_str().unwrap();
        assert!(!log.contains(value) && !log.contains(&value[3..]), "{log}");
    }
    assert!(!log.contains("s3cret"), "{log}");
}

#[tokio::test]
async fn what_it_cannot_use_it_refuses_in_one_line() {
    let installation = Installation::bare();
    let good = Person::synthetic(1, 0).unwrap().to_json();
    let number = good["document_number"].as_str().unwrap().to_owned();
    let mut wrong = good.clone();
    wrong["phone_number"] = "12345678901".into();
    let people = installation.write("people.ndjson", &format!("{good}\n{wrong}\n"));
    let refused = installation
        .run(&["authority", "--people-file", &people])
        .await;
    let line = refused.failed_with_one_line();
    assert!(line.contains("line 2: phone_number"), "{line}");
    assert!(
        !line.contains(&number) && !line.contains("12345678901"),
        "{line}"
    );
    let gone = installation
        .run(&["authority", "--token-file", "nowhere"])
        .await;
    assert!(gone.failed_with_one_line().contains("nowhere"));
    let usage = installation
        .run(&["authority", "--behavior", "sometimes"])
        .await;
    assert_eq!(usage.code, Some(2), "{usage:?}");
    assert!(usage.stderr.contains("flapping"), "{usage:?}");
}

#[tokio::test]
async fn a_server_shows_in_its_metrics_whether_it_asks_its_authority() {
    let mut installation = Installation::sqlite();
    installation.set("authority.url", "http://127.0.0.1:9");
    installation.set("authority.token", "s3cret-hunter2");
    installation.set("notification.outbox", "outbox.ndjson");
    let printed = installation.run(&["check-config"]).await;
    assert!(
        printed.stdout.contains("url = \"http://127.0.0.1:9\""),
        "{printed:?}"
    );
    assert!(!printed.stdout.contains("hunter2"), "{printed:?}");
    let server = installation.serve().await;
    let metrics = server.manage("/metrics").await.body;
    for line in [
        "tongxing_authority_breaker 0",
        "tongxing_authority_checks_total{result=\"match\"} 0",
        "tongxing_authority_checks_total{result=\"breaker_open\"} 0",
        "tongxing_authority_check_seconds_count 0",
    ] {
        assert!(metrics.contains(line), "{line} in\n{metrics}");
    }
    server.stop().await;
}
