//! Until the code and the authority agree, nobody learns whether a document or a phone is known:
//! the answers, their headers and what is written are the same.

use std::collections::BTreeMap;

use tongxing::authority::Behavior;

use crate::support::{
    Answer, Applicant, Browser, LI, Person, Server, WANG, ZHANG, phone, seconds, wrong,
};

use super::authority::without_secrets;

const TABLES: [&str; 14] = [
    "accounts",
    "account_documents",
    "account_notices",
    "account_phones",
    "authorizations",
    "challenges",
    "checks",
    "counters",
    "credentials",
    "grants",
    "outbox",
    "privacy_acknowledgments",
    "sessions",
    "subjects",
];

/// What one step looks like from outside, and what it wrote.
#[derive(Debug, PartialEq, Eq)]
struct Step {
    status: u16,
    /// Names of the headers, and the values of those that are not drawn anew.
    headers: BTreeMap<String, Vec<String>>,
    body: String,
    length: usize,
    written: BTreeMap<&'static str, i64>,
    events: Vec<String>,
}

struct Observer {
    server: Server,
    counts: BTreeMap<&'static str, i64>,
    events: usize,
    steps: Vec<Step>,
}

async fn counts(server: &Server) -> BTreeMap<&'static str, i64> {
    let mut counts = BTreeMap::new();
    for table in TABLES {
        counts.insert(table, server.count(table).await);
    }
    counts
}

impl Observer {
    async fn of(server: &Server) -> Self {
        Self {
            server: server.clone(),
            counts: counts(server).await,
            events: server.events().await.len(),
            steps: Vec::new(),
        }
    }

    /// Notes an answer without what was typed.
    async fn note(&mut self, answer: &Answer, who: &Applicant) {
        let now = counts(&self.server).await;
        let events = self.server.events().await;
        let mut headers: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (name, value) in &answer.headers {
            let text = value.to_str().expect("text");
            let told = match name.as_str() {
                // Their lengths must not tell anything either.
                "set-cookie" | "location" | "x-request-id" => text.len().to_string(),
                _ => text.to_owned(),
            };
            headers.entry(name.to_string()).or_default().push(told);
        }
        let local = who.phone.trim_start_matches("+86");
        let masked = format!("{}****{}", &local[..3], &local[7..]);
        let body = without_secrets(answer)
            .replace(&who.document_number, "(document)")
            .replace(&who.phone, "(phone)")
            .replace(&masked, "(masked)");
        let written = now
            .iter()
            .map(|(table, count)| (*table, count - self.counts[table]));
        self.steps.push(Step {
            status: answer.status.as_u16(),
            headers,
            body,
            length: answer.body.len(),
            written: written.filter(|(_, more)| *more != 0).collect(),
            events: events[self.events..].to_vec(),
        });
        self.counts = now;
        self.events = events.len();
    }
}

/// One way through, with every page on it, to the authority's refusal.
async fn walk(server: &Server, path: &str, who: &Applicant) -> Vec<Step> {
    let prefix = path.trim_start_matches('/');
    let submit = format!("{prefix}-submit");
    let mut observer = Observer::of(server).await;
    let mut browser = server.browser();
    let form = browser.get(path).await;
    observer.note(&form, who).await;
    let fill = |page: &Answer, who: &Applicant| {
        let fields = who.fields(prefix);
        let filled: Vec<_> = fields.iter().map(|(k, v)| (&**k, &**v)).collect();
        page.page().fields(&filled, &submit)
    };
    let faulty = who.clone().with_password("short");
    let problem = browser.post(path, &fill(&form, &faulty)).await;
    observer.note(&problem, who).await;
    let sent = browser.post(path, &fill(&form, who)).await;
    assert_eq!(sent.status, 303);
    observer.note(&sent, who).await;
    let code_page = sent.location().expect("the page for the code");
    let page = browser.get(code_page.as_str()).await;
    observer.note(&page, who).await;
    let code = server.code_sent_to(&who.phone).await;
    for typed in [wrong(&code), "no code".to_owned()] {
        let again = type_in(&mut browser, &page, &typed).await;
        observer.note(&again, who).await;
    }
    let another = code_page.as_str().replace("/code?", "/resend?");
    let shown = browser.get(&another).await;
    observer.note(&shown, who).await;
    let fields = shown.page().fields(&[], "otp-resend");
    server.clock.advance(seconds(1));
    let resent = browser.post(&another, &fields).await;
    observer.note(&resent, who).await;
    let code = server.code_sent_to(&who.phone).await;
    let end = type_in(&mut browser, &page, &code).await;
    assert_eq!(end.page().heading(), "Your identity could not be verified");
    observer.note(&end, who).await;
    let again = browser.get(code_page.as_str()).await;
    observer.note(&again, who).await;
    observer.steps
}

async fn type_in(browser: &mut Browser, page: &Answer, code: &str) -> Answer {
    let fields = page.page().fields(&[("otp-code", code)], "otp-submit");
    browser.post(page.url.as_str(), &fields).await
}

/// Documents and phones of people who have accounts of every level, who are stopped, and of nobody.
fn known_and_unknown(first: usize) -> Vec<Applicant> {
    let unknown = |n: usize| Applicant::new(first + n).named("钱小明");
    let of = |person: &Person| Applicant::of(person).named("钱小明");
    vec![
        unknown(0),
        of(&ZHANG),
        of(&LI).with_phone(&phone(first + 1)),
        of(&WANG).with_phone(&phone(first + 2)),
        unknown(3).with_phone(LI.phone),
        unknown(4).with_phone(WANG.phone),
    ]
}

async fn assert_all_alike(path: &str, first: usize) {
    let server = Server::start().await;
    server.freeze(&WANG).await;
    let mut seen: Option<Vec<Step>> = None;
    for (index, who) in known_and_unknown(first).into_iter().enumerate() {
        let steps = walk(&server, path, &who).await;
        assert!(steps.len() == 10, "{}", steps.len());
        match &seen {
            None => seen = Some(steps),
            Some(first) => {
                for (number, (one, other)) in first.iter().zip(&steps).enumerate() {
                    assert_eq!(one, other, "person {index}, step {number}");
                }
            }
        }
    }
    let written: Vec<_> = seen
        .expect("steps")
        .into_iter()
        .map(|step| step.written)
        .collect();
    let expected = [
        BTreeMap::new(),
        BTreeMap::new(),
        BTreeMap::from([("challenges", 1), ("counters", 5), ("outbox", 1)]),
    ];
    assert_eq!(
        written[..2],
        expected[..2],
        "showing and correcting a form writes nothing"
    );
}

#[tokio::test]
async fn registration_answers_known_and_unknown_alike() {
    assert_all_alike("/register", 300).await;
}

#[tokio::test]
async fn recovery_answers_known_and_unknown_alike() {
    assert_all_alike("/recover", 400).await;
}

/// An authority that does not answer tells as little.
#[tokio::test]
async fn without_the_authority_known_and_unknown_are_alike() {
    for path in ["/register", "/recover"] {
        let server = Server::start().await;
        let mut pages = Vec::new();
        for who in [Applicant::new(1), Applicant::of(&ZHANG), Applicant::of(&LI)] {
            server.authority.behaves(Behavior::Down);
            let waiting = server.browser().prove(path, &who).await;
            assert!(waiting.page().has("retry-submit"));
            pages.push((
                waiting.status,
                waiting.body.len(),
                without_secrets(&waiting),
            ));
        }
        assert!(
            pages.windows(2).all(|pair| pair[0] == pair[1]),
            "{pages:#?}"
        );
    }
}
