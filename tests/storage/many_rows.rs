//! Statements that run for many rows at once: the same comes of them as row by row, on both engines.

use std::collections::{BTreeSet, HashMap, HashSet};

use tongxing::domain::account::Account;
use tongxing::domain::check::{Check, CheckLabel, CheckMethod, CheckResult};
use tongxing::domain::id::{AccountId, Id};
use tongxing::domain::phone_holder::{ACCOUNTS_PER_PHONE, PhoneHolder};
use tongxing::ledger::{Event, EventKind, Ledger};
use tongxing::storage::account_index::{self, DocumentClaim, PhoneClaim};
use tongxing::storage::audit::EventRow;
use tongxing::storage::credentials::PasswordCredential;
use tongxing::storage::migrations::{MAIN, VAULT};
use tongxing::storage::vault::BucketKeyRow;
use tongxing::storage::{Error, Storage, Value};
use tongxing::storage::{accounts, audit, checks, credentials, key_buckets, vault};

use crate::accounts::{account, at, new_account, new_check, write};
use crate::harness::{Database, THINGS, on_both, race};
use crate::ledger::House;

/// Documents by number, each claimed by an account of so many more.
async fn claim(
    storage: &Storage,
    numbers: impl IntoIterator<Item = u128>,
    more: u128,
) -> BTreeSet<u128> {
    let numbers: Vec<u128> = numbers.into_iter().collect();
    let claimed = write(storage, move |tx| {
        let numbers = numbers.clone();
        Box::pin(async move {
            let keys: Vec<String> = numbers.iter().map(|n| format!("document {n:05}")).collect();
            let claims: Vec<DocumentClaim<'_>> = keys
                .iter()
                .zip(&numbers)
                .map(|(key, number)| DocumentClaim {
                    document_key: key,
                    index_version: 1,
                    account_id: account(number + more),
                })
                .collect();
            account_index::claim_documents(tx, &claims).await
        })
    })
    .await;
    claimed.into_iter().map(Id::to_u128).collect()
}

async fn held(storage: &Storage, numbers: impl IntoIterator<Item = u128>) -> HashSet<String> {
    let keys: Vec<String> = numbers
        .into_iter()
        .map(|number| format!("document {number:05}"))
        .collect();
    let mut reader = storage.reader().await.unwrap();
    let held = account_index::list_held(&mut reader, keys.iter().map(String::as_str)).await;
    held.unwrap()
}

async fn add_phones(storage: &Storage, phones: Vec<(&'static str, u128)>) -> BTreeSet<u128> {
    let added = write(storage, move |tx| {
        let phones = phones.clone();
        Box::pin(async move {
            let claims: Vec<PhoneClaim<'_>> = phones
                .iter()
                .map(|(phone_key, number)| PhoneClaim {
                    phone_key,
                    index_version: 1,
                    holder: PhoneHolder {
                        account_id: account(*number),
                        confirmed_at: Some(at(1)),
                        in_own_name: false,
                    },
                })
                .collect();
            account_index::add_phones(tx, &claims).await
        })
    })
    .await;
    added.into_iter().map(Id::to_u128).collect()
}

fn in_bucket(number: u128, key_bucket: u16, key_version: i64) -> Account {
    let mut account = new_account(number, key_version);
    account.sealed.key_bucket = key_bucket;
    account
}

on_both! {
    async fn a_statement_runs_for_any_number_of_rows(database: &Database) {
        let storage = database.storage(&THINGS).await;
        let mut total = 0;
        for count in [0, 1, 7, 8, 9, 64, 73, 200] {
            let rows: Vec<Vec<Value<'static>>> = (0..count)
                .map(|row| vec![format!("{count} {row}").into(), row.into(), (row % 2 == 0).into()])
                .collect();
            let inserted: Result<Vec<(String, i64)>, Error> = storage
                .write(rows, |tx, rows| {
                    Box::pin(async move {
                        let inserted = tx
                            .fetch_each(
                                "INSERT INTO things (id, count, open, owner) \
                                 VALUES ($1, $2, $3, 'nobody') \
                                 ON CONFLICT DO NOTHING RETURNING id, count",
                                rows,
                            )
                            .await?;
                        let pair = |row: &tongxing::storage::Row| {
                            Ok((row.get("id")?, row.get("count")?))
                        };
                        inserted.iter().map(pair).collect()
                    })
                })
                .await;
            let expected: Vec<(String, i64)> =
                (0..count).map(|row| (format!("{count} {row}"), row)).collect();
            assert_eq!(inserted.unwrap(), expected);
            total += count;
        }
        let mut reader = storage.reader().await.unwrap();
        let all = reader.fetch_all("SELECT id FROM things WHERE owner = 'nobody'", &[]).await;
        assert_eq!(all.unwrap().len(), usize::try_from(total).unwrap());
        let wanted: Vec<Vec<Value<'_>>> =
            ["200 199", "absent", "7 0"].map(|id| vec![id.into()]).to_vec();
        let found = reader
            .fetch_each(
                "WITH wanted (id) AS (VALUES ($1)) \
                 SELECT t.id FROM wanted JOIN things AS t ON t.id = wanted.id",
                &wanted,
            )
            .await;
        let found = found.unwrap();
        let found: BTreeSet<String> = found.iter().map(|row| row.get("id").unwrap()).collect();
        assert_eq!(found, BTreeSet::from(["200 199".to_owned(), "7 0".to_owned()]));
    }

    async fn one_row_that_cannot_be_refuses_all(database: &Database) {
        let storage = database.storage(&THINGS).await;
        for bad in ["0", "a\0b"] {
            let mut rows: Vec<Vec<Value<'static>>> =
                (0..20_i64).map(|row| vec![row.to_string().into()]).collect();
            rows.push(vec![bad.into()]);
            let refused: Result<(), Error> = storage
                .write(rows, |tx, rows| {
                    Box::pin(async move {
                        let sql = "INSERT INTO things (id, count) VALUES ($1, 1)";
                        tx.fetch_each(sql, rows).await.map(drop)
                    })
                })
                .await;
            assert!(matches!(refused, Err(Error::Refused(_))), "{refused:?}");
        }
        let mut reader = storage.reader().await.unwrap();
        let rows = reader.fetch_all("SELECT id FROM things", &[]).await.unwrap();
        assert!(rows.is_empty());
        // Values that are too few are not taken from the next row.
        let few: Vec<Vec<Value<'_>>> = (0..9_i64).map(|row| vec![row.into()]).collect();
        let sql = "WITH w (a, b) AS (VALUES (CAST($1 AS BIGINT), CAST($2 AS BIGINT))) SELECT a FROM w";
        assert!(matches!(reader.fetch_each(sql, &few).await, Err(Error::Refused(_))));
    }

    async fn of_many_documents_those_that_are_free_are_claimed(database: &Database) {
        let storage = database.storage(&MAIN).await;
        let third: BTreeSet<u128> = (0..150).filter(|number| number % 3 == 0).collect();
        assert_eq!(claim(&storage, third.clone(), 0).await, third);
        assert_eq!(held(&storage, 0..150).await.len(), 50);
        let others = claim(&storage, 0..150, 1_000).await;
        let expected: BTreeSet<u128> =
            (0..150).filter(|number| number % 3 != 0).map(|number| number + 1_000).collect();
        assert_eq!(others, expected);
        assert_eq!(held(&storage, 0..200).await.len(), 150);
        assert!(held(&storage, []).await.is_empty());
        let release = async |number: u128| {
            write(&storage, move |tx| {
                let (key, id) = ("document 00003", account(number));
                Box::pin(account_index::release_document(tx, key, id))
            })
            .await
        };
        assert!(!release(4).await, "it is another's");
        assert!(release(3).await && !release(3).await);
        assert_eq!(held(&storage, [3, 4]).await, HashSet::from(["document 00004".to_owned()]));
    }

    async fn many_who_claim_the_same_documents_at_once_share_them_out(database: &Database) {
        let storage = database.storage(&MAIN).await;
        let claimed = race(8, |number| {
            let storage = storage.clone();
            async move { claim(&storage, 0..300, 1_000 * number as u128).await }
        })
        .await;
        let documents: Vec<u128> = claimed.iter().flatten().map(|id| id % 1_000).collect();
        assert_eq!(documents.len(), 300);
        assert_eq!(documents.into_iter().collect::<BTreeSet<_>>(), (0..300).collect());
    }

    async fn a_phone_has_its_places_also_for_many_at_once(database: &Database) {
        let storage = database.storage(&MAIN).await;
        let mut phones: Vec<(&'static str, u128)> = (0..8).map(|number| ("a", number)).collect();
        phones.extend([("b", 100), ("b", 101), ("c", 102)]);
        let expected: BTreeSet<u128> = (0..5).chain([100, 101, 102]).collect();
        assert_eq!(add_phones(&storage, phones).await, expected);
        assert_eq!(add_phones(&storage, vec![("a", 200), ("c", 201)]).await, BTreeSet::from([201]));
        let mut reader = storage.reader().await.unwrap();
        let holders = account_index::list_holders(&mut reader, "a").await.unwrap();
        assert_eq!(holders.len(), ACCOUNTS_PER_PHONE);
        drop(reader);
        let added = race(12, |number| {
            let storage = storage.clone();
            let number = 1_000 + number as u128;
            async move { add_phones(&storage, vec![("c", number), ("d", number)]).await }
        })
        .await;
        let mut reader = storage.reader().await.unwrap();
        for phone in ["c", "d"] {
            let holders = account_index::list_holders(&mut reader, phone).await.unwrap();
            assert_eq!(holders.len(), ACCOUNTS_PER_PHONE, "{phone}");
        }
        assert_eq!(added.len(), 12);
    }

    async fn buckets_are_held_with_the_version_they_ask_for(database: &Database) {
        let storage = database.storage(&MAIN).await;
        write(&storage, |tx| {
            Box::pin(async move {
                assert!(key_buckets::raise(tx, 7, 3).await?);
                assert!(key_buckets::admit(tx, 8, 1).await?);
                let held = key_buckets::hold(tx, &[7, 8, 9]).await?;
                assert_eq!(held, HashMap::from([(7, 3), (8, 1), (9, 1)]));
                assert!(!key_buckets::admit(tx, 7, 2).await?, "it stays as it was");
                Ok(())
            })
        })
        .await;
    }

    async fn many_accounts_are_there_with_all_that_is_theirs(database: &Database) {
        let storage = database.storage(&MAIN).await;
        let check = Check {
            method: CheckMethod::Counter,
            authority: CheckLabel::parse("bureau").unwrap(),
            performed_at: at(1),
            transaction: CheckLabel::parse("t-1").unwrap(),
            result: CheckResult::Match,
            expires_at: None,
        };
        let stored = check.clone();
        write(&storage, move |tx| {
            let check = check.clone();
            Box::pin(async move {
                key_buckets::raise(tx, 7, 2).await?;
                // Two of a bucket, and one whose key was replaced.
                let all: Vec<Account> = (0..100)
                    .map(|number| in_bucket(number, u16::try_from(number / 2).unwrap(), 1))
                    .chain([in_bucket(100, 7, 2)])
                    .collect();
                let rows: Vec<(&Account, u32)> = all.iter().map(|account| (account, 1)).collect();
                let replaced = accounts::insert_all(tx, &rows).await?;
                assert_eq!(replaced, HashSet::from([account(14), account(15)]));
                let ids: Vec<AccountId> =
                    all.iter().map(|one| one.id).filter(|id| !replaced.contains(id)).collect();
                let hashes: Vec<PasswordCredential> = ids
                    .iter()
                    .map(|id| PasswordCredential { id: Id::from_u128(5), hash: id.to_string() })
                    .collect();
                let passwords: Vec<_> =
                    ids.iter().zip(&hashes).map(|(id, hash)| (*id, hash, at(3))).collect();
                credentials::insert_passwords(tx, &passwords).await?;
                let check = new_check(1, check);
                let proofs: Vec<_> = ids.iter().map(|id| (*id, &check)).collect();
                checks::insert_all(tx, &proofs).await
            })
        })
        .await;
        let mut reader = storage.reader().await.unwrap();
        for number in [0, 13, 16, 99, 100] {
            let id = account(number);
            let found = accounts::find(&mut reader, id).await.unwrap().unwrap();
            assert_eq!((found.id, found.changed_at), (id, at(2)));
            let (password, _) = credentials::find_password(&mut reader, id).await.unwrap().unwrap();
            assert_eq!(password.hash, id.to_string());
            assert_eq!(checks::list(&mut reader, id).await.unwrap(), std::slice::from_ref(&stored));
        }
        assert!(accounts::find(&mut reader, account(14)).await.unwrap().is_none());
    }

    async fn many_events_are_written_and_sealed_in_order(database: &Database) {
        let house = House::new(database).await;
        let row = |seq| EventRow {
            writer: Id::from_u128(1),
            seq,
            at: at(seq),
            kind: "login".to_owned(),
            account_id: None,
            client_id: (seq > 50).then(|| "portal".to_owned()),
            detail: "{}".to_owned(),
        };
        write(&house.storage, move |tx| {
            Box::pin(async move {
                let rows: Vec<EventRow> = (1..=100).map(row).collect();
                audit::insert_events(tx, &rows).await
            })
        })
        .await;
        let mut reader = house.storage.reader().await.unwrap();
        let found = audit::events(&mut reader, Id::from_u128(1), (1, 200), 200).await.unwrap();
        assert_eq!(found, (1..=100).map(row).collect::<Vec<_>>());
        assert_eq!(house.tamper("DELETE FROM audit_events WHERE writer = $1", Id::from_u128(1)).await, 100);

        let ledger: Ledger = house.process();
        for count in [100_usize, 0, 1] {
            let events = vec![Event::new(EventKind::AccountImported, ledger.now()); count];
            let recorded: Result<(), Error> = ledger
                .write(events, |entry, events| {
                    Box::pin(async move { entry.record_all(events).await })
                })
                .await;
            recorded.unwrap();
        }
        ledger.seal().await.unwrap();
        assert_eq!(house.count("SELECT COUNT(*) AS n FROM audit_events").await, 101);
        assert_eq!(house.count("SELECT MAX(seq) AS n FROM audit_events").await, 101);
        assert!(house.problems(None).await.is_empty());
    }

    async fn keys_of_many_buckets_are_made_and_read_at_once(database: &Database) {
        let storage = database.storage(&VAULT).await;
        let key = |bucket, version| BucketKeyRow {
            bucket,
            version,
            wrapped: format!("{bucket} {version}"),
        };
        write(&storage, move |tx| {
            Box::pin(async move {
                let first: Vec<BucketKeyRow> = (0..100).map(|bucket| key(bucket, 1)).collect();
                assert_eq!(vault::insert_keys(tx, &first, at(1)).await?, 100);
                assert_eq!(vault::insert_keys(tx, &first, at(1)).await?, 0, "they are there");
                let next: Vec<BucketKeyRow> = (50..150).map(|bucket| key(bucket, 2)).collect();
                assert_eq!(vault::insert_keys(tx, &next, at(1)).await?, 50, "those that follow");
                vault::delete_below(tx, 60, 2).await?;
                assert_eq!(vault::insert_keys(tx, &[key(60, 1)], at(1)).await?, 0, "it was deleted");
                Ok(())
            })
        })
        .await;
        let mut reader = storage.reader().await.unwrap();
        let found = vault::keys_of(&mut reader, &[7, 55, 60, 149]).await.unwrap();
        assert_eq!(found, [key(7, 1), key(55, 1), key(55, 2), key(60, 2)]);
        let all: Vec<i64> = (0..200).collect();
        assert_eq!(vault::keys_of(&mut reader, &all).await.unwrap().len(), 149);
    }
}
