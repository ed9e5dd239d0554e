//! `/register`: whoever proves a phone, then an identity, has an account; whoever does not, leaves
//! nothing and learns nothing.

mod authority;
mod codes;
mod enumeration;
mod fields;
mod limits;
mod model;
mod names;
mod takeover;

use serde_json::json;
use tongxing::domain::message::MessageText;
use tongxing::domain::phone::PhoneNumber;
use tongxing::protocol::acr::Ial;
use tongxing::storage::privacy;
use tongxing::views::privacy::VERSION;

use crate::support::{
    Answer, Applicant, Browser, Portal, Server, Setup, Tokens, ZHANG, assert_page_refuses, minutes,
    race, seconds,
};

/// A server whose authority knows the first of those who have no account.
async fn server_that_knows(who: &Applicant) -> Server {
    let server = Server::start().await;
    server.authority.knows(&[who]);
    server
}

#[tokio::test]
async fn whoever_proves_it_has_an_account_at_level_two() {
    let qian = Applicant::new(1);
    let server = server_that_knows(&qian).await;
    let mut browser = server.browser();
    let form = browser.visit("/register").await;
    let page = browser.fill_in(&form, &qian).await;
    assert_eq!(page.path(), "/register/code");
    assert!(page.text().contains("139****0001"), "{}", page.text());
    assert!(server.holder_of(&qian).await.is_none(), "not yet");
    let account = browser.type_sent_code(&page, &qian.phone).await;
    assert_eq!(account.path(), "/account");
    // It says that it has succeeded, and not for long.
    assert!(account.page().has("account-done"));
    server.clock.advance(minutes(2));
    assert!(!browser.visit("/account").await.page().has("account-done"));
    assert!(account.text().contains("钱*") && account.text().contains("level-l2"));
    let holder = server.holder_of(&qian).await.expect("an account");
    assert_eq!(server.level_of(holder).await, Some(Ial::Two));
    // The phone and the document number log in; a message says that there is an account.
    assert!(Browser::lets_in(&server, &qian.phone, &qian.password).await);
    assert!(Browser::lets_in(&server, &qian.document_number, &qian.password).await);
    assert!(!Browser::lets_in(&server, &qian.phone, "another password").await);
    let messages = server.messages_to(&qian.phone).await;
    assert_eq!(messages.len(), 2);
    assert!(matches!(messages[0], MessageText::RegistrationCode { .. }));
    assert_eq!(messages[1], MessageText::AccountRegistered);
    for (kind, count) in [
        ("phone_confirmed", 1),
        ("account_registered", 1),
        ("challenge_refused", 0),
        ("proof_lost", 0),
    ] {
        assert_eq!(server.recorded(kind).await, count, "{kind}");
    }
}

#[tokio::test]
async fn the_version_of_the_privacy_notice_is_recorded() {
    let qian = Applicant::new(1);
    let server = server_that_knows(&qian).await;
    let mut browser = server.browser();
    let notice = browser.visit("/docs/privacy").await;
    assert!(notice.text().contains(VERSION) && notice.text().contains("The operator"));
    let form = browser.visit("/register").await;
    assert!(form.page().links_to("/docs/privacy"));
    // Who was shown another version sees the form again, and nothing is sent.
    let fields = qian.fields("register");
    let mut filled: Vec<_> = fields.iter().map(|(k, v)| (&**k, &**v)).collect();
    filled.push(("notice_version", "2020-01-01"));
    let again = browser.press(&form, &filled, "register-submit").await;
    assert_eq!(again.path(), "/register");
    assert!(server.messages_to(&qian.phone).await.is_empty());
    let page = browser.fill_in(&again, &qian).await;
    browser.type_sent_code(&page, &qian.phone).await;
    let holder = server.holder_of(&qian).await.expect("an account");
    let mut reader = server.ledger.reader().await.expect("a connection");
    let shown = privacy::list(&mut reader, holder).await.expect("an answer");
    let versions: Vec<_> = shown.iter().map(|(version, _)| version.as_str()).collect();
    assert_eq!(versions, [VERSION]);
}

/// Follows the login page's link to registration.
async fn to_registration(browser: &mut Browser, login: &Answer) -> Answer {
    let page = login.page();
    let link = page.link_to("/register");
    assert!(link.contains("interaction="), "{link}");
    let target = login.url.join(link).expect("a URL");
    browser.visit(target.as_str()).await
}

#[tokio::test]
async fn registration_goes_on_to_the_portal_that_waits() {
    let qian = Applicant::new(1);
    let server = server_that_knows(&qian).await;
    let portal = Portal::register(&server, &json!({ "client_name": "Pension Office" })).await;
    let mut browser = server.browser();
    let request = portal.full_request();
    let login = browser.visit(&request.url()).await;
    let form = to_registration(&mut browser, &login).await;
    assert!(form.text().contains("Pension Office"));
    let page = browser.fill_in(&form, &qian).await;
    assert!(page.text().contains("Pension Office"));
    let consent = browser.type_sent_code(&page, &qian.phone).await;
    assert_eq!(consent.path(), "/consent", "no login in between");
    assert!(consent.page().has("account-done"), "it has succeeded");
    let back = browser.press(&consent, &[], "consent-allow").await;
    let tokens = Tokens::of(&portal.redeem(&request.code(&back)).await);
    let claims = portal.userinfo(&tokens.access).await.json();
    assert_eq!(claims["name"], qian.name.as_str());
    assert_eq!(claims["phone_number"], qian.phone.as_str());
    assert_eq!(tokens.id_claims()["ial"], 2);
    // The next portal asks for nothing but its own notice.
    browser.asked.clear();
    server.clock.advance(seconds(1));
    let next = server.portal().await;
    let asked = browser.visit(&next.full_request().url()).await;
    assert_eq!(asked.path(), "/consent");
    assert!(!asked.page().has("account-done"), "it was said already");
    browser.asked.clear();
    next.tokens(&mut browser).await;
    assert_eq!(browser.asked, ["/consent"]);
}

#[tokio::test]
async fn it_speaks_both_languages_from_form_to_message() {
    let qian = Applicant::new(1);
    let server = server_that_knows(&qian).await;
    let mut browser = server.browser();
    browser.languages = Some("zh-CN");
    let form = browser.visit("/register").await;
    assert_eq!(form.page().heading(), "注册通行账号");
    let page = browser.fill_in(&form, &qian).await;
    assert_eq!(page.page().language(), "zh-CN");
    let account = browser.type_sent_code(&page, &qian.phone).await;
    assert_eq!(account.page().language(), "zh-CN");
}

#[tokio::test]
async fn where_there_is_no_authority_nobody_registers() {
    let server = Server::start_with(Setup {
        open: false,
        ..Setup::default()
    })
    .await;
    let mut browser = server.browser();
    for path in ["/", "/login"] {
        let page = browser.visit(path).await.page();
        assert!(
            !page.links_to("/register") && !page.links_to("/recover"),
            "{path}"
        );
    }
    for path in ["/register", "/recover"] {
        let closed = browser.visit(path).await;
        assert_eq!(closed.status, 404, "{path}");
        let heading = closed.page().heading();
        assert_eq!(heading, "Registration and recovery are closed here");
    }
    let open = Server::start().await;
    let mut browser = open.browser();
    assert!(browser.visit("/").await.page().links_to("/register"));
    let login = browser.visit("/login").await.page();
    assert!(login.links_to("/register") && login.links_to("/recover"));
}

#[tokio::test]
async fn a_code_sent_twice_at_once_makes_one_account_and_one_session() {
    one_code_sent_often(Server::start().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_sent_twice_at_once_makes_one_account_and_one_session_on_postgres() {
    if let Some(server) = Server::start_on_postgres().await {
        one_code_sent_often(server).await;
    }
}

async fn one_code_sent_often(server: Server) {
    let qian = Applicant::new(1);
    server.authority.knows(&[&qian]);
    let mut browser = server.browser();
    let page = browser.apply("/register", &qian).await;
    let code = server.code_sent_to(&qian.phone).await;
    let before = (
        server.count("accounts").await,
        server.count("sessions").await,
    );
    let fields = page.page().fields(&[("otp-code", &code)], "otp-submit");
    let answers = race(8, |_| {
        let (mut browser, fields, target) = (browser.clone(), fields.clone(), page.url.clone());
        async move { browser.post(target.as_str(), &fields).await }
    })
    .await;
    let entered = answers.iter().filter(|answer| answer.status == 303);
    assert_eq!(entered.count(), 1, "{answers:?}");
    for answer in answers.iter().filter(|answer| answer.status != 303) {
        assert_eq!(answer.page().heading(), "This step is over");
    }
    let after = (
        server.count("accounts").await,
        server.count("sessions").await,
    );
    assert_eq!(after, (before.0 + 1, before.1 + 1));
    assert_eq!(server.messages_to(&qian.phone).await.len(), 2);
}

#[tokio::test]
async fn four_registrations_of_one_person_at_once_make_one_account() {
    one_person_often(Server::start().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn four_registrations_of_one_person_at_once_make_one_account_on_postgres() {
    if let Some(server) = Server::start_on_postgres().await {
        one_person_often(server).await;
    }
}

async fn one_person_often(server: Server) {
    let qian = Applicant::new(1);
    server.authority.knows(&[&qian]);
    let mut ready = Vec::new();
    for number in 0..4 {
        let who = qian
            .clone()
            .with_password(&format!("password number {number}"));
        let mut browser = server.browser();
        let page = browser.apply("/register", &who).await;
        let code = server.code_sent_to(&qian.phone).await;
        ready.push((browser, page, code));
    }
    let before = server.count("accounts").await;
    let answers = race(4, |index| {
        let (mut browser, page, code) = ready[index].clone();
        async move { browser.type_code(&page, &code).await }
    })
    .await;
    let entered = answers.iter().filter(|answer| answer.path() == "/account");
    assert_eq!(entered.count(), 1);
    for answer in answers.iter().filter(|answer| answer.path() != "/account") {
        assert_eq!(answer.page().heading(), "You already have an account");
    }
    assert_eq!(server.count("accounts").await, before + 1);
    assert_eq!(server.recorded("account_registered").await, 1);
}

#[tokio::test]
async fn going_back_after_the_end_opens_nothing() {
    let qian = Applicant::new(1);
    let server = server_that_knows(&qian).await;
    let mut browser = server.browser();
    let page = browser.apply("/register", &qian).await;
    let code = server.code_sent_to(&qian.phone).await;
    browser.type_code(&page, &code).await;
    let sessions = server.count("sessions").await;
    for step in ["/register/code", "/register/resend", "/register/check"] {
        let target = page.url.as_str().replace("/register/code", step);
        let shown = browser.get(&target).await;
        assert_eq!(
            (shown.status.as_u16(), shown.location()),
            (400, None),
            "{step}"
        );
        assert_eq!(shown.page().heading(), "This step is over");
        assert!(!shown.text().contains(&qian.name), "{step}");
        let posted = browser
            .post(
                &target,
                &page.page().fields(&[("otp-code", &code)], "otp-submit"),
            )
            .await;
        assert!(posted.status.is_client_error(), "{step}: {}", posted.status);
    }
    assert_eq!(server.count("sessions").await, sessions);
    // Sending the first form again begins anew, and ends with the account that there is.
    let again = browser.prove("/register", &qian).await;
    assert_eq!(again.page().heading(), "You already have an account");
}

#[tokio::test]
async fn a_form_from_elsewhere_is_refused() {
    let qian = Applicant::new(1);
    let server = server_that_knows(&qian).await;
    let mut browser = server.browser();
    let form = browser.visit("/register").await;
    let without_token = qian.fields("register");
    let refused = browser.post("/register", &without_token).await;
    assert_page_refuses(&refused, "csrf");
    // That of another browser, and that of another form.
    let other = server.browser().visit("/register").await.page();
    let login = browser.visit("/login").await.page();
    for page in [&other, &login] {
        let token = page
            .all("input")
            .find(|input| input.attribute("name") == Some("csrf"));
        let token = token
            .and_then(|input| input.attribute("value"))
            .expect("a token");
        let mut fields = qian.fields("register");
        fields.push(("csrf".to_owned(), token.to_owned()));
        assert_page_refuses(&browser.post("/register", &fields).await, "csrf");
    }
    assert!(server.messages_to(&qian.phone).await.is_empty());
    let page = browser.fill_in(&form, &qian).await;
    assert_eq!(page.path(), "/register/code");
    let code = server.code_sent_to(&qian.phone).await;
    let bare = [("otp-code", code.as_str())];
    assert_page_refuses(&browser.post(page.url.as_str(), &bare).await, "csrf");
    let resend = page
        .url
        .as_str()
        .replace("/register/code", "/register/resend");
    assert_page_refuses(&browser.post(&resend, &bare).await, "csrf");
    let check = page
        .url
        .as_str()
        .replace("/register/code", "/register/check");
    assert_page_refuses(&browser.post(&check, &bare).await, "csrf");
    assert_eq!(server.messages_to(&qian.phone).await.len(), 1);
    assert_eq!(browser.type_code(&page, &code).await.path(), "/account");
}

#[tokio::test]
async fn a_challenge_belongs_to_its_browser_and_its_purpose() {
    let qian = Applicant::new(1);
    let server = server_that_knows(&qian).await;
    let mut browser = server.browser();
    let page = browser.apply("/register", &qian).await;
    let masked = PhoneNumber::parse(&qian.phone).unwrap().masked();
    assert!(page.text().contains(&masked), "{}", page.text());
    let mut thief = server.browser();
    thief.visit("/register").await;
    let recovery = page.url.as_str().replace("/register/code", "/recover/code");
    let phone = page
        .url
        .as_str()
        .replace("/register/code", "/account/phone/code");
    let browsers = [&mut thief, &mut browser, &mut server.browser()];
    let targets = [
        vec![page.url.as_str()],
        vec![&*recovery, &*phone],
        vec![page.url.as_str()],
    ];
    for (who, targets) in browsers.into_iter().zip(targets) {
        for target in targets {
            let shown = who.get(target).await;
            assert_eq!(shown.status, 400, "{target}");
            assert_eq!(shown.page().heading(), "This step is over");
            assert!(!shown.text().contains(&masked), "no word of the phone");
        }
    }
    let mut changed = page.url.to_string();
    let last = changed.pop();
    changed.push(if last == Some('A') { 'B' } else { 'A' });
    assert_eq!(browser.get(&changed).await.status, 400);
    assert_eq!(browser.get("/register/code").await.status, 400);
    // Nor does the portal's request of another browser come along.
    let portal = server.portal().await;
    let foreign = thief.visit(&portal.request().url()).await;
    let target = format!("/register?{}", foreign.url.query().expect("an interaction"));
    assert_page_refuses(&browser.get(&target).await, "wrong_browser");
}

#[tokio::test]
async fn a_login_at_hand_gives_way_to_the_new_account() {
    let qian = Applicant::new(1);
    let server = server_that_knows(&qian).await;
    let mut browser = server.browser();
    browser.login(&ZHANG).await;
    let before = browser.cookies.clone();
    browser.register(&qian).await;
    assert_ne!(browser.cookies, before);
    assert!(browser.visit("/account").await.text().contains("钱*"));
    let mut zhang = server.browser();
    zhang.cookies = before;
    assert_eq!(zhang.visit("/account").await.path(), "/login");
}
