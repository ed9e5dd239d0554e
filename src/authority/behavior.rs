//! What the simulator does with the next call: as it should, or one of the ways in which
//! authorities fail. Switched while it runs.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::domain::check::CheckResult;
use crate::domain::code_list::code_list;

code_list! {
    /// How the simulator behaves.
    pub enum Behavior {
        /// Answers what it knows.
        Ok = "ok",
        /// Answers that something disagrees, whatever it knows.
        Mismatch = "mismatch",
        /// Answers that it knows no such person, whatever it knows.
        NoRecord = "no_record",
        /// Answers what it knows, too late.
        Slow = "slow",
        /// Answers 500, or breaks off before an answer, by turns.
        Down = "down",
        /// Answers what it knows and 500, by turns.
        Flapping = "flapping",
        /// Answers with what is no answer, in several ways by turns.
        Garbage = "garbage",
    }
}

/// Later than anybody waits.
const SLOW: Duration = Duration::from_secs(10);

/// What is done with one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Act {
    /// The answer that is true.
    Judge,
    /// This one.
    Say(CheckResult),
    /// Status 500.
    Fail,
    /// The connection ends without an answer.
    BreakOff,
    /// Text that is no JSON.
    NotJson,
    /// A match, of another transaction.
    OtherTransaction,
    /// A word that no authority says.
    UnknownWord,
    /// More than an answer needs.
    Huge,
}

const DOWN: [Act; 2] = [Act::Fail, Act::BreakOff];
const FLAPPING: [Act; 2] = [Act::Judge, Act::Fail];
const GARBAGE: [Act; 4] = [
    Act::NotJson,
    Act::OtherTransaction,
    Act::UnknownWord,
    Act::Huge,
];

/// The switch.
#[derive(Debug)]
pub(super) struct Switch(Mutex<Position>);

#[derive(Debug, Clone, Copy)]
struct Position {
    behavior: Behavior,
    delay: Duration,
    /// Calls since it was put there.
    calls: usize,
}

impl Position {
    fn new(behavior: Behavior, delay: Option<Duration>) -> Self {
        let usual = if behavior == Behavior::Slow {
            SLOW
        } else {
            Duration::ZERO
        };
        Self {
            behavior,
            delay: delay.unwrap_or(usual),
            calls: 0,
        }
    }
}

impl Switch {
    /// With no delay named, only `slow` has one.
    pub(super) fn new(behavior: Behavior, delay: Option<Duration>) -> Self {
        Self(Mutex::new(Position::new(behavior, delay)))
    }

    pub(super) fn put(&self, behavior: Behavior, delay: Option<Duration>) {
        *self.position() = Position::new(behavior, delay);
    }

    pub(super) fn get(&self) -> (Behavior, Duration) {
        let position = *self.position();
        (position.behavior, position.delay)
    }

    /// What to do with a call, after which delay.
    pub(super) fn next(&self) -> (Act, Duration) {
        let mut position = self.position();
        let calls = position.calls;
        position.calls = calls.wrapping_add(1);
        let acts: &[Act] = match position.behavior {
            Behavior::Ok | Behavior::Slow => &[Act::Judge],
            Behavior::Mismatch => &[Act::Say(CheckResult::Mismatch)],
            Behavior::NoRecord => &[Act::Say(CheckResult::NoRecord)],
            Behavior::Down => &DOWN,
            Behavior::Flapping => &FLAPPING,
            Behavior::Garbage => &GARBAGE,
        };
        let turn = calls.checked_rem(acts.len()).and_then(|at| acts.get(at));
        (turn.copied().unwrap_or(Act::Fail), position.delay)
    }

    /// Never held across an await.
    fn position(&self) -> MutexGuard<'_, Position> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn acts_by_turns_and_begins_anew_when_switched() {
        let switch = Switch::new(Behavior::Flapping, None);
        let acts = |count| -> Vec<Act> { (0..count).map(|_| switch.next().0).collect() };
        assert_eq!(acts(3), [Act::Judge, Act::Fail, Act::Judge]);
        switch.put(Behavior::Flapping, None);
        assert_eq!(acts(1), [Act::Judge]);
        switch.put(Behavior::Garbage, None);
        assert_eq!(acts(5)[4], Act::NotJson);
    }

    #[test]
    fn only_slow_is_slow_unless_told() {
        for &behavior in Behavior::ALL {
            let switch = Switch::new(behavior, None);
            assert_eq!(switch.next().1 > Duration::ZERO, behavior == Behavior::Slow);
            let told = Some(Duration::from_millis(7));
            switch.put(behavior, told);
            assert_eq!(switch.get(), (behavior, Duration::from_millis(7)));
        }
    }
}
