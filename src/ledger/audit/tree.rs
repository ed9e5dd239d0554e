//! The root of a hash tree over leaves, as RFC 6962 §2.1 has it: leaves and nodes are hashed with
//! different prefixes, and the left subtree is the largest full one. Computed as leaves come, in
//! memory that grows with the logarithm of their number.

use crate::crypto::digest::sha256;

/// A SHA-256 value.
pub(crate) type Hash = [u8; 32];

/// The hash of a leaf's bytes (RFC 6962 §2.1: `SHA-256(0x00 || d)`).
pub(crate) fn leaf_hash(bytes: &[u8]) -> Hash {
    sha256(&[&[0x00], bytes])
}

fn node_hash(left: &Hash, right: &Hash) -> Hash {
    sha256(&[&[0x01], left, right])
}

/// A tree being built.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    /// Roots of full subtrees, the largest first, with their heights.
    peaks: Vec<(u32, Hash)>,
}

impl Tree {
    /// Appends a leaf by its hash.
    pub(crate) fn push(&mut self, leaf: Hash) {
        let (mut height, mut hash) = (0, leaf);
        while let Some((_, left)) = self.peaks.pop_if(|(peak, _)| *peak == height) {
            hash = node_hash(&left, &hash);
            height += 1;
        }
        self.peaks.push((height, hash));
    }

    /// The root over all leaves so far.
    pub(crate) fn root(&self) -> Hash {
        let mut peaks = self.peaks.iter().rev().map(|(_, hash)| *hash);
        match peaks.next() {
            Some(last) => peaks.fold(last, |right, left| node_hash(&left, &right)),
            None => sha256(&[]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6962 §2.1 word by word.
    fn by_definition(leaves: &[Hash]) -> Hash {
        match leaves {
            [] => sha256(&[]),
            [one] => *one,
            _ => {
                let split = leaves.len().next_power_of_two() / 2;
                node_hash(
                    &by_definition(&leaves[..split]),
                    &by_definition(&leaves[split..]),
                )
            }
        }
    }

    #[test]
    fn agrees_with_the_definition() {
        let leaves: Vec<Hash> = (0..70_u8).map(|n| leaf_hash(&[n])).collect();
        for count in 0..leaves.len() {
            let mut tree = Tree::default();
            for leaf in &leaves[..count] {
                tree.push(*leaf);
            }
            assert_eq!(tree.root(), by_definition(&leaves[..count]), "{count}");
        }
    }
}
