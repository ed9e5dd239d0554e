//! `docs/operations/two-nodes.md` from an empty machine to the restart of one node after the other, and
//! `docs/operations/upgrade.md` on what then stands there.

use std::fs;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::document::Document;
use super::fabric::Fabric;
use super::machine::Machine;
use super::{crowd, databases, text_of, upgrade};
use crate::browser::{Arrival, Browser};
use crate::http::{Answer, Http};
use crate::people::Person;
use crate::portal::Portal;

const PATIENCE: Duration = Duration::from_mins(1);
const RESTARTING: &str = "Restarting one node";
const CONFIG: &str = "--config /etc/tongxing/tongxing.toml";

/// Somebody with an account, and a portal to enter.
#[derive(Clone)]
pub(super) struct Entrance {
    http: Http,
    portal: Portal,
    person: Person,
}

impl Entrance {
    /// A whole login: discovery, page, code, token, userinfo. What went wrong, if something did.
    pub(super) async fn try_login(&self) -> Result<(), String> {
        let origin = self.http.origin();
        let discovery = format!("{origin}/.well-known/openid-configuration");
        let metadata = self
            .http
            .try_get(&discovery)
            .await
            .map_err(|e| format!("{e:?}"))?;
        if metadata.status != 200 || metadata.json()["issuer"] != origin {
            return Err(format!("{metadata:?}"));
        }
        let mut browser = Browser::new(&self.http);
        let arrival = browser.enter(&self.portal, &self.person).await;
        let Arrival::Portal(url) = &arrival else {
            return Err(format!("{arrival:?}"));
        };
        if !url.query_pairs().any(|(name, _)| name == "code") {
            return Err(url.to_string());
        }
        let exchanged = self.portal.exchange(&self.http, &arrival.code()).await;
        if exchanged.status != 200 {
            return Err(format!("{exchanged:?}"));
        }
        let token = exchanged.json()["access_token"]
            .as_str()
            .unwrap()
            .to_owned();
        let about = self.portal.userinfo(&self.http, &token).await;
        if about.status == 200 && about.json()["name"] == self.person.name {
            Ok(())
        } else {
            Err(format!("{about:?}"))
        }
    }

    /// A login that succeeds; a node that is late with a poll may ask for another moment.
    pub(super) async fn login(&self) {
        let deadline = Instant::now() + PATIENCE;
        while let Err(said) = self.try_login().await {
            let is_late = Instant::now() > deadline;
            assert!(is_unsure(&said) && !is_late, "{said}");
        }
    }
}

/// Whether a node asked for another moment.
fn is_unsure(said: &str) -> bool {
    said.contains("status: 503") || said.contains("temporarily_unavailable")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_nodes_stand_are_restarted_and_upgraded_as_it_is_written() {
    let Some(fabric) = Fabric::prepare().await else {
        return;
    };
    let document = Document::read("docs/operations/two-nodes.md");
    stand(&fabric, &document).await;
    let entrance = open(&fabric).await;
    entrance.login().await;
    the_address_that_counts_is_the_clients(&fabric).await;
    crowd::one_address_does_not_have_all_connections(&fabric).await;
    a_node_that_dies_is_not_noticed(&fabric, &document, &entrance).await;
    restart(&fabric, &document, &entrance).await;
    take_out(&fabric, &document, &entrance).await;
    document.was_run();
    nothing_personal_is_logged(&fabric, &entrance);
    upgrade::as_it_is_written(&fabric, &entrance).await;
    hashing_has_low_priority(&fabric.nodes[0]);
}

/// Sections 1 to 4.
async fn stand(fabric: &Fabric, document: &Document) {
    let Fabric {
        database,
        nodes: [one, two],
        proxy,
        ..
    } = fabric;
    database.run(&document.commands("1. Secrets", 0)).await;
    database.run(&document.commands("2. The database", 0)).await;
    let redis = document.commands("2. The database", 1);
    if fabric.has_redis {
        database.run(&redis).await;
    }
    let of_nodes = |index| document.commands("3. The nodes", index);
    for node in [one, two] {
        node.run(&of_nodes(0)).await;
    }
    two.run(&of_nodes(1)).await;
    for node in [one, two] {
        let checked = node.run(&of_nodes(2)).await;
        assert!(checked.contains(&fabric.issuer()), "{checked}");
    }
    one.run(&of_nodes(3)).await;
    for node in [one, two] {
        let told = node.run(&of_nodes(4)).await;
        assert!(told.contains("\"ready\""), "{told}");
    }
    let url = |name: &str| databases::url_in(&one.path("/etc/tongxing").join(name));
    databases::are_apart(&url("database.url"), &url("vault.url")).await;
    proxy.run(&document.commands("4. The proxy", 0)).await;
    let main = fs::read_to_string(proxy.path("/etc/nginx/nginx.conf")).unwrap();
    for line in ["worker_connections 16384;", "worker_rlimit_nofile 40000;"] {
        assert_eq!(main.matches(line).count(), 1, "{main}");
        assert!(text_of("deploy/container/nginx.conf").contains(line));
    }
    let told = proxy.run(&document.commands("4. The proxy", 1)).await;
    assert!(
        told.contains(&fabric.issuer()) && told.trim_end().ends_with("404"),
        "{told}"
    );
    let told = one.run(&document.commands("4. The proxy", 2)).await;
    assert_eq!(told.trim(), "[]");
}

/// An account and a client, by the command line of the first node.
async fn open(fabric: &Fabric) -> Entrance {
    let node = &fabric.nodes[0];
    let person = Person::numbered(1);
    fs::write(node.copy().join("people.ndjson"), person.line()).unwrap();
    let metadata = Portal::metadata("one").to_string();
    fs::write(node.copy().join("portal.json"), metadata).unwrap();
    node.run(&format!("tongxing account import people.ndjson {CONFIG}"))
        .await;
    let added = node
        .run(&format!(
            "tongxing client add --metadata portal.json {CONFIG}"
        ))
        .await;
    let added: Value = serde_json::from_str(&added).unwrap();
    Entrance {
        http: fabric.http(),
        portal: Portal::registered(&added),
        person,
    }
}

/// A wrong password from an address that says it is another each time.
async fn guess(fabric: &Fabric, own: IpAddr, number: u32) -> Answer {
    let claimed = format!("203.0.{number}.9");
    let place = (&*fabric.issuer(), &*format!("127.0.0.1:{}", fabric.port));
    let http = Http::secure_from(place, &fabric.certificate(), (own, &claimed));
    let mut browser = Browser::new(&http);
    let page = browser.open("/login").await;
    let stranger = Person::numbered(1000 + number);
    let arrival = browser.log_in(&page, &stranger.phone, "a wrong one").await;
    arrival.page().answer
}

async fn the_address_that_counts_is_the_clients(fabric: &Fabric) {
    let guessing = IpAddr::V4(Ipv4Addr::new(127, 0, 7, 1));
    let other = IpAddr::V4(Ipv4Addr::new(127, 0, 8, 1));
    let mut number = 0;
    while guess(fabric, guessing, number).await.status != 429 {
        number += 1;
        assert!(number < 50, "what is claimed is believed");
    }
    let answer = guess(fabric, other, 60).await;
    assert_ne!(
        answer.status, 429,
        "everybody seems to come from one place: {answer:?}"
    );
}

/// Also without having been taken out.
async fn a_node_that_dies_is_not_noticed(
    fabric: &Fabric,
    document: &Document,
    entrance: &Entrance,
) {
    let node = &fabric.nodes[1];
    let id = fs::read_to_string(node.path("/run/tongxing.pid")).unwrap();
    let id = id.trim();
    node.run(&format!(
        "kill -KILL {id}; while [ -e /proc/{id}/fd/0 ]; do sleep 0.05; done"
    ))
    .await;
    for _ in 0..3 {
        entrance.login().await;
    }
    node.run(&document.commands(RESTARTING, 0)).await;
}

/// One node after the other, while somebody logs in all the time. Of one visitor at most one request
/// is under way when a node closes its connections.
async fn restart(fabric: &Fabric, document: &Document, entrance: &Entrance) {
    let (over, count) = (
        Arc::new(AtomicBool::new(false)),
        Arc::new(AtomicU32::new(0)),
    );
    let visitor = tokio::spawn({
        let (entrance, over, count) = (entrance.clone(), Arc::clone(&over), Arc::clone(&count));
        async move {
            let mut lost = 0;
            while !over.load(Ordering::Relaxed) {
                match entrance.try_login().await {
                    Ok(()) => drop(count.fetch_add(1, Ordering::Relaxed)),
                    Err(said) if said.contains("cannot be reached") => lost += 1,
                    Err(said) => assert!(is_unsure(&said), "{said}"),
                }
                // One place that asks for more pages than people do is slowed.
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            lost
        }
    });
    for node in &fabric.nodes {
        let before = count.load(Ordering::Relaxed);
        node.run(&document.commands(RESTARTING, 0)).await;
        assert!(node.log().contains("\"stopped\""), "{}", node.log());
        assert!(count.load(Ordering::Relaxed) > before, "logins go on");
    }
    over.store(true, Ordering::Relaxed);
    let lost = visitor.await.expect("every login succeeded");
    assert!(lost <= 2, "{lost} requests were lost");
}

/// A node that is taken out gets no requests.
async fn take_out(fabric: &Fabric, document: &Document, entrance: &Entrance) {
    let read = |path: &str| fs::read_to_string(fabric.proxy.path(path)).unwrap();
    let nodes = || read("/etc/nginx/tongxing-nodes.conf");
    let before = nodes();
    let out = "Taking a node out";
    fabric.proxy.run(&document.commands(out, 0)).await;
    assert_eq!(nodes().matches(" down;").count(), 1, "{}", nodes());
    // The workers of before end when they have nothing to do any more.
    let deadline = Instant::now() + PATIENCE;
    loop {
        let logged = read("/var/log/nginx/tongxing.log").len();
        // A connection of its own: nginx has closed the others.
        let http = fabric.http();
        let entrance = Entrance {
            http,
            ..entrance.clone()
        };
        entrance.login().await;
        let log = read("/var/log/nginx/tongxing.log");
        assert!(log.len() > logged);
        if !log[logged..].contains("127.0.0.11:") {
            break;
        }
        assert!(Instant::now() < deadline, "{}", &log[logged..]);
    }
    fabric.proxy.run(&document.commands(out, 1)).await;
    assert_eq!(nodes(), before);
}

/// Neither what nginx writes nor what nodes write says who came, or holds what buys something.
fn nothing_personal_is_logged(fabric: &Fabric, entrance: &Entrance) {
    let proxy = |path: &str| fs::read_to_string(fabric.proxy.path(path)).unwrap_or_default();
    let access = proxy("/var/log/nginx/tongxing.log");
    let mut routes = std::collections::BTreeSet::new();
    for line in access.lines() {
        let line: Value =
            serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        routes.insert(line["route"].as_str().unwrap().to_owned());
        // What a node answered has its name for the request, also in its own log.
        if line["node_status"] == "200" {
            assert!(
                line["request"].as_str().unwrap().starts_with("req_"),
                "{line}"
            );
        }
    }
    for route in [
        "/login",
        "/oauth2/authorize",
        "/oauth2/token",
        "/oauth2/userinfo",
        "other",
    ] {
        assert!(routes.contains(route), "{route}: {routes:?}");
    }
    let logs = [
        access,
        proxy("/var/log/nginx/tongxing-error.log"),
        proxy("/run/nginx.log"),
        fabric.nodes[0].log(),
        fabric.nodes[1].log(),
    ];
    let Entrance { portal, person, .. } = entrance;
    let secrets = [
        &*person.name,
        &*person.phone,
        &*person.number,
        &*person.email,
        &portal.secret,
    ];
    for log in logs {
        for word in [
            "code=",
            "state-of-the-portal",
            "127.0.7.1",
            "127.0.9.",
            "203.0.",
            "?",
        ]
        .iter()
        .chain(&secrets)
        {
            assert!(!log.contains(word), "{word} in {log}");
        }
    }
}

/// Which the unit's filter must let it have.
fn hashing_has_low_priority(node: &Machine) {
    let id = fs::read_to_string(node.path("/run/tongxing.pid")).unwrap();
    let status = fs::read_to_string(format!("/proc/{}/status", id.trim())).unwrap();
    if ["x86_64", "aarch64"].contains(&std::env::consts::ARCH) {
        assert!(status.contains("\nSeccomp:\t2\n"), "no filter: {status}");
    }
    let threads = fs::read_dir(format!("/proc/{}/task", id.trim())).unwrap();
    let mut seen = 0;
    for thread in threads {
        let stat = fs::read_to_string(thread.unwrap().path().join("stat")).unwrap_or_default();
        let Some((name, rest)) = stat.split_once(") ") else {
            continue;
        };
        if name.contains("(password-") {
            // The 19th field; the name is the second.
            assert_eq!(rest.split(' ').nth(16), Some("10"), "{stat}");
            seen += 1;
        }
    }
    assert!(seen > 0);
}
