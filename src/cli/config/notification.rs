//! `notification.*`: how messages reach people.

use std::path::PathBuf;

use super::read::Reader;
use super::token;
use crate::domain::secret::Secret;
use crate::outbound::PartnerUrl;

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
    /// The operator's adapter.
    Http {
        /// Where messages are posted.
        url: PartnerUrl,
        /// What it knows us by.
        token: Option<Secret<String>>,
    },
}

pub(super) fn read(read: &mut Reader<'_>) -> Option<NotificationConfig> {
    let outbox = read.optional_path("notification.outbox");
    let has_url = !read.text("notification.gateway_url")?.is_empty();
    let token = token::read(
        read,
        "notification.gateway_token",
        "notification.gateway_token_file",
    );
    let gateway = match (outbox, has_url) {
        (None, false) => None,
        (Some(path), false) => Some(GatewayConfig::File(path)),
        (None, true) => {
            let parse = |text: &str| PartnerUrl::parse(text).map_err(|error| error.to_string());
            let url = read.parse("notification.gateway_url", parse)?;
            Some(GatewayConfig::Http { url, token })
        }
        (Some(_), true) => {
            read.problem(
                "notification.gateway_url",
                "must not be given together with notification.outbox: a message goes one way",
            );
            return None;
        }
    };
    Some(NotificationConfig { gateway })
}
