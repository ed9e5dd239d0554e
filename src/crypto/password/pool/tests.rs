use std::pin::pin;
use std::task::{Context, Poll, Waker};

use super::*;
use crate::crypto::entropy::SeededEntropy;

fn quick() -> PasswordParameters {
    PasswordParameters::new(64, 2, 1).expect("within bounds")
}

fn pool(threads: usize, queue: usize, parameters: PasswordParameters) -> PasswordPool {
    let settings = PoolSettings {
        threads,
        queue,
        parameters,
    };
    PasswordPool::start(settings, Arc::new(SeededEntropy::new(1))).expect("threads")
}

fn password(text: &str) -> Secret<String> {
    Secret::new(text.to_owned())
}

#[tokio::test]
async fn tells_right_from_wrong() {
    let pool = pool(2, 8, quick());
    let hash = pool.hash(password("correct")).await.expect("hashed");
    let again = pool.hash(password("correct")).await.expect("hashed");
    assert_ne!(hash.as_str(), again.as_str(), "each has its salt");
    let right = pool.verify(password("correct"), hash.clone()).await;
    assert_eq!(right, Ok(Verdict::Right));
    let wrong = pool.verify(password("Correct"), hash).await;
    assert_eq!(wrong, Ok(Verdict::Wrong));
    assert_eq!(pool.verify_nothing(password("correct")).await, Ok(()));
}

#[tokio::test]
async fn a_weaker_hash_is_right_but_old() {
    let hash = pool(1, 8, quick()).hash(password("a")).await;
    let hash = hash.expect("hashed");
    let stronger = PasswordParameters::new(128, 2, 1).expect("within bounds");
    let pool = pool(1, 8, stronger);
    let right = pool.verify(password("a"), hash.clone()).await;
    assert_eq!(right, Ok(Verdict::RightButOld));
    assert_eq!(pool.verify(password("b"), hash).await, Ok(Verdict::Wrong));
}

#[tokio::test]
async fn a_password_has_a_longest_length() {
    let pool = pool(1, 8, quick());
    let longest = "x".repeat(MAX_PASSWORD);
    let hash = pool.hash(password(&longest)).await.expect("hashed");
    let right = pool.verify(password(&longest), hash.clone()).await;
    assert_eq!(right, Ok(Verdict::Right));
    let too_long = format!("{longest}x");
    let refused = pool.hash(password(&too_long)).await;
    assert_eq!(refused, Err(PasswordError::TooLong));
    let wrong = pool.verify(password(&too_long), hash).await;
    assert_eq!(wrong, Ok(Verdict::Wrong));
    assert_eq!(pool.verify_nothing(password(&too_long)).await, Ok(()));
}

/// A pool whose threads never start: its queue stands still.
fn standing(queue: usize) -> PasswordPool {
    let settings = PoolSettings {
        threads: 1,
        queue,
        parameters: quick(),
    };
    PasswordPool {
        queue: Arc::new(Queue(Arc::new(Shared::new(settings)))),
        entropy: Arc::new(SeededEntropy::new(1)),
    }
}

fn poll_once<T>(future: std::pin::Pin<&mut impl Future<Output = T>>) -> Poll<T> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

#[test]
fn a_full_queue_is_busy_until_someone_hangs_up() {
    let pool = standing(2);
    let mut first = pin!(pool.hash(password("a")));
    assert!(poll_once(first.as_mut()).is_pending());
    {
        let mut second = pin!(pool.verify_nothing(password("b")));
        assert!(poll_once(second.as_mut()).is_pending());
        assert_eq!(pool.load(), PoolLoad { queued: 2, busy: 0 });
        let mut third = pin!(pool.hash(password("c")));
        let busy = Poll::Ready(Err(PasswordError::Busy));
        assert_eq!(poll_once(third.as_mut()), busy);
    }
    let mut fourth = pin!(pool.hash(password("d")));
    assert!(
        poll_once(fourth.as_mut()).is_pending(),
        "the second has hung up"
    );
    assert_eq!(pool.load().queued, 2);
}

#[test]
fn abandoned_work_is_not_done() {
    let pool = standing(4);
    drop_after_one_poll(pool.hash(password("a")));
    let mut kept = pin!(pool.hash(password("b")));
    assert!(poll_once(kept.as_mut()).is_pending());
    drop_after_one_poll(pool.hash(password("c")));
    let job = pool.queue.0.next().expect("a job");
    assert_eq!(pool.load(), PoolLoad { queued: 1, busy: 1 });
    job.run(quick(), &mut Vec::new());
    let Poll::Ready(Ok(hash)) = poll_once(kept.as_mut()) else {
        panic!("the one that was kept is answered");
    };
    assert_eq!(hash.matches(b"b", &mut Vec::new()), Ok(true));
}

fn drop_after_one_poll<T>(future: impl Future<Output = T>) {
    assert!(poll_once(pin!(future)).is_pending());
}

#[test]
fn a_closed_pool_gives_no_work() {
    let pool = standing(4);
    let shared = Arc::clone(&pool.queue.0);
    drop_after_one_poll(pool.hash(password("a")));
    let clone = pool.clone();
    drop(pool);
    assert!(!shared.lock().closed);
    drop(clone);
    assert!(shared.next().is_none());
}

#[cfg(target_os = "linux")]
#[test]
fn a_hashing_thread_gives_way_and_others_do_not() {
    let before = nice_of("thread-self");
    let own = thread::spawn(|| {
        lower_priority();
        nice_of("thread-self")
    });
    // Whatever the tests themselves run at; 19 is the end of the scale.
    assert_eq!(own.join().expect("ends"), (before + 10).min(19));
    assert_eq!(nice_of("thread-self"), before);
}

/// The nineteenth field of `stat`, counted from behind the name in brackets.
#[cfg(target_os = "linux")]
fn nice_of(thread: &str) -> i32 {
    let stat = std::fs::read_to_string(format!("/proc/{thread}/stat")).expect("proc");
    let (_, fields) = stat.rsplit_once(") ").expect("a name");
    let nice = fields.split(' ').nth(16).expect("fields");
    nice.parse().expect("a number")
}
