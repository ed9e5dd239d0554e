//! One guess at a time from an address block that has to wait between guesses.
//!
//! Failures of a block are counted when they have happened, by [`SharedFailures`], so a delay alone
//! would let a crowd through at its end. Each process sees to its own; nothing is shared.
//!
//! [`SharedFailures`]: crate::storage::shared::SharedFailures

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Blocks that one process remembers to have made wait.
const MOST_BLOCKS: usize = 65_536;

/// Blocks that had to wait, and whether a guess from each is under way. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(super) struct Turns(Arc<Mutex<HashMap<String, bool>>>);

/// A guess under way; dropping it lets the next one in.
#[derive(Debug)]
pub(super) struct Turn {
    turns: Turns,
    block: String,
}

/// Another guess from the block is under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Taken;

impl Turns {
    /// The block had to wait: from now on one guess at a time.
    pub(super) fn waits(&self, block: &str) {
        let mut blocks = self.lock();
        // Its keys are of this hour or of earlier ones, which nobody asks for again. To forget is to
        // let one crowd through.
        if blocks.len() >= MOST_BLOCKS && !blocks.contains_key(block) {
            blocks.clear();
        }
        blocks.entry(block.to_owned()).or_insert(false);
    }

    /// A turn, if the block needs one.
    pub(super) fn take(&self, block: &str) -> Result<Option<Turn>, Taken> {
        match self.lock().get_mut(block) {
            None => Ok(None),
            Some(true) => Err(Taken),
            Some(under_way) => {
                *under_way = true;
                Ok(Some(Turn {
                    turns: self.clone(),
                    block: block.to_owned(),
                }))
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, bool>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if let Some(under_way) = self.turns.lock().get_mut(&self.block) {
            *under_way = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_block_that_had_to_wait_takes_turns() {
        let turns = Turns::default();
        assert!(matches!(turns.take("a"), Ok(None)));
        assert!(matches!(turns.take("a"), Ok(None)), "as many as there are");
        turns.waits("a");
        let first = turns.take("a");
        assert!(matches!(first, Ok(Some(_))));
        assert_eq!(turns.take("a").err(), Some(Taken));
        assert!(matches!(turns.take("b"), Ok(None)), "another is another");
        turns.waits("a");
        assert_eq!(turns.take("a").err(), Some(Taken), "waiting ends no turn");
        drop(first);
        assert!(matches!(turns.take("a"), Ok(Some(_))));
    }

    #[test]
    fn memory_is_bounded() {
        let turns = Turns::default();
        for block in 0..=MOST_BLOCKS {
            turns.waits(&block.to_string());
        }
        assert_eq!(turns.lock().len(), 1);
    }
}
