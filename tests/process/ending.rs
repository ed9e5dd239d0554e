//! How a server ends, reloads, and lives through the loss of its database.

use std::time::Duration;

use rustix::process::Signal;

use crate::browser::Browser;
use crate::installation::{Installation, on_both};
use crate::people::Person;
use crate::portal::Portal;
use crate::postgres::{Cluster, run};
use crate::server::{Server, within};

const SHORT: Duration = Duration::from_secs(10);

impl Cluster {
    /// Stops it as an administrator would.
    fn stop(&self) {
        run(self
            .program("pg_ctl")
            .args(["stop", "-w", "-s", "-m", "fast", "-D"])
            .arg(self.data()));
    }
}

async fn prepared(installation: &Installation) -> (Portal, Person) {
    installation.migrate().await;
    let person = Person::numbered(7);
    installation.import(std::slice::from_ref(&person)).await;
    (installation.add_portal("one").await, person)
}

async fn is_hashing(server: &Server) -> bool {
    let metrics = server.manage("/metrics").await.body;
    metrics
        .lines()
        .any(|line| line.contains("password_hashes_running") && line.ends_with(" 1"))
}

on_both! {
    async fn a_graceful_end_finishes_the_login_in_flight(installation: &mut Installation) {
        let (portal, person) = prepared(installation).await;
        // The stored hash is light: the login makes a heavy one of it, which takes its time.
        let heavy = [("login.password.memory_kib", "262144"), ("login.password.passes", "8")];
        let mut server = installation.serve_with(&heavy).await;
        let mut browser = Browser::new(&server.http);
        let url = portal.authorization_url(server.http.origin());
        let page = browser.go(&url, None).await.page();
        let name = person.phone.clone();
        let login = tokio::spawn(async move {
            let mut form = page.hidden();
            form.extend([("username".to_owned(), name), ("password".to_owned(), person.password)]);
            let form: Vec<(&str, &str)> = form.iter().map(|(k, v)| (&**k, &**v)).collect();
            let url = browser.absolute(&page.url, &page.action());
            let answer = browser.ask(&url, Some(&form)).await;
            (browser, answer)
        });
        within(SHORT, "the login is being worked on", async || {
            is_hashing(&server).await.then_some(())
        })
        .await;
        server.signal(Signal::TERM);
        within(SHORT, "it says that it is stopping", async || {
            (!server.is_ready().await).then_some(())
        })
        .await;
        assert!(!login.is_finished(), "the login was too quick to show anything");
        let (browser, answer) = login.await.unwrap();
        let answer = answer.expect("an answer all the same");
        assert_eq!(answer.status, 303, "{answer:?}");
        assert!(browser.cookie_names().contains(&"tongxing-session"));
        assert_eq!(server.ended().await, Some(0), "{}", server.log());

        // And it was written: the session is there after the restart, the log in order.
        let server = installation.serve().await;
        let mut browser = browser;
        browser.http = server.http.clone();
        let page = browser.go(&url, None).await.page();
        assert!(page.has("consent-allow"), "{page:?}");
        server.stop().await;
        assert_eq!(installation.run(&["audit", "verify"]).await.json()["pending"], 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hangup_reloads_the_log_level_and_keeps_serving() {
    let mut installation = Installation::sqlite();
    installation.configure("[log]\nlevel = \"info\"\n");
    let (portal, person) = prepared(&installation).await;
    let server = installation.serve().await;
    let mut browser = Browser::new(&server.http);
    browser.enter(&portal, &person).await.code();
    assert!(!server.log().contains("DEBUG"), "{}", server.log());

    installation.configure("[log]\nlevel = \"debug\"\n");
    server.signal(Signal::HUP);
    within(SHORT, "it is more talkative", async || {
        browser.enter(&portal, &person).await.code();
        server.log().contains("DEBUG").then_some(())
    })
    .await;
    // What is wrong is said, and changes nothing.
    installation.configure("[log]\nlevel = \"loud\"\n");
    server.signal(Signal::HUP);
    within(SHORT, "it says what is wrong", async || {
        server.log().contains("log.level").then_some(())
    })
    .await;
    browser.enter(&portal, &person).await.code();
    assert!(server.is_ready().await);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_signal_ends_it_at_once() {
    let installation = Installation::sqlite();
    installation.migrate().await;
    for signals in [&[Signal::INT][..], &[Signal::TERM, Signal::TERM]] {
        let mut server = installation.serve().await;
        // An idle connection holds nobody up.
        let home = format!("{}/", server.http.origin());
        server.http.get(&home).await;
        for signal in signals {
            server.signal(*signal);
        }
        assert_eq!(server.ended().await, Some(0), "{}", server.log());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_its_database_it_answers_503_and_heals_when_it_is_back() {
    let Some(mut installation) = Installation::postgres().await else {
        return;
    };
    // The vault stays; the main database is one that can be stopped.
    let cluster = Cluster::create();
    installation.set("database.url", &cluster.url());
    let (portal, person) = prepared(&installation).await;
    let server = installation.serve().await;
    let http = &server.http;
    let mut browser = Browser::new(http);
    let code = browser.enter(&portal, &person).await.code();
    let tokens = portal.tokens(http, &code).await;
    let url = portal.authorization_url(http.origin());

    for _ in 0..2 {
        cluster.stop();
        within(Duration::from_secs(3), "it is not ready", async || {
            (!server.is_ready().await).then_some(())
        })
        .await;
        assert_eq!(server.manage("/livez").await.status, 200);
        within(Duration::from_secs(2), "nothing is answered", async || {
            let (credentials, userinfo, refresh, authorize) = tokio::join!(
                portal.client_credentials(http),
                portal.userinfo(http, &tokens.access),
                portal.refresh(http, &tokens.refresh),
                http.get(&url),
            );
            let answers = [credentials, userinfo, refresh, authorize];
            let log = server.log();
            let refused = |answer: &&crate::http::Answer| {
                // Why stands in the log, under the reference that the answer has.
                let reference = answer.header("x-request-id").unwrap();
                answer.status == 503
                    && answer.header("retry-after").is_some()
                    && log.contains(reference)
            };
            let all = answers.iter().filter(refused).count() == answers.len();
            all.then_some(())
        })
        .await;

        cluster.start();
        within(SHORT, "it is ready again", async || {
            server.is_ready().await.then_some(())
        })
        .await;
        assert_eq!(portal.userinfo(http, &tokens.access).await.status, 200);
        assert_eq!(portal.refresh(http, &tokens.refresh).await.status, 200);
        let code = browser.go(&url, None).await.code();
        portal.tokens(http, &code).await;
    }
    server.stop().await;
    assert_eq!(
        installation.run(&["audit", "verify"]).await.json()["pending"],
        0
    );
}
