//! `tongxing demo`: the real server, and two portals beside it.
//!
//! Whatever is configured otherwise, the demo keeps to itself: issuer, addresses, database, vault
//! and master key are its own, in a folder of its own, so that it cannot put synthetic people among
//! real ones. What it remembers there lets a second run go on where the first ended.

use std::fs::{self, File, TryLockError};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use tokio::task::JoinSet;
use tracing::Level;

use crate::cli::arguments::Demo;
use crate::cli::compose::Services;
use crate::cli::config::Config;
use crate::cli::signals::{Asked, Signals};
use crate::cli::telemetry::LevelControl;
use crate::cli::web::Web;
use crate::cli::{output, serve};
use crate::demo::people::{RESIDENTS, Resident};
use crate::demo::ports::Ports;
use crate::demo::province::{PROVINCES, Province};
use crate::demo::registration::{Registrar, import_people};
use crate::demo::story::{self, Addresses};
use crate::demo::{Portal, PortalParts, RelyingParty};
use crate::domain::clock::{Clock, SystemClock};
use crate::http::server::{Listener, Patience, Settings};
use crate::ledger::issuer::Rename;
use crate::views::demo::StartPage;
use crate::views::renderer::Renderer;

const FOLDER: &str = "data/demo";
const LOCK: &str = "lock";
const CREDENTIALS: &str = "portals.json";

/// Connections to one portal.
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

/// Runs the demo until it is told to stop.
pub(super) async fn run(
    command: &Demo,
    config: &Config,
    level: LevelControl,
) -> anyhow::Result<()> {
    // What it tells people should stay in sight; who wants to see more says `debug`.
    if config.log.level == Level::INFO {
        level.set(Level::WARN);
    }
    let signals = Signals::listen().context("cannot listen for signals")?;
    let folder = Folder::open(Path::new(FOLDER))?;
    if command.fresh {
        folder.clear()?;
    }
    let mut ports = Ports::default();
    let (config, web) = retried(|| {
        let config = own_config(config, &folder, &mut ports)?;
        let web = Web::bind(&config)?;
        Ok((config, web))
    })?;
    let places = PROVINCES
        .into_iter()
        .map(|province| retried(|| take_place(province, &mut ports)))
        .collect::<anyhow::Result<Vec<_>>>()?;
    // Its issuer follows the port that was free; the portals are told.
    let services = Services::open_as(&config, Rename::Allowed).await?;
    let addresses = addresses(&config, &places);
    let mut portals = JoinSet::new();
    import_people(&services.provider).await?;
    for (place, portal) in open_portals(&config, &services, &folder, places).await? {
        let stop = until_stopped(Signals::listen().context("cannot listen for signals")?);
        portals.spawn(place.listener.serve(portal.router(), stop));
    }
    output::text(&story::tell(&addresses)).context("cannot print")?;
    serve::serve(&config, services, web, (signals, level)).await?;
    portals.join_all().await;
    Ok(())
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
fn own_config(config: &Config, folder: &Folder, ports: &mut Ports) -> anyhow::Result<Config> {
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
        format!("database.url=sqlite:{path}/tongxing.db"),
        format!("vault.url=sqlite:{path}/vault.db"),
        "vault.master_key=".to_owned(),
        "vault.master_key_file=".to_owned(),
        // Synthetic numbers may be somebody's.
        "notification.gateway_url=".to_owned(),
        "notification.gateway_token=".to_owned(),
        "notification.gateway_token_file=".to_owned(),
        format!("notification.outbox={path}/messages.ndjson"),
    ];
    Ok(config.overlaid(own)?)
}

fn take_place(province: &'static Province, ports: &mut Ports) -> anyhow::Result<Place> {
    let port = ports.pick(province.usual_port)?;
    let settings = Settings {
        max_connections: CONNECTIONS,
        shutdown_grace: GRACE,
        tls: None,
        patience: Patience::default(),
    };
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let listener =
        Listener::bind(address, settings).with_context(|| format!("cannot listen on {address}"))?;
    Ok(Place {
        province,
        port,
        listener,
    })
}

fn addresses(config: &Config, places: &[Place]) -> Addresses {
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
    }
}

/// Admits each portal at the provider and puts it together.
async fn open_portals(
    config: &Config,
    services: &Services,
    folder: &Folder,
    places: Vec<Place>,
) -> anyhow::Result<Vec<(Place, Portal)>> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let renderer = Renderer::new().context("the pages")?;
    let file = folder.path.join(CREDENTIALS);
    let registrar = Registrar::new(&services.provider, &services.fetcher, &file);
    let addresses = addresses(config, &places);
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
            },
            renderer: renderer.clone(),
            clock: Arc::clone(&clock),
            entropy: Arc::clone(&services.entropy),
        }));
    }
    Ok(places.into_iter().zip(portals).collect())
}

async fn until_stopped(mut signals: Signals) {
    while signals.next().await == Asked::Reload {}
}

/// The demo's folder, held by one demo at a time.
struct Folder {
    path: PathBuf,
    _lock: File,
}

impl Folder {
    fn open(path: &Path) -> anyhow::Result<Self> {
        let shown = path.display();
        fs::create_dir_all(path).with_context(|| format!("cannot make the folder {shown}"))?;
        let lock = File::create(path.join(LOCK))
            .with_context(|| format!("cannot write in the folder {shown}"))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self {
                path: path.to_owned(),
                _lock: lock,
            }),
            Err(TryLockError::WouldBlock) => bail!("another demo is running in {shown}"),
            Err(TryLockError::Error(error)) => Err(error).context("cannot lock the folder"),
        }
    }

    /// Removes what earlier runs left, and nothing outside of the folder.
    fn clear(&self) -> anyhow::Result<()> {
        for entry in fs::read_dir(&self.path)? {
            let entry = entry?;
            if entry.file_name() == LOCK {
                continue;
            }
            let path = entry.path();
            let removed = if entry.file_type()?.is_dir() {
                fs::remove_dir_all(&path)
            } else {
                fs::remove_file(&path)
            };
            removed.with_context(|| format!("cannot remove {}", path.display()))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_demo_at_a_time_and_fresh_removes_only_what_is_inside() {
        let outside = tempfile::tempdir().unwrap();
        let path = outside.path().join("demo");
        fs::write(outside.path().join("kept"), "x").unwrap();
        let folder = Folder::open(&path).unwrap();
        assert!(Folder::open(&path).is_err());
        fs::create_dir(path.join("inner")).unwrap();
        fs::write(path.join("inner/file"), "x").unwrap();
        fs::write(path.join("tongxing.db"), "x").unwrap();
        std::os::unix::fs::symlink(outside.path(), path.join("link")).unwrap();
        folder.clear().unwrap();
        let left: Vec<_> = fs::read_dir(&path)
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        assert_eq!(left, [LOCK]);
        assert!(outside.path().join("kept").exists());
        drop(folder);
        assert!(Folder::open(&path).is_ok());
    }
}
