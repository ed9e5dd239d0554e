//! The journal of takeaways: what ended or was narrowed in the main database, in the key store's, so
//! that a restore of an older database takes it away again.
//!
//! It is copied from the change feed, whose rows are in the transaction of what they announce and in
//! commit order within a lane; of each thing it keeps how it stood after its last change, so the last
//! one wins. Whoever changes something copies, every quarter of a second or at its end; a copy may be
//! made twice. Changes are not swept before they are copied, and where some were, the journal says
//! from where on it knows all. It holds nothing personal: identifiers, digests, blind indexes.
//!
//! It also knows how far the database had come, so that one put back by other means is noticed.

mod put_back;
mod replay;
mod state;

use std::sync::{Arc, Mutex};
use std::time::Duration;

pub use replay::{Replayed, Restoring};

use super::feed::Change;
use super::{CHANGE_RETENTION, Ledger};
use crate::domain::instant::Instant;
use crate::storage::audit::ChainEnd;
use crate::storage::changes::{self, ChangeRow, LANES, Lane};
use crate::storage::vault_journal::{self, JournalLane, TakeawayRow};
use crate::storage::{Error, Reader, SWEEP_LIMIT, Storage};

/// How old a backup may be to be restored without gaps; more than its key store's part is kept.
pub const KEPT: Duration = Duration::from_hours(35 * 24);

const PAGE: i64 = 500;

/// Why takeaways were not copied or not taken away again.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// A database does not answer.
    #[error(transparent)]
    Storage(#[from] Error),
    /// The main database has fewer changes than were copied, or less of the audit log than was seen.
    #[error(
        "the database is older than its key store: it was put back from a copy, and what was taken \
         away since would count again; take it away with `tongxing restore --replay`"
    )]
    DatabaseIsOlder,
    /// A row of the journal is not what this release writes.
    #[error("the journal has {kind} {subject} as this release cannot read it")]
    Unreadable {
        /// What kind of thing.
        kind: String,
        /// Which one.
        subject: String,
    },
}

/// The journal of an installation. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Journal {
    ledger: Ledger,
    vault: Storage,
    session_ttl: Duration,
    /// Up to where this process's own chain is noted.
    noted: Arc<Mutex<Option<ChainEnd>>>,
}

impl Journal {
    /// The journal in the key store `vault` about the ledger's database, in which a session lives
    /// for so long at most.
    #[must_use]
    pub fn new(ledger: Ledger, vault: Storage, session_ttl: Duration) -> Self {
        Self {
            ledger,
            vault,
            session_ttl,
            noted: Arc::default(),
        }
    }

    /// The ledger whose changes it has.
    #[must_use]
    pub const fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// The key store that it lies in.
    #[must_use]
    pub const fn store(&self) -> &Storage {
        &self.vault
    }

    /// Copies what is not copied yet; the number of changes. After a database was seen that had been put
    /// back, this process trusts none of its caches any more.
    pub async fn copy(&self) -> Result<u64, JournalError> {
        let outcome = self.copy_all().await;
        if matches!(outcome, Err(JournalError::DatabaseIsOlder)) {
            self.ledger.feed().distrust();
        }
        outcome
    }

    async fn copy_all(&self) -> Result<u64, JournalError> {
        let copied = copied(&mut self.vault.reader().await?).await?;
        let mut reader = self.ledger.reader().await?;
        let end = self.chain_end(&mut reader).await?;
        let mut count = 0;
        for lane in changes::lanes(&mut reader).await? {
            let mut seen = number(&copied, lane.lane);
            if seen > lane.seq {
                return Err(JournalError::DatabaseIsOlder);
            }
            while seen < lane.seq {
                let rows = changes::since(&mut reader, lane.lane, seen, PAGE).await?;
                seen = self.copy_page(&mut reader, (lane, seen), &rows).await?;
                count += rows.len() as u64;
            }
        }
        if let Some(end) = end {
            self.note_chain_end(end).await?;
        }
        Ok(count)
    }

    /// Copies changes of a lane that follow on number `seen`; the number of the last.
    async fn copy_page(
        &self,
        reader: &mut Reader,
        (lane, seen): (Lane, i64),
        rows: &[ChangeRow],
    ) -> Result<i64, JournalError> {
        let last = rows.last().map_or(lane.seq, |row| row.seq);
        let first = rows.first().map_or(lane.seq + 1, |row| row.seq);
        let covered_from = if first == seen + 1 { 0 } else { first - 1 };
        if covered_from > 0 && seen > 0 {
            tracing::error!(
                lane = lane.lane,
                "changes were swept before they were in the journal: a backup from before is \
                 restored only --despite-gaps"
            );
        }
        let mut takeaways = Vec::new();
        for row in rows {
            for (kind, subject, state) in state::of(reader, row).await? {
                takeaways.push(TakeawayRow {
                    kind: kind.to_owned(),
                    subject,
                    lane: row.lane,
                    seq: row.seq,
                    at: row.at,
                    kept_until: row.at.plus(self.kept(kind)),
                    state,
                });
            }
        }
        let lane = JournalLane {
            lane: lane.lane,
            seq: last,
            covered_from,
        };
        let written: Result<(), Error> = self
            .vault
            .write((takeaways, lane), |tx, (takeaways, lane)| {
                Box::pin(async move {
                    for takeaway in takeaways {
                        vault_journal::note(tx, takeaway).await?;
                    }
                    vault_journal::advance(tx, *lane).await
                })
            })
            .await;
        written?;
        Ok(last)
    }

    /// For how long a thing could be alive in a restored database.
    fn kept(&self, kind: &str) -> Duration {
        match kind {
            state::SESSION => self.session_ttl.min(KEPT),
            state::ACCESS_TOKEN => CHANGE_RETENTION,
            _ => KEPT,
        }
    }

    /// Deletes what no restore asks for any more, and the changes that are copied and that every
    /// process has had the time to read; how many of the latter.
    pub async fn sweep(&self) -> Result<u64, JournalError> {
        let now = self.ledger.now();
        loop {
            let deleted = self.vault.write(now, |tx, &now| {
                Box::pin(async move { vault_journal::delete_old(tx, now).await })
            });
            if deleted.await? < u64::from(SWEEP_LIMIT) {
                break;
            }
        }
        self.forget_chains(now.minus(KEPT)).await?;
        let copied = copied(&mut self.vault.reader().await?).await?;
        let copied: Vec<i64> = (0..LANES).map(|lane| number(&copied, lane)).collect();
        Ok(self.ledger.sweep_changes(&copied).await?)
    }
}

/// Whether a journal knows all that was taken away after a database had these numbers, at `then`.
pub async fn covers(
    vault: &Storage,
    lanes: &[i64],
    (then, now): (Instant, Instant),
) -> Result<bool, Error> {
    let copied = copied(&mut vault.reader().await?).await?;
    let covered = |(lane, seq): (i64, &i64)| {
        let known = copied.iter().find(|known| known.lane == lane);
        known.map_or(*seq == 0, |known| known.covered_from <= *seq)
    };
    Ok((0..).zip(lanes).all(covered) && now.since(then) < KEPT)
}

/// Where the journal stands.
async fn copied(reader: &mut Reader) -> Result<Vec<JournalLane>, Error> {
    vault_journal::lanes(reader).await
}

fn number(copied: &[JournalLane], lane: i64) -> i64 {
    let known = copied.iter().find(|known| known.lane == lane);
    known.map_or(0, |known| known.seq)
}
