use std::os::unix::fs::PermissionsExt as _;

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
