use super::super::EventKind;
use super::*;

const LIMIT: usize = 100;

fn at(seconds: i64) -> Instant {
    Instant::from_seconds(seconds)
}

fn writer() -> Arc<Writer> {
    Arc::new(Writer::new(WriterId::from_u128(1)))
}

fn ticket(writer: &Arc<Writer>) -> Ticket {
    Ticket::new(Arc::clone(writer))
}

fn event() -> Event {
    Event::new(EventKind::Login, at(0))
}

/// The numbers that would be sealed now, and the settled mark.
fn pending(writer: &Writer) -> (String, i64) {
    let pending = writer.take_pending(LIMIT);
    let found = (pending.spans().to_string(), pending.settled);
    writer.put_back(pending);
    found
}

#[test]
fn what_is_committed_waits_for_its_seal() {
    let writer = writer();
    let (one, two) = (ticket(&writer), ticket(&writer));
    for ticket in [&one, &two, &one] {
        ticket.draw(&event());
    }
    assert_eq!(pending(&writer), (String::new(), 1));
    two.complete();
    two.committed();
    assert_eq!(
        pending(&writer),
        ("2".to_owned(), 1),
        "the first is still open"
    );
    one.complete();
    one.committed();
    assert_eq!(pending(&writer), ("1-3".to_owned(), 4));
    assert!(writer.is_registered());
}

#[test]
fn more_than_fits_stays_for_the_next() {
    let writer = writer();
    let ticket = ticket(&writer);
    for _ in 0..5 {
        ticket.draw(&event());
    }
    ticket.committed();
    let first = writer.take_pending(3);
    assert_eq!(
        (first.spans().to_string(), first.settled),
        ("1-3".to_owned(), 4)
    );
    assert_eq!(pending(&writer), ("4-5".to_owned(), 6));
}

#[test]
fn an_attempt_that_is_run_again_leaves_a_gap() {
    let writer = writer();
    let ticket = ticket(&writer);
    ticket.begin();
    ticket.draw(&event());
    ticket.complete();
    // The commit was refused (40001), so the work runs again.
    ticket.begin();
    ticket.draw(&event());
    ticket.complete();
    ticket.committed();
    drop(ticket);
    assert_eq!(pending(&writer), ("2".to_owned(), 3));
    assert!(writer.to_look_up(at(0), LIMIT).is_empty());
}

#[test]
fn a_write_that_failed_is_settled() {
    let writer = writer();
    let ticket = ticket(&writer);
    ticket.begin();
    ticket.draw(&event());
    drop(ticket);
    assert_eq!(pending(&writer), (String::new(), 2));
    assert!(writer.to_look_up(at(0), LIMIT).is_empty());
    assert!(!writer.is_registered());
}

/// A write of two events whose commit nobody acknowledged.
fn unknown(writer: &Arc<Writer>) {
    let ticket = ticket(writer);
    ticket.begin();
    ticket.draw(&event());
    ticket.draw(&event());
    ticket.complete();
    drop(ticket);
}

#[test]
fn an_unknown_outcome_is_looked_up() {
    let writer = writer();
    unknown(&writer);
    assert_eq!(
        pending(&writer),
        (String::new(), 1),
        "it holds the mark back"
    );
    for one in writer.to_look_up(at(0), LIMIT) {
        writer.looked_up(&one, true, at(0));
    }
    assert_eq!(pending(&writer), ("1-2".to_owned(), 3));
    assert!(writer.to_look_up(at(99), LIMIT).is_empty());
}

#[test]
fn looking_up_slows_down_and_ends() {
    let writer = writer();
    unknown(&writer);
    let mut looks = Vec::new();
    for second in 0..2000 {
        for one in writer.to_look_up(at(second), LIMIT) {
            writer.looked_up(&one, false, at(second));
            looks.push(second);
        }
    }
    looks.dedup();
    assert_eq!(looks, [0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024]);
    assert_eq!(pending(&writer), (String::new(), 3), "given up");
}
