//! Ports for servers, which are started again on them.
//!
//! Not from the range out of which the system serves outgoing connections: one of those would have
//! the port while its server is down.

use std::net::TcpListener;
use std::sync::atomic::{AtomicU32, Ordering};

const FIRST: u32 = 15_000;
const COUNT: u32 = 17_000;

/// A port on which nothing listens, no other of this process's.
pub(crate) fn free_port() -> u16 {
    static TURN: AtomicU32 = AtomicU32::new(0);
    let own = std::process::id() % COUNT;
    (0..COUNT)
        .map(|_| FIRST + (own + TURN.fetch_add(1, Ordering::Relaxed)) % COUNT)
        .filter_map(|port| u16::try_from(port).ok())
        .find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok())
        .expect("a free port")
}
