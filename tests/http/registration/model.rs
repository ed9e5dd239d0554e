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

use crate::support::{Answer, Applicant, CHECKS_COUNT_FOR, Portal, Server, Setup, minutes, phone};

mod soundness;
mod steps;

use soundness::Access;
use steps::{Step, step};

const PEOPLE: usize = 3;
const PHONES: usize = 2;

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
    async fn begin(server: Server) -> Self {
        let world = Self {
            portal: server.portal().await,
            server,
            carrier: [Some(0), Some(1), None],
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

/// A server that sends as many codes as are asked for.
async fn generous() -> Server {
    let code_limits = CodeLimits {
        per_phone: 10_000,
        per_document: 10_000,
        per_block: 10_000,
    };
    Server::start_with(Setup {
        code_limits,
        ..Setup::default()
    })
    .await
}

async fn play(server: Server, steps: &[Step]) {
    let mut world = World::begin(server).await;
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
        steps in prop::collection::vec(step(), 8..28),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.expect("a runtime").block_on(async { play(generous().await, &steps).await });
    }
}

/// One story with something of everything, on the other engine.
#[tokio::test(flavor = "multi_thread")]
async fn a_story_on_postgres() {
    let story = [
        Step::Import(0, 0, false),
        Step::Enter(0),
        Step::Import(1, 0, true),
        Step::Enter(1),
        Step::Register(0, None),
        Step::Enter(0),
        Step::HandOn(0, 2),
        Step::Register(2, None),
        Step::Enter(2),
        Step::Recover(2, None),
        Step::Enter(2),
        Step::Freeze(2),
        Step::Recover(2, None),
        Step::Unfreeze(2),
        Step::Recover(1, None),
        Step::Days(200),
        Step::Recover(2, None),
        Step::Confirm(2),
        Step::Recover(2, None),
        Step::Days(400),
        Step::Register(2, None),
        Step::Enter(2),
    ];
    if let Some(server) = Server::start_on_postgres().await {
        play(server, &story).await;
    }
}
