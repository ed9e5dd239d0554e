//! What must hold after every step.

use std::collections::BTreeMap;

use tongxing::domain::id::AccountId;
use tongxing::domain::instant::Instant;
use tongxing::protocol::acr::Ial;

use super::{Holdings, World, person};
use crate::support::{Browser, Tokens, minutes};

/// A browser that was let in, with the tokens of a portal.
pub(super) struct Access {
    pub(super) account: AccountId,
    pub(super) generation: u32,
    pub(super) held: Holdings,
    pub(super) browser: Browser,
    pub(super) tokens: Tokens,
    pub(super) since: Instant,
}

impl std::fmt::Debug for Access {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "access to {} with {:?}", self.account, self.held)
    }
}

impl World {
    /// Looks at every account, every document and phone, and every access that was had.
    pub(super) async fn assert_sound(&mut self) {
        let mut documents = BTreeMap::new();
        let mut phones: BTreeMap<String, usize> = BTreeMap::new();
        let mut all = BTreeMap::new();
        for account in self.accounts.keys() {
            let held = self.holdings(*account).await;
            for document in &held.documents {
                let before = documents.insert(*document, *account);
                assert_eq!(before, None, "two accounts have one document");
                let found = self.server.holder_of(&person(*document)).await;
                assert_eq!(found, Some(*account), "the index finds whose it is");
            }
            for phone in &held.phones {
                *phones.entry(phone.clone()).or_default() += 1;
            }
            let level = self.level(*account, &held);
            assert_eq!(
                self.server.level_of(*account).await,
                level,
                "{account} {held:?}"
            );
            self.assert_named(*account, level).await;
            all.insert(*account, held);
        }
        assert!(phones.values().all(|&served| served <= 5), "{phones:?}");
        // Nothing is found that nobody has: three people of the template have one of each.
        let indexed = (
            usize::try_from(self.server.count("account_documents").await).unwrap_or_default(),
            usize::try_from(self.server.count("account_phones").await).unwrap_or_default(),
        );
        let held = (documents.len() + 3, phones.values().sum::<usize>() + 3);
        assert_eq!(indexed, held);
        self.assert_phones_have_one_owner().await;
        self.assert_access(&all).await;
    }

    /// A carrier names one person for a phone; whoever it named before has lost it.
    async fn assert_phones_have_one_owner(&self) {
        let mut reader = self.server.ledger.reader().await.expect("a connection");
        let sql = "SELECT COUNT(*) AS n FROM account_phones WHERE in_own_name GROUP BY phone_key";
        let rows = reader
            .fetch_all(sql, &[])
            .await
            .expect("the database answers");
        let owners = rows
            .iter()
            .map(|row| row.get::<i64>("n").expect("a number"));
        assert_eq!(owners.max(), Some(1), "Zhang of the template has one");
    }

    /// A level that an authority's answer gave vouches for the name that it was about.
    async fn assert_named(&self, account: AccountId, level: Option<Ial>) {
        let Some(proven) = &self.accounts[&account].proven_name else {
            return;
        };
        let found = self.server.accounts.profile(account).await;
        let (_, profile) = found.expect("the database answers").expect("an account");
        assert!(
            level < Some(Ial::Two)
                || profile
                    .name
                    .as_ref()
                    .is_some_and(|name| name.as_str() == proven)
        );
    }

    async fn assert_access(&mut self, all: &BTreeMap<AccountId, Holdings>) {
        let now = self.now();
        let mut lasting = Vec::new();
        for mut access in self.accesses.drain(..) {
            let known = &self.accounts[&access.account];
            let held = &all[&access.account];
            let ended = known.generation != access.generation
                || !access.held.documents.is_subset(&held.documents)
                || !access.held.phones.is_subset(&held.phones);
            let young = now.since(access.since) < minutes(4);
            let logged_in = access.browser.is_logged_in().await;
            let refreshes = self.portal.is_active(access.tokens.refresh()).await;
            let reads = self.portal.is_active(&access.tokens.access).await;
            if ended {
                assert!(!logged_in && !refreshes && !reads, "{access:?}");
            } else {
                assert!(!young || (logged_in && refreshes && reads), "{access:?}");
                lasting.push(access);
            }
        }
        self.accesses = lasting;
    }
}
