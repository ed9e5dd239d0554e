//! A new account as it is written, whichever way its person came: by registration or by import.

mod chunk;

use serde_json::{Value, json};

use super::Accounts;
use super::profile::Profile;
use crate::domain::account::{Account, AccountStatus};
use crate::domain::check::{Check, CheckMethod, CheckResult};
use crate::domain::document::IdentityDocument;
use crate::domain::email::EmailAddress;
use crate::domain::id::{AccountId, CheckId};
use crate::domain::instant::Instant;
use crate::domain::name::PersonName;
use crate::domain::phone::PhoneNumber;
use crate::domain::phone_holder::PhoneHolder;
use crate::ledger::Entry;
use crate::ledger::profiles::ProfileError;
use crate::storage::accounts::Insertion;
use crate::storage::checks::NewCheck;
use crate::storage::credentials::PasswordCredential;
use crate::storage::{Error, account_index, accounts, checks, credentials};

pub(super) use chunk::{Written, write_all};

/// One account of one document and one phone, ready to be written.
#[derive(Clone)]
pub(super) struct NewAccount {
    account: Account,
    profile: Profile,
    index_version: u32,
    document_key: String,
    phone_key: String,
    /// Whether a carrier says that the phone is the person's own.
    in_own_name: bool,
    password: PasswordCredential,
    checks: Vec<NewCheck>,
}

/// What a new account is made of.
pub(super) struct AccountParts {
    pub(super) id: AccountId,
    pub(super) name: PersonName,
    pub(super) document: IdentityDocument,
    pub(super) phone: PhoneNumber,
    pub(super) email: Option<EmailAddress>,
    pub(super) checks: Vec<Check>,
    pub(super) password: PasswordCredential,
}

impl Accounts {
    /// Puts a new account together.
    pub(super) async fn new_account(
        &self,
        parts: AccountParts,
        now: Instant,
    ) -> Result<NewAccount, ProfileError> {
        let AccountParts {
            id,
            name,
            document,
            phone,
            email,
            checks,
            password,
        } = parts;
        let document_key = self.document_key(&document);
        let phone_key = self.phone_key(&phone);
        let profile = Profile {
            name: Some(name),
            documents: vec![document],
            phones: vec![phone],
            emails: email.into_iter().collect(),
        };
        let account = Account {
            id,
            status: AccountStatus::Active,
            sealed: self.seal_profile(id, &profile).await?,
            created_at: now,
            changed_at: now,
        };
        let in_own_name = checks.iter().any(|check| {
            check.result == CheckResult::Match && check.method == CheckMethod::ThreeElements
        });
        let checks = checks
            .into_iter()
            .map(|check| self.new_check(check, &document_key, &phone_key))
            .collect();
        Ok(NewAccount {
            account,
            profile,
            index_version: self.ring().index().version(),
            document_key,
            phone_key,
            in_own_name,
            password,
            checks,
        })
    }

    /// Seals a new account once more, since its bucket's key was replaced before it was there.
    pub(super) async fn seal_anew(&self, new: &mut NewAccount) -> Result<(), ProfileError> {
        new.account.sealed = self.reseal_profile(new.account.id, &new.profile).await?;
        Ok(())
    }

    /// A check with what it rests on.
    pub(super) fn new_check(&self, check: Check, document_key: &str, phone_key: &str) -> NewCheck {
        let rests = check.method.rests_on();
        NewCheck {
            id: CheckId::ordered(self.now(), &*self.entropy),
            document_key: rests.document.then(|| document_key.to_owned()),
            phone_key: rests.phone.then(|| phone_key.to_owned()),
            check,
        }
    }
}

impl NewAccount {
    pub(super) const fn id(&self) -> AccountId {
        self.account.id
    }

    pub(super) const fn created_at(&self) -> Instant {
        self.account.created_at
    }

    pub(super) const fn profile(&self) -> &Profile {
        &self.profile
    }

    /// Its checks for the audit log: how, by whom, under which name.
    pub(super) fn check_details(&self) -> Vec<Value> {
        let detail = |new: &NewCheck| {
            let Check {
                method,
                authority,
                transaction,
                ..
            } = &new.check;
            json!({ "method": method, "authority": authority, "transaction": transaction })
        };
        self.checks.iter().map(detail).collect()
    }

    pub(super) fn document_key(&self) -> &str {
        &self.document_key
    }

    pub(super) fn phone_key(&self) -> &str {
        &self.phone_key
    }

    /// Makes it the holder of its document; false when another account is.
    pub(super) async fn claim_document(&self, entry: &mut Entry<'_>) -> Result<bool, Error> {
        let (key, version) = (&self.document_key, self.index_version);
        account_index::claim_document(entry.tx(), key, version, self.account.id).await
    }

    /// Takes a place at its phone; false when all are taken.
    pub(super) async fn claim_phone(&self, entry: &mut Entry<'_>) -> Result<bool, Error> {
        let (key, version) = (&self.phone_key, self.index_version);
        account_index::add_phone(entry.tx(), key, version, self.phone_holder()).await
    }

    const fn phone_holder(&self) -> PhoneHolder {
        PhoneHolder {
            account_id: self.account.id,
            confirmed_at: Some(self.account.created_at),
            in_own_name: self.in_own_name,
        }
    }

    /// Writes the rest, once document and phone are its own.
    pub(super) async fn insert(&self, entry: &mut Entry<'_>) -> Result<Insertion, Error> {
        let (id, now) = (self.account.id, self.account.created_at);
        let tx = entry.tx();
        match accounts::insert(tx, &self.account, self.index_version).await? {
            Insertion::Inserted => {}
            Insertion::KeyReplaced => return Ok(Insertion::KeyReplaced),
        }
        credentials::insert_password(tx, id, &self.password, now).await?;
        for check in &self.checks {
            checks::insert(tx, id, check).await?;
        }
        Ok(Insertion::Inserted)
    }
}
