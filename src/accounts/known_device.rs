//! Browsers that an account was logged in from before: strangers' wrong passwords do not hold them up.
//!
//! Nothing of a device is stored. What makes one known is a sealed text that the browser keeps: for
//! one account, until all that was begun with that account is ended (recovery, take-over, freeze).

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Accounts;
use crate::crypto::encoding;
use crate::crypto::seal::Sealed;
use crate::domain::entropy::Entropy;
use crate::domain::id::AccountId;
use crate::domain::instant::Instant;

/// How long a device stays known after a login: as long as browsers keep a cookie.
pub const KNOWN_FOR: Duration = Duration::from_hours(400 * 24);

/// What the cookie of a known device carries, sealed. One that is stolen lets nobody in: it only
/// gives as many tries as any device has, all counted together.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct KnownDevice {
    account_id: AccountId,
    /// Drawn for this browser, so that its tries are counted apart.
    device: [u8; 16],
    /// The account's at the login.
    access_epoch: i64,
    known_until: Instant,
}

impl Sealed for KnownDevice {
    const PURPOSE: &'static str = "known-device";
}

impl KnownDevice {
    /// Whether the account was logged in from it, and nothing has ended what was begun then.
    pub(super) fn knows(&self, account_id: AccountId, access_epoch: i64) -> bool {
        self.account_id == account_id && self.access_epoch == access_epoch
    }

    /// What its counter's key is computed over.
    pub(super) fn index_text(&self) -> String {
        encoding::encode(&self.device)
    }
}

impl Accounts {
    /// What a browser's cookie says of an earlier login.
    pub(super) fn known_device(&self, cookie: Option<&str>) -> Option<KnownDevice> {
        let device = self.ring().sealer().open::<KnownDevice>(cookie?)?;
        (device.known_until > self.now()).then_some(device)
    }

    /// The browser of a login as it is known from now on; the same device if it was before.
    pub(super) fn device_after_login(
        &self,
        (account_id, access_epoch): (AccountId, i64),
        before: Option<KnownDevice>,
    ) -> KnownDevice {
        let entropy: &dyn Entropy = &*self.entropy;
        let before = before.filter(|device| device.knows(account_id, access_epoch));
        KnownDevice {
            account_id,
            device: before.map_or_else(|| entropy.bytes(), |device| device.device),
            access_epoch,
            known_until: self.now().plus(KNOWN_FOR),
        }
    }
}
