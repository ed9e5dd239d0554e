//! `docs/operations/keys.md`, its commands and settings as they are written.

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
    let code = Browser::new(&server.http).enter(portal, person).await.code();
    portal.tokens(&server.http, &code).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_commands_of_rotation_and_another_master_key_do_what_is_written() {
    let document = Document::read("docs/operations/keys.md");
    let installation = &mut Installation::sqlite();
    let machine = &mut machine_of(installation);
    // As README.md makes the first.
    machine.run("mkdir -p /etc/tongxing\nhead -c 32 /dev/urandom | base64 > /etc/tongxing/master.key").await;
    configure(installation, machine, "[vault]\nmaster_key_file = \"/etc/tongxing/master.key\"\n");
    installation.migrate().await;
    let person = Person::numbered(1);
    installation.import(std::slice::from_ref(&person)).await;
    let portal = installation.add_portal("one").await;
    let (listen, management) = (free_port(), free_port());
    let (listen, management) = (format!("127.0.0.1:{listen}"), format!("127.0.0.1:{management}"));
    let other = [("server.listen", &*listen), ("server.management_listen", &*management)];
    let mut nodes = [installation.serve().await, installation.serve_with(&other).await];

    machine.run(&document.commands("Rotating what signs", 0)).await;
    for node in &nodes {
        enter(node, &portal, &person).await;
    }

    const ANOTHER: &str = "Another master key";
    machine.run(&document.commands(ANOTHER, 0)).await;
    for step in [0, 1] {
        configure(installation, machine, &document.block(ANOTHER, "toml", step));
        // One node after the other; what is left goes on.
        let [one, two] = nodes;
        one.stop().await;
        let one = installation.serve().await;
        enter(&two, &portal, &person).await;
        two.stop().await;
        let two = installation.serve_with(&other).await;
        enter(&one, &portal, &person).await;
        nodes = [one, two];
    }
    let told = machine.run(&document.commands(ANOTHER, 1)).await;
    let told: serde_json::Value = serde_json::from_str(&told).unwrap();
    let shown = document.block(ANOTHER, "json", 0);
    let shown: serde_json::Value = serde_json::from_str(&shown).unwrap();
    let members = |value: &serde_json::Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(members(&told), members(&shown), "{told}");
    assert!(told["keys"]["rewrapped"].as_u64().unwrap() > 10, "{told}");
    for node in nodes {
        node.stop().await;
    }

    // Step 5: the old one is gone, and opens nothing any more.
    installation.set("vault.other_master_key_file", "");
    let server = installation.serve().await;
    enter(&server, &portal, &person).await;
    server.stop().await;
    configure(installation, machine, "[vault]\nmaster_key_file = \"/etc/tongxing/master.key\"\n");
    let refused = installation.run(&["serve"]).await;
    let line = refused.failed_with_one_line();
    assert!(line.contains("the master key does not open this key store"), "{line}");
    document.was_run();
}
