//! Challenges, query by query: of many at once as many are let pass as may, and never one more.

use tongxing::domain::challenge::{ChallengeOutcome, ChallengePurpose};
use tongxing::domain::id::{ChallengeId, Id};
use tongxing::storage::challenges::{
    CHECKS_PER_CHALLENGE, NewChallenge, StoredChallenge, TRIES_PER_CODE,
};
use tongxing::storage::migrations::MAIN;
use tongxing::storage::{Storage, challenges};

use crate::accounts::{at, write};
use crate::harness::{Database, on_both, race};

/// The code holds until 600, the challenge until 1800.
fn new(number: u128) -> NewChallenge {
    NewChallenge {
        id: id(number),
        purpose: ChallengePurpose::Registration,
        draft: "sealed".to_owned(),
        code_tag: "right".to_owned(),
        code_expires_at: at(600),
        created_at: at(0),
        expires_at: at(1800),
    }
}

fn id(number: u128) -> ChallengeId {
    Id::from_u128(number)
}

/// A database with challenge 1 in it.
async fn begun(database: &Database) -> Storage {
    let storage = database.storage(&MAIN).await;
    insert(&storage, 1).await;
    storage
}

async fn insert(storage: &Storage, number: u128) {
    write(storage, move |tx| {
        Box::pin(async move { challenges::insert(tx, &new(number)).await })
    })
    .await;
}

async fn stored(storage: &Storage) -> StoredChallenge {
    let mut reader = storage.reader().await.unwrap();
    let found = challenges::find(&mut reader, id(1)).await;
    found.unwrap().unwrap()
}

async fn take_try(storage: &Storage, seconds: i64) -> bool {
    write(storage, move |tx| {
        Box::pin(challenges::take_try(tx, id(1), at(seconds)))
    })
    .await
}

async fn confirm(storage: &Storage, tag: &'static str, seconds: i64) -> bool {
    write(storage, move |tx| {
        Box::pin(challenges::confirm(tx, id(1), tag, at(seconds)))
    })
    .await
}

async fn renew(storage: &Storage, tag: &'static str, seconds: i64) -> bool {
    write(storage, move |tx| {
        let times = (at(seconds), at(seconds + 600));
        Box::pin(challenges::renew_code(tx, id(1), tag, times))
    })
    .await
}

async fn finish(storage: &Storage, outcome: ChallengeOutcome, seconds: i64) -> bool {
    write(storage, move |tx| {
        Box::pin(challenges::finish(tx, id(1), outcome, at(seconds)))
    })
    .await
}

async fn take_check(storage: &Storage, seconds: i64) -> bool {
    write(storage, move |tx| {
        let span = (at(seconds), at(seconds + 90));
        Box::pin(challenges::take_check(tx, id(1), span))
    })
    .await
    .is_some()
}

fn count(won: &[bool]) -> usize {
    won.iter().filter(|&&won| won).count()
}

on_both! {
    async fn a_challenge_comes_back_as_it_was_stored(database: &Database) {
        let storage = begun(database).await;
        let found = stored(&storage).await;
        assert_eq!(found.purpose, ChallengePurpose::Registration);
        assert_eq!((found.draft.as_str(), found.code_tag.as_str()), ("sealed", "right"));
        assert_eq!((found.code_expires_at, found.expires_at), (at(600), at(1800)));
        assert_eq!((found.tries, found.confirmed_at, found.outcome), (0, None, None));
        let mut reader = storage.reader().await.unwrap();
        assert!(challenges::find(&mut reader, id(2)).await.unwrap().is_none());
    }

    async fn of_32_tries_at_a_code_at_most_five_are_compared(database: &Database) {
        let storage = begun(database).await;
        let compared = race(32, |_| {
            let storage = storage.clone();
            async move { take_try(&storage, 10).await }
        })
        .await;
        assert_eq!(count(&compared), TRIES_PER_CODE as usize);
        assert_eq!(stored(&storage).await.tries, TRIES_PER_CODE);
    }

    async fn of_32_who_try_and_compare_at_once_one_is_right(database: &Database) {
        let storage = begun(database).await;
        // Every one of them has the right code; a wrong one costs a try and confirms nothing.
        let confirmed = race(32, |number| {
            let storage = storage.clone();
            async move {
                write(&storage, move |tx| {
                    Box::pin(async move {
                        let tag = if number % 4 == 0 { "wrong" } else { "right" };
                        Ok(challenges::take_try(tx, id(1), at(10)).await?
                            && challenges::confirm(tx, id(1), tag, at(10)).await?)
                    })
                })
                .await
            }
        })
        .await;
        assert!(count(&confirmed) <= 1, "five wrong ones may have come first");
        let found = stored(&storage).await;
        assert_eq!(found.confirmed_at.is_some(), count(&confirmed) == 1);
        assert!(found.tries <= TRIES_PER_CODE);
    }

    async fn of_16_confirmations_one_wins(database: &Database) {
        let storage = begun(database).await;
        assert!(!confirm(&storage, "wrong", 10).await);
        assert!(!confirm(&storage, "right", 1800).await, "it is over");
        let confirmed = race(16, |_| {
            let storage = storage.clone();
            async move { confirm(&storage, "right", 10).await }
        })
        .await;
        assert_eq!(count(&confirmed), 1);
        assert_eq!(stored(&storage).await.confirmed_at, Some(at(10)));
        assert!(!take_try(&storage, 11).await, "nothing is to be tried any more");
        assert!(!renew(&storage, "another", 11).await, "a code came back");
    }

    async fn of_16_finishes_one_wins(database: &Database) {
        let storage = begun(database).await;
        assert!(!finish(&storage, ChallengeOutcome::Done, 10).await, "no code came back");
        assert!(confirm(&storage, "right", 10).await);
        assert!(!finish(&storage, ChallengeOutcome::Done, 1800).await, "it is over");
        let finished = race(16, |number| {
            let storage = storage.clone();
            async move { finish(&storage, ChallengeOutcome::ALL[number % 7], 20).await }
        })
        .await;
        assert_eq!(count(&finished), 1);
        let winner = finished.iter().position(|&won| won).unwrap();
        let found = stored(&storage).await;
        assert_eq!(found.outcome, Some(ChallengeOutcome::ALL[winner % 7]));
        assert_eq!(found.draft, "", "what was typed is gone");
        assert!(!take_try(&storage, 21).await);
        assert!(!confirm(&storage, "right", 21).await);
        assert!(!renew(&storage, "another", 21).await);
    }

    async fn of_16_who_would_ask_the_authority_one_does(database: &Database) {
        let storage = begun(database).await;
        assert!(!take_check(&storage, 10).await, "its code has not come back");
        assert!(confirm(&storage, "right", 10).await);
        let taken = race(16, |_| {
            let storage = storage.clone();
            async move { take_check(&storage, 20).await }
        })
        .await;
        assert_eq!(count(&taken), 1);
        assert_eq!(stored(&storage).await.checking_until, Some(at(110)));
        assert!(take_check(&storage, 110).await, "whoever died at it has no more time");
        write(&storage, |tx| Box::pin(challenges::return_check(tx, id(1)))).await;
        assert_eq!(stored(&storage).await.checking_until, None);
        for _ in 2..CHECKS_PER_CHALLENGE {
            assert!(take_check(&storage, 120).await);
            write(&storage, |tx| Box::pin(challenges::return_check(tx, id(1)))).await;
        }
        assert!(!take_check(&storage, 120).await, "often enough");
    }

    async fn a_code_holds_for_its_time(database: &Database) {
        let storage = begun(database).await;
        assert!(take_try(&storage, 599).await);
        assert!(!take_try(&storage, 600).await, "it came too late");
        assert!(renew(&storage, "another", 700).await);
        assert!(take_try(&storage, 700).await);
        assert!(!confirm(&storage, "right", 700).await, "the first code is worth nothing now");
        assert!(confirm(&storage, "another", 700).await);
    }

    async fn a_new_code_has_all_its_tries(database: &Database) {
        let storage = begun(database).await;
        for _ in 0..TRIES_PER_CODE {
            assert!(take_try(&storage, 10).await);
        }
        assert!(!take_try(&storage, 10).await);
        assert!(renew(&storage, "another", 11).await);
        let found = stored(&storage).await;
        assert_eq!((found.tries, found.code_expires_at), (0, at(611)));
        assert!(take_try(&storage, 12).await);
        assert!(!renew(&storage, "third", 1800).await, "the challenge is over");
    }

    async fn what_is_over_is_swept(database: &Database) {
        let storage = begun(database).await;
        insert(&storage, 2).await;
        let sweep = async |before| {
            write(&storage, move |tx| Box::pin(challenges::delete_expired(tx, at(before)))).await
        };
        assert_eq!(sweep(1800).await, 0);
        assert_eq!(sweep(1801).await, 2);
        assert_eq!(sweep(1801).await, 0);
    }
}
