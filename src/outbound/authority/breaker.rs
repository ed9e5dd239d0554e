//! The circuit breaker: stops asking a service that does not answer, and tries again later.
//!
//! Closed, calls pass and their outcomes are noted. Five failures in a row, or half of the last
//! twenty calls, open it: nobody is kept waiting for what will not come, and the service is left to
//! recover. When it has been open for its time it is half open: one call passes as a probe, whose
//! outcome closes or opens it again. A pure state machine; the time is a parameter.

use std::collections::VecDeque;
use std::time::Duration;

use crate::domain::instant::Instant;

/// So many failures in a row open it.
const FAILURES_IN_A_ROW: usize = 5;
/// So many calls are looked back on.
const WINDOW: usize = 20;
/// So many failures among them open it.
const FAILURES_IN_WINDOW: usize = WINDOW / 2;

/// What a breaker does with calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BreakerState {
    /// They pass.
    Closed,
    /// One passes, or is under way.
    HalfOpen,
    /// None passes.
    Open,
}

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// There was an answer, whatever it says.
    Answered,
    /// There was none.
    Failed,
    /// Nobody waited for it, or it was never made.
    Abandoned,
}

/// Stands for a call that passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pass {
    /// How often the breaker had changed its state: what began before says nothing of what is now.
    epoch: u64,
}

#[derive(Debug)]
pub(super) struct Breaker {
    open_for: Duration,
    epoch: u64,
    circuit: Circuit,
}

#[derive(Debug)]
enum Circuit {
    /// The last outcomes, the newest at the back; whether each failed.
    Closed(VecDeque<bool>),
    Open {
        since: Instant,
    },
    Probing,
}

impl Breaker {
    /// Closed.
    pub(super) fn new(open_for: Duration) -> Self {
        Self {
            open_for,
            epoch: 0,
            circuit: Circuit::Closed(VecDeque::with_capacity(WINDOW)),
        }
    }

    /// What it does with a call at `now`.
    pub(super) fn state(&self, now: Instant) -> BreakerState {
        match self.circuit {
            Circuit::Closed(_) => BreakerState::Closed,
            Circuit::Open { since } if self.is_over(since, now) => BreakerState::HalfOpen,
            Circuit::Open { .. } => BreakerState::Open,
            Circuit::Probing => BreakerState::HalfOpen,
        }
    }

    /// Lets a call pass, or not. Who has a pass must report how the call ended.
    pub(super) fn ask(&mut self, now: Instant) -> Option<Pass> {
        match self.circuit {
            Circuit::Closed(_) => {}
            Circuit::Open { since } if self.is_over(since, now) => self.turn(Circuit::Probing),
            Circuit::Open { .. } | Circuit::Probing => return None,
        }
        Some(Pass { epoch: self.epoch })
    }

    /// Notes how a call ended.
    pub(super) fn report(&mut self, pass: Pass, outcome: Outcome, now: Instant) {
        if pass.epoch != self.epoch {
            return;
        }
        match (&mut self.circuit, outcome) {
            (Circuit::Closed(outcomes), Outcome::Answered | Outcome::Failed) => {
                if outcomes.len() == WINDOW {
                    outcomes.pop_front();
                }
                outcomes.push_back(outcome == Outcome::Failed);
                // A good call never opens it, even if it completes a bad window.
                if outcome == Outcome::Failed && is_too_much(outcomes) {
                    self.turn(Circuit::Open { since: now });
                }
            }
            (Circuit::Probing, Outcome::Answered) => {
                self.turn(Circuit::Closed(VecDeque::with_capacity(WINDOW)));
            }
            (Circuit::Probing, Outcome::Failed) => self.turn(Circuit::Open { since: now }),
            // The next call is the probe.
            (Circuit::Probing, Outcome::Abandoned) => {
                let since = now.minus(self.open_for);
                self.turn(Circuit::Open { since });
            }
            (Circuit::Closed(_), Outcome::Abandoned) | (Circuit::Open { .. }, _) => {}
        }
    }

    /// A clock that was put back must not keep it open for longer.
    fn is_over(&self, since: Instant, now: Instant) -> bool {
        now < since || now.since(since) >= self.open_for
    }

    fn turn(&mut self, circuit: Circuit) {
        self.circuit = circuit;
        self.epoch += 1;
    }
}

fn is_too_much(outcomes: &VecDeque<bool>) -> bool {
    let failed = |failed: &&bool| **failed;
    let in_a_row = outcomes.iter().rev().take_while(failed).count();
    let in_window = outcomes.iter().filter(failed).count();
    in_a_row >= FAILURES_IN_A_ROW || (outcomes.len() == WINDOW && in_window >= FAILURES_IN_WINDOW)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const OPEN_FOR: Duration = Duration::from_secs(10);

    fn at(seconds: i64) -> Instant {
        Instant::from_seconds(seconds)
    }

    /// Calls one after another, `+` answered and `-` failed, at second 0; the state after them.
    fn after(calls: &str) -> BreakerState {
        let mut breaker = Breaker::new(OPEN_FOR);
        for call in calls.chars() {
            if let Some(pass) = breaker.ask(at(0)) {
                let outcome = if call == '+' {
                    Outcome::Answered
                } else {
                    Outcome::Failed
                };
                breaker.report(pass, outcome, at(0));
            }
        }
        breaker.state(at(0))
    }

    fn opened() -> Breaker {
        let mut breaker = Breaker::new(OPEN_FOR);
        for _ in 0..FAILURES_IN_A_ROW {
            let pass = breaker.ask(at(0)).unwrap();
            breaker.report(pass, Outcome::Failed, at(0));
        }
        breaker
    }

    #[test]
    fn five_in_a_row_or_half_of_twenty_open_it() {
        for (calls, state) in [
            ("", BreakerState::Closed),
            ("----", BreakerState::Closed),
            ("-----", BreakerState::Open),
            ("----+----", BreakerState::Closed),
            ("++++-----", BreakerState::Open),
            // Nineteen say nothing yet.
            ("-+-+-+-+-+-+-+-+-+-", BreakerState::Closed),
            ("+-+-+-+-+-+-+-+-+-+-", BreakerState::Open),
            // A good call opens nothing, the next bad one does.
            ("-+-+-+-+-+-+-+-+-+-+", BreakerState::Closed),
            ("-+-+-+-+-+-+-+-+-+-+-", BreakerState::Open),
            // Nine of twenty, then the window moves on.
            ("+++-+-+-+-+-+-+-+-+-", BreakerState::Closed),
            ("+++-+-+-+-+-+-+-+-+-+", BreakerState::Closed),
            ("+++-+-+-+-+-+-+-+-+-+-", BreakerState::Open),
            ("--++++++++++++++++++++----", BreakerState::Closed),
        ] {
            assert_eq!(after(calls), state, "{calls}");
        }
    }

    #[test]
    fn open_it_lets_nothing_pass_until_its_time_is_over() {
        let mut breaker = opened();
        assert_eq!(breaker.ask(at(0)), None);
        assert_eq!(breaker.ask(at(9)), None);
        assert_eq!(breaker.state(at(9)), BreakerState::Open);
        assert_eq!(breaker.state(at(10)), BreakerState::HalfOpen);
        assert!(breaker.ask(at(10)).is_some());
    }

    #[test]
    fn one_probe_decides() {
        let mut breaker = opened();
        let probe = breaker.ask(at(10)).unwrap();
        assert_eq!(breaker.state(at(10)), BreakerState::HalfOpen);
        assert_eq!(breaker.ask(at(10)), None);
        assert_eq!(breaker.ask(at(100)), None);
        breaker.report(probe, Outcome::Failed, at(12));
        assert_eq!(breaker.state(at(12)), BreakerState::Open);
        assert_eq!(breaker.ask(at(21)), None);
        let probe = breaker.ask(at(22)).unwrap();
        breaker.report(probe, Outcome::Answered, at(23));
        assert_eq!(breaker.state(at(23)), BreakerState::Closed);
        // What was before is forgotten: four more failures do not open it.
        for _ in 0..4 {
            let pass = breaker.ask(at(23)).unwrap();
            breaker.report(pass, Outcome::Failed, at(23));
        }
        assert_eq!(breaker.state(at(23)), BreakerState::Closed);
    }

    #[test]
    fn a_probe_that_nobody_waited_for_lets_the_next_call_be_it() {
        let mut breaker = opened();
        let probe = breaker.ask(at(10)).unwrap();
        breaker.report(probe, Outcome::Abandoned, at(11));
        assert_eq!(breaker.state(at(11)), BreakerState::HalfOpen);
        assert!(breaker.ask(at(11)).is_some());
    }

    #[test]
    fn what_began_before_it_opened_neither_closes_nor_opens_it() {
        let mut breaker = Breaker::new(OPEN_FOR);
        let early = breaker.ask(at(0)).unwrap();
        for _ in 0..5 {
            let pass = breaker.ask(at(0)).unwrap();
            breaker.report(pass, Outcome::Failed, at(0));
        }
        breaker.report(early, Outcome::Answered, at(1));
        assert_eq!(breaker.state(at(1)), BreakerState::Open);
        let probe = breaker.ask(at(10)).unwrap();
        breaker.report(early, Outcome::Failed, at(10));
        assert_eq!(breaker.state(at(10)), BreakerState::HalfOpen);
        breaker.report(probe, Outcome::Answered, at(10));
        breaker.report(early, Outcome::Failed, at(10));
        assert_eq!(breaker.state(at(10)), BreakerState::Closed);
    }

    #[test]
    fn a_clock_that_was_put_back_does_not_keep_it_open() {
        let mut breaker = opened();
        assert!(breaker.ask(at(-3600)).is_some());
    }

    #[derive(Debug, Clone)]
    enum Step {
        Ask,
        Report(usize, Outcome),
        Wait(u64),
    }

    fn step() -> impl Strategy<Value = Step> {
        let outcome = prop_oneof![
            Just(Outcome::Answered),
            Just(Outcome::Failed),
            Just(Outcome::Abandoned)
        ];
        prop_oneof![
            4 => Just(Step::Ask),
            4 => (any::<usize>(), outcome).prop_map(|(which, outcome)| Step::Report(which, outcome)),
            1 => (0_u64..12).prop_map(Step::Wait),
        ]
    }

    proptest! {
        /// However calls overlap: open, none passes before its time; half open, one is under way;
        /// and once all have ended, it can always be closed again by one good call.
        #[test]
        fn it_never_stays_shut_and_never_floods(steps in proptest::collection::vec(step(), 0..200)) {
            let mut breaker = Breaker::new(OPEN_FOR);
            let mut now = at(0);
            let mut under_way: Vec<Pass> = Vec::new();
            for step in steps {
                let before = breaker.state(now);
                match step {
                    Step::Wait(seconds) => now = now.plus(Duration::from_secs(seconds)),
                    Step::Ask => {
                        let pass = breaker.ask(now);
                        match before {
                            BreakerState::Closed => prop_assert!(pass.is_some()),
                            BreakerState::Open => prop_assert!(pass.is_none()),
                            BreakerState::HalfOpen => {
                                let probing = under_way.iter().any(|p| p.epoch == breaker.epoch);
                                prop_assert_eq!(pass.is_none(), probing);
                            }
                        }
                        under_way.extend(pass);
                    }
                    Step::Report(which, outcome) if !under_way.is_empty() => {
                        let pass = under_way.swap_remove(which % under_way.len());
                        breaker.report(pass, outcome, now);
                        let after = breaker.state(now);
                        if before != BreakerState::Closed && after == BreakerState::Closed {
                            prop_assert_eq!(outcome, Outcome::Answered);
                        }
                        if before == BreakerState::Closed && after != BreakerState::Closed {
                            prop_assert_eq!(outcome, Outcome::Failed);
                        }
                    }
                    Step::Report(..) => {}
                }
            }
            for pass in under_way {
                breaker.report(pass, Outcome::Abandoned, now);
            }
            let later = now.plus(OPEN_FOR);
            let pass = breaker.ask(later).unwrap();
            breaker.report(pass, Outcome::Answered, later);
            prop_assert_eq!(breaker.state(later), BreakerState::Closed);
        }
    }
}
