//! Sources of randomness: the machine's, and a repeatable one for tests.

use std::sync::atomic::{AtomicU64, Ordering};

use super::digest::sha256;
use crate::domain::entropy::Entropy;

/// The machine's randomness.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        if aws_lc_rs::rand::fill(bytes).is_err() {
            // Every identifier, nonce and key rests on this: nothing may be issued without it.
            std::process::abort();
        }
    }
}

/// The same bytes for the same seed, in the order they are asked for. For tests.
#[derive(Debug)]
pub struct SeededEntropy {
    seed: u64,
    block: AtomicU64,
}

impl SeededEntropy {
    /// The source of a seed, at its beginning.
    pub const fn new(seed: u64) -> Self {
        Self {
            seed,
            block: AtomicU64::new(0),
        }
    }
}

impl Entropy for SeededEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(32) {
            let number = self.block.fetch_add(1, Ordering::Relaxed);
            let block = sha256(&[&self.seed.to_be_bytes(), &number.to_be_bytes()]);
            for (to, from) in chunk.iter_mut().zip(block) {
                *to = from;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_repeats_and_does_not_stand_still() {
        let (one, two): (&dyn Entropy, &dyn Entropy) =
            (&SeededEntropy::new(7), &SeededEntropy::new(7));
        let first: [u8; 40] = one.bytes();
        assert_eq!(first, two.bytes());
        assert_ne!(first, one.bytes());
        let other: &dyn Entropy = &SeededEntropy::new(8);
        assert_ne!(first, other.bytes());
    }

    #[test]
    fn the_system_gives_new_bytes_each_time() {
        let entropy: &dyn Entropy = &SystemEntropy;
        assert_ne!(entropy.bytes::<32>(), entropy.bytes::<32>());
    }
}
