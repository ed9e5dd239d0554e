//! One connection, from the handshake to its end.

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};
use tower::Service;

use super::{Patience, Settings};
use crate::http::address::Peer;

/// Request line and headers together.
const MAX_HEADERS_BYTES: u32 = 32 * 1024;
const MAX_STREAMS: u32 = 100;
const PING_INTERVAL: Duration = Duration::from_secs(20);

/// What all connections of a listener share.
pub(super) struct Host {
    pub(super) router: Router,
    pub(super) settings: Settings,
    pub(super) closing: watch::Receiver<bool>,
}

impl Host {
    pub(super) async fn run(self: Arc<Self>, stream: TcpStream, peer: SocketAddr) {
        // Answers are written whole: waiting to fill a packet only delays them.
        stream.set_nodelay(true).unwrap_or_default();
        let Some(tls) = &self.settings.tls else {
            return self.converse(stream, peer).await;
        };
        let mut closing = self.closing.clone();
        let handshake = tls.acceptor().accept(stream);
        let secured = tokio::select! {
            secured = timeout(self.settings.patience.handshake, handshake) => secured,
            _ = closing.wait_for(|closing| *closing) => return,
        };
        match secured {
            Ok(Ok(stream)) => self.converse(stream, peer).await,
            Ok(Err(error)) => tracing::debug!(%error, "TLS handshake failed"),
            Err(_) => tracing::debug!("TLS handshake took too long"),
        }
    }

    async fn converse<S>(&self, stream: S, peer: SocketAddr)
    where
        S: AsyncRead + AsyncWrite + Unpin + 'static,
    {
        let begun = AtomicBool::new(false);
        let router = &self.router;
        let service = service_fn(|request: hyper::Request<Incoming>| {
            begun.store(true, Ordering::Relaxed);
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(Peer(peer));
            router.clone().call(request)
        });
        let builder = builder(&self.settings.patience);
        let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service));
        let mut closing = self.closing.clone();
        let mut stage = Stage::Arriving;
        let mut deadline = pin!(sleep(self.settings.patience.first_request));
        loop {
            tokio::select! {
                ended = connection.as_mut() => {
                    if let Err(error) = ended {
                        tracing::debug!(%error, "connection ended");
                    }
                    return;
                }
                _ = closing.wait_for(|closing| *closing), if stage != Stage::Leaving => {
                    stage = Stage::Leaving;
                    connection.as_mut().graceful_shutdown();
                    // The listener's grace time ends what does not end by itself.
                    deadline.as_mut().reset(far_from_now());
                }
                () = deadline.as_mut() => {
                    let patience = &self.settings.patience;
                    stage = match stage {
                        Stage::Arriving if !begun.load(Ordering::Relaxed) => return,
                        Stage::Arriving => {
                            deadline.as_mut().reset(Instant::now() + patience.age);
                            Stage::Staying
                        }
                        Stage::Staying => {
                            connection.as_mut().graceful_shutdown();
                            deadline.as_mut().reset(Instant::now() + patience.farewell);
                            Stage::Leaving
                        }
                        Stage::Leaving => return,
                    };
                }
            }
        }
    }
}

/// What a connection is waited for.
#[derive(PartialEq, Eq)]
enum Stage {
    /// The first request.
    Arriving,
    /// More requests.
    Staying,
    /// The end of the last request.
    Leaving,
}

fn far_from_now() -> Instant {
    Instant::now() + Duration::from_hours(24)
}

fn builder(patience: &Patience) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(patience.next_request)
        .max_buf_size(usize::try_from(MAX_HEADERS_BYTES).unwrap_or(usize::MAX));
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(PING_INTERVAL)
        .max_concurrent_streams(MAX_STREAMS)
        .max_header_list_size(MAX_HEADERS_BYTES);
    builder
}
