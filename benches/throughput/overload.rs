//! Ten times the load: more clients than can be served, who ask again the moment they are refused.
//!
//! The server has one processor and the load another, so that neither takes the other's. First
//! what it can carry, then ten times as many clients for two minutes, then whether it recovers:
//! single sign-on. Then a storm of password logins, and what it does to those already in.

use std::net::SocketAddr;
use std::process::Command;
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::ensure;
use tokio::task::{JoinSet, LocalSet};

use super::cast::Portal;
use super::client::{Connection, admitted};
use super::load::{Operation as _, Round};
use super::measure::Bench;
use super::operations::{Authorize, PasswordLogin, Tokens, get};
use super::report::Report;

/// Where the server runs, and nothing of ours beside it.
pub(crate) const SERVERS_PROCESSOR: &str = "0";
const OURS: &str = "1";
/// How many clients the server carries at its best.
const CLIENTS: usize = 32;
const TIMES: usize = 10;
const WARM_UP: Duration = Duration::from_secs(3);
const CALM: Duration = Duration::from_secs(10);
/// As many keep the hashing threads busy.
const LOGINS: usize = 4;
/// Of those already in, while others log in.
const READERS: usize = 8;
const READER_PAUSE: Duration = Duration::from_millis(10);

/// What clients got.
#[derive(Debug, Default)]
pub(crate) struct Pressed {
    pub(crate) round: Round,
    pub(crate) refused: usize,
}

/// Puts this process on the second processor; the server was put on the first.
pub(crate) fn step_aside() -> anyhow::Result<()> {
    let moved = Command::new("taskset")
        .args(["-pc", OURS, &std::process::id().to_string()])
        .output()?;
    ensure!(moved.status.success(), "this needs two processors");
    Ok(())
}

/// Measures and prints, in this order.
pub(crate) async fn measure(time: Duration, report: &Report, bench: &Bench) -> anyhow::Result<()> {
    let many = CLIENTS * TIMES;
    single_sign_on(bench, CLIENTS, WARM_UP).await?;
    let tell = |name: &str, pressed: &Pressed, normal: &Pressed| {
        report.pressed(name, pressed, normal, &bench.memory()?);
        anyhow::Ok(())
    };
    let normal = single_sign_on(bench, CLIENTS, CALM).await?;
    tell("sso, at capacity", &normal, &normal)?;
    tell(
        "sso, ten times",
        &single_sign_on(bench, many, time).await?,
        &normal,
    )?;
    let after = single_sign_on(bench, CLIENTS, Duration::from_secs(1)).await?;
    tell("sso, a second later", &after, &normal)?;
    // How the machine's pace, and what the database holds by now, have changed meanwhile.
    let again = single_sign_on(bench, CLIENTS, CALM).await?;
    tell("sso, capacity again", &again, &normal)?;

    let tokens = bench.tokens(bench.portal()).await?;
    let tokens = tokens.get(..READERS).unwrap_or_default();
    let (reads, _) = readers_beside(bench, (tokens, 0), CALM).await?;
    tell("userinfo, calm", &reads, &reads)?;
    let (_, logins) = readers_beside(bench, (tokens, LOGINS), CALM).await?;
    tell("logins, at capacity", &logins, &logins)?;
    let (read, logged_in) = readers_beside(bench, (tokens, many), time / 4).await?;
    tell("logins, a storm", &logged_in, &logins)?;
    tell("userinfo meanwhile", &read, &reads)
}

async fn single_sign_on(bench: &Bench, clients: usize, time: Duration) -> anyhow::Result<Pressed> {
    let until = Instant::now() + time;
    let sessions = bench.sessions().iter().cycle().take(clients);
    let workers = sessions.map(|session| enter(bench.address(), bench.portal(), session, until));
    press(workers, time).await
}

/// Readers of claims, and so many who log in meanwhile.
async fn readers_beside(
    bench: &Bench,
    (readers, logins): (&[Tokens], usize),
    time: Duration,
) -> anyhow::Result<(Pressed, Pressed)> {
    let until = Instant::now() + time;
    let readers = readers.iter().cloned();
    let reading = press(
        readers.map(|tokens| read(bench.address(), tokens, until)),
        time,
    );
    // Others than those who read: of one who logs in very often the oldest logins end.
    let residents = bench.residents().iter().skip(READERS).cycle().take(logins);
    let logins = residents.map(|resident| PasswordLogin::new(bench.portal(), resident));
    let logging_in = press(
        logins.map(|login| log_in(bench.address(), login, until)),
        time,
    );
    tokio::try_join!(reading, logging_in)
}

/// Times of what was done, and how often it was refused.
type Told = (Vec<Duration>, usize);

async fn press<F>(workers: impl Iterator<Item = F>, time: Duration) -> anyhow::Result<Pressed>
where
    F: Future<Output = anyhow::Result<Told>> + 'static,
{
    let local = LocalSet::new();
    let mut tasks = JoinSet::new();
    for worker in workers {
        tasks.spawn_local_on(worker, &local);
    }
    let mut pressed = Pressed::default();
    let collecting = async {
        while let Some(ended) = tasks.join_next().await {
            let (times, refused) = ended??;
            pressed.round.times.extend(times);
            pressed.refused += refused;
        }
        anyhow::Ok(())
    };
    local.run_until(collecting).await?;
    pressed.round.elapsed = time;
    Ok(pressed)
}

/// Enters a portal again and again. A token request that is refused is made again, as a portal
/// would, and its login took so much longer.
fn enter(
    address: SocketAddr,
    portal: &Rc<Portal>,
    session: &str,
    until: Instant,
) -> impl Future<Output = anyhow::Result<Told>> + use<> {
    let authorize = Authorize::new(portal, session);
    async move {
        let mut connection = Connection::open(address).await?;
        let (mut times, mut refused) = (Vec::new(), 0);
        while Instant::now() < until {
            let begun = Instant::now();
            let Some(code) = admitted(authorize.code(&mut connection).await)? else {
                refused += 1;
                continue;
            };
            while admitted(authorize.exchange(&code, &mut connection).await)?.is_none() {
                refused += 1;
            }
            times.push(begun.elapsed());
        }
        Ok((times, refused))
    }
}

async fn read(address: SocketAddr, tokens: Tokens, until: Instant) -> anyhow::Result<Told> {
    let mut connection = Connection::open(address).await?;
    let bearer = format!("Authorization: Bearer {}\r\n", tokens.access);
    let request = get("/oauth2/userinfo", &bearer);
    let (mut times, mut refused) = (Vec::new(), 0);
    while Instant::now() < until {
        let begun = Instant::now();
        let answer = connection.send(&request).await?;
        match admitted(answer.expect(200))? {
            Some(_) => times.push(begun.elapsed()),
            None => refused += 1,
        }
        tokio::time::sleep(READER_PAUSE).await;
    }
    Ok((times, refused))
}

/// Logs in with a fresh browser again and again.
async fn log_in(
    address: SocketAddr,
    mut login: PasswordLogin,
    until: Instant,
) -> anyhow::Result<Told> {
    let mut connection = Connection::open(address).await?;
    let (mut times, mut refused) = (Vec::new(), 0);
    while Instant::now() < until {
        let begun = Instant::now();
        match admitted(login.once(&mut connection).await)? {
            Some(_) => times.push(begun.elapsed()),
            None => refused += 1,
        }
    }
    Ok((times, refused))
}
