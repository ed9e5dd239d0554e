use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::thread;

use serde_json::Value;

use super::*;

fn client() -> GuardedClient {
    // Another test may have installed it.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    GuardedClient::new(Loopback::Allowed).unwrap()
}

/// Answers each connection with `answer` and counts them.
fn server(answer: String) -> (String, Arc<std::sync::atomic::AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/document", listener.local_addr().unwrap());
    let count = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    thread::spawn(move || {
        for stream in listener.incoming() {
            counted.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            let mut stream = stream.unwrap();
            let mut request = [0; 4096];
            let _ = stream.read(&mut request);
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    (url, count)
}

#[test]
fn only_https_and_only_outside() {
    let permitted =
        |text: &str, loopback: Loopback| is_permitted(&text.parse().expect(text), &loopback.into());
    for text in ["https://portal.example/x", "https://1.1.1.1/"] {
        assert!(permitted(text, Loopback::Refused), "{text}");
    }
    for text in [
        "http://portal.example/",
        "http://127.0.0.1/",
        "http://localhost/",
        "https://127.0.0.1/",
        "https://2130706433/",
        "https://0x7f000001/",
        "https://0177.0.0.1/",
        "https://127.1/",
        "https://[::1]/",
        "https://[::ffff:10.0.0.1]/",
        "https://[fd00:ec2::254]/",
        "https://169.254.169.254/latest/meta-data",
        "https://user@portal.example/",
        "ftp://portal.example/",
        "file:///etc/passwd",
        "data:application/json,[]",
    ] {
        assert!(!permitted(text, Loopback::Refused), "{text}");
    }
    for text in [
        "http://127.0.0.1:8080/",
        "http://localhost:8080/",
        "http://zhejiang.localhost/",
        "http://[::1]/",
        "https://localhost/",
    ] {
        assert!(permitted(text, Loopback::Allowed), "{text}");
    }
    for text in [
        "http://portal.example/",
        "https://10.0.0.1/",
        "http://10.0.0.1/",
    ] {
        assert!(!permitted(text, Loopback::Allowed), "{text}");
    }
}

#[tokio::test]
async fn reads_a_document() {
    let body = r#"["https://portal.example/cb"]"#;
    let length = body.len();
    let (url, _) = server(format!(
        "HTTP/1.1 200 OK\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
    ));
    let document: Vec<String> = client().get_json(&url, 1000).await.unwrap();
    assert_eq!(document, ["https://portal.example/cb"]);
    let number = client().get_json::<u8>(&url, 1000).await;
    assert_eq!(number, Err(FetchError::NotJson));
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let (target, visits) = server("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n[]".to_owned());
    let (url, _) = server(format!(
        "HTTP/1.1 302 Found\r\nlocation: {target}\r\ncontent-length: 0\r\n\r\n"
    ));
    assert_eq!(
        client().get_json::<Value>(&url, 1000).await,
        Err(FetchError::Status(302))
    );
    assert_eq!(visits.load(std::sync::atomic::Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_large_answer_is_cut_off_whether_it_says_so_or_not() {
    let body = format!("[\"{}\"]", "x".repeat(5000));
    let length = body.len();
    let (declared, _) = server(format!(
        "HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{body}"
    ));
    let (streamed, _) = server(format!(
        "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{body}"
    ));
    for url in [declared, streamed] {
        assert_eq!(
            client().get_json::<Value>(&url, 1000).await,
            Err(FetchError::TooLarge)
        );
    }
}

#[tokio::test]
async fn names_that_lead_inside_are_refused() {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let strict = GuardedClient::new(Loopback::Refused).unwrap();
    let url = "https://portal.localhost/";
    assert_eq!(
        strict.get_json::<Value>(url, 1000).await,
        Err(FetchError::Forbidden)
    );
}
