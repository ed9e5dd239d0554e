//! The operations in order, each measured in rounds.

use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use anyhow::Context as _;

use super::arguments::Arguments;
use super::cast::{Cast, Portal};
use super::client::Connection;
use super::load::{self, Operation, Round};
use super::operations::{
    Authorize, Exchange, PasswordLogin, Refresh, Repeat, SingleSignOn, Tokens, first_visit, get,
    post,
};
use super::process::{Memory, PostgresProcesses};
use super::server::Server;

/// What can be measured. `exchange` measures the authorizations before it too.
pub(crate) const NAMES: &[&str] = &[
    "discovery",
    "jwks",
    "client_credentials",
    "exchange",
    "refresh",
    "refresh_rotating",
    "userinfo",
    "introspection",
    "sso_es256",
    "sso_rs256",
    "password_login",
];

/// A row of the table: medians of the rounds.
#[derive(Debug, Clone)]
pub(crate) struct Figure {
    pub(crate) name: &'static str,
    pub(crate) per_second: f64,
    pub(crate) p50: Duration,
    pub(crate) p99: Duration,
    /// The server's processor time per operation.
    pub(crate) cpu: Duration,
    /// PostgreSQL's, where its processes are known.
    pub(crate) postgres_cpu: Option<Duration>,
}

/// How the server starts.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Start {
    pub(crate) first: Duration,
    pub(crate) restart: Duration,
    pub(crate) idle: Memory,
}

/// The server with its cast, and one session a connection.
pub(crate) struct Bench {
    server: Server,
    postgres: Option<PostgresProcesses>,
    rounds: usize,
    time: Duration,
    residents: Vec<String>,
    sessions: Vec<String>,
    es256: Rc<Portal>,
    rs256: Rc<Portal>,
    public: Rc<Portal>,
    service: Rc<Portal>,
    first_start: Duration,
}

/// One round with its costs.
struct Measured {
    round: Round,
    cpu: Duration,
    postgres_cpu: Option<Duration>,
}

impl Bench {
    pub(crate) async fn open(
        arguments: &Arguments,
        mut server: Server,
        postgres: Option<PostgresProcesses>,
    ) -> anyhow::Result<Self> {
        let cast = Cast::enter(&server, arguments.connections)?;
        let first_start = server.start().await?;
        let (es256, rs256, public) = (
            Rc::new(cast.es256),
            Rc::new(cast.rs256),
            Rc::new(cast.public),
        );
        let mut sessions = Vec::new();
        let mut connection = Connection::open(server.address).await?;
        for resident in &cast.residents {
            let mut login = PasswordLogin::new(&es256, resident);
            login.once(&mut connection).await?;
            for portal in [&rs256, &public] {
                first_visit(portal, &login.session, &mut connection).await?;
            }
            sessions.push(login.session);
        }
        Ok(Self {
            server,
            postgres,
            rounds: arguments.rounds,
            time: arguments.time,
            residents: cast.residents,
            sessions,
            es256,
            rs256,
            public,
            service: Rc::new(cast.service),
            first_start,
        })
    }

    /// Stops and starts the server.
    pub(crate) async fn restart(&mut self) -> anyhow::Result<Start> {
        let mut times = Vec::new();
        for _ in 0..self.rounds {
            self.server.stop().await?;
            times.push(self.server.start().await?);
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
        Ok(Start {
            first: self.first_start,
            restart: median(times),
            idle: self.memory()?,
        })
    }

    pub(crate) fn memory(&self) -> anyhow::Result<Memory> {
        self.server.process()?.memory()
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.server.address
    }

    /// One of each resident.
    pub(crate) fn sessions(&self) -> &[String] {
        &self.sessions
    }

    pub(crate) fn residents(&self) -> &[String] {
        &self.residents
    }

    /// A confidential one whose ID tokens are ES256.
    pub(crate) const fn portal(&self) -> &Rc<Portal> {
        &self.es256
    }

    pub(crate) async fn close(mut self) -> anyhow::Result<()> {
        self.server.stop().await
    }

    /// Measures what goes by a name of [`NAMES`].
    pub(crate) async fn measure(&self, name: &'static str) -> anyhow::Result<Vec<Figure>> {
        let one = match name {
            "discovery" => {
                let request = get("/.well-known/openid-configuration", "");
                self.repeat(name, request).await?
            }
            "jwks" => self.repeat(name, get("/oauth2/jwks", "")).await?,
            "client_credentials" => {
                let form = "grant_type=client_credentials";
                let request = post("/oauth2/token", &self.service.authorization, form);
                self.repeat(name, request).await?
            }
            "exchange" => return self.exchanges().await,
            "refresh" => self.refreshes(name, &self.es256).await?,
            "refresh_rotating" => self.refreshes(name, &self.public).await?,
            "userinfo" => {
                let ask = |tokens: Tokens| {
                    let header = format!("Authorization: Bearer {}\r\n", tokens.access);
                    get("/oauth2/userinfo", &header)
                };
                self.with_tokens(name, ask).await?
            }
            "introspection" => {
                let ask = |tokens: Tokens| {
                    let form = format!("token={}", tokens.access);
                    post("/oauth2/introspect", &self.es256.authorization, &form)
                };
                self.with_tokens(name, ask).await?
            }
            "sso_es256" => self.single_sign_on(name, &self.es256).await?,
            "sso_rs256" => self.single_sign_on(name, &self.rs256).await?,
            "password_login" => self.password_logins(name).await?,
            other => anyhow::bail!("{other} cannot be measured"),
        };
        Ok(vec![one])
    }

    async fn repeat(&self, name: &'static str, request: Vec<u8>) -> anyhow::Result<Figure> {
        let request: Rc<[u8]> = request.into();
        let worker = |_: &String| Repeat(Rc::clone(&request));
        self.rounds(name, || self.sessions.iter().map(worker).collect())
            .await
    }

    /// Authorizations, then the redemption of their codes.
    async fn exchanges(&self) -> anyhow::Result<Vec<Figure>> {
        let (mut authorized, mut exchanged) = (Vec::new(), Vec::new());
        for _ in 0..self.rounds {
            let (measured, workers) = self.round(self.authorizations(&self.es256)).await?;
            authorized.push(measured);
            let workers = workers.into_iter().map(Exchange::new).collect();
            let (measured, _) = self.round(workers).await?;
            exchanged.push(measured);
        }
        Ok(vec![
            figure("authorize", &authorized),
            figure("exchange", &exchanged),
        ])
    }

    async fn refreshes(&self, name: &'static str, portal: &Rc<Portal>) -> anyhow::Result<Figure> {
        let tokens = self.tokens(portal).await?;
        let worker = |tokens: &Tokens| Refresh {
            portal: Rc::clone(portal),
            token: tokens.refresh.clone(),
        };
        let mut workers: Vec<Refresh> = tokens.iter().map(worker).collect();
        let mut measured = Vec::new();
        for _ in 0..self.rounds {
            let round;
            (round, workers) = self.round(workers).await?;
            measured.push(round);
        }
        Ok(figure(name, &measured))
    }

    async fn with_tokens(
        &self,
        name: &'static str,
        ask: impl Fn(Tokens) -> Vec<u8>,
    ) -> anyhow::Result<Figure> {
        let tokens = self.tokens(&self.es256).await?;
        let requests: Vec<Rc<[u8]>> = tokens
            .into_iter()
            .map(|tokens| ask(tokens).into())
            .collect();
        let worker = |request: &Rc<[u8]>| Repeat(Rc::clone(request));
        self.rounds(name, || requests.iter().map(worker).collect())
            .await
    }

    async fn single_sign_on(
        &self,
        name: &'static str,
        portal: &Rc<Portal>,
    ) -> anyhow::Result<Figure> {
        let workers = || {
            let authorizations = self.authorizations(portal);
            authorizations.into_iter().map(SingleSignOn).collect()
        };
        self.rounds(name, workers).await
    }

    async fn password_logins(&self, name: &'static str) -> anyhow::Result<Figure> {
        let worker = |resident: &String| PasswordLogin::new(&self.es256, resident);
        self.rounds(name, || self.residents.iter().map(worker).collect())
            .await
    }

    fn authorizations(&self, portal: &Rc<Portal>) -> Vec<Authorize> {
        let worker = |session: &String| Authorize::new(portal, session);
        self.sessions.iter().map(worker).collect()
    }

    /// Tokens of one login a session.
    pub(crate) async fn tokens(&self, portal: &Rc<Portal>) -> anyhow::Result<Vec<Tokens>> {
        let mut connection = Connection::open(self.server.address).await?;
        let mut tokens = Vec::new();
        for mut authorize in self.authorizations(portal) {
            authorize.once(&mut connection).await?;
            let mut exchange = Exchange::new(authorize);
            exchange.once(&mut connection).await?;
            tokens.push(exchange.last.context("an exchange gives tokens")?);
        }
        Ok(tokens)
    }

    async fn rounds<O: Operation + 'static>(
        &self,
        name: &'static str,
        workers: impl Fn() -> Vec<O>,
    ) -> anyhow::Result<Figure> {
        let mut measured = Vec::new();
        for _ in 0..self.rounds {
            measured.push(self.round(workers()).await?.0);
        }
        Ok(figure(name, &measured))
    }

    async fn round<O: Operation + 'static>(
        &self,
        workers: Vec<O>,
    ) -> anyhow::Result<(Measured, Vec<O>)> {
        let process = self.server.process()?;
        let postgres = || self.postgres.map(PostgresProcesses::cpu).transpose();
        let before = (process.cpu()?, postgres()?);
        let (round, workers) = load::drive(self.server.address, workers, self.time).await?;
        let after = (process.cpu()?, postgres()?);
        let measured = Measured {
            round,
            cpu: after.0.saturating_sub(before.0),
            postgres_cpu: after
                .1
                .zip(before.1)
                .map(|(after, before)| after.saturating_sub(before)),
        };
        Ok((measured, workers))
    }
}

fn figure(name: &'static str, rounds: &[Measured]) -> Figure {
    let of = |value: &dyn Fn(&Measured) -> Duration| median(rounds.iter().map(value).collect());
    let each = |measured: &Measured, time: Duration| time.div_f64(measured.round.count().max(1.0));
    let mut speeds: Vec<f64> = rounds.iter().map(|m| m.round.per_second()).collect();
    speeds.sort_by(f64::total_cmp);
    Figure {
        name,
        per_second: speeds.get(speeds.len() / 2).copied().unwrap_or_default(),
        p50: of(&|measured| measured.round.percentile(50)),
        p99: of(&|measured| measured.round.percentile(99)),
        cpu: of(&|measured| each(measured, measured.cpu)),
        postgres_cpu: rounds
            .iter()
            .all(|measured| measured.postgres_cpu.is_some())
            .then(|| of(&|measured| each(measured, measured.postgres_cpu.unwrap_or_default()))),
    }
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}
