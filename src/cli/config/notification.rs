//! `notification.*`: how messages reach people.

use std::path::PathBuf;

use super::read::Reader;

/// `notification.*`
#[derive(Debug)]
pub struct NotificationConfig {
    /// Who takes messages; without it none can be sent.
    pub gateway: Option<GatewayConfig>,
}

/// Who takes messages.
#[derive(Debug, Clone)]
pub enum GatewayConfig {
    /// A file, one JSON object a line.
    File(PathBuf),
}

pub(super) fn read(read: &Reader<'_>) -> NotificationConfig {
    let outbox = read.optional_path("notification.outbox");
    NotificationConfig {
        gateway: outbox.map(GatewayConfig::File),
    }
}
