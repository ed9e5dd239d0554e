//! Who holds a phone. Phones are shared within families and handed on by carriers: one may serve
//! several accounts, and leaves an account when its carrier says that it is another person's.

use std::time::Duration;

use super::id::AccountId;
use super::instant::Instant;

/// How many accounts one phone may serve.
pub const ACCOUNTS_PER_PHONE: usize = 5;

/// How long a confirmation counts: afterwards the phone neither logs in nor recovers.
pub const CONFIRMATION_COUNTS_FOR: Duration = Duration::from_hours(180 * 24);

/// An account's hold on a phone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PhoneHolder {
    /// Whose.
    pub account_id: AccountId,
    /// When the phone was last shown to be at hand.
    pub confirmed_at: Option<Instant>,
    /// Whether its carrier says it is the person's own.
    pub in_own_name: bool,
}

/// Who loses a phone to `winner`, of whom the carrier has just said that it is theirs: whoever was
/// its person before; and if the phone still serves as many as it may, the one that has not
/// confirmed it for the longest time.
#[must_use]
pub fn losers(holders: &[PhoneHolder], winner: Option<AccountId>) -> Vec<AccountId> {
    let has_place = |holder: &&PhoneHolder| Some(holder.account_id) == winner;
    let others = || holders.iter().filter(|holder| !has_place(holder));
    let mut losers: Vec<AccountId> = others()
        .filter(|holder| holder.in_own_name)
        .map(|holder| holder.account_id)
        .collect();
    let is_full = holders.len() - losers.len() >= ACCOUNTS_PER_PHONE;
    if is_full && !holders.iter().any(|holder| has_place(&holder)) {
        let oldest = others()
            .filter(|holder| !holder.in_own_name)
            .min_by_key(|holder| holder.confirmed_at);
        losers.extend(oldest.map(|holder| holder.account_id));
    }
    losers
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::id::Id;

    fn holder(number: u128, confirmed: i64, in_own_name: bool) -> PhoneHolder {
        PhoneHolder {
            account_id: Id::from_u128(number),
            confirmed_at: Some(Instant::from_seconds(confirmed)),
            in_own_name,
        }
    }

    fn lost(holders: &[PhoneHolder], winner: Option<u128>) -> Vec<u128> {
        let losers = losers(holders, winner.map(Id::from_u128));
        losers.into_iter().map(Id::to_u128).collect()
    }

    #[test]
    fn a_family_keeps_its_phone() {
        let family: Vec<_> = (1..=4).map(|n| holder(n, 10, false)).collect();
        assert!(lost(&family, None).is_empty());
        assert!(lost(&[], None).is_empty());
    }

    #[test]
    fn it_leaves_whoever_had_the_number_before() {
        let holders = [holder(1, 10, true), holder(2, 20, false)];
        assert_eq!(lost(&holders, None), [1]);
        assert_eq!(lost(&holders, Some(2)), [1]);
        assert!(lost(&holders, Some(1)).is_empty(), "it is theirs already");
    }

    #[test]
    fn its_person_always_finds_a_place() {
        let mut five: Vec<_> = (1..=5)
            .zip((50..60).rev())
            .map(|(n, at)| holder(n, at, false))
            .collect();
        assert_eq!(lost(&five, None), [5], "confirmed the longest ago");
        assert!(lost(&five, Some(3)).is_empty(), "has a place");
        five[1].in_own_name = true;
        assert_eq!(lost(&five, None), [2], "whose place is free then");
    }
}
