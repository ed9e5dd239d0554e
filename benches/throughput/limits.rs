//! What this machine can do, measured in the same run: the yardsticks.

use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Command, Stdio};
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use argon2::Block;
use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::routing::get;
use serde::Serialize;
use sqlx::{Connection as _, Executor as _, PgConnection};
use tokio::task::JoinSet;
use tongxing::crypto::signing::{RsaSize, SigningKey};
use tongxing::protocol::jose::SignatureAlgorithm;

use super::arguments::Arguments;
use super::cast;
use super::client::Connection;
use super::load;
use super::operations::{self, Repeat};
use super::process::{Process, this_thread};
use super::report::Report;
use super::server::free_address;

/// How long each yardstick is held.
const TIME: Duration = Duration::from_millis(700);

/// Connections that commit at once.
const COMMITTERS: usize = 16;

/// Processor time of one operation each.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) bare_handler: Duration,
    pub(crate) bare_per_second: f64,
    pub(crate) es256: Duration,
    pub(crate) rs256: Duration,
    pub(crate) argon2: Duration,
    pub(crate) sqlite_commits: f64,
}

impl Limits {
    pub(crate) async fn measure(arguments: &Arguments) -> anyhow::Result<Self> {
        let (bare_handler, bare_per_second) = bare_handler(arguments).await?;
        Ok(Self {
            bare_handler,
            bare_per_second,
            es256: signatures(SignatureAlgorithm::Es256)?,
            rs256: signatures(SignatureAlgorithm::Rs256)?,
            argon2: password_hashes()?,
            sqlite_commits: durable_commits_on_sqlite()?,
        })
    }
}

/// Processor time of this thread for one of what is done again and again.
fn time_of(mut once: impl FnMut() -> anyhow::Result<()>) -> anyhow::Result<Duration> {
    let (begun, before) = (Instant::now(), this_thread()?);
    let mut count: u32 = 0;
    while begun.elapsed() < TIME {
        once()?;
        count += 1;
    }
    Ok(this_thread()?.saturating_sub(before) / count)
}

fn signatures(algorithm: SignatureAlgorithm) -> anyhow::Result<Duration> {
    let (key, _) = SigningKey::generate(algorithm, RsaSize::Bits2048)?;
    let message = [0x2e; 400];
    time_of(|| Ok(key.sign(&message).map(drop)?))
}

fn password_hashes() -> anyhow::Result<Duration> {
    let argon2 = cast::argon2()?;
    let mut memory = vec![Block::default(); argon2.params().block_count()];
    let mut output = [0; 32];
    time_of(|| {
        argon2
            .hash_password_into_with_memory(
                cast::PASSWORD.as_bytes(),
                b"sixteen bytes!!!",
                &mut output,
                &mut memory,
            )
            .map_err(|error| anyhow::anyhow!(error))
    })
}

/// One connection that commits row by row, as the writer thread would without batches.
fn durable_commits_on_sqlite() -> anyhow::Result<f64> {
    let folder = tempfile::tempdir()?;
    let database = rusqlite::Connection::open(folder.path().join("commits.db"))?;
    database.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE commits (body TEXT)",
    )?;
    let mut insert = database.prepare("INSERT INTO commits VALUES ($1)")?;
    let (begun, body, mut count) = (Instant::now(), "x".repeat(300), 0_u32);
    while begun.elapsed() < TIME {
        insert.execute([&body])?;
        count += 1;
    }
    Ok(f64::from(count) / begun.elapsed().as_secs_f64())
}

/// The same on PostgreSQL, by one connection and by many.
pub(crate) async fn durable_commits_on_postgres(report: &Report, url: &str) -> anyhow::Result<()> {
    let mut first = PgConnection::connect(url).await?;
    first.execute("CREATE TABLE commits (body TEXT)").await?;
    let one = commits(url, 1).await?;
    let many = commits(url, COMMITTERS).await?;
    first.execute("DROP TABLE commits").await?;
    report.postgres_commits(one, (COMMITTERS, many));
    Ok(())
}

async fn commits(url: &str, connections: usize) -> anyhow::Result<f64> {
    let mut open = Vec::new();
    for _ in 0..connections {
        open.push(PgConnection::connect(url).await?);
    }
    let begun = Instant::now();
    let mut tasks = JoinSet::new();
    for mut connection in open {
        tasks.spawn(async move {
            let mut count = 0_u32;
            while begun.elapsed() < TIME {
                let insert = sqlx::query("INSERT INTO commits VALUES ($1)").bind("x".repeat(300));
                connection.execute(insert).await?;
                count += 1;
            }
            anyhow::Ok(count)
        });
    }
    let mut count = 0;
    while let Some(committed) = tasks.join_next().await {
        count += committed??;
    }
    Ok(f64::from(count) / begun.elapsed().as_secs_f64())
}

/// What the bare handler answers with.
#[derive(Serialize)]
struct Bare<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: &'a str,
    exp: u64,
    iat: u64,
    scope: &'a str,
    active: bool,
}

/// An axum handler that answers with a small object, on as many threads as the server has.
pub(crate) fn serve_bare(port: u16) -> anyhow::Result<()> {
    let handler = || async {
        let bare = Bare {
            iss: "https://id.example",
            sub: "248289761001",
            aud: "one.example",
            exp: 1_900_000_300,
            iat: 1_900_000_000,
            scope: "openid profile",
            active: true,
        };
        let json = serde_json::to_vec(&bare).unwrap_or_default();
        ([(CONTENT_TYPE, "application/json")], json)
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let listener = tokio::net::TcpListener::bind(address).await?;
        axum::serve(listener, Router::new().route("/", get(handler))).await?;
        Ok(())
    })
}

async fn bare_handler(arguments: &Arguments) -> anyhow::Result<(Duration, f64)> {
    let address = free_address()?;
    let mut child = Command::new(std::env::current_exe()?)
        .args(["--bare", &address.port().to_string()])
        .stdin(Stdio::null())
        .spawn()?;
    let measured = drive_bare(arguments, address, Process(child.id())).await;
    child.kill()?;
    child.wait()?;
    measured
}

async fn drive_bare(
    arguments: &Arguments,
    address: SocketAddr,
    process: Process,
) -> anyhow::Result<(Duration, f64)> {
    let begun = Instant::now();
    while Connection::open(address).await.is_err() {
        anyhow::ensure!(begun.elapsed() < Duration::from_secs(5), "no bare handler");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let request: Rc<[u8]> = operations::get("/", "").into();
    let mut rounds = Vec::new();
    for _ in 0..arguments.rounds {
        let workers = std::iter::repeat_with(|| Repeat(Rc::clone(&request)));
        let workers = workers.take(arguments.connections).collect();
        let before = process.cpu()?;
        let (round, _) = load::drive(address, workers, arguments.time).await?;
        let cpu = process
            .cpu()?
            .saturating_sub(before)
            .div_f64(round.count().max(1.0));
        rounds.push((cpu, round.per_second()));
    }
    rounds.sort_by_key(|(cpu, _)| *cpu);
    rounds
        .get(rounds.len() / 2)
        .copied()
        .context("at least one round")
}
