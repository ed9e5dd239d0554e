//! `docs/operations/backup.md`, its commands as they are written.

use std::fs;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::document::Document;
use super::machine::Machine;
use crate::browser::Browser;
use crate::installation::{Installation, on_both};
use crate::people::Person;
use crate::portal::Portal;

/// A machine whose commands mean the installation, as with the same `--config`.
pub(super) fn machine_of(installation: &Installation) -> Machine {
    let mut machine = Machine::new(&installation.path("machine")).with_program();
    machine.set_all(installation.environment());
    machine
}

/// Somebody enters a portal at a server that is started for it.
async fn can_enter(installation: &Installation, portal: &Portal, person: &Person) {
    let server = installation.serve().await;
    let code = Browser::new(&server.http)
        .enter(portal, person)
        .await
        .code();
    let tokens = portal.tokens(&server.http, &code).await;
    let about = portal.userinfo(&server.http, &tokens.access).await.json();
    assert_eq!(about["name"], person.name, "{about}");
    server.stop().await;
}

/// Which members the document shows, and those within them that it names.
fn members(value: &Value) -> Vec<&str> {
    value
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect()
}

on_both! {
    async fn the_commands_of_backup_and_restore_do_what_is_written(installation: &mut Installation) {
        let document = Document::read("docs/operations/backup.md");
        let key = installation.write("safe.key", &STANDARD.encode([7; 32]));
        installation.set("vault.master_key_file", &key);
        installation.migrate().await;
        let person = Person::numbered(1);
        installation.import(std::slice::from_ref(&person)).await;
        let portal = installation.add_portal("one").await;
        let machine = machine_of(installation);
        let server = installation.serve().await;
        machine.run(&document.commands("Making a backup", 0)).await;
        server.stop().await;
        let folder = machine.path("/backups/2026-11-22");
        assert!(folder.join("manifest.json").exists() && !folder.join("vault").exists());

        // What comes after it is taken away is taken away again.
        let late = installation.add_portal("late").await;
        let suspended = installation.run(&["client", "suspend", &late.id]).await;
        assert_eq!(suspended.code, Some(0), "{suspended:?}");
        installation.destroy().await;
        let mut machine = machine;
        machine.set_all(installation.environment());
        // Its step 2.
        machine.run("mv /elsewhere/2026-11-22 /backups/2026-11-22/vault").await;
        let told = machine.run(&document.commands("Restoring", 0)).await;
        let told: Value = serde_json::from_str(&told).unwrap();
        let shown = document.block("Restoring", "json", 0);
        let shown: Value = serde_json::from_str(&shown.replace(", …", "")).unwrap();
        assert_eq!(members(&told), members(&shown), "{told}");
        let again = members(&told["taken_away_again"]);
        for member in members(&shown["taken_away_again"]) {
            assert!(again.contains(&member), "{member}: {told}");
        }
        assert_eq!(told["taken_away_again"]["clients"], 1, "{told}");
        can_enter(installation, &portal, &person).await;

        // The same again is harmless: a database that was put back, and a folder with older keys.
        fs::rename(&folder, machine.path("/backups/2026-11-21")).unwrap();
        machine.run(&document.commands("The database was put back", 0)).await;
        can_enter(installation, &portal, &person).await;
        let verified = installation.run(&["audit", "verify"]).await;
        assert_eq!(verified.code, Some(0), "{verified:?}");
        document.was_run();
    }
}
