//! Backups: every table is thought of, and what is written on one engine is the same on the other.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;

use tongxing::crypto::custody::MasterKey;
use tongxing::crypto::entropy::SystemEntropy;
use tongxing::domain::clock::ManualClock;
use tongxing::domain::instant::Instant;
use tongxing::domain::secret::Secret;
use tongxing::ledger::backup::{
    BackupError, Backups, Gaps, KeyStore, Loaded, Verified, refuse_half_restored,
};
use tongxing::ledger::vault::{Bucket, Vault};
use tongxing::storage::backup::{self, Carriage, Datum, Insertion, Kind, Pages, Table};
use tongxing::storage::migrations::{MAIN, VAULT};
use tongxing::storage::{Storage, changes};
use tongxing::values;

use crate::accounts::write;
use crate::harness::{Database, on_both};

const ISSUER: &str = "https://id.example";

/// The columns that the schema has, by table.
async fn schema(
    database: &Database,
    storage: &Storage,
) -> BTreeMap<String, BTreeMap<String, Kind>> {
    let sql = match database.postgres_url() {
        Some(_) => {
            "SELECT CAST(table_name AS TEXT) AS owner, CAST(column_name AS TEXT) AS name,
                    CAST(data_type AS TEXT) AS kind
               FROM information_schema.columns WHERE table_schema = 'public'"
        }
        None => {
            "SELECT t.name AS owner, c.name AS name, c.type AS kind
               FROM sqlite_master t JOIN pragma_table_info(t.name) c WHERE t.type = 'table'"
        }
    };
    let mut reader = storage.reader().await.unwrap();
    let mut found: BTreeMap<String, BTreeMap<String, Kind>> = BTreeMap::new();
    for row in reader.fetch_all(sql, &[]).await.unwrap() {
        let kind = match row.get::<String>("kind").unwrap().to_lowercase().as_str() {
            "text" => Kind::Text,
            "bigint" => Kind::Integer,
            "boolean" => Kind::Boolean,
            other => panic!("{other}"),
        };
        let table = found.entry(row.get("owner").unwrap()).or_default();
        table.insert(row.get("name").unwrap(), kind);
    }
    found.remove("schema_migrations");
    found
}

fn described(tables: &[Table]) -> BTreeMap<String, BTreeMap<String, Kind>> {
    let columns = |table: &Table| {
        let columns = table.columns.iter();
        columns
            .map(|column| (column.name.to_owned(), column.kind))
            .collect()
    };
    tables
        .iter()
        .map(|table| (table.name.to_owned(), columns(table)))
        .collect()
}

/// The columns of primary keys, by table.
async fn keys(database: &Database, storage: &Storage) -> BTreeSet<(String, String)> {
    let sql = match database.postgres_url() {
        Some(_) => {
            "SELECT CAST(k.table_name AS TEXT) AS owner, CAST(k.column_name AS TEXT) AS name
               FROM information_schema.key_column_usage k
               JOIN information_schema.table_constraints c
                 ON c.constraint_name = k.constraint_name AND c.table_name = k.table_name
              WHERE k.table_schema = 'public' AND c.constraint_type = 'PRIMARY KEY'"
        }
        None => {
            "SELECT t.name AS owner, c.name AS name
               FROM sqlite_master t JOIN pragma_table_info(t.name) c
              WHERE t.type = 'table' AND c.pk > 0"
        }
    };
    let mut reader = storage.reader().await.unwrap();
    let rows = reader.fetch_all(sql, &[]).await.unwrap();
    let keys = rows
        .iter()
        .map(|row| (row.get("owner").unwrap(), row.get("name").unwrap()));
    keys.filter(|(owner, _): &(String, String)| owner != "schema_migrations")
        .collect()
}

fn clock() -> ManualClock {
    ManualClock::new(Instant::from_seconds(1_700_000_000))
}

fn master(digits: &str) -> Arc<MasterKey> {
    Arc::new(MasterKey::from_text(&Secret::new(digits.repeat(32))).unwrap())
}

/// Both databases of an installation; the key store's in a file.
async fn backups(database: &Database, vault: &Database) -> Backups {
    Backups {
        main: database.storage(&MAIN).await,
        vault: vault.storage(&VAULT).await,
        master: master("ab"),
        issuer: ISSUER.to_owned(),
        clock: Arc::new(clock()),
        entropy: Arc::new(SystemEntropy),
    }
}

/// All that a restore does before it takes away again.
async fn load(backups: &Backups, folder: &Path) -> Result<Loaded, BackupError> {
    let verified = Verified::read(folder, &backups.master, &backups.issuer)?;
    backups.load(&verified, Gaps::Refused).await
}

async fn is_half_restored(storage: &Storage) -> bool {
    refuse_half_restored(storage).await.is_err()
}

async fn open_vault(backups: &Backups) -> Vault {
    let (clock, entropy) = (Arc::clone(&backups.clock), Arc::clone(&backups.entropy));
    Vault::open(
        backups.vault.clone(),
        Arc::clone(&backups.master),
        clock,
        entropy,
    )
    .await
    .unwrap()
}

/// Two rows in every table that a backup has: every value of one is as strange as its column
/// allows, and every value of the other as plain; what may be NULL is.
async fn fill(storage: &Storage) {
    for table in backup::MAIN {
        if table.carriage != Carriage::Carried {
            continue;
        }
        let names: Vec<String> = table.columns.iter().map(|c| c.name.to_owned()).collect();
        let insertion = Insertion::of(table, &names).unwrap();
        let row = |text: &str, integer: i64, boolean: bool| -> Vec<Datum> {
            let value = |kind| match kind {
                Kind::Text => Datum::Text(text.to_owned()),
                Kind::Integer => Datum::Integer(integer),
                Kind::Boolean => Datum::Boolean(boolean),
            };
            table
                .columns
                .iter()
                .map(|column| value(column.kind))
                .collect()
        };
        let strange = row("\u{2000B}·\"\\\n\u{1}\u{10FFFF} ", i64::MIN, true);
        let mut plain = row("plain", i64::MAX, false);
        let nullable = [
            "ended_at",
            "client_id",
            "public",
            "confirmed_at",
            "secret_hash",
        ];
        for (datum, column) in plain.iter_mut().zip(table.columns) {
            if nullable.contains(&column.name) && !table.key.contains(&column.name) {
                let required = table.name == "grants"
                    || table.name == "sessions" && column.name == "secret_hash"
                    || ["authorizations", "usage_days", "usage_minutes"].contains(&table.name);
                if !required {
                    *datum = Datum::Null;
                }
            }
        }
        write(storage, move |tx| {
            let (insertion, rows) = (insertion.clone(), vec![strange.clone(), plain.clone()]);
            Box::pin(async move {
                assert!(rows.iter().all(|row| insertion.admits(row)));
                insertion.put(tx, &rows).await
            })
        })
        .await;
    }
}

/// All rows that a backup has.
async fn contents(storage: &Storage) -> BTreeMap<&'static str, Vec<Vec<Datum>>> {
    let mut reader = storage.reader().await.unwrap();
    let mut found = BTreeMap::new();
    for table in backup::MAIN {
        if table.carriage == Carriage::Left {
            continue;
        }
        let pages = Pages::of(table);
        let mut rows: Vec<Vec<Datum>> = Vec::new();
        loop {
            // Pages of one: what is behind a row is found by its key.
            let page = pages
                .page(&mut reader, rows.last().map(Vec::as_slice), 1)
                .await
                .unwrap();
            if page.is_empty() {
                break;
            }
            rows.extend(page);
        }
        found.insert(table.name, rows);
    }
    found
}

fn without_marks(
    mut rows: BTreeMap<&'static str, Vec<Vec<Datum>>>,
) -> BTreeMap<&'static str, Vec<Vec<Datum>>> {
    let facts = rows.get_mut("installation").unwrap();
    facts.retain(|row| row[0] != Datum::Text("restoring".to_owned()));
    rows
}

async fn set_lane(storage: &Storage, lane: i64, seq: i64) {
    write(storage, move |tx| {
        Box::pin(backup::advance_lane(tx, lane, seq))
    })
    .await;
}

/// From one engine to the other.
async fn moves(from: &Database, to: &Database) {
    let (vault, other_vault) = (Database::sqlite(), Database::sqlite());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("backup");
    let source = backups(from, &vault).await;
    let keys = open_vault(&source).await;
    let (_, key) = keys.current(Bucket::new(7)).await.unwrap();
    fill(&source.main).await;
    write(&source.main, |tx| {
        Box::pin(async move {
            tx.execute(
                "INSERT INTO installation (name, value) VALUES ('issuer', $1)",
                values![ISSUER],
            )
            .await
        })
    })
    .await;
    set_lane(&source.main, 3, 77).await;
    let saved = source.save(&path).await.unwrap();
    assert_eq!(saved.bucket_keys, 1);

    let target = backups(to, &other_vault).await;
    let loaded = load(&target, &path).await.unwrap();
    assert_eq!(loaded.rows, saved.rows);
    assert_eq!(loaded.key_store, KeyStore::Restored);
    let manifest = Verified::read(&path, &target.master, ISSUER).unwrap();
    assert_eq!(manifest.manifest().lanes[3], 77);
    assert_eq!(manifest.bucket_keys().unwrap().len(), 1);
    assert!(is_half_restored(&target.main).await);
    assert!(!is_half_restored(&source.main).await);
    let (before, after) = (contents(&source.main).await, contents(&target.main).await);
    assert_eq!(without_marks(after), before);
    let sealed = key.seal("test", b"profile", &SystemEntropy).unwrap();
    let restored = open_vault(&target).await;
    assert_eq!(restored.id(), keys.id());
    let key = restored.key(Bucket::new(7), 1).await.unwrap();
    assert_eq!(*key.open("test", &sealed).unwrap(), b"profile");
    // Half restored is not empty, and not restored either.
    let again = load(&target, &path).await.unwrap_err();
    assert!(matches!(again, BackupError::HalfRestored), "{again}");
    write(&target.main, |tx| Box::pin(backup::end_restoring(tx))).await;
    assert!(!is_half_restored(&target.main).await);
    let full = load(&target, &path).await.unwrap_err();
    assert!(matches!(full, BackupError::DatabaseInUse(_)), "{full}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_of_one_engine_is_restored_to_the_other_and_to_itself() {
    moves(&Database::sqlite(), &Database::sqlite()).await;
    for to_postgres in [true, false] {
        let Some(postgres) = Database::postgres().await else {
            return;
        };
        if to_postgres {
            moves(&Database::sqlite(), &postgres).await;
        } else {
            moves(&postgres, &Database::sqlite()).await;
        }
    }
    if let (Some(one), Some(other)) = (Database::postgres().await, Database::postgres().await) {
        moves(&one, &other).await;
    }
}

on_both! {
    async fn every_table_and_column_is_described(database: &Database) {
        let storage = database.storage(&MAIN).await;
        assert_eq!(schema(database, &storage).await, described(backup::MAIN));
        let told = backup::MAIN.iter().flat_map(|table| {
            table.key.iter().map(|column| (table.name.to_owned(), (*column).to_owned()))
        });
        assert_eq!(keys(database, &storage).await, told.collect());
    }

    async fn every_table_of_the_key_store_is_described(database: &Database) {
        let storage = database.storage(&VAULT).await;
        assert_eq!(schema(database, &storage).await, described(backup::VAULT));
    }

    async fn a_snapshot_sees_one_moment_and_holds_nobody_up(database: &Database) {
        let storage = database.storage(&MAIN).await;
        let mut snapshot = storage.snapshot().await.unwrap();
        set_lane(&storage, 5, 1).await;
        assert_eq!(changes::lanes(&mut snapshot).await.unwrap()[5].seq, 0);
        set_lane(&storage, 6, 1).await;
        assert_eq!(changes::lanes(&mut snapshot).await.unwrap()[6].seq, 0);
        drop(snapshot);
        let mut snapshot = storage.snapshot().await.unwrap();
        assert_eq!(changes::lanes(&mut snapshot).await.unwrap()[6].seq, 1);
        assert_eq!(storage.schema().await.unwrap(), MAIN.newest());
    }

    async fn marks_and_facts(database: &Database) {
        let storage = database.storage(&MAIN).await;
        assert!(write(&storage, |tx| Box::pin(backup::begin_restoring(tx, "one"))).await);
        assert!(!write(&storage, |tx| Box::pin(backup::begin_restoring(tx, "one"))).await);
        let mut reader = storage.reader().await.unwrap();
        assert_eq!(backup::restoring(&mut reader).await.unwrap().as_deref(), Some("one"));
        write(&storage, |tx| Box::pin(backup::note_restoring(tx, "two"))).await;
        assert_eq!(backup::restoring(&mut reader).await.unwrap().as_deref(), Some("two"));
        assert!(backup::fact(&mut reader, "issuer").await.unwrap().is_none());
        for table in backup::MAIN {
            let is_filled = ["installation", "change_lanes"].contains(&table.name);
            assert_eq!(backup::is_empty(&mut reader, table).await.unwrap(), !is_filled);
        }
    }

    async fn a_changed_backup_is_refused_and_writes_nothing(database: &Database) {
        let (vault, other, other_vault) = (Database::sqlite(), Database::sqlite(), Database::sqlite());
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("backup");
        let source = backups(database, &vault).await;
        open_vault(&source).await.current(Bucket::new(7)).await.unwrap();
        fill(&source.main).await;
        source.save(&path).await.unwrap();
        let target = backups(&other, &other_vault).await;

        let files = ["manifest.json", "accounts.ndjson", "vault/manifest.json", "vault/bucket_keys.ndjson"];
        for file in files {
            let file = path.join(file);
            let good = fs::read_to_string(&file).unwrap();
            let last = good.rfind(|letter: char| letter.is_ascii_lowercase()).unwrap();
            let mut flipped = good.clone();
            flipped.replace_range(last..=last, if &good[last..=last] == "x" { "y" } else { "x" });
            let longer = format!("{good}{good}");
            let shorter = good[..good.len() / 2].to_owned();
            for bad in [flipped, longer, shorter, String::new()] {
                fs::write(&file, bad).unwrap();
                let refused = load(&target, &path).await.unwrap_err();
                assert!(matches!(refused, BackupError::Damaged { .. }), "{refused}");
                nothing_written(&target).await;
            }
            fs::remove_file(&file).unwrap();
            load(&target, &path).await.unwrap_err();
            fs::write(&file, good).unwrap();
        }
        other_installations(&path, &target).await;
        let manifest = fs::read_to_string(path.join("manifest.json")).unwrap();
        let newer = manifest.replace("\"format\": 1", "\"format\": 2");
        fs::write(path.join("manifest.json"), newer).unwrap();
        let refused = load(&target, &path).await.unwrap_err();
        assert!(matches!(refused, BackupError::NewerFormat(_)), "{refused}");
        fs::remove_file(path.join("manifest.json")).unwrap();
        let refused = load(&target, &path).await.unwrap_err();
        assert!(matches!(refused, BackupError::Unfinished(_)), "{refused}");
        fs::write(path.join("manifest.json"), manifest).unwrap();
        fs::remove_dir_all(path.join("vault")).unwrap();
        let refused = load(&target, &path).await.unwrap_err();
        assert!(matches!(refused, BackupError::NoVault(_)), "{refused}");
        nothing_written(&target).await;
    }

    async fn a_backup_is_its_owners_alone_and_takes_no_folder_in_use(database: &Database) {
        let vault = Database::sqlite();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("backup");
        let source = backups(database, &vault).await;
        source.save(&path).await.unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        for folder in [path.clone(), path.join("vault")] {
            assert_eq!(mode(&folder), 0o700);
            for entry in fs::read_dir(&folder).unwrap() {
                let entry = entry.unwrap().path();
                assert!(entry.is_dir() || mode(&entry) == 0o600, "{}", entry.display());
            }
        }
        let refused = source.save(&path).await.unwrap_err();
        assert!(matches!(refused, BackupError::FolderInUse(_)), "{refused}");
    }
}

async fn nothing_written(target: &Backups) {
    assert!(!is_half_restored(&target.main).await);
    let rows = contents(&target.main).await;
    for (table, rows) in rows {
        assert!(rows.is_empty() || table == "change_lanes", "{table}");
    }
}

/// Of another master key, another issuer and another key store nothing is taken.
async fn other_installations(path: &Path, target: &Backups) {
    let other = Backups {
        master: master("cd"),
        ..target.clone()
    };
    let refused = load(&other, path).await.unwrap_err();
    assert!(
        matches!(refused, BackupError::OtherMasterKey { .. }),
        "{refused}"
    );
    let other = Backups {
        issuer: "https://other.example".to_owned(),
        ..target.clone()
    };
    let refused = load(&other, path).await.unwrap_err();
    assert!(
        matches!(refused, BackupError::OtherIssuer { .. }),
        "{refused}"
    );
    let vault = Database::sqlite();
    let other = Backups {
        vault: vault.storage(&VAULT).await,
        ..target.clone()
    };
    open_vault(&other).await;
    let refused = load(&other, path).await.unwrap_err();
    assert!(matches!(refused, BackupError::OtherVault), "{refused}");
    nothing_written(target).await;
}
