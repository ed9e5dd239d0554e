//! What checks prove. The identity assurance level is derived from them and stored nowhere, so it
//! falls by itself when a check runs out. The words for levels are in [`crate::protocol::acr`].

use super::check::Check;
use super::instant::Instant;
use crate::protocol::acr::Ial;

/// The level that `checks` prove at `now`: the highest of what still counts; none if nothing does.
#[must_use]
pub fn derive(checks: &[Check], now: Instant) -> Option<Ial> {
    checks.iter().filter_map(|check| check.proves(now)).max()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::check::{CheckLabel, CheckMethod, CheckResult};

    fn check(method: CheckMethod, result: CheckResult, expires: i64) -> Check {
        Check {
            method,
            authority: CheckLabel::parse("authority").unwrap(),
            performed_at: Instant::from_seconds(0),
            transaction: CheckLabel::parse("1").unwrap(),
            result,
            expires_at: Some(Instant::from_seconds(expires)),
        }
    }

    #[test]
    fn the_level_is_the_highest_of_what_still_counts() {
        let checks = [
            check(CheckMethod::PhoneCode, CheckResult::Match, 400),
            check(CheckMethod::ThreeElements, CheckResult::Match, 300),
            check(CheckMethod::Face, CheckResult::Match, 200),
            check(CheckMethod::Counter, CheckResult::Mismatch, 500),
        ];
        let at = |seconds| derive(&checks, Instant::from_seconds(seconds));
        assert_eq!(at(100), Some(Ial::Three));
        assert_eq!(at(200), Some(Ial::Two));
        assert_eq!(at(300), Some(Ial::One));
        assert_eq!(at(400), None);
    }

    proptest! {
        #[test]
        fn no_check_ever_lowers_a_level(
            methods in prop::collection::vec(prop::sample::select(CheckMethod::ALL), 0..6),
            more in prop::sample::select(CheckMethod::ALL),
        ) {
            let now = Instant::from_seconds(1);
            let mut checks: Vec<_> =
                methods.into_iter().map(|method| check(method, CheckResult::Match, 2)).collect();
            let before = derive(&checks, now);
            checks.push(check(more, CheckResult::Mismatch, 2));
            prop_assert_eq!(derive(&checks, now), before);
            checks.push(check(more, CheckResult::Match, 2));
            prop_assert!(derive(&checks, now) >= before);
        }
    }
}
