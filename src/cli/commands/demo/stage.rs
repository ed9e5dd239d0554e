//! Everything that runs in a demo: the provider, the portals, the simulated authority; each on a
//! port of its own that was free.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::asked_to_stop;
use super::folder::Folder;
use crate::authority::{Behavior, Simulator, SimulatorParts};
use crate::cli::compose::{Opening, Services};
use crate::cli::config::Config;
use crate::cli::serve;
use crate::cli::signals::Signals;
use crate::cli::telemetry::LevelControl;
use crate::cli::web::Web;
use crate::demo::inbox::Inbox;
use crate::demo::people::{RESIDENTS, Resident, known_to_the_authority};
use crate::demo::ports::Ports;
use crate::demo::province::{PROVINCES, Province};
use crate::demo::registration::{Registrar, import_people};
use crate::demo::story::Addresses;
use crate::demo::{Portal, PortalParts, RelyingParty};
use crate::domain::clock::{Clock, SystemClock};
use crate::http::server::{Listener, Patience, Router, Settings};

use crate::views::demo::StartPage;
use crate::views::renderer::Renderer;

const CREDENTIALS: &str = "portals.json";
const MESSAGES: &str = "messages.ndjson";

/// Where the authority listens when nobody else does.
const AUTHORITY_PORT: u16 = 8090;
/// Whom it knows beside the demo's people: more to register, should three not suffice.
const MORE_PEOPLE: u64 = 1000;
const SEED: u64 = 1;

/// Connections to one of the portals, or to the authority.
const CONNECTIONS: usize = 256;
const GRACE: Duration = Duration::from_secs(5);
const BIND_ATTEMPTS: usize = 4;

/// A portal's place, before it is known how the provider calls it.
struct Place {
    province: &'static Province,
    port: u16,
    listener: Listener,
}

impl Place {
    fn origin(&self) -> String {
        self.province.origin(self.port)
    }
}

/// A demo that is ready to be served.
pub(super) struct Stage {
    config: Config,
    services: Services,
    web: Web,
    beside: Vec<(Listener, Router)>,
    addresses: Addresses,
}

impl Stage {
    /// Binds everything, and fills an empty folder.
    pub(super) async fn build(config: &Config, folder: &Folder) -> anyhow::Result<Self> {
        let mut ports = Ports::default();
        let usual = config.server.listen.port();
        let (authority_port, listener) = retried(|| bound(&mut ports, AUTHORITY_PORT))?;
        let authority = format!("http://{}:{authority_port}", Ipv4Addr::LOCALHOST);
        let (config, web) = retried(|| {
            let config = own_config(config, (folder, &authority), &mut ports)?;
            let web = Web::bind(&config)?;
            Ok((config, web))
        })?;
        let places = PROVINCES
            .into_iter()
            .map(|province| {
                let (port, listener) = retried(|| bound(&mut ports, province.usual_port))?;
                Ok(Place {
                    province,
                    port,
                    listener,
                })
            })
            .collect::<anyhow::Result<Vec<_>>>()?;
        // Its issuer follows the port that was free; the portals are told.
        let services = Services::open_as(&config, Opening::Renamed).await?;
        let addresses = addresses((usual, &config), &places, &authority);
        import_people(&services.provider).await?;
        let mut beside = open_portals((&config, &services), folder, places, &addresses).await?;
        beside.push((listener, simulator()?.router()));
        Ok(Self {
            config,
            services,
            web,
            beside,
            addresses,
        })
    }

    pub(super) const fn addresses(&self) -> &Addresses {
        &self.addresses
    }

    /// Serves until the signals ask to stop.
    pub(super) async fn play(
        self,
        (signals, level): (Signals, LevelControl),
    ) -> anyhow::Result<()> {
        let (over, until_over) = watch::channel(false);
        let mut beside = JoinSet::new();
        for (listener, router) in self.beside {
            let listening = Signals::listen().context("cannot listen for signals")?;
            let mut signals = listening.until(until_over.clone());
            let stop = async move { asked_to_stop(&mut signals).await };
            beside.spawn(listener.serve(router, stop));
        }
        let served = serve::serve(&self.config, self.services, self.web, (signals, level)).await;
        over.send_replace(true);
        beside.join_all().await;
        served
    }
}

/// A port that was free may be taken the moment after: then others are tried.
fn retried<T>(mut bind: impl FnMut() -> anyhow::Result<T>) -> anyhow::Result<T> {
    for _ in 1..BIND_ATTEMPTS {
        if let Ok(bound) = bind() {
            return Ok(bound);
        }
    }
    bind()
}

/// The configuration below what is the demo's own. The ports configured are where it begins to
/// look for free ones.
fn own_config(
    config: &Config,
    (folder, authority): (&Folder, &str),
    ports: &mut Ports,
) -> anyhow::Result<Config> {
    let port = ports.pick(config.server.listen.port())?;
    let management = ports.pick(config.server.management_listen.port())?;
    let path = folder.path.display();
    let own = [
        format!("server.issuer=http://localhost:{port}"),
        format!("server.listen={}:{port}", Ipv4Addr::LOCALHOST),
        format!(
            "server.management_listen={}:{management}",
            Ipv4Addr::LOCALHOST
        ),
        "tls.certificate=".to_owned(),
        "tls.key=".to_owned(),
        "database.url_file=".to_owned(),
        "vault.url_file=".to_owned(),
        format!("database.url=sqlite:{path}/tongxing.db"),
        format!("vault.url=sqlite:{path}/vault.db"),
        "vault.master_key=".to_owned(),
        "vault.master_key_file=".to_owned(),
        "vault.other_master_key=".to_owned(),
        "vault.other_master_key_file=".to_owned(),
        format!("authority.url={authority}"),
        "authority.token=".to_owned(),
        "authority.token_file=".to_owned(),
        // The portals are on this machine, and hear of logouts.
        "outbound.allow_loopback=true".to_owned(),
        // Synthetic numbers may be somebody's.
        "notification.gateway_url=".to_owned(),
        "notification.gateway_token=".to_owned(),
        "notification.gateway_token_file=".to_owned(),
        format!("notification.outbox={path}/{MESSAGES}"),
    ];
    Ok(config.overlaid(own)?)
}

fn bound(ports: &mut Ports, usual: u16) -> anyhow::Result<(u16, Listener)> {
    let port = ports.pick(usual)?;
    let settings = Settings {
        max_connections: CONNECTIONS,
        shutdown_grace: GRACE,
        tls: None,
        patience: Patience::default(),
    };
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let listener =
        Listener::bind(address, settings).with_context(|| format!("cannot listen on {address}"))?;
    Ok((port, listener))
}

/// The authority, speaking HTTP to the provider like any other.
fn simulator() -> anyhow::Result<Simulator> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    Ok(Simulator::new(SimulatorParts {
        seed: SEED,
        synthetic: MORE_PEOPLE,
        others: known_to_the_authority(clock.now()).context("the demo's people")?,
        behavior: Behavior::Ok,
        delay: None,
        token: None,
        clock,
    }))
}

fn addresses((usual, config): (u16, &Config), places: &[Place], authority: &str) -> Addresses {
    let start = places.first().map_or(0, |place| place.port);
    let portals = places.iter().map(|place| {
        let href = format!("{}/", place.origin());
        (place.province.name_zh, place.province.name_en, href)
    });
    Addresses {
        start: format!("http://localhost:{start}/"),
        portals: portals.collect(),
        provider: format!("{}/", config.server.issuer),
        management: format!("http://{}/readyz", config.server.management_listen),
        authority: format!("{authority}/"),
        moved: moved((usual, config), places),
    }
}

/// Where the provider and the portals are not where one would look for them.
fn moved((usual, config): (u16, &Config), places: &[Place]) -> Vec<(u16, u16)> {
    let portals = places
        .iter()
        .map(|place| (place.province.usual_port, place.port));
    let provider = (usual, config.server.listen.port());
    let all = [provider].into_iter().chain(portals);
    all.filter(|(usual, port)| usual != port).collect()
}

/// Admits each portal at the provider and puts it together.
async fn open_portals(
    (config, services): (&Config, &Services),
    folder: &Folder,
    places: Vec<Place>,
    addresses: &Addresses,
) -> anyhow::Result<Vec<(Listener, Router)>> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let renderer = Renderer::new().context("the pages")?;
    let file = folder.path.join(CREDENTIALS);
    let registrar = Registrar::new(&services.provider, &services.fetcher, &file);
    let issuer = config.server.issuer.as_str();
    let mut portals = Vec::new();
    for place in &places {
        let (province, origin) = (place.province, place.origin());
        let credentials = registrar.admit(province, &origin).await?;
        let relying_party =
            RelyingParty::new(province, &origin, issuer, credentials, Arc::clone(&clock))?;
        // Straight into the other portal's login, as one portal sends a resident to the next
        // (OpenID Connect Core §4): nothing but the issuer's name is in the address.
        let other = places.iter().find(|other| other.port != place.port);
        let other = other.map(|other| {
            let href = format!("{}/login?iss={issuer}", other.origin());
            other.province.link(href)
        });
        portals.push(Portal::new(PortalParts {
            province,
            port: place.port,
            relying_party,
            other,
            start_href: addresses.start.clone(),
            start: StartPage {
                portals: addresses.links(),
                provider_href: addresses.provider.clone(),
                people: RESIDENTS.iter().map(Resident::shown).collect(),
                cast: addresses.cast(),
            },
            inbox: Inbox::new(folder.path.join(MESSAGES)),
            renderer: renderer.clone(),
            clock: Arc::clone(&clock),
            entropy: Arc::clone(&services.entropy),
        }));
    }
    let portals = portals.into_iter().map(Portal::router);
    Ok(places
        .into_iter()
        .map(|place| place.listener)
        .zip(portals)
        .collect())
}
