//! What the server does a second and what that costs, beside what the machine can do.
//!
//! Starts the program as it is shipped, in a process and a folder of its own, on SQLite and on
//! PostgreSQL, with durable writes; drives it over keep-alive connections; and prints a row for
//! each operation. The load comes from this very machine, so requests a second say little: the
//! figure to compare is the server's processor time per operation, and its ratio to what was
//! measured in the same run.
//!
//! `cargo bench --bench throughput -- [--engine sqlite|postgres|both] [--seconds N] [--rounds N]
//! [--connections N] [--only NAME] [--overload SECONDS] [--accounts N] [--program PATH] [--json]`

#![expect(clippy::print_stdout, reason = "the table is what this is for")]

mod accounts;
mod arguments;
mod cast;
mod client;
mod limits;
mod load;
mod measure;
mod operations;
mod overload;
#[expect(
    clippy::expect_used,
    clippy::panic,
    reason = "shared with the tests, where a machine without PostgreSQL is to fail loudly"
)]
#[path = "../../tests/support/postgres.rs"]
mod postgres;
mod process;
mod report;
mod server;
mod size;

use anyhow::Context as _;
use arguments::{Arguments, EngineKind};
use limits::Limits;
use measure::Bench;
use process::PostgresProcesses;
use report::Report;
use server::Server;

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse(std::env::args().skip(1))?;
    if let Some(port) = arguments.bare_port {
        return limits::serve_bare(port);
    }
    // One thread: the load must leave the server a processor.
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(run(&arguments))
}

async fn run(arguments: &Arguments) -> anyhow::Result<()> {
    if arguments.overload.is_some() {
        overload::step_aside()?;
    }
    let report = Report::new(arguments.json);
    report.machine();
    let limits = Limits::measure(arguments).await?;
    report.limits(&limits);
    if let Some(count) = arguments.accounts {
        return accounts::measure(arguments, count, report).await;
    }
    if arguments.engine.has(EngineKind::Sqlite) {
        let folder = tempfile::tempdir()?;
        let url = format!("sqlite:{}", folder.path().join("tongxing.db").display());
        let server = Server::prepare(arguments, folder, url)?;
        measure(arguments, &report, &limits, (server, None)).await?;
    }
    if arguments.engine.has(EngineKind::Postgres) {
        match postgres::postgres_database().await {
            Some(database) => {
                limits::durable_commits_on_postgres(&report, &database.url).await?;
                let processes = PostgresProcesses::find(&database.url)?;
                let server =
                    Server::prepare(arguments, tempfile::tempdir()?, database.url.clone())?;
                measure(arguments, &report, &limits, (server, processes)).await?;
            }
            None => report.note("PostgreSQL: left out, as TONGXING_TEST_SKIP_POSTGRES says"),
        }
    }
    Ok(())
}

async fn measure(
    arguments: &Arguments,
    report: &Report,
    limits: &Limits,
    (server, postgres): (Server, Option<PostgresProcesses>),
) -> anyhow::Result<()> {
    let engine = match postgres {
        Some(_) => EngineKind::Postgres,
        None => server.engine(),
    };
    report.engine(engine);
    let mut bench = Bench::open(arguments, server, postgres)
        .await
        .context("setting the stage")?;
    if let Some(time) = arguments.overload {
        overload::measure(time, report, &bench).await?;
        return bench.close().await;
    }
    report.start(&bench.restart().await?);
    for name in measure::NAMES {
        if arguments.only.as_deref().is_some_and(|only| only != *name) {
            continue;
        }
        let figures = bench
            .measure(name)
            .await
            .with_context(|| format!("measuring {name}"))?;
        for figure in figures {
            report.figure(engine, limits, &figure);
        }
    }
    report.memory(&bench.memory()?);
    bench.close().await
}
