//! The two nodes in containers: everything that `compose.yaml` names is there, and its nodes' settings
//! are accepted.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::{printed, root, systemd, text_of, yaml};

const FOLDER: &str = "deploy/container";

fn compose() -> Value {
    yaml::parse(&text_of("deploy/container/compose.yaml"))
}

/// The members of a mapping.
fn members(value: &Value) -> Vec<(&str, &Value)> {
    let members = value.as_object().into_iter().flatten();
    members
        .map(|(name, value)| (name.as_str(), value))
        .collect()
}

/// A list of texts.
fn texts(value: &Value) -> Vec<&str> {
    value
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect()
}

/// The services that run the program.
fn nodes(compose: &Value) -> Vec<(&str, &Value)> {
    let services = members(&compose["services"]);
    services
        .into_iter()
        .filter(|(_, service)| service["image"] == "tongxing")
        .collect()
}

/// The secrets as the script makes them, in a copy of the folder.
pub(super) fn made_secrets(folder: &Path) {
    let script = folder.join("secrets.sh");
    fs::copy(root().join(FOLDER).join("secrets.sh"), &script).unwrap();
    let told = printed(Command::new("sh").arg(&script));
    assert_eq!(told, "");
    let again = super::ran(Command::new("sh").arg(&script));
    assert_eq!(
        again.status.code(),
        Some(1),
        "nothing is made over what is there"
    );
}

#[test]
fn what_is_named_is_there() {
    let compose = compose();
    let folder = tempfile::tempdir().unwrap();
    made_secrets(folder.path());
    let services: BTreeSet<&str> = members(&compose["services"])
        .iter()
        .map(|(name, _)| *name)
        .collect();
    let is_there =
        |path: &str| folder.path().join(path).exists() || root().join(FOLDER).join(path).exists();
    for (name, service) in members(&compose["services"]) {
        for volume in texts(&service["volumes"]) {
            let source = volume.split(':').next().unwrap();
            let is_named = members(&compose["volumes"])
                .iter()
                .any(|(volume, _)| *volume == source);
            assert!(is_named || is_there(source), "{name}: {volume}");
        }
        for secret in texts(&service["secrets"]) {
            let file = compose["secrets"][secret]["file"]
                .as_str()
                .unwrap_or_else(|| panic!("no {secret}"));
            assert!(is_there(file), "{name}: {file}");
        }
        let waits = members(&service["depends_on"])
            .into_iter()
            .map(|(name, _)| name);
        for other in waits.chain(texts(&service["depends_on"])) {
            assert!(services.contains(other), "{name} waits for {other}");
        }
        if let Some(file) = service["build"]["dockerfile"].as_str() {
            let context = root()
                .join(FOLDER)
                .join(service["build"]["context"].as_str().unwrap());
            assert!(context.join(file).exists(), "{name}: {file}");
        }
    }
    let mode = fs::metadata(folder.path().join("secrets/master.key")).unwrap();
    assert_eq!(
        std::os::unix::fs::PermissionsExt::mode(&mode.permissions()) & 0o077,
        0
    );
    // What the script makes is never committed.
    assert!(text_of(".gitignore").lines().any(|line| line == "secrets/"));
}

#[test]
fn the_nodes_settings_are_accepted_and_fit_the_network() {
    let compose = compose();
    let folder = tempfile::tempdir().unwrap();
    made_secrets(folder.path());
    assert_eq!(nodes(&compose).len(), 3);
    let file_of = |secret: &str| {
        let file = compose["secrets"][secret]["file"].as_str().unwrap();
        folder.path().join(file).to_str().unwrap().to_owned()
    };
    for (name, node) in nodes(&compose) {
        let settings = members(&node["environment"]);
        systemd::are_settings(&settings.iter().map(|(name, _)| *name).collect::<Vec<_>>());
        let command = texts(&node["command"]);
        let help = printed(
            Command::new(env!("CARGO_BIN_EXE_tongxing"))
                .args(&command)
                .arg("--help"),
        );
        assert!(help.contains("Usage: tongxing"), "{name}: {help}");
        let mut check = Command::new(env!("CARGO_BIN_EXE_tongxing"));
        check
            .arg("check-config")
            .env_clear()
            .current_dir(folder.path());
        for (setting, value) in settings {
            let value = value.as_str().unwrap();
            match value.strip_prefix("/run/secrets/") {
                Some(secret) => {
                    assert!(
                        texts(&node["secrets"]).contains(&secret),
                        "{name} is not given {secret}"
                    );
                    check.env(setting, file_of(secret));
                }
                None => {
                    check.env(setting, value);
                }
            }
        }
        printed(&mut check);
        let proxy = compose["services"]["nginx"]["networks"]["inside"]["ipv4_address"]
            .as_str()
            .unwrap();
        assert_eq!(
            node["environment"]["TONGXING__SERVER__TRUSTED_PROXIES"],
            format!("{proxy}/32")
        );
    }
    let upstream = text_of("deploy/container/nodes.conf");
    for node in ["node1", "node2"] {
        let address = compose["services"][node]["networks"]["inside"]["ipv4_address"]
            .as_str()
            .unwrap();
        assert!(
            upstream.contains(&format!("server {address}:8080 ")),
            "{node}"
        );
    }
}
