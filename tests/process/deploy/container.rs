//! The Containerfile: what it copies is there and is enough, what it builds can be built, and what it
//! starts starts in an empty folder and ends when it is told to. No container engine is needed.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};

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
    for line in text
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
    {
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
    stage
        .iter()
        .filter(|instruction| instruction.name == name)
        .collect()
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

/// The first stage's `cargo build`.
fn cargo_build(build: &[Instruction]) -> Vec<String> {
    let commands = of(build, "RUN");
    let mut commands = commands.iter().map(|run| run.words());
    let cargo = commands.find(|words| words[0] == "cargo").expect("cargo");
    cargo.into_iter().map(str::to_owned).collect()
}

/// Whether the last stage puts something there.
fn is_put(stage: &[Instruction], place: &str) -> bool {
    let copies = of(stage, "COPY");
    copies
        .iter()
        .any(|copy| copy.words().last() == Some(&place))
}

fn parsed(path: &str) -> toml::Table {
    text_of(path).parse().unwrap()
}

#[test]
fn what_the_image_is_built_of_is_enough_to_build_it() {
    let copied = copied(&stages()[0]);
    let ignored = text_of(".dockerignore");
    let let_in = ignored.lines().filter_map(|line| line.strip_prefix('!'));
    let let_in: BTreeSet<String> = let_in.map(str::to_owned).collect();
    assert_eq!(copied, let_in, "what .dockerignore lets in is copied");
    // Cargo finds all that the manifest names, and the lock file fits.
    let folder = tempfile::tempdir().unwrap();
    for path in &copied {
        copy_into(folder.path(), Path::new(path));
    }
    let here = |program: &str, arguments: &str| {
        let mut command = Command::new(program);
        command.args(arguments.split(' '));
        printed(command.current_dir(folder.path()))
    };
    let cargo = env!("CARGO");
    here(
        cargo,
        "metadata --locked --offline --format-version 1 --no-deps",
    );
    here(cargo, "tree --locked --offline --edges normal,build");
    // What is built in stands in the folders that are there.
    let included = "include_(str|bytes)!\\([^)]*\"\\.\\./[^\"]*\"";
    for line in here("grep", &format!("-rhoE {included} src")).lines() {
        let (_, path) = line.split_once('"').unwrap();
        let path = path.trim_end_matches('"').trim_start_matches("../");
        let first = path.split('/').next().unwrap();
        assert!(copied.contains(first), "{line}");
    }
}

#[test]
fn what_the_image_builds_is_what_it_installs() {
    let stages = stages();
    let command = cargo_build(&stages[0]);
    assert_eq!(command[..3], ["cargo", "build", "--profile"]);
    assert_eq!(command[4..], ["--locked", "--bin", "tongxing"]);
    let profile = &command[3];
    assert!(parsed("Cargo.toml")["profile"].get(profile).is_some());
    let program = format!("/src/target/{profile}/tongxing");
    let copies = of(&stages[1], "COPY");
    let is_taken = |copy: &&Instruction| copy.words().contains(&&*program);
    assert!(copies.iter().any(is_taken), "{program}");
    let toolchain = parsed("rust-toolchain.toml");
    let channel = toolchain["toolchain"]["channel"].as_str().unwrap();
    let (release, _) = channel.rsplit_once('.').unwrap();
    let image = &one(&stages[0], "FROM").arguments;
    assert!(image.starts_with(&format!("rust:{release}-")), "{channel}");
}

#[test]
fn nobody_is_root_in_the_image_and_it_keeps_what_is_to_be_kept() {
    let stages = stages();
    let stage = &stages[1];
    let user = &one(stage, "USER").arguments;
    let mut ids = user.split(':').map(str::parse::<u32>);
    assert!(ids.all(|id| id.is_ok_and(|id| id > 0)), "{user}");
    let folder = &one(stage, "WORKDIR").arguments;
    assert_eq!(folder, &one(stage, "VOLUME").arguments);
    assert!(is_put(stage, folder), "{folder}");
    let unasked = of(stage, "HEALTHCHECK").is_empty();
    assert!(unasked, "there is nothing in it that could ask");
}

/// The program as the image starts it, but on free ports: both places where it listens.
fn started(stage: &[Instruction], folder: &Path) -> (Child, Vec<String>) {
    let entrypoint = one(stage, "ENTRYPOINT").list();
    assert!(is_put(stage, &entrypoint[0]), "{entrypoint:?}");
    let mut run = Command::new(env!("CARGO_BIN_EXE_tongxing"));
    run.args(&entrypoint[1..]);
    run.args(one(stage, "CMD").list());
    run.env_clear().current_dir(folder);
    let (environment, exposed) = (one(stage, "ENV"), one(stage, "EXPOSE"));
    let mut places = Vec::new();
    for pair in environment.words() {
        let (name, value) = pair.split_once('=').unwrap();
        systemd::are_settings(&[name]);
        let Some((address, port)) = value.rsplit_once(':') else {
            run.env(name, value);
            continue;
        };
        assert!(exposed.words().contains(&port), "{port}");
        assert_eq!(address, "0.0.0.0", "reached from outside of the container");
        places.push(format!("127.0.0.1:{}", free_port()));
        run.env(name, places.last().unwrap());
    }
    let file = |extension| fs::File::create(folder.join("log").with_extension(extension)).unwrap();
    run.stdin(Stdio::null())
        .stdout(file("out"))
        .stderr(file("err"));
    (run.spawn().unwrap(), places)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_image_starts_runs_in_an_empty_folder_and_ends_when_told_to() {
    let stages = stages();
    let stage = &stages[1];
    let folder = tempfile::tempdir().unwrap();
    let (child, places) = started(stage, folder.path());
    let http = Http::to("http://localhost:8080", &places[0]);
    let log = folder.path().join("log");
    let mut server = Server::ready(child, log, (http, &places[1])).await;
    let login = server.http.get("http://localhost:8080/login").await;
    assert_eq!(login.status, 200, "{login:?}");
    assert_eq!(server.manage("/livez").await.status, 200);
    assert_eq!(one(stage, "STOPSIGNAL").arguments, "SIGTERM");
    server.signal(Signal::TERM);
    assert_eq!(server.ended().await, Some(0), "{}", server.log());
    for line in server.log().lines() {
        let parsed: Result<serde_json::Value, _> = serde_json::from_str(line);
        assert!(parsed.is_ok(), "{line}");
    }
    assert!(folder.path().join("data/tongxing.db").exists());
}
