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
    portals: Vec<String>,
    /// Whom to be.
    pub(crate) username: String,
    /// Everybody's password.
    pub(crate) password: String,
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
        let [start, zhejiang, guangdong, provider, _] = addresses.as_slice() else {
            panic!("five addresses: {lines:?}");
        };
        let person = lines.iter().find(|line| line.contains("林晓雨"));
        let words: Vec<_> = person.expect("a person").split_whitespace().collect();
        Self {
            child,
            start: start.clone(),
            provider: provider.clone(),
            portals: vec![zhejiang.clone(), guangdong.clone()],
            username: words[1].to_owned(),
            password: words[2].to_owned(),
        }
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

impl Drop for Program {
    fn drop(&mut self) {
        // Both fail only if it has ended, which is what is wanted.
        self.child.kill().unwrap_or_default();
        self.child.wait().map(drop).unwrap_or_default();
    }
}
