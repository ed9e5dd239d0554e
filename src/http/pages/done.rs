//! What somebody has just brought about, for the page that they come to.
//!
//! It is read from what is recorded: an address that says so could be anybody's.

use std::time::Duration;

use crate::domain::instant::Instant;
use crate::domain::notice::{Notice, NoticeKind};
use crate::views::account::Done;

/// For how long somebody is told that it has succeeded.
const JUST_NOW: Duration = Duration::from_mins(2);

/// What led here, of notices with the newest first. What was lost since is the news then.
pub(super) fn just_done(notices: &[&Notice], now: Instant) -> Option<Done> {
    let recent = notices
        .iter()
        .filter(|notice| now.since(notice.at) < JUST_NOW);
    let mut kinds = recent.map(|notice| notice.kind);
    kinds.find_map(|kind| match kind {
        NoticeKind::Registered => Some(Some(Done::Registered)),
        NoticeKind::Recovered => Some(Some(Done::Recovered)),
        NoticeKind::ConsentWithdrawn => Some(Some(Done::Withdrawn)),
        NoticeKind::DocumentLost | NoticeKind::PhoneLost => Some(None),
        NoticeKind::DocumentTaken | NoticeKind::PhoneConfirmed | NoticeKind::SessionEnded => None,
    })?
}
