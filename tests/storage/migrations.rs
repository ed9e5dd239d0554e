//! Migrations apply once, whoever applies them, and versions that do not fit are refused.

use tongxing::storage::Storage;
use tongxing::storage::database::{Migration, Migrations, OpenError, Options};
use tongxing::storage::migrations::{MAIN, VAULT};

use crate::harness::{Database, on_both, race};

const FIRST: Migration = Migration::new(
    "0001_people",
    "CREATE TABLE people (id TEXT PRIMARY KEY, name TEXT NOT NULL);\n\
     CREATE TABLE notes (person_id TEXT NOT NULL REFERENCES people (id), note TEXT);",
);
const SECOND: Migration = Migration::new(
    "0002_age",
    "ALTER TABLE people ADD COLUMN age BIGINT;\nINSERT INTO people (id, name) VALUES ('a', 'x;y');",
);
const THIRD: Migration = Migration::new(
    "0003_index",
    "-- online\nCREATE INDEX people_name ON people (name) WHERE age > 3;\n\
     CREATE UNIQUE INDEX people_age ON people (age);",
);

static OLD: Migrations = Migrations::new("main", 1, &[FIRST]);
static NEW: Migrations = Migrations::new("main", 2, &[FIRST, SECOND, THIRD]);
static MIDDLE: Migrations = Migrations::new("main", 1, &[FIRST, SECOND]);
static OTHER: Migrations = Migrations::new("vault", 1, &[FIRST]);
static CHANGED: Migrations = Migrations::new(
    "main",
    1,
    &[Migration::new(
        "0001_people",
        "CREATE TABLE people (id TEXT);",
    )],
);
static FAILING: Migrations = Migrations::new(
    "main",
    1,
    &[
        FIRST,
        Migration::new(
            "0002_failing",
            "CREATE TABLE half (id TEXT);\nALTER TABLE absent ADD COLUMN b TEXT;",
        ),
    ],
);

async fn open(database: &Database, migrations: &'static Migrations) -> Storage {
    Storage::open(&database.url, migrations, Options::default())
        .await
        .unwrap()
}

async fn people(storage: &Storage) -> usize {
    let mut reader = storage.reader().await.unwrap();
    let rows = reader
        .fetch_all("SELECT id, name, age FROM people", &[])
        .await;
    rows.unwrap().len()
}

on_both! {
    async fn migrating_twice_is_harmless(database: &Database) {
        let storage = open(database, &NEW).await;
        storage.migrate().await.unwrap();
        storage.migrate().await.unwrap();
        storage.check_schema().await.unwrap();
        assert_eq!(people(&storage).await, 1);
    }

    async fn migrating_step_by_step_is_the_same(database: &Database) {
        open(database, &OLD).await.migrate().await.unwrap();
        open(database, &MIDDLE).await.migrate().await.unwrap();
        let storage = open(database, &NEW).await;
        storage.migrate().await.unwrap();
        assert_eq!(people(&storage).await, 1);
    }

    async fn migrators_at_once_apply_each_step_once(database: &Database) {
        let url = database.url.clone();
        let results = race(6, |_| {
            let url = url.clone();
            async move {
                let storage = Storage::open(&url, &NEW, Options::default()).await.unwrap();
                storage.migrate().await.map_err(|error| error.to_string())
            }
        })
        .await;
        assert_eq!(results, vec![Ok(()); 6]);
        assert_eq!(people(&open(database, &NEW).await).await, 1);
    }

    async fn an_old_schema_says_what_to_do(database: &Database) {
        let storage = open(database, &NEW).await;
        let missing = storage.check_schema().await.unwrap_err();
        assert_eq!(
            missing.to_string(),
            "the database has schema 0, this binary needs 3: run `tongxing migrate`"
        );
        open(database, &OLD).await.migrate().await.unwrap();
        let older = storage.check_schema().await.unwrap_err();
        assert!(matches!(older, OpenError::OlderSchema { known: 3, found: 1 }));
    }

    async fn a_server_migrates_sqlite_and_only_checks_postgresql(database: &Database) {
        let prepared = open(database, &NEW).await.prepare_schema().await;
        match database.postgres_url() {
            None => prepared.unwrap(),
            Some(_) => assert!(matches!(prepared, Err(OpenError::OlderSchema { .. }))),
        }
    }

    async fn a_newer_schema_is_refused_unless_it_admits_us(database: &Database) {
        open(database, &NEW).await.migrate().await.unwrap();
        let admitted = open(database, &MIDDLE).await;
        admitted.check_schema().await.unwrap();
        admitted.migrate().await.unwrap();
        let refused = open(database, &OLD).await;
        let expected = "this binary knows schema 1, the database has 3, which admits binaries from 2";
        assert_eq!(refused.check_schema().await.unwrap_err().to_string(), expected);
        assert_eq!(refused.migrate().await.unwrap_err().to_string(), expected);
    }

    async fn another_database_and_a_changed_file_are_refused(database: &Database) {
        open(database, &OLD).await.migrate().await.unwrap();
        let other = open(database, &OTHER).await.check_schema().await;
        assert!(matches!(other, Err(OpenError::OtherSchema { .. })));
        let changed = open(database, &CHANGED).await.migrate().await;
        assert!(matches!(changed, Err(OpenError::Changed { file: "0001_people" })));
    }

    async fn a_failed_migration_leaves_nothing(database: &Database) {
        let storage = open(database, &FAILING).await;
        let failed = storage.migrate().await.unwrap_err();
        assert!(
            matches!(failed, OpenError::Migration { file: "0002_failing", .. }),
            "{failed}"
        );
        let mut reader = storage.reader().await.unwrap();
        assert!(reader.fetch_all("SELECT id FROM half", &[]).await.is_err());
        open(database, &NEW).await.migrate().await.unwrap();
    }

    async fn the_schemas_of_this_release_apply(database: &Database) {
        let storage = open(database, &MAIN).await;
        storage.migrate().await.unwrap();
        storage.check_schema().await.unwrap();
    }

    async fn the_vault_of_this_release_applies(database: &Database) {
        let storage = open(database, &VAULT).await;
        storage.migrate().await.unwrap();
        storage.check_schema().await.unwrap();
    }
}
