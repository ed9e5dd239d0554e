//! `docs/operations/keys.md`, its commands and settings as they are written.

use serde_json::Value;

use super::backups::machine_of;
use super::document::Document;
use super::machine::Machine;
use crate::browser::Browser;
use crate::installation::{Installation, free_port};
use crate::people::Person;
use crate::portal::Portal;
use crate::server::Server;

/// What the document has under `[vault]` becomes the installation's.
fn configure(installation: &mut Installation, machine: &mut Machine, settings: &str) {
    let table: toml::Table = machine.told(settings).parse().unwrap();
    for (key, value) in table["vault"].as_table().unwrap() {
        installation.set(&format!("vault.{key}"), value.as_str().unwrap());
    }
    machine.set_all(installation.environment());
}

async fn enter(server: &Server, portal: &Portal, person: &Person) {
    let code = Browser::new(&server.http)
        .enter(portal, person)
        .await
        .code();
    portal.tokens(&server.http, &code).await;
}

/// Restarts one node after the other; what is left goes on.
async fn restart(
    installation: &Installation,
    [one, two]: [Server; 2],
    (of_two, portal, person): (&[(&str, &str)], &Portal, &Person),
) -> [Server; 2] {
    one.stop().await;
    let one = installation.serve().await;
    enter(&two, portal, person).await;
    two.stop().await;
    let two = installation.serve_with(of_two).await;
    enter(&one, portal, person).await;
    [one, two]
}

fn members(value: &Value) -> Vec<&String> {
    value.as_object().unwrap().keys().collect()
}

const ANOTHER: &str = "Another master key";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_commands_of_rotation_and_another_master_key_do_what_is_written() {
    let document = Document::read("docs/operations/keys.md");
    let installation = &mut Installation::sqlite();
    let machine = &mut machine_of(installation);
    // As README.md makes the first.
    let first =
        "mkdir -p /etc/tongxing\nhead -c 32 /dev/urandom | base64 > /etc/tongxing/master.key";
    machine.run(first).await;
    let old = "[vault]\nmaster_key_file = \"/etc/tongxing/master.key\"\n";
    configure(installation, machine, old);
    installation.migrate().await;
    let person = Person::numbered(1);
    installation.import(std::slice::from_ref(&person)).await;
    let portal = installation.add_portal("one").await;
    let places = [(); 2].map(|()| format!("127.0.0.1:{}", free_port()));
    let of_two = [
        ("server.listen", &*places[0]),
        ("server.management_listen", &*places[1]),
    ];
    let mut nodes = [
        installation.serve().await,
        installation.serve_with(&of_two).await,
    ];

    machine
        .run(&document.commands("Rotating what signs", 0))
        .await;
    for node in &nodes {
        enter(node, &portal, &person).await;
    }

    machine.run(&document.commands(ANOTHER, 0)).await;
    for step in [0, 1] {
        let settings = document.block(ANOTHER, "toml", step);
        configure(installation, machine, &settings);
        nodes = restart(installation, nodes, (&of_two, &portal, &person)).await;
    }
    let told = machine.run(&document.commands(ANOTHER, 1)).await;
    let told: Value = serde_json::from_str(&told).unwrap();
    let shown: Value = serde_json::from_str(&document.block(ANOTHER, "json", 0)).unwrap();
    assert_eq!(members(&told), members(&shown), "{told}");
    assert!(told["keys"]["rewrapped"].as_u64().unwrap() > 10, "{told}");

    // Step 5: the old one is gone, and opens nothing any more.
    installation.set("vault.other_master_key_file", "");
    for node in restart(installation, nodes, (&of_two, &portal, &person)).await {
        enter(&node, &portal, &person).await;
        node.stop().await;
    }
    configure(installation, machine, old);
    let refused = installation.run(&["serve"]).await;
    let line = refused.failed_with_one_line();
    let wanted = "the master key does not open this key store";
    assert!(line.contains(wanted), "{line}");
    document.was_run();
}
