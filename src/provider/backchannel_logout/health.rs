//! How clients answer when they are called, as this process has seen it.
//!
//! A client that does not answer must keep nobody waiting: few calls at once go to one, and while
//! it fails one at a time finds out whether it is back. Only those are remembered that are being
//! called or failed the last time.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::domain::client::ClientId;
use crate::domain::instant::Instant;

/// Calls to one client at once.
const AT_ONE_CLIENT: u32 = 4;
/// How long a client is left alone that did not answer.
const LEFT_ALONE: Duration = Duration::from_secs(5);
/// How many that fail are remembered; past it the memory begins anew.
const REMEMBERED: usize = 10_000;

/// How clients answer. Cheap to clone; clones are one memory.
#[derive(Clone, Default)]
pub struct ClientHealth(Arc<Mutex<HashMap<ClientId, Condition>>>);

#[derive(Default)]
struct Condition {
    under_way: u32,
    /// There while it fails.
    alone_until: Option<Instant>,
}

/// Whether a client may be called now.
pub enum Admission {
    /// It may.
    Admitted(Call),
    /// Enough calls are under way.
    Busy,
    /// It has been failing: later.
    Failing,
}

/// A call under way.
pub struct Call {
    health: ClientHealth,
    id: ClientId,
}

impl ClientHealth {
    /// Asks to call a client.
    pub fn admit(&self, id: &ClientId, now: Instant) -> Admission {
        let mut clients = self.lock();
        if clients.len() >= REMEMBERED {
            clients.retain(|_, condition| condition.under_way > 0);
        }
        let condition = clients.entry(id.clone()).or_default();
        match condition.alone_until {
            // One at a time to find out whether it is back.
            Some(until) if now < until || condition.under_way > 0 => Admission::Failing,
            None if condition.under_way >= AT_ONE_CLIENT => Admission::Busy,
            Some(_) | None => {
                condition.under_way += 1;
                Admission::Admitted(Call {
                    health: self.clone(),
                    id: id.clone(),
                })
            }
        }
    }

    /// Whether a client did not answer the last time.
    pub fn is_failing(&self, id: &ClientId) -> bool {
        let clients = self.lock();
        let condition = clients.get(id);
        condition.is_some_and(|condition| condition.alone_until.is_some())
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ClientId, Condition>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Call {
    /// It answered.
    pub fn answered(self) {
        self.note(None);
    }

    /// It did not answer, until now.
    pub fn failed(self, now: Instant) {
        self.note(Some(now.plus(LEFT_ALONE)));
    }

    fn note(self, alone_until: Option<Instant>) {
        if let Some(condition) = self.health.lock().get_mut(&self.id) {
            condition.alone_until = alone_until;
        }
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        let mut clients = self.health.lock();
        if let Some(condition) = clients.get_mut(&self.id) {
            condition.under_way = condition.under_way.saturating_sub(1);
            if condition.under_way == 0 && condition.alone_until.is_none() {
                clients.remove(&self.id);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admitted(health: &ClientHealth, id: &ClientId, second: i64) -> Option<Call> {
        match health.admit(id, Instant::from_seconds(second)) {
            Admission::Admitted(call) => Some(call),
            Admission::Busy | Admission::Failing => None,
        }
    }

    #[test]
    fn few_calls_at_once_go_to_one_client() {
        let health = ClientHealth::default();
        let (id, other): (ClientId, ClientId) = ("one".parse().unwrap(), "other".parse().unwrap());
        let mut calls: Vec<Call> = (0..AT_ONE_CLIENT)
            .map(|_| admitted(&health, &id, 0).unwrap())
            .collect();
        let refused = health.admit(&id, Instant::from_seconds(0));
        assert!(matches!(refused, Admission::Busy) && !health.is_failing(&id));
        assert!(admitted(&health, &other, 0).is_some());
        // Whoever is dropped has made its place free too.
        drop(calls.pop());
        calls.push(admitted(&health, &id, 0).unwrap());
        calls.into_iter().for_each(Call::answered);
        assert!(health.lock().is_empty(), "who answers is not remembered");
    }

    #[test]
    fn a_client_that_fails_is_left_alone_until_one_finds_that_it_is_back() {
        let health = ClientHealth::default();
        let id: ClientId = "one".parse().unwrap();
        let calls: Vec<Call> = (0..AT_ONE_CLIENT)
            .map(|_| admitted(&health, &id, 0).unwrap())
            .collect();
        for call in calls {
            call.failed(Instant::from_seconds(1));
        }
        let refused = health.admit(&id, Instant::from_seconds(5));
        assert!(matches!(refused, Admission::Failing) && health.is_failing(&id));
        let one = admitted(&health, &id, 6).unwrap();
        assert!(admitted(&health, &id, 6).is_none(), "one finds out");
        assert!(health.is_failing(&id), "nobody waits for it yet");
        one.failed(Instant::from_seconds(7));
        assert!(admitted(&health, &id, 11).is_none());
        admitted(&health, &id, 12).unwrap().answered();
        assert!(!health.is_failing(&id));
        let calls: Vec<_> = (0..AT_ONE_CLIENT)
            .filter_map(|_| admitted(&health, &id, 12))
            .collect();
        assert_eq!(calls.len(), 4);
    }

    #[test]
    fn what_is_remembered_has_an_end() {
        let health = ClientHealth::default();
        for number in 0..=REMEMBERED {
            let id: ClientId = format!("client-{number}").parse().unwrap();
            let call = admitted(&health, &id, 0).unwrap();
            call.failed(Instant::from_seconds(0));
        }
        assert!(health.lock().len() <= REMEMBERED);
    }
}
