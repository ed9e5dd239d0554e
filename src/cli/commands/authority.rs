//! `tongxing authority`: the simulated verification authority, until it is told to stop.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use serde_json::json;

use crate::authority::{Person, Simulator, SimulatorParts};
use crate::cli::arguments::Authority;
use crate::cli::config::read_token;
use crate::cli::output;
use crate::cli::signals::{Asked, Signals};
use crate::domain::clock::{Clock, SystemClock};
use crate::domain::instant::Instant;
use crate::domain::secret::Secret;
use crate::http::server::{Listener, Patience, Settings};

const CONNECTIONS: usize = 1024;
/// An answer that is slow on purpose is not waited for.
const GRACE: Duration = Duration::from_secs(2);
/// So many are told of; the rest are at `/people`.
const TOLD: usize = 10;

pub(super) async fn run(command: &Authority) -> anyhow::Result<()> {
    let signals = Signals::listen().context("cannot listen for signals")?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let others = command.people_file.as_deref();
    let others = others.map(|path| read_people(path, clock.now()));
    let simulator = Simulator::new(SimulatorParts {
        seed: command.seed,
        synthetic: command.people,
        others: others.transpose()?.unwrap_or_default(),
        behavior: command.behavior,
        delay: command.delay_ms.map(Duration::from_millis),
        token: command.token_file.as_deref().map(token).transpose()?,
        clock,
    });
    let settings = Settings {
        max_connections: CONNECTIONS,
        shutdown_grace: GRACE,
        tls: None,
        patience: Patience::default(),
    };
    let listener = Listener::bind(command.listen, settings)
        .with_context(|| format!("cannot listen on {}", command.listen))?;
    let url = format!("http://{}", listener.local_address()?);
    tell(&url, command.seed, &simulator)?;
    let stop = until_stopped(signals);
    listener.serve(simulator.router(), stop).await;
    Ok(())
}

/// One line for machines, which is also the sign that it listens, and the same for people.
fn tell(url: &str, seed: u64, simulator: &Simulator) -> anyhow::Result<()> {
    let people = simulator.people();
    let told: Vec<_> = people.iter().take(TOLD).map(Person::to_json).collect();
    let ready = json!({ "url": url, "seed": seed, "people": told });
    output::say(format_args!(
        "A simulated verification authority, at {url}\n\
         It knows {} synthetic people of seed {seed}:\n",
        people.len()
    ));
    for person in people.iter().take(TOLD) {
        output::say(format_args!(
            "  {}  {}  {}  {}",
            person.phone.national(),
            person.document.document_type(),
            person.document.number().as_str(),
            person.name.as_str(),
        ));
    }
    output::say(format_args!(
        "\n  all of them           curl '{url}/people?from=0&count=1000'\n  \
         let a server ask it   tongxing serve --set authority.url={url}\n  \
         let it fail           curl -X PUT {url}/behavior -d '{{\"behavior\":\"slow\",\"delay_ms\":4000}}'\n\n\
         Ctrl-C ends it."
    ));
    output::text(&format!("{ready}\n")).context("cannot print")
}

fn read_people(path: &Path, now: Instant) -> anyhow::Result<Vec<Person>> {
    let shown = path.display();
    let lines = fs::read(path).with_context(|| format!("cannot read {shown}"))?;
    let lines = lines.split(|&byte| byte == b'\n').enumerate();
    lines
        .filter(|(_, line)| !line.trim_ascii().is_empty())
        .map(|(at, line)| {
            let person = Person::parse(line, now);
            person.map_err(|error| anyhow!("{shown}: line {}: {error}", at + 1))
        })
        .collect()
}

fn token(path: &Path) -> anyhow::Result<Secret<String>> {
    read_token(path).map_err(anyhow::Error::msg)
}

async fn until_stopped(mut signals: Signals) {
    while signals.next().await == Asked::Reload {}
}
