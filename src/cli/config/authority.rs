//! `authority.*`: who verifies residents' identities, and what may be asked of it.

use std::time::Duration;

use super::read::Reader;
use super::token;
use crate::outbound::PartnerUrl;
use crate::outbound::authority::AuthoritySettings;

const MILLISECOND: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);

/// None also when something is wrong, which has been noted.
pub(super) fn read(read: &mut Reader<'_>) -> Option<AuthoritySettings> {
    let is_none = read.text("authority.url")?.is_empty();
    let url = (!is_none).then(|| {
        let parse = |text: &str| PartnerUrl::parse(text).map_err(|error| error.to_string());
        read.parse("authority.url", parse)
    });
    let token = token::read(read, "authority.token", "authority.token_file");
    let timeout = read.duration("authority.timeout_ms", MILLISECOND, 1..=60_000);
    let max_concurrent = read.number::<u32>("authority.max_concurrent", 1..=10_000);
    let calls_per_minute = read.number::<u32>("authority.calls_per_minute", 1..=1_000_000);
    let open_for = read.duration("authority.breaker_open_seconds", SECOND, 1..=3600);
    Some(AuthoritySettings {
        url: url??,
        token,
        timeout: timeout?,
        max_concurrent: usize::try_from(max_concurrent?).ok()?,
        calls_per_minute: usize::try_from(calls_per_minute?).ok()?,
        open_for: open_for?,
    })
}
