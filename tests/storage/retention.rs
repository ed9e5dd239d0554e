//! Counts are kept for as long as they are to be, and no longer.

use std::time::Duration;

use tongxing::domain::id::{Id, WriterId};
use tongxing::ledger::usage::{Retention, UsageKind};
use tongxing::storage::migrations::MAIN;
use tongxing::storage::usage::{self, Disclosure};

use crate::accounts::{account, write};
use crate::harness::{Database, on_both};
use crate::ledger::House;

const WRITER: WriterId = Id::from_u128(1);
const DAY: u64 = 24 * 3600;

on_both! {
    async fn at_most_five_hundred_counts_are_deleted_at_once(database: &Database) {
        let storage = database.storage(&MAIN).await;
        write(&storage, |tx| {
            Box::pin(async move {
                for number in 0..700 {
                    usage::add_minute(tx, WRITER, (number, "portal", "refresh"), 1).await?;
                    let disclosure = Disclosure {
                        day: number,
                        account_id: String::new(),
                        client_id: "portal".to_owned(),
                        claims: "name".to_owned(),
                        count: 1,
                    };
                    usage::add_day(tx, WRITER, &disclosure).await?;
                }
                Ok(())
            })
        })
        .await;
        for expected in [500, 100, 0] {
            let deleted = write(&storage, |tx| {
                Box::pin(async move {
                    let minutes = usage::delete_old_minutes(tx, 600).await?;
                    Ok((minutes, usage::delete_old_days(tx, 600).await?))
                })
            })
            .await;
            assert_eq!(deleted, (expected, expected));
        }
    }

    async fn counts_are_kept_as_long_as_they_are_to_be(database: &Database) {
        let house = House::new(database).await;
        let ledger = house.process();
        let retention = Retention {
            clients: Duration::from_secs(30 * DAY),
            disclosures: Duration::from_secs(1100 * DAY),
        };
        let count = async || {
            ledger.usage().count("portal", UsageKind::Refresh, ledger.now());
            ledger.usage().count_read(account(7), "portal", "name", ledger.now());
            ledger.flush_usage().await.unwrap();
        };
        let left = async || {
            let minutes = house.count("SELECT COUNT(*) AS n FROM usage_minutes").await;
            (minutes, house.count("SELECT COUNT(*) AS n FROM usage_days").await)
        };
        count().await;
        house.pass(30 * DAY);
        count().await;
        assert_eq!(ledger.sweep_usage(retention).await.unwrap(), 0);
        house.pass(60);
        assert_eq!(ledger.sweep_usage(retention).await.unwrap(), 2);
        assert_eq!(left().await, (2, 2));
        house.pass(1070 * DAY);
        assert_eq!(ledger.sweep_usage(retention).await.unwrap(), 2);
        assert_eq!(left().await, (0, 2));
        house.pass(DAY);
        assert_eq!(ledger.sweep_usage(retention).await.unwrap(), 1);
        assert_eq!(left().await, (0, 1));
    }
}
