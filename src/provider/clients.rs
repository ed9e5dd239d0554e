//! Registered clients, read through a cache that the change feed keeps true.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::domain::client::{Client, ClientId, ClientStatus};
use crate::ledger::Ledger;
use crate::ledger::feed::{Change, Notice};
use crate::storage::{self, clients};

/// How many clients are held. Tens of thousands of portals fit; past it the cache starts anew.
const CAPACITY: usize = 100_000;

/// Registered clients. Cheap to clone.
#[derive(Clone)]
pub struct Clients {
    ledger: Ledger,
    cache: Arc<Mutex<Cache>>,
}

#[derive(Default)]
struct Cache {
    held: HashMap<ClientId, Arc<Client>>,
    /// Counts what was dropped: who read a client before a change does not put it in after it.
    epoch: u64,
}

impl Cache {
    fn apply(&mut self, notice: &Notice) {
        match notice {
            Notice::Changed(Change::ClientChanged(id)) => {
                self.epoch += 1;
                if let Ok(id) = ClientId::try_from(id.clone()) {
                    self.held.remove(&id);
                }
            }
            Notice::Changed(_) => {}
            Notice::Everything => {
                self.epoch += 1;
                self.held.clear();
            }
        }
    }
}

impl Clients {
    /// Reads clients through `ledger`, whose feed drops what changes.
    pub fn new(ledger: Ledger) -> Self {
        let cache: Arc<Mutex<Cache>> = Arc::default();
        let told = Arc::clone(&cache);
        ledger.feed().subscribe(move |notice| {
            told.lock()
                .unwrap_or_else(PoisonError::into_inner)
                .apply(notice);
        });
        Self { ledger, cache }
    }

    /// The client, if it is registered and active. A process that has lost sight of the change
    /// feed answers [`storage::Error::Unavailable`] rather than trust its cache.
    pub async fn find_active(&self, id: &ClientId) -> Result<Option<Arc<Client>>, storage::Error> {
        let client = self.find(id).await?;
        Ok(client.filter(|client| client.status == ClientStatus::Active))
    }

    /// The client, whatever its status. The same as [`Clients::find_active`] otherwise.
    pub async fn find(&self, id: &ClientId) -> Result<Option<Arc<Client>>, storage::Error> {
        self.ledger.feed().require_fresh()?;
        let (held, epoch) = self.held(id);
        match held {
            Some(client) => Ok(Some(client)),
            None => self.load(id, epoch).await,
        }
    }

    /// What this process has read of a client, whatever its status. For words about a request that
    /// was refused: a decision asks [`Clients::find_active`].
    pub fn known(&self, id: &str) -> Option<Arc<Client>> {
        self.held(&id.parse().ok()?).0
    }

    fn held(&self, id: &ClientId) -> (Option<Arc<Client>>, u64) {
        let cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        (cache.held.get(id).cloned(), cache.epoch)
    }

    async fn load(&self, id: &ClientId, epoch: u64) -> Result<Option<Arc<Client>>, storage::Error> {
        let mut reader = self.ledger.reader().await?;
        let Some(client) = clients::find(&mut reader, id).await? else {
            return Ok(None);
        };
        let client = Arc::new(client);
        let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        if cache.epoch == epoch {
            if cache.held.len() >= CAPACITY {
                cache.held.clear();
            }
            cache.held.insert(id.clone(), Arc::clone(&client));
        }
        Ok(Some(client))
    }
}
