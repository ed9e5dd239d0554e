use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::PartnerUrlError::{Credentials, NotHttps, NotUrl, Query};
use super::*;

#[test]
fn plain_http_is_for_this_machine_only() {
    for text in [
        "https://authority.example",
        "https://10.0.0.7:8443/base/",
        "https://authority.internal",
        "http://127.0.0.1:9200",
        "http://localhost:9200/",
        "http://authority.localhost",
        "http://[::1]:9200",
    ] {
        assert!(PartnerUrl::parse(text).is_ok(), "{text}");
    }
    for (text, error) in [
        ("", NotUrl),
        ("authority.example", NotUrl),
        ("mailto:a@b.example", NotUrl),
        ("http://authority.example", NotHttps),
        ("http://10.0.0.7", NotHttps),
        ("http://localhost.example", NotHttps),
        ("ftp://127.0.0.1", NotHttps),
        ("https://user@authority.example", Credentials),
        ("https://:secret@authority.example", Credentials),
        ("https://authority.example/?key=1", Query),
        ("https://authority.example/#a", Query),
    ] {
        assert_eq!(PartnerUrl::parse(text), Err(error), "{text}");
    }
}

#[test]
fn paths_are_put_below_the_address() {
    for (base, whole) in [
        ("https://a.example", "https://a.example/v1/x"),
        ("https://a.example/", "https://a.example/v1/x"),
        ("https://a.example/base", "https://a.example/base/v1/x"),
        ("https://a.example/base/", "https://a.example/base/v1/x"),
    ] {
        let url = PartnerUrl::parse(base).unwrap();
        assert_eq!(url.below("/v1/x").as_str(), whole);
        assert_eq!(url.below("v1/x").host(), "a.example");
    }
}

/// Answers one request with `answer`, and gives back what was asked.
async fn partner(answer: String) -> (PartnerUrl, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/inbox", listener.local_addr().unwrap());
    let asked = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut asked = String::new();
        // The body is all in one line, and the last.
        while !asked.ends_with('}') {
            let mut part = [0; 4096];
            let read = stream.read(&mut part).await.unwrap();
            asked.push_str(std::str::from_utf8(&part[..read]).unwrap());
        }
        // A large answer is not read to its end.
        stream
            .write_all(answer.as_bytes())
            .await
            .unwrap_or_default();
        asked
    });
    (PartnerUrl::parse(&url).unwrap(), asked)
}

async fn post(answer: String) -> (Result<Value, FetchError>, String) {
    // Another test may have installed it.
    drop(rustls::crypto::aws_lc_rs::default_provider().install_default());
    let client = PartnerClient::new(Duration::from_secs(20)).unwrap();
    let (url, asked) = partner(answer).await;
    let token = Secret::new("s3cret".to_owned());
    let body = json!({"to": "somebody"});
    let answer = client.post_json(&url, Some(&token), &body, 1000).await;
    (answer, asked.await.unwrap().to_lowercase())
}

#[tokio::test]
async fn a_document_goes_out_with_its_token_and_one_comes_back() {
    let answer = "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n{\"id\": 42}";
    let (answer, asked) = post(answer.to_owned()).await;
    assert_eq!(answer, Ok(json!({"id": 42})));
    for part in [
        "post /inbox http/1.1\r\n",
        "authorization: bearer s3cret\r\n",
        "content-type: application/json\r\n",
        "\r\n\r\n{\"to\":\"somebody\"}",
    ] {
        assert!(asked.contains(part), "{part} in {asked}");
    }
}

#[tokio::test]
async fn what_is_no_answer_is_told_apart() {
    let elsewhere =
        "HTTP/1.1 307 Moved\r\nlocation: http://127.0.0.1:9/\r\ncontent-length: 0\r\n\r\n";
    let declared = "HTTP/1.1 200 OK\r\ncontent-length: 1001\r\n\r\n";
    let streamed = format!("HTTP/1.1 200 OK\r\n\r\n\"{}\"", "x".repeat(1000));
    for (answer, error) in [
        (elsewhere, FetchError::Status(307)),
        ("HTTP/1.1 204 No\r\n\r\n", FetchError::Status(204)),
        (
            "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nno",
            FetchError::NotJson,
        ),
        (
            "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{",
            FetchError::Unreachable,
        ),
        ("", FetchError::Unreachable),
        (declared, FetchError::TooLarge),
        (&streamed, FetchError::TooLarge),
    ] {
        assert_eq!(post(answer.to_owned()).await.0, Err(error), "{answer}");
    }
}

#[tokio::test]
async fn patience_ends_with_the_answer_and_not_before() {
    drop(rustls::crypto::aws_lc_rs::default_provider().install_default());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = PartnerUrl::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    // Headers come at once, the body never.
    let held = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let head = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n";
        stream.write_all(head.as_bytes()).await.unwrap();
        std::future::pending::<()>().await;
    });
    let client = PartnerClient::new(Duration::from_millis(80)).unwrap();
    let answer = client
        .post_json::<Value>(&url, None, &json!({}), 1000)
        .await;
    assert_eq!(answer, Err(FetchError::Unreachable));
    held.abort();
}
