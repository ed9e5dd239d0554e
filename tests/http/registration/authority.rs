//! The authority: who is not confirmed is told nothing more; who gets no answer loses nothing.

use tongxing::authority::Behavior;

use crate::support::{Answer, Applicant, Browser, LEFT_ALONE, Server, minutes, race};

use super::server_that_knows;

const NOT_VERIFIED: &str = "Your identity could not be verified";
const NO_ANSWER: &str = "The verification authority does not answer";

#[tokio::test]
async fn what_disagrees_and_who_is_unknown_look_the_same() {
    let qian = Applicant::new(1);
    let server = server_that_knows(&qian).await;
    let stranger = Applicant::new(2);
    let unconfirmed = [
        // The name, the phone, the document; nobody; whatever the authority is told to say.
        (qian.clone().named("钱亮"), Behavior::Ok),
        (qian.clone().with_phone(&stranger.phone), Behavior::Ok),
        (stranger.clone().with_phone(&qian.phone), Behavior::Ok),
        (Applicant::new(3), Behavior::Ok),
        (Applicant::new(4), Behavior::NoRecord),
        (Applicant::new(5), Behavior::Mismatch),
    ];
    let mut pages: Vec<String> = Vec::new();
    for (who, behavior) in unconfirmed {
        server.authority.behaves(behavior);
        let mut browser = server.browser();
        let end = browser.prove("/register", &who).await;
        assert_eq!((end.status.as_u16(), end.path()), (200, "/register/code"));
        assert_eq!(end.page().heading(), NOT_VERIFIED);
        assert!(end.page().links_to("/register"));
        pages.push(without_secrets(&end));
        // It has ended: the code and the check are not to be tried with other words.
        let again = browser.visit(end.url.as_str()).await;
        assert_eq!(without_secrets(&again), *pages.last().expect("a page"));
    }
    assert!(
        pages.windows(2).all(|pair| pair[0] == pair[1]),
        "{pages:#?}"
    );
    assert_eq!(server.recorded("challenge_refused").await, 6);
    assert_eq!(server.recorded("account_registered").await, 0);
    assert!(server.holder_of(&qian).await.is_none());
}

/// A page without what is drawn anew for each: tokens, sealed addresses, the request's name.
pub(super) fn without_secrets(answer: &Answer) -> String {
    let is_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    let mut text = String::new();
    let mut word = String::new();
    for c in answer.text().chars().chain(['\n']) {
        if is_word(c) {
            word.push(c);
            continue;
        }
        text.push_str(if word.len() >= 26 { "…" } else { &word });
        word.clear();
        text.push(c);
    }
    text
}

#[tokio::test]
async fn a_code_sent_twice_at_once_is_refused_twice_alike() {
    let qian = Applicant::new(1);
    let server = server_that_knows(&qian).await;
    let mut browser = server.browser();
    let page = browser
        .apply("/register", &qian.clone().named("钱亮"))
        .await;
    let code = server.code_sent_to(&qian.phone).await;
    let answers = race(8, |_| {
        let (mut browser, page, code) = (browser.clone(), page.clone(), code.clone());
        async move { browser.type_code(&page, &code).await }
    })
    .await;
    for answer in &answers {
        assert_eq!(answer.page().heading(), NOT_VERIFIED);
    }
    assert_eq!(server.recorded("challenge_refused").await, 1);
}

/// Somebody whose code is confirmed, and whom the authority owes an answer.
async fn left_waiting(server: &Server, who: &Applicant) -> (Browser, Answer) {
    let mut browser = server.browser();
    let page = browser.apply("/register", who).await;
    let waiting = browser.type_sent_code(&page, &who.phone).await;
    assert_eq!(waiting.path(), "/register/check");
    assert_eq!(waiting.page().heading(), NO_ANSWER);
    (browser, waiting)
}

#[tokio::test]
async fn without_an_answer_nothing_is_lost_and_nothing_given() {
    let qian = Applicant::new(1);
    let server = server_that_knows(&qian).await;
    server.authority.behaves(Behavior::Down);
    let (mut browser, waiting) = left_waiting(&server, &qian).await;
    for behavior in [Behavior::Down, Behavior::Garbage, Behavior::Garbage] {
        server.authority.behaves(behavior);
        let still = browser.press(&waiting, &[], "retry-submit").await;
        assert_eq!(still.page().heading(), NO_ANSWER, "{behavior}");
        assert!(server.holder_of(&qian).await.is_none());
        assert_eq!(
            browser.visit("/account").await.path(),
            "/login",
            "nobody is logged in"
        );
    }
    // Back at the code, or in another tab, it leads to the same place; no other code is needed.
    let code = waiting
        .url
        .as_str()
        .replace("/register/check", "/register/code");
    let again = browser.visit(&code).await;
    assert_eq!(
        (again.path(), again.page().has("retry-submit")),
        ("/register/check", true)
    );
    assert_eq!(server.messages_to(&qian.phone).await.len(), 1);
    server.authority.behaves(Behavior::Ok);
    server.clock.advance(LEFT_ALONE);
    let account = browser.press(&again, &[], "retry-submit").await;
    assert_eq!(account.path(), "/account", "{}", account.text());
    assert!(server.holder_of(&qian).await.is_some());
}

#[tokio::test]
async fn what_was_typed_is_kept_for_half_an_hour() {
    let qian = Applicant::new(1);
    let server = server_that_knows(&qian).await;
    server.authority.behaves(Behavior::Down);
    let (mut browser, waiting) = left_waiting(&server, &qian).await;
    assert!(!waiting.text().contains(&qian.name) && !waiting.text().contains(&qian.password));
    server.authority.behaves(Behavior::Ok);
    server.clock.advance(minutes(31));
    let over = browser.press(&waiting, &[], "retry-submit").await;
    assert_eq!(
        (over.status.as_u16(), over.page().heading()),
        (400, "This step is over".to_owned())
    );
    assert!(server.holder_of(&qian).await.is_none());
}

#[tokio::test]
async fn an_answer_that_comes_late_counts_as_it_is() {
    let qian = Applicant::new(1);
    let server = server_that_knows(&qian).await;
    server.authority.behaves(Behavior::Down);
    let (mut browser, waiting) = left_waiting(&server, &qian.clone().named("钱亮")).await;
    server.authority.behaves(Behavior::Ok);
    server.clock.advance(LEFT_ALONE);
    let end = browser.press(&waiting, &[], "retry-submit").await;
    assert_eq!(end.page().heading(), NOT_VERIFIED);
    let again = browser.press(&waiting, &[], "retry-submit").await;
    assert_eq!(again.page().heading(), NOT_VERIFIED, "one verdict a code");
    assert_eq!(
        server.recorded("identity_checked").await,
        2,
        "no answer, then the verdict"
    );
}

#[tokio::test]
async fn an_authority_that_is_down_stops_no_login() {
    let qian = Applicant::new(1);
    let server = server_that_knows(&qian).await;
    server.authority.behaves(Behavior::Down);
    for number in 2..10 {
        left_waiting(&server, &Applicant::new(number)).await;
        server.browser().login(&crate::support::ZHANG).await;
    }
    // It is not asked all the time; once it answers, all is well again.
    server.authority.behaves(Behavior::Ok);
    server.clock.advance(LEFT_ALONE);
    server.browser().register(&qian).await;
}

/// That it refuses one request it does while it is well: one person's odd number must not keep it
/// from being asked about others. That it lets us in no more, or is overrun, is its end for all.
#[tokio::test]
async fn an_authority_that_refuses_requests_is_asked_about_others() {
    for (status, is_well) in [
        (400, true),
        (404, true),
        (422, true),
        (401, false),
        (403, false),
        (408, false),
        (429, false),
        (500, false),
    ] {
        let qian = Applicant::new(1);
        let server = server_that_knows(&qian).await;
        server.authority.answers(Some(status));
        for number in 2..12 {
            left_waiting(&server, &Applicant::new(number)).await;
        }
        server.authority.answers(None);
        let end = server.browser().prove("/register", &qian).await;
        let expected = if is_well {
            "/account"
        } else {
            "/register/check"
        };
        assert_eq!(end.path(), expected, "{status}");
    }
}
