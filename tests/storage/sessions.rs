//! What a login leaves behind, query by query: sessions, subjects, grants, authorizations.

use std::collections::BTreeSet;

use tongxing::domain::account::AccountStatus;
use tongxing::domain::authentication::{AuthenticationMethod, AuthenticationMethods};
use tongxing::domain::authorization::{Authorization, AuthorizationDetails};
use tongxing::domain::check::{Check, CheckLabel, CheckMethod, CheckResult};
use tongxing::domain::client::ClientStatus;
use tongxing::domain::grant::Grant;
use tongxing::domain::id::{AuthorizationId, GrantId, Id, SessionId};
use tongxing::domain::session::Session;
use tongxing::protocol::acr::{Aal, Acr, Ial};
use tongxing::protocol::claims_request::Claim;
use tongxing::storage::Storage;
use tongxing::storage::authorizations::StoredAuthorization;
use tongxing::storage::migrations::MAIN;
use tongxing::storage::{accounts, authorizations, checks, grants, sessions, subjects};

use crate::accounts::{
    account, add_account, add_client, at, client_id, move_account, move_client, new_check, write,
};
use crate::harness::{Database, on_both, race};

fn session(number: u128) -> Session {
    Session {
        account_id: account(1),
        id: Id::from_u128(number),
        methods: AuthenticationMethods::of(AuthenticationMethod::Password),
        authenticated_at: at(10),
        expires_at: at(100),
    }
}

async fn add_session(storage: &Storage, number: u128) -> bool {
    write(storage, move |tx| {
        Box::pin(async move {
            sessions::insert(
                tx,
                &session(number),
                "secret",
                (Some("Chrome · Android"), 0),
            )
            .await
        })
    })
    .await
}

fn check() -> Check {
    Check {
        method: CheckMethod::Counter,
        authority: CheckLabel::parse("authority").unwrap(),
        transaction: CheckLabel::parse("transaction").unwrap(),
        result: CheckResult::Match,
        performed_at: at(1),
        expires_at: None,
    }
}

async fn end_session(storage: &Storage, number: u128) -> bool {
    write(storage, move |tx| {
        Box::pin(sessions::end(
            tx,
            account(1),
            SessionId::from_u128(number),
            at(50),
        ))
    })
    .await
}

/// Gives a grant; the identifier that stands afterwards.
async fn give(storage: &Storage, number: u128) -> GrantId {
    let grant = Grant {
        id: Id::from_u128(number),
        scope: "openid profile".parse().unwrap(),
        claims: BTreeSet::from([Claim::Name, Claim::Email]),
        terms: format!("terms {number}"),
        granted_at: at(20),
    };
    give_grant(storage, grant).await
}

async fn give_grant(storage: &Storage, grant: Grant) -> GrantId {
    write(storage, move |tx| {
        let grant = grant.clone();
        Box::pin(async move { grants::give(tx, account(1), &client_id("portal"), &grant).await })
    })
    .await
}

async fn withdraw(storage: &Storage) -> Option<GrantId> {
    write(storage, |tx| {
        Box::pin(async move { grants::revoke(tx, account(1), &client_id("portal"), at(60)).await })
    })
    .await
}

async fn standing(storage: &Storage) -> Option<Grant> {
    let mut reader = storage.reader().await.unwrap();
    let key = (account(1), SessionId::from_u128(1));
    let found = sessions::find_for_client(&mut reader, key, "portal", "sector").await;
    found.unwrap().unwrap().grant
}

fn authorization(number: u128) -> Authorization {
    Authorization {
        account_id: account(1),
        id: Id::from_u128(number),
        client_id: client_id("portal"),
        session_id: Id::from_u128(1),
        grant_id: Id::from_u128(1),
        subject: "subject".to_owned(),
        scope: "openid".parse().unwrap(),
        details: AuthorizationDetails {
            auth_time: at(10),
            acr: Acr::Authentication(Aal::One),
            methods: AuthenticationMethods::of(AuthenticationMethod::Password),
            ial: Some(Ial::Two),
            userinfo_claims: vec![Claim::Name],
            id_token_claims: vec![],
        },
        issued_at: at(30),
        expires_at: at(90),
        refresh_count: Some(0),
    }
}

async fn redeem(storage: &Storage, number: u128) -> bool {
    write(storage, move |tx| {
        Box::pin(async move { authorizations::redeem(tx, &authorization(number), at(30)).await })
    })
    .await
}

/// A code is redeemed in a session by a client, with nothing to refresh.
async fn enter(storage: &Storage, (number, session): (u128, u128), client: &'static str) -> bool {
    let entered = Authorization {
        client_id: client_id(client),
        session_id: Id::from_u128(session),
        subject: format!("subject at {client}"),
        refresh_count: None,
        ..authorization(number)
    };
    write(storage, move |tx| {
        let entered = entered.clone();
        Box::pin(async move { authorizations::redeem(tx, &entered, at(30)).await })
    })
    .await
}

/// The sessions that ended at a time, with the clients entered in them.
async fn entered(storage: &Storage, ended_at: i64) -> Vec<(u128, String, String)> {
    let mut reader = storage.reader().await.unwrap();
    let entered = authorizations::list_entered(&mut reader, account(1), at(ended_at)).await;
    let entered = entered.unwrap().into_iter();
    entered
        .map(|one| {
            let client = one.client_id.as_str().to_owned();
            (one.session_id.to_u128(), client, one.subject)
        })
        .collect()
}

async fn found(storage: &Storage, number: u128) -> Option<StoredAuthorization> {
    let mut reader = storage.reader().await.unwrap();
    let key = (account(1), AuthorizationId::from_u128(number));
    let found = authorizations::find(&mut reader, key.0, key.1)
        .await
        .unwrap();
    let with_profile = authorizations::find_with_profile(&mut reader, key.0, key.1)
        .await
        .unwrap();
    // The profile comes along, and nothing else is different.
    if let Some((stored, sealed)) = &with_profile {
        let account = accounts::find(&mut reader, key.0).await.unwrap();
        assert_eq!(*sealed, account.unwrap().sealed);
        assert_eq!(
            format!("{stored:?}"),
            format!("{:?}", found.as_ref().unwrap())
        );
    }
    assert_eq!(with_profile.is_some(), found.is_some());
    found
}

async fn rotate(storage: &Storage, number: u128, count: u32) -> bool {
    write(storage, move |tx| {
        let id = AuthorizationId::from_u128(number);
        Box::pin(authorizations::rotate_refresh(
            tx,
            account(1),
            id,
            count,
            at(40),
        ))
    })
    .await
}

/// Account 1 with session 1 and grant 1 for the client `portal`.
async fn logged_in(database: &Database) -> Storage {
    let storage = database.storage(&MAIN).await;
    add_account(&storage, 1).await;
    assert!(add_client(&storage, "portal").await);
    assert!(add_session(&storage, 1).await);
    assert_eq!(give(&storage, 1).await, Id::from_u128(1));
    storage
}

const FROZEN: (AccountStatus, AccountStatus) = (AccountStatus::Active, AccountStatus::Frozen);

on_both! {
    async fn a_session_comes_back_until_it_ends(database: &Database) {
        let storage = logged_in(database).await;
        let mut reader = storage.reader().await.unwrap();
        let stored = sessions::find(&mut reader, account(1), Id::from_u128(1)).await.unwrap().unwrap();
        assert_eq!(stored.session.methods, session(1).methods);
        assert_eq!((stored.session.authenticated_at, stored.session.expires_at), (at(10), at(100)));
        assert_eq!((stored.secret_hash.as_str(), stored.ended_at), ("secret", None));
        assert!(end_session(&storage, 1).await);
        assert!(!end_session(&storage, 1).await, "it has ended");
        let ended = sessions::find(&mut reader, account(1), Id::from_u128(1)).await.unwrap();
        assert_eq!(ended.unwrap().ended_at, Some(at(50)));
    }

    async fn a_frozen_account_gets_no_session(database: &Database) {
        let storage = logged_in(database).await;
        assert!(move_account(&storage, 1, FROZEN.0, FROZEN.1).await);
        assert!(!add_session(&storage, 2).await);
        let mut reader = storage.reader().await.unwrap();
        let stored = sessions::find(&mut reader, account(1), Id::from_u128(1)).await.unwrap();
        assert!(!stored.unwrap().is_supported);
    }

    async fn what_is_written_beside_the_end_of_all_access_is_void(database: &Database) {
        let storage = logged_in(database).await;
        assert!(redeem(&storage, 5).await);
        // Its password was looked at before, and its row is written after.
        let begun = write(&storage, |tx| Box::pin(accounts::raise_epoch(tx, account(1)))).await;
        assert_eq!(begun, 1);
        assert!(!add_session(&storage, 2).await, "by a proof of before");
        assert!(!redeem(&storage, 6).await, "in a session of before");
        assert!(!found(&storage, 5).await.unwrap().holds(at(31)));
        let mut reader = storage.reader().await.unwrap();
        let stored = sessions::find(&mut reader, account(1), Id::from_u128(1)).await.unwrap();
        let stored = stored.unwrap();
        assert!(stored.ended_at.is_none() && !stored.is_supported, "unseen, and void");
        assert!(sessions::list_live(&mut reader, account(1), at(31)).await.unwrap().is_empty());
        let renewed = write(&storage, |tx| {
            Box::pin(async move { sessions::renew(tx, &session(1), "another", 0).await })
        });
        assert!(!renewed.await);
        let anew = write(&storage, |tx| {
            Box::pin(async move { sessions::insert(tx, &session(3), "secret", (None, 1)).await })
        });
        assert!(anew.await, "by a proof of now");
    }

    async fn only_a_live_session_is_renewed(database: &Database) {
        let storage = logged_in(database).await;
        let renew = async |expires_at| {
            write(&storage, move |tx| {
                Box::pin(async move {
                    let session = Session { expires_at, ..session(1) };
                    sessions::renew(tx, &session, "another", 0).await
                })
            })
            .await
        };
        assert!(renew(at(200)).await);
        let mut reader = storage.reader().await.unwrap();
        let stored = sessions::find(&mut reader, account(1), Id::from_u128(1)).await.unwrap().unwrap();
        assert_eq!((stored.session.expires_at, stored.secret_hash.as_str()), (at(200), "another"));
        end_session(&storage, 1).await;
        assert!(!renew(at(300)).await);
    }

    async fn all_sessions_of_an_account_end_at_once(database: &Database) {
        let storage = logged_in(database).await;
        add_session(&storage, 2).await;
        end_session(&storage, 1).await;
        add_session(&storage, 3).await;
        let ended = write(&storage, |tx| Box::pin(sessions::end_all(tx, account(1), at(51)))).await;
        assert_eq!(ended, 2);
    }

    async fn the_oldest_give_way_to_more_than_so_many(database: &Database) {
        let storage = logged_in(database).await;
        for number in 2..=5 {
            add_session(&storage, number).await;
        }
        let beyond = async || {
            let mut reader = storage.reader().await.unwrap();
            let beyond = sessions::list_beyond(&mut reader, account(1), 3).await.unwrap();
            beyond.iter().map(|id| id.to_u128()).collect::<Vec<_>>()
        };
        assert_eq!(beyond().await, [1, 2]);
        end_session(&storage, 1).await;
        assert_eq!(beyond().await, [2], "who has gone takes no place");
    }

    async fn live_sessions_are_listed_the_latest_first(database: &Database) {
        let storage = logged_in(database).await;
        add_session(&storage, 2).await;
        add_session(&storage, 3).await;
        write(&storage, |tx| {
            Box::pin(async move {
                let later = Session { authenticated_at: at(20), ..session(3) };
                sessions::renew(tx, &later, "another", 0).await
            })
        })
        .await;
        end_session(&storage, 2).await;
        let mut reader = storage.reader().await.unwrap();
        let live = sessions::list_live(&mut reader, account(1), at(99)).await.unwrap();
        let listed: Vec<_> = live.iter().map(|one| (one.id.to_u128(), one.authenticated_at)).collect();
        assert_eq!(listed, [(3, at(20)), (1, at(10))]);
        assert_eq!(live[0].device.as_deref(), Some("Chrome · Android"));
        assert!(sessions::list_live(&mut reader, account(1), at(100)).await.unwrap().is_empty());
        assert!(sessions::list_live(&mut reader, account(2), at(99)).await.unwrap().is_empty());
    }

    async fn what_was_given_to_whom_is_listed(database: &Database) {
        let storage = logged_in(database).await;
        let list = async || {
            let mut reader = storage.reader().await.unwrap();
            let given = grants::list(&mut reader, account(1)).await.unwrap();
            given.into_iter().map(|(client, grant)| (client, grant.id)).collect::<Vec<_>>()
        };
        assert_eq!(list().await, [(client_id("portal"), Id::from_u128(1))]);
        let withdrawn = write(&storage, |tx| Box::pin(grants::revoke_all(tx, account(1), at(60)))).await;
        assert_eq!(withdrawn, 1);
        assert!(list().await.is_empty());
        assert!(standing(&storage).await.is_none());
        let again = write(&storage, |tx| Box::pin(grants::revoke_all(tx, account(1), at(61)))).await;
        assert_eq!(again, 0);
        give(&storage, 4).await;
        assert_eq!(list().await, [(client_id("portal"), Id::from_u128(4))]);
    }

    async fn sessions_are_swept_when_they_have_expired(database: &Database) {
        let storage = logged_in(database).await;
        let sweep = async |before| {
            write(&storage, move |tx| Box::pin(sessions::delete_expired(tx, before))).await
        };
        assert_eq!(sweep(at(100)).await, 0);
        assert_eq!(sweep(at(101)).await, 1);
    }

    async fn one_read_finds_session_grant_subject_and_checks(database: &Database) {
        let storage = logged_in(database).await;
        for subject in ["first", "second"] {
            write(&storage, move |tx| {
                Box::pin(subjects::insert(tx, account(1), "sector", subject))
            })
            .await;
        }
        for number in [7, 8] {
            write(&storage, move |tx| {
                Box::pin(async move {
                    checks::insert(tx, account(1), &new_check(number, check())).await
                })
            })
            .await;
        }
        let mut reader = storage.reader().await.unwrap();
        let key = (account(1), SessionId::from_u128(1));
        let whole = sessions::find_for_client(&mut reader, key, "portal", "sector")
            .await
            .unwrap()
            .unwrap();
        assert_eq!(whole.subject.as_deref(), Some("first"), "the stored subject wins");
        assert_eq!(whole.grant.unwrap().id, Id::from_u128(1));
        assert_eq!(whole.checks, [check(), check()]);
        let other = sessions::find_for_client(&mut reader, key, "other", "elsewhere")
            .await
            .unwrap()
            .unwrap();
        assert!(other.subject.is_none() && other.grant.is_none());
        assert_eq!(other.checks.len(), 2);
        let subject = subjects::find(&mut reader, account(1), "sector").await.unwrap();
        assert_eq!(subject.as_deref(), Some("first"));
    }

    async fn a_standing_grant_keeps_its_identifier(database: &Database) {
        let storage = logged_in(database).await;
        assert_eq!(give(&storage, 2).await, Id::from_u128(1));
        let grant = standing(&storage).await.unwrap();
        assert_eq!((grant.terms.as_str(), grant.granted_at), ("terms 2", at(20)));
        assert_eq!(grant.claims, BTreeSet::from([Claim::Name, Claim::Email]));
        assert_eq!(grant.scope, "openid profile".parse().unwrap());
        assert_eq!(withdraw(&storage).await, Some(Id::from_u128(1)));
        assert_eq!(withdraw(&storage).await, None, "it was withdrawn");
        assert!(standing(&storage).await.is_none());
        assert_eq!(give(&storage, 3).await, Id::from_u128(3), "a new grant has a new one");
    }

    async fn what_many_tabs_allow_at_once_adds_up(database: &Database) {
        let storage = logged_in(database).await;
        assert!(withdraw(&storage).await.is_some());
        let claims = Claim::ALL;
        let given = race(claims.len(), |tab| {
            let storage = storage.clone();
            async move {
                let grant = Grant {
                    id: Id::from_u128(100 + tab as u128),
                    scope: "openid".parse().unwrap(),
                    claims: BTreeSet::from([claims[tab]]),
                    terms: "terms".to_owned(),
                    granted_at: at(20),
                };
                give_grant(&storage, grant).await
            }
        })
        .await;
        let grant = standing(&storage).await.unwrap();
        assert_eq!(grant.claims, claims.iter().copied().collect());
        assert!(given.iter().all(|&id| id == grant.id), "one grant, whoever made it");
    }

    async fn of_32_redemptions_of_a_code_one_wins(database: &Database) {
        let storage = logged_in(database).await;
        let redeemed = race(32, |_| {
            let storage = storage.clone();
            async move { redeem(&storage, 5).await }
        })
        .await;
        assert_eq!(redeemed.iter().filter(|&&won| won).count(), 1);
        let stored = found(&storage, 5).await.unwrap();
        assert_eq!(stored.authorization.details, authorization(5).details);
        assert_eq!(stored.authorization.refresh_count, Some(0));
        assert!(stored.holds(at(89)) && !stored.holds(at(90)));
    }

    async fn a_code_is_worth_nothing_after_freeze_withdrawal_or_suspension(database: &Database) {
        let storage = logged_in(database).await;
        assert!(move_client(&storage, "portal", ClientStatus::Suspended).await);
        assert!(!redeem(&storage, 5).await);
        assert!(move_client(&storage, "portal", ClientStatus::Active).await);
        assert!(move_account(&storage, 1, FROZEN.0, FROZEN.1).await);
        assert!(!redeem(&storage, 5).await);
        assert!(move_account(&storage, 1, FROZEN.1, FROZEN.0).await);
        assert!(withdraw(&storage).await.is_some());
        assert!(!redeem(&storage, 5).await);
        give(&storage, 3).await;
        assert!(!redeem(&storage, 5).await, "it rests on the grant that was withdrawn");
        assert!(found(&storage, 5).await.is_none());
    }

    async fn a_session_that_ended_redeems_nothing(database: &Database) {
        let storage = logged_in(database).await;
        end_session(&storage, 1).await;
        assert!(!redeem(&storage, 5).await);
    }

    async fn whoever_was_entered_in_ended_sessions_is_found_once(database: &Database) {
        let storage = logged_in(database).await;
        assert!(add_client(&storage, "another").await);
        let grant = Grant {
            id: Id::from_u128(1),
            scope: "openid".parse().unwrap(),
            claims: BTreeSet::new(),
            terms: "terms".to_owned(),
            granted_at: at(20),
        };
        write(&storage, move |tx| {
            let grant = grant.clone();
            Box::pin(async move { grants::give(tx, account(1), &client_id("another"), &grant).await })
        })
        .await;
        add_session(&storage, 2).await;
        add_session(&storage, 3).await;
        for (number, session, client) in
            [(5, 1, "portal"), (6, 1, "portal"), (7, 1, "another"), (8, 2, "portal"), (9, 3, "portal")]
        {
            assert!(enter(&storage, (number, session), client).await);
        }
        let one = |session: u128, client: &str| {
            (session, client.to_owned(), format!("subject at {client}"))
        };
        assert_eq!(entered(&storage, 50).await, []);
        // Two sessions of one account that end within one millisecond are found together.
        assert!(end_session(&storage, 1).await && end_session(&storage, 3).await);
        let expected = [one(1, "another"), one(1, "portal"), one(3, "portal")];
        assert_eq!(entered(&storage, 50).await, expected);
        assert_eq!(entered(&storage, 51).await, [], "that of another moment goes on");
        // That everything is revoked as well hides nobody.
        write(&storage, |tx| Box::pin(sessions::end_all(tx, account(1), at(51)))).await;
        write(&storage, |tx| Box::pin(authorizations::revoke_all(tx, account(1), at(51)))).await;
        assert_eq!(entered(&storage, 51).await, [one(2, "portal")]);
        assert_eq!(entered(&storage, 50).await, expected);
    }

    async fn what_does_not_refresh_is_kept_as_long_as_its_session(database: &Database) {
        let storage = logged_in(database).await;
        let kept = async |number| {
            let stored = found(&storage, number).await.unwrap();
            stored.authorization.expires_at
        };
        assert!(enter(&storage, (5, 1), "portal").await);
        assert!(redeem(&storage, 6).await);
        assert_eq!((kept(5).await, kept(6).await), (at(100), at(90)));
        // And longer when that is renewed.
        let keep = async |expires_at| {
            write(&storage, move |tx| {
                Box::pin(async move {
                    let session = Session { expires_at, ..session(1) };
                    authorizations::keep_with_session(tx, &session).await
                })
            })
            .await
        };
        assert_eq!(keep(at(200)).await, 1);
        assert_eq!(keep(at(150)).await, 0, "never shorter");
        assert_eq!((kept(5).await, kept(6).await), (at(200), at(90)));
        let swept = write(&storage, |tx| Box::pin(authorizations::delete_expired(tx, at(199)))).await;
        assert_eq!(swept, 1);
        end_session(&storage, 1).await;
        assert_eq!(entered(&storage, 50).await.len(), 1);
    }

    async fn an_authorization_falls_with_its_grant(database: &Database) {
        let storage = logged_in(database).await;
        assert!(redeem(&storage, 5).await);
        assert!(found(&storage, 5).await.unwrap().holds(at(31)));
        withdraw(&storage).await;
        assert!(!found(&storage, 5).await.unwrap().holds(at(31)));
        give(&storage, 3).await;
        assert!(!found(&storage, 5).await.unwrap().holds(at(31)), "the new grant is another");
    }

    async fn of_16_rotations_at_one_count_one_wins(database: &Database) {
        let storage = logged_in(database).await;
        redeem(&storage, 5).await;
        let rotated = race(16, |_| {
            let storage = storage.clone();
            async move { rotate(&storage, 5, 0).await }
        })
        .await;
        assert_eq!(rotated.iter().filter(|&&won| won).count(), 1);
        let stored = found(&storage, 5).await.unwrap();
        assert_eq!((stored.authorization.refresh_count, stored.rotated_at), (Some(1), Some(at(40))));
        assert!(rotate(&storage, 5, 1).await);
    }

    async fn all_authorizations_of_an_account_are_revoked_at_once(database: &Database) {
        let storage = logged_in(database).await;
        for number in 5..=7 {
            assert!(redeem(&storage, number).await);
        }
        let revoke = async |seconds| {
            write(&storage, move |tx| {
                Box::pin(authorizations::revoke_all(tx, account(1), at(seconds)))
            })
            .await
        };
        assert_eq!(revoke(40).await, 3);
        assert_eq!(revoke(41).await, 0);
        assert_eq!(found(&storage, 6).await.unwrap().revoked_at, Some(at(40)));
    }

    async fn a_revoked_authorization_does_not_rotate(database: &Database) {
        let storage = logged_in(database).await;
        redeem(&storage, 5).await;
        let revoke = async || {
            write(&storage, |tx| {
                Box::pin(authorizations::revoke(tx, account(1), Id::from_u128(5), at(45)))
            })
            .await
        };
        assert!(revoke().await);
        assert!(!revoke().await, "it was revoked");
        assert!(!rotate(&storage, 5, 0).await);
        assert!(!found(&storage, 5).await.unwrap().holds(at(46)));
        assert!(!redeem(&storage, 5).await, "its row still stops the code");
    }

    async fn authorizations_are_swept_when_they_have_expired(database: &Database) {
        let storage = logged_in(database).await;
        redeem(&storage, 5).await;
        let sweep = async |before| {
            write(&storage, move |tx| Box::pin(authorizations::delete_expired(tx, before))).await
        };
        assert_eq!(sweep(at(90)).await, 0);
        assert_eq!(sweep(at(91)).await, 1);
        assert!(found(&storage, 5).await.is_none());
    }
}
