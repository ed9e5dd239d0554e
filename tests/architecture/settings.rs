//! The default file is the reference of all settings: each has a comment.

use crate::source::{assert_found, assert_none, root};

/// Settings without a comment above them. Those that follow each other share one, as do a section and
/// its first setting.
fn uncommented(text: &str) -> Vec<String> {
    let mut section = String::new();
    let mut is_commented = false;
    let mut faults = Vec::new();
    for line in text.lines() {
        if line.trim().is_empty() {
            is_commented = false;
        } else if line.starts_with('#') {
            is_commented = true;
        } else if let Some(name) = line.strip_prefix('[') {
            name.trim_end_matches(']').clone_into(&mut section);
        } else if let Some((key, _)) = line.split_once(" = ")
            && !is_commented
        {
            faults.push(format!("{section}.{key} has no comment"));
        }
    }
    faults
}

#[test]
fn every_setting_has_a_comment() {
    let text = std::fs::read_to_string(root().join("config/default.toml")).expect("the settings");
    assert!(text.lines().filter(|line| line.contains(" = ")).count() > 40);
    assert_none(&uncommented(&text));
}

#[test]
fn a_setting_without_a_comment_is_found() {
    let text = "# A section.\n[a]\nb = 1\nc = 2\n\nd = 3\n[e]\n# Why.\nf = 4\n";
    let faults = uncommented(text);
    assert_found(&faults, "a.d has no comment");
    assert_eq!(faults.len(), 1);
}
