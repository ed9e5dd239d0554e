//! The simulated verification authority as a process, and its switches.

use std::fs::{self, OpenOptions};
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use reqwest::Client;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::installation::Installation;
use crate::people::Person;

/// What tells the simulator of people.
pub(crate) const REGISTER: &str = "register.ndjson";

/// A running simulator; ended when dropped.
pub(crate) struct Simulator {
    child: Child,
    /// The line that it prints when it listens.
    pub(crate) ready: Value,
    client: Client,
    folder: PathBuf,
    arguments: Vec<String>,
}

impl Simulator {
    /// Starts it on a free port, and waits until it listens.
    pub(crate) fn start(folder: &Path, arguments: &[&str]) -> Self {
        Self::listening("127.0.0.1:0", folder, arguments)
    }

    fn listening(address: &str, folder: &Path, arguments: &[&str]) -> Self {
        // One log for all of its lives.
        let log = OpenOptions::new()
            .create(true)
            .append(true)
            .open(folder.join("authority.err"))
            .unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_tongxing"))
            .args(["authority", "--listen", address])
            .args(arguments)
            .current_dir(folder)
            .env_clear()
            .env("TONGXING__LOG__LEVEL", "trace")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .expect("the program starts");
        let mut line = String::new();
        let mut printed = BufReader::new(child.stdout.take().expect("its output"));
        printed.read_line(&mut line).expect("text");
        // An error means that it is installed already.
        drop(rustls::crypto::aws_lc_rs::default_provider().install_default());
        let client = Client::builder().no_proxy().tls_certs_only([]);
        Self {
            child,
            ready: serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line:?}")),
            client: client.build().unwrap(),
            folder: folder.to_owned(),
            arguments: arguments.iter().map(|&text| text.to_owned()).collect(),
        }
    }

    pub(crate) fn url(&self) -> &str {
        self.ready["url"].as_str().expect("its address")
    }

    /// Asks it whether somebody is who they say.
    pub(crate) async fn verify(&self, person: &Value, token: &str) -> (u16, Value) {
        let mut asked = person.clone();
        asked["transaction"] = "t-42".into();
        asked["method"] = "three_elements".into();
        let request = self.client.post(format!("{}/v1/verifications", self.url()));
        let request = request.bearer_auth(token).json(&asked);
        let response = request.send().await.expect("an answer");
        let status = response.status().as_u16();
        (status, response.json().await.unwrap_or_default())
    }

    /// Lets it behave otherwise from the next call on.
    pub(crate) async fn behave(&self, behavior: &str, delay_ms: Option<u64>) {
        let mut switched = json!({ "behavior": behavior });
        if let Some(delay) = delay_ms {
            switched["delay_ms"] = delay.into();
        }
        let switch = self.client.put(format!("{}/behavior", self.url()));
        let answer = switch.json(&switched).send().await.expect("an answer");
        assert_eq!(answer.status(), 200);
    }

    /// Ends it without a chance to say anything.
    pub(crate) fn kill(&mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it ends");
    }

    /// Starts it again where it was.
    pub(crate) fn restart(&mut self) {
        let address = self.url().strip_prefix("http://").unwrap().to_owned();
        let arguments: Vec<&str> = self.arguments.iter().map(String::as_str).collect();
        *self = Self::listening(&address, &self.folder, &arguments);
    }

    /// All that it wrote to its standard error.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.folder.join("authority.err")).unwrap()
    }

    /// Asks it to end; it does, without complaint.
    pub(crate) fn stop(mut self) {
        kill_process(Pid::from_child(&self.child), Signal::TERM).expect("it runs");
        assert!(self.child.wait().expect("an end").success());
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        // Both fail only if it has ended, which is what is wanted.
        self.child.kill().unwrap_or_default();
        self.child.wait().map(drop).unwrap_or_default();
    }
}

impl Installation {
    /// Lets residents register: an authority that knows these people, and a file for messages.
    pub(crate) fn open_registration(&mut self, people: &[Person]) -> Simulator {
        let lines: String = people.iter().map(Person::register_line).collect();
        let register = self.write(REGISTER, &lines);
        let arguments = ["--people", "0", "--people-file", &register];
        let simulator = Simulator::start(self.folder(), &arguments);
        self.set("authority.url", simulator.url());
        let outbox = self.outbox_file();
        self.set("notification.outbox", outbox.to_str().unwrap());
        simulator
    }
}
