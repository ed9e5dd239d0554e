//! Logout everywhere: what ends at one portal ends at the others within two seconds, and a portal
//! that is dead delays nobody.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use url::form_urlencoded;

use crate::browser::{Arrival, Browser};
use crate::installation::{Installation, free_port, on_both};
use crate::noise::Promise;
use crate::people::Person;
use crate::portal::{CALLBACK, Portal};
use crate::server::{Server, within};

/// The promise.
const TWO_SECONDS: Duration = Duration::from_secs(2);
/// A busy machine's patience.
const LONG: Duration = Duration::from_mins(1);

/// A portal's end of back-channel logout.
struct Ears {
    port: u16,
    told: mpsc::UnboundedReceiver<(Instant, Value)>,
    manner: Arc<Mutex<Manner>>,
    /// The most calls that were under way at once.
    most: Arc<AtomicUsize>,
}

/// How a portal answers.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Manner {
    /// With 200, after so long.
    After(Duration),
    /// It accepts and is silent.
    Hangs,
}

impl Ears {
    async fn open(port: u16, manner: Manner) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (sender, told) = mpsc::unbounded_channel();
        let (most, now) = (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
        let counted = Arc::clone(&most);
        let manner = Arc::new(Mutex::new(manner));
        let asked = Arc::clone(&manner);
        tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                let (sender, now, most) = (sender.clone(), Arc::clone(&now), Arc::clone(&most));
                let manner = *asked.lock().unwrap();
                tokio::spawn(async move {
                    most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    hear(connection, manner, &sender).await;
                    now.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        Self {
            port,
            told,
            manner,
            most: counted,
        }
    }

    /// From the next call on it answers so.
    fn behave(&self, manner: Manner) {
        *self.manner.lock().unwrap() = manner;
    }

    /// The token that comes next, and when it came.
    async fn next(&mut self) -> (Instant, Value) {
        let told = tokio::time::timeout(LONG, self.told.recv()).await;
        told.expect("a logout token").unwrap()
    }
}

/// One request a connection, read as far as it says it goes.
async fn hear(
    mut connection: TcpStream,
    manner: Manner,
    sender: &mpsc::UnboundedSender<(Instant, Value)>,
) {
    let mut text = String::new();
    let mut buffer = [0; 4096];
    let body = loop {
        let Ok(read @ 1..) = connection.read(&mut buffer).await else {
            return;
        };
        text.push_str(std::str::from_utf8(&buffer[..read]).unwrap());
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let head = head.to_lowercase();
            let (_, length) = head.split_once("content-length: ").unwrap();
            let length: usize = length.lines().next().unwrap().parse().unwrap();
            if body.len() == length {
                break body;
            }
        }
    };
    let fields: BTreeMap<String, String> = form_urlencoded::parse(body.as_bytes())
        .into_owned()
        .collect();
    let payload = fields["logout_token"].split('.').nth(1).unwrap();
    let claims = URL_SAFE_NO_PAD.decode(payload).unwrap();
    let claims = serde_json::from_slice(&claims).unwrap();
    // Nobody may be waiting for it any more.
    drop(sender.send((Instant::now(), claims)));
    match manner {
        Manner::After(pause) => {
            tokio::time::sleep(pause).await;
            let answer = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
            drop(connection.write_all(answer.as_bytes()).await);
        }
        // Until the other side has had enough.
        Manner::Hangs => while matches!(connection.read(&mut buffer).await, Ok(1..)) {},
    }
}

/// Registers a portal that hears of logouts on a port.
async fn add_portal(installation: &Installation, name: &str, port: u16) -> Portal {
    let mut metadata = Portal::metadata(name);
    metadata["backchannel_logout_uri"] = format!("http://127.0.0.1:{port}/logout").into();
    let file = installation.write(&format!("{name}.json"), &metadata.to_string());
    let added = installation
        .run(&["client", "add", "--metadata", &file])
        .await;
    Portal::registered(&added.json())
}

/// A browser that has entered portals; the session as each knows it.
async fn entered(server: &Server, person: &Person, portals: &[&Portal]) -> (Browser, Vec<String>) {
    let mut browser = Browser::new(&server.http);
    let mut sids = Vec::new();
    for portal in portals {
        let code = browser.enter(portal, person).await.code();
        let tokens = portal.tokens(&server.http, &code).await;
        let payload = URL_SAFE_NO_PAD
            .decode(tokens.id.split('.').nth(1).unwrap())
            .unwrap();
        let claims: Value = serde_json::from_slice(&payload).unwrap();
        sids.push(claims["sid"].as_str().unwrap().to_owned());
    }
    (browser, sids)
}

/// Logs out by the provider's page: by when portals are to know, from the press of the button, and
/// where that leads.
async fn log_out(browser: &mut Browser, portal: Option<&Portal>) -> (Promise, Arrival) {
    let mut url = format!("{}/logout", browser.http.origin());
    if let Some(portal) = portal {
        let returns = [
            ("client_id", portal.id.as_str()),
            ("post_logout_redirect_uri", &format!("{CALLBACK}one")),
        ];
        let end = format!("{}/oauth2/end_session", browser.http.origin());
        url = url::Url::parse_with_params(&end, returns).unwrap().into();
    }
    let page = browser.go(&url, None).await.page();
    let pressed = Promise::within(TWO_SECONDS);
    let arrival = browser.submit(&page, &[("decision", "confirm")]).await;
    (pressed, arrival)
}

/// Whether the machine was so late that the page cannot have waited for what takes no time.
fn is_disturbed(pressed: &Promise) -> bool {
    pressed.allows() > TWO_SECONDS + Duration::from_millis(300)
}

async fn people(installation: &Installation, count: u32) -> Vec<Person> {
    installation.migrate().await;
    let people: Vec<Person> = (0..count).map(Person::numbered).collect();
    installation.import(&people).await;
    people
}

/// What a metric says; none when it is not there.
async fn metric(server: &Server, begins: &str) -> Option<i64> {
    let metrics = server.manage("/metrics").await.body;
    let line = metrics
        .lines()
        .find(|line| line.contains(begins) && !line.starts_with('#'))?;
    line.rsplit(' ').next()?.parse().ok()
}

on_both! {
    async fn a_logout_at_one_portal_reaches_the_other_within_two_seconds(installation: &mut Installation) {
        let people = people(installation, 1).await;
        let prompt = Manner::After(Duration::ZERO);
        let (mut ears_a, mut ears_b) = (Ears::open(0, prompt).await, Ears::open(0, prompt).await);
        let a = add_portal(installation, "one", ears_a.port).await;
        let b = add_portal(installation, "two", ears_b.port).await;
        let server = installation.serve().await;
        let (mut browser, sids) = entered(&server, &people[0], &[&a, &b]).await;
        let (pressed, arrival) = log_out(&mut browser, Some(&a)).await;
        // The page waits for a moment, in which a machine must be there to confirm.
        let has_confirmed = matches!(arrival, Arrival::Portal(_));
        assert!(has_confirmed || is_disturbed(&pressed), "both have: {arrival:?}");
        for (ears, sid) in [(&mut ears_a, &sids[0]), (&mut ears_b, &sids[1])] {
            let (came, claims) = ears.next().await;
            assert_eq!(claims["sid"], **sid);
            assert!(!pressed.is_due_at(came), "{pressed:?}");
        }
        within(LONG, "what came of it is counted", async || {
            let delivered = metric(&server, "logouts_total{outcome=\"delivered\"}").await?;
            (delivered == 2).then_some(())
        })
        .await;
        for name in ["logouts_waiting", "logouts_failed", "logouts_oldest_seconds"] {
            assert_eq!(metric(&server, name).await, Some(0), "{name}");
        }
        server.stop().await;
    }

    async fn what_a_killed_server_did_not_deliver_its_successor_does(installation: &mut Installation) {
        let people = people(installation, 1).await;
        let mut ears = Ears::open(0, Manner::Hangs).await;
        let portal = add_portal(installation, "one", ears.port).await;
        let mut server = installation.serve().await;
        let (mut browser, sids) = entered(&server, &people[0], &[&portal]).await;
        let leaving = tokio::spawn(async move { log_out(&mut browser, None).await });
        // It has begun to tell, and dies at it.
        let (_, before) = ears.next().await;
        let page = leaving.await.unwrap().1.page();
        assert!(page.has("unconfirmed"), "{page:?}");
        server.kill();
        drop(server);
        ears.behave(Manner::After(Duration::ZERO));
        let server = installation.serve().await;
        let (_, after) = ears.next().await;
        assert_eq!((&after["jti"], &after["sid"]), (&before["jti"], &before["sid"]));
        assert_eq!(after["sid"], *sids[0]);
        within(LONG, "nothing waits any more", async || {
            (metric(&server, "logouts_waiting").await? == 0).then_some(())
        })
        .await;
        server.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_portal_that_is_dead_delays_nobody() {
    const OTHERS: u32 = 50;
    let installation = &Installation::sqlite();
    let people = people(installation, OTHERS + 3).await;
    let mut alive = Ears::open(0, Manner::After(Duration::from_millis(20))).await;
    let silent = Ears::open(0, Manner::Hangs).await;
    let a = add_portal(installation, "one", alive.port).await;
    let hanging = add_portal(installation, "two", silent.port).await;
    let dead_port = free_port();
    let refusing = add_portal(installation, "three", dead_port).await;
    let server = installation.serve().await;
    let mut browsers = Vec::new();
    for person in &people[..OTHERS as usize] {
        browsers.push(entered(&server, person, &[&hanging, &refusing]).await.0);
    }
    let (mut first, _) = entered(&server, &people[51], &[&a, &hanging]).await;
    let (mut second, sids) = entered(&server, &people[52], &[&a]).await;
    // The one who is first waits for a moment, and is told where they may still be logged in.
    let (pressed, arrival) = log_out(&mut first, Some(&a)).await;
    let page = arrival.page();
    assert!(
        page.has("unconfirmed") && page.answer.body.contains("<bdi>Portal two</bdi>"),
        "{page:?}"
    );
    let has_confirmed = !page.answer.body.contains("<bdi>Portal one</bdi>");
    assert!(has_confirmed || is_disturbed(&pressed), "{page:?}");
    let (came, _) = alive.next().await;
    assert!(!pressed.is_due_at(came), "{pressed:?}");
    let leaving: Vec<_> = browsers
        .into_iter()
        .map(|mut browser| tokio::spawn(async move { log_out(&mut browser, None).await }))
        .collect();
    for leaving in leaving {
        let page = leaving.await.unwrap().1.page();
        assert!(page.has("unconfirmed"), "{page:?}");
    }
    let (pressed, arrival) = log_out(&mut second, Some(&a)).await;
    let has_confirmed = matches!(arrival, Arrival::Portal(_));
    assert!(has_confirmed || is_disturbed(&pressed), "{arrival:?}");
    let (came, claims) = alive.next().await;
    assert_eq!(claims["sid"], *sids[0]);
    assert!(!pressed.is_due_at(came), "{pressed:?}");
    assert!(
        silent.most.load(Ordering::SeqCst) <= 4,
        "few at once at one portal"
    );
    // When it is back it hears of every one.
    let back = async {
        let mut refused = Ears::open(dead_port, Manner::After(Duration::ZERO)).await;
        let mut heard = BTreeSet::new();
        while heard.len() < OTHERS as usize {
            heard.insert(refused.next().await.1["jti"].to_string());
        }
    };
    tokio::time::timeout(Duration::from_mins(2), back)
        .await
        .expect("all are told");
    server.stop().await;
}
