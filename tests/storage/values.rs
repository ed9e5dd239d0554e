//! What goes in comes out, and nothing else.

use tongxing::domain::id::{AccountId, SessionId};
use tongxing::domain::instant::Instant;
use tongxing::storage::{Error, Storage};
use tongxing::values;

use crate::harness::{Database, THINGS, on_both};

async fn insert(
    storage: &Storage,
    id: String,
    owner: Option<String>,
    count: i64,
) -> Result<u64, Error> {
    storage
        .write((id, owner, count), |tx, (id, owner, count)| {
            Box::pin(async move {
                tx.execute(
                    "INSERT INTO things (id, owner, count, open) VALUES ($1, $2, $3, $4)",
                    values![id, owner.as_deref(), *count, true],
                )
                .await
            })
        })
        .await
}

on_both! {
    async fn every_kind_of_value_comes_back(database: &Database) {
        let storage = database.storage(&THINGS).await;
        let account = AccountId::from_u128(77);
        let at = Instant::from_millis(-5);
        let done: Result<u64, Error> = storage
            .write((account, at), |tx, &(account, at)| {
                Box::pin(async move {
                    // Placeholders out of order and repeated.
                    tx.execute(
                        "INSERT INTO things (count, owner, id, open) VALUES ($3, $2, $1, $4)",
                        values![account, None::<String>, at, Some(false)],
                    )
                    .await?;
                    tx.execute(
                        "INSERT INTO things (id, owner, count, open) VALUES ($1, $1, $2, $3)",
                        values!["通行 ' \" \\ \u{1}", u32::MAX, None::<bool>],
                    )
                    .await
                })
            })
            .await;
        assert_eq!(done.unwrap(), 1);
        let mut reader = storage.reader().await.unwrap();
        let rows = reader
            .fetch_all("SELECT id, owner, count, open FROM things ORDER BY count", &[])
            .await
            .unwrap();
        let (first, second) = (&rows[0], &rows[1]);
        assert_eq!(first.get::<AccountId>("id").unwrap(), account);
        assert_eq!(first.get::<Option<String>>("owner").unwrap(), None);
        assert_eq!(first.get::<Instant>("count").unwrap(), at);
        assert!(!first.get::<bool>("open").unwrap());
        assert_eq!(second.get::<String>("id").unwrap(), "通行 ' \" \\ \u{1}");
        assert_eq!(second.get::<Option<String>>("owner").unwrap().unwrap(), "通行 ' \" \\ \u{1}");
        assert_eq!(second.get::<i64>("count").unwrap(), i64::from(u32::MAX));
        assert_eq!(second.get::<u32>("count").unwrap(), u32::MAX);
        assert_eq!(second.get::<Option<bool>>("open").unwrap(), None);
    }

    async fn what_a_type_does_not_allow_is_corrupt(database: &Database) {
        let storage = database.storage(&THINGS).await;
        insert(&storage, AccountId::from_u128(1).to_string(), None, -1).await.unwrap();
        let mut reader = storage.reader().await.unwrap();
        let row = reader
            .fetch_optional("SELECT id, owner, count, open FROM things", &[])
            .await
            .unwrap()
            .unwrap();
        let corrupt = |error: Error, expected: &str| {
            let Error::Corrupt { table, column } = error else { panic!("{error}") };
            assert_eq!((table, column), ("things", expected));
        };
        corrupt(row.get::<SessionId>("id").unwrap_err(), "id");
        corrupt(row.get::<i64>("id").unwrap_err(), "id");
        corrupt(row.get::<String>("owner").unwrap_err(), "owner");
        corrupt(row.get::<u32>("count").unwrap_err(), "count");
        corrupt(row.get::<String>("count").unwrap_err(), "count");
        corrupt(row.get::<i64>("absent").unwrap_err(), "absent");
    }

    async fn nul_is_refused(database: &Database) {
        let storage = database.storage(&THINGS).await;
        let refused = insert(&storage, "a\0b".to_owned(), None, 1).await;
        assert!(matches!(refused, Err(Error::Refused(_))), "{refused:?}");
        let mut reader = storage.reader().await.unwrap();
        let refused = reader
            .fetch_all("SELECT id FROM things WHERE id = $1", values!["\0"])
            .await;
        assert!(matches!(refused, Err(Error::Refused(_))));
    }

    async fn text_is_ordered_by_its_bytes(database: &Database) {
        let storage = database.storage(&THINGS).await;
        for id in ["b", "\u{e9}", "B", "_", "a", "e\u{301}", "通"] {
            insert(&storage, id.to_owned(), None, 1).await.unwrap();
        }
        let mut reader = storage.reader().await.unwrap();
        let rows = reader.fetch_all("SELECT id FROM things ORDER BY id", &[]).await.unwrap();
        let ids: Vec<String> = rows.iter().map(|row| row.get("id").unwrap()).collect();
        assert_eq!(ids, ["B", "_", "a", "b", "e\u{301}", "\u{e9}", "通"]);
    }

    async fn the_number_of_values_must_fit(database: &Database) {
        let storage = database.storage(&THINGS).await;
        let mut reader = storage.reader().await.unwrap();
        let few = reader
            .fetch_all("SELECT id FROM things WHERE id = $1 AND owner = $2", values!["a"])
            .await;
        assert!(matches!(few, Err(Error::Refused(_))), "{:?}", few.err());
        let many = reader
            .fetch_all("SELECT id FROM things WHERE id = $1", values!["a", "b"])
            .await;
        // PostgreSQL overlooks it.
        if database.postgres_url().is_none() {
            assert!(matches!(many, Err(Error::Refused(_))), "{:?}", many.err());
        }
    }

    async fn a_reader_cannot_write(database: &Database) {
        let storage = database.storage(&THINGS).await;
        let mut reader = storage.reader().await.unwrap();
        let refused = reader
            .fetch_all("DELETE FROM things RETURNING id", &[])
            .await;
        assert!(refused.is_err());
    }

    async fn an_error_repeats_no_value(database: &Database) {
        let storage = database.storage(&THINGS).await;
        insert(&storage, "li-si".to_owned(), None, 1).await.unwrap();
        let twice = insert(&storage, "li-si".to_owned(), None, 1).await.unwrap_err();
        assert!(matches!(twice, Error::Refused(_)));
        assert!(!format!("{twice} {twice:?}").contains("li-si"), "{twice}");
    }
}
