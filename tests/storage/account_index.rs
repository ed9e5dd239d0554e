//! Who holds a document, who has a phone: the look-up tables, query by query, and under races.

use tongxing::domain::id::Id;
use tongxing::domain::instant::Instant;
use tongxing::domain::phone_holder::{ACCOUNTS_PER_PHONE, PhoneHolder};
use tongxing::storage::migrations::MAIN;
use tongxing::storage::{Storage, account_index};

use crate::accounts::{account, at, write};
use crate::harness::{Database, on_both, race};

async fn claim(storage: &Storage, number: u128) -> bool {
    write(storage, move |tx| {
        Box::pin(account_index::claim_document(
            tx,
            "document",
            1,
            account(number),
        ))
    })
    .await
}

async fn transfer(storage: &Storage, from: u128, to: u128) -> bool {
    write(storage, move |tx| {
        let parties = (account(from), account(to));
        Box::pin(account_index::transfer_document(tx, "document", parties))
    })
    .await
}

async fn holder(storage: &Storage) -> Option<u128> {
    let mut reader = storage.reader().await.unwrap();
    let found = account_index::find_by_document(&mut reader, "document").await;
    found.unwrap().map(Id::to_u128)
}

async fn add_phone(storage: &Storage, number: u128, confirmed_at: Option<Instant>) -> bool {
    write(storage, move |tx| {
        let holder = PhoneHolder {
            account_id: account(number),
            confirmed_at,
            in_own_name: false,
        };
        Box::pin(account_index::add_phone(tx, "phone", 1, holder))
    })
    .await
}

async fn remove_phone(storage: &Storage, number: u128) -> bool {
    write(storage, move |tx| {
        Box::pin(account_index::remove_phone(tx, "phone", account(number)))
    })
    .await
}

async fn confirm_phone(storage: &Storage, number: u128, seconds: i64, in_own_name: bool) -> bool {
    write(storage, move |tx| {
        let confirmed = (at(seconds), in_own_name);
        Box::pin(account_index::confirm_phone(
            tx,
            "phone",
            account(number),
            confirmed,
        ))
    })
    .await
}

async fn holders(storage: &Storage) -> Vec<PhoneHolder> {
    let mut reader = storage.reader().await.unwrap();
    let found = account_index::list_holders(&mut reader, "phone").await;
    found.unwrap()
}

/// Who confirmed the phone after `since`.
async fn confirmed_since(storage: &Storage, since: i64) -> Vec<u128> {
    let mut reader = storage.reader().await.unwrap();
    let found = account_index::list_by_phone(&mut reader, "phone", at(since)).await;
    found.unwrap().into_iter().map(Id::to_u128).collect()
}

on_both! {
    async fn a_document_has_one_holder(database: &Database) {
        let storage = database.storage(&MAIN).await;
        assert_eq!(holder(&storage).await, None);
        let claims = race(16, |number| {
            let storage = storage.clone();
            async move { claim(&storage, number as u128).await }
        })
        .await;
        let winner = claims.iter().position(|&claimed| claimed).unwrap();
        assert_eq!(claims.iter().filter(|&&claimed| claimed).count(), 1);
        assert_eq!(holder(&storage).await, Some(winner as u128));
    }

    async fn of_16_who_take_a_document_over_one_gets_it(database: &Database) {
        let storage = database.storage(&MAIN).await;
        assert!(claim(&storage, 100).await);
        let taken = race(16, |number| {
            let storage = storage.clone();
            async move { transfer(&storage, 100, number as u128).await }
        })
        .await;
        let winner = taken.iter().position(|&won| won).unwrap();
        assert_eq!(taken.iter().filter(|&&won| won).count(), 1);
        assert_eq!(holder(&storage).await, Some(winner as u128));
        assert!(!transfer(&storage, 100, 101).await, "it has not got it any more");
        assert!(!claim(&storage, 101).await, "somebody has it");
    }

    async fn who_claims_and_who_takes_over_at_once_do_not_both_have_it(database: &Database) {
        let storage = database.storage(&MAIN).await;
        let won = race(16, |number| {
            let storage = storage.clone();
            async move {
                let id = number as u128;
                // Half of them claim it; the other half take it from the one before, if that won.
                if number % 2 == 0 {
                    claim(&storage, id).await
                } else {
                    transfer(&storage, id - 1, id).await
                }
            }
        })
        .await;
        let claimed = won.iter().step_by(2).filter(|&&won| won).count();
        assert_eq!(claimed, 1, "a document that is held is not free again");
        let first = won.iter().step_by(2).position(|&won| won).unwrap() * 2;
        let taken: Vec<usize> = (1..16).step_by(2).filter(|&number| won[number]).collect();
        let expected = if taken.is_empty() { first } else { first + 1 };
        assert!(taken.is_empty() || taken == [first + 1], "{taken:?} of {first}");
        assert_eq!(holder(&storage).await, Some(expected as u128));
    }

    async fn a_phone_serves_a_few_accounts(database: &Database) {
        let storage = database.storage(&MAIN).await;
        assert!(add_phone(&storage, 1, None).await);
        assert!(!add_phone(&storage, 1, Some(at(1))).await, "it has it already");
        for number in 2..=5 {
            assert!(add_phone(&storage, number, Some(at(1))).await);
        }
        assert!(!add_phone(&storage, 6, Some(at(1))).await, "five have it");
        assert_eq!(confirmed_since(&storage, 0).await, [2, 3, 4, 5], "once confirmed");
        assert!(remove_phone(&storage, 3).await);
        assert!(!remove_phone(&storage, 3).await, "it is gone");
        assert!(add_phone(&storage, 6, Some(at(1))).await, "whose place is free");
    }

    async fn of_32_accounts_with_one_phone_five_get_it(database: &Database) {
        let storage = database.storage(&MAIN).await;
        let added = race(32, |number| {
            let storage = storage.clone();
            async move { add_phone(&storage, number as u128, Some(at(1))).await }
        })
        .await;
        let count = added.iter().filter(|&&added| added).count();
        assert_eq!(count, ACCOUNTS_PER_PHONE);
        assert_eq!(holders(&storage).await.len(), ACCOUNTS_PER_PHONE);
    }

    async fn places_given_back_and_taken_at_once_stay_five(database: &Database) {
        let storage = database.storage(&MAIN).await;
        for number in 0..5 {
            assert!(add_phone(&storage, number, Some(at(1))).await);
        }
        let done = race(16, |number| {
            let storage = storage.clone();
            async move {
                if number < 5 {
                    remove_phone(&storage, number as u128).await
                } else {
                    add_phone(&storage, 100 + number as u128, Some(at(1))).await
                }
            }
        })
        .await;
        assert!(done[..5].iter().all(|&removed| removed));
        let added = done[5..].iter().filter(|&&added| added).count();
        assert_eq!(holders(&storage).await.len(), added);
        assert!(added <= ACCOUNTS_PER_PHONE, "{added}");
    }

    async fn a_confirmation_counts_from_when_it_was_made(database: &Database) {
        let storage = database.storage(&MAIN).await;
        add_phone(&storage, 1, Some(at(10))).await;
        add_phone(&storage, 2, None).await;
        assert_eq!(confirmed_since(&storage, 9).await, [1]);
        assert!(confirmed_since(&storage, 10).await.is_empty(), "just run out");
        assert!(confirm_phone(&storage, 2, 20, false).await);
        assert!(!confirm_phone(&storage, 3, 20, true).await, "it has not got it");
        assert_eq!(confirmed_since(&storage, 10).await, [2]);
    }

    async fn whose_own_it_is_stays_known(database: &Database) {
        let storage = database.storage(&MAIN).await;
        add_phone(&storage, 1, Some(at(10))).await;
        add_phone(&storage, 2, None).await;
        assert!(confirm_phone(&storage, 1, 20, true).await);
        assert!(confirm_phone(&storage, 1, 30, false).await, "by a code alone");
        let holder = |number, confirmed_at, in_own_name| PhoneHolder {
            account_id: account(number),
            confirmed_at,
            in_own_name,
        };
        let expected = [holder(1, Some(at(30)), true), holder(2, None, false)];
        assert_eq!(holders(&storage).await, expected);
    }
}
