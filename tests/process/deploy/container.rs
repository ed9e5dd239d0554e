//! The Containerfile: what it copies is there and is enough, what it builds can be built, and what it
//! starts starts in an empty folder and ends when it is told to. No container engine is needed.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use rustix::process::Signal;

use super::{printed, root, systemd, text_of};
use crate::http::Http;
use crate::installation::free_port;
use crate::server::Server;

const FILE: &str = "deploy/container/Containerfile";

/// One line of a Containerfile: `COPY` and its arguments.
pub(super) struct Instruction {
    pub(super) name: String,
    pub(super) arguments: String,
}

impl Instruction {
    fn words(&self) -> Vec<&str> {
        self.arguments.split_whitespace().collect()
    }

    /// `["a", "b"]`
    fn list(&self) -> Vec<String> {
        serde_json::from_str(&self.arguments).expect("a list: no shell is needed")
    }
}

/// The stages, each the instructions from its `FROM` on.
fn stages() -> Vec<Vec<Instruction>> {
    let text = text_of(FILE).replace("\\\n", " ");
    let mut stages: Vec<Vec<Instruction>> = Vec::new();
    for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let (name, arguments) = line.split_once(' ').expect("an instruction");
        if name == "FROM" {
            stages.push(Vec::new());
        }
        stages.last_mut().expect("FROM is first").push(Instruction {
            name: name.to_owned(),
            arguments: arguments.trim().to_owned(),
        });
    }
    stages
}

fn of<'a>(stage: &'a [Instruction], name: &str) -> Vec<&'a Instruction> {
    stage.iter().filter(|instruction| instruction.name == name).collect()
}

fn one<'a>(stage: &'a [Instruction], name: &str) -> &'a Instruction {
    match of(stage, name)[..] {
        [instruction] => instruction,
        _ => panic!("one {name}"),
    }
}

/// What the first stage has of the package.
fn copied(build: &[Instruction]) -> BTreeSet<String> {
    let mut copied = BTreeSet::new();
    for copy in of(build, "COPY") {
        let words = copy.words();
        let (to, from) = words.split_last().expect("a target");
        for source in from {
            assert!(*to == *source || *to == "./", "{}", copy.arguments);
            assert!(root().join(source).exists(), "there is no {source}");
            copied.insert((*source).to_owned());
        }
    }
    copied
}

fn copy_into(folder: &Path, path: &Path) {
    let target = folder.join(path);
    let source = root().join(path);
    if source.is_dir() {
        fs::create_dir_all(&target).unwrap();
        for entry in fs::read_dir(&source).unwrap() {
            copy_into(folder, &path.join(entry.unwrap().file_name()));
        }
    } else {
        fs::copy(source, target).unwrap();
    }
}

#[test]
fn what_the_image_is_built_of_is_enough_to_build_it() {
    let stages = stages();
    let build = &stages[0];
    let copied = copied(build);
    let ignored = text_of(".dockerignore");
    let let_in: BTreeSet<String> = ignored.lines().filter_map(|line| line.strip_prefix('!')).map(str::to_owned).collect();
    assert_eq!(copied, let_in, "what .dockerignore lets in is what is copied");
    // Cargo finds all that the manifest names, and the lock file fits.
    let folder = tempfile::tempdir().unwrap();
    for path in &copied {
        copy_into(folder.path(), Path::new(path));
    }
    let metadata = ["metadata", "--locked", "--offline", "--format-version", "1", "--no-deps"];
    printed(Command::new(env!("CARGO")).args(metadata).current_dir(folder.path()));
    let tree = ["tree", "--locked", "--offline", "--edges", "normal,build", "--prefix", "none"];
    printed(Command::new(env!("CARGO")).args(tree).current_dir(folder.path()));
    // What is built in stands in the folders that are there.
    let sources = printed(Command::new("grep").args(["-rhoE", "include_(str|bytes)!\\([^)]*\"\\.\\./[^\"]*\"", "src"]).current_dir(folder.path()));
    for line in sources.lines() {
        let (_, path) = line.split_once('"').unwrap();
        let path = path.trim_end_matches('"').trim_start_matches("../");
        let first = path.split('/').next().unwrap();
        assert!(copied.contains(first), "{line}");
    }
    let manifest: toml::Table = text_of("Cargo.toml").parse().unwrap();
    let commands = of(build, "RUN");
    let cargo = commands.iter().find(|run| run.arguments.starts_with("cargo ")).unwrap();
    let words = cargo.words();
    assert_eq!(words[..3], ["cargo", "build", "--profile"], "{words:?}");
    assert!(manifest["profile"].get(words[3]).is_some(), "no profile {}", words[3]);
    assert_eq!(words[4..], ["--locked", "--bin", "tongxing"], "{words:?}");
    let toolchain: toml::Table = text_of("rust-toolchain.toml").parse().unwrap();
    let channel = toolchain["toolchain"]["channel"].as_str().unwrap();
    let (release, _) = channel.rsplit_once('.').unwrap();
    assert!(one(build, "FROM").arguments.starts_with(&format!("rust:{release}-")), "{channel}");
    let copies = of(&stages[1], "COPY");
    let program = format!("/src/target/{}/tongxing", words[3]);
    assert!(copies.iter().any(|copy| copy.words().contains(&program.as_str())), "{program}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_image_starts_runs_in_an_empty_folder_and_ends_when_told_to() {
    let stages = stages();
    let stage = &stages[1];
    let entrypoint = one(stage, "ENTRYPOINT").list();
    let installed = of(stage, "COPY").iter().any(|copy| copy.words().last() == Some(&&*entrypoint[0]));
    assert!(installed, "{entrypoint:?}");
    let user = one(stage, "USER").arguments.clone();
    assert!(user.split(':').all(|id| id.parse::<u32>().is_ok_and(|id| id > 0)), "{user}");
    let environment = one(stage, "ENV");
    let environment: Vec<(&str, &str)> = environment.words().iter().map(|pair| pair.split_once('=').unwrap()).collect();
    systemd::are_settings(&environment.iter().map(|(name, _)| *name).collect::<Vec<_>>());
    assert!(of(stage, "HEALTHCHECK").is_empty(), "there is nothing in it that could ask");
    let state = one(stage, "WORKDIR").arguments.clone();
    assert_eq!(state, one(stage, "VOLUME").arguments);
    assert!(of(stage, "COPY").iter().any(|copy| copy.words().last() == Some(&&*state)), "{state}");

    // Its ports are taken on this machine perhaps.
    let exposed = one(stage, "EXPOSE");
    let mut places = Vec::new();
    let mut run = Command::new(env!("CARGO_BIN_EXE_tongxing"));
    let folder = tempfile::tempdir().unwrap();
    run.args(&entrypoint[1..]).args(one(stage, "CMD").list()).env_clear().current_dir(folder.path());
    for (name, value) in environment {
        if let Some((address, port)) = value.rsplit_once(':') {
            assert!(exposed.words().contains(&port), "{port}");
            assert_eq!(address, "0.0.0.0", "reached from outside of the container");
            let here = format!("127.0.0.1:{}", free_port());
            run.env(name, &here);
            places.push(here);
        } else {
            run.env(name, value);
        }
    }
    let log = folder.path().join("log");
    let file = |extension| fs::File::create(log.with_extension(extension)).unwrap();
    let child = run.stdin(Stdio::null()).stdout(file("out")).stderr(file("err")).spawn().unwrap();
    let http = Http::to("http://localhost:8080", &places[0]);
    let mut server = Server::ready(child, log, (http, &places[1])).await;
    let login = server.http.get("http://localhost:8080/login").await;
    assert_eq!(login.status, 200, "{login:?}");
    let alive = server.manage("/livez").await;
    assert_eq!(alive.status, 200, "{alive:?}");
    assert_eq!(one(stage, "STOPSIGNAL").arguments, "SIGTERM");
    server.signal(Signal::TERM);
    assert_eq!(server.ended().await, Some(0), "{}", server.log());
    for line in server.log().lines() {
        assert!(serde_json::from_str::<serde_json::Value>(line).is_ok(), "{line}");
    }
    assert!(folder.path().join("data/tongxing.db").exists());
}
