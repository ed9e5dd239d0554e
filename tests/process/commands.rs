//! What commands print: JSON with fixed names, and secrets only once.

use serde_json::Value;

use crate::installation::{Installation, on_both};
use crate::people::Person;
use crate::portal::Portal;

#[track_caller]
fn members(value: &Value) -> Vec<&str> {
    let object = value
        .as_object()
        .unwrap_or_else(|| panic!("no object: {value}"));
    object.keys().map(String::as_str).collect()
}

#[track_caller]
fn has(value: &Value, wanted: &[&str]) {
    for member in wanted {
        assert!(members(value).contains(member), "{member}: {value}");
    }
}

on_both! {
    async fn client_commands_print_the_registered_metadata_and_the_secret_once(installation: &mut Installation) {
        installation.migrate().await;
        assert_eq!(installation.run(&["client", "list"]).await.json(), Value::Array(vec![]));
        let metadata = installation.write("client.json", &Portal::metadata("one").to_string());
        let added = installation.run(&["client", "add", "--metadata", &metadata]).await.json();
        has(&added, &[
            "client_id", "client_secret", "client_secret_expires_at", "client_id_issued_at",
            "status", "client_name", "redirect_uris", "post_logout_redirect_uris",
            "token_endpoint_auth_method", "grant_types", "response_types", "scope",
            "application_type", "subject_type", "id_token_signed_response_alg",
            "security_profile", "legal_basis",
        ]);
        assert_eq!(added["status"], "active");
        assert_eq!(added["client_secret_expires_at"], 0);
        let id = added["client_id"].as_str().unwrap();
        let secret = added["client_secret"].as_str().unwrap();

        let shown = installation.run(&["client", "show", id]).await;
        let listed = installation.run(&["client", "list"]).await;
        for done in [&shown, &listed] {
            assert!(!done.stdout.contains(secret) && !done.stdout.contains("\"client_secret\""));
        }
        assert_eq!(listed.json().as_array().unwrap(), &[shown.json()]);
        let mut without_secret = added.clone();
        let object = without_secret.as_object_mut().unwrap();
        object.retain(|member, _| !member.starts_with("client_secret"));
        assert_eq!(shown.json(), without_secret);

        let mut changed = Portal::metadata("one");
        changed["client_name"] = "Renamed".into();
        let metadata = installation.write("client.json", &changed.to_string());
        let arguments = ["client", "update", id, "--metadata", &metadata];
        let updated = installation.run(&arguments).await;
        assert!(!updated.stdout.contains("\"client_secret\""), "{updated:?}");
        assert_eq!(updated.json()["client_name"], "Renamed");
        for (command, status) in [("suspend", "suspended"), ("resume", "active")] {
            let done = installation.run(&["client", command, id]).await.json();
            assert_eq!(members(&done), ["client_id", "status"]);
            assert_eq!(done["status"], status);
            let shown = installation.run(&["client", "show", id]).await.json();
            assert_eq!(shown["status"], status);
            // Once more is refused: it is so already.
            installation.run(&["client", command, id]).await.failed_with_one_line();
        }
        let done = installation.run(&["client", "remove", id]).await.json();
        assert_eq!(done["status"], "removed");
        for command in ["show", "resume", "suspend", "remove"] {
            installation.run(&["client", command, id]).await.failed_with_one_line();
        }
        assert_eq!(installation.run(&["client", "list"]).await.json(), Value::Array(vec![]));
    }

    async fn account_commands_show_which_it_is_and_not_who(installation: &mut Installation) {
        installation.migrate().await;
        let person = Person::numbered(11);
        let file = installation.write("people.ndjson", &person.line());
        let import = ["account", "import", &file, "--operator", "li", "--reason", "asked"];
        let summary = installation.run(&import).await.json();
        assert_eq!(members(&summary), ["existing", "imported", "rejected"]);
        let number = installation.write("number", &format!("{}\n", person.number));
        let by_number = ["account", "show", "--document-number-file", &number];
        let shown = installation.run(&by_number).await;
        let account = shown.json();
        has(&account, &[
            "account_id", "status", "name", "documents", "phone_numbers",
            "identity_assurance_level", "checks", "created_at", "changed_at",
        ]);
        assert_eq!(account["identity_assurance_level"], "urn:tongxing:ial:1");
        assert_eq!(account["documents"][0]["document_type"], "resident_id_card");
        has(&account["checks"][0], &["method", "result"]);
        for personal in [&person.name, &person.number, &person.phone, &person.email] {
            assert!(!shown.stdout.contains(personal.as_str()), "{shown:?}");
        }
        assert!(!shown.stdout.contains(&person.number[6..14]), "{shown:?}");
        assert!(!shown.stdout.contains(&person.phone[6..]), "{shown:?}");

        let id = account["account_id"].as_str().unwrap();
        assert_eq!(installation.run(&["account", "show", id]).await.json(), account);
        for (command, status) in [("freeze", "frozen"), ("unfreeze", "active")] {
            let arguments = ["account", command, id, "--operator", "li", "--reason", "asked"];
            let done = installation.run(&arguments).await.json();
            assert_eq!(members(&done), ["account_id", "status"]);
            assert_eq!(done["status"], status);
            let shown = installation.run(&["account", "show", id]).await.json();
            assert_eq!(shown["status"], status);
            installation.run(&arguments).await.failed_with_one_line();
        }
        // Who did it and why is in the log.
        let recorded = "SELECT COUNT(*) FROM audit_events WHERE detail LIKE '%\"li\"%' \
                        AND detail LIKE '%\"asked\"%'";
        assert_eq!(installation.number(recorded).await, 3);
    }

    async fn key_commands_list_nothing_secret(installation: &mut Installation) {
        installation.migrate().await;
        let before = installation.run(&["keys", "list"]).await.json();
        let after = installation.run(&["keys", "rotate", "--operator", "li", "--reason", "year"]).await.json();
        for key in before.as_array().unwrap().iter().chain(after.as_array().unwrap()) {
            assert_eq!(members(key), [
                "algorithm", "created_at", "current_at", "key_id", "number", "purpose",
                "retired_at", "status",
            ]);
        }
        let count = |keys: &Value, status: &str| {
            let is = |key: &&Value| key["purpose"] == "signing" && key["status"] == status;
            keys.as_array().unwrap().iter().filter(is).count()
        };
        assert_eq!((count(&before, "current"), count(&before, "retired")), (4, 0), "{before}");
        assert_eq!(
            (count(&after, "current"), count(&after, "next"), count(&after, "retired")),
            (4, 4, 4),
            "{after}"
        );
        assert_eq!(installation.run(&["keys", "list"]).await.json(), after);
        let recorded = "SELECT COUNT(*) FROM audit_events WHERE kind = 'keys_rotated' \
                        AND detail LIKE '%\"li\"%' AND detail LIKE '%\"year\"%'";
        assert_eq!(installation.number(recorded).await, 1, "who rotated, and why");
        // Portals may hold a key set without the keys that are next now.
        let refused = installation.run(&["keys", "rotate"]).await;
        let line = refused.failed_with_one_line();
        assert!(line.contains("rotate after that") && line.contains("--force"), "{line}");
        assert_eq!(installation.run(&["keys", "list"]).await.json(), after);
        let forced = installation.run(&["keys", "rotate", "--force", "--reason", "leak"]).await;
        let forced_keys = forced.json();
        let counts = (count(&forced_keys, "retired"), count(&forced_keys, "withdrawn"));
        assert_eq!(counts, (0, 8), "what leaked is out of use");
        assert!(forced.stderr.contains("signing RS256: "), "{forced:?}");
    }
}

#[tokio::test]
async fn the_configuration_is_printed_without_its_secrets() {
    let installation = Installation::sqlite();
    let key = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";
    let over = [
        ("vault.master_key", key),
        (
            "database.url",
            "postgres://tongxing:sesame-0pen@db.internal/tongxing",
        ),
    ];
    let done = installation.run_with(&["check-config"], &over).await;
    assert_eq!(done.code, Some(0), "{done:?}");
    for secret in [key, "sesame-0pen"] {
        assert!(
            !done.stdout.contains(secret) && !done.stderr.contains(secret),
            "{done:?}"
        );
    }
    assert!(done.stdout.contains(installation.issuer()) && done.stdout.contains("db.internal"));
    // What it printed is a configuration.
    assert!(done.stdout.parse::<toml::Table>().is_ok(), "{done:?}");
}
