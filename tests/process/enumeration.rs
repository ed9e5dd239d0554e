//! Nobody learns from registration or recovery whether a document or a phone has an account: until
//! the phone's code and the authority agree, every answer is the same in status, text and time.
//!
//! What is measured: four kinds of tries, a document with or without an account, a phone with or
//! without one, in random order, each with a document and a phone that nobody tried before. All
//! type a wrong code and then the right one, and the authority says that they are not who they
//! say. For each step the times of tries with a known document are compared with those of an
//! unknown one, and the same for phones, by the rank test of `statistics`.
//!
//! What fails: the deviations of a comparison have one sign in each of [`ROUNDS`] rounds, and added
//! up (Stouffer: their sum over the root of their number is one deviation of equals) are more than
//! [`LIMIT`]. A round is held only while some comparison is suspected; most runs have one. By chance
//! alone one of the eight comparisons of a test fails once in about 200,000 runs. A difference that
//! is there grows with each round: reading the profile of a known document before the authority is
//! asked, a quarter of a millisecond in five, was +2, +5, +3 and +3 deviations. Load on the machine
//! falls on all four kinds alike, since they alternate.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{BuildHasher as _, RandomState};
use std::time::Instant;

use crate::applying;
use crate::browser::{Browser, Page};
use crate::http::Answer;
use crate::installation::{Installation, on_both};
use crate::outbox::Outbox;
use crate::people::Person;
use crate::server::Server;
use crate::statistics::{deviations, median, report, smallest_seen};

/// Tries of each of the four kinds in a round: twice as many with a known document as this, and
/// twice as many without.
const OF_EACH_KIND: u32 = 150;
const ROUNDS: u32 = 4;
/// So many deviations, over all rounds so far, ask for another round.
const SUSPICIOUS: f64 = 2.0;
/// So many are a difference.
const LIMIT: f64 = 5.0;

/// What is timed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Form,
    CodePage,
    WrongCode,
    RightCode,
}

/// What may be known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Known {
    Document,
    Phone,
}

/// One try.
struct Try {
    has_known: BTreeMap<Known, bool>,
    person: Person,
    page: Option<Page>,
    times: BTreeMap<Step, f64>,
}

/// Each kind of try so often, in an order that nothing depends on, and whom to import for it.
fn draw(round: u32) -> (Vec<Try>, Vec<Person>) {
    let (mut tries, mut members) = (Vec::new(), Vec::new());
    for index in 0..OF_EACH_KIND {
        for kind in 0..4 {
            let at = round * 100_000 + index * 8 + kind * 2;
            let (member, stranger) = (Person::numbered(at), Person::numbered(at + 1));
            let (document, phone) = (kind & 1 == 1, kind & 2 == 2);
            let of = |is_known| if is_known { &member } else { &stranger };
            tries.push(Try {
                has_known: [(Known::Document, document), (Known::Phone, phone)].into(),
                person: Person {
                    number: of(document).number.clone(),
                    phone: of(phone).phone.clone(),
                    ..stranger.clone()
                },
                page: None,
                times: BTreeMap::new(),
            });
            if document || phone {
                members.push(member);
            }
        }
    }
    let order = RandomState::new();
    tries.sort_by_cached_key(|one| order.hash_one(&one.person.number));
    (tries, members)
}

/// A browser that times what it asks, and keeps what the answers look like.
struct Prober<'a> {
    browser: Browser,
    outbox: &'a Outbox,
    looks: BTreeMap<Step, BTreeSet<String>>,
}

impl Prober<'_> {
    fn note(&mut self, one: &mut Try, step: Step, (asked, answer): (Instant, &Answer)) {
        one.times
            .insert(step, asked.elapsed().as_secs_f64() * 1_000.0);
        self.looks.entry(step).or_default().insert(look(answer));
    }

    /// All four steps, each with everybody before the next.
    async fn probe(&mut self, path: &str, tries: &mut [Try]) {
        let form = self.browser.open(path).await;
        for one in &mut *tries {
            let fields = applying::fields(&form, &one.person);
            let fields: Vec<(&str, &str)> = fields.iter().map(|(k, v)| (&**k, *v)).collect();
            let asked = Instant::now();
            let answer = self.browser.try_submit(&form, &fields).await.unwrap();
            self.note(one, Step::Form, (asked, &answer));
            let url = self.browser.absolute(&form.url, answer.location().unwrap());
            let asked = Instant::now();
            let page = self.browser.try_open(&url).await.unwrap();
            self.note(one, Step::CodePage, (asked, &page.answer));
            one.page = Some(page);
        }
        for step in [Step::WrongCode, Step::RightCode] {
            for one in &mut *tries {
                let mut code = self.outbox.code(&one.person.phone, 1).await;
                if step == Step::WrongCode {
                    let last = code.pop().unwrap();
                    code.push(if last == '0' { '1' } else { '0' });
                }
                let page = one.page.as_ref().unwrap();
                let typed = [("otp-code", &*code)];
                let asked = Instant::now();
                let answer = self.browser.try_submit(page, &typed).await.unwrap();
                self.note(one, step, (asked, &answer));
            }
        }
    }

    /// Each step has had one answer only, and the one it should have.
    fn assert_one_answer_each(&self) {
        for (step, looks) in &self.looks {
            let looks: Vec<&String> = looks.iter().collect();
            assert!(
                looks.len() == 1,
                "{step:?}, two of {}: {:#?}",
                looks.len(),
                &looks[..2]
            );
            let (status, text) = match step {
                Step::Form => ("303", "/code?challenge=_"),
                Step::CodePage => ("200", " id=\"otp-submit\""),
                Step::WrongCode => ("200", " id=\"otp-problem\""),
                Step::RightCode => ("200", "could not be verified"),
            };
            let is_right = looks[0].starts_with(status) && looks[0].contains(text);
            assert!(is_right, "{step:?}: {}", looks[0]);
        }
    }
}

/// Status, headers and text without what is new in every answer: seals, the date, the request's
/// name and the phone that was typed, masked.
fn look(answer: &Answer) -> String {
    let mut look = answer.status.to_string();
    for (name, value) in &answer.headers {
        let value = match name.as_str() {
            "date" | "x-request-id" => "_",
            "set-cookie" => value.to_str().unwrap().split('=').next().unwrap(),
            _ => value.to_str().unwrap(),
        };
        look.extend(["\n", name.as_str(), ": ", value]);
    }
    look.extend(["\n", &answer.body]);
    for mark in ["challenge=", "value=\""] {
        let mut parts = look.split(mark);
        let first = parts.next().unwrap().to_owned();
        look = parts.fold(first, |text, part| {
            let sealed = part.find(|c: char| !c.is_ascii_alphanumeric() && !"-_.".contains(c));
            let rest = &part[sealed.unwrap_or(part.len())..];
            format!("{text}{mark}_{rest}")
        });
    }
    let Some((before, after)) = look.split_once("****") else {
        return look;
    };
    format!("{}****{}", &before[..before.len() - 3], &after[4..])
}

/// By how many deviations a comparison differed in each round.
type Differences = BTreeMap<(Step, Known), Vec<f64>>;

/// All rounds together.
fn together(rounds: &[f64]) -> f64 {
    let count = f64::from(u32::try_from(rounds.len()).unwrap());
    rounds.iter().sum::<f64>() / count.sqrt()
}

/// Adds a round to each comparison that is suspected, at first to all; those that still are.
fn compare(tries: &[Try], suspected: Option<Differences>) -> Differences {
    let all = || {
        let steps = [Step::Form, Step::CodePage, Step::WrongCode, Step::RightCode];
        let pairs = steps
            .into_iter()
            .flat_map(|step| [(step, Known::Document), (step, Known::Phone)]);
        pairs.map(|pair| (pair, Vec::new())).collect()
    };
    let mut suspected: Differences = suspected.unwrap_or_else(all);
    for ((step, known), rounds) in &mut suspected {
        let times = |is_known| -> Vec<f64> {
            let tries = tries.iter().filter(|one| one.has_known[known] == is_known);
            tries.map(|one| one.times[step]).collect()
        };
        let (with, without) = (times(true), times(false));
        rounds.push(deviations(&with, &without));
        report(format_args!(
            "{step:?}, {known:?}: known {:.2} ms, unknown {:.2} ms, {rounds:+.1?} deviations; \
             {:.2} ms more would be suspicious",
            median(&with),
            median(&without),
            smallest_seen(&with, &without, SUSPICIOUS),
        ));
    }
    suspected.retain(|_, rounds| {
        let one_sign = rounds.iter().all(|by| by * rounds[0] > 0.0);
        one_sign && together(rounds).abs() > SUSPICIOUS
    });
    suspected
}

/// The steps of `path` look the same for all, and take the same time.
async fn nothing_is_told_at(path: &str, installation: &mut Installation) {
    installation.set("proofing.codes_per_network", "1000000");
    installation.migrate().await;
    let authority = installation.open_registration(&[]);
    authority.behave("mismatch", None).await;
    let (server, outbox): (Server, Outbox) = (installation.serve().await, installation.outbox());
    let mut suspected: Option<Differences> = None;
    for round in 0..ROUNDS {
        let (mut tries, members) = draw(round);
        installation.import(&members).await;
        let mut prober = Prober {
            browser: Browser::new(&server.http),
            outbox: &outbox,
            looks: BTreeMap::new(),
        };
        prober.probe(path, &mut tries).await;
        prober.assert_one_answer_each();
        let still = compare(&tries, suspected);
        if still.is_empty() {
            server.stop().await;
            return;
        }
        suspected = Some(still);
    }
    let mut different = suspected.unwrap_or_default();
    different.retain(|_, rounds| together(rounds).abs() > LIMIT);
    assert!(
        different.is_empty(),
        "known and unknown take different times: {different:?}"
    );
    server.stop().await;
}

on_both! {
    async fn registration_tells_nobody_who_has_an_account(installation: &mut Installation) {
        nothing_is_told_at("/register", installation).await;
    }

    async fn recovery_tells_nobody_who_has_an_account(installation: &mut Installation) {
        nothing_is_told_at("/recover", installation).await;
    }
}
