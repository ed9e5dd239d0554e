//! How many guesses a day leaves room for.

use super::*;

const LIMITS: GuessLimits = GuessLimits {
    tries: 5,
    longest_delay: Duration::from_mins(15),
    per_block: 300,
};

/// How many who always come as soon as they may get through in `time`.
fn tries_in(time: Duration, backoff: &Backoff) -> u32 {
    let mut spent = Duration::ZERO;
    let mut tries = 0;
    while spent < time {
        tries += 1;
        spent += backoff.delay(tries);
    }
    tries
}

#[test]
fn a_day_of_guesses_is_bounded() {
    let guessing = Guessing::new(LIMITS, SharedFailures::in_memory());
    let in_a_day = |failures| tries_in(DAY, &guessing.of_name_from_block(failures));
    assert_eq!(in_a_day(0), 109);
    assert_eq!(in_a_day(NOTICED), 33);
    assert_eq!(in_a_day(BESIEGED), 11);
    assert_eq!(tries_in(DAY, &guessing.of_device()), 109);
    assert_eq!(tries_in(HOUR, &LIMITS.of_block()), 364);
    assert_eq!(tries_in(HOUR, &LIMITS.of_address()), 5);
}

#[test]
fn a_place_that_has_not_failed_has_its_first_try_and_delays_end_before_they_are_forgotten() {
    let guessing = Guessing::new(LIMITS, SharedFailures::in_memory());
    for failures in [0, 19, 20, 99, 100, u32::MAX] {
        let backoff = guessing.of_name_from_block(failures);
        assert_eq!(backoff.delay(0), Duration::ZERO);
        assert!(backoff.longest < backoff.forgotten_after);
    }
    let calm = guessing.of_name_from_block(NOTICED - 1);
    assert_eq!((calm.delay(4), calm.delay(5)), (Duration::ZERO, SECOND));
    let noticed = guessing.of_name_from_block(NOTICED);
    assert_eq!(
        (noticed.delay(1), noticed.delay(2)),
        (Duration::ZERO, 10 * SECOND)
    );
    let besieged = guessing.of_name_from_block(BESIEGED);
    assert_eq!(besieged.delay(1), MINUTE);
}

#[test]
fn spellings_of_a_name_share_its_counter() {
    let now = Instant::from_seconds(1_767_600_000);
    let text = |typed| name_text(&Username::parse(typed, now), typed);
    assert_eq!(text("13800000001"), text("+86 138 0000 0001"));
    assert_eq!(text("11010519600402019x"), text("11010519600402019X"));
    assert_eq!(text("e12345678"), text("CHN-E12345678"));
    assert_eq!(text(" nobody"), text("nobody "));
    assert_ne!(text("nobody"), text("somebody"));
    assert_ne!(text("13800000001"), text("13800000002"));
}
