use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::*;
use crate::http::server::{Listener, Patience, Settings};

const FIRST: (&str, &str) = (
    include_str!("fixtures/first.pem"),
    include_str!("fixtures/first-key.pem"),
);
const SECOND: (&str, &str) = (
    include_str!("fixtures/second.pem"),
    include_str!("fixtures/second-key.pem"),
);

fn place(folder: &Path, (certificate, key): (&str, &str)) -> Files {
    let files = Files {
        certificate: folder.join("certificate.pem"),
        key: folder.join("key.pem"),
    };
    std::fs::write(&files.certificate, certificate).unwrap();
    std::fs::write(&files.key, key).unwrap();
    files
}

async fn ask(address: SocketAddr, trusted: &str) -> std::io::Result<String> {
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_slice(trusted.as_bytes()).unwrap())
        .unwrap();
    let provider = Arc::new(aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from("localhost").unwrap();
    let stream = TcpStream::connect(address).await?;
    let connector = TlsConnector::from(Arc::new(config));
    let mut stream = connector.connect(name, stream).await?;
    let request = b"GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    stream.write_all(request).await?;
    let mut answer = String::new();
    // The server may close without TLS's goodbye once its answer is out.
    stream.read_to_string(&mut answer).await.or_else(|error| {
        let cut = error.kind() == std::io::ErrorKind::UnexpectedEof;
        if cut { Ok(0) } else { Err(error) }
    })?;
    Ok(answer)
}

#[tokio::test]
async fn serves_over_tls_and_takes_a_new_certificate_while_running() {
    let folder = tempfile::tempdir().unwrap();
    let tls = Arc::new(Tls::load(place(folder.path(), FIRST)).unwrap());
    let settings = Settings {
        max_connections: 8,
        shutdown_grace: Duration::from_secs(1),
        tls: Some(Arc::clone(&tls)),
        patience: Patience::default(),
    };
    let listener = Listener::bind((Ipv4Addr::LOCALHOST, 0).into(), settings).unwrap();
    let address = listener.local_address().unwrap();
    let router = Router::new().route("/", get(async || "hello"));
    tokio::spawn(listener.serve(router, std::future::pending()));

    assert!(ask(address, FIRST.0).await.unwrap().ends_with("hello"));
    assert!(ask(address, SECOND.0).await.is_err());

    place(folder.path(), SECOND);
    tls.reload().unwrap();
    assert!(ask(address, SECOND.0).await.unwrap().ends_with("hello"));
    assert!(ask(address, FIRST.0).await.is_err());

    // A broken file changes nothing.
    place(folder.path(), (FIRST.0, "no key"));
    assert!(tls.reload().is_err());
    assert!(ask(address, SECOND.0).await.unwrap().ends_with("hello"));
}

#[test]
fn a_certificate_with_another_ones_key_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let mixed = place(folder.path(), (FIRST.0, SECOND.1));
    assert!(matches!(Tls::load(mixed), Err(Error::Pair(_))));
    let empty = place(folder.path(), ("", FIRST.1));
    assert!(matches!(Tls::load(empty), Err(Error::File(_, _))));
    let missing = Files {
        certificate: folder.path().join("none.pem"),
        key: folder.path().join("none-key.pem"),
    };
    let problem = Tls::load(missing).unwrap_err().to_string();
    assert!(problem.contains("none.pem"), "{problem}");
}
