//! Tokens that this node signed, by a short keyed hash of the whole text: their signature need not
//! be checked when they come back. A memory of what was proven, never of what is allowed: the
//! callers still ask the list of changes.
//!
//! Bounded. Each shard keeps a young and an old generation; when the young one is full or begins
//! to span too long a time, it becomes the old one, and the old one is forgotten.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::digest::leading;
use super::mac::MacKey;
use crate::domain::entropy::Entropy;
use crate::domain::instant::Instant;

/// Few enough for small machines, many enough that threads seldom meet.
const SHARDS: usize = 16;

/// How many seconds of expiry times one generation holds: the life of an access token.
const SPAN: u32 = 300;

/// Collisions are out of an attacker's hands, as the key is random and never leaves the process.
type TokenHash = [u8; 16];

/// What this node signed and has not forgotten.
pub struct TokenCache {
    key: MacKey,
    shards: [Mutex<Shard>; SHARDS],
    generation_limit: usize,
}

#[derive(Default)]
struct Shard {
    young: Generation,
    old: Generation,
}

#[derive(Default)]
struct Generation {
    /// Each token's expiry, in Unix seconds.
    tokens: HashMap<TokenHash, u32>,
    first_expiry: u32,
    last_expiry: u32,
}

impl TokenCache {
    /// An empty cache of at most `capacity` tokens, at about 40 bytes each.
    pub fn new(capacity: usize, entropy: &dyn Entropy) -> Self {
        Self {
            key: MacKey::new(&entropy.bytes()),
            shards: std::array::from_fn(|_| Mutex::default()),
            generation_limit: (capacity / (2 * SHARDS)).max(1),
        }
    }

    /// Remembers a token that this node has just signed, until it expires or must make room.
    pub fn remember(&self, token: &str, expires_at: Instant) {
        let (hash, expiry) = (self.hash(token), seconds(expires_at));
        let Some(mut shard) = self.shard(&hash) else {
            return;
        };
        let young = &shard.young;
        let spans_too_long = expiry > young.first_expiry.saturating_add(SPAN);
        if young.tokens.len() >= self.generation_limit || spans_too_long {
            shard.old = std::mem::take(&mut shard.young);
        }
        shard.young.insert(hash, expiry);
    }

    /// Whether this node signed this token and it has not expired. `false` says nothing.
    pub fn knows(&self, token: &str, now: Instant) -> bool {
        let (hash, now) = (self.hash(token), seconds(now));
        let Some(mut shard) = self.shard(&hash) else {
            return false;
        };
        let Shard { young, old } = &mut *shard;
        young.knows(&hash, now) || old.knows(&hash, now)
    }

    fn hash(&self, token: &str) -> TokenHash {
        leading(&self.key.tag("token", &[token.as_bytes()]))
    }

    fn shard(&self, hash: &TokenHash) -> Option<MutexGuard<'_, Shard>> {
        let [first, ..] = *hash;
        let shard = self.shards.get(usize::from(first) % SHARDS)?;
        Some(shard.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl fmt::Debug for TokenCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenCache")
    }
}

impl Generation {
    fn insert(&mut self, hash: TokenHash, expiry: u32) {
        if self.tokens.is_empty() {
            self.first_expiry = expiry;
        }
        self.last_expiry = self.last_expiry.max(expiry);
        self.tokens.insert(hash, expiry);
    }

    fn knows(&mut self, hash: &TokenHash, now: u32) -> bool {
        if self.last_expiry <= now && !self.tokens.is_empty() {
            *self = Self::default();
        }
        self.tokens.get(hash).is_some_and(|expiry| *expiry > now)
    }
}

fn seconds(at: Instant) -> u32 {
    u32::try_from(at.as_seconds().max(0)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::entropy::SeededEntropy;

    fn at(seconds: i64) -> Instant {
        Instant::from_seconds(1_700_000_000 + seconds)
    }

    fn cache(capacity: usize) -> TokenCache {
        TokenCache::new(capacity, &SeededEntropy::new(1))
    }

    fn held(cache: &TokenCache) -> usize {
        let shards = cache
            .shards
            .iter()
            .map(|shard| shard.lock().expect("whole"));
        shards
            .map(|shard| shard.young.tokens.len() + shard.old.tokens.len())
            .sum()
    }

    #[test]
    fn knows_what_it_remembers_until_it_expires() {
        let cache = cache(1000);
        cache.remember("a.b.c", at(300));
        assert!(cache.knows("a.b.c", at(0)));
        assert!(cache.knows("a.b.c", at(299)));
        assert!(!cache.knows("a.b.c", at(300)));
        assert!(!cache.knows("a.b.d", at(0)));
        assert!(!cache.knows("a.b.c ", at(0)));
    }

    #[test]
    fn every_live_token_is_known_while_there_is_room() {
        let cache = cache(1_000_000);
        for second in 0..2000 {
            cache.remember(&format!("token {second}"), at(second + 300));
            let oldest = (second - 299).max(0);
            assert!(cache.knows(&format!("token {oldest}"), at(second)));
        }
        assert!(
            held(&cache) <= 2 * 301 + SHARDS,
            "the expired are forgotten"
        );
    }

    #[test]
    fn never_holds_more_than_it_may() {
        let cache = cache(320);
        for number in 0..10_000 {
            cache.remember(&format!("token {number}"), at(300));
        }
        assert!(held(&cache) <= 320);
        assert!(cache.knows("token 9999", at(0)));
        assert!(!cache.knows("token 0", at(0)));
    }

    #[test]
    fn an_odd_expiry_does_not_upset_it() {
        let cache = cache(1000);
        for (token, expires_at) in [
            ("long", Instant::from_seconds(i64::MAX)),
            ("normal", at(300)),
            ("past", Instant::from_seconds(i64::MIN)),
        ] {
            cache.remember(token, expires_at);
        }
        assert!(cache.knows("normal", at(0)));
        assert!(!cache.knows("past", at(0)));
    }

    #[test]
    fn what_has_expired_frees_its_memory_when_asked() {
        let cache = cache(1000);
        for number in 0..100 {
            cache.remember(&format!("token {number}"), at(300));
        }
        for number in 0..100 {
            assert!(!cache.knows(&format!("token {number}"), at(301)));
        }
        assert_eq!(held(&cache), 0);
    }
}
