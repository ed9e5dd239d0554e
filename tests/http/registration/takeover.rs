//! Whoever proves a document or a phone better takes it over; whoever had it loses what rested on
//! it, and is told.

use serde_json::Value;
use tongxing::domain::id::AccountId;
use tongxing::domain::message::MessageText;
use tongxing::domain::notice::NoticeKind;
use tongxing::protocol::acr::Ial;
use tongxing::storage::notices;

use crate::support::{
    Answer, Applicant, Browser, LI, Portal, Server, Tokens, WANG, ZHANG, assert_refused, minutes,
    operation, phone,
};

/// What happened to an account, the latest first.
async fn happened(server: &Server, account: AccountId) -> Vec<NoticeKind> {
    let mut reader = server.ledger.reader().await.expect("a connection");
    let listed = notices::list(&mut reader, account)
        .await
        .expect("an answer");
    listed.iter().map(|notice| notice.kind).collect()
}

fn heading(answer: &Answer) -> String {
    answer.page().heading()
}

/// Whether a message says that a document was taken over.
fn tells_of_a_document(text: &MessageText) -> bool {
    matches!(text, MessageText::DocumentTakenOver { .. })
}

#[tokio::test]
async fn the_owner_takes_the_document_from_a_squatter() {
    let owner = Applicant::new(1);
    for checked_by in [&[][..], &["two_elements"]] {
        let server = super::server_that_knows(&owner).await;
        let portal = server.portal().await;
        let squatter = owner
            .clone()
            .with_phone(&phone(66))
            .with_password("the squatter's own");
        assert_eq!(server.import(&squatter.import_record(checked_by)).await, 1);
        let loser = server.holder_of(&owner).await.expect("the squatter");
        assert_eq!(server.level_of(loser).await, Some(Ial::One));
        let mut thief = server.browser();
        let stolen = thief.enter(&portal, &squatter).await;
        assert_eq!(stolen.id_claims()["ial"], 1);
        let mut browser = server.browser();
        browser.register(&owner).await;
        let holder = server.holder_of(&owner).await.expect("the owner");
        assert_ne!(holder, loser);
        assert_eq!(server.level_of(holder).await, Some(Ial::Two));
        // Nothing that the squatter had holds any more.
        assert!(!thief.is_logged_in().await);
        assert_refused(&portal.refresh(stolen.refresh()).await, "invalid_grant");
        assert_eq!(portal.userinfo(&stolen.access).await.status, 401);
        assert!(!portal.is_active(&stolen.access).await);
        assert!(!Browser::lets_in(&server, &squatter.document_number, &squatter.password).await);
        // Both are told.
        let told = server.messages_to(&squatter.phone).await;
        assert!(told.len() == 1 && tells_of_a_document(&told[0]), "{told:?}");
        assert_eq!(happened(&server, loser).await, [NoticeKind::DocumentLost]);
        let mine = happened(&server, holder).await;
        assert!(
            mine.contains(&NoticeKind::Registered) && mine.contains(&NoticeKind::DocumentTaken)
        );
        assert_eq!(server.recorded("proof_lost").await, 1);
        // To the portal they are two people; what the squatter allowed is asked anew.
        let proven = browser.enter(&portal, &owner).await;
        assert_ne!(proven.id_claims()["sub"], stolen.id_claims()["sub"]);
        let page = thief.visit(&portal.full_request().url()).await;
        let consent = thief
            .type_in(&page, &squatter.phone, &squatter.password)
            .await;
        assert_eq!(consent.path(), "/consent");
        let account = thief.visit("/account").await;
        assert!(
            account.text().contains("level-l1"),
            "what is left is a phone"
        );
        assert_eq!(server.level_of(loser).await, Some(Ial::One));
    }
}

#[tokio::test]
async fn a_squatter_on_the_owners_phone_is_left_with_nothing() {
    let owner = Applicant::new(1);
    let server = super::server_that_knows(&owner).await;
    let squatter = owner.clone().with_password("the squatter's own");
    assert_eq!(server.import(&squatter.import_record(&[])).await, 1);
    let loser = server.holder_of(&owner).await.expect("the squatter");
    server.browser().register(&owner).await;
    assert_eq!(server.level_of(loser).await, None, "no check is left");
    assert!(!Browser::lets_in(&server, &owner.phone, &squatter.password).await);
    assert!(
        Browser::lets_in(&server, &owner.phone, &owner.password).await,
        "the phone is theirs alone"
    );
    let lost = happened(&server, loser).await;
    assert!(lost.contains(&NoticeKind::DocumentLost) && lost.contains(&NoticeKind::PhoneLost));
    // The phone is the owner's: what the loser is told does not go there.
    let told = server.messages_to(&owner.phone).await;
    assert!(!told.iter().any(tells_of_a_document), "{told:?}");
}

#[tokio::test]
async fn of_two_take_overs_at_once_one_is_done() {
    take_over_twice(Server::start().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_take_overs_at_once_one_is_done_on_postgres() {
    if let Some(server) = Server::start_on_postgres().await {
        take_over_twice(server).await;
    }
}

async fn take_over_twice(server: Server) {
    // The squatter's account is there already; two browsers of the owner finish at once.
    let owner = Applicant::new(1);
    server.authority.knows(&[&owner]);
    let squatter = owner.clone().with_phone(&phone(66));
    server.import(&squatter.import_record(&[])).await;
    let loser = server.holder_of(&owner).await.expect("the squatter");
    let mut ready = Vec::new();
    for _ in 0..2 {
        let mut browser = server.browser();
        let page = browser.apply("/register", &owner).await;
        ready.push((browser, page, server.code_sent_to(&owner.phone).await));
    }
    let answers = crate::support::race(2, |index| {
        let (mut browser, page, code) = ready[index].clone();
        async move { browser.type_code(&page, &code).await }
    })
    .await;
    let entered = answers
        .iter()
        .filter(|answer| answer.path() == "/account")
        .count();
    assert_eq!(entered, 1);
    assert_ne!(server.holder_of(&owner).await, Some(loser));
    assert_eq!(server.recorded("proof_lost").await, 1);
    assert_eq!(happened(&server, loser).await, [NoticeKind::DocumentLost]);
}

#[tokio::test]
async fn who_registers_and_recovers_at_once_has_one_account() {
    register_and_recover(Server::start().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_registers_and_recovers_at_once_has_one_account_on_postgres() {
    if let Some(server) = Server::start_on_postgres().await {
        register_and_recover(server).await;
    }
}

/// Of an account that is proven less: the one raises it, the other takes its document away.
async fn register_and_recover(server: Server) {
    for number in 1..4 {
        let owner = Applicant::new(number);
        server.authority.knows(&[&owner]);
        let before = owner.clone().with_password("as it was before");
        assert_eq!(server.import(&before.import_record(&[])).await, 1);
        let mut ready = Vec::new();
        for way in ["/register", "/recover"] {
            let mut browser = server.browser();
            let page = browser.apply(way, &owner).await;
            ready.push((browser, page, server.code_sent_to(&owner.phone).await));
        }
        let answers = crate::support::race(2, |index| {
            let (mut browser, page, code) = ready[index].clone();
            async move { browser.type_code(&page, &code).await }
        })
        .await;
        // Whoever came second is told what is so by then; no answer is a fault of ours.
        let entered = answers
            .iter()
            .filter(|answer| answer.path() == "/account")
            .count();
        assert!((1..=2).contains(&entered), "{answers:?}");
        assert!(
            answers.iter().all(|answer| answer.status == 200),
            "{answers:?}"
        );
        let holder = server.holder_of(&owner).await.expect("an account");
        assert_eq!(server.level_of(holder).await, Some(Ial::Two));
        assert!(Browser::lets_in(&server, &owner.document_number, &owner.password).await);
        assert!(!Browser::lets_in(&server, &owner.document_number, &before.password).await);
    }
}

#[tokio::test]
async fn who_is_proven_as_well_keeps_everything() {
    let server = Server::start().await;
    let portal = server.portal().await;
    for (person, level) in [(&ZHANG, Ial::Two), (&WANG, Ial::Four)] {
        let who = Applicant::of(person);
        let before = server.account_of(person).await;
        let mut at_home = server.browser_of(person);
        let tokens = portal.tokens(&mut at_home).await;
        let accounts = server.count("accounts").await;
        let mut browser = server.browser();
        let end = browser.prove("/register", &who).await;
        assert_eq!(heading(&end), "You already have an account");
        assert!(end.page().links_to("/login") && end.page().links_to("/recover"));
        assert!(!browser.is_logged_in().await);
        assert_eq!(server.account_of(person).await, before);
        assert_eq!(server.level_of(before).await, Some(level));
        assert_eq!(server.count("accounts").await, accounts);
        assert!(portal.is_active(&tokens.access).await && at_home.is_logged_in().await);
        assert!(Browser::lets_in(&server, person.phone, person.password).await);
        assert!(!Browser::lets_in(&server, person.phone, &who.password).await);
        assert!(happened(&server, before).await.is_empty());
        assert_eq!(
            server.messages_to(person.phone).await.len(),
            1,
            "the code, nothing else"
        );
    }
}

#[tokio::test]
async fn a_stopped_account_keeps_its_document() {
    let server = Server::start().await;
    server.freeze(&LI).await;
    let end = server
        .browser()
        .prove("/register", &Applicant::of(&LI))
        .await;
    assert_eq!(heading(&end), "This account is stopped");
    assert_eq!(server.recorded("account_registered").await, 0);
    assert_eq!(server.recorded("proof_lost").await, 0);
    server.unfreeze(&LI).await;
    assert!(Browser::lets_in(&server, LI.phone, LI.password).await);
}

#[tokio::test]
async fn a_number_that_was_handed_on_leaves_who_had_it_before() {
    let server = Server::start().await;
    let portal = server.portal().await;
    let sun = Applicant::new(2).with_phone(ZHANG.phone);
    server
        .authority
        .knows(&[&sun, &Applicant::of(&ZHANG).with_phone(&phone(70))]);
    let zhang = server.account_of(&ZHANG).await;
    let mut at_home = server.browser_of(&ZHANG);
    let tokens = portal.tokens(&mut at_home).await;
    assert_eq!(tokens.id_claims()["ial"], 2);
    let mut browser = server.browser();
    browser.register(&sun).await;
    // The level rested on that phone.
    assert_eq!(server.level_of(zhang).await, None);
    assert!(!at_home.is_logged_in().await);
    assert_refused(&portal.refresh(tokens.refresh()).await, "invalid_grant");
    assert_eq!(portal.userinfo(&tokens.access).await.status, 401);
    assert!(!Browser::lets_in(&server, ZHANG.phone, ZHANG.password).await);
    assert!(Browser::lets_in(&server, ZHANG.phone, &sun.password).await);
    assert!(Browser::lets_in(&server, ZHANG.document_number, ZHANG.password).await);
    // Told where they still are, not on the phone that is another's.
    let by_mail = server.messages_to(ZHANG.email).await;
    assert!(
        matches!(by_mail[..], [MessageText::PhoneLeft { .. }]),
        "{by_mail:?}"
    );
    let by_phone = server.messages_to(ZHANG.phone).await;
    assert!(
        !by_phone
            .iter()
            .any(|text| matches!(text, MessageText::PhoneLeft { .. }))
    );
    assert_eq!(happened(&server, zhang).await, [NoticeKind::PhoneLost]);
    let claims = portal.tokens(&mut at_home_by_document(&server).await).await;
    assert!(
        claims.id_claims()["ial"].is_null(),
        "{}",
        claims.id_claims()
    );
    assert_eq!(
        claims.id_claims()["sub"],
        tokens.id_claims()["sub"],
        "they are who they are"
    );
    let claims = portal.userinfo(&claims.access).await.json();
    assert!(claims["phone_number"].is_null(), "{claims}");
}

async fn at_home_by_document(server: &Server) -> Browser {
    let mut browser = server.browser();
    let page = browser.visit("/login").await;
    browser
        .type_in(&page, ZHANG.document_number, ZHANG.password)
        .await;
    browser
}

#[tokio::test]
async fn the_owner_of_a_family_phone_finds_a_place() {
    let shared = phone(50);
    let owner = Applicant::new(1).with_phone(&shared);
    let server = super::server_that_knows(&owner).await;
    let family: Vec<_> = (10..15)
        .map(|n| Applicant::new(n).with_phone(&shared))
        .collect();
    for one in &family {
        server.clock.advance(minutes(1));
        assert_eq!(server.import(&one.import_record(&[])).await, 1);
    }
    let sixth = Applicant::new(20).with_phone(&shared);
    server.browser().register(&owner).await;
    let mut levels = Vec::new();
    for one in &family {
        let account = server.holder_of(one).await.expect("an account");
        levels.push(server.level_of(account).await);
    }
    // Who confirmed it the longest ago has gone; the others share it with its owner.
    assert_eq!(
        levels,
        [
            None,
            Some(Ial::One),
            Some(Ial::One),
            Some(Ial::One),
            Some(Ial::One)
        ]
    );
    let oldest = server.holder_of(&family[0]).await.expect("an account");
    assert_eq!(happened(&server, oldest).await, [NoticeKind::PhoneLost]);
    let holder = server.holder_of(&owner).await.expect("an account");
    assert_eq!(server.level_of(holder).await, Some(Ial::Two));
    assert!(
        !Browser::lets_in(&server, &shared, &owner.password).await,
        "five share it"
    );
    assert!(Browser::lets_in(&server, &owner.document_number, &owner.password).await);
    // Whom the carrier does not name gets no place, whatever code came.
    let end = server.browser().prove("/register", &sixth).await;
    assert_eq!(heading(&end), "Your identity could not be verified");
}

#[tokio::test]
async fn an_operator_who_stops_the_holder_meanwhile_is_heeded() {
    let owner = Applicant::new(1);
    let server = super::server_that_knows(&owner).await;
    let squatter = owner.clone().with_phone(&phone(66));
    server.import(&squatter.import_record(&[])).await;
    let loser = server.holder_of(&owner).await.expect("the squatter");
    let mut browser = server.browser();
    let page = browser.apply("/register", &owner).await;
    let frozen = server.accounts.freeze(loser, operation()).await;
    frozen.expect("it was active");
    let end = browser.type_sent_code(&page, &owner.phone).await;
    assert_eq!(heading(&end), "This account is stopped");
    assert_eq!(server.holder_of(&owner).await, Some(loser));
}

/// The name was the document's: a portal that asked for it does not learn it from who lost that.
#[tokio::test]
async fn the_name_goes_with_the_last_document() {
    let owner = Applicant::new(1);
    let server = super::server_that_knows(&owner).await;
    let portal = server.portal().await;
    let squatter = owner
        .clone()
        .with_phone(&phone(66))
        .with_password("the squatter's own");
    server.import(&squatter.import_record(&[])).await;
    let loser = server.holder_of(&owner).await.expect("the squatter");
    let claims = squatters_claims(&server, (&portal, &squatter)).await;
    assert_eq!(claims["name"], *owner.name);
    server.browser().register(&owner).await;
    let claims = squatters_claims(&server, (&portal, &squatter)).await;
    assert!(claims["name"].is_null(), "{claims}");
    let left = server.accounts.profile(loser).await.expect("an answer");
    let (_, left) = left.expect("an account");
    assert!(left.name.is_none() && left.documents.is_empty());
}

/// What a portal learns of whoever logs in by the squatter's phone.
async fn squatters_claims(server: &Server, (portal, squatter): (&Portal, &Applicant)) -> Value {
    let request = portal.full_request();
    let mut browser = server.browser();
    let login = browser.visit(&request.url()).await;
    let consent = browser
        .type_in(&login, &squatter.phone, &squatter.password)
        .await;
    let answer = browser.press(&consent, &[], "consent-allow").await;
    let tokens = Tokens::of(&portal.redeem(&request.code(&answer)).await);
    portal.userinfo(&tokens.access).await.json()
}

/// A phone that the carrier says is theirs is theirs under each of their documents; somebody of
/// another name, of whom it says so later, takes it from both.
#[tokio::test]
async fn a_person_keeps_one_phone_under_two_documents() {
    let card = Applicant::new(1);
    let passport = card.clone().with_document("passport", "USA-123456789");
    let next = Applicant::new(2).with_phone(&card.phone);
    let server = super::server_that_knows(&card).await;
    server.authority.knows(&[&passport]);
    let mut at_home = server.browser();
    at_home.register(&card).await;
    server.browser().register(&passport).await;
    let mut accounts = Vec::new();
    for who in [&card, &passport] {
        let account = server.holder_of(who).await.expect("an account");
        assert_eq!(server.level_of(account).await, Some(Ial::Two));
        accounts.push(account);
    }
    assert_ne!(accounts[0], accounts[1]);
    assert!(at_home.is_logged_in().await, "nothing was lost");
    assert_eq!(server.recorded("proof_lost").await, 0);
    server.authority.knows(&[&next]);
    server.browser().register(&next).await;
    for account in accounts {
        assert_eq!(server.level_of(account).await, None);
    }
}

/// A phone that was not confirmed for half a year may be somebody else's, who is told nothing.
#[tokio::test]
async fn what_is_lost_is_told_to_no_phone_that_counts_no_more() {
    for (days, told) in [(179, 1), (181, 0)] {
        let owner = Applicant::new(1);
        let server = super::server_that_knows(&owner).await;
        let squatter = owner.clone().with_phone(&phone(66));
        server.import(&squatter.import_record(&[])).await;
        let loser = server.holder_of(&owner).await.expect("the squatter");
        server.clock.advance(minutes(days * 24 * 60));
        server.browser().register(&owner).await;
        assert_eq!(server.messages_to(&squatter.phone).await.len(), told);
        assert_eq!(happened(&server, loser).await, [NoticeKind::DocumentLost]);
    }
}

/// What is about the person of an account goes with it, sent or not.
#[tokio::test]
async fn messages_to_a_removed_person_leave_the_outbox() {
    let tells = |text: &MessageText| matches!(text, MessageText::AccountRegistered);
    let owner = Applicant::new(1);
    let server = super::server_that_knows(&owner).await;
    server.browser().register(&owner).await;
    assert!(server.messages_to(&owner.phone).await.iter().any(tells));
    let account = server.holder_of(&owner).await.expect("an account");
    let removed = server.accounts.remove(account, operation()).await;
    removed.expect("it is removed");
    let left = server.messages_to(&owner.phone).await;
    assert!(!left.iter().any(tells), "{left:?}");
}
