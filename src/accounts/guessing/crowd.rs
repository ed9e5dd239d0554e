//! Logins at one name from one address block that come at once: as many are let in as there are
//! tries, the others wait.
//!
//! A guess counts as wrong until it is found to be right, so the sixth of six honest logins at one
//! moment would be refused for the five before it. Here it waits until one of them has ended. Each
//! process sees to its own; what is refused is decided in SQL.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// Longer than a queue of hashes takes.
const PATIENCE: Duration = Duration::from_secs(5);
/// Who waits holds a place among the logins under way, so not many may.
const MOST: usize = 48;

/// Who is at it, by name and block. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(super) struct Crowds(Arc<Mutex<HashMap<String, Arc<Semaphore>>>>);

/// A place in a crowd, until it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    crowds: Crowds,
    key: String,
    permit: Option<OwnedSemaphorePermit>,
}

impl Crowds {
    /// Waits for a place among `most`; nothing if that takes too long, or too many wait.
    pub(super) async fn join(&self, key: &str, most: u32) -> Option<Place> {
        let crowd = {
            let mut crowds = self.lock();
            let crowd = crowds
                .entry(key.to_owned())
                .or_insert_with(|| Arc::new(Semaphore::new(usize::try_from(most).unwrap_or(1))));
            // One is the map's.
            if Arc::strong_count(crowd) > MOST {
                return None;
            }
            Arc::clone(crowd)
        };
        let mut place = Place {
            crowds: self.clone(),
            key: key.to_owned(),
            permit: None,
        };
        place.permit = timeout(PATIENCE, crowd.acquire_owned()).await.ok()?.ok();
        Some(place)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Arc<Semaphore>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Who leaves last takes the crowd along.
impl Drop for Place {
    fn drop(&mut self) {
        self.permit = None;
        let mut crowds = self.crowds.lock();
        if crowds
            .get(&self.key)
            .is_some_and(|crowd| Arc::strong_count(crowd) == 1)
        {
            crowds.remove(&self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn so_many_are_let_in_and_the_next_when_one_has_ended() {
        let crowds = Crowds::default();
        let first = crowds.join("a", 2).await;
        let second = crowds.join("a", 2).await;
        assert!(first.is_some() && second.is_some());
        assert!(crowds.join("b", 2).await.is_some(), "another is another");
        let third = tokio::spawn({
            let crowds = crowds.clone();
            async move { crowds.join("a", 2).await.is_some() }
        });
        tokio::task::yield_now().await;
        assert!(!third.is_finished());
        drop(first);
        assert!(third.await.unwrap());
        drop(second);
        assert!(crowds.lock().is_empty(), "nobody is left");
    }

    #[tokio::test]
    async fn not_many_may_wait() {
        let crowds = Crowds::default();
        let _first = crowds.join("a", 1).await;
        let waiting: Vec<_> = (1..MOST)
            .map(|_| {
                let crowds = crowds.clone();
                tokio::spawn(async move { crowds.join("a", 1).await })
            })
            .collect();
        tokio::task::yield_now().await;
        assert!(crowds.join("a", 1).await.is_none());
        for one in waiting {
            one.abort();
            drop(one.await);
        }
        assert_eq!(
            Arc::strong_count(&crowds.lock()["a"]),
            2,
            "who gave up has gone"
        );
    }
}
