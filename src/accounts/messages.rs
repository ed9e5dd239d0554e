//! Messages to people: put into the outbox by the use case they belong to.

use std::time::Duration;

use crate::crypto::seal::Sealed;
use crate::domain::message::Message;
use crate::ledger::outbox::{Deliverable, OutboxKind};

impl Sealed for Message {
    const PURPOSE: &'static str = "message";
}

impl Deliverable for Message {
    const KIND: OutboxKind = OutboxKind::Message;

    fn lives_for(&self) -> Duration {
        self.text.lives_for()
    }
}
