//! The accept loop: connections, their limits and their end.
//!
//! Nothing here waits for a client without bound: not for its handshake, its request line, its
//! headers, nor for it to read an answer. Knows no route.

mod connection;

#[cfg(test)]
mod tests;

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

pub use axum::Router;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::tls::Tls;

const BACKLOG: i32 = 1024;

/// How a listener treats its connections.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Connections served at once; more wait in the kernel's backlog.
    pub max_connections: usize,
    /// How long requests that have begun may take once the server ends.
    pub shutdown_grace: Duration,
    /// TLS, unless something in front ends it.
    pub tls: Option<Arc<Tls>>,
    /// What is waited for, and how long.
    pub patience: Patience,
}

/// How long a client is waited for.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// For the TLS handshake.
    pub handshake: Duration,
    /// From the handshake to the end of the first request's headers.
    pub first_request: Duration,
    /// For the headers of a later request, the idle time before it included.
    pub next_request: Duration,
    /// How long a connection is kept before it is asked to end.
    pub age: Duration,
    /// How long it may then take, answers unread by the client included.
    pub farewell: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            handshake: Duration::from_secs(10),
            first_request: Duration::from_secs(10),
            // Above the minute for which the common proxies keep idle connections, so that they
            // close first and never send into a connection that we are closing.
            next_request: Duration::from_secs(75),
            age: Duration::from_mins(10),
            farewell: Duration::from_mins(1),
        }
    }
}

/// A bound socket.
#[derive(Debug)]
pub struct Listener {
    socket: TcpListener,
    settings: Settings,
}

impl Listener {
    /// Binds `address`; needs a Tokio runtime.
    pub fn bind(address: SocketAddr, settings: Settings) -> io::Result<Self> {
        let socket = Socket::new(
            Domain::for_address(address),
            Type::STREAM,
            Some(Protocol::TCP),
        )?;
        // A restart must not wait for the old connections' TIME_WAIT.
        socket.set_reuse_address(true)?;
        socket.set_nonblocking(true)?;
        socket.bind(&address.into())?;
        socket.listen(BACKLOG)?;
        Ok(Self {
            socket: TcpListener::from_std(socket.into())?,
            settings,
        })
    }

    /// The address bound, with the port that was free when 0 was asked for.
    pub fn local_address(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    /// Serves until `stop` is done, then lets requests that have begun finish within the grace
    /// time and returns.
    pub async fn serve(self, router: Router, stop: impl Future<Output = ()>) {
        let Self { socket, settings } = self;
        let grace = settings.shutdown_grace;
        let (closing, closed) = watch::channel(false);
        let host = Arc::new(connection::Host {
            router,
            settings,
            closing: closed,
        });
        let mut connections = JoinSet::new();
        accept(&socket, &host, &mut connections, stop).await;
        // From here the kernel refuses new connections.
        drop(socket);
        closing.send_replace(true);
        let all = async { while connections.join_next().await.is_some() {} };
        if timeout(grace, all).await.is_err() {
            tracing::warn!(
                connections = connections.len(),
                "the grace time is over: cutting connections"
            );
            connections.shutdown().await;
        }
    }
}

async fn accept(
    socket: &TcpListener,
    host: &Arc<connection::Host>,
    connections: &mut JoinSet<()>,
    stop: impl Future<Output = ()>,
) {
    let mut stop = pin!(stop);
    loop {
        let room = connections.len() < host.settings.max_connections;
        tokio::select! {
            biased;
            () = &mut stop => return,
            Some(ended) = connections.join_next() => {
                if ended.is_err() {
                    tracing::error!("a connection's task panicked");
                }
            }
            accepted = socket.accept(), if room => match accepted {
                Ok((stream, peer)) => {
                    connections.spawn(Arc::clone(host).run(stream, peer));
                }
                Err(error) if is_the_clients(&error) => {}
                Err(error) => {
                    // Out of file descriptors or memory: try again when some may be free.
                    tracing::warn!(%error, "cannot accept connections");
                    sleep(Duration::from_millis(100)).await;
                }
            }
        }
    }
}

/// Whether the error is of the one connection, which has gone.
fn is_the_clients(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionRefused
    )
}
