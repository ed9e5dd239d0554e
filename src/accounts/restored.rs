//! After a restore: profiles name no more than their accounts hold.
//!
//! A document or phone that was lost after the backup was taken away again in the tables by which it
//! is found; the sealed profile, which nothing below opens, still has it.

use super::Accounts;
use super::loss::LossError;
use crate::domain::id::AccountId;
use crate::storage::{self, accounts, holdings};

impl Accounts {
    /// Takes out of a profile what its account holds no more. Nothing when there is no account.
    pub async fn settle_profile(&self, id: AccountId) -> Result<(), LossError> {
        let Some((account, mut profile)) = self.profile(id).await? else {
            return Ok(());
        };
        let mut reader = self.ledger.reader().await?;
        let Some(held) = holdings::find(&mut reader, id).await? else {
            return Ok(());
        };
        drop(reader);
        let before = (profile.documents.len(), profile.phones.len());
        profile
            .documents
            .retain(|document| held.documents.contains(&self.document_key(document)));
        // The name was the document's: it is not this person's to use any more.
        if profile.documents.is_empty() {
            profile.name = None;
        }
        profile
            .phones
            .retain(|phone| held.phones.contains(&self.phone_key(phone)));
        if before == (profile.documents.len(), profile.phones.len()) {
            return Ok(());
        }
        let sealed = self.seal_changed(id, &account.sealed, &profile).await?;
        let input = (id, account.sealed, sealed, self.now());
        let replaced: Result<bool, storage::Error> = self
            .ledger
            .write(input, |entry, (id, old, new, now)| {
                Box::pin(async move {
                    accounts::replace_profile(entry.tx(), *id, (old, new), *now).await
                })
            })
            .await;
        replaced?;
        Ok(())
    }
}
