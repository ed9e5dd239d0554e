use super::*;

const START: Instant = Instant::from_seconds(1_000_000);

fn draw(number: usize) -> Draw {
    Draw {
        cookie: format!("cookie-{number}"),
        csrf: format!("csrf-{number}"),
    }
}

fn journey(state: &str) -> Journey {
    Journey {
        state: state.to_owned(),
        kind: JourneyKind::Login(LoginSecrets {
            nonce: format!("nonce of {state}"),
            verifier: format!("verifier of {state}"),
        }),
        began_at: START,
    }
}

fn visitors() -> Visitors<&'static str> {
    let mut visitors = Visitors::new();
    let given = visitors.set_out(None, journey("a"), draw(1), START);
    assert_eq!(given.as_deref(), Some("cookie-1"));
    visitors
}

#[test]
fn an_answer_is_taken_once() {
    let mut visitors = visitors();
    assert_eq!(
        visitors.come_back("cookie-1", "a", START),
        Some(journey("a"))
    );
    assert_eq!(visitors.come_back("cookie-1", "a", START), None);
}

#[test]
fn an_answer_to_another_browser_is_refused() {
    let mut visitors = visitors();
    visitors.set_out(None, journey("b"), draw(2), START);
    assert_eq!(visitors.come_back("cookie-2", "a", START), None);
    assert_eq!(visitors.come_back("", "a", START), None);
    // The attempt took nothing from the browser that it belongs to.
    assert!(visitors.come_back("cookie-1", "a", START).is_some());
}

#[test]
fn an_answer_that_comes_too_late_is_refused() {
    let mut visitors = visitors();
    let late = START.plus(JOURNEY_LIFE);
    assert_eq!(visitors.come_back("cookie-1", "a", late), None);
}

#[test]
fn several_tabs_may_be_under_way_but_not_without_end() {
    let mut visitors = visitors();
    for number in 0..MAX_JOURNEYS {
        let given = visitors.set_out(
            Some("cookie-1"),
            journey(&number.to_string()),
            draw(9),
            START,
        );
        assert_eq!(given, None);
    }
    // The oldest had to go.
    assert_eq!(visitors.come_back("cookie-1", "a", START), None);
    assert!(visitors.come_back("cookie-1", "0", START).is_some());
    assert!(visitors.come_back("cookie-1", "7", START).is_some());
}

#[test]
fn entering_changes_the_cookie_and_keeps_the_other_tabs() {
    let mut visitors = visitors();
    visitors.set_out(Some("cookie-1"), journey("b"), draw(9), START);
    assert!(visitors.come_back("cookie-1", "a", START).is_some());
    visitors.enter("cookie-1", "somebody", draw(2), START);
    assert!(visitors.entered("cookie-1", START).is_none());
    let (login, csrf) = visitors.entered("cookie-2", START).unwrap();
    assert_eq!((*login, csrf.as_str()), ("somebody", "csrf-2"));
    assert!(visitors.come_back("cookie-2", "b", START).is_some());
}

#[test]
fn who_has_left_is_forgotten_and_cannot_be_renewed() {
    let mut visitors = visitors();
    visitors.enter("cookie-1", "somebody", draw(2), START);
    visitors.renew("cookie-2", "somebody, renewed", START);
    assert_eq!(
        *visitors.entered("cookie-2", START).unwrap().0,
        "somebody, renewed"
    );
    assert_eq!(visitors.take_news("cookie-2", START), Some(News::Renewed));
    assert_eq!(visitors.take_news("cookie-2", START), None);
    visitors.leave("cookie-2");
    visitors.renew("cookie-2", "somebody", START);
    assert!(visitors.entered("cookie-2", START).is_none());
}

#[test]
fn who_declined_is_told_so_once_and_nobody_else_is() {
    let mut visitors = visitors();
    visitors.enter("", "somebody", draw(2), START);
    visitors.decline("cookie-1", START);
    visitors.decline("cookie-9", START);
    assert_eq!(visitors.take_news("cookie-2", START), None);
    assert_eq!(visitors.take_news("cookie-9", START), None);
    assert_eq!(visitors.take_news("cookie-1", START), Some(News::Declined));
    assert_eq!(visitors.take_news("cookie-1", START), None);
}

#[test]
fn what_others_end_is_ended_in_every_browser_that_is_meant() {
    let mut visitors = visitors();
    visitors.enter("cookie-1", "one", draw(2), START);
    visitors.enter("", "one", draw(3), START);
    visitors.enter("", "other", draw(4), START);
    assert_eq!(visitors.end(|login| *login == "one"), 2);
    for cookie in ["cookie-2", "cookie-3"] {
        assert!(visitors.entered(cookie, START).is_none());
        assert!(visitors.was_ended(cookie, START));
        visitors.renew(cookie, "one", START);
        assert!(visitors.entered(cookie, START).is_none());
    }
    assert!(visitors.entered("cookie-4", START).is_some());
    assert!(!visitors.was_ended("cookie-4", START));
    assert_eq!(visitors.end(|login| *login == "one"), 0);
    // Whoever enters again has entered.
    visitors.enter("cookie-2", "one", draw(5), START);
    assert!(!visitors.was_ended("cookie-5", START) && !visitors.was_ended("", START));
}

#[test]
fn a_visit_ends_when_nobody_comes() {
    let mut visitors = visitors();
    visitors.enter("cookie-1", "somebody", draw(2), START);
    let later = START.plus(VISIT_LIFE).minus(Duration::from_secs(1));
    assert!(visitors.entered("cookie-2", later).is_some());
    assert!(
        visitors
            .entered("cookie-2", later.plus(VISIT_LIFE))
            .is_none()
    );
}

#[test]
fn no_flood_grows_the_memory_and_the_oldest_go_first() {
    let mut visitors = visitors();
    for number in 2..=CAPACITY + 1 {
        let at = START.plus(Duration::from_millis(number as u64));
        visitors.set_out(None, journey("x"), draw(number), at);
    }
    assert_eq!(visitors.0.len(), CAPACITY);
    assert_eq!(visitors.come_back("cookie-1", "a", START), None);
    assert!(visitors.come_back("cookie-2", "x", START).is_some());
}
