//! A transaction as use cases see it: their tables, and beside them what they record, announce and
//! have delivered.

use super::audit::{Event, Ticket};
use super::feed::{self, Change};
use super::outbox::{OutboxItem, OutboxKind};
use crate::domain::clock::Clock;
use crate::storage::changes::ChangeRow;
use crate::storage::{Error, Transaction, audit, outbox};

/// An open write. See [`super::Ledger::write`].
pub struct Entry<'t> {
    tx: &'t mut Transaction,
    ticket: &'t Ticket,
    clock: &'t dyn Clock,
    changes: Vec<Change>,
    enqueued: Vec<OutboxKind>,
    has_writer: bool,
}

/// What the process is to hear of once the transaction is committed.
pub(super) struct Finished {
    pub(super) changes: Vec<ChangeRow>,
    pub(super) enqueued: Vec<OutboxKind>,
}

impl<'t> Entry<'t> {
    pub(super) fn begin(tx: &'t mut Transaction, ticket: &'t Ticket, clock: &'t dyn Clock) -> Self {
        ticket.begin();
        Self {
            tx,
            ticket,
            clock,
            changes: Vec::new(),
            enqueued: Vec::new(),
            has_writer: ticket.writer().is_registered(),
        }
    }

    /// The transaction, for the functions of the tables.
    pub fn tx(&mut self) -> &mut Transaction {
        self.tx
    }

    /// Records an event: it is in the log if and only if this transaction commits.
    pub async fn record(&mut self, event: &Event) -> Result<(), Error> {
        if !self.has_writer {
            let writer = self.ticket.writer().id();
            audit::insert_writer(self.tx, writer, self.clock.now()).await?;
            self.has_writer = true;
        }
        let row = self.ticket.draw(event);
        audit::insert_event(self.tx, &row).await
    }

    /// Records many events, in this order.
    pub async fn record_all(&mut self, events: &[Event]) -> Result<(), Error> {
        let Some((first, others)) = events.split_first() else {
            return Ok(());
        };
        self.record(first).await?;
        let rows: Vec<_> = others.iter().map(|event| self.ticket.draw(event)).collect();
        audit::insert_events(self.tx, &rows).await
    }

    /// Announces a change: every process knows of it within a second of the commit.
    pub fn announce(&mut self, change: Change) {
        if !self.changes.contains(&change) {
            self.changes.push(change);
        }
    }

    /// Has something delivered: if and only if this transaction commits, and at once then.
    pub async fn enqueue(&mut self, item: &OutboxItem) -> Result<(), Error> {
        outbox::insert(self.tx, item.row()).await?;
        if !self.enqueued.contains(&item.kind()) {
            self.enqueued.push(item.kind());
        }
        Ok(())
    }

    /// Writes the changes, last of all since their lanes stay locked until the commit; and with
    /// the time as of now, since what was issued while this waited is meant too.
    pub(super) async fn finish(self) -> Result<Finished, Error> {
        let changes = feed::announce(self.tx, &self.changes, self.clock.now()).await?;
        self.ticket.complete();
        Ok(Finished {
            changes,
            enqueued: self.enqueued,
        })
    }
}
