//! The replacement of a bucket's key: who was removed opens no more, whoever else lies in the
//! bucket does, whatever happens meanwhile.

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::Duration;

use tongxing::crypto::entropy::SystemEntropy;
use tongxing::domain::account::{Account, AccountStatus, SealedProfile};
use tongxing::domain::id::AccountId;
use tongxing::ledger::backup::{Backups, Gaps, Verified, rekey};
use tongxing::ledger::erasures::{ErasureError, Erasures};
use tongxing::ledger::journal::{Journal, Restoring};
use tongxing::ledger::profiles::{AccountKey, ProfileError, Profiles, WrappedKey};
use tongxing::ledger::vault::{Bucket, Vault, VaultError};
use tongxing::ledger::{Change, Ledger};
use tongxing::storage::accounts::Insertion;
use tongxing::storage::migrations::VAULT;
use tongxing::storage::{Error, Storage, account_index, accounts, changes, erasures, vault};
use tongxing::values;

use crate::accounts::at;
use crate::harness::{Database, on_both, race};
use crate::ledger::House;
use crate::ledger_vault::{master, vault as open_vault};
use crate::noise::Promise;

const BUCKET: u16 = 0xABCD;
const HOUR: Duration = Duration::from_hours(1);

/// An installation with its key store.
struct Home {
    house: House,
    store: Storage,
    file: Database,
}

/// One process of it.
#[derive(Clone)]
struct Process {
    ledger: Ledger,
    vault: Vault,
    profiles: Profiles,
    journal: Journal,
    erasures: Erasures,
}

impl Home {
    async fn new(database: &Database) -> Self {
        let file = Database::sqlite();
        Self {
            house: House::new(database).await,
            store: file.storage(&VAULT).await,
            file,
        }
    }

    async fn process(&self) -> Process {
        let ledger = self.house.process();
        let vault = open_vault(self.store.clone(), &ledger).await.unwrap();
        let profiles = Profiles::open(&ledger, vault.clone()).await.unwrap();
        let journal = Journal::new(ledger.clone(), self.store.clone(), HOUR);
        let erasures = Erasures::new(profiles.clone(), journal.clone());
        Process {
            ledger,
            vault,
            profiles,
            journal,
            erasures,
        }
    }

    /// The versions of the bucket's key in the key store.
    async fn versions(&self) -> Vec<i64> {
        let mut reader = self.store.reader().await.unwrap();
        let rows = vault::keys_of(&mut reader, &[i64::from(BUCKET)])
            .await
            .unwrap();
        rows.iter().map(|row| row.version).collect()
    }

    /// Whether a text is anywhere in the key store's files.
    fn is_in_key_store(&self, text: &str) -> bool {
        let file = self.file.url.file().unwrap();
        let bytes = ["", "-wal"].map(|end| {
            let mut path = file.as_os_str().to_owned();
            path.push(end);
            std::fs::read(path).unwrap()
        });
        let holds = |bytes: &Vec<u8>| {
            let mut windows = bytes.windows(text.len());
            windows.any(|window| window == text.as_bytes())
        };
        bytes.iter().any(holds)
    }

    async fn find(&self, number: u128) -> Option<Account> {
        let mut reader = self.house.storage.reader().await.unwrap();
        accounts::find(&mut reader, person(number)).await.unwrap()
    }

    /// Whether an account is there and opens, for somebody who has heard of nothing yet.
    async fn opens(&self, number: u128) -> bool {
        let account = self.find(number).await.expect("an account");
        let process = self.process().await;
        process
            .open(&account)
            .await
            .is_ok_and(|text| text == profile(number))
    }

    /// Whether any key of the key store opens what was kept of an account.
    async fn any_key_opens(&self, kept: &Account) -> bool {
        let process = self.process().await;
        for version in self.versions().await {
            let mut tried = kept.clone();
            tried.sealed.key_version = version;
            if process.open(&tried).await.is_ok() {
                return true;
            }
        }
        process.open(kept).await.is_ok()
    }

    fn backups(&self) -> Backups {
        Backups {
            main: self.house.storage.clone(),
            vault: self.store.clone(),
            master: master("ab"),
            issuer: "https://id.example".to_owned(),
            clock: Arc::new(self.house.clock.clone()),
            entropy: Arc::new(SystemEntropy),
        }
    }

    async fn remove(&self, number: u128) {
        let ledger = self.house.process();
        let removed = ledger.write(person(number), |entry, &account| {
            Box::pin(async move {
                entry.announce(Change::AccountChanged(account));
                erasures::remove_account(entry.tx(), account, at(9)).await
            })
        });
        let removed: Result<_, Error> = removed.await;
        assert!(removed.unwrap().is_some());
    }
}

impl Process {
    /// Gives an account a document, which the journal notes.
    async fn hold(&self, number: u128, document: &str) {
        let input = (person(number), document.to_owned());
        let held = self.ledger.write(input, |entry, (account, document)| {
            Box::pin(async move {
                entry.announce(Change::AccountChanged(*account));
                account_index::claim_document(entry.tx(), document, 1, *account).await
            })
        });
        let held: Result<bool, Error> = held.await;
        assert!(held.unwrap());
        self.journal.copy().await.unwrap();
    }

    /// What a registration does.
    async fn register(&self, number: u128) {
        loop {
            let id = person(number);
            let (key, wrapped) = self.profiles.new_key(id).await.unwrap();
            let account = Account {
                id,
                status: AccountStatus::Active,
                sealed: SealedProfile {
                    key_bucket: wrapped.bucket.number(),
                    key_version: wrapped.version,
                    wrapped_key: wrapped.wrapped,
                    profile: key.seal(&profile(number), &SystemEntropy).unwrap(),
                },
                created_at: at(1),
                changed_at: at(1),
            };
            let inserted = self.ledger.write(account, |entry, account| {
                Box::pin(async move { accounts::insert(entry.tx(), account, 1).await })
            });
            let inserted: Result<_, Error> = inserted.await;
            match inserted.unwrap() {
                Insertion::Inserted => return,
                Insertion::KeyReplaced => self.profiles.refresh(id).await.unwrap(),
            }
        }
    }

    async fn open(&self, account: &Account) -> Result<Vec<u8>, ProfileError> {
        let key = self.account_key(account.id, &account.sealed).await?;
        Ok(key.open(&account.sealed.profile)?.to_vec())
    }

    async fn account_key(
        &self,
        id: AccountId,
        sealed: &SealedProfile,
    ) -> Result<AccountKey, ProfileError> {
        let wrapped = WrappedKey {
            bucket: Bucket::new(sealed.key_bucket),
            version: sealed.key_version,
            wrapped: sealed.wrapped_key.clone(),
        };
        self.profiles.open_key(id, &wrapped).await
    }

    async fn holds(&self, version: i64) -> bool {
        match self.vault.key(Bucket::new(BUCKET), version).await {
            Ok(_) => true,
            Err(VaultError::NoSuchKey { .. }) => false,
            Err(error) => panic!("{error}"),
        }
    }
}

/// All of one bucket.
fn person(number: u128) -> AccountId {
    AccountId::from_u128(u128::from(BUCKET) << 112 | number)
}

fn profile(number: u128) -> Vec<u8> {
    format!("张三 {number}").into_bytes()
}

/// Lets a future go on `steps` times, then drops it as a killed process does.
async fn killed_after<F: Future>(steps: usize, future: F) -> Option<F::Output> {
    let mut future = std::pin::pin!(future);
    let mut taken = 0;
    poll_fn(|context| {
        if taken == steps {
            return Poll::Ready(None);
        }
        taken += 1;
        future.as_mut().poll(context).map(Some)
    })
    .await
}

on_both! {
    async fn what_was_removed_opens_by_no_key_and_its_neighbors_do(database: &Database) {
        let home = Home::new(database).await;
        let process = home.process().await;
        for number in 1..=300 {
            process.register(number).await;
        }
        let (kept, neighbor) = (home.find(1).await.unwrap(), home.find(2).await.unwrap());
        home.remove(1).await;
        // A backup of the key store from before opens it until it has lapsed.
        assert!(home.any_key_opens(&kept).await);
        let before = process.erasures.find(person(1)).await.unwrap().unwrap();
        assert_eq!((before.key_bucket, before.key_replaced_at), (BUCKET, None));

        let done = process.erasures.finish(person(1)).await.unwrap().unwrap();
        assert_eq!(done.key_replaced_at, Some(process.ledger.now()));
        assert_eq!(home.versions().await, [2]);
        assert!(!home.any_key_opens(&kept).await);
        assert!(!home.any_key_opens(&neighbor).await, "the old form of the neighbor's key");
        for number in 2..=300 {
            let account = home.find(number).await.unwrap();
            assert_eq!(account.sealed.key_version, 2);
            assert_eq!(process.open(&account).await.unwrap(), profile(number));
        }
        assert!(home.opens(2).await);
        // Another one, later, and one again that is done.
        home.remove(2).await;
        process.erasures.finish_all().await.unwrap();
        assert_eq!(home.versions().await, [3]);
        process.erasures.finish_all().await.unwrap();
        process.erasures.finish(person(1)).await.unwrap();
        assert_eq!(home.versions().await, [3]);
        assert!(home.opens(3).await);
        // Who never was, was not removed.
        assert_eq!(process.erasures.finish(person(301)).await.unwrap(), None);
        // Registered again under a fresh key.
        process.register(1).await;
        assert!(home.opens(1).await && !home.any_key_opens(&kept).await);
    }

    async fn neighbors_of_who_was_removed_after_a_backup_open_when_it_is_restored(database: &Database) {
        let home = Home::new(database).await;
        let process = home.process().await;
        for number in 1..=200 {
            process.register(number).await;
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("backup");
        home.backups().save(&path).await.unwrap();
        home.remove(1).await;
        process.erasures.finish(person(1)).await.unwrap();
        assert_eq!(home.versions().await, [2]);

        let other = Database::sqlite();
        let restored = Home {
            house: House::new(&other).await,
            store: home.store.clone(),
            file: Database::sqlite(),
        };
        let backups = restored.backups();
        let verified = Verified::read(&path, &backups.master, &backups.issuer).unwrap();
        backups.load(&verified, Gaps::Refused).await.unwrap();
        restored.remove(1).await;
        assert!(!restored.opens(2).await, "its key lies under one that is no more");
        // The journal is ahead of what was restored, until that catches up.
        let began = restored.house.process().now();
        let restoring = Restoring::of_database(&backups.main, began).await.unwrap();
        restoring.begin(&backups.main, &backups.vault).await.unwrap();
        let Process { profiles, erasures, .. } = restored.process().await;
        let databases = (&backups.main, &backups.vault);
        let without = rekey(databases, &profiles, (&backups.master, &[])).await.unwrap();
        assert_eq!((without.rewrapped, without.lost), (0, 199));
        let old = verified.bucket_keys().unwrap();
        let with = rekey(databases, &profiles, (&backups.master, &old)).await.unwrap();
        assert_eq!((with.rewrapped, with.lost), (199, 0));
        assert!(restored.opens(2).await && restored.opens(200).await);
        assert_eq!(restored.versions().await, [2], "the older key is not back");
        erasures.finish_all().await.unwrap();
        let erasure = erasures.find(person(1)).await.unwrap().unwrap();
        assert!(erasure.key_replaced_at.is_some());
        assert!(restored.opens(200).await);
    }

    async fn a_replacement_killed_at_any_step_loses_nobody_and_is_finished_later(database: &Database) {
        let home = Home::new(database).await;
        let process = home.process().await;
        for number in 1..=140 {
            process.register(number).await;
        }
        let mut removed = 0;
        for steps in 1.. {
            removed += 1;
            let kept = home.find(removed).await.unwrap();
            let document = format!("blind index of a document of {removed}.");
            process.hold(removed, &document).await;
            home.remove(removed).await;
            let other = home.process().await;
            let ended = killed_after(steps, other.erasures.finish(person(removed))).await;
            drop(other);
            for number in [removed + 1, 139, 140] {
                assert!(home.opens(number).await, "{number} after {steps} steps");
            }
            // A process that had begun before goes on, too.
            process.register(1000 + removed).await;
            assert!(home.opens(1000 + removed).await, "after {steps} steps");
            if ended.is_none() && steps % 2 == 0 {
                home.process().await.erasures.finish(person(removed)).await.unwrap();
            } else {
                process.erasures.finish_all().await.unwrap();
            }
            assert!(!home.any_key_opens(&kept).await, "{removed} after {steps} steps");
            assert!(!home.is_in_key_store(&document), "{removed} after {steps} steps");
            assert_eq!(home.versions().await.len(), 1);
            assert!(home.opens(140).await && home.opens(1000 + removed).await);
            if ended.is_some() {
                assert!(steps > 7, "{steps}: it was killed nowhere");
                return;
            }
        }
    }

    async fn accounts_that_come_while_keys_are_replaced_again_and_again_open(database: &Database) {
        let home = Arc::new(Home::new(database).await);
        let first = home.process().await;
        for number in 1..=12 {
            first.register(number).await;
        }
        let outcomes = race(6, |index| {
            let home = Arc::clone(&home);
            let first = first.clone();
            async move {
                // None of them hears the feed: their keys are as old as can be.
                let process = home.process().await;
                match index {
                    0 | 1 => {
                        for number in (1..=12).filter(|number| number % 2 == index as u128) {
                            home.remove(number).await;
                            let done = process.erasures.finish(person(number)).await;
                            assert!(done.unwrap().unwrap().key_replaced_at.is_some());
                        }
                        0
                    }
                    _ => {
                        let process = if index == 2 { first } else { process };
                        let numbers = index as u128 * 1000..index as u128 * 1000 + 40;
                        for number in numbers {
                            process.register(number).await;
                        }
                        40
                    }
                }
            }
        })
        .await;
        assert_eq!(outcomes.iter().sum::<i32>(), 160);
        for index in 2..6 {
            for number in index * 1000..index * 1000 + 40 {
                let account = home.find(number).await.unwrap();
                assert_eq!(first.open(&account).await.unwrap(), profile(number));
            }
        }
        assert!(home.opens(2000).await);
        assert_eq!(home.versions().await.len(), 1);
    }

    async fn the_key_store_keeps_nothing_of_what_who_was_removed_held(database: &Database) {
        const DOCUMENT: &str = "blind-index-of-a-document";
        let home = Home::new(database).await;
        let process = home.process().await;
        process.register(1).await;
        process.hold(1, DOCUMENT).await;
        assert!(home.is_in_key_store(DOCUMENT), "it is found while it is there");

        home.remove(1).await;
        // No server runs that would copy it in time.
        process.erasures.finish(person(1)).await.unwrap();
        assert!(!home.is_in_key_store(DOCUMENT));
    }

    async fn a_profile_that_changes_while_keys_are_replaced_is_not_lost(database: &Database) {
        let home = Arc::new(Home::new(database).await);
        let process = home.process().await;
        for number in 1..=200 {
            process.register(number).await;
        }
        let ends = Arc::new(AtomicBool::new(false));
        let changing = tokio::spawn({
            let (home, process, ends) = (Arc::clone(&home), process.clone(), Arc::clone(&ends));
            async move {
                let mut last = String::new();
                for round in 0.. {
                    if ends.load(Ordering::SeqCst) {
                        return last;
                    }
                    let account = home.find(200).await.unwrap();
                    let sealed = account.sealed;
                    // Its key may have been replaced since it was read: then it is read again.
                    let Ok(key) = process.account_key(account.id, &sealed).await else {
                        continue;
                    };
                    let text = format!("round {round}");
                    let profile = key.seal(text.as_bytes(), &SystemEntropy).unwrap();
                    let new = SealedProfile { profile, ..sealed.clone() };
                    let replacing = home.house.storage.write((sealed, new), |tx, (old, new)| {
                        Box::pin(async move {
                            accounts::replace_profile(tx, person(200), (old, new), at(3)).await
                        })
                    });
                    let replaced: Result<bool, Error> = replacing.await;
                    assert!(replaced.unwrap());
                    last = text;
                }
                last
            }
        });
        let other = home.process().await;
        for number in 1..=5 {
            home.remove(number).await;
            other.erasures.finish(person(number)).await.unwrap();
        }
        ends.store(true, Ordering::SeqCst);
        let last = changing.await.unwrap();
        let account = home.find(200).await.unwrap();
        assert_eq!(account.sealed.key_version, 6);
        assert_eq!(other.open(&account).await.unwrap(), last.into_bytes());
    }

    async fn several_that_finish_the_same_erasures_do_not_get_in_each_others_way(database: &Database) {
        let home = Arc::new(Home::new(database).await);
        let process = home.process().await;
        for number in 1..=150 {
            process.register(number).await;
        }
        for number in 1..=4 {
            home.remove(number).await;
        }
        race(4, |index| {
            let home = Arc::clone(&home);
            async move {
                let process = home.process().await;
                let done = process.erasures.finish(person(index as u128 + 1)).await;
                assert!(done.unwrap().unwrap().key_replaced_at.is_some());
            }
        })
        .await;
        for number in 5..=150 {
            let account = home.find(number).await.unwrap();
            assert_eq!(process.open(&account).await.unwrap(), profile(number));
        }
        assert_eq!(home.versions().await.len(), 1);
        let recorded = "SELECT COUNT(*) AS n FROM audit_events WHERE kind = 'bucket_key_replaced'";
        assert!(home.house.count(recorded).await >= 1);
    }

    async fn a_replaced_key_is_forgotten_in_every_process_within_a_second(database: &Database) {
        let home = Home::new(database).await;
        let (one, other) = (home.process().await, home.process().await);
        let _following = other.ledger.follow().await.unwrap();
        one.register(1).await;
        one.register(2).await;
        assert!(other.holds(1).await);
        home.remove(1).await;
        one.erasures.finish(person(1)).await.unwrap();
        assert!(!one.holds(1).await, "its own change is known at once");
        let promise = Promise::within(Duration::from_secs(1));
        loop {
            let is_due = promise.is_due();
            if !other.holds(1).await {
                break;
            }
            assert!(!is_due, "a second later it is still there");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let (version, _) = other.vault.current(Bucket::new(BUCKET)).await.unwrap();
        assert_eq!(version, 2, "and seals anew");
    }

    async fn who_missed_changes_loads_the_keys_anew(database: &Database) {
        let home = Home::new(database).await;
        let (one, other) = (home.process().await, home.process().await);
        one.register(1).await;
        assert!(other.holds(1).await);
        home.remove(1).await;
        one.erasures.finish(person(1)).await.unwrap();
        assert!(other.holds(1).await, "it has heard of nothing");
        other.profiles.reload().await.unwrap();
        assert!(!other.holds(1).await && other.holds(2).await);
        // The feed says so when it was away for too long.
        let _following = other.ledger.follow().await.unwrap();
        let swept = home.house.storage.write((), |tx, ()| {
            // Taken, written and swept before the next poll.
            Box::pin(async move { changes::take_numbers(tx, 3, 5).await })
        });
        let swept: Result<i64, Error> = swept.await;
        assert_eq!(swept.unwrap(), 5);
        let missed = tokio::time::timeout(Duration::from_secs(5), other.profiles.missed()).await;
        assert!(missed.is_ok());
    }

    async fn an_account_whose_key_does_not_open_keeps_the_older_keys(database: &Database) {
        let home = Home::new(database).await;
        let process = home.process().await;
        for number in 1..=3 {
            process.register(number).await;
        }
        let damage = home.house.storage.write((), |tx, ()| {
            Box::pin(async move {
                let sql = "UPDATE accounts SET wrapped_key = 'x' WHERE account_id = $1";
                tx.execute(sql, values![person(2)]).await
            })
        });
        let damage: Result<u64, Error> = damage.await;
        assert_eq!(damage.unwrap(), 1);
        home.remove(1).await;
        let refused = process.erasures.finish_all().await;
        assert!(matches!(refused, Err(ErasureError::DamagedKey(id)) if id == person(2)));
        assert_eq!(home.versions().await, [1, 2]);
        assert!(home.opens(3).await);
        // Who removes it, too, is done.
        home.remove(2).await;
        process.erasures.finish_all().await.unwrap();
        assert_eq!(home.versions().await, [2]);
        assert!(home.opens(3).await);
    }

    async fn one_process_at_a_time_looks_after_erasures(database: &Database) {
        let home = Home::new(database).await;
        let (one, other) = (home.process().await, home.process().await);
        for number in 1..=3 {
            one.register(number).await;
        }
        home.remove(1).await;
        one.erasures.finish_all().await.unwrap();
        home.remove(2).await;
        other.erasures.finish_all().await.unwrap();
        assert_eq!(home.versions().await, [2], "the first has the lease");
        home.house.pass(301);
        other.erasures.finish_all().await.unwrap();
        assert_eq!(home.versions().await, [3]);
    }
}
