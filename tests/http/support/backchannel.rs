//! The portals' end of back-channel logout: listens on loopback, keeps what comes, answers as told.

use std::collections::BTreeMap;
use std::future::pending;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::to_bytes;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use serde_json::{Value, json};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use url::form_urlencoded;

use tongxing::http::server::{Listener, Patience, Settings};
use tongxing::jobs::deliver::Tally;
use tongxing::jobs::deliver_logouts::{self, LogoutParts};
use tongxing::ledger::outbox::OutboxKind;
use tongxing::outbound::{GuardedClient, Loopback};

use super::parts::{PATIENCE, fetcher};
use super::portal::Portal;
use super::server::{Server, tweaked};

/// What a portal answers to a logout token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reply {
    Status(u16),
    Nothing,
}

/// A logout token that came.
#[derive(Debug)]
pub(crate) struct Told {
    /// The path that it came to: one a portal.
    pub(crate) path: String,
    pub(crate) token: String,
}

/// Where several portals listen.
pub(crate) struct Ears {
    address: SocketAddr,
    replies: Arc<Mutex<BTreeMap<String, Reply>>>,
    told: mpsc::UnboundedReceiver<Told>,
}

impl Ears {
    pub(crate) fn open() -> Self {
        let settings = Settings {
            max_connections: 100,
            shutdown_grace: Duration::ZERO,
            tls: None,
            patience: Patience::default(),
        };
        let anywhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let listener = Listener::bind(anywhere, settings).expect("a port");
        let address = listener.local_address().expect("an address");
        let replies: Arc<Mutex<BTreeMap<String, Reply>>> = Arc::default();
        let (sender, told) = mpsc::unbounded_channel();
        let answers = Arc::clone(&replies);
        let router = Router::new().fallback(move |request: Request| {
            let (sender, answers) = (sender.clone(), Arc::clone(&answers));
            async move { hear(request, &sender, &answers).await }
        });
        tokio::spawn(listener.serve(router, pending()));
        Self {
            address,
            replies,
            told,
        }
    }

    /// Where the portal of a path hears of logouts.
    pub(crate) fn uri(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Registers a portal that listens at a path.
    pub(crate) async fn portal(&self, server: &Server, path: &str, tweaks: &Value) -> Portal {
        let listening = json!({ "backchannel_logout_uri": self.uri(path) });
        Portal::register(server, &tweaked(listening, tweaks)).await
    }

    /// From now on the portal of a path answers so; before, 200.
    pub(crate) fn reply(&self, path: &str, reply: Reply) {
        let mut replies = self.replies.lock().expect("no panic");
        replies.insert(path.to_owned(), reply);
    }

    /// The next token that comes.
    pub(crate) async fn next(&mut self) -> Told {
        let told = tokio::time::timeout(PATIENCE, self.told.recv()).await;
        told.expect("a logout token in time").expect("it listens")
    }

    /// The next ones, by path.
    pub(crate) async fn next_by_path(&mut self, count: usize) -> Vec<Told> {
        let mut all = Vec::new();
        for _ in 0..count {
            all.push(self.next().await);
        }
        all.sort_by(|one, other| one.path.cmp(&other.path));
        all
    }

    /// What else has come.
    pub(crate) fn rest(&mut self) -> Vec<Told> {
        std::iter::from_fn(|| self.told.try_recv().ok()).collect()
    }

    /// Whether nothing else has come.
    pub(crate) fn is_quiet(&mut self) -> bool {
        self.told.try_recv().is_err()
    }
}

async fn hear(
    request: Request,
    sender: &mpsc::UnboundedSender<Told>,
    replies: &Mutex<BTreeMap<String, Reply>>,
) -> StatusCode {
    let path = request.uri().path().to_owned();
    assert_eq!(request.method(), "POST");
    let kind = request.headers().get(CONTENT_TYPE).expect("a kind");
    assert_eq!(kind, "application/x-www-form-urlencoded");
    let body = to_bytes(request.into_body(), usize::MAX).await;
    let body = body.expect("a body");
    let fields: Vec<_> = form_urlencoded::parse(&body).into_owned().collect();
    let [(name, token)] = fields.as_slice() else {
        panic!("one field: {fields:?}");
    };
    assert_eq!(name, "logout_token");
    let reply = replies.lock().expect("no panic").get(&path).copied();
    let token = token.clone();
    // Whoever listens to the channel may have gone.
    drop(sender.send(Told { path, token }));
    match reply.unwrap_or(Reply::Status(200)) {
        Reply::Status(status) => StatusCode::from_u16(status).expect("a status"),
        Reply::Nothing => pending().await,
    }
}

/// The telling of logouts; ends with this value.
pub(crate) struct Telling {
    _end: watch::Sender<bool>,
    running: JoinHandle<()>,
    pub(crate) tally: Arc<Tally>,
}

impl Drop for Telling {
    fn drop(&mut self) {
        self.running.abort();
    }
}

impl Server {
    /// Begins to tell clients of logouts, on loopback too.
    pub(crate) fn tells_logouts(&self) -> Telling {
        self.tells_logouts_by(GuardedClient::new(Loopback::Allowed).expect("a client"))
    }

    /// The same as it should be: loopback is not called.
    pub(crate) fn tells_logouts_guarded(&self) -> Telling {
        self.tells_logouts_by(fetcher())
    }

    fn tells_logouts_by(&self, client: GuardedClient) -> Telling {
        let tally: Arc<Tally> = Arc::default();
        let (end, shutdown) = watch::channel(false);
        let parts = LogoutParts {
            ledger: self.ledger.clone(),
            keys: self.keys.clone(),
            provider: self.provider.clone(),
            client,
            tally: Arc::clone(&tally),
        };
        let running = tokio::spawn(deliver_logouts::run(parts, shutdown));
        Telling {
            _end: end,
            running,
            tally,
        }
    }

    /// How many logouts are to be told, and how many were given up.
    pub(crate) async fn untold(&self) -> (i64, i64) {
        let outbox = self.ledger.outbox();
        let ended = outbox.count(OutboxKind::SessionsEnded).await;
        let told = outbox.count(OutboxKind::Logout).await;
        let (ended, told) = (ended.expect("an answer"), told.expect("an answer"));
        (ended.waiting + told.waiting, ended.failed + told.failed)
    }

    /// Waits until so many logouts are still to be told, and so many were given up.
    pub(crate) async fn comes_to(&self, untold: (i64, i64)) {
        let settled = async {
            while self.untold().await != untold {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let settled = tokio::time::timeout(PATIENCE, settled).await;
        let is = self.untold().await;
        assert!(settled.is_ok(), "{untold:?} expected: {is:?}");
    }
}
