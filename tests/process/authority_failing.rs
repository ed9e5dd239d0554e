//! The authority slow, down, flapping, answering garbage, dead: registration says what to do next
//! and finishes when it can, logins go on meanwhile, and nobody gets a level without a match.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::browser::{Browser, Page};
use crate::http::Http;
use crate::installation::{Installation, on_both};
use crate::outbox::Outbox;
use crate::people::Person;
use crate::server::{Server, within};
use crate::simulator::Simulator;
use crate::statistics::report;

/// How long a check may take here.
const TIMEOUT: Duration = Duration::from_millis(700);
/// How long the breaker stays open here.
const LEFT_ALONE: Duration = Duration::from_secs(1);
/// So many failures in a row open it.
const FAILURES: usize = 5;
const PATIENCE: Duration = Duration::from_secs(30);

/// What the breaker's gauge says.
const CLOSED: u64 = 0;
const OPEN: u64 = 2;

/// An installation whose authority is tried, and the people at it.
struct Scene {
    server: Server,
    outbox: Outbox,
    authority: Simulator,
}

impl Scene {
    /// The authority knows everybody.
    async fn of(installation: &mut Installation, people: &[Person]) -> Self {
        let timeout = TIMEOUT.as_millis().to_string();
        installation.set("authority.timeout_ms", &timeout);
        let left_alone = LEFT_ALONE.as_secs().to_string();
        installation.set("authority.breaker_open_seconds", &left_alone);
        installation.migrate().await;
        let authority = installation.open_registration(people);
        Self {
            server: installation.serve().await,
            outbox: installation.outbox(),
            authority,
        }
    }

    fn http(&self) -> &Http {
        &self.server.http
    }

    /// The value of a line of the metrics.
    async fn metric(&self, line: &str) -> u64 {
        let metrics = self.server.manage("/metrics").await.body;
        let found = metrics.lines().find_map(|text| text.strip_prefix(line));
        let value = found.unwrap_or_else(|| panic!("no {line}: {metrics}"));
        value.trim().parse().unwrap()
    }

    async fn breaker(&self) -> u64 {
        self.metric("tongxing_authority_breaker ").await
    }

    async fn checks(&self, result: &str) -> u64 {
        let line = format!("tongxing_authority_checks_total{{result=\"{result}\"}} ");
        self.metric(&line).await
    }

    /// Everybody has their code, and the page where it is to be typed.
    async fn all_begin(&self, people: &[Person]) -> Vec<(Browser, Page, String)> {
        let mut begun = Vec::new();
        for person in people {
            let mut browser = Browser::new(self.http());
            let page = browser.begin("/register", person).await;
            let code = self.outbox.code(&person.phone, 1).await;
            begun.push((browser, page, code));
        }
        begun
    }

    /// Everybody types their code at once; the page that each sees, and whose browser.
    async fn all_confirm(&self, people: &[Person]) -> Vec<(Browser, Page)> {
        let begun = self.all_begin(people).await;
        let typing = begun.into_iter().map(|(mut browser, page, code)| {
            tokio::spawn(async move {
                let page = browser.type_code(&page, &code).await.page();
                (browser, page)
            })
        });
        let mut pages = Vec::new();
        for typing in typing.collect::<Vec<_>>() {
            pages.push(typing.await.unwrap());
        }
        pages
    }
}

/// The page that says that the authority does not answer, and what to do.
#[track_caller]
fn says_what_to_do(page: &Page) {
    assert_eq!(page.answer.status, 200, "{page:?}");
    assert!(page.url.contains("/register/check?challenge="), "{page:?}");
    assert!(page.has("retry-submit"), "{page:?}");
    let text = &page.answer.body;
    assert!(
        text.contains("does not answer") && text.contains("What to do next"),
        "{page:?}"
    );
}

/// Nobody has an account but those who had one, and no challenge has ended.
async fn nobody_has_an_account_but(installation: &Installation, imported: i64) {
    for (table, that, count) in [
        ("accounts", "TRUE", imported),
        ("account_documents", "TRUE", imported),
        ("checks", "method = 'three_elements'", 0),
        ("challenges", "outcome IS NOT NULL", 0),
    ] {
        let rows = format!("SELECT COUNT(*) FROM {table} WHERE {that}");
        assert_eq!(installation.number(&rows).await, count, "{table}");
    }
}

/// How the authority fails, and what heals it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Failure {
    Slow,
    Down,
    Garbage,
    Dead,
}

impl Failure {
    async fn begin(self, authority: &mut Simulator) {
        match self {
            Self::Slow => {
                let late = u64::try_from((TIMEOUT * 4).as_millis()).unwrap();
                authority.behave("slow", Some(late)).await;
            }
            Self::Down => authority.behave("down", None).await,
            Self::Garbage => authority.behave("garbage", None).await,
            Self::Dead => authority.kill(),
        }
    }

    async fn end(self, authority: &mut Simulator) {
        match self {
            Self::Dead => authority.restart(),
            Self::Slow | Self::Down | Self::Garbage => authority.behave("ok", None).await,
        }
    }
}

/// From the first failure to everybody's account.
async fn is_survived(installation: &mut Installation, failure: Failure) {
    let people: Vec<Person> = (0..8).map(Person::numbered).collect();
    let mut scene = Scene::of(installation, &people).await;
    failure.begin(&mut scene.authority).await;
    let mut residents = scene.all_confirm(&people).await;
    for (_, page) in &residents {
        says_what_to_do(page);
    }
    let unavailable = scene.checks("unavailable").await;
    assert!(unavailable >= FAILURES as u64, "{failure:?}: {unavailable}");

    is_left_alone(&scene, &mut residents[0]).await;
    nobody_has_an_account_but(installation, 0).await;
    // The server ends while they wait: what they did is kept all the same.
    if failure == Failure::Dead {
        scene.server.kill();
        scene.server = installation.serve().await;
    }

    failure.end(&mut scene.authority).await;
    for ((browser, page), person) in residents.iter_mut().zip(&people) {
        retry_until_done(browser, page).await;
        assert_eq!(scene.outbox.codes(&person.phone).len(), 1, "no other code");
        let shown = installation.shown(person).await;
        assert_eq!(
            shown["identity_assurance_level"], "urn:tongxing:ial:2",
            "{shown}"
        );
    }
    assert_eq!(scene.breaker().await, CLOSED);
    assert_eq!(scene.checks("match").await, people.len() as u64);
    scene.server.stop().await;
}

/// The breaker is open, and then there is an answer at once and no call.
async fn is_left_alone(scene: &Scene, (browser, page): &mut (Browser, Page)) {
    within(
        PATIENCE,
        "an open breaker that lets nothing pass",
        async || {
            let was_open = scene.breaker().await == OPEN;
            let skipped = scene.checks("breaker_open").await;
            let asked = Instant::now();
            let again = browser.submit(page, &[]).await.page();
            let took = asked.elapsed();
            says_what_to_do(&again);
            let is_skipped = scene.checks("breaker_open").await > skipped;
            (was_open && is_skipped && took < TIMEOUT).then_some(())
        },
    )
    .await;
}

/// Presses the button until the account is there; every answer before says what to do.
async fn retry_until_done(browser: &mut Browser, page: &Page) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let answer = browser.submit(page, &[]).await.page();
        if answer.has("account-logout") {
            return;
        }
        says_what_to_do(&answer);
        assert!(Instant::now() < deadline, "it does not end: {answer:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// How long each of many logins takes, the shortest first; one after another for `so_long`.
async fn logins(http: &Http, person: &Person, so_long: Duration) -> Vec<Duration> {
    let (began, mut took) = (Instant::now(), Vec::new());
    while began.elapsed() < so_long {
        let started = Instant::now();
        let page = Browser::new(http)
            .log_in_as(&person.phone, &person.password)
            .await;
        took.push(started.elapsed());
        assert!(!page.has("login-submit"), "{page:?}");
    }
    took.sort_unstable();
    took
}

/// Residents who type their codes at once, and press the button again and again until told to stop.
fn keep_pressing(
    residents: Vec<(Browser, Page, String)>,
    is_over: &Arc<AtomicBool>,
) -> Vec<tokio::task::JoinHandle<usize>> {
    let pressing = residents.into_iter().map(|(mut browser, page, code)| {
        let is_over = Arc::clone(is_over);
        tokio::spawn(async move {
            let page = browser.type_code(&page, &code).await.page();
            let mut pressed = 0;
            while !is_over.load(Ordering::SeqCst) {
                says_what_to_do(&browser.submit(&page, &[]).await.page());
                pressed += 1;
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
            pressed
        })
    });
    pressing.collect()
}

on_both! {
    async fn logins_go_on_while_the_authority_is_slow(installation: &mut Installation) {
        let people: Vec<Person> = (0..24).map(Person::numbered).collect();
        let scene = Scene::of(installation, &people).await;
        let member = Person::numbered(90);
        installation.import(std::slice::from_ref(&member)).await;
        scene.authority.behave("slow", None).await;
        let residents = scene.all_begin(&people).await;

        let before = logins(scene.http(), &member, TIMEOUT).await;
        let is_over = Arc::default();
        let pressing = keep_pressing(residents, &is_over);
        // All wait for the authority at first, later some: the breaker opens.
        let at_first = logins(scene.http(), &member, TIMEOUT).await;
        let later = logins(scene.http(), &member, TIMEOUT * 3).await;
        is_over.store(true, Ordering::SeqCst);
        let mut pressed = 0;
        for pressing in pressing {
            pressed += pressing.await.unwrap();
        }
        let middle = |times: &[Duration]| times[times.len() / 2];
        let (usual, then, afterwards) = (middle(&before), middle(&at_first), middle(&later));
        report(format_args!("a login takes {usual:?}, then {then:?}, then {afterwards:?}; {pressed} presses"));
        assert!(pressed >= people.len(), "somebody waits all the time: {pressed}");
        // The presses cost something too. A login that waited for the authority would be the only
        // one in that time.
        assert!(at_first.len() * 5 >= before.len(), "{} after {}", at_first.len(), before.len());
        for meanwhile in [then, afterwards] {
            assert!(meanwhile < usual * 5 + TIMEOUT / 4, "{usual:?}, meanwhile {meanwhile:?}");
        }
        nobody_has_an_account_but(installation, 1).await;
        scene.server.stop().await;
    }

    async fn a_slow_authority_is_survived(installation: &mut Installation) {
        is_survived(installation, Failure::Slow).await;
    }

    async fn an_authority_that_is_down_is_survived(installation: &mut Installation) {
        is_survived(installation, Failure::Down).await;
    }

    async fn an_authority_that_talks_garbage_is_survived(installation: &mut Installation) {
        is_survived(installation, Failure::Garbage).await;
    }

    async fn an_authority_and_a_server_that_die_are_survived(installation: &mut Installation) {
        is_survived(installation, Failure::Dead).await;
    }

    async fn a_flapping_authority_lets_everybody_through_whom_it_matches_and_nobody_else(installation: &mut Installation) {
        let known: Vec<Person> = (0..12).map(Person::numbered).collect();
        let scene = Scene::of(installation, &known).await;
        // Name and number are right, the phone is not the one that the carrier has.
        let other = Person { phone: Person::numbered(90).phone, ..Person::numbered(0) };
        let stranger = Person::numbered(91);
        let impostors = [other, stranger];
        scene.authority.behave("flapping", None).await;
        let mut residents = scene.all_confirm(&known).await;
        let mut refused = scene.all_confirm(&impostors).await;
        for (browser, page) in &mut residents {
            if page.has("retry-submit") {
                retry_until_done(browser, page).await;
            }
            assert!(browser.is_logged_in());
        }
        let mut texts = Vec::new();
        for (browser, page) in &mut refused {
            let deadline = Instant::now() + PATIENCE;
            while page.has("retry-submit") {
                assert!(Instant::now() < deadline, "{page:?}");
                *page = browser.submit(page, &[]).await.page();
            }
            assert!(!browser.is_logged_in());
            assert!(page.answer.body.contains("could not be verified"), "{page:?}");
            assert_eq!(page.link("/register"), "/register", "begin again");
            texts.push(page.answer.body.split("<main").nth(1).unwrap().to_owned());
            // It has ended: the same page again, and nothing to press.
            let again = browser.go(&page.url, None).await.page();
            assert!(again.answer.body.contains("could not be verified"), "{again:?}");
        }
        assert_eq!(texts[0], texts[1], "a mismatch and nobody known look alike");
        let accounts = installation.number("SELECT COUNT(*) FROM accounts").await;
        assert_eq!(accounts, 12);
        let matched = "SELECT COUNT(*) FROM checks WHERE method = 'three_elements' AND result = 'match'";
        assert_eq!(installation.number(matched).await, 12);
        assert!(scene.checks("unavailable").await > 0);
        scene.server.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_the_authority_changed_is_read_again_on_hangup() {
    let mut installation = Installation::sqlite();
    installation.migrate().await;
    let person = Person::numbered(90);
    let theirs = installation.write("theirs", "s3cond\n");
    let ours = installation.write("ours", "f1rst\n");
    let register = installation.write("register.ndjson", &person.register_line());
    let arguments = [
        "--people",
        "0",
        "--people-file",
        &register,
        "--token-file",
        &theirs,
    ];
    let authority = Simulator::start(installation.folder(), &arguments);
    installation.set("authority.url", authority.url());
    installation.set("authority.token_file", &ours);
    let outbox = installation.outbox_file();
    installation.set("notification.outbox", outbox.to_str().unwrap());
    let (server, outbox) = (installation.serve().await, installation.outbox());
    let mut browser = Browser::new(&server.http);
    let page = browser
        .prove("/register", &person, (&outbox, 0))
        .await
        .page();
    says_what_to_do(&page);
    installation.write("ours", "s3cond\n");
    server.signal(Signal::HUP);
    within(PATIENCE, "the token is read again", async || {
        server
            .log()
            .contains("token for the authority")
            .then_some(())
    })
    .await;
    let account = browser.submit(&page, &[]).await.page();
    assert!(account.has("account-logout"), "{account:?}");
    for secret in ["s3cond", "f1rst"] {
        assert!(!server.log().contains(secret));
    }
    server.stop().await;
}
