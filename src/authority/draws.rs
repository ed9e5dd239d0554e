//! Draws that are a pure function of a seed and an index, so that everybody who knows both knows
//! the same people. Not for secrets.

/// A stream of draws.
pub(super) struct Draws(u64);

impl Draws {
    /// The stream of the `index`th person of a seed.
    pub(super) fn new(seed: u64, index: u64) -> Self {
        Self(mixed(seed) ^ mixed(index.wrapping_add(GOLDEN)))
    }

    /// A number below `bound`; 0 if that is 0. The small bias of the remainder harms nobody.
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(GOLDEN);
        mixed(self.0).checked_rem(bound).unwrap_or(0)
    }

    /// One of a list; nothing of an empty one.
    pub(super) fn one_of<T: Copy + Default>(&mut self, list: &[T]) -> T {
        let at = self.below(list.len() as u64);
        let found = usize::try_from(at).ok().and_then(|at| list.get(at));
        found.copied().unwrap_or_default()
    }
}

const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;

/// The finalizer of `SplitMix64`.
const fn mixed(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    bits ^ (bits >> 31)
}

/// Where the `index`th of up to `places` things has its place: all different, in no visible order,
/// and elsewhere for another seed.
pub(super) const fn place(seed: u64, index: u64, places: u64) -> u64 {
    // A prime above every number of places here, so that multiples of it meet each place once.
    const PRIME: u64 = 2_147_483_647;
    ((index % places) * PRIME + mixed(seed) % places) % places
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_two_have_the_same_place() {
        for places in [7_u64, 1000, 99_999] {
            for seed in [0, 1, u64::MAX] {
                let taken: BTreeSet<u64> = (0..places).map(|i| place(seed, i, places)).collect();
                assert_eq!(taken.len() as u64, places);
                assert!(taken.iter().all(|&at| at < places));
            }
        }
    }

    #[test]
    fn a_stream_is_repeated_and_every_value_comes() {
        let draw = |seed, index| {
            let mut draws = Draws::new(seed, index);
            (0..100).map(|_| draws.below(10)).collect::<Vec<_>>()
        };
        assert_eq!(draw(1, 2), draw(1, 2));
        assert_ne!(draw(1, 2), draw(1, 3));
        assert_ne!(draw(1, 2), draw(2, 2));
        assert_eq!(draw(1, 2).into_iter().collect::<BTreeSet<_>>().len(), 10);
    }
}
