//! SIGKILL in the middle of 1,000 registrations: every acknowledged one is there, none is half
//! there, and whoever was cut off goes on where they were, or begins again.

use std::hash::{BuildHasher as _, RandomState};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::browser::{Browser, Page};
use crate::http::{Answer, Http};
use crate::installation::{Installation, on_both};
use crate::killed::the_audit_log_recovers;
use crate::outbox::Outbox;
use crate::people::Person;
use crate::server::{Server, within};
use crate::statistics::report;

const RESIDENTS: u32 = 1_000;
const AT_ONCE: usize = 32;
/// The server is killed twice: when so many registrations are acknowledged, drawn from each range.
const KILLED_AT: [Range<usize>; 2] = [100..450, 550..900];
const PATIENCE: Duration = Duration::from_mins(4);

/// Somebody who registers.
struct Applicant {
    person: Person,
    browser: Browser,
    progress: Progress,
    /// Codes that were typed, and were those of another attempt.
    wrong: Vec<String>,
}

/// How far they have come, as far as they know.
enum Progress {
    /// Nothing was sent, or there was no answer to the form.
    Beginning,
    /// At the page where the code is typed.
    Challenged(Page),
    /// The code was sent, and there was no answer.
    Unknown(Page),
    /// Logged in: `303` with a session after the code.
    Acknowledged,
    /// Told that the steps were taken already: the answer that was lost had been a good one.
    Over,
}

/// What all applicants know.
#[derive(Clone)]
struct Surroundings {
    outbox: Outbox,
    is_killed: Arc<AtomicBool>,
    acknowledged: Arc<AtomicUsize>,
}

impl Surroundings {
    fn is_killed(&self) -> bool {
        self.is_killed.load(Ordering::SeqCst)
    }

    fn acknowledged(&self) -> usize {
        self.acknowledged.load(Ordering::SeqCst)
    }
}

/// There is no answer, or there will be none.
struct Gone;

impl From<reqwest::Error> for Gone {
    fn from(_: reqwest::Error) -> Self {
        Self
    }
}

/// Whether the server says that it has too much to do, and to try again; then that is done a little
/// later.
async fn is_busy(answer: &Answer) -> bool {
    let is_busy = answer.status == 503 && answer.header("retry-after").is_some();
    if is_busy {
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    is_busy
}

impl Applicant {
    fn new(index: u32, http: &Http) -> Self {
        Self {
            person: Person::numbered(index),
            browser: Browser::new(http),
            progress: Progress::Beginning,
            wrong: Vec::new(),
        }
    }

    fn is_done(&self) -> bool {
        matches!(self.progress, Progress::Acknowledged | Progress::Over)
    }

    /// Goes on until logged in.
    async fn register(&mut self, around: &Surroundings) -> Result<(), Gone> {
        while !self.is_done() {
            let progress = std::mem::replace(&mut self.progress, Progress::Beginning);
            self.progress = match progress {
                Progress::Beginning => self.begin().await?,
                Progress::Challenged(page) => {
                    let Some(code) = self.code(around).await else {
                        self.progress = Progress::Challenged(page);
                        return Err(Gone);
                    };
                    self.progress = Progress::Unknown(page);
                    self.type_code(&code).await?
                }
                Progress::Unknown(page) => match self.look_again(&page).await {
                    Ok(progress) => progress,
                    Err(gone) => {
                        self.progress = Progress::Unknown(page);
                        return Err(gone);
                    }
                },
                done @ (Progress::Acknowledged | Progress::Over) => done,
            };
            if self.is_done() {
                around.acknowledged.fetch_add(1, Ordering::SeqCst);
            }
        }
        Ok(())
    }

    /// The form, and the page that it leads to.
    async fn begin(&mut self) -> Result<Progress, Gone> {
        let url = format!("{}/register", self.browser.http.origin());
        let form = self.browser.try_open(&url).await?;
        let fields = crate::applying::fields(&form, &self.person);
        let fields: Vec<(&str, &str)> = fields.iter().map(|(k, v)| (&**k, *v)).collect();
        let answer = self.browser.try_submit(&form, &fields).await?;
        if is_busy(&answer).await {
            return Ok(Progress::Beginning);
        }
        assert_eq!(answer.status, 303, "{answer:?}");
        let url = self.browser.absolute(&url, answer.location().unwrap());
        let page = self.browser.try_open(&url).await?;
        // A page that is not there yet is opened again.
        if page.has("otp-submit") {
            Ok(Progress::Challenged(page))
        } else {
            Ok(Progress::Unknown(page))
        }
    }

    /// The newest code that was not typed yet. None when the server is gone before it comes.
    async fn code(&self, around: &Surroundings) -> Option<String> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let mut codes = around.outbox.codes(&self.person.phone);
            codes.retain(|code| !self.wrong.contains(code));
            if !codes.is_empty() || around.is_killed() {
                return codes.pop();
            }
            assert!(Instant::now() < deadline, "no code");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    async fn type_code(&mut self, code: &str) -> Result<Progress, Gone> {
        let Progress::Unknown(page) = &self.progress else {
            panic!("no code is asked for");
        };
        let answer = self.browser.try_submit(page, &[("otp-code", code)]).await?;
        if answer.status == 303 {
            assert_eq!(answer.location(), Some("/account"), "{answer:?}");
            assert!(self.browser.is_logged_in(), "{answer:?}");
            return Ok(Progress::Acknowledged);
        }
        let url = page.url.clone();
        let page = Page { url, answer };
        if is_busy(&page.answer).await {
            return Ok(Progress::Unknown(page));
        }
        assert!(page.has("otp-problem"), "{page:?}");
        self.wrong.push(code.to_owned());
        Ok(Progress::Challenged(page))
    }

    /// Where an attempt stands whose answer was lost: the browser goes back to its page.
    async fn look_again(&mut self, page: &Page) -> Result<Progress, Gone> {
        let mut page = self.browser.try_open(&page.url).await?;
        if let Some(check) = page.answer.location() {
            let check = self.browser.absolute(&page.url, check);
            page = self.browser.try_open(&check).await?;
        }
        if page.has("otp-submit") {
            return Ok(Progress::Challenged(page));
        }
        if page.has("retry-submit") {
            // The code had counted; nothing is to be typed again.
            let answer = self.browser.try_submit(&page, &[]).await?;
            if is_busy(&answer).await {
                return Ok(Progress::Unknown(page));
            }
            assert_eq!(answer.location(), Some("/account"), "{answer:?}");
            assert!(self.browser.is_logged_in(), "{answer:?}");
            return Ok(Progress::Acknowledged);
        }
        if is_busy(&page.answer).await {
            return Ok(Progress::Unknown(page));
        }
        assert_eq!(page.answer.status, 400, "{page:?}");
        Ok(Progress::Over)
    }

    /// Whether the account is there: the login of before, and a new one.
    async fn has_an_account(&mut self) {
        if matches!(self.progress, Progress::Acknowledged) {
            let account = self.browser.open("/account").await;
            assert!(account.has("account-logout"), "{account:?}");
        }
        let Person {
            number, password, ..
        } = &self.person;
        let page = Browser::new(&self.browser.http)
            .log_in_as(number, password)
            .await;
        assert!(!page.has("login-submit"), "{page:?}");
    }
}

on_both! {
    async fn kill_9_in_the_middle_of_1000_registrations_loses_nothing_acknowledged_and_leaves_nothing_half_done(installation: &mut Installation) {
        installation.set("proofing.codes_per_network", "1000000");
        installation.set("database.pool_size", "16");
        installation.set("log.format", "json");
        installation.migrate().await;
        let people: Vec<Person> = (0..RESIDENTS).map(Person::numbered).collect();
        let _authority = installation.open_registration(&people);
        let around = Surroundings {
            outbox: installation.outbox(),
            is_killed: Arc::default(),
            acknowledged: Arc::default(),
        };

        let mut server = installation.serve().await;
        let http = &server.http.apart();
        let mut applicants = (0..RESIDENTS).map(|index| Applicant::new(index, http)).collect();
        for killed_at in KILLED_AT {
            applicants = register_until_killed(&mut server, (applicants, killed_at), &around).await;
            let left = nothing_is_half_there(installation).await;
            let done = around.acknowledged();
            assert!(usize::try_from(left).unwrap() >= done, "{left} of {done} accounts");
            server = installation.serve().await;
            around.is_killed.store(false, Ordering::SeqCst);
            applicants = everybody_done_has_an_account(applicants).await;
        }
        let applicants = joined(all_register(applicants, &around)).await;
        assert_eq!(around.acknowledged(), RESIDENTS as usize);
        let applicants = everybody_done_has_an_account(applicants).await;
        assert_eq!(nothing_is_half_there(installation).await, i64::from(RESIDENTS));

        for applicant in applicants.iter().step_by(50) {
            around.outbox.told(&applicant.person.phone, "is open").await;
        }
        the_audit_log_recovers(installation, &server).await;
        server.stop().await;
        let verified = installation.run(&["audit", "verify"]).await;
        assert_eq!(verified.json()["pending"], 0, "{verified:?}");
    }
}

/// Everybody begins; the server is killed when a drawn number of them is done.
async fn register_until_killed(
    server: &mut Server,
    (applicants, killed_at): (Vec<Applicant>, Range<usize>),
    around: &Surroundings,
) -> Vec<Applicant> {
    let drawn = usize::try_from(RandomState::new().hash_one(0) >> 32).unwrap();
    let enough = killed_at.start + drawn % killed_at.len();
    let registering = all_register(applicants, around);
    within(PATIENCE, "enough registrations", async || {
        (around.acknowledged() >= enough).then_some(())
    })
    .await;
    server.kill();
    around.is_killed.store(true, Ordering::SeqCst);
    let applicants = joined(registering).await;
    let done = applicants
        .iter()
        .filter(|applicant| applicant.is_done())
        .count();
    let is_beginning = |applicant: &&Applicant| matches!(applicant.progress, Progress::Beginning);
    let not = applicants.iter().filter(is_beginning).count();
    let begun = applicants.len() - done - not;
    report(format_args!(
        "killed: {done} acknowledged, {begun} begun, {not} not"
    ));
    assert!(done >= enough && begun > 0 && not > 0, "not in the middle");
    applicants
}

/// [`AT_ONCE`] tasks in which everybody registers, one after another; each ends where the server
/// does.
fn all_register(applicants: Vec<Applicant>, around: &Surroundings) -> Vec<Registering> {
    let tasks = shares(applicants).into_iter().map(|mut share| {
        let around = around.clone();
        tokio::spawn(async move {
            for applicant in &mut share {
                if applicant.register(&around).await.is_err() {
                    break;
                }
            }
            share
        })
    });
    tasks.collect()
}

type Registering = tokio::task::JoinHandle<Vec<Applicant>>;

async fn everybody_done_has_an_account(applicants: Vec<Applicant>) -> Vec<Applicant> {
    let tasks = shares(applicants).into_iter().map(|mut share| {
        tokio::spawn(async move {
            for applicant in share.iter_mut().filter(|applicant| applicant.is_done()) {
                applicant.has_an_account().await;
            }
            share
        })
    });
    joined(tasks.collect()).await
}

fn shares(applicants: Vec<Applicant>) -> Vec<Vec<Applicant>> {
    let mut shares: Vec<Vec<Applicant>> = (0..AT_ONCE).map(|_| Vec::new()).collect();
    for (index, applicant) in applicants.into_iter().enumerate() {
        shares[index % AT_ONCE].push(applicant);
    }
    shares
}

async fn joined(tasks: Vec<Registering>) -> Vec<Applicant> {
    let mut applicants = Vec::new();
    for task in tasks {
        applicants.extend(task.await.unwrap());
    }
    applicants
}

/// An account has all of its parts, no part is without one, and as many challenges are done as
/// there are accounts. How many that is.
async fn nothing_is_half_there(installation: &Installation) -> i64 {
    let accounts = installation.number("SELECT COUNT(*) FROM accounts").await;
    let parts = [
        ("account_documents", "TRUE"),
        ("account_phones", "in_own_name AND confirmed_at IS NOT NULL"),
        ("credentials", "kind = 'password'"),
        ("checks", "method = 'three_elements' AND result = 'match'"),
        ("checks", "method <> 'three_elements'"),
        ("privacy_acknowledgments", "TRUE"),
        ("account_notices", "kind = 'registered'"),
        ("audit_events", "kind = 'account_registered'"),
    ];
    for (table, that) in parts {
        let lacking = format!(
            "SELECT COUNT(*) FROM accounts a WHERE (SELECT COUNT(*) FROM {table} p
              WHERE p.account_id = a.account_id AND {that}) <> 1"
        );
        assert_eq!(installation.number(&lacking).await, 0, "{table}: {that}");
        let alone = format!(
            "SELECT COUNT(*) FROM {table} p WHERE {that} AND NOT EXISTS
             (SELECT 1 FROM accounts a WHERE a.account_id = p.account_id)"
        );
        assert_eq!(installation.number(&alone).await, 0, "{table}: {that}");
    }
    let done = "SELECT COUNT(*) FROM challenges WHERE outcome = 'done' AND draft = ''";
    assert_eq!(installation.number(done).await, accounts);
    let ended = "SELECT COUNT(*) FROM challenges WHERE outcome IS NOT NULL";
    assert_eq!(installation.number(ended).await, accounts);
    accounts
}
