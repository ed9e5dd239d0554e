//! Nothing personal is in the clear: not at rest, not in logs at the finest level, not in metrics,
//! not in any URL.

mod applicants;

use std::collections::BTreeSet;
use std::fs;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

use crate::browser::{Arrival, Browser};
use crate::http::Http;
use crate::installation::{Installation, on_both};
use crate::outbox::OUTBOX;
use crate::people::Person;
use crate::portal::Portal;
use crate::server::within;
use crate::simulator::REGISTER;

/// What the test itself wrote down, and what plays everybody's phone.
const OUR_OWN: [&str; 4] = ["people.ndjson", "number", REGISTER, OUTBOX];

const WRONG_PASSWORD: &str = "not the password at all";
const UNKNOWN_PHONE: &str = "+8613712345678";

on_both! {
    async fn nothing_personal_is_in_the_clear_anywhere(installation: &mut Installation) {
        installation.set("log.level", "trace");
        installation.set("log.requests", "true");
        installation.migrate().await;
        let people: Vec<Person> = (40..43).map(Person::numbered).collect();
        import(installation, &people).await;
        let portals = [
            installation.add_portal("one").await,
            installation.add_portal("two").await,
        ];
        let server = installation.serve().await;
        one_person_does_everything(&server.http, &portals, &people[0]).await;
        another_enters_by_document_number(&server.http, &portals[0], &people[1]).await;
        an_operator_looks(installation, &people[2]).await;
        a_witness_keeps_evidence(installation).await;

        let needles = needles(&people);
        let metrics = server.manage("/metrics").await.body;
        let urls = server.http.urls();
        assert!(urls.len() > 20 && metrics.len() > 1_000);
        let mut hay = installation.everything_stored().await;
        hay.push(("metrics".to_owned(), metrics.into_bytes()));
        hay.extend(urls.into_iter().map(|url| (format!("URL {url}"), url.into_bytes())));
        server.stop().await;
        hay.extend(installation.everything_stored().await);
        hay.extend(written(installation));
        assert_eq!(found(&hay, &needles), Vec::<String>::new());

        it_would_have_been_found(installation, &people[0], &needles).await;
    }
}

/// Two good lines, and one that is refused and reported.
async fn import(installation: &Installation, people: &[Person]) {
    let mut refused = people[0].clone();
    refused.phone.push('9');
    let lines: String = people.iter().map(Person::line).collect();
    let file = installation.write("people.ndjson", &(lines + &refused.line()));
    let rejects = installation.path("rejects.ndjson");
    let arguments = ["account", "import", &file, "--rejects"];
    let rejects = rejects.to_str().unwrap();
    let done = installation
        .run(&[&arguments[..], &[rejects]].concat())
        .await;
    let summary = done.json();
    assert_eq!(summary["imported"], 3, "{done:?}");
    assert_eq!(summary["rejected"], 1, "{done:?}");
}

async fn one_person_does_everything(http: &Http, portals: &[Portal; 2], person: &Person) {
    let mut browser = Browser::new(http);
    // A hint is personal; by POST it is in no URL of ours.
    let (endpoint, query) = split(&portals[0].authorization_url(http.origin()));
    let mut form: Vec<(&str, &str)> = query.iter().map(|(k, v)| (&**k, &**v)).collect();
    form.push(("login_hint", &person.phone));
    let page = browser.go(&endpoint, Some(&form)).await.page();
    assert!(
        page.answer.body.contains(&person.phone[1..]),
        "the hint is shown"
    );
    let page = browser
        .log_in(&page, &person.phone, WRONG_PASSWORD)
        .await
        .page();
    assert!(page.has("login-problem"), "{page:?}");
    let page = browser
        .log_in(&page, UNKNOWN_PHONE, &person.password)
        .await
        .page();
    assert!(page.has("login-problem"), "{page:?}");
    let page = browser
        .log_in(&page, &person.phone, &person.password)
        .await
        .page();
    let arrival = browser.submit(&page, &[("decision", "allow")]).await;
    let first = portals[0].tokens(http, &arrival.code()).await;
    let second = browser.enter(&portals[1], person).await.code();
    let second = portals[1].tokens(http, &second).await;

    let about = portals[0].userinfo(http, &first.access).await.json();
    assert_eq!(about["name"], person.name, "the data is in play: {about}");
    assert_eq!(about["email"], person.email, "{about}");
    let refreshed = portals[0].refresh(http, &first.refresh).await;
    let fresh = refreshed.json()["access_token"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(portals[0].is_active(http, &fresh).await);
    let revoked = [("token", second.refresh.as_str())];
    assert_eq!(
        portals[1]
            .post(http, "/oauth2/revoke", &revoked)
            .await
            .status,
        200
    );
    assert!(!portals[1].is_active(http, &second.access).await);
    log_out(&mut browser, &first.id, person).await;
}

async fn log_out(browser: &mut Browser, id_token: &str, person: &Person) {
    let home = format!("{}/", browser.http.origin());
    browser.go(&home, None).await.page();
    let end = format!("{}/oauth2/end_session", browser.http.origin());
    let form = [("id_token_hint", id_token), ("logout_hint", &*person.phone)];
    // From a portal's page, so without cookies at first.
    let mut posting = Browser::new(&browser.http);
    posting.go(&end, Some(&form)).await.page();
    let page = browser.go(&end, Some(&form)).await.page();
    if page.has("logout-confirm") {
        browser.submit(&page, &[("decision", "confirm")]).await;
    }
}

async fn another_enters_by_document_number(http: &Http, portal: &Portal, person: &Person) {
    let mut browser = Browser::new(http);
    let url = portal.authorization_url(http.origin());
    let page = browser.go(&url, None).await.page();
    let page = browser
        .log_in(&page, &person.number, &person.password)
        .await
        .page();
    let arrival = browser.submit(&page, &[("decision", "deny")]).await;
    assert!(matches!(arrival, Arrival::Portal(_)), "{arrival:?}");
}

async fn an_operator_looks(installation: &Installation, person: &Person) {
    let number = installation.write("number", &person.number);
    for command in ["show", "freeze", "unfreeze", "freeze"] {
        let done = installation
            .run(&["account", command, "--document-number-file", &number])
            .await;
        assert_eq!(done.code, Some(0), "{done:?}");
    }
}

/// What is exported is searched with what else commands wrote.
async fn a_witness_keeps_evidence(installation: &Installation) {
    let kinds = ["login", "consent_given", "account_frozen"];
    within(Duration::from_secs(30), "all of it sealed", async || {
        let done = installation.run(&["audit", "export"]).await;
        assert_eq!(done.code, Some(0), "{done:?}");
        let is_there = |kind: &&str| done.stdout.contains(&format!("\"kind\":\"{kind}\""));
        kinds.iter().all(is_there).then_some(())
    })
    .await;
}

/// A URL's endpoint and parameters.
fn split(url: &str) -> (String, Vec<(String, String)>) {
    let parsed: url::Url = url.parse().unwrap();
    let pairs = parsed.query_pairs();
    let parameters = pairs
        .map(|(k, v)| (k.into_owned(), v.into_owned()))
        .collect();
    (url.split('?').next().unwrap().to_owned(), parameters)
}

/// Logs of servers and commands, and the report of the import.
fn written(installation: &Installation) -> Vec<(String, Vec<u8>)> {
    let files = fs::read_dir(installation.folder()).unwrap();
    files
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_file())
        .map(|path| (path.file_name().unwrap().to_str().unwrap().to_owned(), path))
        .filter(|(name, _)| !OUR_OWN.contains(&name.as_str()))
        .map(|(name, path)| (name, fs::read(path).unwrap()))
        .collect()
}

/// What must be nowhere, spelled in each way it might be.
fn needles(people: &[Person]) -> Vec<Vec<u8>> {
    let mut needles = BTreeSet::new();
    let mut plain = vec![WRONG_PASSWORD.to_owned(), UNKNOWN_PHONE[3..].to_owned()];
    for person in people {
        plain.extend([
            person.name.clone(),
            person.number.clone(),
            // Birthday and sequence, and a subscriber's number: what a mask must hide.
            person.number[6..17].to_owned(),
            person.phone[3..].to_owned(),
            person.phone[6..].to_owned(),
            person.email.clone(),
            person.password.clone(),
        ]);
    }
    for text in plain {
        let escaped: String = url::form_urlencoded::byte_serialize(text.as_bytes()).collect();
        let ascii = text.encode_utf16().fold(String::new(), |ascii, unit| {
            ascii + &format!("\\u{unit:04x}")
        });
        needles.extend([
            escaped.replace('+', "%20"),
            escaped,
            ascii,
            STANDARD_NO_PAD.encode(&text),
            URL_SAFE_NO_PAD.encode(&text),
            text,
        ]);
    }
    needles.into_iter().map(String::into_bytes).collect()
}

/// Where which needle is.
fn found(hay: &[(String, Vec<u8>)], needles: &[Vec<u8>]) -> Vec<String> {
    // By their first two bytes: every place is looked at once.
    let mut beginning: Vec<Vec<&[u8]>> = vec![Vec::new(); 1 << 16];
    let start = |bytes: &[u8]| usize::from(u16::from_be_bytes([bytes[0], bytes[1]]));
    for needle in needles {
        beginning[start(needle)].push(needle);
    }
    let mut found = BTreeSet::new();
    for (place, bytes) in hay {
        for (at, pair) in bytes.windows(2).enumerate() {
            for needle in &beginning[start(pair)] {
                if bytes[at..].starts_with(needle) {
                    found.insert(format!("{} in {place}", String::from_utf8_lossy(needle)));
                }
            }
        }
    }
    found.into_iter().collect()
}

/// The search above is no formality: it finds what is planted in each kind of place.
async fn it_would_have_been_found(
    installation: &Installation,
    person: &Person,
    needles: &[Vec<u8>],
) {
    let Person { number, name, .. } = person;
    let event = format!("UPDATE audit_events SET detail = 'seen: {number}'");
    installation.execute(&event).await;
    let stored = found(&installation.everything_stored().await, needles);
    assert!(!stored.is_empty(), "a number in a table");

    installation.write("server-9.out", &format!("INFO login of {name}"));
    let logged = found(&written(installation), needles);
    assert!(
        logged.iter().any(|place| place.contains("server-9.out")),
        "{logged:?}"
    );

    let url = url::Url::parse_with_params("http://localhost/login", [("name", name)]).unwrap();
    let url = [("a URL".to_owned(), String::from(url).into_bytes())];
    assert_eq!(found(&url, needles).len(), 1);
}
