//! `tongxing serve`: the use cases behind both listeners, and the jobs beside them.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::compose::Services;
use super::config::Config;
use super::observe;
use super::signals::Signals;
use super::telemetry::LevelControl;
use super::web::{self, Partners, Told, Web};
use crate::http::cookies::CookiePolicy;
use crate::http::management::{Check, Readiness, Testing};
use crate::http::metrics::Metrics;
use crate::http::pages::logout;
use crate::http::router::router;
use crate::http::state::{AppState, Parts};
use crate::jobs::deliver::Tally;
use crate::jobs::deliver_logouts::LogoutParts;
use crate::jobs::{self, Shutdown};
use crate::ledger::Ledger;
use crate::ledger::feed::CLOCK_SKEW;
use crate::ledger::keyring::Keys;
use crate::storage::clock;
use crate::views::locale::Locale;
use crate::views::message::MessageTexts;
use crate::views::renderer::Renderer;

/// Serves until it is told to stop.
pub async fn run(config: &Config, level: LevelControl) -> anyhow::Result<()> {
    let signals = Signals::listen().context("cannot listen for signals")?;
    let web = Web::bind(config)?;
    let services = Services::open(config).await?;
    let address = web.local_address()?;
    tracing::info!(%address, issuer = config.server.issuer.as_str(), "serving");
    if !services.accounts.proves_identities() {
        tracing::info!("nobody can register here: authority.url and notification.* are not set");
    }
    serve(config, services, web, (signals, level)).await
}

/// Serves over open services.
pub async fn serve(
    config: &Config,
    services: Services,
    web: Web,
    (signals, level): (Signals, LevelControl),
) -> anyhow::Result<()> {
    let ledger = services.ledger.clone();
    ledger.register().await?;
    let poller = ledger.follow().await?;
    let (end, shutdown) = watch::channel(false);
    let mut running = start_jobs(config, &services, &shutdown);
    let metrics = Arc::new(Metrics::default());
    observe::services(&metrics, &services);
    if let Some(gateway) = services.messages.clone() {
        gateway.prepare().context("notification.outbox")?;
        let texts = MessageTexts::new().context("the texts of messages")?;
        let tally = Arc::new(Tally::default());
        observe::deliveries(&metrics, observe::MESSAGES, (&tally, &services.ledger));
        let parts = (services.ledger.clone(), services.keys.clone());
        let run = jobs::deliver_messages::run(parts, (gateway, texts), tally, shutdown.clone());
        running.spawn(run);
    }
    let told_logouts: Arc<Tally> = Arc::default();
    observe::deliveries(
        &metrics,
        observe::LOGOUTS,
        (&told_logouts, &services.ledger),
    );
    running.spawn(jobs::deliver_logouts::run(
        LogoutParts {
            ledger: services.ledger.clone(),
            keys: services.keys.clone(),
            provider: services.provider.clone(),
            client: services.fetcher.clone(),
            tally: told_logouts,
        },
        shutdown,
    ));
    let state = AppState::new(Parts {
        provider: services.provider.clone(),
        accounts: services.accounts.clone(),
        renderer: Renderer::new().context("the pages")?,
        cookies: CookiePolicy {
            secure: config.server.issuer.is_https(),
        },
        default_locale: Locale::En,
        clock: Arc::clone(services.ledger.clock()),
        operator: config.operator.clone(),
        logout_patience: logout::PATIENCE,
    });
    let envelope = web::envelope(config, Arc::clone(&services.entropy), &metrics);
    let keys = services.keys.clone();
    let told = Told {
        readiness: Arc::new(Node(ledger)),
        metrics,
        testing: config
            .testing
            .enabled
            .then(|| Arc::new(Aids(keys)) as Arc<dyn Testing>),
    };
    let partners = Partners::of(&services);
    let reload = |tls: Option<&_>| web::reload(config, &level, &partners, tls);
    web.serve(router(state, &envelope), told, signals, reload)
        .await;
    end.send_replace(true);
    while running.join_next().await.is_some() {}
    drop(poller);
    services.close().await?;
    tracing::info!("stopped");
    Ok(())
}

fn start_jobs(config: &Config, services: &Services, shutdown: &Shutdown) -> JoinSet<()> {
    let ledger = || services.ledger.clone();
    let mut running = JoinSet::new();
    running.spawn(jobs::seal_audit::run(ledger(), shutdown.clone()));
    running.spawn(jobs::journal_takeaways::run(
        services.journal.clone(),
        shutdown.clone(),
    ));
    running.spawn(jobs::write_usage::run(ledger(), shutdown.clone()));
    running.spawn(jobs::expire::run(ledger(), shutdown.clone()));
    let retention = config.retention;
    running.spawn(jobs::sweep_usage::run(
        ledger(),
        retention,
        shutdown.clone(),
    ));
    running.spawn(jobs::finish_erasures::run(
        services.profiles.clone(),
        services.erasures.clone(),
        shutdown.clone(),
    ));
    running.spawn(jobs::keep_redis::run(
        services.failures.clone(),
        shutdown.clone(),
    ));
    running.spawn(jobs::keep_keys::run(
        services.keys.clone(),
        shutdown.clone(),
    ));
    running
}

/// How long the database may take to say that all is well: who asks waits a second or two.
const PATIENCE: Duration = Duration::from_millis(900);

/// Whether this node can answer.
struct Node(Ledger);

impl Readiness for Node {
    fn checks(&self) -> Pin<Box<dyn Future<Output = Vec<Check>> + Send + '_>> {
        Box::pin(async {
            let asked = async { tokio::join!(self.skew(), self.schema()) };
            let told = tokio::time::timeout(PATIENCE, asked).await;
            let silent = || Err("no answer in time".to_owned());
            let (told, schema) = told.unwrap_or_else(|_| (silent(), silent().map(drop)));
            let fresh = self.0.feed().is_fresh();
            let clock = match &told {
                Ok(skew) if *skew > CLOCK_SKEW => {
                    Err(format!("{} ms from the database's clock", skew.as_millis()))
                }
                Ok(_) | Err(_) => Ok(()),
            };
            vec![
                Check {
                    name: "database",
                    outcome: told.map(drop),
                },
                Check {
                    name: "clock",
                    outcome: clock,
                },
                Check {
                    name: "change_feed",
                    outcome: fresh.then_some(()).ok_or_else(|| "is stale".to_owned()),
                },
                Check {
                    name: "schema",
                    outcome: schema,
                },
            ]
        })
    }
}

impl Node {
    async fn schema(&self) -> Result<(), String> {
        let checked = self.0.storage().check_schema().await;
        checked.map_err(|error| error.to_string())
    }

    /// How far our clock is from the database's.
    async fn skew(&self) -> Result<Duration, String> {
        let mut reader = self.0.reader().await.map_err(|error| error.to_string())?;
        let asked = self.0.now();
        let theirs = clock::read(&mut reader)
            .await
            .map_err(|error| error.to_string())?;
        // Halfway between asking and the answer: a slow database is not a wrong clock.
        let ours = asked.plus(self.0.now().since(asked) / 2);
        Ok(ours.since(theirs).max(theirs.since(ours)))
    }
}

/// Aids for outside test suites.
struct Aids(Keys);

impl Testing for Aids {
    fn rotate_keys(&self) -> Pin<Box<dyn Future<Output = Result<(), String>> + Send + '_>> {
        Box::pin(async { self.0.rotate().await.map_err(|error| error.to_string()) })
    }
}
