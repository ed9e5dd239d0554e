//! The unit of systemd: sound, exposes little, and what it names is there. That the program works under
//! its filter of system calls is shown by the recipe, which runs it so.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{printed, program, ran, root, text_of};

const UNIT: &str = "deploy/systemd/tongxing.service";

/// The score up to which a service is found to be exposed little: 10 is everything, in tenths.
const THRESHOLD: &str = "20";

/// The values of a key of the unit, in their order.
pub(super) fn values(key: &str) -> Vec<String> {
    let text = text_of(UNIT);
    let of_key = |line: &str| {
        let (name, value) = line.split_once('=')?;
        (name == key).then(|| value.to_owned())
    };
    text.lines().filter_map(of_key).collect()
}

/// The settings that variables of the environment stand for must be there.
#[track_caller]
pub(super) fn are_settings(variables: &[&str]) {
    let table: toml::Table = text_of("config/default.toml").parse().unwrap();
    for variable in variables {
        let path = variable
            .strip_prefix("TONGXING__")
            .expect(variable)
            .to_lowercase();
        let (section, key) = path.rsplit_once("__").expect(variable);
        let found = section
            .split("__")
            .try_fold(&table, |table, name| table.get(name)?.as_table());
        let is_there = found.is_some_and(|table| table.contains_key(key));
        assert!(is_there, "{variable} is no setting");
    }
}

/// What stands before a command so that it runs as the unit's: see `sandbox.pl`. Nothing on
/// processors that it does not know; `None` without systemd's tools.
pub(super) fn sandbox() -> Option<String> {
    let analyze = program("systemd-analyze", "TONGXING_TEST_SKIP_SYSTEMD")?;
    let architecture = std::env::consts::ARCH;
    if !["x86_64", "aarch64"].contains(&architecture) {
        return Some(String::new());
    }
    let numbers = numbers_of_calls(architecture);
    let allowed = allowed_calls(&analyze);
    let allowed = allowed.iter().filter_map(|name| numbers.get(name));
    let allowed: Vec<String> = allowed.map(u32::to_string).collect();
    assert!(allowed.len() > 100, "{allowed:?}");
    let script = root().join("tests/process/deploy/sandbox.pl");
    let script = script.to_str().unwrap();
    Some(format!(
        "/usr/bin/perl {script} {architecture} {}",
        allowed.join(",")
    ))
}

/// The names of all calls that the unit allows.
fn allowed_calls(analyze: &Path) -> BTreeSet<String> {
    let groups = printed(Command::new(analyze).args(["syscall-filter", "--no-pager"]));
    let mut members: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let mut group = "";
    for line in groups.lines() {
        let name = line.trim();
        if line.starts_with('@') {
            group = name;
        } else if !name.is_empty() && !name.starts_with('#') {
            members.entry(group).or_default().push(name);
        }
    }
    let mut allowed = BTreeSet::new();
    for value in values("SystemCallFilter") {
        let (is_denied, names) = match value.strip_prefix('~') {
            Some(names) => (true, names),
            None => (false, value.as_str()),
        };
        let mut waiting: Vec<&str> = names.split_whitespace().collect();
        while let Some(name) = waiting.pop() {
            if name.starts_with('@') {
                waiting.extend(
                    members
                        .get(name)
                        .unwrap_or_else(|| panic!("no group {name}")),
                );
            } else if is_denied {
                allowed.remove(name);
            } else {
                allowed.insert(name.to_owned());
            }
        }
    }
    allowed
}

/// From the kernel's headers, which a C compiler has.
fn numbers_of_calls(architecture: &str) -> BTreeMap<String, u32> {
    let files = [
        format!("/usr/include/{architecture}-linux-gnu/asm/unistd_64.h"),
        "/usr/include/asm/unistd_64.h".to_owned(),
        "/usr/include/asm-generic/unistd.h".to_owned(),
    ];
    let found = files.iter().find_map(|file| fs::read_to_string(file).ok());
    let text = found.expect("no numbers of system calls: install linux-libc-dev");
    let number_of = |line: &str| {
        let (name, number) = line
            .strip_prefix("#define __NR_")?
            .split_once(char::is_whitespace)?;
        Some((name.to_owned(), number.trim().parse().ok()?))
    };
    text.lines().filter_map(number_of).collect()
}

/// The unit with the program where it is.
fn unit_here(folder: &Path) -> PathBuf {
    let text = text_of(UNIT).replace("/usr/local/bin/tongxing", env!("CARGO_BIN_EXE_tongxing"));
    let file = folder.join("tongxing.service");
    fs::write(&file, text).unwrap();
    file
}

#[test]
fn systemd_finds_no_fault_with_the_unit_and_little_that_it_exposes() {
    let Some(analyze) = program("systemd-analyze", "TONGXING_TEST_SKIP_SYSTEMD") else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let unit = unit_here(folder.path());
    let verified = ran(Command::new(&analyze)
        .args(["verify", "--man=no"])
        .arg(&unit));
    let said = String::from_utf8_lossy(&verified.stderr);
    // Of other units on this machine it may say what it likes.
    let faults: Vec<&str> = said
        .lines()
        .filter(|line| line.contains("tongxing"))
        .collect();
    assert!(faults.is_empty() && verified.status.success(), "{said}");
    let threshold = format!("--threshold={THRESHOLD}");
    let security = ["security", "--no-pager", "--offline=true", &threshold];
    let judged = ran(Command::new(&analyze).args(security).arg(&unit));
    let judgment = String::from_utf8_lossy(&judged.stdout);
    assert!(judged.status.success(), "{judgment}");
}

#[test]
fn what_the_unit_names_is_there() {
    let credentials = values("LoadCredential");
    let variables = values("Environment");
    let variables: BTreeMap<&str, &str> = variables
        .iter()
        .map(|v| v.split_once('=').unwrap())
        .collect();
    are_settings(&variables.keys().copied().collect::<Vec<_>>());
    let named: BTreeSet<String> = credentials
        .iter()
        .map(|credential| format!("%d/{}", credential.split_once(':').unwrap().0))
        .collect();
    let used: BTreeSet<String> = variables
        .values()
        .map(|value| (*value).to_owned())
        .collect();
    assert_eq!(named, used, "each credential is some setting's");
    // What the command line reads is what the service gets.
    let settings: toml::Table = text_of("deploy/two-nodes/tongxing.toml").parse().unwrap();
    for (variable, value) in variables {
        let path = variable.trim_start_matches("TONGXING__").to_lowercase();
        let (section, key) = path.split_once("__").unwrap();
        let file = settings[section][key].as_str().unwrap();
        let name = value.trim_start_matches("%d/");
        assert!(
            credentials.contains(&format!("{name}:{file}")),
            "{variable}"
        );
    }
    let defaults: toml::Table = text_of("config/default.toml").parse().unwrap();
    let grace = defaults["server"]["shutdown_grace_seconds"]
        .as_integer()
        .unwrap();
    let stop: i64 = values("TimeoutStopSec")[0].parse().unwrap();
    assert!(stop > grace, "{stop} {grace}");
    // A database that is away for longer than some starts take does not end it for good.
    assert_eq!(values("StartLimitIntervalSec"), ["0"]);
    assert_eq!(values("Restart"), ["on-failure"]);
    let files: i64 = values("LimitNOFILE")[0].parse().unwrap();
    assert!(files > 2 * defaults["server"]["max_connections"].as_integer().unwrap());
}
