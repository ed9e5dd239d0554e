//! Guesses at passwords: who has to wait, how long, and who never does.

mod siege;

use std::time::Duration;

use axum::http::header::ACCEPT_LANGUAGE;
use tongxing::accounts::guessing::GuessLimits;
use tongxing::crypto::password::{PasswordParameters, PoolSettings};

use crate::support::{
    Answer, Applicant, Browser, LI, Person, Server, Setup, WANG, ZHANG, minutes, quick, race,
    seconds,
};

const WRONG: &str = "not the password";
const DEVICE: &str = "__Host-device";
const DAY: u64 = 24 * 60;

/// Somebody with the login page open, who types without the clock going on.
#[derive(Clone)]
struct Guesser {
    browser: Browser,
    page: Answer,
}

impl Guesser {
    async fn at(server: &Server, address: &str) -> Self {
        let mut browser = server.browser();
        browser.address = address.parse().expect("an address");
        Self::in_browser(browser).await
    }

    async fn in_browser(mut browser: Browser) -> Self {
        let page = browser.get("/login").await;
        Self { browser, page }
    }

    async fn guess(&mut self, name: &str, password: &str) -> Answer {
        let filled = [("username", name), ("password", password)];
        let page = self.page.page();
        let fields = page.fields(&filled, "login-submit");
        self.browser.post(page.action(), &fields).await
    }

    /// The statuses of so many wrong passwords.
    async fn fail(&mut self, name: &str, times: usize) -> Vec<u16> {
        let mut statuses = Vec::new();
        for _ in 0..times {
            statuses.push(self.guess(name, WRONG).await.status.as_u16());
        }
        statuses
    }

    /// Wrong passwords until there is a delay.
    async fn fail_until_refused(&mut self, name: &str) {
        while self.fail(name, 1).await != [429] {}
    }

    /// Whether the right password is taken.
    async fn enters(&mut self, person: &Person) -> bool {
        let answer = self.guess(person.phone, person.password).await;
        answer.status == 303
    }
}

/// How many seconds a refusal says.
#[track_caller]
fn wait_of(answer: &Answer) -> u64 {
    assert_eq!(answer.status, 429, "{}", answer.text());
    let wait = answer.header("retry-after").expect("when to come back");
    wait.parse().expect("seconds")
}

async fn server_with(limits: GuessLimits) -> Server {
    let setup = Setup {
        guess_limits: limits,
        ..Setup::default()
    };
    Server::start_with(setup).await
}

/// Hashing that takes its time.
fn slow(queue: usize) -> PoolSettings {
    PoolSettings {
        threads: 1,
        queue,
        parameters: PasswordParameters::new(65_536, 3, 1).expect("parameters"),
    }
}

/// Makes a name besieged, or noticed: so many failures from places of their own.
async fn strangers_fail(server: &Server, name: &str, failures: usize) {
    for number in 0..failures {
        let address = format!("2001:db8:{number:x}::1");
        let mut stranger = Guesser::at(server, &address).await;
        assert_eq!(stranger.fail(name, 1).await, [200], "{number}");
    }
}

#[tokio::test]
async fn after_five_wrong_passwords_each_further_one_waits_twice_as_long() {
    let server = Server::start().await;
    let mut guesser = Guesser::at(&server, "198.51.100.1").await;
    assert_eq!(guesser.fail(ZHANG.phone, 5).await, [200; 5]);
    let moment = Duration::from_millis(1);
    let waits = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900];
    for (failed, wait) in (5..).zip(waits) {
        let refused = guesser.guess(ZHANG.phone, WRONG).await;
        assert_eq!(wait_of(&refused), wait);
        // Not looked at, right or wrong; and early is early.
        server.clock.advance(seconds(wait).saturating_sub(moment));
        let early = guesser.guess(ZHANG.phone, ZHANG.password).await;
        assert_eq!(wait_of(&early), 1, "rounded up");
        assert_eq!(
            server.recorded("login_failed").await,
            failed,
            "no row for it"
        );
        server.clock.advance(moment);
        assert_eq!(guesser.fail(ZHANG.phone, 1).await, [200], "{wait}");
    }
    let [(_, by_name), (_, by_device), (_, by_block)] = server.accounts.refused_guesses()[..]
    else {
        panic!("three reasons");
    };
    assert_eq!((by_name, by_device, by_block), (24, 0, 0));
    // Another name is another, and so is another address block; another address is not.
    assert!(guesser.clone().enters(&LI).await);
    server.clock.advance(minutes(15));
    let mut neighbor = Guesser::at(&server, "198.51.100.200").await;
    assert_eq!(neighbor.fail(ZHANG.phone, 1).await, [200]);
    assert_eq!(wait_of(&guesser.guess(ZHANG.phone, WRONG).await), 900);
    // What is right when the time has come, is taken, and all begins anew.
    server.clock.advance(minutes(15));
    assert!(guesser.enters(&ZHANG).await);
    let mut guesser = Guesser::at(&server, "198.51.100.1").await;
    assert_eq!(guesser.fail(ZHANG.phone, 2).await, [200; 2]);
}

#[tokio::test]
async fn the_last_try_counts_and_a_day_forgets() {
    let server = Server::start().await;
    for person in [&ZHANG, &LI] {
        let mut resident = Guesser::at(&server, "198.51.100.1").await;
        assert_eq!(resident.fail(person.phone, 4).await, [200; 4]);
        assert!(resident.enters(person).await);
    }
    let mut guesser = Guesser::at(&server, "198.51.100.2").await;
    assert_eq!(
        guesser.fail(WANG.phone, 6).await,
        [200, 200, 200, 200, 200, 429]
    );
    server.clock.advance(minutes(DAY));
    assert_eq!(
        guesser.fail(WANG.phone, 6).await,
        [200, 200, 200, 200, 200, 429]
    );
}

/// Case 29, under limits.
#[tokio::test]
async fn known_and_unknown_names_wait_alike() {
    let server = Server::start().await;
    server.freeze(&WANG).await;
    let long = "9".repeat(2000);
    let mut seen = Vec::new();
    let names = [
        (ZHANG.phone, WRONG),
        (ZHANG.document_number, WRONG),
        (WANG.phone, WANG.password),
        ("+8613800009999", WRONG),
        ("110105194912310029", WRONG),
        ("nobody", WRONG),
        (&*long, WRONG),
    ];
    for (number, (name, password)) in names.into_iter().enumerate() {
        let mut guesser = Guesser::at(&server, &format!("198.51.{number}.1")).await;
        let mut answers = Vec::new();
        for step in 0..9 {
            let answer = guesser.guess(name, password).await;
            let mut headers = answer.headers.clone();
            headers.remove("x-request-id");
            headers.remove("content-length");
            let text = answer.text().replace(name, "…");
            let csrf = guesser.page.page();
            let csrf = csrf.all("input").find_map(|field| field.attribute("value"));
            let text = text.replace(csrf.expect("a token"), "…");
            answers.push((answer.status.as_u16(), headers, text));
            if step > 5 {
                server.clock.advance(seconds(1));
            }
        }
        let statuses: Vec<_> = answers.iter().map(|(status, ..)| *status).collect();
        assert_eq!(
            statuses,
            [200, 200, 200, 200, 200, 429, 429, 200, 429],
            "{name:.20}"
        );
        seen.push(answers);
    }
    for other in &seen {
        assert!(other == &seen[0]);
    }
    // A name has no part in what happens to another of the same account.
    let mut guesser = Guesser::at(&server, "198.51.100.1").await;
    assert_eq!(guesser.fail(ZHANG.phone, 6).await[5], 429);
    assert_eq!(guesser.fail(ZHANG.document_number, 1).await, [200]);
}

#[tokio::test]
async fn of_100_guesses_at_once_five_are_looked_at() {
    for server in [
        Some(Server::start().await),
        Server::start_on_postgres().await,
    ] {
        let Some(server) = server else { continue };
        let guesser = Guesser::at(&server, "198.51.100.1").await;
        for (expected, wait) in [(5, 0), (0, 0), (1, 1), (1, 2)] {
            server.clock.advance(seconds(wait));
            let answers = race(100, |_| {
                let mut guesser = guesser.clone();
                async move { guesser.guess(ZHANG.phone, WRONG).await }
            })
            .await;
            let looked_at = answers.iter().filter(|answer| answer.status == 200).count();
            let refused = answers.iter().filter(|answer| answer.status == 429).count();
            assert_eq!((looked_at, refused), (expected, 100 - expected));
        }
        assert_eq!(server.recorded("login_failed").await, 7);
    }
}

/// More than there are tries; all but five wait for a moment.
#[tokio::test(flavor = "multi_thread")]
async fn of_32_logins_of_one_person_at_once_all_get_in() {
    for server in [
        Some(Server::start().await),
        Server::start_on_postgres().await,
    ] {
        let Some(server) = server else { continue };
        let guesser = Guesser::at(&server, "198.51.100.1").await;
        let entered = race(32, |_| {
            let mut guesser = guesser.clone();
            async move { guesser.enters(&ZHANG).await }
        })
        .await;
        assert_eq!(entered, [true; 32]);
    }
}

#[tokio::test]
async fn strangers_elsewhere_shut_nobody_out() {
    let server = Server::start().await;
    // Noticed: fewer tries and longer delays, but tries.
    strangers_fail(&server, ZHANG.phone, 20).await;
    let mut guesser = Guesser::at(&server, "198.51.101.1").await;
    assert_eq!(guesser.fail(ZHANG.phone, 2).await, [200; 2]);
    assert_eq!(wait_of(&guesser.guess(ZHANG.phone, WRONG).await), 10);
    // Besieged.
    strangers_fail(&server, ZHANG.phone, 100).await;
    let mut guesser = Guesser::at(&server, "198.51.102.1").await;
    assert_eq!(guesser.fail(ZHANG.phone, 1).await, [200]);
    assert_eq!(wait_of(&guesser.guess(ZHANG.phone, WRONG).await), 60);
    assert_eq!(
        wait_of(
            &Guesser::at(&server, "198.51.101.1")
                .await
                .guess(ZHANG.phone, WRONG)
                .await
        ),
        120
    );
    // Whoever was never wrong there gets in at once, and so does whoever waits.
    assert!(
        Guesser::at(&server, "203.0.113.9")
            .await
            .enters(&ZHANG)
            .await
    );
    server.clock.advance(seconds(60));
    assert!(guesser.enters(&ZHANG).await);
    // A success elsewhere does not call off the siege; a day does.
    let mut guesser = Guesser::at(&server, "198.51.103.1").await;
    assert_eq!(guesser.fail(ZHANG.phone, 2).await, [200, 429]);
    server.clock.advance(minutes(DAY));
    let mut guesser = Guesser::at(&server, "198.51.103.1").await;
    assert_eq!(
        guesser.fail(ZHANG.phone, 6).await,
        [200, 200, 200, 200, 200, 429]
    );
    assert!(Guesser::at(&server, "198.51.104.1").await.enters(&LI).await);
}

#[tokio::test]
async fn a_known_device_gets_in_whatever_strangers_do() {
    let server = server_with(GuessLimits {
        tries: 5,
        longest_delay: minutes(15),
        per_block: 10,
    })
    .await;
    let place = "198.51.100.1";
    let mut at_home = Guesser::at(&server, place).await;
    assert!(at_home.enters(&ZHANG).await);
    at_home.browser.logout().await;
    assert!(
        at_home.browser.cookies.contains_key(DEVICE),
        "a logout forgets no device"
    );
    // Strangers behind the same address: at the name, and at others until the block has to wait.
    let mut stranger = Guesser::at(&server, place).await;
    assert_eq!(
        stranger.fail(ZHANG.phone, 6).await,
        [200, 200, 200, 200, 200, 429]
    );
    assert_eq!(stranger.fail("+8613800009999", 5).await, [200; 5]);
    assert_eq!(stranger.fail("+8613800008888", 1).await, [429]);
    strangers_fail(&server, ZHANG.phone, 100).await;
    assert_eq!(stranger.fail(LI.phone, 1).await, [429]);
    assert!(
        Guesser::in_browser(at_home.browser.clone())
            .await
            .enters(&ZHANG)
            .await
    );
    let mut elsewhere = at_home.browser.clone();
    elsewhere.address = "203.0.113.9".parse().expect("an address");
    assert!(
        Guesser::in_browser(elsewhere.clone())
            .await
            .enters(&ZHANG)
            .await
    );
    // By either name, and at home it has its own tries, wherever it is.
    let mut resident = Guesser::in_browser(at_home.browser.clone()).await;
    assert_eq!(resident.fail(ZHANG.document_number, 3).await, [200; 3]);
    assert_eq!(resident.fail(ZHANG.phone, 2).await, [200; 2]);
    assert_eq!(
        wait_of(&resident.guess(ZHANG.phone, ZHANG.password).await),
        1
    );
    let mut elsewhere = Guesser::in_browser(elsewhere).await;
    assert_eq!(
        wait_of(&elsewhere.guess(ZHANG.phone, ZHANG.password).await),
        1
    );
    // It is no other's device: there it waits as anybody does.
    assert_eq!(resident.fail(LI.phone, 1).await, [429]);
    server.clock.advance(seconds(1));
    assert!(resident.enters(&ZHANG).await);
    let reasons = server.accounts.refused_guesses();
    assert!(reasons.iter().all(|(_, count)| *count > 0), "{reasons:?}");
}

#[tokio::test]
async fn a_device_is_known_for_its_own_account_and_until_access_is_ended() {
    let server = Server::start().await;
    let place = "198.51.100.1";
    let (mut zhang, mut li) = (server.browser(), server.browser());
    zhang.login(&ZHANG).await;
    li.login(&LI).await;
    let cookie_of = |browser: &Browser| browser.cookies[DEVICE].clone();
    let (of_zhang, of_li) = (cookie_of(&zhang), cookie_of(&li));
    assert_ne!(of_zhang, of_li);
    let mut stranger = Guesser::at(&server, place).await;
    assert_eq!(stranger.fail(ZHANG.phone, 6).await[5], 429);
    let with = async |name: &str, value: &str| {
        let mut guesser = Guesser::at(&server, place).await;
        guesser
            .browser
            .cookies
            .insert(name.to_owned(), value.to_owned());
        guesser
    };
    let session = zhang.cookies["__Host-session"].clone();
    let mut changed = of_zhang.clone();
    changed.replace_range(40..41, if &changed[40..41] == "A" { "B" } else { "A" });
    for (name, value) in [
        (DEVICE, &of_li),
        (DEVICE, &changed),
        (DEVICE, &session),
        (DEVICE, &String::new()),
        ("__Host-session", &of_zhang),
        ("device", &of_zhang),
        ("tongxing-device", &of_zhang),
    ] {
        let mut guesser = with(name, value).await;
        let answer = guesser.guess(ZHANG.phone, ZHANG.password).await;
        assert_eq!(answer.status, 429, "{name}={value}");
        assert!(!answer.headers.contains_key("set-cookie"));
    }
    assert!(with(DEVICE, &of_zhang).await.enters(&ZHANG).await);
    // What another logs in with afterwards is the browser's.
    li.cookies.remove("__Host-session");
    li.login(&ZHANG).await;
    assert_ne!(cookie_of(&li), of_li);
    // A device's success forgets nothing of what was counted elsewhere.
    assert_eq!(stranger.fail(ZHANG.phone, 2).await, [200, 429]);
    // Recovery ends all that was begun before; the browser that recovers is known.
    let recovered = Applicant::of(&ZHANG);
    let mut counter = server.browser();
    assert_eq!(
        counter.prove("/recover", &recovered).await.path(),
        "/account"
    );
    stranger.fail_until_refused(ZHANG.phone).await;
    let mut old = with(DEVICE, &of_zhang).await;
    assert_eq!(
        old.guess(ZHANG.phone, &recovered.password).await.status,
        429
    );
    let mut new = with(DEVICE, &cookie_of(&counter)).await;
    assert_eq!(
        new.guess(ZHANG.phone, &recovered.password).await.status,
        303
    );
    // A freeze does, too.
    server.freeze(&LI).await;
    server.unfreeze(&LI).await;
    let mut stranger = Guesser::at(&server, place).await;
    assert_eq!(stranger.fail(LI.phone, 6).await[5], 429);
    assert!(!with(DEVICE, &of_li).await.enters(&LI).await);
}

#[tokio::test]
async fn a_device_stays_known_for_400_days() {
    let server = Server::start().await;
    let mut zhang = server.browser();
    zhang.login(&ZHANG).await;
    let first = zhang.cookies[DEVICE].clone();
    for (days, enters) in [(399, true), (1, false)] {
        server.clock.advance(minutes(days * DAY));
        let mut stranger = Guesser::at(&server, "198.51.100.1").await;
        // Its phone is unconfirmed by then.
        assert_eq!(stranger.fail(ZHANG.document_number, 6).await[5], 429);
        let mut guesser = Guesser::at(&server, "198.51.100.1").await;
        guesser
            .browser
            .cookies
            .insert(DEVICE.to_owned(), first.clone());
        let answer = guesser.guess(ZHANG.document_number, ZHANG.password).await;
        assert_eq!(answer.status == 303, enters, "{days}");
    }
}

#[tokio::test]
async fn an_address_block_that_fails_too_often_waits_for_all_names() {
    let server = server_with(GuessLimits {
        tries: 5,
        longest_delay: minutes(15),
        per_block: 10,
    })
    .await;
    let name = |number: usize| crate::support::phone(number);
    let mut resident = Guesser::at(&server, "198.51.100.1").await;
    let mut guesser = Guesser::at(&server, "198.51.100.1").await;
    for number in 0..10 {
        // Successes do not count.
        assert!(
            Guesser::at(&server, "198.51.100.1")
                .await
                .enters(&WANG)
                .await
        );
        assert_eq!(guesser.fail(&name(number), 1).await, [200], "{number}");
    }
    for wait in [1, 2, 4, 8, 16, 32, 60, 60] {
        assert_eq!(
            wait_of(&resident.guess(ZHANG.phone, ZHANG.password).await),
            wait
        );
        server.clock.advance(seconds(wait));
        // At the end of a delay there is one guess at a time, however many come.
        let answers = race(20, |number| {
            let mut guesser = guesser.clone();
            async move {
                let fresh = name(1000 * usize::try_from(wait).unwrap() + number);
                guesser.guess(&fresh, WRONG).await.status
            }
        })
        .await;
        assert_eq!(
            answers.iter().filter(|status| **status == 200).count(),
            1,
            "{wait}"
        );
    }
    let mut other = Guesser::at(&server, "198.51.101.1").await;
    assert!(other.enters(&ZHANG).await, "another block");
    server.clock.advance(minutes(60));
    let mut resident = Guesser::at(&server, "198.51.100.1").await;
    assert!(resident.enters(&LI).await, "another hour");
}

#[tokio::test]
async fn whoever_has_not_failed_does_not_wait_for_others_of_the_block() {
    let server = server_with(GuessLimits {
        tries: 5,
        longest_delay: minutes(15),
        per_block: 10,
    })
    .await;
    let name = |number: usize| crate::support::phone(number);
    let mut guesser = Guesser::at(&server, "198.51.100.1").await;
    for number in 0..10 {
        assert_eq!(guesser.fail(&name(number), 1).await, [200], "{number}");
    }
    assert_eq!(guesser.fail(&name(11), 1).await, [429]);
    for (address, person) in [("198.51.100.7", &ZHANG), ("198.51.100.8", &WANG)] {
        let mut neighbor = Guesser::at(&server, address).await;
        assert_eq!(neighbor.fail(person.phone, 1).await, [200], "a typo");
        assert!(neighbor.enters(person).await, "{address}");
    }
    // That gives whoever has many addresses no more than a few tries for each, however they come.
    let many = Guesser::at(&server, "198.51.100.9").await;
    let statuses = race(20, |number| {
        let mut one = many.clone();
        async move { one.guess(&name(100 + number), WRONG).await.status }
    })
    .await;
    let looked_at = statuses.iter().filter(|status| **status == 200).count();
    assert!((1..=5).contains(&looked_at), "{looked_at}");
    let mut many = many;
    for number in looked_at..5 {
        assert_eq!(many.fail(&name(200 + number), 1).await, [200], "{number}");
    }
    assert_eq!(many.fail(&name(300), 1).await, [429]);
}

#[tokio::test]
async fn what_a_full_hashing_queue_refuses_is_not_counted() {
    let server = Server::start_with(Setup {
        hashing: slow(1),
        guess_limits: GuessLimits {
            tries: 100,
            ..Setup::default().guess_limits
        },
        ..Setup::default()
    })
    .await;
    let guesser = Guesser::at(&server, "198.51.100.1").await;
    let answers = race(16, |_| {
        let mut guesser = guesser.clone();
        async move { guesser.guess("+8613800009999", WRONG).await.status.as_u16() }
    })
    .await;
    let of = |status| answers.iter().filter(|one| **one == status).count();
    assert_eq!(of(200) + of(503), 16, "{answers:?}");
    assert!(of(503) > 0 && of(200) > 0);
    // At the place and at the name.
    let mut reader = server.ledger.reader().await.expect("a connection");
    let rows = reader
        .fetch_all("SELECT failures FROM login_failures", &[])
        .await;
    let counts: Vec<u32> = rows
        .expect("an answer")
        .iter()
        .map(|row| row.get("failures").expect("a number"))
        .collect();
    assert_eq!(counts, [u32::try_from(of(200)).unwrap(); 2]);
}

#[tokio::test]
async fn whoever_hangs_up_has_guessed() {
    let server = Server::start_with(Setup {
        hashing: slow(8),
        ..Setup::default()
    })
    .await;
    let mut guesser = Guesser::at(&server, "198.51.100.1").await;
    for attempt in 0..50_u32 {
        let rows = server.count("login_failures").await;
        let name = crate::support::phone(usize::try_from(attempt).unwrap());
        // Gone somewhat after the guess was reserved, at its place. Before it is hashed it may be gone
        // for good: nobody looked at it.
        let hangs_up = async {
            while !becomes(&server, rows + 1).await {}
            tokio::time::sleep(Duration::from_millis(10) * (attempt % 10)).await;
        };
        tokio::select! {
            biased;
            () = hangs_up => {}
            _too_late = guesser.guess(&name, WRONG) => continue,
        }
        // What a wrong one leaves: another row, at the name.
        if becomes(&server, rows + 2).await {
            return;
        }
    }
    panic!("whoever hung up had not guessed");
}

#[tokio::test]
async fn a_crowd_of_logins_keeps_nobody_from_logging_out() {
    let server = Server::start_with(Setup {
        hashing: slow(8),
        logins: 1,
        ..Setup::default()
    })
    .await;
    let mut resident = server.browser();
    resident.login(&ZHANG).await;
    let mut crowd = tokio::task::JoinSet::new();
    for number in 0..4 {
        let mut guesser = Guesser::at(&server, &format!("198.51.{number}.1")).await;
        crowd.spawn(async move {
            for guess in 0.. {
                let name = crate::support::phone(1000 * number + guess);
                guesser.guess(&name, WRONG).await;
            }
        });
    }
    let mut other = Guesser::at(&server, "203.0.113.1").await;
    let mut statuses = Vec::new();
    while !statuses.contains(&503) && statuses.len() < 200 {
        tokio::time::sleep(Duration::from_millis(20)).await;
        let name = crate::support::phone(9000 + statuses.len());
        statuses.extend(other.fail(&name, 1).await);
    }
    assert_eq!(statuses.last(), Some(&503), "the crowd takes every place");
    resident.logout().await;
}

/// Whether so many counters of failures are there in the end.
async fn becomes(server: &Server, rows: i64) -> bool {
    for _ in 0..1000 {
        if server.count("login_failures").await == rows {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    false
}

#[tokio::test]
async fn the_page_says_how_long_and_what_helps_in_both_languages() {
    let server = Server::start().await;
    let portal = server.portal().await;
    for (language, who, texts) in [
        ("en", &ZHANG, ["wait 1 s", "wait 2 min", "Recover account"]),
        ("zh-CN", &LI, ["等待 1 秒", "等待 2 分钟", "找回账号"]),
    ] {
        let mut browser = server.browser();
        browser.forged = vec![(ACCEPT_LANGUAGE, language)];
        let page = browser.visit(&portal.request().url()).await;
        let mut guesser = Guesser { browser, page };
        guesser.fail(who.phone, 5).await;
        let [one_second, two_minutes, recover] = texts;
        let refused = guesser.guess(who.phone, WRONG).await;
        assert_eq!(wait_of(&refused), 1);
        assert!(refused.text().contains(one_second), "{}", refused.text());
        for wait in [1, 2, 4, 8, 16, 32] {
            server.clock.advance(seconds(wait));
            guesser.fail(who.phone, 1).await;
        }
        let refused = guesser.guess(who.phone, WRONG).await;
        assert_eq!(wait_of(&refused), 64);
        assert!(refused.text().contains(two_minutes), "rounded up");
        assert!(refused.text().contains(recover));
        let page = refused.page();
        assert_eq!(page.language(), language);
        // The way out keeps the portal's request, and the form what was typed but the password.
        let way_out = page.find("login-throttled-recover").expect("a way out");
        let target = way_out.attribute("href").expect("a link").to_owned();
        assert!(target.starts_with("/recover?interaction="), "{target}");
        assert_eq!(guesser.browser.get(&target).await.status, 200);
        let typed = page.find("username").expect("a field");
        assert_eq!(typed.attribute("value"), Some(who.phone));
        assert!(!refused.text().contains(WRONG));
        // Sent again in time, the same form goes on to the portal.
        server.clock.advance(seconds(64));
        guesser.page = refused;
        let entered = guesser.guess(who.phone, who.password).await;
        assert_eq!(entered.status, 303);
        guesser.browser.follow(entered).await;
    }
    let closed = Server::start_with(Setup {
        open: false,
        hashing: quick(),
        ..Setup::default()
    })
    .await;
    let mut guesser = Guesser::at(&closed, "198.51.100.1").await;
    assert_eq!(guesser.fail(ZHANG.phone, 6).await[5], 429);
    let refused = guesser.guess(ZHANG.phone, WRONG).await;
    assert!(!refused.text().contains("/recover"), "there is none");
}
