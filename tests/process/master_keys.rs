//! One master key takes the place of another, by the steps of `docs/operations/keys.md`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::browser::Browser;
use crate::installation::{Installation, free_port, on_both};
use crate::people::Person;
use crate::portal::Portal;
use crate::server::Server;

const MASTER: &str = "vault.master_key_file";
const OTHER: &str = "vault.other_master_key_file";

fn key(installation: &Installation, byte: u8) -> String {
    installation.write(&format!("{byte}.key"), &STANDARD.encode([byte; 32]))
}

async fn enter(server: &Server, portal: &Portal, person: &Person) {
    let code = Browser::new(&server.http)
        .enter(portal, person)
        .await
        .code();
    let tokens = portal.tokens(&server.http, &code).await;
    let about = portal.userinfo(&server.http, &tokens.access).await.json();
    assert_eq!(about["name"], person.name, "{about}");
}

on_both! {
    async fn a_new_master_key_takes_over_while_servers_run(installation: &mut Installation) {
        let (old, new) = (key(installation, 1), key(installation, 2));
        installation.set(MASTER, &old);
        installation.migrate().await;
        let people: Vec<Person> = (70..76).map(Person::numbered).collect();
        installation.import(&people[..4]).await;
        let portal = installation.add_portal("one").await;

        // Every node opens both, one after the other; only then does any wrap with the new one.
        let (first, second) = (free_port().to_string(), free_port().to_string());
        let here = installation.serve_with(&[(OTHER, &new)]).await;
        let listen = format!("127.0.0.1:{first}");
        let management = format!("127.0.0.1:{second}");
        let there = installation
            .serve_with(&[
                (MASTER, &new),
                (OTHER, &old),
                ("server.listen", &listen),
                ("server.management_listen", &management),
            ])
            .await;
        let both = [(MASTER, new.as_str()), (OTHER, old.as_str())];
        for server in [&here, &there] {
            enter(server, &portal, &people[0]).await;
        }
        let early = installation.run_with(&["keys", "list"], &[(MASTER, new.as_str())]).await;
        assert!(early.failed_with_one_line().contains("master key"), "{early:?}");

        let command = ["keys", "rewrap", "--operator", "li", "--reason", "yearly"];
        let done = installation.run_with(&command, &both).await;
        let summary = done.json();
        assert!(summary["keys"]["rewrapped"].as_u64().unwrap() > 10, "{summary}");
        assert!(summary["bucket_keys"]["rewrapped"].as_u64().unwrap() >= 1, "{summary}");
        assert_ne!(summary["master_key"], summary["other_master_key"]);
        assert!(done.stderr.contains("take ") && done.stderr.contains(" away"), "{done:?}");
        let again = installation.run_with(&command, &both).await.json();
        assert_eq!(again["keys"]["rewrapped"], 0, "{again}");
        assert_eq!(again["bucket_keys"]["rewrapped"], 0, "{again}");
        // What runs goes on.
        for server in [&here, &there] {
            enter(server, &portal, &people[1]).await;
        }
        here.stop().await;
        there.stop().await;

        for command in [&["serve"][..], &["keys", "list"]] {
            let refused = installation.run(command).await;
            assert!(refused.failed_with_one_line().contains("master key"), "{refused:?}");
        }
        installation.set(MASTER, &new);
        let file = people[4..].iter().map(Person::line).collect::<String>();
        let file = installation.write("more.ndjson", &file);
        let imported = installation.run(&["account", "import", &file]).await.json();
        assert_eq!(imported["imported"], 2, "{imported}");
        let server = installation.serve().await;
        for person in &people {
            enter(&server, &portal, person).await;
        }
        server.stop().await;
        let recorded = "SELECT COUNT(*) FROM audit_events WHERE kind = 'keys_rewrapped' \
                        AND detail LIKE '%\"li\"%' AND detail LIKE '%\"yearly\"%'";
        assert_eq!(installation.number(recorded).await, 1);
        let verified = installation.run(&["audit", "verify"]).await;
        assert_eq!(verified.code, Some(0), "{verified:?}");
        let alone = installation.run(&["keys", "rewrap"]).await.json();
        assert_eq!(alone["other_master_key"], serde_json::Value::Null, "{alone}");
    }
}
