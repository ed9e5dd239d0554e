//! Making a database costs keys, migrations and imports; copying one costs nothing. The template
//! is made once in a program and kept in memory, so that no folder outlives it.

use std::path::Path;
use std::sync::OnceLock;

use tongxing::domain::clock::ManualClock;
use tongxing::domain::instant::Instant;

use super::parts::{MADE, Parts, Setup};

/// The files of a database with keys and residents in it, and of its key store.
pub(super) struct Template(Vec<(&'static str, Vec<u8>)>);

pub(super) const MAIN_FILE: &str = "main.db";
pub(super) const VAULT_FILE: &str = "vault.db";

impl Template {
    pub(super) fn get() -> &'static Self {
        static TEMPLATE: OnceLock<Template> = OnceLock::new();
        TEMPLATE.get_or_init(|| {
            // On a runtime of its own: that of the test which happens to come first ends with it.
            std::thread::scope(|scope| scope.spawn(make).join().expect("a template is made"))
        })
    }

    pub(super) fn copy_to(&self, folder: &Path) {
        for (name, bytes) in &self.0 {
            std::fs::write(folder.join(name), bytes).expect("a file is written");
        }
    }
}

fn make() -> Template {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let clock = ManualClock::new(Instant::from_seconds(MADE));
        let parts = Parts::open_sqlite(folder.path(), Setup::default(), (clock, None)).await;
        parts.import_people().await;
        parts.close().await;
        // Two connections that close at the same moment may each leave the log to the other.
        let files = [MAIN_FILE, "main.db-wal", VAULT_FILE, "vault.db-wal"];
        let read = |name| {
            let bytes = std::fs::read(folder.path().join(name)).ok();
            bytes.map(|bytes| (name, bytes))
        };
        Template(files.into_iter().filter_map(read).collect())
    })
}
