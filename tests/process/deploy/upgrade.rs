//! `docs/operations/upgrade.md`, on two nodes that stand. The release before is this one, and its database
//! is this one's without the last migration.

use std::fs;

use serde_json::Value;

use super::document::Document;
use super::fabric::Fabric;
use super::machine::Machine;
use super::recipe::Entrance;
use super::root;

pub(super) async fn as_it_is_written(fabric: &Fabric, entrance: &Entrance) {
    let document = Document::read("docs/operations/upgrade.md");
    let [one, two] = &fabric.nodes;
    let last = Last::migration();

    // Nothing to migrate: one node after the other.
    a_backup_lies_apart_from_its_keys(one, &document).await;
    let new = document.commands("1. Before", 1);
    for node in [one, two] {
        node.run(&new).await;
    }
    let check = document.commands("1. Before", 2);
    let plan = plan(&one.run(&check).await);
    let example = document.block("1. Before", "json", 0);
    let example: Value = serde_json::from_str(&example).unwrap();
    for part in ["database", "key_store"] {
        let members = |plan: &Value| {
            plan[part]
                .as_object()
                .unwrap()
                .keys()
                .cloned()
                .collect::<Vec<_>>()
        };
        assert_eq!(members(&plan), members(&example), "{plan}");
        assert_eq!(plan[part]["found"], plan[part]["wanted"], "{plan}");
        assert_eq!(plan[part]["stop_servers_first"], false, "{plan}");
    }
    one.run(&document.commands("2. One node", 0)).await;
    for node in [one, two] {
        node.run(&document.commands("2. One node", 1)).await;
    }
    entrance.login().await;

    // Something to migrate, all at once.
    for node in [one, two] {
        node.run(&new).await;
        node.run(&document.commands("3. All at once", 0)).await;
    }
    let ask = format!("curl --silent --include {}/login", fabric.issuer());
    let nobody = fabric.proxy.tries(&ask);
    let nobody = nobody.await.stdout.to_lowercase();
    assert!(
        nobody.contains(" 503 ") && nobody.contains("retry-after: 2"),
        "{nobody}"
    );
    psql(one, &last.undone).await;
    let before = plan_of(one, &check.replace("tongxing.new", "tongxing")).await;
    assert_eq!(before["database"]["wanted"], last.number, "{before}");
    assert_eq!(before["database"]["found"], last.number - 1, "{before}");
    let refused = one
        .tries("tongxing keys list --config /etc/tongxing/tongxing.toml")
        .await;
    let line = refused.failed_with_one_line();
    let wanted = format!(
        "the database has schema {}, this binary needs {}",
        last.number - 1,
        last.number
    );
    assert!(
        line.contains(&wanted) && line.contains("`tongxing migrate`"),
        "{line}"
    );
    one.run(&document.commands("3. All at once", 1)).await;
    for node in [one, two] {
        node.run(&document.commands("3. All at once", 2)).await;
    }
    entrance.login().await;
    let after = one.run(&document.commands("4. After", 0)).await;
    assert!(after.contains("\"ok\": true"), "{after}");

    the_way_back(one, &document, &last).await;
    document.was_run();
}

/// Before anything else is done.
async fn a_backup_lies_apart_from_its_keys(node: &Machine, document: &Document) {
    node.run(&document.commands("1. Before", 0)).await;
    assert!(node.path("/elsewhere/before/manifest.json").exists());
    let rest = node.path("/var/backups/tongxing/before");
    assert!(rest.join("manifest.json").exists() && !rest.join("vault").exists());
}

/// What a later release would leave behind.
async fn the_way_back(node: &Machine, document: &Document, last: &Last) {
    let ask = document.commands("Going back", 0);
    node.run(&ask).await;
    let next = last.number + 1;
    let newer = |admits: i64| {
        format!(
            "INSERT INTO schema_migrations (number, file, checksum, schema_name, oldest_admitted) \
             VALUES ({next}, 'later', '', 'main', {admits})"
        )
    };
    psql(node, &newer(last.number)).await;
    let admitted = plan_of(node, &ask).await;
    assert_eq!(admitted["database"]["found"], next, "{admitted}");
    let forget = format!("DELETE FROM schema_migrations WHERE number = {next}");
    psql(node, &forget).await;
    psql(node, &newer(next)).await;
    let refused = node.tries(&ask).await;
    let line = refused.failed_with_one_line();
    let known = last.number;
    let wanted = format!(
        "this binary knows schema {known}, the database has {next}, which admits binaries from {next}"
    );
    assert!(line.contains(&wanted), "{line}");
    let ready = node
        .tries("curl --silent http://127.0.0.1:9090/readyz")
        .await;
    assert!(ready.stdout.contains(&wanted), "{ready:?}");
    psql(node, &forget).await;
}

fn plan(printed: &str) -> Value {
    serde_json::from_str(printed).unwrap_or_else(|error| panic!("{error}: {printed}"))
}

async fn plan_of(node: &Machine, commands: &str) -> Value {
    plan(&node.run(commands).await)
}

/// Statements in the main database.
async fn psql(node: &Machine, sql: &str) {
    let url = fs::read_to_string(node.path("/etc/tongxing/database.url")).unwrap();
    let url = url.trim();
    node.run(&format!(
        "psql --quiet --set ON_ERROR_STOP=1 --dbname '{url}' --command \"{sql}\""
    ))
    .await;
}

/// The last migration of the main database.
struct Last {
    number: i64,
    /// What undoes it.
    undone: String,
}

impl Last {
    fn migration() -> Self {
        let files = fs::read_dir(root().join("migrations")).unwrap();
        let mut files: Vec<_> = files
            .map(|file| file.unwrap().path())
            .filter(|path| path.is_file())
            .collect();
        files.sort();
        let last = files.last().unwrap();
        let name = last.file_name().unwrap().to_str().unwrap();
        let number: i64 = name[..4].parse().unwrap();
        let text = fs::read_to_string(last).unwrap();
        let text: String = text
            .lines()
            .filter(|line| !line.starts_with("--"))
            .collect::<Vec<_>>()
            .join("\n");
        let undo = |statement: &str| {
            let words: Vec<&str> = statement.split_whitespace().collect();
            match &words[..] {
                ["CREATE", "TABLE", name, ..] => format!("DROP TABLE {name}; "),
                // With its table, or alone.
                ["CREATE", "INDEX", name, ..] | ["CREATE", "UNIQUE", "INDEX", name, ..] => {
                    format!("DROP INDEX IF EXISTS {name}; ")
                }
                ["ALTER", "TABLE", table, "ADD", "COLUMN", column, ..] => {
                    format!("ALTER TABLE {table} DROP COLUMN {column}; ")
                }
                [] => String::new(),
                _ => panic!("{name}: say here how it is undone: {statement}"),
            }
        };
        let undone: String = text.split(';').rev().map(undo).collect();
        let undone = format!("{undone}DELETE FROM schema_migrations WHERE number = {number}");
        Self { number, undone }
    }
}
