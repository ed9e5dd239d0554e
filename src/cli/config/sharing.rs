//! `redis.*`: where nodes tell each other what they may forget.

use super::read::Reader;
use crate::storage::shared::{ParseRedisUrlError, RedisUrl};

/// None when nothing is configured.
pub(super) fn read(read: &mut Reader<'_>) -> Option<RedisUrl> {
    let in_file = read.optional_path("redis.url_file").is_some();
    if read.text("redis.url")?.is_empty() && !in_file {
        return None;
    }
    read.secret_url("redis.url", "redis.url_file", |text| {
        text.parse()
            .map_err(|error: ParseRedisUrlError| error.to_string())
    })
}
