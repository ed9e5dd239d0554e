//! Whatever people, carriers, operators and time do, one after the other: no document has two
//! accounts, no account a level that it has no check for, and nobody access by a proof that is gone.
//!
//! Random steps are played against the server; after each, all accounts are looked at. What an
//! account may claim is worked out from what was proven, and from what it still holds.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use tongxing::accounts::limits::CodeLimits;
use tongxing::domain::check::CheckMethod;
use tongxing::domain::clock::Clock as _;
use tongxing::domain::document::IdentityDocument;
use tongxing::domain::id::AccountId;
use tongxing::domain::instant::Instant;
use tongxing::protocol::acr::Ial;

use crate::support::{
    Answer, Applicant, Browser, CHECKS_COUNT_FOR, Portal, Server, Setup, Tokens, minutes,
    operation, phone,
};

const PEOPLE: usize = 4;
const PHONES: usize = 3;

#[derive(Debug, Clone)]
enum Step {
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

fn step() -> impl Strategy<Value = Step> {
    let person = || 0..PEOPLE;
    let typed = || prop::option::weighted(0.25, 0..PHONES);
    prop_oneof![
        5 => (person(), typed()).prop_map(|(who, phone)| Step::Register(who, phone)),
        3 => (person(), typed()).prop_map(|(who, phone)| Step::Recover(who, phone)),
        3 => (person(), 0..PHONES, prop::bool::weighted(0.2))
            .prop_map(|(who, phone, seen)| Step::Import(who, phone, seen)),
        3 => (0..PHONES, person()).prop_map(|(phone, who)| Step::HandOn(phone, who)),
        4 => person().prop_map(Step::Enter),
        1 => person().prop_map(Step::Confirm),
        1 => person().prop_map(Step::Freeze),
        2 => person().prop_map(Step::Unfreeze),
        2 => prop::sample::select(vec![1, 100, 200]).prop_map(Step::Days),
    ]
}

/// What was shown about an account, and what it counts on.
#[derive(Debug, Clone)]
struct Proof {
    level: Ial,
    document: Option<usize>,
    phone: Option<String>,
    until: Option<Instant>,
}

/// What an account holds, as the server has it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Holdings {
    documents: BTreeSet<usize>,
    phones: BTreeSet<String>,
}

#[derive(Debug, Default)]
struct Known {
    proofs: Vec<Proof>,
    password: String,
    frozen: bool,
    /// Grows with whatever must end all access.
    generation: u32,
    /// The name that an authority confirmed.
    proven_name: Option<String>,
}

/// A browser that was let in, with the tokens of a portal.
struct Access {
    account: AccountId,
    generation: u32,
    held: Holdings,
    browser: Browser,
    tokens: Tokens,
    since: Instant,
}

struct World {
    server: Server,
    portal: Portal,
    /// The phone that the carrier knows each person by.
    carrier: [Option<usize>; PEOPLE],
    accounts: BTreeMap<AccountId, Known>,
    accesses: Vec<Access>,
    passwords: usize,
}

fn person(index: usize) -> Applicant {
    Applicant::new(index)
}

impl World {
    async fn begin() -> Self {
        let code_limits = CodeLimits {
            per_phone: 10_000,
            per_document: 10_000,
            per_network: 10_000,
        };
        let server = Server::start_with(Setup {
            code_limits,
            ..Setup::default()
        })
        .await;
        let world = Self {
            portal: server.portal().await,
            server,
            carrier: [Some(0), Some(1), Some(2), None],
            accounts: BTreeMap::new(),
            accesses: Vec::new(),
            passwords: 0,
        };
        world.tell_authority();
        world
    }

    fn now(&self) -> Instant {
        self.server.clock.now()
    }

    fn tell_authority(&self) {
        for (index, known_by) in self.carrier.iter().enumerate() {
            let number = known_by.unwrap_or(900 + index);
            let registered = person(index).with_phone(&phone(number));
            self.server.authority.knows(&[&registered]);
        }
    }

    /// Somebody as they fill in a form, with a new password.
    fn typed(&mut self, who: usize, typed: Option<usize>) -> Applicant {
        self.passwords += 1;
        let number = typed.or(self.carrier[who]).unwrap_or(who % PHONES);
        person(who)
            .with_phone(&phone(number))
            .with_password(&format!("password number {}", self.passwords))
    }

    fn agrees(&self, who: usize, typed: &Applicant) -> bool {
        self.carrier[who].is_some_and(|number| phone(number) == typed.phone)
    }

    fn proofs_of(&self, who: usize, typed: &Applicant) -> Vec<Proof> {
        let by_phone = Proof {
            level: CheckMethod::PhoneCode.level(),
            document: None,
            phone: Some(typed.phone.clone()),
            until: None,
        };
        let by_authority = Proof {
            level: CheckMethod::ThreeElements.level(),
            document: Some(who),
            phone: Some(typed.phone.clone()),
            until: Some(self.now().plus(CHECKS_COUNT_FOR)),
        };
        vec![by_phone, by_authority]
    }

    /// What an account may claim now.
    fn level(&self, account: AccountId, held: &Holdings) -> Option<Ial> {
        let now = self.now();
        let stands = |proof: &&Proof| {
            proof
                .document
                .is_none_or(|document| held.documents.contains(&document))
                && proof
                    .phone
                    .as_ref()
                    .is_none_or(|phone| held.phones.contains(phone))
                && proof.until.is_none_or(|until| until > now)
        };
        let proofs = &self.accounts[&account].proofs;
        proofs.iter().filter(stands).map(|proof| proof.level).max()
    }

    async fn holdings(&self, account: AccountId) -> Holdings {
        let overview = self.server.accounts.overview(account).await;
        let overview = overview.expect("the database answers").expect("an account");
        let numbers: Vec<String> = (0..PEOPLE).map(|who| person(who).document_number).collect();
        let place = |document: &IdentityDocument| {
            let number = document.number().as_str();
            numbers
                .iter()
                .position(|known| known == number)
                .expect("one of ours")
        };
        // An account that has a phone is found by it.
        assert!(overview.phones_confirmed.iter().all(Option::is_some));
        Holdings {
            documents: overview.profile.documents.iter().map(place).collect(),
            phones: overview
                .profile
                .phones
                .iter()
                .map(|phone| phone.as_str().to_owned())
                .collect(),
        }
    }

    async fn play(&mut self, step: &Step) {
        match *step {
            Step::Register(who, typed) => self.register(who, typed).await,
            Step::Recover(who, typed) => self.recover(who, typed).await,
            Step::Import(who, number, seen) => self.import(who, number, seen).await,
            Step::HandOn(number, who) => {
                for known_by in &mut self.carrier {
                    if *known_by == Some(number) {
                        *known_by = None;
                    }
                }
                self.carrier[who] = Some(number);
                self.tell_authority();
            }
            Step::Enter(who) => self.enter(who).await,
            Step::Confirm(who) => self.confirm(who).await,
            Step::Freeze(who) => self.set_frozen(who, true).await,
            Step::Unfreeze(who) => self.set_frozen(who, false).await,
            Step::Days(days) => self.server.clock.advance(minutes(days * 24 * 60)),
        }
    }

    async fn register(&mut self, who: usize, typed: Option<usize>) {
        let typed = self.typed(who, typed);
        let holder = self.server.holder_of(&typed).await;
        let mut expected = "";
        if !self.agrees(who, &typed) {
            expected = "Your identity could not be verified";
        } else if let Some(holder) = holder {
            let held = self.holdings(holder).await;
            if self.accounts[&holder].frozen {
                expected = "This account is stopped";
            } else if self.level(holder, &held) >= Some(Ial::Two) {
                expected = "You already have an account";
            }
        }
        let mut browser = self.server.browser();
        let end = browser.prove("/register", &typed).await;
        assert_end(&end, expected);
        let now_holder = self.server.holder_of(&typed).await;
        if !expected.is_empty() {
            assert_eq!(now_holder, holder);
            return;
        }
        let account = now_holder.expect("an account");
        assert!(!self.accounts.contains_key(&account), "a new one");
        let known = Known {
            proofs: self.proofs_of(who, &typed),
            password: typed.password.clone(),
            proven_name: Some(typed.name.clone()),
            ..Known::default()
        };
        self.accounts.insert(account, known);
    }

    async fn recover(&mut self, who: usize, typed: Option<usize>) {
        let typed = self.typed(who, typed);
        let holder = self.server.holder_of(&typed).await;
        let expected = match holder {
            _ if !self.agrees(who, &typed) => "Your identity could not be verified",
            None => "You have no account yet",
            Some(holder) if self.accounts[&holder].frozen => "This account is stopped",
            Some(holder) => {
                let held = self.holdings(holder).await;
                if self.level(holder, &held) > Some(Ial::Two) {
                    "Please recover at a service counter"
                } else if self.confirmed_lately(holder, &typed.phone).await {
                    ""
                } else {
                    "This phone cannot recover the account"
                }
            }
        };
        let end = self.server.browser().prove("/recover", &typed).await;
        assert_end(&end, expected);
        assert_eq!(self.server.holder_of(&typed).await, holder);
        if !expected.is_empty() {
            return;
        }
        let proofs = self.proofs_of(who, &typed);
        let account = holder.expect("an account");
        let known = self.accounts.get_mut(&account).expect("one of ours");
        // The code shows that the phone is at hand; it is no check of its own.
        known
            .proofs
            .extend(proofs.into_iter().filter(|proof| proof.document.is_some()));
        known.password = typed.password;
        known.proven_name = Some(typed.name);
        known.generation += 1;
    }

    async fn confirmed_lately(&self, account: AccountId, number: &str) -> bool {
        let overview = self.server.accounts.overview(account).await;
        let overview = overview.expect("the database answers").expect("an account");
        let mut phones = overview
            .profile
            .phones
            .iter()
            .zip(&overview.phones_confirmed);
        let found = phones.find(|(phone, _)| phone.as_str() == number);
        found.is_some_and(|(_, confirmed_at)| self.server.accounts.phone_counts(*confirmed_at))
    }

    async fn import(&mut self, who: usize, number: usize, seen: bool) {
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

    async fn enter(&mut self, who: usize) {
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

    async fn confirm(&mut self, who: usize) {
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

    async fn set_frozen(&mut self, who: usize, frozen: bool) {
        let Some(account) = self.server.holder_of(&person(who)).await else {
            return;
        };
        let known = self.accounts.get_mut(&account).expect("one of ours");
        if known.frozen == frozen {
            return;
        }
        let told = operation();
        if frozen {
            let done = self
                .server
                .accounts
                .freeze(account, told.operator, told.reason)
                .await;
            done.expect("it was active");
            known.generation += 1;
        } else {
            let done = self
                .server
                .accounts
                .unfreeze(account, told.operator, told.reason)
                .await;
            done.expect("it was frozen");
        }
        known.frozen = frozen;
    }

    async fn assert_sound(&mut self) {
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
            self.server.count("account_documents").await,
            self.server.count("account_phones").await,
        );
        let held = (documents.len() + 3, phones.values().sum::<usize>() + 3);
        assert_eq!(indexed, (held.0 as i64, held.1 as i64));
        self.assert_access(&all).await;
    }

    /// A level that an authority's answer gave vouches for the name that it was about.
    async fn assert_named(&self, account: AccountId, level: Option<Ial>) {
        let Some(proven) = &self.accounts[&account].proven_name else {
            return;
        };
        let found = self.server.accounts.profile(account).await;
        let (_, profile) = found.expect("the database answers").expect("an account");
        assert!(level < Some(Ial::Two) || profile.name.as_str() == proven);
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

impl std::fmt::Debug for Access {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "access to {} with {:?}", self.account, self.held)
    }
}

/// Entered when nothing is expected to be said.
#[track_caller]
fn assert_end(end: &Answer, expected: &str) {
    if expected.is_empty() {
        assert_eq!(end.path(), "/account", "{}", end.text());
    } else {
        assert_eq!(end.page().heading(), expected);
    }
}

async fn play(steps: &[Step]) {
    let mut world = World::begin().await;
    for step in steps {
        world.play(step).await;
        world.assert_sound().await;
        // However often somebody tries, no limit of an hour is met.
        world.server.clock.advance(minutes(10));
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 40,
        max_shrink_iters: 60,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn no_sequence_of_steps_leaves_what_is_not_proven(
        steps in prop::collection::vec(step(), 1..16),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.expect("a runtime").block_on(play(&steps));
    }
}
