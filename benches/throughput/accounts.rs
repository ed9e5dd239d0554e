//! Many accounts: what their import costs, what room they take, and whether logins notice them.
//!
//! Two installations run side by side, one with few accounts and one with many, and take turns, so
//! that both have the same machine. Who logs in is spread over all accounts and does so once: nothing
//! of theirs was looked at before.

use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use serde_json::json;

use super::arguments::{Arguments, EngineKind};
use super::cast::{self, Portal};
use super::client::Connection;
use super::load::{self, Operation, Progress, Round};
use super::operations::{Authorize, PasswordLogin};
use super::postgres::{PostgresDatabase, postgres_database};
use super::process::PostgresProcesses;
use super::report::{Report, millis, name};
use super::server::{Server, Taken};
use super::size::{self, Size};

/// What many are compared with.
const FEW: usize = 1_000;
/// Turns a round. They are short, so that both have their share of what else the machine does; and
/// as many as the few accounts allow, since the 99th percentile of few is the machine's worst moment.
const TURNS: usize = 30;
/// Password logins a turn: one after the other, so that none waits for another's hash.
const LOGINS: usize = 10;
/// Clients that enter portals by their sessions.
const VISITORS: usize = 4;

/// An installation with so many accounts.
struct Town {
    server: Server,
    /// Gone with this value.
    _database: Option<PostgresDatabase>,
    residents: Vec<String>,
    portal: Rc<Portal>,
    /// Of those who have logged in.
    sessions: Vec<String>,
    logins: Round,
    visits: Round,
}

/// What an import took and gave.
struct Import {
    count: usize,
    taken: Taken,
    postgres_cpu: Option<Duration>,
    before: Size,
    after: Size,
}

/// Measures and prints.
pub(crate) async fn measure(
    arguments: &Arguments,
    count: usize,
    report: Report,
) -> anyhow::Result<()> {
    for engine in [EngineKind::Sqlite, EngineKind::Postgres] {
        if arguments.engine.has(engine) {
            compare(arguments, engine, count, report)
                .await
                .with_context(|| name(engine))?;
        }
    }
    Ok(())
}

async fn compare(
    arguments: &Arguments,
    engine: EngineKind,
    count: usize,
    report: Report,
) -> anyhow::Result<()> {
    let Some((few, _)) = Town::found(arguments, engine, FEW).await? else {
        report.note("PostgreSQL: left out, as TONGXING_TEST_SKIP_POSTGRES says");
        return Ok(());
    };
    let (many, import) = Town::found(arguments, engine, count)
        .await?
        .context("there was a database before")?;
    tell_import(report, engine, &import);
    let mut towns = [few, many];
    for town in &mut towns {
        town.server.start().await?;
    }
    for _ in 0..arguments.rounds {
        for _ in 0..TURNS {
            for town in &mut towns {
                town.log_in().await?;
                town.visit(arguments.time.div_f64(10.0)).await?;
            }
            // Neither always follows the other.
            towns.reverse();
        }
    }
    towns.sort_by_key(|town| town.residents.len());
    let [few, many] = &towns;
    let sizes = (few.residents.len(), many.residents.len());
    tell_ratio(
        report,
        ("password login", sizes),
        (&few.logins, &many.logins),
    );
    tell_ratio(
        report,
        ("single sign-on", sizes),
        (&few.visits, &many.visits),
    );
    for town in &mut towns {
        town.server.stop().await?;
    }
    Ok(())
}

impl Town {
    /// Imports residents into an installation of its own; none where PostgreSQL is to be left out.
    async fn found(
        arguments: &Arguments,
        engine: EngineKind,
        count: usize,
    ) -> anyhow::Result<Option<(Self, Import)>> {
        let folder = tempfile::tempdir()?;
        let (url, database) = match engine {
            EngineKind::Sqlite => {
                let path = folder.path().join("tongxing.db");
                (format!("sqlite:{}", path.display()), None)
            }
            EngineKind::Postgres => match postgres_database().await {
                Some(database) => (database.url.clone(), Some(database)),
                None => return Ok(None),
            },
        };
        let server = Server::prepare(arguments, folder, url)?;
        let portal = Rc::new(cast::one_portal(&server)?);
        let (file, residents) = cast::write_residents(&server, count)?;
        let url = database.as_ref().map(|database| database.url.as_str());
        let processes = url.map(PostgresProcesses::find).transpose()?.flatten();
        let cpu = || processes.map(PostgresProcesses::cpu).transpose();
        let before = size::measure(&server, url).await?;
        let cpu_before = cpu()?;
        let (said, taken) = server.run_watched(&["account", "import", &file]).await?;
        cast::all_came(&said, count)?;
        let import = Import {
            count,
            taken,
            postgres_cpu: cpu()?
                .zip(cpu_before)
                .map(|(after, before)| after.saturating_sub(before)),
            before,
            after: size::measure(&server, url).await?,
        };
        let town = Self {
            server,
            _database: database,
            residents,
            portal,
            sessions: Vec::new(),
            logins: Round::default(),
            visits: Round::default(),
        };
        Ok(Some((town, import)))
    }

    /// A turn of password logins, each of somebody who has not logged in yet while there are any.
    async fn log_in(&mut self) -> anyhow::Result<()> {
        let mut connection = Connection::open(self.server.address).await?;
        let turn = Instant::now();
        for _ in 0..LOGINS {
            let next = spread(self.sessions.len(), self.residents.len());
            let resident = self.residents.get(next).context("a resident")?;
            let mut login = PasswordLogin::new(&self.portal, resident);
            let begun = Instant::now();
            login.once(&mut connection).await?;
            self.logins.times.push(begun.elapsed());
            self.sessions.push(login.session);
        }
        self.logins.elapsed += turn.elapsed();
        Ok(())
    }

    /// A turn of visits to the portal by those who have logged in.
    async fn visit(&mut self, time: Duration) -> anyhow::Result<()> {
        let authorize = |session: &String| Authorize::new(&self.portal, session);
        let visitors = (0..VISITORS).map(|visitor| {
            let own = self.sessions.iter().skip(visitor).step_by(VISITORS);
            Visitor {
                sessions: own.map(authorize).collect(),
                next: 0,
            }
        });
        let (round, _) = load::drive(self.server.address, visitors.collect(), time).await?;
        self.visits.times.extend(round.times);
        self.visits.elapsed += round.elapsed;
        Ok(())
    }
}

/// One client after the other enters the portal by a session.
struct Visitor {
    sessions: Vec<Authorize>,
    next: usize,
}

impl Operation for Visitor {
    async fn once(&mut self, connection: &mut Connection) -> anyhow::Result<Progress> {
        let session = self.sessions.get(self.next % self.sessions.len().max(1));
        let session = session.context("a session")?;
        self.next += 1;
        let code = session.code(connection).await?;
        session.exchange(&code, connection).await?;
        Ok(Progress::Done)
    }
}

/// The `n`th of all, in an order that begins nowhere and leaves out nobody.
fn spread(n: usize, all: usize) -> usize {
    const STRIDE: usize = 7_368_787;
    let mut stride = STRIDE;
    while gcd(stride, all) > 1 {
        stride += 1;
    }
    (all / 3 + n % all * (stride % all)) % all
}

const fn gcd(one: usize, other: usize) -> usize {
    if other == 0 {
        one
    } else {
        gcd(other, one % other)
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "counts and bytes are far below 2^52"
)]
fn tell_import(report: Report, engine: EngineKind, import: &Import) {
    let Import {
        count,
        taken,
        postgres_cpu,
        before,
        after,
    } = import;
    let each = |bytes: u64| bytes as f64 / *count as f64;
    let millis_each = |time: Duration| millis(time) / *count as f64;
    let seconds = taken.elapsed.as_secs_f64();
    let database = each(after.database.saturating_sub(before.database));
    let vault = each(after.vault.saturating_sub(before.vault));
    let old = |name: &str| before.tables.iter().find(|(table, _)| table == name);
    let tables: Vec<(&str, f64)> = after
        .tables
        .iter()
        .map(|(name, bytes)| {
            let before = old(name).map_or(0, |(_, bytes)| *bytes);
            (name.as_str(), each(bytes.saturating_sub(before)))
        })
        .filter(|(_, bytes)| *bytes >= 1.0)
        .collect();
    let line = json!({
        "engine": name(engine),
        "imported": count,
        "seconds": seconds,
        "per_second": *count as f64 / seconds,
        "cpu_ms": millis_each(taken.cpu),
        "postgres_cpu_ms": postgres_cpu.map(millis_each),
        "peak_kb": taken.peak,
        "database_bytes_each": database,
        "vault_bytes_each": vault,
        "tables_bytes_each": tables.iter().copied().collect::<std::collections::BTreeMap<_, _>>(),
    });
    let of_postgres = postgres_cpu.map_or_else(String::new, |cpu| {
        format!(" and {:.3} of PostgreSQL's", millis_each(cpu))
    });
    let tables: Vec<String> = tables
        .iter()
        .map(|(name, bytes)| format!("{name} {bytes:.0}"))
        .collect();
    let text = format!(
        "\n{}\nimport of {count}: {seconds:.1} s, {:.0}/s, CPU {:.3} ms each{of_postgres}, \
         at most {} MB\nbytes an account: database {database:.0}, key store {vault:.0}\n  {}",
        name(engine),
        *count as f64 / seconds,
        millis_each(taken.cpu),
        taken.peak / 1024,
        tables.join(" · ")
    );
    report.say(&line, &text);
}

fn tell_ratio(
    report: Report,
    (what, (few_accounts, many_accounts)): (&str, (usize, usize)),
    (few, many): (&Round, &Round),
) {
    let of = |percent: usize| {
        let (few, many) = (few.percentile(percent), many.percentile(percent));
        (
            millis(few),
            millis(many),
            many.as_secs_f64() / few.as_secs_f64(),
        )
    };
    let ((few_half, many_half, half), (few_most, many_most, most)) = (of(50), of(99));
    let line = json!({
        "operation": what,
        "accounts": [few_accounts, many_accounts],
        "count": [few.times.len(), many.times.len()],
        "p50_ms": [few_half, many_half],
        "p99_ms": [few_most, many_most],
        "p50_ratio": half,
        "p99_ratio": most,
    });
    let text = format!(
        "{what}, {few_accounts} and {many_accounts} accounts ({} and {} times): \
         p50 {few_half:.2} and {many_half:.2} ms ({half:.2}) · \
         p99 {few_most:.2} and {many_most:.2} ms ({most:.2}, aim 1.3)",
        few.times.len(),
        many.times.len()
    );
    report.say(&line, &text);
}
