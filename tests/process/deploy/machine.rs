//! A machine of a runbook: a folder in place of `/`, and stand-ins for what would change this very
//! machine.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use super::{root, substituted};
use crate::installation::{Finished, wait};

/// How long a block of commands may take.
const PATIENCE: Duration = Duration::from_mins(2);

/// Folders that a runbook writes to, and what they hold is put below the machine's own.
const FOLDERS: &[&str] = &[
    "/etc/",
    "/usr/local/bin/",
    "/usr/lib/sysusers.d/",
    "/var/backups/",
    "/var/lib/",
    "/var/log/",
    "/backups/",
    "/elsewhere/",
];

/// Stand-ins, by name.
const STAND_INS: &[(&str, &str)] = &[
    ("systemctl", include_str!("stand_ins/systemctl")),
    ("install", include_str!("stand_ins/install")),
    ("nginx", include_str!("stand_ins/nginx")),
    ("runuser", include_str!("stand_ins/runuser")),
    (
        "systemd-sysusers",
        include_str!("stand_ins/systemd-sysusers"),
    ),
];

/// One machine; its files are below its folder.
pub(super) struct Machine {
    folder: PathBuf,
    substitutions: Vec<(String, String)>,
    environment: Vec<(String, String)>,
}

impl Machine {
    /// A machine with nothing on it but the program, in the path.
    pub(super) fn new(folder: &Path) -> Self {
        let made = |path: PathBuf| {
            fs::create_dir_all(&path).unwrap();
            path
        };
        for below in FOLDERS.iter().chain(&["/run/", "/tmp/"]) {
            made(folder.join(&below[1..]));
        }
        let stand_ins = made(folder.join("stand-ins"));
        for (name, text) in STAND_INS {
            let file = stand_ins.join(name);
            fs::write(&file, text).unwrap();
            fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
        }
        let copy = made(folder.join("copy/target/dist"));
        symlink(env!("CARGO_BIN_EXE_tongxing"), copy.join("tongxing")).unwrap();
        let here = folder.to_str().unwrap();
        let below = |path: &&str| ((*path).to_owned(), format!("{here}{path}"));
        let path = std::env::var_os("PATH").unwrap_or_default();
        let path = format!(
            "{here}/stand-ins:{here}/usr/local/bin:{}:/usr/sbin:/sbin",
            path.to_str().unwrap()
        );
        Self {
            folder: folder.to_owned(),
            substitutions: FOLDERS.iter().map(below).collect(),
            environment: vec![
                ("PATH".to_owned(), path),
                ("ROOT".to_owned(), here.to_owned()),
                ("LC_ALL".to_owned(), "C.UTF-8".to_owned()),
            ],
        }
    }

    /// The program is installed.
    pub(super) fn with_program(self) -> Self {
        let program = self.path("/usr/local/bin/tongxing");
        symlink(env!("CARGO_BIN_EXE_tongxing"), program).unwrap();
        self
    }

    /// Another text in place of one, in commands and in files of `deploy/`; before what is replaced
    /// already.
    pub(super) fn replace(&mut self, from: &str, to: &str) {
        let pair = (from.to_owned(), to.to_owned());
        self.substitutions.insert(0, pair);
    }

    /// A variable of the environment of its commands.
    pub(super) fn set(&mut self, name: &str, value: &str) {
        self.environment.push((name.to_owned(), value.to_owned()));
    }

    /// Variables of the environment of its commands, in place of earlier ones of these names.
    pub(super) fn set_all(&mut self, variables: Vec<(String, String)>) {
        let is_replaced = |name: &String| variables.iter().any(|(other, _)| other == name);
        self.environment.retain(|(name, _)| !is_replaced(name));
        self.environment.extend(variables);
    }

    /// Where a path of the runbook is.
    pub(super) fn path(&self, path: &str) -> PathBuf {
        self.folder.join(path.trim_start_matches('/'))
    }

    /// Where its commands are run: a copy of the repository, with `deploy/` as this machine has it.
    pub(super) fn copy(&self) -> PathBuf {
        self.folder.join("copy")
    }

    /// Puts a file of the package into the copy.
    pub(super) fn check_out(&self, path: &str) {
        let text = substituted(&super::text_of(path), &self.substitutions);
        let file = self.copy().join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, text).unwrap();
        let mode = fs::metadata(root().join(path)).unwrap().permissions();
        fs::set_permissions(&file, mode).unwrap();
    }

    /// A text as it reads on this machine.
    pub(super) fn told(&self, text: &str) -> String {
        substituted(text, &self.substitutions)
    }

    /// Runs commands as they are written, each of which must succeed; what they print.
    #[track_caller]
    pub(super) fn run(&self, commands: &str) -> impl Future<Output = String> {
        let script = self.told(commands);
        async move {
            let done = self.tried(&script).await;
            assert_eq!(done.code, Some(0), "{script}\n{done:?}");
            done.stdout
        }
    }

    /// Runs commands; what they left behind.
    pub(super) async fn tries(&self, commands: &str) -> Finished {
        self.tried(&self.told(commands)).await
    }

    async fn tried(&self, script: &str) -> Finished {
        let log = tempfile::tempdir_in(self.path("/tmp")).unwrap();
        let file = |name: &str| log.path().join(name);
        // Not to a pipe, which what is started here would keep open.
        let to = |name: &str| fs::File::create(file(name)).unwrap();
        let mut child = Command::new("bash")
            .args(["-e", "-u", "-o", "pipefail", "-c", script])
            .current_dir(self.copy())
            .env_clear()
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(to("out"))
            .stderr(to("err"))
            .spawn()
            .expect("bash runs");
        let code = wait(&mut child, PATIENCE).await;
        let read = |name: &str| fs::read_to_string(file(name)).unwrap();
        let code = code.unwrap_or_else(|| {
            child.kill().unwrap_or_default();
            panic!("it does not end: {script}\n{}{}", read("out"), read("err"));
        });
        Finished {
            code,
            stdout: read("out"),
            stderr: read("err"),
        }
    }

    /// What the server has logged.
    pub(super) fn log(&self) -> String {
        fs::read_to_string(self.path("/run/tongxing.log")).unwrap_or_default()
    }
}
