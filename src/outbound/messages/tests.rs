use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::mpsc;
use std::thread;

use super::*;

const CODE: OutgoingMessage<'static> = OutgoingMessage {
    to: "+8613800000001",
    channel: "sms",
    text: "【通行】\"012345\"\n",
    code: Some("012345"),
    at: Instant::from_millis(1_700_000_000_123),
    id: DeliveryId::from_u128(7),
};

#[tokio::test]
async fn a_file_gets_one_object_a_line_that_only_its_owner_reads() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new/deep/messages.ndjson");
    let gateway = MessageGateway::File(MessageFile::new(&path));
    gateway.prepare().unwrap();
    gateway.send(&CODE).await.unwrap();
    let notice = OutgoingMessage { code: None, ..CODE };
    gateway.send(&notice).await.unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    let lines: Vec<serde_json::Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(
        lines[0],
        serde_json::json!({
            "to": "+8613800000001",
            "channel": "sms",
            "text": "【通行】\"012345\"\n",
            "code": "012345",
            "at": "2023-11-14T22:13:20.123Z",
            "id": "dlv_00000000000000000000000007",
        })
    );
    assert_eq!(
        (lines.len(), &lines[1]["code"]),
        (2, &serde_json::Value::Null)
    );
    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    // Whoever reads may move it away.
    std::fs::remove_file(&path).unwrap();
    gateway.send(&CODE).await.unwrap();
    assert_eq!(std::fs::read_to_string(&path).unwrap().lines().count(), 1);
}

#[tokio::test]
async fn a_file_that_cannot_be_written_is_for_later_and_told_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let in_the_way = folder.path().join("file");
    std::fs::write(&in_the_way, "").unwrap();
    let gateway = MessageGateway::File(MessageFile::new(in_the_way.join("messages")));
    assert!(gateway.prepare().is_err());
    let error = gateway.send(&CODE).await.unwrap_err();
    assert!(matches!(error, SendError::Later(_)));
    assert!(!error.to_string().contains("138") && !error.to_string().contains("012345"));
}

/// An adapter that answers each request with a status, and hands on what it got.
fn adapter(status: u16) -> (MessageGateway, mpsc::Receiver<String>) {
    // Another test may have installed it.
    drop(rustls::crypto::aws_lc_rs::default_provider().install_default());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/send", listener.local_addr().unwrap());
    let (sender, received) = mpsc::channel();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut request = Vec::new();
            // All of it is there when its JSON object ends.
            while !request.ends_with(b"}") {
                let mut bytes = [0; 1024];
                let length = stream.read(&mut bytes).unwrap();
                assert_ne!(length, 0, "the request broke off");
                request.extend_from_slice(&bytes[..length]);
            }
            let answer = format!("HTTP/1.1 {status} X\r\nconnection: close\r\n\r\nnot JSON");
            stream.write_all(answer.as_bytes()).unwrap();
            let _ = sender.send(String::from_utf8(request).unwrap());
        }
    });
    let token = Secret::new("s3cret".to_owned());
    let url = PartnerUrl::parse(&url).unwrap();
    (MessageGateway::http(url, Some(token)).unwrap(), received)
}

#[tokio::test]
async fn an_adapter_gets_the_same_object_under_the_same_key_each_time() {
    let (gateway, received) = adapter(202);
    gateway.prepare().unwrap();
    for _ in 0..2 {
        gateway.send(&CODE).await.unwrap();
        let request = received.recv().unwrap();
        let (head, body) = request.split_once("\r\n\r\n").unwrap();
        let head = head.to_lowercase();
        assert!(head.starts_with("post /send http/1.1\r\n"), "{head}");
        for header in [
            "idempotency-key: dlv_00000000000000000000000007",
            "authorization: bearer s3cret",
            "content-type: application/json",
        ] {
            assert!(head.contains(header), "{header} in {head}");
        }
        assert_eq!(body, serde_json::to_string(&CODE).unwrap());
    }
}

#[tokio::test]
async fn another_token_is_shown_from_the_next_message_on() {
    let (gateway, received) = adapter(202);
    let delivering = gateway.clone();
    for (token, shown) in [
        (Some("fresh"), Some("authorization: bearer fresh")),
        (None, None),
    ] {
        gateway.replace_token(token.map(|token| Secret::new(token.to_owned())));
        delivering.send(&CODE).await.unwrap();
        let head = received.recv().unwrap().to_lowercase();
        assert!(!head.contains("s3cret"), "{head}");
        assert_eq!(head.contains("authorization:"), shown.is_some());
        assert!(shown.is_none_or(|shown| head.contains(shown)), "{head}");
    }
}

#[tokio::test]
async fn what_an_adapter_answers_decides_whether_to_try_again() {
    for status in [401, 408, 429, 500, 502, 503, 302] {
        let (gateway, _received) = adapter(status);
        let error = gateway.send(&CODE).await.unwrap_err();
        assert!(matches!(error, SendError::Later(_)), "{status}: {error}");
    }
    for status in [400, 403, 404, 409, 410, 422] {
        let (gateway, _received) = adapter(status);
        let error = gateway.send(&CODE).await.unwrap_err();
        assert!(matches!(error, SendError::Refused(_)), "{status}: {error}");
        let told = error.to_string();
        assert!(
            told.contains(&status.to_string()) && !told.contains("138"),
            "{told}"
        );
    }
}

#[tokio::test]
async fn an_adapter_that_is_not_there_is_for_later() {
    drop(rustls::crypto::aws_lc_rs::default_provider().install_default());
    let url = {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        format!("http://{}/", listener.local_addr().unwrap())
    };
    let gateway = MessageGateway::http(PartnerUrl::parse(&url).unwrap(), None).unwrap();
    let error = gateway.send(&CODE).await.unwrap_err();
    assert!(matches!(error, SendError::Later(_)));
    assert!(!format!("{gateway:?}").contains("s3cret"));
}
