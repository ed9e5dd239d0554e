//! Delivers logouts: finds out which clients are to hear that sessions ended, and tells each.
//!
//! A portal that does not answer must not keep others waiting: few attempts at once go to one, and
//! while it fails it is left alone for a while.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::Shutdown;
use super::deliver::{Carrier, Delivery, Tally, Undelivered};
use crate::accounts::ended::SessionsEnded;
use crate::domain::client::ClientId;
use crate::domain::clock::Clock;
use crate::domain::instant::Instant;
use crate::ledger::Ledger;
use crate::ledger::keyring::Keys;
use crate::ledger::outbox::Parcel;
use crate::outbound::{FetchError, GuardedClient};
use crate::provider::Provider;
use crate::provider::backchannel_logout::{BackchannelError, LogoutNotice};

/// Attempts at one client at once.
const AT_ONE_CLIENT: u32 = 4;
/// How long a client is left alone that did not answer.
const LEFT_ALONE: Duration = Duration::from_secs(5);
/// An answer that takes longer is none.
const PATIENCE: Duration = Duration::from_secs(5);
/// Clients to remember trouble with; past it the memory begins anew.
const REMEMBERED: usize = 10_000;

/// What tells logouts.
#[derive(Clone)]
pub struct LogoutParts {
    /// Where they are recorded.
    pub ledger: Ledger,
    /// What opens them.
    pub keys: Keys,
    /// Who is to be told, and by which token.
    pub provider: Provider,
    /// Calls the clients.
    pub client: GuardedClient,
    /// Counts.
    pub tally: Arc<Tally>,
}

/// Runs until told to end.
pub async fn run(parts: LogoutParts, shutdown: Shutdown) {
    let LogoutParts {
        ledger,
        keys,
        provider,
        client,
        tally,
    } = parts;
    let finder = Finder(provider.clone());
    let teller = Teller {
        provider,
        client,
        clock: Arc::clone(ledger.clock()),
        health: Health::default(),
    };
    let finding = Delivery::new(&ledger, &keys, finder, Arc::default());
    let telling = Delivery::new(&ledger, &keys, teller, tally);
    tokio::join!(finding.run(shutdown.clone()), telling.run(shutdown));
}

struct Finder(Provider);

impl Carrier for Finder {
    type Content = SessionsEnded;

    async fn carry(&self, _: &Parcel, ended: &SessionsEnded) -> Result<(), Undelivered> {
        let announced = self.0.announce_logouts(*ended).await;
        announced.map_err(|error| Undelivered::Later(error.to_string()))
    }
}

struct Teller {
    provider: Provider,
    client: GuardedClient,
    clock: Arc<dyn Clock>,
    health: Health,
}

impl Carrier for Teller {
    type Content = LogoutNotice;

    async fn carry(&self, parcel: &Parcel, notice: &LogoutNotice) -> Result<(), Undelivered> {
        let token = self.provider.logout_token(notice, parcel.id()).await;
        let (uri, token) = match token {
            Ok(Some(told)) => told,
            Ok(None) => return Ok(()),
            Err(error @ BackchannelError::NoKey) => {
                return Err(Undelivered::Refused(error.to_string()));
            }
            Err(error) => return Err(Undelivered::Later(error.to_string())),
        };
        if !self.health.admit(&notice.client_id, self.clock.now()) {
            return Err(Undelivered::Later("the client fails to answer".to_owned()));
        }
        let posting = self
            .client
            .post_field(uri.as_str(), "logout_token", token.expose());
        let told = tokio::time::timeout(PATIENCE, posting)
            .await
            .unwrap_or(Err(FetchError::Unreachable));
        let answers = told.is_ok() || matches!(told, Err(FetchError::Status(400..500)));
        self.health
            .note(&notice.client_id, answers, self.clock.now());
        told.map_err(|error| match error {
            // It understood and says no (§2.8): the same again would be answered the same.
            FetchError::Status(400..=407 | 409..=428 | 430..=499) | FetchError::Forbidden => {
                Undelivered::Refused(error.to_string())
            }
            FetchError::Status(_)
            | FetchError::Busy
            | FetchError::Unreachable
            | FetchError::TooLarge
            | FetchError::NotJson
            | FetchError::Setup => Undelivered::Later(error.to_string()),
        })
    }
}

/// How clients have been answering.
#[derive(Default)]
struct Health(Mutex<HashMap<ClientId, Trouble>>);

#[derive(Default)]
struct Trouble {
    under_way: u32,
    alone_until: Option<Instant>,
}

impl Health {
    /// Whether a client may be called now; whoever is let in reports by [`Health::note`].
    fn admit(&self, id: &ClientId, now: Instant) -> bool {
        let mut clients = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if clients.len() >= REMEMBERED {
            clients.retain(|_, trouble| trouble.under_way > 0);
        }
        let trouble = clients.entry(id.clone()).or_default();
        let is_alone = trouble.alone_until.is_some_and(|until| now < until);
        // One at a time to find out whether it is back.
        let most = if trouble.alone_until.is_some() {
            1
        } else {
            AT_ONE_CLIENT
        };
        let admitted = !is_alone && trouble.under_way < most;
        if admitted {
            trouble.under_way += 1;
        }
        admitted
    }

    fn note(&self, id: &ClientId, answers: bool, now: Instant) {
        let mut clients = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(trouble) = clients.get_mut(id) {
            trouble.under_way = trouble.under_way.saturating_sub(1);
            trouble.alone_until = (!answers).then(|| now.plus(LEFT_ALONE));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_that_fails_is_left_alone_for_a_while() {
        let health = Health::default();
        let id: ClientId = "portal".parse().unwrap();
        let at = Instant::from_seconds;
        for _ in 0..AT_ONE_CLIENT {
            assert!(health.admit(&id, at(0)));
        }
        assert!(!health.admit(&id, at(0)), "few at once");
        for _ in 0..AT_ONE_CLIENT {
            health.note(&id, false, at(1));
        }
        assert!(!health.admit(&id, at(5)), "it fails");
        assert!(health.admit(&id, at(6)));
        assert!(!health.admit(&id, at(6)), "one finds out");
        health.note(&id, true, at(6));
        for _ in 0..AT_ONE_CLIENT {
            assert!(health.admit(&id, at(6)));
        }
        let other: ClientId = "other".parse().unwrap();
        assert!(health.admit(&other, at(2)));
    }
}
