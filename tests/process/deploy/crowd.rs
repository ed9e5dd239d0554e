//! One address that keeps connections by sending a byte of a body now and then: nginx lets it have some
//! of its places, and everybody else has the others.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpSocket;
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;

use super::fabric::Fabric;
use super::text_of;
use crate::http::Http;

/// More than one address may have.
const BEYOND: usize = 20;
/// For as many handshakes as there are connections.
const PATIENCE: Duration = Duration::from_mins(1);
/// Between two bytes: less than `client_body_timeout`.
const DRIP: Duration = Duration::from_secs(2);
const HEAD: &str = "POST /oauth2/token HTTP/1.1\r\nHost: localhost\r\n\
    Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 4096\r\n\r\n";

/// How far the connections have come.
#[derive(Default)]
struct Counts {
    /// Those that have asked.
    sent: AtomicUsize,
    /// Those that were told to come later.
    refused: AtomicUsize,
    /// Those that ended in another way.
    lost: AtomicUsize,
}

/// What `limit_conn` says.
fn limit() -> usize {
    let text = text_of("deploy/nginx/tongxing.conf");
    let mut lines = text.lines().map(str::trim);
    let line = lines.find_map(|line| line.strip_prefix("limit_conn "));
    let number = line.unwrap().trim_end_matches(';').rsplit(' ').next();
    number.unwrap().parse().unwrap()
}

fn connector(fabric: &Fabric) -> TlsConnector {
    let mut roots = RootCertStore::empty();
    let certificate = CertificateDer::from_pem_file(fabric.certificate()).unwrap();
    roots.add(certificate).unwrap();
    let config = ClientConfig::builder()
        .with_root_certificates(roots)
        .with_no_client_auth();
    TlsConnector::from(Arc::new(config))
}

/// Asks from an address, and goes on byte by byte until there is an answer or an end.
async fn drip(own: IpAddr, port: u16, connector: TlsConnector, counts: &Counts) -> Option<String> {
    let socket = TcpSocket::new_v4().ok()?;
    socket.bind(SocketAddr::new(own, 0)).ok()?;
    let proxy = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let stream = socket.connect(proxy).await.ok()?;
    let name = ServerName::try_from("localhost").ok()?;
    let mut stream = connector.connect(name, stream).await.ok()?;
    stream.write_all(HEAD.as_bytes()).await.ok()?;
    stream.flush().await.ok()?;
    counts.sent.fetch_add(1, Ordering::Relaxed);
    let mut answer = [0; 512];
    loop {
        tokio::select! {
            read = stream.read(&mut answer) => {
                return Some(String::from_utf8_lossy(answer.get(..read.ok()?)?).into_owned());
            }
            () = tokio::time::sleep(DRIP) => {
                stream.write_all(b"a").await.ok()?;
                stream.flush().await.ok()?;
            }
        }
    }
}

/// One has as many connections as it may, all others are refused, and others do not feel it.
pub(super) async fn one_address_does_not_have_all_connections(fabric: &Fabric) {
    let [crowd, other] =
        [[127, 0, 9, 1], [127, 0, 9, 2]].map(|own| IpAddr::from(Ipv4Addr::from(own)));
    let (limit, counts) = (limit(), Arc::new(Counts::default()));
    let (connector, port) = (connector(fabric), fabric.port);
    let mut connections = JoinSet::new();
    for _ in 0..limit + BEYOND {
        let (connector, counts) = (connector.clone(), Arc::clone(&counts));
        connections.spawn(async move {
            let answer = drip(crowd, port, connector, &counts).await;
            let is_refused = answer.is_some_and(|answer| answer.starts_with("HTTP/1.1 429 "));
            let count = if is_refused {
                &counts.refused
            } else {
                &counts.lost
            };
            count.fetch_add(1, Ordering::Relaxed);
        });
    }
    let told =
        || [&counts.sent, &counts.refused, &counts.lost].map(|count| count.load(Ordering::Relaxed));
    let deadline = Instant::now() + PATIENCE;
    while told() != [limit + BEYOND, BEYOND, 0] {
        assert!(Instant::now() < deadline, "{:?}", told());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let from = |own| {
        let place = (&*fabric.issuer(), &*format!("127.0.0.1:{port}"));
        Http::secure_from(place, &fabric.certificate(), (own, "203.0.113.9"))
    };
    let discovery = format!("{}/.well-known/openid-configuration", fabric.issuer());
    let answer = from(other).get(&discovery).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let answer = from(crowd).get(&discovery).await;
    assert_eq!(answer.status, 429, "{answer:?}");
    assert_eq!(told(), [limit + BEYOND, BEYOND, 0], "they are still there");
    connections.shutdown().await;
}
