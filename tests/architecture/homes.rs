//! What may be named where: each engine has one home, the lowest layers are pure, SQL stands in
//! `storage` and the environment is read by `cli`.

use crate::source::{Source, Token, assert_found, assert_none, program};

/// A library, and the only layers that may name it.
struct Home {
    library: &'static str,
    layers: &'static [&'static str],
}

const HOMES: &[Home] = &[
    Home {
        library: "axum",
        layers: &["http", "authority", "demo"],
    },
    Home {
        library: "http",
        layers: &["http", "authority", "demo", "outbound", "cli"],
    },
    Home {
        library: "hyper",
        layers: &["http", "authority", "demo", "outbound", "cli"],
    },
    Home {
        library: "sqlx",
        layers: &["storage"],
    },
    Home {
        library: "redis",
        layers: &["storage"],
    },
    Home {
        library: "rusqlite",
        layers: &["storage"],
    },
    Home {
        library: "reqwest",
        layers: &["outbound", "demo"],
    },
    Home {
        library: "openidconnect",
        layers: &["demo"],
    },
    Home {
        library: "minijinja",
        layers: &["views"],
    },
    Home {
        library: "fluent_bundle",
        layers: &["views"],
    },
    Home {
        library: "argon2",
        layers: &["crypto"],
    },
    Home {
        library: "clap",
        layers: &["cli"],
    },
];

const PURE: &[&str] = &["protocol", "domain"];

/// Words that no pure function needs.
const IMPURE: &[&str] = &[
    "async",
    "await",
    "axum",
    "hyper",
    "sqlx",
    "rusqlite",
    "tokio",
    "reqwest",
    "tracing",
    "SystemTime",
    "Utc",
    "fs",
    "thread",
    "TcpStream",
    "TcpListener",
    "UdpSocket",
    "ToSocketAddrs",
    "rand",
    "getrandom",
    "OsRng",
    "SystemRandom",
];

/// The clock's one implementation reads the wall clock where the trait is.
const IMPURE_ALLOWED: &[(&str, &str)] = &[("src/domain/clock.rs", "SystemTime")];

/// How a statement begins.
const STATEMENTS: &[&str] = &[
    "SELECT ",
    "INSERT INTO ",
    "UPDATE ",
    "DELETE FROM ",
    "CREATE TABLE ",
    "CREATE INDEX ",
    "CREATE UNIQUE INDEX ",
    "ALTER TABLE ",
    "DROP TABLE ",
    "BEGIN IMMEDIATE",
    "SAVEPOINT ",
    "PRAGMA ",
    "WITH RECURSIVE ",
];

const ENVIRONMENT: &[&str] = &[
    "var", "vars", "var_os", "vars_os", "args", "args_os", "set_var",
];

fn text(tokens: &[Token], at: Option<usize>) -> &str {
    at.and_then(|at| tokens.get(at))
        .map_or("", |token| token.text.as_str())
}

/// Whether the token names a library: the root of a path, or a whole import.
fn is_path_root(tokens: &[Token], at: usize) -> bool {
    let before = text(tokens, at.checked_sub(1));
    let leading = before == "::" && {
        let root = text(tokens, at.checked_sub(2));
        root.is_empty() || !root.starts_with(|c: char| c.is_alphanumeric() || c == '_')
    };
    let after = text(tokens, Some(at + 1));
    (before != "::" || leading) && (after == "::" || (before == "use" && after == ";"))
}

fn strays(sources: &[Source]) -> Vec<String> {
    let mut faults = Vec::new();
    for source in sources {
        let Some(layer) = source.layer() else {
            continue;
        };
        for (at, token) in source.tokens.iter().enumerate() {
            let stray = HOMES.iter().find(|home| {
                home.library == token.text
                    && !home.layers.contains(&layer)
                    && is_path_root(&source.tokens, at)
            });
            if let Some(home) = stray {
                let what = format!("`{}` belongs to {:?} only", home.library, home.layers);
                faults.push(source.fault(token.line, &what));
            }
        }
    }
    faults
}

fn impurities(sources: &[Source]) -> Vec<String> {
    let mut faults = Vec::new();
    for source in sources {
        let Some(layer) = source.layer().filter(|layer| PURE.contains(layer)) else {
            continue;
        };
        for token in &source.tokens {
            let word = token.text.as_str();
            if IMPURE.contains(&word) && !IMPURE_ALLOWED.contains(&(source.path.as_str(), word)) {
                let what = format!("`{layer}` is pure: no `{word}`; take what it gives as a value");
                faults.push(source.fault(token.line, &what));
            }
        }
    }
    faults
}

fn is_statement(literal: &str) -> bool {
    let text = literal.trim_start_matches(['b', 'c', 'r', '#', '"']);
    let text = text
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
        .to_ascii_uppercase();
    let begins = STATEMENTS.iter().find(|start| text.starts_with(**start));
    match begins.copied() {
        Some("SELECT ") => text.contains(" FROM ") || text.starts_with("SELECT 1"),
        Some("UPDATE ") => text.contains(" SET "),
        other => other.is_some(),
    }
}

fn statements_abroad(sources: &[Source]) -> Vec<String> {
    sources
        .iter()
        .filter(|source| source.layer() != Some("storage"))
        .flat_map(|source| {
            source
                .literals
                .iter()
                .filter(|literal| is_statement(&literal.text))
                .map(|literal| {
                    source.fault(
                        literal.line,
                        "SQL stands under src/storage only: add a query there",
                    )
                })
        })
        .collect()
}

fn readers_of_the_environment(sources: &[Source]) -> Vec<String> {
    let mut faults = Vec::new();
    for source in sources {
        // `main` hands arguments and environment to `cli` and does nothing else.
        if matches!(source.layer(), Some("cli" | "main")) {
            continue;
        }
        let tokens = &source.tokens;
        for (at, token) in tokens
            .iter()
            .enumerate()
            .filter(|(_, token)| token.text == "env")
        {
            let from_std = text(tokens, at.checked_sub(2)) == "std";
            let called = text(tokens, Some(at + 1)) == "::"
                && ENVIRONMENT.contains(&text(tokens, Some(at + 2)));
            if from_std || called {
                let what = "only `cli` reads the environment: make it a setting";
                faults.push(source.fault(token.line, what));
            }
        }
    }
    faults
}

#[test]
fn each_library_stays_in_its_layer() {
    assert_none(&strays(&program()));
}

#[test]
fn a_library_abroad_is_found() {
    for (path, code) in [
        ("src/provider/token.rs", "use axum::http::StatusCode;"),
        (
            "src/accounts/login.rs",
            "fn f() -> ::http::HeaderMap { g() }",
        ),
        ("src/ledger/audit.rs", "sqlx::query(x);"),
        ("src/crypto/keys.rs", "use rusqlite;"),
        ("src/http/pages.rs", "use minijinja::Environment;"),
    ] {
        assert_found(&strays(&[Source::new(path, code)]), "belongs to");
    }
    let own = Source::new(
        "src/jobs.rs",
        "fn f(http: u8) { let axum = http; crate::http::x() }",
    );
    assert_none(&strays(&[own]));
}

#[test]
fn protocol_and_domain_are_pure() {
    assert_none(&impurities(&program()));
}

#[test]
fn an_impure_word_is_found() {
    let async_parser = Source::new(
        "src/protocol/scope.rs",
        "// async is fine here\nasync fn f() {}",
    );
    assert_found(&impurities(&[async_parser]), "src/protocol/scope.rs:2");
    let wall_clock = Source::new("src/domain/session.rs", "let now = SystemTime::now();");
    assert_found(&impurities(&[wall_clock]), "no `SystemTime`");
}

#[test]
fn sql_stands_in_storage() {
    assert_none(&statements_abroad(&program()));
}

#[test]
fn a_statement_abroad_is_found() {
    for literal in [
        "r#\"\n  select id\n from accounts\"#",
        "\"INSERT INTO audit VALUES ($1)\"",
        "\"UPDATE change_lanes SET seq = seq + 1\"",
    ] {
        let source = Source::new("src/ledger/audit.rs", &format!("let q = {literal};"));
        assert_found(
            &statements_abroad(&[source]),
            "SQL stands under src/storage",
        );
    }
    let prose = "let a = \"Select a language\"; let b = \"update the client\";";
    assert_none(&statements_abroad(&[Source::new(
        "src/views/login.rs",
        prose,
    )]));
    let at_home = "let q = \"SELECT id FROM accounts\";";
    assert_none(&statements_abroad(&[Source::new(
        "src/storage/accounts.rs",
        at_home,
    )]));
}

#[test]
fn only_cli_reads_the_environment() {
    assert_none(&readers_of_the_environment(&program()));
}

#[test]
fn a_reader_of_the_environment_is_found() {
    for code in [
        "let a = std::env::var(\"A\");",
        "use std::{env, io};\nlet b = env::args();",
    ] {
        let source = Source::new("src/http/serve.rs", code);
        assert_found(&readers_of_the_environment(&[source]), "only `cli`");
    }
    let built_in = Source::new(
        "src/views/page.rs",
        "let env = env!(\"CARGO_PKG_NAME\"); env.x();",
    );
    assert_none(&readers_of_the_environment(&[built_in]));
}
