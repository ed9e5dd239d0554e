//! `/account`: who I am, where I am logged in, which portals I entered, what happened; ending
//! logins from afar, and confirming a phone again.

use axum::http::header::USER_AGENT;
use tongxing::domain::client::ClientStatus;
use tongxing::domain::message::MessageText;
use tongxing::domain::notice::NoticeKind;
use tongxing::storage::notices;

use crate::support::{
    Answer, Applicant, Browser, LI, Portal, Server, Setup, WANG, ZHANG, assert_page_refuses,
    assert_redirect_refuses, assert_refused, minutes,
};

const DAY: u64 = 24 * 60;

#[tokio::test]
async fn it_shows_what_is_known_of_me_and_masks_it() {
    let server = Server::start().await;
    let name = serde_json::json!({ "client_name": "Pension Office" });
    let portal = Portal::register(&server, &name).await;
    let mut zhang = server.browser_of(&ZHANG);
    zhang.forged = vec![(USER_AGENT, "Mozilla/5.0 (X11; Linux x86_64) Firefox/128.0")];
    portal.tokens(&mut zhang).await;
    let page = zhang.visit("/account").await;
    let text = page.text();
    for shown in [
        "张*",
        "level-l2",
        "3****************6",
        "138****0001",
        "Pension Office",
        "Firefox",
    ] {
        assert!(text.contains(shown), "{shown}: {text}");
    }
    for hidden in [
        ZHANG.name,
        ZHANG.document_number,
        &ZHANG.phone[3..],
        ZHANG.email,
    ] {
        assert!(!text.contains(hidden), "{hidden}");
    }
    assert_eq!(page.header("cache-control"), Some("no-store"));
    // Nobody is shown anything of it without a login.
    let stranger = server.browser().get("/account").await;
    assert_eq!(stranger.status, 303);
    assert_eq!(stranger.location().expect("a way").path(), "/login");
}

/// The values of the hidden field by which logins are named.
fn sessions_of(page: &Answer) -> Vec<String> {
    let page = page.page();
    let fields = page
        .all("input")
        .filter(|input| input.attribute("name") == Some("session"));
    fields
        .filter_map(|input| input.attribute("value"))
        .map(str::to_owned)
        .collect()
}

#[tokio::test]
async fn a_login_elsewhere_is_ended_from_here() {
    let server = Server::start().await;
    let portal = server.portal().await;
    let mut there = server.browser_of(&ZHANG);
    let tokens = portal.tokens(&mut there).await;
    let mut third = server.browser();
    third.login(&ZHANG).await;
    let mut here = server.browser();
    here.login(&ZHANG).await;
    let page = here.visit("/account").await;
    assert_eq!(sessions_of(&page).len(), 3, "two others, and all of them");
    // The latest is listed first, behind the one at hand.
    let page = here.press(&page, &[], "end-session-3").await;
    assert_eq!(page.path(), "/account");
    // Whoever sits there is told why they are to log in again, until they do.
    for _ in 0..2 {
        let login = there.visit("/account").await;
        assert_eq!(login.path(), "/login");
        assert!(login.page().has("login-notice"));
    }
    assert!(!there.is_logged_in().await);
    assert!(third.is_logged_in().await && here.is_logged_in().await);
    // What rested on that login, has ended with it.
    assert!(!portal.is_active(&tokens.access).await);
    assert_eq!(portal.userinfo(&tokens.access).await.status, 401);
    assert_eq!(sessions_of(&page).len(), 2);
    let mut reader = server.ledger.reader().await.expect("a connection");
    let account = server.account_of(&ZHANG).await;
    let happened = notices::list(&mut reader, account)
        .await
        .expect("an answer");
    assert_eq!(happened[0].kind, NoticeKind::SessionEnded);
}

#[tokio::test]
async fn all_other_logins_are_ended_at_once() {
    let server = Server::start().await;
    let mut others = [server.browser(), server.browser(), server.browser()];
    for other in &mut others {
        other.login(&ZHANG).await;
    }
    let mut li = server.browser();
    li.login(&LI).await;
    let mut here = server.browser();
    here.login(&ZHANG).await;
    let page = here.visit("/account").await;
    let page = here.press(&page, &[], "end-other-sessions").await;
    assert!(
        !page.page().has("end-other-sessions"),
        "there are none left"
    );
    for other in &mut others {
        assert!(!other.is_logged_in().await);
    }
    assert!(here.is_logged_in().await && li.is_logged_in().await);
    assert_eq!(server.recorded("logout").await, 3);
}

/// The fields of the form that ends one login, with another value in it.
fn ending(page: &Answer, session: &str) -> Vec<(String, String)> {
    page.page()
        .fields(&[("session", session)], "end-other-sessions")
}

#[tokio::test]
async fn logins_of_others_and_the_one_at_hand_are_not_ended() {
    let server = Server::start().await;
    let mut li = server.browser();
    li.login(&LI).await;
    let mut li_elsewhere = server.browser();
    li_elsewhere.login(&LI).await;
    let foreign = sessions_of(&li.visit("/account").await);
    let mut there = server.browser();
    there.login(&ZHANG).await;
    let mut here = server.browser();
    here.login(&ZHANG).await;
    let page = here.visit("/account").await;
    let own = sessions_of(&there.visit("/account").await);
    for session in [&foreign[0], &own[0]] {
        let answer = here
            .post("/account/sessions/end", &ending(&page, session))
            .await;
        assert_eq!(answer.status, 303, "no fault, and no effect");
    }
    assert!(li.is_logged_in().await && li_elsewhere.is_logged_in().await);
    assert!(here.is_logged_in().await && there.is_logged_in().await);
    for nonsense in ["", "x", "others ", "'; DROP TABLE sessions"] {
        let answer = here
            .post("/account/sessions/end", &ending(&page, nonsense))
            .await;
        assert_eq!(answer.status, 400, "{nonsense}");
    }
    assert_eq!(server.recorded("logout").await, 0);
}

#[tokio::test]
async fn its_forms_need_their_own_login_and_token() {
    let server = Server::start().await;
    let (mut zhang, mut wang) = (server.browser(), server.browser());
    zhang.login(&ZHANG).await;
    server.browser().login(&ZHANG).await;
    wang.login(&WANG).await;
    server.browser().login(&WANG).await;
    let (mine, theirs) = (zhang.visit("/account").await, wang.visit("/account").await);
    let others = [("session", "others")];
    let bare = zhang.post("/account/sessions/end", &others).await;
    assert_page_refuses(&bare, "csrf");
    let foreign = zhang
        .post("/account/sessions/end", &ending(&theirs, "others"))
        .await;
    assert_page_refuses(&foreign, "csrf");
    // The token of one form is not that of the other, nor of another login in the same browser.
    let phone = mine.page().fields(&[("phone", "0")], "confirm-phone-1");
    let mut crossed = phone.clone();
    crossed.push(("session".to_owned(), "others".to_owned()));
    assert_page_refuses(&zhang.post("/account/sessions/end", &crossed).await, "csrf");
    assert_page_refuses(
        &zhang.post("/account/phone", &[("phone", "0")]).await,
        "csrf",
    );
    zhang.logout().await;
    let away = zhang.post("/account/phone", &phone).await;
    assert_eq!(away.location().expect("a way").path(), "/login");
    zhang.login(&LI).await;
    assert_page_refuses(&zhang.post("/account/phone", &phone).await, "csrf");
    assert!(server.messages_to(ZHANG.phone).await.is_empty());
}

/// PIPL art. 15.
#[tokio::test]
async fn a_consent_is_taken_back_as_easily_as_it_was_given() {
    let server = Server::start().await;
    let other = server.portal().await;
    let mut zhang = server.browser_of(&ZHANG);
    let others = other.tokens(&mut zhang).await;
    server.clock.advance(minutes(1));
    let portal = server.portal().await;
    let tokens = portal.tokens(&mut zhang).await;
    let code = portal.authorize(&mut zhang).await;
    let li = portal.tokens(&mut server.browser_of(&LI)).await;

    let page = zhang.visit("/account").await;
    assert!(page.page().has("withdraw-2") && !page.page().has("withdraw-3"));
    // The latest is listed first.
    let page = zhang.press(&page, &[], "withdraw-1").await;
    assert_eq!(page.path(), "/account");
    assert!(page.page().has("account-done") && !page.page().has("withdraw-2"));
    assert_eq!(portal.userinfo(&tokens.access).await.status, 401);
    assert!(!portal.is_active(&tokens.access).await);
    assert_refused(&portal.refresh(tokens.refresh()).await, "invalid_grant");
    assert_refused(&portal.redeem(&code).await, "invalid_grant");
    // Nobody else notices.
    assert_eq!(other.userinfo(&others.access).await.status, 200);
    assert!(other.is_active(&others.access).await && portal.is_active(&li.access).await);
    assert!(zhang.is_logged_in().await);
    assert_eq!(server.recorded("consent_withdrawn").await, 1);
    let mut reader = server.ledger.reader().await.expect("a connection");
    let account = server.account_of(&ZHANG).await;
    let happened = notices::list(&mut reader, account)
        .await
        .expect("an answer");
    assert_eq!(happened[0].kind, NoticeKind::ConsentWithdrawn);
    // Who comes again is asked again; what was taken back stays so.
    let silent = portal.request().with("prompt", "none");
    assert_redirect_refuses(&zhang.visit(&silent.url()).await, "consent_required");
    let again = portal.tokens(&mut zhang).await;
    assert_eq!(portal.userinfo(&again.access).await.status, 200);
    assert_refused(&portal.refresh(tokens.refresh()).await, "invalid_grant");
    let page = zhang.visit("/account").await;
    assert!(!page.page().has("account-done"), "it is given again");
}

#[tokio::test]
async fn a_suspended_portal_has_nothing_left_when_it_is_resumed() {
    let server = Server::start().await;
    let portal = server.portal().await;
    let mut zhang = server.browser_of(&ZHANG);
    let tokens = portal.tokens(&mut zhang).await;
    portal.suspend().await;
    let page = zhang.visit("/account").await;
    let page = zhang.press(&page, &[], "withdraw-1").await;
    assert!(page.page().has("account-done"));
    portal.becomes(ClientStatus::Active).await;
    assert_refused(&portal.refresh(tokens.refresh()).await, "invalid_grant");
    assert_eq!(portal.userinfo(&tokens.access).await.status, 401);
}

#[tokio::test]
async fn only_ones_own_consents_are_taken_back() {
    const TARGET: &str = "/account/portals/withdraw";
    let server = Server::start().await;
    let portal = server.portal().await;
    let duty = serde_json::json!({ "legal_basis": "statutory_duty" });
    let by_law = Portal::register(&server, &duty).await;
    let mut zhang = server.browser_of(&ZHANG);
    let tokens = portal.tokens(&mut zhang).await;
    let by_law_tokens = by_law.tokens(&mut zhang).await;
    let mut li = server.browser_of(&LI);
    let foreign = portal.tokens(&mut li).await;
    let page = zhang.visit("/account").await;
    let buttons = ["withdraw-1", "withdraw-2"].map(|button| page.page().has(button));
    assert_eq!(
        buttons.iter().filter(|&&has| has).count(),
        1,
        "what is given by law is not there to be taken back"
    );
    let button = if buttons[0] {
        "withdraw-1"
    } else {
        "withdraw-2"
    };
    let form = |portal: &str| page.page().fields(&[("portal", portal)], button);
    for nobodys in [by_law.client_id.as_str(), "nobody"] {
        let answer = zhang.post(TARGET, &form(nobodys)).await;
        assert_eq!(answer.status, 303, "no fault, and no effect");
    }
    for nonsense in ["", "a b", "'; DROP TABLE grants", "\u{202e}"] {
        assert_eq!(zhang.post(TARGET, &form(nonsense)).await.status, 400);
    }
    // Not with another's form, none, or that for something else.
    let own = form(&portal.client_id);
    assert_page_refuses(&li.post(TARGET, &own).await, "csrf");
    let bare = [("portal", portal.client_id.as_str())];
    assert_page_refuses(&zhang.post(TARGET, &bare).await, "csrf");
    let mut crossed = page.page().fields(&[("phone", "0")], "confirm-phone-1");
    crossed.push(("portal".to_owned(), portal.client_id.clone()));
    assert_page_refuses(&zhang.post(TARGET, &crossed).await, "csrf");
    for (portal, tokens) in [
        (&portal, tokens),
        (&by_law, by_law_tokens),
        (&portal, foreign),
    ] {
        assert_eq!(portal.userinfo(&tokens.access).await.status, 200);
    }
    assert_eq!(server.recorded("consent_withdrawn").await, 0);
}

/// Presses the button beside the first phone: the page for the code.
async fn ask_to_confirm(browser: &mut Browser) -> Answer {
    let page = browser.visit("/account").await;
    browser.press(&page, &[], "confirm-phone-1").await
}

#[tokio::test]
async fn a_phone_unconfirmed_for_half_a_year_counts_again_once_confirmed() {
    let server = Server::start().await;
    let zhang = Applicant::of(&ZHANG);
    server.clock.advance(minutes(178 * DAY));
    assert!(
        Browser::lets_in(&server, ZHANG.phone, ZHANG.password).await,
        "in time"
    );
    server.clock.advance(minutes(2 * DAY));
    assert!(!Browser::lets_in(&server, ZHANG.phone, ZHANG.password).await);
    let end = server.browser().prove("/recover", &zhang).await;
    assert_eq!(
        end.page().heading(),
        "This phone cannot recover the account"
    );
    assert!(Browser::lets_in(&server, ZHANG.document_number, ZHANG.password).await);
    let mut browser = server.browser();
    browser
        .login_as(&zhang.clone().with_password(ZHANG.password))
        .await;
    assert!(
        browser
            .visit("/account")
            .await
            .text()
            .contains("Not confirmed for more than 180 days")
    );
    server.clock.advance(minutes(61));
    let page = ask_to_confirm(&mut browser).await;
    assert_eq!(page.path(), "/account/phone/code");
    let sent = server.messages_to(ZHANG.phone).await;
    assert!(
        matches!(sent.last(), Some(MessageText::PhoneCode { .. })),
        "{sent:?}"
    );
    let account = browser.type_sent_code(&page, ZHANG.phone).await;
    assert_eq!(account.path(), "/account", "{}", account.text());
    assert!(
        !account
            .text()
            .contains("Not confirmed for more than 180 days")
    );
    assert!(Browser::lets_in(&server, ZHANG.phone, ZHANG.password).await);
    let entered = server.browser().prove("/recover", &zhang).await;
    assert_eq!(entered.path(), "/account");
}

#[tokio::test]
async fn a_confirmation_is_done_once_by_who_began_it() {
    let server = Server::start().await;
    let mut browser = server.browser();
    browser.login(&ZHANG).await;
    let page = ask_to_confirm(&mut browser).await;
    let resend = page
        .url
        .as_str()
        .replace("/account/phone/code", "/account/phone/resend");
    let shown = browser.visit(&resend).await;
    let page = browser.press(&shown, &[], "otp-resend").await;
    assert_eq!(page.path(), "/account/phone/code");
    assert_eq!(server.messages_to(ZHANG.phone).await.len(), 2);
    let code = server.code_sent_to(ZHANG.phone).await;
    // Somebody else logs in here meanwhile: the code does nothing for either.
    let mut shared = browser.clone();
    shared.logout().await;
    shared.login(&LI).await;
    let refused = shared.type_code(&page, &code).await;
    assert_eq!(
        (refused.status.as_u16(), refused.path()),
        (400, "/account/phone/code")
    );
    assert!(server.messages_to(LI.phone).await.is_empty());
    let mut reader = server.ledger.reader().await.expect("a connection");
    for person in [&ZHANG, &LI] {
        let account = server.account_of(person).await;
        let happened = notices::list(&mut reader, account)
            .await
            .expect("an answer");
        assert!(happened.is_empty(), "{}", person.name);
    }
    // No place that the account does not have, and no sense.
    let mut li = server.browser();
    li.login(&LI).await;
    let page = li.visit("/account").await;
    for (place, status) in [("1", 303), ("99999999999", 303), ("-1", 400), ("x", 400)] {
        let fields = page.page().fields(&[("phone", place)], "confirm-phone-1");
        let answer = li.post("/account/phone", &fields).await;
        assert_eq!(answer.status, status, "{place}");
    }
    assert!(server.messages_to(LI.phone).await.is_empty());
}

#[tokio::test]
async fn codes_to_ones_own_phone_have_the_phones_limit() {
    let server = Server::start().await;
    let mut browser = server.browser();
    browser.login(&ZHANG).await;
    for _ in 0..5 {
        assert_eq!(
            ask_to_confirm(&mut browser).await.path(),
            "/account/phone/code"
        );
    }
    let refused = ask_to_confirm(&mut browser).await;
    assert_eq!(refused.status, 429);
    assert!(refused.header("retry-after").is_some());
    assert_eq!(server.messages_to(ZHANG.phone).await.len(), 5);
}

#[tokio::test]
async fn what_happened_is_listed_with_words_of_both_languages() {
    let server = Server::start().await;
    let qian = Applicant::new(1);
    server.authority.knows(&[&qian]);
    let portal = server.portal().await;
    let mut browser = server.browser();
    browser.register(&qian).await;
    let tokens = browser.enter(&portal, &qian).await;
    let mut again = server.browser();
    let entered = again
        .prove("/recover", &qian.clone().with_password("a third password"))
        .await;
    assert_eq!(entered.path(), "/account");
    assert_refused(&portal.refresh(tokens.refresh()).await, "invalid_grant");
    let english = again.visit("/account").await;
    again.languages = Some("zh-CN");
    let chinese = again.visit("/account").await;
    for (page, words) in [
        (
            &english,
            ["The account was opened", "The account was recovered"],
        ),
        (&chinese, ["注册了账号", "找回了账号"]),
    ] {
        for words in words {
            assert!(page.text().contains(words), "{words}: {}", page.text());
        }
    }
    let account = server.holder_of(&qian).await.expect("an account");
    let mut reader = server.ledger.reader().await.expect("a connection");
    let happened = notices::list(&mut reader, account)
        .await
        .expect("an answer");
    let kinds: Vec<_> = happened.iter().map(|notice| notice.kind).collect();
    assert_eq!(kinds, [NoticeKind::Recovered, NoticeKind::Registered]);
    assert_eq!(english.page().language(), "en");
    assert_eq!(chinese.page().language(), "zh-CN");
}

#[tokio::test]
async fn no_phone_can_be_confirmed_where_nothing_can_be_sent() {
    for (open, has_button) in [(true, true), (false, false)] {
        let setup = Setup {
            open,
            ..Setup::default()
        };
        let server = Server::start_with(setup).await;
        let mut browser = server.browser();
        browser.login(&ZHANG).await;
        let page = browser.visit("/account").await.page();
        assert!(page.has("account-logout"));
        assert_eq!(page.has("confirm-phone-1"), has_button);
    }
}
