//! What is counted rather than recorded: refreshes, client credentials, introspection, reads.
//!
//! Counted in memory, in shards so that requests do not wait for each other, and written out every
//! few seconds. Memory is bounded: past the bound, what could be told apart no longer is, but
//! nothing is lost to the count. A process that dies loses its last seconds.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hash};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::Ledger;
use super::audit::lock;
use crate::domain::id::{AccountId, WriterId};
use crate::domain::instant::Instant;
use crate::storage::usage::{self, Disclosure};
use crate::storage::{Error, SWEEP_LIMIT, Storage};

const SHARDS: usize = 16;
/// Rows that a shard holds between two flushes.
const ROWS: usize = 4_096;
/// Rows written in one transaction.
const PAGE: usize = 500;
/// Stands for clients beyond the bound.
const OTHERS: &str = "";
const MINUTE: i64 = 60;
const DAY: i64 = 24 * 60 * MINUTE;

/// What a client did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum UsageKind {
    /// Exchanged a refresh token.
    Refresh,
    /// Got a token by client credentials.
    ClientCredentials,
    /// Asked what a token is worth.
    Introspection,
    /// Read claims.
    Userinfo,
}

impl UsageKind {
    /// The stored name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Refresh => "refresh",
            Self::ClientCredentials => "client_credentials",
            Self::Introspection => "introspection",
            Self::Userinfo => "userinfo",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Row {
    Minute {
        minute: i64,
        client: Arc<str>,
        kind: UsageKind,
    },
    Day {
        day: i64,
        account: Option<AccountId>,
        client: Arc<str>,
        claims: Arc<str>,
    },
}

impl Row {
    /// The row that stands for this one when memory is full.
    fn folded(&self) -> Self {
        match self {
            Self::Minute { minute, kind, .. } => Self::Minute {
                minute: *minute,
                client: OTHERS.into(),
                kind: *kind,
            },
            Self::Day { day, .. } => Self::Day {
                day: *day,
                account: None,
                client: OTHERS.into(),
                claims: OTHERS.into(),
            },
        }
    }
}

/// The counters of a process.
#[derive(Debug)]
pub struct Usage {
    shards: [Mutex<HashMap<Row, i64>>; SHARDS],
    hasher: RandomState,
}

impl Default for Usage {
    fn default() -> Self {
        Self {
            shards: std::array::from_fn(|_| Mutex::default()),
            hasher: RandomState::new(),
        }
    }
}

impl Usage {
    /// A client did something.
    pub fn count(&self, client_id: &str, kind: UsageKind, now: Instant) {
        self.add(
            Row::Minute {
                minute: now.as_seconds().div_euclid(MINUTE),
                client: client_id.into(),
                kind,
            },
            1,
        );
    }

    /// A client read claims of an account; `claims` are their names.
    pub fn count_read(&self, account: AccountId, client_id: &str, claims: &str, now: Instant) {
        self.count(client_id, UsageKind::Userinfo, now);
        self.add(
            Row::Day {
                day: now.as_seconds().div_euclid(DAY),
                account: Some(account),
                client: client_id.into(),
                claims: claims.into(),
            },
            1,
        );
    }

    fn add(&self, row: Row, count: i64) {
        let index = usize::try_from(self.hasher.hash_one(&row)).unwrap_or(0) % SHARDS;
        let Some(shard) = self.shards.get(index) else {
            return;
        };
        let mut rows = lock(shard);
        let row = if rows.len() < ROWS || rows.contains_key(&row) {
            row
        } else {
            row.folded()
        };
        *rows.entry(row).or_default() += count;
    }

    /// Writes out what was counted. What cannot be written is counted again.
    pub(crate) async fn flush(&self, storage: &Storage, writer: WriterId) -> Result<(), Error> {
        let mut rows: Vec<(Row, i64)> = Vec::new();
        for shard in &self.shards {
            rows.extend(std::mem::take(&mut *lock(shard)));
        }
        while !rows.is_empty() {
            let page = rows.split_off(rows.len().saturating_sub(PAGE));
            if let Err(error) = write(storage, writer, page.clone()).await {
                for (row, count) in page.into_iter().chain(rows) {
                    self.add(row, count);
                }
                return Err(error);
            }
        }
        Ok(())
    }
}

/// How long counts are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// What a client did, by the minute.
    pub clients: Duration,
    /// Who read what of whom, by the day.
    pub disclosures: Duration,
}

impl Ledger {
    /// Deletes counts that are older than they are to be kept; how many.
    pub async fn sweep_usage(&self, retention: Retention) -> Result<u64, Error> {
        let (now, storage) = (self.now(), self.storage());
        let minute = now.minus(retention.clients).as_seconds().div_euclid(MINUTE);
        let day = now
            .minus(retention.disclosures)
            .as_seconds()
            .div_euclid(DAY);
        let mut swept = 0;
        loop {
            let deleted: Result<(u64, u64), Error> = storage
                .write((minute, day), |tx, &(minute, day)| {
                    Box::pin(async move {
                        let minutes = usage::delete_old_minutes(tx, minute).await?;
                        Ok((minutes, usage::delete_old_days(tx, day).await?))
                    })
                })
                .await;
            let (minutes, days) = deleted?;
            swept += minutes + days;
            if minutes.max(days) < u64::from(SWEEP_LIMIT) {
                return Ok(swept);
            }
        }
    }
}

async fn write(storage: &Storage, writer: WriterId, page: Vec<(Row, i64)>) -> Result<(), Error> {
    storage
        .write((writer, page), |tx, (writer, page)| {
            Box::pin(async move {
                for (row, count) in page {
                    match row {
                        Row::Minute {
                            minute,
                            client,
                            kind,
                        } => {
                            let key = (*minute, &**client, kind.name());
                            usage::add_minute(tx, *writer, key, *count).await?;
                        }
                        Row::Day {
                            day,
                            account,
                            client,
                            claims,
                        } => {
                            let row = Disclosure {
                                day: *day,
                                account_id: account.map_or_else(String::new, |id| id.to_string()),
                                client_id: client.to_string(),
                                claims: claims.to_string(),
                                count: *count,
                            };
                            usage::add_day(tx, *writer, &row).await?;
                        }
                    }
                }
                Ok(())
            })
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::id::Id;

    #[test]
    fn memory_is_bounded_and_the_sum_is_right() {
        let usage = Usage::default();
        let now = Instant::from_seconds(0);
        let reads = i64::try_from(2 * SHARDS * ROWS).unwrap();
        for n in 0..reads {
            let account = Id::from_u128(u128::from(n.unsigned_abs()));
            usage.count_read(account, "portal", "name", now);
        }
        let (mut rows, mut days, mut minutes) = (0, 0, 0);
        for shard in &usage.shards {
            for (row, count) in lock(shard).iter() {
                rows += 1;
                match row {
                    Row::Day { .. } => days += count,
                    Row::Minute { .. } => minutes += count,
                }
            }
        }
        // A folded row or two may come on top of each shard's bound.
        assert!(rows <= SHARDS * (ROWS + 2), "{rows}");
        assert_eq!((days, minutes), (reads, reads));
    }
}
