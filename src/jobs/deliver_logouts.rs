//! Delivers logouts: finds out which clients are to hear that sessions ended, and tells each.
//!
//! A portal that does not answer must not keep others waiting. It is left alone for a while
//! ([`crate::provider::backchannel_logout::health`]), and there are places for many that hang.

use std::sync::Arc;
use std::time::Duration;

use super::Shutdown;
use super::deliver::{Carrier, Delivery, Tally, Undelivered};
use crate::accounts::ended::SessionsEnded;
use crate::domain::clock::Clock;
use crate::ledger::Ledger;
use crate::ledger::keyring::Keys;
use crate::ledger::outbox::Parcel;
use crate::outbound::{FetchError, GuardedClient};
use crate::provider::Provider;
use crate::provider::backchannel_logout::health::Admission;
use crate::provider::backchannel_logout::{BackchannelError, LogoutNotice};

/// So many 400s are an answer.
const FAILED_THERE: i64 = 4;
/// An answer that takes longer is none.
const PATIENCE: Duration = Duration::from_secs(5);
/// Clients are told at once: each that hangs takes a place for half the time.
const AT_ONCE: usize = 256;

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
        client: client.apart(AT_ONCE),
        clock: Arc::clone(ledger.clock()),
    };
    let finding = Delivery::new(&ledger, &keys, finder, Arc::default());
    let telling = Delivery::new(&ledger, &keys, teller, tally);
    tokio::join!(finding.run(shutdown.clone()), telling.run(shutdown));
}

struct Finder(Provider);

impl Carrier for Finder {
    type Content = SessionsEnded;

    async fn carry(&self, _: &Parcel, ended: &SessionsEnded) -> Result<(), Undelivered> {
        let announced = self.0.announce_logouts(ended).await;
        announced.map_err(|error| Undelivered::Later(error.to_string()))
    }
}

struct Teller {
    provider: Provider,
    client: GuardedClient,
    clock: Arc<dyn Clock>,
}

impl Carrier for Teller {
    type Content = LogoutNotice;

    const AT_ONCE: usize = AT_ONCE;

    async fn carry(&self, parcel: &Parcel, notice: &LogoutNotice) -> Result<(), Undelivered> {
        // Before anything is signed: of a portal that is down there may be many.
        let health = self.provider.client_health();
        let call = match health.admit(&notice.client_id, self.clock.now()) {
            Admission::Admitted(call) => call,
            Admission::Busy => return Err(Undelivered::Soon),
            Admission::Failing => {
                return Err(Undelivered::Later("the client does not answer".to_owned()));
            }
        };
        let token = self.provider.logout_token(notice, parcel.id()).await;
        let (uri, token) = match token {
            Ok(Some(told)) => told,
            Ok(None) => return Ok(()),
            Err(error @ BackchannelError::NoKey) => {
                return Err(Undelivered::Refused(error.to_string()));
            }
            Err(error) => return Err(Undelivered::Later(error.to_string())),
        };
        let posting = self
            .client
            .post_field(uri.as_str(), "logout_token", token.expose());
        let told = tokio::time::timeout(PATIENCE, posting)
            .await
            .unwrap_or(Err(FetchError::Unreachable));
        match told {
            Ok(()) | Err(FetchError::Status(400..500)) => call.answered(),
            Err(_) => call.failed(self.clock.now()),
        }
        told.map_err(|error| match error {
            // §2.8: also when a logout only failed there, which may go better in a moment.
            FetchError::Status(400) if parcel.attempt() < FAILED_THERE => {
                Undelivered::Later(error.to_string())
            }
            // It understood and says no: the same again would be answered the same.
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
