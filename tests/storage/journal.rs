//! The journal of takeaways: what was taken away stays so in a database of before, and nothing else.

use std::time::Duration;

use tongxing::domain::account::AccountStatus;
use tongxing::domain::check::{Check, CheckLabel, CheckMethod, CheckResult};
use tongxing::domain::client::ClientStatus;
use tongxing::domain::id::{AccountId, GrantId, Id, SessionId};
use tongxing::domain::instant::Instant;
use tongxing::ledger::journal::{self, Journal, JournalError, Replayed, Restoring, covers};
use tongxing::ledger::{Change, Ledger};
use tongxing::storage::audit_chains::{self, ChainEnd};
use tongxing::storage::backup::{self, Carriage, Datum, Insertion, Pages};
use tongxing::storage::credentials::PasswordCredential;
use tongxing::storage::keys::KeyRow;
use tongxing::storage::migrations::{MAIN, VAULT};
use tongxing::storage::vault_journal::{self, JournalLane, TakeawayRow};
use tongxing::storage::{
    Error, Storage, account_index, accounts, audit, checks, clients, credentials, holdings, keys,
    sessions,
};
use tongxing::values;

use crate::accounts::{
    account, add_account, add_client, at, client_id, move_account, move_client, new_check, write,
};
use crate::harness::{Database, on_both, race};
use crate::ledger::{House, record};

const HOUR: Duration = Duration::from_hours(1);

/// An installation, its journal, and a database of before.
struct Home {
    house: House,
    ledger: Ledger,
    store: Storage,
    journal: Journal,
    _file: Database,
}

impl Home {
    async fn new(database: &Database) -> Self {
        let file = Database::sqlite();
        let house = House::new(database).await;
        let (ledger, store) = (house.process(), file.storage(&VAULT).await);
        let journal = Journal::new(ledger.clone(), store.clone(), HOUR);
        Self {
            house,
            ledger,
            store,
            journal,
            _file: file,
        }
    }

    fn main(&self) -> &Storage {
        &self.house.storage
    }

    async fn announce(&self, change: Change) {
        let announced: Result<(), Error> = self
            .ledger
            .write(change, |entry, change| {
                Box::pin(async move {
                    entry.announce(change.clone());
                    Ok(())
                })
            })
            .await;
        announced.unwrap();
    }

    async fn lanes(&self) -> Vec<i64> {
        let began = self.ledger.now();
        Restoring::of_database(self.main(), began)
            .await
            .unwrap()
            .lanes
    }

    /// The rows as they are now, to be put back later.
    async fn keep(&self) -> Yesterday {
        let mut reader = self.main().reader().await.unwrap();
        let mut rows = Vec::new();
        for table in backup::MAIN
            .iter()
            .filter(|table| table.carriage == Carriage::Carried)
        {
            let all = Pages::of(table)
                .page(&mut reader, None, 1_000)
                .await
                .unwrap();
            let names: Vec<String> = table.columns.iter().map(|c| c.name.to_owned()).collect();
            rows.push((Insertion::of(table, &names).unwrap(), all));
        }
        Yesterday {
            rows,
            lanes: self.lanes().await,
        }
    }

    async fn noted(&self) -> Vec<TakeawayRow> {
        let mut reader = self.store.reader().await.unwrap();
        vault_journal::page(&mut reader, ("", ""), 100)
            .await
            .unwrap()
    }
}

/// A database as it was.
struct Yesterday {
    rows: Vec<(Insertion, Vec<Vec<Datum>>)>,
    lanes: Vec<i64>,
}

/// It, put back, with what was taken away since.
struct Restored {
    storage: Storage,
    replayed: Replayed,
    _file: Database,
}

impl Yesterday {
    async fn restore(self, home: &Home) -> Restored {
        let file = Database::sqlite();
        let storage = file.storage(&MAIN).await;
        let rows = self.rows;
        write(&storage, move |tx| {
            let rows = rows.clone();
            Box::pin(async move {
                for (insertion, rows) in &rows {
                    insertion.put(tx, rows).await?;
                }
                Ok(())
            })
        })
        .await;
        let restoring = Restoring {
            lanes: self.lanes,
            began: home.ledger.now(),
        };
        let restoring = restoring.begin(&storage, &home.store).await.unwrap();
        let ledger = crate::ledger::process(storage.clone(), &home.house.clock);
        let journal = Journal::new(ledger, home.store.clone(), HOUR);
        let replayed = journal.replay(&restoring).await.unwrap();
        // Once more, as after a crash: there is nothing left to do, and nothing is lost.
        let again = restoring
            .clone()
            .begin(&storage, &home.store)
            .await
            .unwrap();
        assert_eq!(again, restoring);
        let repeated = journal.replay(&again).await.unwrap();
        assert_eq!(
            repeated.narrowed, replayed.narrowed,
            "profiles to look at again"
        );
        write(&storage, |tx| Box::pin(backup::end_restoring(tx))).await;
        journal.check().await.unwrap();
        Restored {
            storage,
            replayed,
            _file: file,
        }
    }
}

impl Restored {
    async fn held(&self, number: u128) -> holdings::Holdings {
        let mut reader = self.storage.reader().await.unwrap();
        holdings::find(&mut reader, account(number))
            .await
            .unwrap()
            .expect("an account")
    }
}

/// An account with one of everything.
async fn resident(storage: &Storage, number: u128) {
    add_account(storage, number).await;
    write(storage, move |tx| {
        Box::pin(async move {
            let id = account(number);
            let password = PasswordCredential {
                id: Id::from_u128(number),
                hash: "first".to_owned(),
            };
            credentials::insert_password(tx, id, &password, at(3)).await?;
            account_index::claim_document(tx, &format!("document {number}"), 1, id).await?;
            let label = |text| CheckLabel::parse(text).unwrap();
            let mut check = new_check(
                number,
                Check {
                    method: CheckMethod::TwoElements,
                    authority: label("registry"),
                    transaction: label("one"),
                    result: CheckResult::Match,
                    performed_at: at(3),
                    expires_at: None,
                },
            );
            check.document_key = Some(format!("document {number}"));
            checks::insert(tx, id, &check).await?;
            tx.execute(
                "INSERT INTO account_phones (phone_key, account_id, place, index_version)
                 VALUES ('phone ' || $1, $1, 1, 1)",
                values![id],
            )
            .await?;
            tx.execute(
                "INSERT INTO sessions (account_id, session_id, secret_hash, methods,
                                       authenticated_at, expires_at)
                 VALUES ($1, $2, 'hash', 'pwd', 1, 9000000000000)",
                values![id, SessionId::from_u128(1)],
            )
            .await?;
            Ok(())
        })
    })
    .await;
}

async fn frozen(home: &Home, number: u128) {
    assert!(
        move_account(
            home.main(),
            number,
            AccountStatus::Active,
            AccountStatus::Frozen
        )
        .await
    );
    home.announce(Change::AccountChanged(account(number))).await;
}

async fn unfrozen(home: &Home, number: u128) {
    assert!(
        move_account(
            home.main(),
            number,
            AccountStatus::Frozen,
            AccountStatus::Active
        )
        .await
    );
    home.announce(Change::AccountRestored(account(number)))
        .await;
}

on_both! {
    async fn the_last_state_wins_and_others_stay_as_they_were(database: &Database) {
        let home = Home::new(database).await;
        for number in 1..=4 {
            resident(home.main(), number).await;
        }
        for name in ["stays", "suspended", "resumed"] {
            add_client(home.main(), name).await;
        }
        home.journal.copy().await.unwrap();
        let yesterday = home.keep().await;
        frozen(&home, 1).await;
        frozen(&home, 2).await;
        unfrozen(&home, 2).await;
        move_client(home.main(), "suspended", ClientStatus::Suspended).await;
        home.announce(Change::ClientChanged("suspended".to_owned())).await;
        move_client(home.main(), "resumed", ClientStatus::Suspended).await;
        home.announce(Change::ClientChanged("resumed".to_owned())).await;
        home.journal.copy().await.unwrap();
        move_client(home.main(), "resumed", ClientStatus::Active).await;
        home.announce(Change::ClientChanged("resumed".to_owned())).await;
        write(home.main(), |tx| {
            Box::pin(async move {
                let removed = tongxing::storage::erasures::remove_account(tx, account(3), at(9)).await?;
                assert!(removed.is_some());
                Ok(())
            })
        })
        .await;
        home.announce(Change::AccountChanged(account(3))).await;
        home.journal.copy().await.unwrap();

        let restored = yesterday.restore(&home).await;
        let (one, two, four) = (restored.held(1).await, restored.held(2).await, restored.held(4).await);
        assert_eq!(one.status, AccountStatus::Frozen);
        assert_eq!(two.status, AccountStatus::Active);
        // What freezing ended stays ended.
        assert_eq!((one.sessions.len(), two.sessions.len(), four.sessions.len()), (0, 0, 1));
        assert_eq!((one.access_epoch, two.access_epoch, four.access_epoch), (1, 2, 0));
        assert_eq!((two.documents.len(), two.phones.len(), two.credentials.len()), (1, 1, 1));
        let mut reader = restored.storage.reader().await.unwrap();
        assert!(holdings::find(&mut reader, account(3)).await.unwrap().is_none());
        let erased = tongxing::storage::erasures::find(&mut reader, account(3)).await.unwrap();
        assert!(erased.is_some());
        for (name, status) in [
            ("stays", ClientStatus::Active),
            ("suspended", ClientStatus::Suspended),
            ("resumed", ClientStatus::Active),
        ] {
            let client = clients::find(&mut reader, &client_id(name)).await.unwrap().unwrap();
            assert_eq!(client.status, status, "{name}");
        }
        let replayed = &restored.replayed;
        assert_eq!((replayed.accounts, replayed.removed, replayed.clients), (2, 1, 2));
        assert_eq!(replayed.narrowed.len(), 2, "to be looked at, also by who goes on after a crash");
    }

    async fn a_withdrawn_grant_does_not_come_back_and_others_stay(database: &Database) {
        let home = Home::new(database).await;
        resident(home.main(), 1).await;
        write(home.main(), |tx| {
            Box::pin(async move {
                tx.execute(
                    "INSERT INTO grants (account_id, client_id, grant_id, scope, claims, terms, granted_at)
                     VALUES ($1, 'one', $2, 'openid', '', '', 1), ($1, 'two', $3, 'openid', '', '', 1)",
                    values![account(1), GrantId::from_u128(1), GrantId::from_u128(2)],
                ).await
            })
        })
        .await;
        let yesterday = home.keep().await;
        home.announce(Change::GrantWithdrawn(account(1), Id::from_u128(1))).await;
        home.journal.copy().await.unwrap();
        let restored = yesterday.restore(&home).await;
        assert_eq!(restored.held(1).await.grants, [Id::from_u128(2)]);
        assert_eq!(restored.held(1).await.access_epoch, 0, "nothing else ends");
        assert_eq!((restored.replayed.grants, restored.replayed.accounts), (1, 0));
    }

    async fn what_was_lost_does_not_come_back(database: &Database) {
        let home = Home::new(database).await;
        resident(home.main(), 1).await;
        resident(home.main(), 2).await;
        write(home.main(), |tx| {
            Box::pin(async move {
                tx.execute(
                    "INSERT INTO grants (account_id, client_id, grant_id, scope, claims, terms, granted_at)
                     VALUES ($1, 'portal', $2, 'openid', '', '', 1)",
                    values![account(1), GrantId::from_u128(1)],
                ).await
            })
        })
        .await;
        let yesterday = home.keep().await;
        write(home.main(), |tx| {
            Box::pin(async move {
                let id = account(1);
                account_index::transfer_document(tx, "document 1", (id, account(2))).await?;
                checks::end_with_document(tx, id, "document 1", at(20)).await?;
                tongxing::storage::grants::revoke_all(tx, id, at(20)).await?;
                credentials::replace_password(tx, id, "second", at(20)).await?;
                let phone = format!("phone {id}");
                account_index::remove_phone(tx, &phone, id).await?;
                accounts::raise_epoch(tx, id).await?;
                sessions::end_all(tx, id, at(20)).await
            })
        })
        .await;
        home.announce(Change::AccountChanged(account(1))).await;
        home.journal.copy().await.unwrap();
        let restored = yesterday.restore(&home).await;
        let one = restored.held(1).await;
        assert!(one.documents.is_empty() && one.phones.is_empty() && one.grants.is_empty());
        assert!(one.credentials.is_empty(), "a password from before counts no more");
        assert!(one.sessions.is_empty());
        assert_eq!(one.checks[0].1, Some(at(20)));
        assert_eq!(restored.replayed.narrowed, [account(1)]);
        let two = restored.held(2).await;
        assert_eq!(two.documents, ["document 2"], "nothing is given");
    }

    async fn sessions_tokens_and_keys_that_ended_stay_ended(database: &Database) {
        let home = Home::new(database).await;
        resident(home.main(), 1).await;
        resident(home.main(), 2).await;
        let key = |number: u8, status: &str| KeyRow {
            key_id: format!("key {number}"),
            purpose: "signing".to_owned(),
            algorithm: "EdDSA".to_owned(),
            number: i64::from(number),
            status: status.to_owned(),
            public: None,
            wrapped: "wrapped".to_owned(),
            created_at: at(1),
            current_at: None,
            retired_at: (status == "retired").then(|| at(30)),
        };
        let first = key(1, "current");
        write(home.main(), move |tx| {
            let first = first.clone();
            Box::pin(async move { keys::insert(tx, &first).await })
        })
        .await;
        let yesterday = home.keep().await;
        let (retired, second) = (key(1, "retired"), key(2, "current"));
        write(home.main(), move |tx| {
            let (retired, second) = (retired.clone(), second.clone());
            Box::pin(async move {
                assert!(keys::set_status(tx, &retired).await?);
                assert!(!keys::set_status(tx, &second).await?);
                keys::insert(tx, &second).await
            })
        })
        .await;
        home.announce(Change::KeysChanged).await;
        home.announce(Change::SessionEnded(account(1), Id::from_u128(1))).await;
        home.announce(Change::AuthorizationRevoked(account(1), Id::from_u128(9))).await;
        home.announce(Change::AccessTokenRevoked(Id::from_u128(5))).await;
        home.journal.copy().await.unwrap();
        let restored = yesterday.restore(&home).await;
        let (one, two) = (restored.held(1).await, restored.held(2).await);
        assert_eq!((one.sessions.len(), two.sessions.len()), (0, 1));
        let mut reader = restored.storage.reader().await.unwrap();
        let found = keys::list(&mut reader).await.unwrap();
        let statuses: Vec<&str> = found.iter().map(|row| row.status.as_str()).collect();
        assert_eq!(statuses, ["retired", "current"]);
        // Every process hears of the access token again.
        let changes = tongxing::storage::changes::since(
            &mut reader,
            home.noted().await.iter().find(|row| row.kind == "access_token").unwrap().lane,
            0,
            100,
        );
        assert!(changes.await.unwrap().iter().any(|row| row.kind == "access_token"));
    }

    async fn a_database_put_back_by_other_means_is_noticed(database: &Database) {
        let home = Home::new(database).await;
        add_client(home.main(), "portal").await;
        home.announce(Change::ClientChanged("portal".to_owned())).await;
        home.journal.copy().await.unwrap();
        home.journal.check().await.unwrap();
        write(home.main(), |tx| {
            Box::pin(async move { tx.execute("UPDATE change_lanes SET seq = 0", &[]).await })
        })
        .await;
        let older = home.journal.check().await.unwrap_err();
        assert!(matches!(older, JournalError::DatabaseIsOlder), "{older}");
        let older = home.journal.copy().await.unwrap_err();
        assert!(matches!(older, JournalError::DatabaseIsOlder), "{older}");
        let restoring = Restoring::of_database(home.main(), at(1)).await.unwrap();
        let restoring = restoring.begin(home.main(), &home.store).await.unwrap();
        let replayed = home.journal.replay(&restoring).await.unwrap();
        assert_eq!(replayed.clients, 1);
        home.journal.check().await.unwrap();
    }

    async fn the_audit_log_tells_of_one_that_was_put_back(database: &Database) {
        let home = Home::new(database).await;
        home.ledger.register().await.unwrap();
        for _ in 0..3 {
            record(&home.ledger, 2).await;
            home.ledger.seal().await.unwrap();
            home.journal.copy().await.unwrap();
        }
        home.journal.check().await.unwrap();
        let mut reader = home.main().reader().await.unwrap();
        let writer = home.ledger.writer();
        let end = audit_chains::end(&mut reader, writer).await.unwrap().unwrap();
        assert_eq!((end.writer, end.number), (writer, 3));
        assert_eq!(audit_chains::end(&mut reader, Id::from_u128(7)).await.unwrap(), None);
        let missing = ChainEnd { number: 4, ..end.clone() };
        let there = audit_chains::batches_at(&mut reader, &[missing, end.clone()]).await.unwrap();
        assert_eq!(there, std::slice::from_ref(&end));
        drop(reader);
        write(home.main(), |tx| {
            let cut = "DELETE FROM audit_batches WHERE number = 3";
            Box::pin(async move { tx.execute(cut, &[]).await })
        })
        .await;
        // Also after the process beneath which that happened has gone on.
        for _ in 0..2 {
            let older = home.journal.check().await.unwrap_err();
            assert!(matches!(older, JournalError::DatabaseIsOlder), "{older}");
            let older = home.journal.copy().await.unwrap_err();
            assert!(matches!(older, JournalError::DatabaseIsOlder), "{older}");
            record(&home.ledger, 1).await;
            home.ledger.seal().await.unwrap();
        }
        assert!(!home.ledger.feed().is_fresh());
        let restoring = Restoring::of_database(home.main(), at(1)).await.unwrap();
        restoring.begin(home.main(), &home.store).await.unwrap();
        home.journal.check().await.unwrap();
        // What is forgotten in the end is what is too old to be put back.
        record(&home.ledger, 1).await;
        let next = Journal::new(home.ledger.clone(), home.store.clone(), HOUR);
        next.copy().await.unwrap();
        let chains = async || {
            let mut reader = home.store.reader().await.unwrap();
            vault_journal::chain_ends(&mut reader).await.unwrap()
        };
        let ends = chains().await;
        assert_eq!((ends.len(), ends[0].writer, ends[0].number), (1, writer, 5));
        next.sweep().await.unwrap();
        assert_eq!(chains().await.len(), 1);
        home.house.clock.advance(journal::KEPT + HOUR);
        next.sweep().await.unwrap();
        assert!(chains().await.is_empty());
    }

    async fn a_process_taken_for_dead_goes_on_in_a_chain_of_its_own(database: &Database) {
        let home = Home::new(database).await;
        home.ledger.register().await.unwrap();
        for _ in 0..3 {
            record(&home.ledger, 1).await;
            home.ledger.seal().await.unwrap();
            home.journal.copy().await.unwrap();
        }
        let before = home.ledger.writer();
        write(home.main(), move |tx| Box::pin(audit::end_writer(tx, before, at(1)))).await;
        home.house.clock.advance(Duration::from_secs(10));
        for _ in 0..3 {
            home.ledger.seal().await.unwrap();
        }
        assert_ne!(home.ledger.writer(), before);
        record(&home.ledger, 1).await;
        home.ledger.seal().await.unwrap();
        home.journal.copy().await.unwrap();
        home.journal.copy().await.unwrap();
        home.journal.check().await.unwrap();
    }

    async fn changes_are_not_swept_before_they_are_copied(database: &Database) {
        let home = Home::new(database).await;
        let session = |number| Change::SessionEnded(account(1), Id::from_u128(number));
        for number in 0..40 {
            home.announce(session(number)).await;
        }
        home.house.pass(3600);
        assert_eq!(home.journal.sweep().await.unwrap(), 0);
        assert_eq!(home.journal.copy().await.unwrap(), 40);
        assert_eq!(home.journal.copy().await.unwrap(), 0);
        assert_eq!(home.journal.sweep().await.unwrap(), 40);
        assert_eq!(home.noted().await.len(), 40);
        // Restored sessions have expired by then.
        home.house.pass(3600);
        home.journal.sweep().await.unwrap();
        assert!(home.noted().await.is_empty());
    }

    async fn a_gap_is_known(database: &Database) {
        let home = Home::new(database).await;
        let change = || Change::ClientChanged("portal".to_owned());
        home.announce(change()).await;
        let before = home.lanes().await;
        home.journal.copy().await.unwrap();
        let now = home.ledger.now();
        let is_covered = async |lanes: &[i64], then: Instant| {
            covers(&home.store, lanes, (then, home.ledger.now())).await.unwrap()
        };
        assert!(is_covered(&before, now).await);
        home.announce(change()).await;
        home.announce(change()).await;
        let after = home.lanes().await;
        // By a program that knows of no journal.
        home.house.pass(3600);
        home.ledger.sweep_changes(&[i64::MAX; 16]).await.unwrap();
        home.announce(change()).await;
        home.journal.copy().await.unwrap();
        assert!(!is_covered(&before, now).await);
        assert!(is_covered(&after, now).await);
        home.house.pass(35 * 24 * 3600);
        assert!(!is_covered(&after, now).await, "older than the journal is kept");
    }

    async fn many_who_copy_at_once_write_what_one_would(database: &Database) {
        let home = Home::new(database).await;
        for number in 0..60_u128 {
            home.announce(Change::SessionEnded(account(1), Id::from_u128(number))).await;
        }
        let copied = race(8, |_| {
            let journal = home.journal.clone();
            async move { journal.copy().await.unwrap() }
        })
        .await;
        assert!(copied.iter().sum::<u64>() >= 60);
        assert_eq!(home.noted().await.len(), 60);
        let mut reader = home.store.reader().await.unwrap();
        let lanes = vault_journal::lanes(&mut reader).await.unwrap();
        let told: Vec<i64> = (0..16)
            .map(|lane| lanes.iter().find(|one| one.lane == lane).map_or(0, |one| one.seq))
            .collect();
        assert_eq!(told, home.lanes().await);
        assert!(lanes.iter().all(|lane| lane.covered_from == 0));
    }

    async fn rows_give_way_to_later_ones_only(database: &Database) {
        let store = database.storage(&VAULT).await;
        let row = |seq: i64, state: &str| TakeawayRow {
            kind: "client".to_owned(),
            subject: "portal".to_owned(),
            lane: 3,
            seq,
            at: at(seq),
            kept_until: at(100),
            state: Some(state.to_owned()),
        };
        for (seq, state) in [(5, "five"), (4, "four"), (5, "five again")] {
            let row = row(seq, state);
            write(&store, move |tx| {
                let row = row.clone();
                Box::pin(async move { vault_journal::note(tx, &row).await })
            })
            .await;
        }
        for (seq, covered_from) in [(7, 2), (6, 5), (8, 0)] {
            let lane = JournalLane { lane: 3, seq, covered_from };
            write(&store, move |tx| Box::pin(vault_journal::advance(tx, lane))).await;
        }
        let mut reader = store.reader().await.unwrap();
        let rows = vault_journal::page(&mut reader, ("", ""), 10).await.unwrap();
        assert_eq!(rows, [row(5, "five again")]);
        assert!(vault_journal::page(&mut reader, ("client", "portal"), 10).await.unwrap().is_empty());
        let lanes = vault_journal::lanes(&mut reader).await.unwrap();
        assert_eq!(lanes, [JournalLane { lane: 3, seq: 8, covered_from: 2 }]);
        let swept = |now| write(&store, move |tx| Box::pin(vault_journal::delete_old(tx, now)));
        assert_eq!(swept(at(100)).await, 0);
        assert_eq!(swept(at(101)).await, 1);
        let writer = Id::from_u128(1);
        let end = |number: i64| ChainEnd { writer, number, signature: format!("of {number}") };
        for (number, now) in [(5, at(10)), (4, at(20)), (6, at(30))] {
            let end = end(number);
            write(&store, move |tx| {
                let end = end.clone();
                Box::pin(async move { vault_journal::note_chain_end(tx, &end, now).await })
            })
            .await;
        }
        let mut reader = store.reader().await.unwrap();
        assert_eq!(vault_journal::chain_ends(&mut reader).await.unwrap(), [end(6)]);
        let forgotten = |before| write(&store, move |tx| Box::pin(vault_journal::forget_chains(tx, before)));
        assert_eq!(forgotten(at(30)).await, 0);
        assert_eq!(forgotten(at(31)).await, 1);
    }

    async fn what_an_account_holds_is_taken_one_by_one(database: &Database) {
        let storage = database.storage(&MAIN).await;
        resident(&storage, 1).await;
        add_client(&storage, "portal").await;
        write(&storage, |tx| {
            Box::pin(async move {
                let id: AccountId = account(1);
                let held = holdings::find(tx, id).await?.expect("an account");
                assert_eq!(held.credentials, [(Id::from_u128(1), "first".to_owned())]);
                assert_eq!(held.checks, [(Id::from_u128(1), None)]);
                holdings::set_standing(tx, id, (AccountStatus::Frozen, 5), at(9)).await?;
                holdings::set_standing(tx, id, (AccountStatus::Frozen, 4), at(9)).await?;
                holdings::remove_credential(tx, id, Id::from_u128(1)).await?;
                holdings::remove_document(tx, account(2), "document 1").await?;
                holdings::limit_check(tx, id, Id::from_u128(1), at(50)).await?;
                holdings::limit_check(tx, id, Id::from_u128(1), at(60)).await?;
                holdings::revoke_grant(tx, id, Id::from_u128(1), at(9)).await?;
                let held = holdings::find(tx, id).await?.expect("an account");
                assert_eq!((held.status, held.access_epoch), (AccountStatus::Frozen, 5));
                assert!(held.credentials.is_empty());
                assert_eq!(held.documents, ["document 1"], "another's is not taken");
                assert_eq!(held.checks, [(Id::from_u128(1), Some(at(50)))]);
                holdings::remove_document(tx, id, "document 1").await?;
                let held = holdings::find(tx, id).await?.expect("an account");
                assert!(held.documents.is_empty());
                let mut client = clients::find(tx, &client_id("portal")).await?.expect("a client");
                client.status = ClientStatus::Removed;
                clients::put(tx, &client).await?;
                client.id = client_id("other");
                clients::put(tx, &client).await?;
                for name in ["portal", "other"] {
                    let found = clients::find(tx, &client_id(name)).await?.expect("a client");
                    assert_eq!(found.status, ClientStatus::Removed);
                }
                Ok(())
            })
        })
        .await;
    }
}
