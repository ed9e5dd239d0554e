//! Where all chains end, in as few heads as prove it: those that no link names.
//!
//! A link names other chains' heads, and whoever noted a batch of its chain has noted it, too. So a
//! chain whose last batch a link names needs no head of its own, and as each link comes after what it
//! names, some chain is left that holds all others.

use std::collections::BTreeMap;

use super::batch::{Head, Heads};
use crate::domain::id::WriterId;

/// The ends of the chains seen so far.
#[derive(Debug, Default)]
pub(super) struct Tips {
    last: BTreeMap<WriterId, Head>,
    /// The highest number of each chain that a link names.
    named: BTreeMap<WriterId, i64>,
}

impl Tips {
    /// A chain ends here, for all that was seen of it.
    pub(super) fn ends(&mut self, head: Head) {
        self.last.insert(head.writer, head);
    }

    /// A link names this batch.
    pub(super) fn is_named(&mut self, head: &Head) {
        let named = self.named.entry(head.writer).or_default();
        *named = head.number.max(*named);
    }

    /// The heads that hold all chains.
    pub(super) fn heads(self) -> Heads {
        let named = |head: &Head| self.named.get(&head.writer).copied().unwrap_or(0);
        let last = self.last.values();
        Heads(
            last.filter(|head| named(head) < head.number)
                .cloned()
                .collect(),
        )
    }
}
