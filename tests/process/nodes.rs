//! Two nodes of one provider, on one PostgreSQL: what is done at one holds at the other.
//!
//! What "within a second" means here: nothing that is sent a second after a change is accepted, at
//! either node. That is how the product is made (a node that has not heard of changes for a second
//! answers 503), so it holds on a busy machine, too, and nothing has to be allowed for. How long it
//! takes until all is refused for good is printed.

mod cut_off;
mod races;
mod takeaways;
mod throttled;

use std::time::{Duration, Instant};

use crate::browser::{Arrival, Browser};
use crate::changes::Entered;
use crate::http::{Answer, Http};
use crate::installation::{Installation, free_port};
use crate::people::Person;
use crate::portal::{Portal, Tokens};
use crate::server::{Server, within};

/// The promise.
const SECOND: Duration = Duration::from_secs(1);

/// For what comes by itself, on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);

/// Starts another node of an installation, with other settings over the usual ones.
async fn another_node(installation: &Installation, over: &[(&str, &str)]) -> Server {
    let (listen, management) = (
        format!("127.0.0.1:{}", free_port()),
        format!("127.0.0.1:{}", free_port()),
    );
    let own = [
        ("server.listen", &*listen),
        ("server.management_listen", &*management),
    ];
    installation.serve_with(&[&own, over].concat()).await
}

/// What became of something that must not work any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Accepted,
    Refused,
    /// 503: the node says that it does not know.
    Unsure,
}

impl Verdict {
    /// Anything accepted is too much; all must be refused.
    fn all(verdicts: &[Self]) -> Self {
        if verdicts.contains(&Self::Accepted) {
            Self::Accepted
        } else if verdicts.contains(&Self::Unsure) {
            Self::Unsure
        } else {
            Self::Refused
        }
    }

    #[track_caller]
    fn of(answer: &Answer, refused: u16) -> Self {
        match answer.status {
            200 => Self::Accepted,
            503 => {
                let retry = answer.header("retry-after");
                assert!(retry.is_some(), "no Retry-After: {answer:?}");
                Self::Unsure
            }
            status if status == refused => Self::Refused,
            _ => panic!("{answer:?}"),
        }
    }
}

/// Whoever is in is in; a node that was late with a poll may say for a moment that it does not know.
async fn is_in(http: &Http, entered: &Entered) {
    let verdict = within(PATIENCE, "who is in", async || {
        let verdict = access(http, entered).await;
        (verdict != Verdict::Unsure).then_some(verdict)
    })
    .await;
    assert_eq!(verdict, Verdict::Accepted);
}

/// What a node makes of an access token at userinfo.
async fn userinfo(http: &Http, portal: &Portal, tokens: &Tokens) -> Verdict {
    Verdict::of(&portal.userinfo(http, &tokens.access).await, 401)
}

/// The same at introspection.
async fn introspection(http: &Http, portal: &Portal, tokens: &Tokens) -> Verdict {
    let form = [("token", &*tokens.access)];
    let answer = portal.post(http, "/oauth2/introspect", &form).await;
    match Verdict::of(&answer, 401) {
        Verdict::Accepted if answer.json()["active"] == false => Verdict::Refused,
        verdict @ (Verdict::Accepted | Verdict::Refused | Verdict::Unsure) => verdict,
    }
}

/// What a node makes of a browser's session.
async fn authorization(http: &Http, portal: &Portal, browser: &Browser) -> Verdict {
    let mut browser = browser.clone();
    browser.http = http.clone();
    match browser
        .go(&portal.authorization_url(http.origin()), None)
        .await
    {
        Arrival::Portal(url) if url.query_pairs().any(|(name, _)| name == "code") => {
            Verdict::Accepted
        }
        Arrival::Portal(url) => {
            let unsure = ("error".into(), "temporarily_unavailable".into());
            assert!(url.query_pairs().any(|pair| pair == unsure), "{url}");
            Verdict::Unsure
        }
        Arrival::Page(page) if page.has("login-submit") => Verdict::Refused,
        Arrival::Page(page) => Verdict::of(&page.answer, 400),
    }
}

async fn client_credentials(http: &Http, portal: &Portal) -> Verdict {
    Verdict::of(&portal.client_credentials(http).await, 401)
}

/// Everything that somebody who has entered can do without a password.
async fn access(http: &Http, entered: &Entered) -> Verdict {
    let Entered {
        portal,
        browser,
        tokens,
        ..
    } = entered;
    let (userinfo, introspection, authorization) = tokio::join!(
        userinfo(http, portal, tokens),
        introspection(http, portal, tokens),
        authorization(http, portal, browser),
    );
    Verdict::all(&[userinfo, introspection, authorization])
}

/// Asks again and again until it is refused: nothing that was sent a second after `change` may be
/// accepted. When it was first refused.
async fn bites(change: Instant, what: &str, mut ask: impl AsyncFnMut() -> Verdict) -> Duration {
    loop {
        let sent = change.elapsed();
        let verdict = ask().await;
        assert!(sent < PATIENCE, "{what}: never refused: {verdict:?}");
        match verdict {
            Verdict::Refused => return change.elapsed(),
            Verdict::Unsure => {}
            Verdict::Accepted => {
                assert!(sent < SECOND, "{what}: sent after {sent:?} and accepted");
            }
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Somebody new who enters a new portal at a node.
async fn enter(installation: &Installation, http: &Http, number: u32) -> Entered {
    let person = Person::numbered(number);
    installation.import(std::slice::from_ref(&person)).await;
    let portal = installation.add_portal(&format!("p{number}")).await;
    Entered::at(http, portal, person).await
}

/// Says what was measured, to whoever runs tests with `--nocapture`.
#[expect(clippy::print_stdout, reason = "what was measured is for people")]
fn measured(what: std::fmt::Arguments<'_>) {
    println!("{what}");
}
