//! The portable subset of SQL: three column types, no ambient time or randomness, nothing that
//! one engine has alone. The folder that dispatches to engines is apart.

use crate::source::{Source, assert_found, assert_none, program, read_tree};

const TYPES: &[&str] = &["TEXT", "BIGINT", "BOOLEAN"];

/// What begins an entry of a table that is no column.
const CONSTRAINTS: &[&str] = &["PRIMARY", "FOREIGN", "UNIQUE", "CHECK", "CONSTRAINT"];

const FORBIDDEN: &[&str] = &[
    "TIMESTAMP",
    "TIMESTAMPTZ",
    "SERIAL",
    "BIGSERIAL",
    "JSON",
    "JSONB",
    "UUID",
    "BYTEA",
    "BLOB",
    "AUTOINCREMENT",
    "CURRENT_TIMESTAMP",
    "CURRENT_DATE",
    "ILIKE",
    "TRIGGER",
    "SEQUENCE",
    "NEXTVAL",
    "ROWID",
    "STRFTIME",
    "JULIANDAY",
    "DATETIME",
];

const FORBIDDEN_CALLS: &[&str] = &["NOW", "RANDOM", "GEN_RANDOM_UUID", "RANDOMBLOB"];

/// Here the engines differ on purpose.
const ENGINES: &[&str] = &["src/storage/database", "src/storage/migrat"];

fn words(sql: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    for c in sql.chars() {
        if c.is_alphanumeric() || c == '_' {
            word.push(c.to_ascii_uppercase());
            continue;
        }
        if !word.is_empty() {
            words.push(std::mem::take(&mut word));
        }
        if !c.is_whitespace() {
            words.push(c.to_string());
        }
    }
    words.extend((!word.is_empty()).then_some(word));
    words
}

/// Comments and quoted text taken out.
fn bare(sql: &str) -> String {
    let mut bare = String::new();
    for line in sql.lines() {
        let code = line.split("--").next().unwrap_or_default();
        for (index, part) in code.split('\'').enumerate() {
            bare.push_str(if index % 2 == 0 { part } else { " " });
        }
        bare.push('\n');
    }
    bare
}

fn unportable_words(sql: &str) -> Vec<String> {
    let words = words(&bare(sql));
    let mut found: Vec<String> = words
        .iter()
        .filter(|word| FORBIDDEN.contains(&word.as_str()))
        .cloned()
        .collect();
    for pair in words.windows(2) {
        if FORBIDDEN_CALLS.contains(&pair[0].as_str()) && pair[1] == "(" {
            found.push(format!("{}()", pair[0]));
        }
    }
    found
}

/// `(column, type)` of every column made by the statements.
fn columns(sql: &str) -> Vec<(String, String)> {
    let words = words(&bare(sql));
    let mut columns = Vec::new();
    for (at, pair) in words.windows(2).enumerate() {
        if pair == ["CREATE", "TABLE"] {
            let Some(open) = words[at..].iter().position(|word| word == "(") else {
                continue;
            };
            columns.extend(table_columns(&words[at + open..]));
        }
        if pair == ["ADD", "COLUMN"] {
            let definition: Vec<&String> = words[at + 2..]
                .iter()
                .filter(|word| !["IF", "NOT", "EXISTS"].contains(&word.as_str()))
                .take(2)
                .collect();
            if let [name, kind] = definition[..] {
                columns.push((name.clone(), kind.clone()));
            }
        }
    }
    columns
}

fn table_columns(words: &[String]) -> Vec<(String, String)> {
    let mut columns = Vec::new();
    let mut depth = 0;
    for (at, word) in words.iter().enumerate() {
        match word.as_str() {
            "(" => depth += 1,
            ")" => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            break;
        }
        if depth == 1 && (word == "(" || word == ",") {
            let name = words.get(at + 1).cloned().unwrap_or_default();
            if !CONSTRAINTS.contains(&name.as_str()) {
                columns.push((name, words.get(at + 2).cloned().unwrap_or_default()));
            }
        }
    }
    columns
}

fn unportable_migrations(files: &[Source]) -> Vec<String> {
    let mut faults = Vec::new();
    for file in files {
        for (name, kind) in columns(&file.text) {
            if !TYPES.contains(&kind.as_str()) {
                let what =
                    format!("column {name} is {kind}: only {TYPES:?} mean the same everywhere");
                faults.push(format!("{}: {what}", file.path));
            }
        }
        for word in unportable_words(&file.text) {
            faults.push(format!(
                "{}: {word} is not in the portable subset",
                file.path
            ));
        }
    }
    faults
}

fn unportable_queries(sources: &[Source]) -> Vec<String> {
    let mut faults = Vec::new();
    for source in sources
        .iter()
        .filter(|source| source.layer() == Some("storage"))
    {
        if ENGINES.iter().any(|engine| source.path.starts_with(engine)) {
            continue;
        }
        for literal in &source.literals {
            for word in unportable_words(&literal.text) {
                let what = format!("{word} is not in the portable subset: bind a value instead");
                faults.push(source.fault(literal.line, &what));
            }
        }
    }
    faults
}

#[test]
fn migrations_use_three_types_and_no_ambient_values() {
    let files = read_tree("migrations", &["sql"]);
    assert!(!files.is_empty(), "no migrations were found");
    assert!(
        files.iter().any(|file| !columns(&file.text).is_empty()),
        "no columns were found"
    );
    assert_none(&unportable_migrations(&files));
}

#[test]
fn an_unportable_migration_is_found() {
    for (sql, expected) in [
        (
            "CREATE TABLE a (id TEXT PRIMARY KEY, n INTEGER NOT NULL)",
            "column N is INTEGER",
        ),
        (
            "CREATE TABLE a (id TEXT, CHECK (n > 1), at TIMESTAMP)",
            "column AT is TIMESTAMP",
        ),
        (
            "ALTER TABLE a ADD COLUMN b VARCHAR(10)",
            "column B is VARCHAR",
        ),
        ("CREATE TABLE a (id BIGINT DEFAULT now())", "NOW()"),
        ("CREATE TRIGGER t AFTER INSERT ON a", "TRIGGER"),
    ] {
        assert_found(
            &unportable_migrations(&[Source::new("migrations/1.sql", sql)]),
            expected,
        );
    }
    let good = "-- made now() by random()\nCREATE TABLE a (\n id TEXT NOT NULL, n BIGINT,\n \
                live BOOLEAN, CHECK (id IN ('json', 'uuid')), PRIMARY KEY (id, n));";
    assert_none(&unportable_migrations(&[Source::new(
        "migrations/1.sql",
        good,
    )]));
}

#[test]
fn queries_keep_to_the_portable_subset() {
    assert_none(&unportable_queries(&program()));
}

#[test]
fn an_unportable_query_is_found() {
    let code = "const Q: &str = \"SELECT id FROM a\n WHERE at < now()\";";
    let query = Source::new("src/storage/accounts.rs", code);
    assert_found(
        &unportable_queries(&[query]),
        "src/storage/accounts.rs:1: NOW()",
    );
    let engine = Source::new("src/storage/database/postgres.rs", code);
    assert_none(&unportable_queries(&[engine]));
}
