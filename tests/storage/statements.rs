//! Every statement in the table modules can be prepared on both engines.
//!
//! A statement is a string literal that begins with its verb. One that is put together at run time
//! escapes this test, so do not put one together.

use std::fs;
use std::path::Path;

use sqlx::postgres::{PgDatabaseError, PgErrorPosition, PgTypeInfo};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection, SqlSafeStr as _};
use tongxing::storage::database::Migrations;
use tongxing::storage::migrations::{MAIN, VAULT};

use crate::coverage::table_files;
use crate::harness::Database;

/// The string literals of a Rust source, unescaped.
fn literals(source: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = source;
    while let Some(letter) = rest.chars().next() {
        let length = letter.len_utf8();
        if rest.starts_with("//") {
            rest = rest.split_once('\n').map_or("", |(_, rest)| rest);
        } else if rest.starts_with("r\"") || rest.starts_with("r#") {
            let hashes = rest[1..]
                .chars()
                .take_while(|&letter| letter == '#')
                .count();
            let open = 1 + hashes;
            let close = format!("\"{}", "#".repeat(hashes));
            match rest[open..]
                .strip_prefix('"')
                .and_then(|text| text.split_once(&close))
            {
                Some((text, after)) => {
                    found.push(text.to_owned());
                    rest = after;
                }
                None => rest = &rest[1..],
            }
        } else if rest.starts_with("'\"'") || rest.starts_with("'\\") {
            rest = &rest[3..];
        } else if letter == '"' {
            let (text, after) = literal(&rest[1..]);
            found.push(text);
            rest = after;
        } else {
            rest = &rest[length..];
        }
    }
    found
}

/// The literal that begins after a quotation mark, and what follows it.
fn literal(source: &str) -> (String, &str) {
    let mut text = String::new();
    let mut letters = source.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '"' => return (text, &source[at + 1..]),
            '\\' => match letters.next().map(|(_, escaped)| escaped) {
                Some('n') => text.push('\n'),
                Some('\n') => {
                    let mut ahead = letters.clone();
                    while ahead
                        .next()
                        .is_some_and(|(_, letter)| letter.is_whitespace())
                    {
                        letters.next();
                    }
                }
                Some(escaped) => text.push(escaped),
                None => break,
            },
            letter => text.push(letter),
        }
    }
    (text, "")
}

const VERBS: [&str; 5] = ["SELECT", "INSERT", "UPDATE", "DELETE", "WITH"];

fn statements(source: &str) -> Vec<String> {
    let source = source.split("#[cfg(test)]").next().unwrap();
    literals(source)
        .into_iter()
        .filter(|text| {
            let first = text.split_whitespace().next();
            first.is_some_and(|word| VERBS.contains(&word)) && text.trim().contains(' ')
        })
        .collect()
}

/// The statements of one schema with the files they stand in. The vault's files have its name.
fn statements_of(migrations: &'static Migrations) -> Vec<(String, String)> {
    let vault = std::ptr::eq(migrations, &raw const VAULT);
    let mut found = Vec::new();
    for path in table_files() {
        let name = path
            .strip_prefix(Path::new(env!("CARGO_MANIFEST_DIR")))
            .unwrap();
        let name = name.to_str().unwrap().to_owned();
        if name.contains("vault") == vault {
            for sql in statements(&fs::read_to_string(&path).unwrap()) {
                found.push((name.clone(), sql));
            }
        }
    }
    found
}

/// Parameters' types are known when a statement runs. Here they follow from what the server says
/// about those it cannot infer, such as `INSERT … SELECT $1`.
async fn prepare(connection: &mut PgConnection, sql: &str) -> Result<(), String> {
    let mut types = vec![unknown(); 64];
    let count = (1..=64)
        .take_while(|n| sql.contains(&format!("${n}")))
        .count();
    types.truncate(count);
    for _ in 0..=2 * count {
        let prepared = connection
            .prepare_with(AssertSqlSafe(sql).into_sql_str(), &types)
            .await;
        let Err(error) = prepared else { return Ok(()) };
        let said = error
            .as_database_error()
            .and_then(|error| error.try_downcast_ref::<PgDatabaseError>())
            .ok_or_else(|| error.to_string())?;
        let (parameter, kind) = hint(said, sql).ok_or_else(|| said.message().to_owned())?;
        let known = types
            .get_mut(parameter - 1)
            .ok_or_else(|| said.message().to_owned())?;
        if *known != unknown() {
            return Err(said.message().to_owned());
        }
        *known = kind;
    }
    Err("its parameters' types stay unknown".to_owned())
}

fn unknown() -> PgTypeInfo {
    PgTypeInfo::with_oid(sqlx::postgres::types::Oid(0))
}

fn text() -> PgTypeInfo {
    PgTypeInfo::with_name("TEXT")
}

/// Which parameter the server stumbled over, and what it should be.
fn hint(said: &PgDatabaseError, sql: &str) -> Option<(usize, PgTypeInfo)> {
    let message = said.message();
    if let Some(rest) = message.strip_prefix("could not determine data type of parameter $") {
        return Some((rest.parse().ok()?, text()));
    }
    let kind = ["bigint", "boolean", "text"]
        .into_iter()
        .find(|kind| message.contains(&format!("is of type {kind} but")))?;
    let PgErrorPosition::Original(position) = said.position()? else {
        return None;
    };
    let at: String = sql.chars().skip(position - 1).collect();
    let digits: String = at
        .strip_prefix('$')?
        .chars()
        .take_while(char::is_ascii_digit)
        .collect();
    let kind = match kind {
        "bigint" => PgTypeInfo::with_name("INT8"),
        "boolean" => PgTypeInfo::with_name("BOOL"),
        _ => text(),
    };
    Some((digits.parse().ok()?, kind))
}

async fn unprepared(database: &Database, migrations: &'static Migrations) -> Vec<String> {
    database.storage(migrations).await.close().await;
    let mut failed = Vec::new();
    let mut report = |(file, sql): (String, String), result: Result<(), String>| {
        if let Err(error) = result {
            failed.push(format!("{file}: {error}\n{sql}"));
        }
    };
    match database.postgres_url() {
        None => {
            let connection = rusqlite::Connection::open(database.url.file().unwrap()).unwrap();
            for (file, sql) in statements_of(migrations) {
                // The engine leaves the row lock out.
                let result = connection.prepare(&sql.replace("FOR SHARE OF s", ""));
                let result = result.map(drop);
                report((file, sql), result.map_err(|error| error.to_string()));
            }
        }
        Some(url) => {
            let mut connection = PgConnection::connect(url).await.unwrap();
            for (file, sql) in statements_of(migrations) {
                let result = prepare(&mut connection, &sql).await;
                report((file, sql), result);
            }
        }
    }
    failed
}

#[tokio::test]
async fn every_statement_prepares_on_sqlite() {
    for migrations in [&MAIN, &VAULT] {
        let failed = unprepared(&Database::sqlite(), migrations).await;
        assert!(failed.is_empty(), "{}", failed.join("\n\n"));
    }
}

#[tokio::test]
async fn every_statement_prepares_on_postgresql() {
    for migrations in [&MAIN, &VAULT] {
        if let Some(database) = Database::postgres().await {
            let failed = unprepared(&database, migrations).await;
            assert!(failed.is_empty(), "{}", failed.join("\n\n"));
        }
    }
}

/// What SQLite does for a statement, a step a line: `SCAN t`, `SEARCH t USING INDEX i (a=?)`.
fn plan(connection: &rusqlite::Connection, sql: &str) -> Vec<String> {
    let explain = format!("EXPLAIN QUERY PLAN {}", sql.replace("FOR SHARE OF s", ""));
    let mut statement = connection.prepare(&explain).unwrap();
    let null = rusqlite::types::Null;
    let nothing = vec![null; statement.parameter_count()];
    let steps = statement.query_map(rusqlite::params_from_iter(nothing), |row| row.get(3));
    steps.unwrap().collect::<Result<_, _>>().unwrap()
}

/// Tables that have few rows however many accounts there are, and parts of a statement with a limit
/// of their own.
const FEW: [&str; 11] = [
    "audit_writers",
    "change_lanes",
    "journal_chains",
    "journal_lanes",
    "keys",
    "CONSTANT",
    "first",
    "following",
    "made",
    "oldest",
    "wanted",
];

/// Whether a step reads as many rows as there are accounts, or all that one account ever authorized.
fn reads_all(step: &str) -> bool {
    let words: Vec<&str> = step.split(' ').collect();
    match words[..] {
        ["SCAN", what, ..] => !FEW.contains(&what),
        ["SEARCH", "authorizations" | "z", .., last] => last == "(account_id=?)",
        _ => false,
    }
}

/// Where it is meant: all of an account ends or goes, and whether there is any row is looked at.
const MEANT: [&str; 5] = [
    "UPDATE authorizations SET revoked_at",
    "DELETE FROM authorizations WHERE account_id",
    "DELETE FROM accounts",
    "DELETE FROM outbox WHERE account_id",
    "INSERT INTO installation",
];

#[tokio::test]
async fn no_statement_reads_all_there_is() {
    for migrations in [&MAIN, &VAULT] {
        let database = Database::sqlite();
        database.storage(migrations).await.close().await;
        let connection = rusqlite::Connection::open(database.url.file().unwrap()).unwrap();
        for (file, sql) in statements_of(migrations) {
            let said: Vec<&str> = sql.split_whitespace().collect();
            let said = said.join(" ");
            let meant = MEANT.iter().any(|start| said.starts_with(start));
            for step in plan(&connection, &sql) {
                assert!(meant || !reads_all(&step), "{file}: {step}\n{said}");
            }
        }
    }
}

#[tokio::test]
async fn types_of_parameters_are_found_out() {
    let Some(database) = Database::postgres().await else {
        return;
    };
    database.storage(&crate::harness::THINGS).await;
    let mut connection = PgConnection::connect(database.postgres_url().unwrap())
        .await
        .unwrap();
    for sql in [
        "INSERT INTO things (id, count, open) SELECT $1, $2, $3 WHERE EXISTS (SELECT 1 FROM things)",
        "SELECT id FROM things WHERE $1 IS NULL OR id = $2",
    ] {
        assert_eq!(prepare(&mut connection, sql).await, Ok(()), "{sql}");
    }
    for sql in ["SELECT absent FROM things", "SELECT id FROM things WHERE"] {
        assert!(prepare(&mut connection, sql).await.is_err(), "{sql}");
    }
}

#[test]
fn statements_are_found_in_source() {
    let source = r##"
        // "SELECT no FROM comment"
        const A: &str = "SELECT a FROM b \
                         WHERE c = $1";
        fn f<'a>(x: &'a str) -> char { '"' }
        tx.execute(r#"INSERT INTO "t" VALUES (1)"#, values!["UPDATE", "not one"]);
        let b = "UPDATE t SET a = \"b\"";
        #[cfg(test)]
        mod tests { const C: &str = "DELETE FROM t"; }
    "##;
    assert_eq!(
        statements(source),
        [
            "SELECT a FROM b WHERE c = $1",
            "INSERT INTO \"t\" VALUES (1)",
            "UPDATE t SET a = \"b\"",
        ]
    );
}
