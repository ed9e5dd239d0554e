//! The program under test, and what it printed.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// A running demo; ended when dropped.
pub(crate) struct Program {
    child: Child,
    /// Where to start.
    pub(crate) start: String,
    /// The provider.
    pub(crate) provider: String,
    /// Everybody's phone.
    pub(crate) phone: String,
    /// Where the authority is switched.
    pub(crate) behavior: String,
    portals: Vec<String>,
    /// Whom to be.
    pub(crate) username: String,
    /// Everybody's password.
    pub(crate) password: String,
    lines: Vec<String>,
}

impl Program {
    /// Starts it in `folder` and reads what it says until it waits.
    pub(crate) fn start(folder: &Path, arguments: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_tongxing"))
            .args(arguments)
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let printed = BufReader::new(child.stdout.take().expect("its output"));
        let mut lines = Vec::new();
        for line in printed.lines() {
            let line = line.expect("text");
            let last = line.contains("Ctrl-C");
            lines.push(line);
            if last {
                break;
            }
        }
        let addresses: Vec<String> = lines
            .iter()
            .flat_map(|line| line.split_whitespace())
            .filter(|word| word.starts_with("http://"))
            .map(str::to_owned)
            .collect();
        let [start, zhejiang, guangdong, provider, _, phone, behavior, ..] = addresses.as_slice()
        else {
            panic!("seven addresses: {lines:?}");
        };
        let words = words(&lines, "林晓雨");
        Self {
            child,
            start: start.clone(),
            provider: provider.clone(),
            phone: phone.clone(),
            behavior: behavior.clone(),
            portals: vec![zhejiang.clone(), guangdong.clone()],
            username: words[1].clone(),
            password: words[2].clone(),
            lines,
        }
    }

    /// The words of the line that begins with somebody's name.
    pub(crate) fn told_of(&self, name: &str) -> Vec<String> {
        words(&self.lines, name)
    }

    /// An address of a portal.
    pub(crate) fn portal(&self, name: &str, path: &str) -> String {
        let portal = self.portals.iter().find(|portal| portal.contains(name));
        format!("{}{path}", portal.expect("a portal"))
    }

    /// The ports that browsers see.
    pub(crate) fn ports(&self) -> Vec<u16> {
        let addresses = self.portals.iter().chain([&self.provider]);
        addresses
            .map(|address| url::Url::parse(address).unwrap().port().unwrap())
            .collect()
    }

    /// Asks it to end; it does, without complaint.
    pub(crate) fn stop(mut self) {
        let id = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(id, rustix::process::Signal::TERM).expect("a signal");
        assert!(self.child.wait().expect("an end").success());
    }
}

fn words(lines: &[String], name: &str) -> Vec<String> {
    let line = lines
        .iter()
        .find(|line| line.trim_start().starts_with(name));
    let words = line.unwrap_or_else(|| panic!("no {name} in {lines:?}"));
    words.split_whitespace().map(str::to_owned).collect()
}

impl Drop for Program {
    fn drop(&mut self) {
        // Both fail only if it has ended, which is what is wanted.
        self.child.kill().unwrap_or_default();
        self.child.wait().map(drop).unwrap_or_default();
    }
}
