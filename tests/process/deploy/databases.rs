//! The main database and the key store's, as runbook and containers make them: each has a role and a
//! password of its own, which open nothing of the other's.

use std::fs;
use std::path::Path;

use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};
use url::Url;

use super::compose::made_secrets;
use crate::postgres::postgres_database;

/// Whoever has one of the URLs has nothing of the other's database.
pub(super) async fn are_apart(database: &Url, vault: &Url) {
    assert_ne!(database.password(), vault.password());
    for (own, other) in [(database, vault), (vault, database)] {
        let connection = PgConnection::connect(own.as_str()).await;
        connection.unwrap().close().await.unwrap();
        let mut there = own.clone();
        there.set_path(other.path());
        let refused = PgConnection::connect(there.as_str()).await;
        let error = refused.expect_err("it is let in").to_string();
        assert!(error.contains("permission denied for database"), "{error}");
    }
}

/// A file with a URL.
pub(super) fn url_in(file: &Path) -> Url {
    fs::read_to_string(file).unwrap().trim().parse().unwrap()
}

#[tokio::test]
async fn the_containers_databases_do_not_open_each_other() {
    let Some(postgres) = postgres_database().await else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    made_secrets(folder.path());
    let secrets = folder.path().join("secrets");
    // Names of its own, on a server that others use, too.
    let name = format!("compose_{}_tongxing", std::process::id());
    let statements = fs::read_to_string(secrets.join("databases.sql")).unwrap();
    let statements = statements.replace("tongxing", &name);
    let mut server = PgConnection::connect(&postgres.url).await.unwrap();
    for statement in statements.lines() {
        let statement = sqlx::raw_sql(AssertSqlSafe(statement.to_owned()));
        server.execute(statement).await.unwrap();
    }
    let here: Url = postgres.url.parse().unwrap();
    let [database, vault] = ["database.url", "vault.url"].map(|file| {
        let mut url = url_in(&secrets.join(file));
        let [role, path] = [url.username(), url.path()].map(|t| t.replace("tongxing", &name));
        url.set_username(&role).unwrap();
        url.set_path(&path);
        url.set_host(here.host_str()).unwrap();
        url.set_port(here.port()).unwrap();
        url
    });
    are_apart(&database, &vault).await;
    for url in [database, vault] {
        let name = url.username();
        for kind in ["DATABASE", "ROLE"] {
            let statement = format!("DROP {kind} {name}");
            let statement = sqlx::raw_sql(AssertSqlSafe(statement));
            server.execute(statement).await.unwrap();
        }
    }
}
