//! Registration and recovery: codes guessed and replayed, steps skipped and crossed, and what a
//! hostile address or a hostile page makes of them.

use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderName, Method};

use crate::support::{
    Answer, Applicant, Browser, LI, Server, ZHANG, assert_page_refuses, minutes, wrong,
};

use super::outside::{assert_says_nothing_of_evil, forged};
use super::pages::{MARKUP, assert_inert};

/// The csrf token of the form of a button.
fn token_of(page: &Answer, button: &str) -> (String, String) {
    let fields = page.page().fields(&[], button);
    let found = fields.into_iter().find(|(name, _)| name == "csrf");
    found.expect("a token")
}

/// Case 47: a code counts for what it was sent for, in the browser that asked for it, once.
#[tokio::test]
async fn a_code_counts_for_its_own_challenge_once() {
    let server = Server::start().await;
    let zhang = Applicant::of(&ZHANG);
    let mut attacker = server.browser();
    let mine = attacker.apply("/recover", &zhang).await;
    let first = server.code_sent_to(ZHANG.phone).await;
    // The victim asks for a code, and reads it out to the attacker: it is not the attacker's.
    let mut victim = server.browser();
    let theirs = victim.apply("/recover", &zhang).await;
    let second = server.code_sent_to(ZHANG.phone).await;
    if first != second {
        let refused = attacker.type_code(&mine, &second).await;
        assert!(refused.page().has("otp-problem"), "{}", refused.text());
    }
    let entered = victim.type_code(&theirs, &second).await;
    assert_eq!(entered.path(), "/account");
    // Nor does it do anything a second time, there or here.
    let again = victim.type_code(&theirs, &second).await;
    assert_eq!(again.status, 400);
    assert_eq!(server.recorded("account_recovered").await, 1);
}

/// Case 47: guessing is over long before it pays, however often a code is asked for again.
#[tokio::test]
async fn guesses_at_codes_run_out() {
    let server = Server::start().await;
    let zhang = Applicant::of(&ZHANG);
    let mut guesses = 0;
    for day in 0..2 {
        for _ in 0..30 {
            let mut attacker = server.browser();
            let form = attacker.visit("/recover").await;
            let mut page = attacker.fill_in(&form, &zhang).await;
            if page.status == 429 {
                server.clock.advance(minutes(61));
                continue;
            }
            let code = server.code_sent_to(ZHANG.phone).await;
            while page.page().has("otp-submit") {
                page = attacker.type_code(&page, &wrong(&code)).await;
                guesses += 1;
            }
        }
        // Fifty of a million in a day.
        assert!(guesses <= 50 * (day + 1) + 50, "{guesses}");
        server.clock.advance(minutes(24 * 60));
    }
    assert_eq!(server.recorded("phone_confirmed").await, 0);
}

/// Case 47: nothing is checked and nothing done before a code came back.
#[tokio::test]
async fn no_step_is_skipped() {
    let server = Server::start().await;
    for (way, who) in [
        ("/register", Applicant::new(1)),
        ("/recover", Applicant::of(&ZHANG)),
    ] {
        server.authority.knows(&[&who]);
        let mut attacker = server.browser();
        let page = attacker.apply(way, &who).await;
        let check = page.url.as_str().replace("/code?", "/check?");
        // A form of `check` from another challenge, confirmed and left waiting.
        server
            .authority
            .behaves(tongxing::authority::Behavior::Down);
        let other = Applicant::new(5);
        let waiting = attacker.prove(way, &other).await;
        server.authority.behaves(tongxing::authority::Behavior::Ok);
        server.clock.advance(minutes(1));
        let token = [token_of(&waiting, "retry-submit")];
        assert_page_refuses(&attacker.post(&check, &token).await, "csrf");
        let token = [token_of(&page, "otp-submit")];
        assert_page_refuses(&attacker.post(&check, &token).await, "csrf");
        assert_eq!(attacker.visit(&check).await.path(), format!("{way}/code"));
    }
    assert_eq!(server.recorded("account_registered").await, 0);
    assert_eq!(server.recorded("account_recovered").await, 0);
}

/// Case 42: the attacker begins with their own identity and sends the address to a victim, who is
/// not to be logged in as the attacker; and a login made by either is a new one.
#[tokio::test]
async fn a_registration_begun_by_another_is_not_finished() {
    let server = Server::start().await;
    let qian = Applicant::new(1);
    server.authority.knows(&[&qian]);
    let mut attacker = server.browser();
    let page = attacker.apply("/register", &qian).await;
    let code = server.code_sent_to(&qian.phone).await;
    let mut victim = server.browser();
    victim.visit("/").await;
    let shown = victim.visit(page.url.as_str()).await;
    assert_eq!(shown.status, 400);
    let fields = page.page().fields(&[("otp-code", &code)], "otp-submit");
    let refused = victim.post(page.url.as_str(), &fields).await;
    assert!(refused.status.is_client_error());
    assert!(!victim.is_logged_in().await);
    let before = attacker.cookies.clone();
    assert_eq!(attacker.type_code(&page, &code).await.path(), "/account");
    let mut fixed = server.browser();
    fixed.cookies = before;
    assert!(
        !fixed.is_logged_in().await,
        "no cookie from before is a login"
    );
}

/// Case 43: a page elsewhere does not register, recover, end logins or send codes.
#[tokio::test]
async fn forms_of_proofing_from_elsewhere_do_nothing() {
    let server = Server::start().await;
    let zhang = Applicant::of(&ZHANG);
    let mut browser = server.browser();
    browser.login(&ZHANG).await;
    let form = browser.visit("/recover").await;
    let account = browser.visit("/account").await;
    let mut cross = browser.clone();
    cross.forged = vec![(HeaderName::from_static("sec-fetch-site"), "cross-site")];
    // Even with the right token, which no page elsewhere has.
    let mut fields = zhang.fields("recover");
    fields.push(token_of(&form, "recover-submit"));
    assert_page_refuses(&cross.post("/recover", &fields).await, "csrf");
    let phone = account.page().fields(&[], "confirm-phone-1");
    assert_page_refuses(&cross.post("/account/phone", &phone).await, "csrf");
    let other = [
        token_of(&form, "recover-submit"),
        ("session".to_owned(), "others".to_owned()),
    ];
    assert_page_refuses(&browser.post("/account/sessions/end", &other).await, "csrf");
    assert!(server.messages_to(ZHANG.phone).await.is_empty());
    // Not as JSON or plain text either.
    let target = (Method::POST, "/recover");
    let plain = [(CONTENT_TYPE, "text/plain")];
    let answer = browser
        .send(target, &plain, "recover-name=x".to_owned())
        .await;
    assert!(answer.status.is_client_error(), "{}", answer.status);
}

/// Every page between the form and the end of a registration, and those of the account.
async fn pages_of_a_registration(browser: &mut Browser, server: &Server) -> Vec<Answer> {
    let qian = Applicant::new(1);
    server.authority.knows(&[&qian]);
    let form = browser.visit("/register").await;
    let problem = browser.fill_in(&form, &qian.clone().named(MARKUP)).await;
    let code_page = browser.fill_in(&problem, &qian).await;
    let again = browser.type_code(&code_page, MARKUP).await;
    let resend = code_page.url.as_str().replace("/code?", "/resend?");
    let resend = browser.visit(&resend).await;
    let stranger = browser.prove("/register", &Applicant::new(2)).await;
    let account = browser.type_sent_code(&again, &qian.phone).await;
    assert_eq!(account.path(), "/account");
    let over = browser.visit(code_page.url.as_str()).await;
    let privacy = browser.visit("/docs/privacy").await;
    let recover = browser.visit("/recover").await;
    vec![
        form, problem, code_page, again, resend, stranger, account, over, privacy, recover,
    ]
}

/// Cases 10, 12, 13: what is typed is text, pages stay unframed, unkept and unreferred.
#[tokio::test]
async fn pages_of_proofing_are_inert_and_guarded() {
    let server = Server::start().await;
    let mut browser = server.browser();
    for answer in pages_of_a_registration(&mut browser, &server).await {
        assert_inert(&answer.page());
        let of = |name| answer.header(name).unwrap_or_default().to_owned();
        assert_eq!(of("referrer-policy"), "no-referrer", "{}", answer.url);
        assert_eq!(of("cache-control"), "no-store", "{}", answer.url);
        assert_eq!(of("x-frame-options"), "DENY", "{}", answer.url);
        assert!(of("content-security-policy").contains("frame-ancestors 'none'"));
        // Nobody's data travel in an address.
        let address = answer.url.as_str();
        let qian = Applicant::new(1);
        for personal in [
            &qian.document_number,
            &qian.phone[3..],
            &*qian.name,
            "otp-code",
        ] {
            assert!(!address.contains(personal), "{address}");
        }
    }
    let encoded = url::form_urlencoded::byte_serialize(MARKUP.as_bytes()).collect::<String>();
    for path in ["/register", "/recover", "/account/phone"] {
        for step in ["code", "resend", "check"] {
            let target = format!("{path}/{step}?challenge={encoded}&interaction={encoded}");
            let answer = browser.get(&target).await;
            assert!(answer.status.is_client_error(), "{target}");
            assert_inert(&answer.page());
        }
    }
}

/// Case 50: forged at every step of a recovery, no host appears in a page or in a message.
#[tokio::test]
async fn recovery_knows_no_forged_host() {
    let server = Server::start().await;
    let mut forging = server.browser();
    forging.forged = forged();
    for answer in pages_of_a_registration(&mut forging, &server).await {
        assert_says_nothing_of_evil(&answer);
    }
    let entered = forging.prove("/recover", &Applicant::of(&LI)).await;
    assert_eq!(entered.path(), "/account");
    assert_says_nothing_of_evil(&entered);
    for address in [LI.phone, LI.email] {
        let sent = server.messages_to(address).await;
        assert!(!sent.is_empty());
        assert!(!format!("{sent:?}").contains("evil"), "{sent:?}");
    }
}
