//! A way to a server that can be cut or go silent, as networks do.

use std::net::SocketAddr;
use std::time::Duration;

use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// What becomes of connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// Everything gets through.
    Open,
    /// Connections are taken, and nothing gets through.
    Silent,
    /// Connections are reset, old ones and new ones.
    Cut,
}

#[derive(Debug, Clone, Copy)]
struct State {
    way: Way,
    /// How often all connections were lost: those of before get nothing through any more.
    losses: u64,
}

/// A listener that passes connections on; ends with this value.
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    state: watch::Sender<State>,
    task: JoinHandle<()>,
}

impl Proxy {
    /// Passes on to `server`.
    pub(crate) async fn to(server: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (state, told) = watch::channel(State {
            way: Way::Open,
            losses: 0,
        });
        let task = tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                tokio::spawn(pass(near, server.clone(), told.clone()));
            }
        });
        Self {
            address,
            state,
            task,
        }
    }

    /// Changes the way, for old connections and new ones.
    pub(crate) fn set(&self, way: Way) {
        self.state.send_modify(|state| state.way = way);
    }

    /// Opens the way for new connections; those that there are stay silent for ever, as behind a
    /// firewall that has forgotten them.
    pub(crate) fn open_for_new(&self) {
        self.state.send_modify(|state| {
            state.way = Way::Open;
            state.losses += 1;
        });
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn pass(mut near: TcpStream, server: String, mut told: watch::Receiver<State>) {
    let losses = told.borrow().losses;
    let opened = told.wait_for(|state| state.way != Way::Silent).await;
    let is_open = opened.is_ok_and(|state| state.way == Way::Open);
    let far = if is_open {
        TcpStream::connect(&server).await.ok()
    } else {
        None
    };
    let Some(mut far) = far else {
        reset(&near);
        return;
    };
    {
        let (near_read, near_write) = near.split();
        let (far_read, far_write) = far.split();
        let mut cut = told.clone();
        tokio::select! {
            () = pump(near_read, far_write, (told.clone(), losses)) => {}
            () = pump(far_read, near_write, (told.clone(), losses)) => {}
            _ = cut.wait_for(|state| state.way == Way::Cut) => {}
        }
    }
    reset(&near);
    reset(&far);
}

/// Passes on until the end of either side; holds back what comes while the way is not open.
async fn pump(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    (mut told, losses): (watch::Receiver<State>, u64),
) {
    let mut held = [0; 16 * 1024];
    while let Ok(length @ 1..) = from.read(&mut held).await {
        let passes = |state: &State| state.way == Way::Open && state.losses == losses;
        if told.wait_for(passes).await.is_err() || to.write_all(&held[..length]).await.is_err() {
            return;
        }
    }
}

/// Has it end by a reset rather than in order.
fn reset(connection: &TcpStream) {
    drop(SockRef::from(connection).set_linger(Some(Duration::ZERO)));
}
