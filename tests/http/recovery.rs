//! `/recover`: a new password for whoever proves to be the account's person at the account's level,
//! with a phone of the account; never by phone alone. Whatever was begun before, ends.

use tongxing::domain::message::MessageText;
use tongxing::domain::notice::NoticeKind;
use tongxing::protocol::acr::Ial;
use tongxing::storage::{notices, privacy};
use tongxing::views::privacy::VERSION;

use crate::support::{
    Applicant, Browser, LI, Person, Server, Tokens, WANG, ZHANG, assert_page_refuses,
    assert_refused, minutes, phone, race,
};

#[tokio::test]
async fn whoever_proves_it_gets_in_with_a_new_password() {
    let server = Server::start().await;
    let portal = server.portal().await;
    let mut at_home = server.browser_of(&ZHANG);
    let before = portal.tokens(&mut at_home).await;
    let code = portal.authorize(&mut at_home).await;
    let account = server.account_of(&ZHANG).await;
    let zhang = Applicant::of(&ZHANG);
    let mut browser = server.browser();
    let entered = browser.prove("/recover", &zhang).await;
    assert_eq!(entered.path(), "/account");
    assert!(
        entered.page().has("account-done"),
        "it says that it has succeeded"
    );
    assert_eq!(server.account_of(&ZHANG).await, account);
    // The new password holds, the old one does not.
    for name in [ZHANG.phone, ZHANG.document_number] {
        assert!(Browser::lets_in(&server, name, &zhang.password).await);
        assert!(!Browser::lets_in(&server, name, ZHANG.password).await);
    }
    // Whatever was begun before has ended.
    assert!(!at_home.is_logged_in().await);
    assert_refused(&portal.refresh(before.refresh()).await, "invalid_grant");
    assert_refused(&portal.redeem(&code).await, "invalid_grant");
    assert_eq!(portal.userinfo(&before.access).await.status, 401);
    assert!(!portal.is_active(&before.access).await);
    // Every channel is told.
    let by_phone = server.messages_to(ZHANG.phone).await;
    assert!(
        matches!(by_phone[0], MessageText::RecoveryCode { .. }),
        "{by_phone:?}"
    );
    assert!(
        matches!(by_phone[1], MessageText::AccountRecovered { .. }),
        "{by_phone:?}"
    );
    let by_mail = server.messages_to(ZHANG.email).await;
    assert!(
        matches!(by_mail[..], [MessageText::AccountRecovered { .. }]),
        "{by_mail:?}"
    );
    // What was allowed stands, and the portal meets whom it knew.
    browser.asked.clear();
    let after = portal.tokens(&mut browser).await;
    assert_eq!(browser.asked, [""; 0]);
    assert_eq!(after.id_claims()["sub"], before.id_claims()["sub"]);
    assert_ne!(after.id_claims()["sid"], before.id_claims()["sid"]);
    assert_eq!(server.level_of(account).await, Some(Ial::Two));
    let mut reader = server.ledger.reader().await.expect("a connection");
    let happened = notices::list(&mut reader, account)
        .await
        .expect("an answer");
    assert_eq!(happened[0].kind, NoticeKind::Recovered);
    let shown = privacy::list(&mut reader, account)
        .await
        .expect("an answer");
    assert_eq!(shown[0].0, VERSION);
    assert_eq!(server.recorded("account_recovered").await, 1);
}

#[tokio::test]
async fn recovery_raises_an_account_to_what_was_proven() {
    let server = Server::start().await;
    let account = server.account_of(&LI).await;
    assert_eq!(server.level_of(account).await, Some(Ial::One));
    let entered = server
        .browser()
        .prove("/recover", &Applicant::of(&LI))
        .await;
    assert_eq!(entered.path(), "/account");
    assert_eq!(server.level_of(account).await, Some(Ial::Two));
}

/// DESIGN §3: no level without its check. A name that nobody checked is not raised with the rest.
#[tokio::test]
async fn the_name_that_was_proven_is_the_name_from_then_on() {
    let qian = Applicant::new(1);
    let server = Server::start().await;
    server.authority.knows(&[&qian]);
    let portal = server.portal().await;
    let misnamed = qian
        .clone()
        .named("金明")
        .with_password("before the recovery");
    assert_eq!(server.import(&misnamed.import_record(&[])).await, 1);
    let mut browser = server.browser();
    let entered = browser.prove("/recover", &qian).await;
    assert_eq!(entered.path(), "/account");
    let tokens = browser.enter(&portal, &qian).await;
    assert_eq!(tokens.id_claims()["ial"], 2);
    let claims = portal.userinfo(&tokens.access).await.json();
    assert_eq!(claims["name"], qian.name.as_str());
}

/// Nothing about a person's account has changed, and no message but the code has come.
async fn assert_untouched(server: &Server, person: &'static Person, tried: &Applicant) {
    assert!(Browser::lets_in(server, person.document_number, person.password).await);
    assert!(!Browser::lets_in(server, person.document_number, &tried.password).await);
    assert!(server.messages_to(person.email).await.is_empty());
    assert_eq!(server.recorded("account_recovered").await, 0);
    assert_eq!(server.recorded("proof_lost").await, 0);
}

#[tokio::test]
async fn what_is_proven_better_is_recovered_at_a_counter() {
    let server = Server::start().await;
    let wang = Applicant::of(&WANG);
    let face = Applicant::new(3).with_password("as it was before");
    server.authority.knows(&[&face]);
    assert_eq!(server.import(&face.import_record(&["face"])).await, 1);
    for who in [&wang, &face.clone().with_password("as it should be")] {
        let end = server.browser().prove("/recover", who).await;
        assert_eq!(end.page().heading(), "Please recover at a service counter");
        assert_eq!(server.messages_to(&who.phone).await.len(), 1);
    }
    assert_untouched(&server, &WANG, &wang).await;
    assert!(Browser::lets_in(&server, &face.document_number, "as it was before").await);
}

#[tokio::test]
async fn only_a_phone_of_the_account_recovers_it() {
    let server = Server::start().await;
    let mut at_home = server.browser();
    at_home.login(&ZHANG).await;
    // The carrier knows Zhang by a number that the account has never confirmed.
    let zhang = Applicant::of(&ZHANG).with_phone(&phone(60));
    server.authority.knows(&[&zhang]);
    let end = server.browser().prove("/recover", &zhang).await;
    assert_eq!(
        end.page().heading(),
        "This phone cannot recover the account"
    );
    assert!(at_home.is_logged_in().await);
    assert_untouched(&server, &ZHANG, &zhang).await;
}

#[tokio::test]
async fn a_phone_alone_recovers_nothing() {
    let server = Server::start().await;
    let zhang = Applicant::of(&ZHANG);
    for who in [
        zhang.clone().named("张伟伟"),
        zhang
            .clone()
            .with_document("resident_id_card", LI.document_number),
        Applicant::of(&LI).with_phone(ZHANG.phone),
    ] {
        let mut browser = server.browser();
        let end = browser.prove("/recover", &who).await;
        assert_eq!(end.page().heading(), "Your identity could not be verified");
        assert!(!browser.is_logged_in().await);
    }
    assert_untouched(&server, &ZHANG, &zhang).await;
    assert!(Browser::lets_in(&server, LI.phone, LI.password).await);
}

#[tokio::test]
async fn who_has_no_account_is_shown_how_to_get_one() {
    let qian = Applicant::new(1);
    let server = Server::start().await;
    server.authority.knows(&[&qian]);
    let mut browser = server.browser();
    let end = browser.prove("/recover", &qian).await;
    assert_eq!(end.page().heading(), "You have no account yet");
    assert!(end.page().links_to("/register"));
    assert!(!browser.is_logged_in().await);
    assert!(server.holder_of(&qian).await.is_none());
}

#[tokio::test]
async fn a_stopped_account_is_not_recovered() {
    let server = Server::start().await;
    server.freeze(&ZHANG).await;
    let zhang = Applicant::of(&ZHANG);
    let end = server.browser().prove("/recover", &zhang).await;
    assert_eq!(end.page().heading(), "This account is stopped");
    server.unfreeze(&ZHANG).await;
    assert_untouched(&server, &ZHANG, &zhang).await;
}

#[tokio::test]
async fn an_operator_who_stops_it_meanwhile_is_heeded() {
    let server = Server::start().await;
    let zhang = Applicant::of(&ZHANG);
    let mut browser = server.browser();
    let page = browser.apply("/recover", &zhang).await;
    server.freeze(&ZHANG).await;
    let end = browser.type_sent_code(&page, ZHANG.phone).await;
    assert_eq!(end.page().heading(), "This account is stopped");
    server.unfreeze(&ZHANG).await;
    assert_untouched(&server, &ZHANG, &zhang).await;
}

#[tokio::test]
async fn recovery_goes_on_to_the_portal_that_waits() {
    let server = Server::start().await;
    let portal = server.portal().await;
    let zhang = Applicant::of(&ZHANG);
    let mut browser = server.browser();
    let request = portal.full_request();
    let login = browser.visit(&request.url()).await;
    let link = login.page().link_to("/recover").to_owned();
    let form = login.url.join(&link).expect("a URL");
    let consent = browser.prove(form.as_str(), &zhang).await;
    assert_eq!(consent.path(), "/consent", "{}", consent.text());
    let back = browser.press(&consent, &[], "consent-allow").await;
    let tokens = Tokens::of(&portal.redeem(&request.code(&back)).await);
    assert_eq!(tokens.id_claims()["ial"], 2);
}

#[tokio::test]
async fn a_code_sent_twice_at_once_recovers_once() {
    one_code_sent_often(Server::start().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_sent_twice_at_once_recovers_once_on_postgres() {
    if let Some(server) = Server::start_on_postgres().await {
        one_code_sent_often(server).await;
    }
}

async fn one_code_sent_often(server: Server) {
    let zhang = Applicant::of(&ZHANG);
    let mut browser = server.browser();
    let page = browser.apply("/recover", &zhang).await;
    assert_eq!(page.path(), "/recover/code");
    let code = server.code_sent_to(ZHANG.phone).await;
    let sessions = server.count("sessions").await;
    let answers = race(8, |_| {
        let (mut browser, page, code) = (browser.clone(), page.clone(), code.clone());
        async move { browser.type_code(&page, &code).await }
    })
    .await;
    let entered = answers.iter().filter(|answer| answer.path() == "/account");
    assert_eq!(entered.count(), 1);
    assert_eq!(server.count("sessions").await, sessions + 1);
    assert_eq!(server.recorded("account_recovered").await, 1);
    // Nor does going back to it do anything.
    for step in ["/recover/code", "/recover/resend", "/recover/check"] {
        let target = page.url.as_str().replace("/recover/code", step);
        assert_eq!(browser.get(&target).await.status, 400, "{step}");
        let bare = [("otp-code", code.as_str())];
        let posted = browser.post(&target, &bare).await;
        assert!(posted.status.is_client_error(), "{step}");
    }
}

#[tokio::test]
async fn a_form_from_elsewhere_is_refused() {
    let server = Server::start().await;
    let zhang = Applicant::of(&ZHANG);
    let mut browser = server.browser();
    browser.visit("/recover").await;
    let bare = zhang.fields("recover");
    assert_page_refuses(&browser.post("/recover", &bare).await, "csrf");
    // The token of registration is not that of recovery's next step.
    let page = browser.apply("/recover", &zhang).await;
    let mut other = server.browser();
    let foreign = other.apply("/register", &Applicant::new(1)).await;
    let code = server.code_sent_to(ZHANG.phone).await;
    let fields = foreign.page().fields(&[("otp-code", &code)], "otp-submit");
    assert_page_refuses(&browser.post(page.url.as_str(), &fields).await, "csrf");
    assert_eq!(server.messages_to(ZHANG.phone).await.len(), 1);
    assert_untouched(&server, &ZHANG, &zhang).await;
}

#[tokio::test]
async fn an_authority_that_is_down_leaves_everything_as_it_is() {
    let server = Server::start().await;
    let zhang = Applicant::of(&ZHANG);
    server
        .authority
        .behaves(tongxing::authority::Behavior::Down);
    let mut browser = server.browser();
    let waiting = browser.prove("/recover", &zhang).await;
    assert_eq!(waiting.path(), "/recover/check");
    assert_untouched(&server, &ZHANG, &zhang).await;
    server.authority.behaves(tongxing::authority::Behavior::Ok);
    server.clock.advance(minutes(1));
    let entered = browser.press(&waiting, &[], "retry-submit").await;
    assert_eq!(entered.path(), "/account");
    assert!(Browser::lets_in(&server, ZHANG.phone, &zhang.password).await);
}
