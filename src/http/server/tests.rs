use std::net::Ipv4Addr;

use axum::extract::Request;
use axum::routing::get;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::*;
use crate::http::address::Peer;

struct Running {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

fn settings() -> Settings {
    Settings {
        max_connections: 4,
        shutdown_grace: Duration::from_secs(5),
        tls: None,
        patience: Patience::default(),
    }
}

fn start(router: Router, settings: Settings) -> Running {
    let listener = Listener::bind((Ipv4Addr::LOCALHOST, 0).into(), settings).unwrap();
    let address = listener.local_address().unwrap();
    let (stop, stopped) = oneshot::channel();
    let task = tokio::spawn(listener.serve(router, async {
        let _ = stopped.await;
    }));
    Running {
        address,
        stop,
        task,
    }
}

fn router() -> Router {
    Router::new().route("/", get(async || "hello"))
}

async fn ask(stream: &mut TcpStream, request: &str) -> String {
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = vec![0; 4096];
    let length = stream.read(&mut answer).await.unwrap();
    String::from_utf8_lossy(&answer[..length]).into_owned()
}

const GET: &str = "GET / HTTP/1.1\r\nhost: localhost\r\n\r\n";

#[tokio::test]
async fn serves_and_tells_the_peer() {
    let router = Router::new().route(
        "/",
        get(async |request: Request| request.extensions().get::<Peer>().unwrap().0.to_string()),
    );
    let server = start(router, settings());
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let own = stream.local_addr().unwrap().to_string();
    let answer = ask(&mut stream, GET).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    assert!(answer.ends_with(&own), "{answer}");
}

#[tokio::test]
async fn finishes_what_has_begun_and_then_ends() {
    let (begun, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (inside, wait) = (Arc::clone(&begun), Arc::clone(&go));
    let handler = async move || {
        inside.notify_one();
        wait.notified().await;
        "finished"
    };
    let server = start(Router::new().route("/", get(handler)), settings());
    let mut idle = TcpStream::connect(server.address).await.unwrap();
    let mut busy = TcpStream::connect(server.address).await.unwrap();
    let answer = tokio::spawn(async move { ask(&mut busy, GET).await });
    begun.notified().await;
    server.stop.send(()).unwrap();
    // The idle connection is closed at once; the busy one gets its answer.
    assert_eq!(idle.read(&mut [0; 1]).await.unwrap_or(0), 0);
    assert!(!server.task.is_finished());
    go.notify_one();
    assert!(answer.await.unwrap().ends_with("finished"));
    server.task.await.unwrap();
    assert!(TcpStream::connect(server.address).await.is_err());
}

#[tokio::test]
async fn the_grace_time_is_an_end() {
    let begun = Arc::new(Notify::new());
    let inside = Arc::clone(&begun);
    let handler = async move || {
        inside.notify_one();
        std::future::pending::<&str>().await
    };
    let short = Settings {
        shutdown_grace: Duration::from_millis(50),
        ..settings()
    };
    let server = start(Router::new().route("/", get(handler)), short);
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(GET.as_bytes()).await.unwrap();
    begun.notified().await;
    server.stop.send(()).unwrap();
    server.task.await.unwrap();
    assert_eq!(stream.read(&mut [0; 1]).await.unwrap_or(0), 0);
}

#[tokio::test]
async fn a_client_that_sends_its_headers_slowly_or_not_at_all_is_cut() {
    let patience = Patience {
        first_request: Duration::from_millis(100),
        next_request: Duration::from_millis(100),
        ..Patience::default()
    };
    let server = start(
        router(),
        Settings {
            patience,
            ..settings()
        },
    );
    for begin in ["", "P", "GET / HTTP/1.1\r\nhost: lo"] {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        stream.write_all(begin.as_bytes()).await.unwrap();
        let started = Instant::now();
        let mut rest = Vec::new();
        let _ = stream.read_to_end(&mut rest).await;
        assert!(started.elapsed() < Duration::from_secs(5), "{begin:?}");
        assert!(!rest.starts_with(b"HTTP/1.1 200"), "{begin:?}");
    }
    let mut kept = TcpStream::connect(server.address).await.unwrap();
    assert!(ask(&mut kept, GET).await.contains("hello"));
    assert_eq!(kept.read(&mut [0; 1]).await.unwrap_or(0), 0);
}

#[tokio::test]
async fn an_old_connection_is_asked_to_end() {
    let patience = Patience {
        first_request: Duration::from_millis(50),
        age: Duration::from_millis(50),
        ..Patience::default()
    };
    let server = start(
        router(),
        Settings {
            patience,
            ..settings()
        },
    );
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    assert!(ask(&mut stream, GET).await.contains("hello"));
    assert_eq!(stream.read(&mut [0; 1]).await.unwrap_or(0), 0);
}

#[tokio::test]
async fn headers_are_bounded() {
    let server = start(router(), settings());
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let long = format!(
        "GET / HTTP/1.1\r\nhost: localhost\r\nx: {}\r\n\r\n",
        "a".repeat(40_000)
    );
    let _ = stream.write_all(long.as_bytes()).await;
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    assert!(!answer.starts_with(b"HTTP/1.1 200"));
}

#[tokio::test]
async fn one_connection_more_waits_until_another_ends() {
    let one = Settings {
        max_connections: 1,
        ..settings()
    };
    let server = start(router(), one);
    let mut first = TcpStream::connect(server.address).await.unwrap();
    assert!(ask(&mut first, GET).await.contains("hello"));
    let mut second = TcpStream::connect(server.address).await.unwrap();
    second.write_all(GET.as_bytes()).await.unwrap();
    let mut answer = [0; 4096];
    let early = timeout(Duration::from_millis(50), second.read(&mut answer)).await;
    assert!(early.is_err());
    drop(first);
    assert!(second.read(&mut answer).await.unwrap() > 0);
}
