//! A consent taken back (PIPL art. 15: as easily as it was given).
//!
//! Codes, authorizations and tokens rest on the grant and are refused without it, on every node;
//! other clients notice nothing. The client is asked for a new consent when the resident comes again.

use serde_json::json;

use super::Accounts;
use crate::domain::client::{Client, ClientId};
use crate::domain::id::{AccountId, NoticeId};
use crate::domain::instant::Instant;
use crate::domain::notice::{Notice, NoticeKind};
use crate::ledger::audit::{Event, EventKind};
use crate::ledger::feed::Change;
use crate::storage::{self, grants, notices};

struct Withdrawal {
    account_id: AccountId,
    client_id: ClientId,
    notice: (NoticeId, Notice),
    now: Instant,
}

impl Accounts {
    /// Takes back what a resident allowed a client. Where nothing stands, or it rests on a law,
    /// nothing happens.
    pub async fn withdraw(
        &self,
        account_id: AccountId,
        client: &Client,
    ) -> Result<(), storage::Error> {
        if !client.rests_on_consent() {
            return Ok(());
        }
        let now = self.now();
        let (notice_id, mut notice) = self.notice(NoticeKind::ConsentWithdrawn, now);
        notice.client_id = Some(client.id.clone());
        let withdrawal = Withdrawal {
            account_id,
            client_id: client.id.clone(),
            notice: (notice_id, notice),
            now,
        };
        self.ledger
            .write(withdrawal, |entry, withdrawal| {
                Box::pin(async move {
                    let Withdrawal {
                        account_id,
                        client_id,
                        notice: (notice_id, notice),
                        now,
                    } = withdrawal;
                    let id = *account_id;
                    let withdrawn = grants::revoke(entry.tx(), id, client_id, *now).await?;
                    let Some(grant_id) = withdrawn else {
                        return Ok(());
                    };
                    notices::insert(entry.tx(), id, *notice_id, notice).await?;
                    entry.announce(Change::GrantWithdrawn(id, grant_id));
                    let event = Event::new(EventKind::ConsentWithdrawn, *now)
                        .account(id)
                        .client(client_id.as_str())
                        .detail(json!({ "grant": grant_id }));
                    entry.record(&event).await
                })
            })
            .await
    }
}
