//! `tongxing demo`: the real server, two portals and a simulated authority beside it.
//!
//! Whatever is configured otherwise, the demo keeps to itself: issuer, addresses, database, vault
//! and master key are its own, in a folder of its own, so that it cannot put synthetic people among
//! real ones. What it remembers there lets a second run go on where the first ended. A tour has a
//! folder that is gone afterwards.

mod folder;
mod stage;

use std::io::{self, IsTerminal as _};
use std::path::Path;

use anyhow::{Context as _, anyhow, bail};
use tokio::sync::watch;
use tracing::Level;

use self::folder::Folder;
use self::stage::Stage;
use crate::cli::arguments::Demo;
use crate::cli::config::Config;
use crate::cli::output;
use crate::cli::signals::{Asked, Signals};
use crate::cli::telemetry::LevelControl;
use crate::crypto::entropy::SystemEntropy;
use crate::demo::story;
use crate::demo::tour::{Paint, Teller, Tour};

const FOLDER: &str = "data/demo";

/// Runs the demo until it is told to stop, or the tour until it ends.
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
    if command.tour {
        let folder = Folder::temporary(&SystemEntropy)?;
        return Box::pin(tour(config, &folder, (signals, level))).await;
    }
    let folder = Folder::open(Path::new(FOLDER))?;
    if command.fresh {
        folder.clear()?;
    }
    let stage = Stage::build(config, &folder).await?;
    let told = story::tell(stage.addresses())?;
    output::text(&told).context("cannot print")?;
    Box::pin(stage.play((signals, level))).await
}

/// Plays the story against servers of its own, which end with it.
async fn tour(
    config: &Config,
    folder: &Folder,
    (signals, level): (Signals, LevelControl),
) -> anyhow::Result<()> {
    // As early as the servers': a signal that comes during the start is for both.
    let mut stopped = Signals::listen().context("cannot listen for signals")?;
    let stage = Stage::build(config, folder).await?;
    let addresses = stage.addresses().clone();
    let paint = if io::stdout().is_terminal() {
        Paint::Colors
    } else {
        Paint::Plain
    };
    let tour = Tour::new(&addresses, Teller::new(paint, output::text))?;
    let (over, until_over) = watch::channel(false);
    let told = async {
        tokio::select! {
            biased;
            // The servers were asked, too.
            () = asked_to_stop(&mut stopped) => Err(anyhow!("the tour was stopped")),
            told = tour.play() => {
                over.send_replace(true);
                told.context("the tour")
            }
        }
    };
    let (played, told) = tokio::join!(stage.play((signals.until(until_over), level)), told);
    match (played, told) {
        (Ok(()), told) => told,
        (Err(error), _) => bail!(error.context("the servers of the tour")),
    }
}

async fn asked_to_stop(signals: &mut Signals) {
    while signals.next().await == Asked::Reload {}
}
