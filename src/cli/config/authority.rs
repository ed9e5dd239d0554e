//! `authority.*`: who verifies residents' identities, and what may be asked of it.

use std::path::Path;
use std::time::Duration;

use super::read::Reader;
use crate::domain::secret::Secret;
use crate::outbound::PartnerUrl;
use crate::outbound::authority::AuthoritySettings;

const MILLISECOND: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);
/// More than any token is long.
const MAX_TOKEN: usize = 4096;

/// None also when something is wrong, which has been noted.
pub(super) fn read(read: &mut Reader<'_>) -> Option<AuthoritySettings> {
    let is_none = read.text("authority.url")?.is_empty();
    let url = (!is_none).then(|| {
        let parse = |text: &str| PartnerUrl::parse(text).map_err(|error| error.to_string());
        read.parse("authority.url", parse)
    });
    let token = token(read);
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

fn token(read: &mut Reader<'_>) -> Option<Secret<String>> {
    let given = !read.text("authority.token")?.is_empty();
    let file = read.optional_path("authority.token_file");
    match (given, file) {
        (true, Some(_)) => {
            read.problem(
                "authority.token_file",
                "must not be given together with authority.token",
            );
            None
        }
        (true, None) => read.parse("authority.token", checked),
        (false, Some(path)) => read.parse("authority.token_file", |_| read_token(&path)),
        (false, None) => None,
    }
}

fn checked(text: &str) -> Result<Secret<String>, String> {
    // RFC 6750 §2.1: what cannot stand in the header is a slip of whoever wrote it.
    let fits = (1..=MAX_TOKEN).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
    if fits {
        Ok(Secret::new(text.to_owned()))
    } else {
        Err("must be one word of printable ASCII".to_owned())
    }
}

/// Reads a token from a file of its own; the line's end is not part of it.
pub(in crate::cli) fn read_token(path: &Path) -> Result<Secret<String>, String> {
    let shown = path.display();
    let text = std::fs::read_to_string(path)
        .map_err(|error| format!("{shown} cannot be read: {error}"))?;
    checked(text.trim_end()).map_err(|what| format!("{shown}: {what}"))
}
