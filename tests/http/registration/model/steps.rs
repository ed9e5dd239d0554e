//! What can happen, and how often; and what others than the person do.

use proptest::prelude::*;
use tongxing::domain::id::AccountId;
use tongxing::protocol::acr::Ial;

use super::{Access, Known, PEOPLE, PHONES, Proof, World, person};
use crate::support::{Applicant, Browser, operation};

#[derive(Debug, Clone)]
pub(super) enum Step {
    /// Registers; with the phone that the carrier knows, or with another.
    Register(usize, Option<usize>),
    Recover(usize, Option<usize>),
    /// Somebody imports a person's document with this phone, under a wrong name.
    Import(usize, usize, bool),
    /// The carrier hands a phone on.
    HandOn(usize, usize),
    /// The holder of a person's document logs in and enters the portal.
    Enter(usize),
    /// The holder of a person's document confirms a phone by code.
    Confirm(usize),
    Freeze(usize),
    Unfreeze(usize),
    Days(u64),
}

pub(super) fn step() -> impl Strategy<Value = Step> {
    let person = || 0..PEOPLE;
    let typed = || prop::option::weighted(0.25, 0..PHONES);
    prop_oneof![
        5 => (person(), typed()).prop_map(|(who, phone)| Step::Register(who, phone)),
        3 => (person(), typed()).prop_map(|(who, phone)| Step::Recover(who, phone)),
        3 => (person(), 0..PHONES, prop::bool::weighted(0.2))
            .prop_map(|(who, phone, seen)| Step::Import(who, phone, seen)),
        3 => (0..PHONES, person()).prop_map(|(phone, who)| Step::HandOn(phone, who)),
        6 => person().prop_map(Step::Enter),
        1 => person().prop_map(Step::Confirm),
        1 => person().prop_map(Step::Freeze),
        2 => person().prop_map(Step::Unfreeze),
        1 => prop::sample::select(vec![1, 100, 200]).prop_map(Step::Days),
    ]
}

impl World {
    pub(super) async fn import(&mut self, who: usize, number: usize, seen: bool) {
        let typed = self.typed(who, Some(number)).named("贾明");
        let mut served = 0;
        let ids: Vec<AccountId> = self.accounts.keys().copied().collect();
        for account in ids {
            let held = self.holdings(account).await;
            served += usize::from(held.phones.contains(&typed.phone));
        }
        if self.server.holder_of(&typed).await.is_some() || served >= 5 {
            return;
        }
        let methods: &[&str] = if seen {
            &["counter"]
        } else {
            &["two_elements"]
        };
        assert_eq!(self.server.import(&typed.import_record(methods)).await, 1);
        let account = self.server.holder_of(&typed).await.expect("an account");
        let mut proofs = self.proofs_of(who, &typed);
        proofs[1] = Proof {
            level: if seen { Ial::Four } else { Ial::One },
            document: Some(who),
            phone: None,
            until: None,
        };
        let known = Known {
            proofs,
            password: typed.password,
            ..Known::default()
        };
        self.accounts.insert(account, known);
    }

    /// Logs in by the document of a person, if somebody has it and may.
    async fn logged_in(&self, who: usize) -> Option<(AccountId, Applicant, Browser)> {
        let account = self.server.holder_of(&person(who)).await?;
        let known = &self.accounts[&account];
        let holder = person(who).with_password(&known.password);
        let mut browser = self.server.browser();
        let page = browser.visit("/login").await;
        let answer = browser
            .type_in(&page, &holder.document_number, &holder.password)
            .await;
        assert_eq!(answer.path() == "/account", !known.frozen);
        (!known.frozen).then_some((account, holder, browser))
    }

    pub(super) async fn enter(&mut self, who: usize) {
        let Some((account, holder, mut browser)) = self.logged_in(who).await else {
            return;
        };
        let tokens = browser.enter(&self.portal, &holder).await;
        let held = self.holdings(account).await;
        // What the portal is told is what may be claimed.
        let told = tokens.id_claims()["ial"].as_u64();
        let level = self.level(account, &held).map(|level| level as u64 + 1);
        assert_eq!(told, level);
        self.accesses.push(Access {
            generation: self.accounts[&account].generation,
            since: self.now(),
            account,
            held,
            browser,
            tokens,
        });
    }

    pub(super) async fn confirm(&mut self, who: usize) {
        let Some((account, _, mut browser)) = self.logged_in(who).await else {
            return;
        };
        let held = self.holdings(account).await;
        let Some(number) = held.phones.iter().next() else {
            return;
        };
        let page = browser.visit("/account").await;
        let page = browser.press(&page, &[], "confirm-phone-1").await;
        let end = browser.type_sent_code(&page, number).await;
        assert_eq!(end.path(), "/account");
        assert!(self.confirmed_lately(account, number).await);
    }

    pub(super) async fn set_frozen(&mut self, who: usize, frozen: bool) {
        let Some(account) = self.server.holder_of(&person(who)).await else {
            return;
        };
        let known = self.accounts.get_mut(&account).expect("one of ours");
        if known.frozen == frozen {
            return;
        }
        if frozen {
            let done = self.server.accounts.freeze(account, operation()).await;
            done.expect("it was active");
            known.generation += 1;
        } else {
            let done = self.server.accounts.unfreeze(account, operation()).await;
            done.expect("it was frozen");
        }
        known.frozen = frozen;
    }
}
