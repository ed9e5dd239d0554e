//! `proofing.*`: how residents prove who they are.

use std::time::Duration;

use super::read::Reader;
use crate::accounts::limits::CodeLimits;

const DAY: Duration = Duration::from_hours(24);

/// `proofing.*`
#[derive(Debug)]
pub struct ProofingConfig {
    /// How many one-time codes are sent.
    pub code_limits: CodeLimits,
    /// How long an authority's answer counts.
    pub check_lifetime: Duration,
}

/// `is_mute`: there is an authority, and no way to send the codes that come before it.
pub(super) fn read(read: &mut Reader<'_>, is_mute: bool) -> Option<ProofingConfig> {
    if is_mute {
        read.problem(
            "authority.url",
            "needs a way to send one-time codes: set notification.outbox or a gateway",
        );
    }
    let per_phone = read.number("proofing.codes_per_phone", 1..=1_000_000);
    let per_document = read.number("proofing.codes_per_document", 1..=1_000_000);
    let per_block = read.number("proofing.codes_per_network", 1..=1_000_000_000);
    let check_lifetime = read.duration("proofing.check_valid_days", DAY, 1..=36_500);
    Some(ProofingConfig {
        code_limits: CodeLimits {
            per_phone: per_phone?,
            per_document: per_document?,
            per_block: per_block?,
        },
        check_lifetime: check_lifetime?,
    })
}
