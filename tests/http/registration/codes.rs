//! One-time codes: they come back within their time and their tries, or not at all.

use tongxing::domain::message::MessageText;

use crate::support::{Applicant, Browser, Server, minutes, seconds, wrong};

/// Somebody at `/register/code`, and the code that was sent.
async fn asked_for_a_code() -> (Server, Applicant, Browser, crate::support::Answer, String) {
    let qian = Applicant::new(1);
    let server = super::server_that_knows(&qian).await;
    let mut browser = server.browser();
    let page = browser.apply("/register", &qian).await;
    let code = server.code_sent_to(&qian.phone).await;
    (server, qian, browser, page, code)
}

#[tokio::test]
async fn after_five_wrong_codes_only_a_new_one_counts() {
    let (server, qian, mut browser, mut page, code) = asked_for_a_code().await;
    let form = page.clone();
    for left in (1..=4).rev() {
        page = browser.type_code(&page, &wrong(&code)).await;
        assert!(
            page.text().contains(&format!("Tries left: {left}")),
            "{}",
            page.text()
        );
    }
    let spent = browser.type_code(&page, &wrong(&code)).await;
    assert!(
        spent.text().contains("too many wrong tries"),
        "{}",
        spent.text()
    );
    assert!(!spent.page().has("otp-submit"));
    // The right one comes too late, however it is sent.
    let late = browser.type_code(&form, &code).await;
    assert!(late.text().contains("too many wrong tries"));
    assert!(server.holder_of(&qian).await.is_none());
    let link = spent
        .url
        .join(spent.page().link_to("/register/resend"))
        .expect("a URL");
    let resend = browser.visit(link.as_str()).await;
    let page = browser.press(&resend, &[], "otp-resend").await;
    assert_eq!(page.path(), "/register/code");
    let second = server.code_sent_to(&qian.phone).await;
    if second != code {
        let old = browser.type_code(&page, &code).await;
        assert!(old.text().contains("Tries left: 4"));
    }
    assert_eq!(browser.type_code(&page, &second).await.path(), "/account");
}

#[tokio::test]
async fn what_is_no_code_costs_a_try() {
    let (_, _, mut browser, page, code) = asked_for_a_code().await;
    for (typed, left) in [("", 4), ("12345", 3), ("not a code at all", 2)] {
        let again = browser.type_code(&page, typed).await;
        assert!(
            again.text().contains(&format!("Tries left: {left}")),
            "{typed}"
        );
    }
    // As people type it: full-width digits, a space between.
    let wide: String = code
        .chars()
        .map(|digit| char::from_u32(u32::from(digit) + 0xFEE0).expect("a digit"))
        .collect();
    let spaced = format!("{} {}", &wide[..9], &wide[9..]);
    assert_eq!(browser.type_code(&page, &spaced).await.path(), "/account");
}

#[tokio::test]
async fn a_code_holds_for_ten_minutes_its_challenge_for_thirty() {
    let (server, qian, mut browser, page, code) = asked_for_a_code().await;
    server.clock.advance(minutes(10));
    let late = browser.type_code(&page, &code).await;
    assert!(
        late.text().contains("This code has expired"),
        "{}",
        late.text()
    );
    let resend = page
        .url
        .as_str()
        .replace("/register/code", "/register/resend");
    let resend = browser.visit(&resend).await;
    let page = browser.press(&resend, &[], "otp-resend").await;
    let second = server.code_sent_to(&qian.phone).await;
    server.clock.advance(minutes(9));
    let page = browser.visit(page.url.as_str()).await;
    assert!(page.page().has("otp-submit"));
    // What was typed at the start is gone after half an hour, whatever codes came.
    let third = browser.visit(resend.url.as_str()).await;
    let page = browser.press(&third, &[], "otp-resend").await;
    let code = server.code_sent_to(&qian.phone).await;
    server.clock.advance(minutes(11));
    for code in [code, second] {
        let over = browser.type_code(&page, &code).await;
        assert_eq!(over.status, 400);
        assert_eq!(over.page().heading(), "This step is over");
    }
    assert!(server.holder_of(&qian).await.is_none());
}

#[tokio::test]
async fn codes_are_sent_again_up_to_the_limit_of_the_phone() {
    let (server, qian, mut browser, page, _) = asked_for_a_code().await;
    let target = page
        .url
        .as_str()
        .replace("/register/code", "/register/resend");
    for _ in 0..4 {
        let resend = browser.visit(&target).await;
        let page = browser.press(&resend, &[], "otp-resend").await;
        assert_eq!(page.path(), "/register/code");
    }
    let resend = browser.visit(&target).await;
    let refused = browser.press(&resend, &[], "otp-resend").await;
    assert_eq!(refused.status, 429);
    let wait: u64 = refused
        .header("retry-after")
        .expect("a time")
        .parse()
        .expect("seconds");
    assert!((3500..=3600).contains(&wait), "{wait}");
    let messages = server.messages_to(&qian.phone).await;
    assert_eq!(messages.len(), 5);
    assert!(
        messages
            .iter()
            .all(|text| matches!(text, MessageText::RegistrationCode { .. }))
    );
    // The last that came still counts.
    let page = browser.visit(page.url.as_str()).await;
    assert_eq!(
        browser.type_sent_code(&page, &qian.phone).await.path(),
        "/account"
    );
    assert!(server.holder_of(&qian).await.is_some());
}

#[tokio::test]
async fn a_code_that_was_not_typed_yet_checks_nothing() {
    let (server, qian, mut browser, page, code) = asked_for_a_code().await;
    let target = page
        .url
        .as_str()
        .replace("/register/code", "/register/check");
    // Neither is the page there, nor does any form of it do anything.
    assert_eq!(browser.visit(&target).await.path(), "/register/code");
    let fields = page.page().fields(&[], "otp-submit");
    let answer = browser.post(&target, &fields).await;
    assert!(
        answer.status == 403 || answer.location().is_some(),
        "{}",
        answer.status
    );
    assert!(server.holder_of(&qian).await.is_none());
    assert_eq!(server.recorded("identity_checked").await, 0);
    server.clock.advance(seconds(1));
    assert_eq!(browser.type_code(&page, &code).await.path(), "/account");
}
