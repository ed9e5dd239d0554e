//! Both listeners, from binding to the end of the last request.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context as _;
use tokio::sync::watch;

use super::compose::Services;
use super::config::{Config, GatewayConfig, TlsConfig};
use super::signals::{Asked, Signals};
use super::telemetry::LevelControl;
use crate::domain::entropy::Entropy;
use crate::http::management::{self, Check, Readiness, Testing};
use crate::http::metrics::Metrics;
use crate::http::middleware::{Envelope, EnvelopeSettings, InFlight};
use crate::http::server::{Listener, Patience, Router, Settings};
use crate::http::tls::{Files, Tls};
use crate::outbound::Authority;
use crate::outbound::messages::MessageGateway;

/// Probes and scrapers are few.
const MANAGEMENT_CONNECTIONS: usize = 64;

/// Both listeners, bound.
#[derive(Debug)]
pub struct Web {
    public: Listener,
    management: Listener,
    tls: Option<Arc<Tls>>,
}

/// What the management listener tells of.
pub struct Told {
    /// Whether requests should be sent here.
    pub readiness: Arc<dyn Readiness>,
    /// What was counted.
    pub metrics: Arc<Metrics>,
    /// Aids for outside test suites, when `testing.enabled`.
    pub testing: Option<Arc<dyn Testing>>,
}

impl Web {
    /// Loads certificates and binds both addresses; needs a Tokio runtime.
    pub fn bind(config: &Config) -> anyhow::Result<Self> {
        let server = &config.server;
        let tls = config.tls.as_ref().map(load_tls).transpose()?;
        let public = Settings {
            max_connections: server.max_connections,
            shutdown_grace: server.shutdown_grace,
            tls: tls.clone(),
            patience: Patience::default(),
        };
        let management = Settings {
            max_connections: MANAGEMENT_CONNECTIONS,
            tls: None,
            ..public.clone()
        };
        Ok(Self {
            public: bind("server.listen", server.listen, public)?,
            management: bind(
                "server.management_listen",
                server.management_listen,
                management,
            )?,
            tls,
        })
    }

    /// Where residents and portals connect.
    pub fn local_address(&self) -> std::io::Result<SocketAddr> {
        self.public.local_address()
    }

    /// Serves until a signal asks to stop and what had begun has finished. The management
    /// listener goes last: it says meanwhile that this node is not ready.
    pub async fn serve(
        self,
        router: Router,
        told: Told,
        mut signals: Signals,
        reload: impl Fn(Option<&Tls>),
    ) {
        let stopping = Arc::new(AtomicBool::new(false));
        let readiness = Arc::new(UntilStopping {
            stopping: Arc::clone(&stopping),
            readiness: told.readiness,
        });
        let management = management::router(readiness, told.metrics, told.testing);
        let (stop, stopped) = watch::channel(false);
        let mut public = tokio::spawn(self.public.serve(router, until(stopped)));
        let (end, ended) = watch::channel(false);
        let management = tokio::spawn(self.management.serve(management, until(ended)));
        while signals.next().await == Asked::Reload {
            reload(self.tls.as_deref());
        }
        tracing::info!("stopping: requests that have begun may finish");
        stopping.store(true, Ordering::Relaxed);
        stop.send_replace(true);
        tokio::select! {
            _ = &mut public => {}
            () = asked_again(&mut signals) => tracing::warn!("stopping at once"),
        }
        end.send_replace(true);
        // Nothing of it is worth waiting for.
        management.abort();
    }
}

/// Whether the certificates can be loaded; needs the process's cryptography.
pub fn check(config: &Config) -> anyhow::Result<()> {
    config.tls.as_ref().map(load_tls).transpose().map(drop)
}

/// What every request to the public listener passes.
pub fn envelope(config: &Config, entropy: Arc<dyn Entropy>, metrics: &Arc<Metrics>) -> Envelope {
    let server = &config.server;
    Envelope::new(EnvelopeSettings {
        entropy,
        metrics: Arc::clone(metrics),
        trusted_proxies: server.trusted_proxies.clone(),
        in_flight: InFlight {
            login: server.in_flight.login,
            token: server.in_flight.token,
            page: server.in_flight.page,
            api: server.in_flight.api,
            logout: server.in_flight.logout,
        },
        request_timeout: server.request_timeout,
        https: server.issuer.is_https(),
        log_requests: config.log.requests,
    })
}

/// Who is shown tokens that may be replaced.
pub struct Partners {
    authority: Option<Authority>,
    messages: Option<MessageGateway>,
}

impl Partners {
    /// Those of open services.
    pub fn of(services: &Services) -> Self {
        Self {
            authority: services.authority.clone(),
            messages: services.messages.clone(),
        }
    }

    fn replace_tokens(&self, fresh: Config) {
        if let (Some(authority), Some(settings)) = (&self.authority, fresh.authority) {
            authority.replace_token(settings.token);
            tracing::info!("the token for the authority was read again");
        }
        if let (Some(messages), Some(GatewayConfig::Http { token, .. })) =
            (&self.messages, fresh.notification.gateway)
        {
            messages.replace_token(token);
            tracing::info!("the token for the gateway was read again");
        }
    }
}

/// What SIGHUP does: the log level, partners' tokens and certificates, each left as it was when it is
/// wrong now.
pub fn reload(config: &Config, level: &LevelControl, partners: &Partners, tls: Option<&Tls>) {
    match config.reload() {
        Ok(fresh) => {
            level.set(fresh.log.level);
            tracing::info!(level = %fresh.log.level, "the log level was read again");
            partners.replace_tokens(fresh);
        }
        Err(problems) => tracing::warn!(%problems, "the configuration stays as it was"),
    }
    match tls.map(Tls::reload) {
        Some(Err(error)) => tracing::warn!(%error, "the certificate stays as it was"),
        Some(Ok(())) => tracing::info!("the certificate was read again"),
        None => {}
    }
}

fn load_tls(files: &TlsConfig) -> anyhow::Result<Arc<Tls>> {
    let files = Files {
        certificate: files.certificate.clone(),
        key: files.key.clone(),
    };
    Ok(Arc::new(Tls::load(files).context("TLS")?))
}

fn bind(setting: &str, address: SocketAddr, settings: Settings) -> anyhow::Result<Listener> {
    Listener::bind(address, settings)
        .with_context(|| format!("cannot listen on {address} (the setting is {setting})"))
}

async fn until(mut told: watch::Receiver<bool>) {
    // The sender gone means the same.
    told.wait_for(|told| *told)
        .await
        .map(drop)
        .unwrap_or_default();
}

async fn asked_again(signals: &mut Signals) {
    while signals.next().await == Asked::Reload {}
}

/// Not ready as soon as the end has begun.
struct UntilStopping {
    stopping: Arc<AtomicBool>,
    readiness: Arc<dyn Readiness>,
}

impl Readiness for UntilStopping {
    fn checks(&self) -> Pin<Box<dyn Future<Output = Vec<Check>> + Send + '_>> {
        if self.stopping.load(Ordering::Relaxed) {
            let stopping = Check {
                name: "server",
                outcome: Err("is stopping".to_owned()),
            };
            return Box::pin(async { vec![stopping] });
        }
        self.readiness.checks()
    }
}
