//! Residents register like anybody with a browser without JavaScript: a form, a code from their
//! phone, a check by the authority. And what operators see and do of it.

use crate::browser::{Browser, Page};
use crate::installation::{Installation, on_both};
use crate::outbox::Outbox;
use crate::people::Person;
use crate::portal::Portal;
use crate::server::Server;

/// The identity assurance levels.
const L1: &str = "urn:tongxing:ial:1";
const L2: &str = "urn:tongxing:ial:2";

on_both! {
    async fn a_resident_registers_on_the_way_to_a_portal_and_enters_it(installation: &mut Installation) {
        installation.migrate().await;
        let person = Person::numbered(1);
        let _authority = installation.open_registration(std::slice::from_ref(&person));
        let portals = [
            installation.add_portal("one").await,
            installation.add_portal("two").await,
        ];
        let (server, outbox) = (installation.serve().await, installation.outbox());
        let http = &server.http;

        let mut browser = Browser::new(http);
        let url = portals[0].authorization_url(http.origin());
        let login = browser.go(&url, None).await.page();
        let form = login.link("/register");
        let form = browser.absolute(&login.url, &form);
        let form = browser.go(&form, None).await.page();
        let page = browser.apply(&form, &person).await.page();
        let code = outbox.code(&person.phone, 1).await;
        let consent = browser.type_code(&page, &code).await.page();
        assert!(consent.has("consent-allow"), "{consent:?}");
        let first = browser.submit(&consent, &[("decision", "allow")]).await.code();
        let tokens = portals[0].tokens(http, &first).await;
        let about = portals[0].userinfo(http, &tokens.access).await.json();
        assert_eq!((&about["name"], &about["phone_number"]), (&person.name.as_str().into(), &person.phone.as_str().into()));

        // Another portal, without a login; later with the password.
        browser.enter(&portals[1], &person).await.code();
        Browser::new(http).enter(&portals[1], &person).await.code();
        let account = browser.open("/account").await;
        assert!(account.has("account-logout"), "{account:?}");
        assert!(!account.answer.body.contains(&person.number), "masked");
        let told = outbox.told(&person.phone, "[Tongxing]").await;
        assert_eq!((&told["channel"], told["code"].as_str()), (&"sms".into(), Some(code.as_str())));
        outbox.told(&person.phone, "account").await;

        let shown = installation.shown(&person).await;
        assert_eq!(shown["identity_assurance_level"], L2, "{shown}");
        assert_eq!(shown["status"], "active");
        let methods = ["confirmed_phone", "three_elements"];
        let checks = shown["checks"].as_array().unwrap();
        assert!(checks.len() == methods.len(), "{shown}");
        server.stop().await;
        let verified = installation.run(&["audit", "verify"]).await;
        assert_eq!(verified.code, Some(0), "{verified:?}");
    }

    async fn the_owner_of_a_name_takes_it_back_from_a_squatter(installation: &mut Installation) {
        installation.migrate().await;
        let owner = Person::numbered(2);
        // Somebody else's name and number with one's own phone, password and address.
        let squatter = Person {
            name: owner.name.clone(),
            number: owner.number.clone(),
            ..Person::numbered(3)
        };
        let _authority = installation.open_registration(std::slice::from_ref(&owner));
        installation.import(std::slice::from_ref(&squatter)).await;
        let portal = installation.add_portal("one").await;
        let (server, outbox) = (installation.serve().await, installation.outbox());
        let http = &server.http;
        let mut squatting = Browser::new(http);
        let code = squatting.enter(&portal, &squatter).await.code();
        let stolen = portal.tokens(http, &code).await;
        let before = installation.shown(&squatter).await;
        assert_eq!(before["identity_assurance_level"], L1, "{before}");

        let mut browser = Browser::new(http);
        let account = browser.prove("/register", &owner, (&outbox, 0)).await.page();
        assert!(account.has("account-logout"), "{account:?}");
        let after = installation.shown(&owner).await;
        assert_ne!(after["account_id"], before["account_id"]);
        assert_eq!(after["identity_assurance_level"], L2, "{after}");
        assert_eq!(after["phone_numbers"], serde_json::json!([masked(&owner)]));

        what_is_left_of_the_squatter(installation, (&before, &squatter)).await;
        crate::server::within(std::time::Duration::from_secs(2), "nothing rests on it", async || {
            let alive = portal.is_active(http, &stolen.access).await;
            (!alive).then_some(())
        })
        .await;
        assert_eq!(portal.refresh(http, &stolen.refresh).await.status, 400);
        let page = squatting.open("/account").await;
        assert!(page.has("login-submit"), "the login is over: {page:?}");
        outbox.told(&squatter.phone, "证件").await;
        outbox.told(&squatter.email, "证件").await;
        // With the number it is the owner's password that counts.
        let page = Browser::new(http).log_in_as(&squatter.number, &squatter.password).await;
        assert!(page.has("login-problem"), "{page:?}");
        let page = Browser::new(http).log_in_as(&owner.number, &owner.password).await;
        assert!(!page.has("login-problem"), "{page:?}");
        // And with one's own phone nobody takes it again.
        let page = Browser::new(http).prove("/register", &squatter, (&outbox, 0)).await.page();
        assert_eq!(page.link("/register"), "/register", "begin again: {page:?}");
        assert_eq!(installation.shown(&owner).await["account_id"], after["account_id"]);
        server.stop().await;
    }

    async fn a_frozen_account_is_neither_recovered_nor_registered_again(installation: &mut Installation) {
        installation.migrate().await;
        let person = Person::numbered(4);
        let _authority = installation.open_registration(std::slice::from_ref(&person));
        let (server, outbox) = (installation.serve().await, installation.outbox());
        let mut browser = Browser::new(&server.http);
        browser.prove("/register", &person, (&outbox, 0)).await.page();
        assert!(browser.is_logged_in());

        let number = installation.write("number", &person.number);
        let freeze = ["account", "freeze", "--document-number-file", &number];
        let frozen = installation.run(&freeze).await.json();
        assert_eq!(frozen["status"], "frozen");
        assert_eq!(frozen["account_id"], installation.shown(&person).await["account_id"]);
        let page = browser.open("/account").await;
        assert!(page.has("login-submit"), "the login is over: {page:?}");
        for (codes, path) in [(1, "/recover"), (2, "/register")] {
            let mut browser = Browser::new(&server.http);
            let page = browser.prove(path, &person, (&outbox, codes)).await.page();
            assert!(!browser.is_logged_in());
            assert!(page.answer.body.contains("This account is stopped"), "{page:?}");
        }
        assert_eq!(installation.shown(&person).await["status"], "frozen");

        let unfreeze = ["account", "unfreeze", "--document-number-file", &number];
        assert_eq!(installation.run(&unfreeze).await.json()["status"], "active");
        let mut renewed = person.clone();
        renewed.password = "something else entirely".to_owned();
        let mut browser = Browser::new(&server.http);
        browser.prove("/recover", &renewed, (&outbox, 3)).await.page();
        assert!(browser.is_logged_in());
        let page = Browser::new(&server.http).log_in_as(&person.phone, &person.password).await;
        assert!(page.has("login-problem"), "the old password: {page:?}");
        let page = Browser::new(&server.http).log_in_as(&person.phone, &renewed.password).await;
        assert!(!page.has("login-problem"), "{page:?}");
        server.stop().await;
    }

    async fn limits_are_kept_over_a_restart_and_are_the_same_for_known_and_unknown(installation: &mut Installation) {
        for limit in ["phone", "document"] {
            installation.set(&format!("proofing.codes_per_{limit}"), "2");
        }
        installation.migrate().await;
        let people: Vec<Person> = (5..9).map(Person::numbered).collect();
        let _authority = installation.open_registration(&people);
        installation.import(&people[..2]).await;
        let (mut server, outbox) = (installation.serve().await, installation.outbox());
        let mut answers = Vec::new();
        for killed in [false, true] {
            for (known, other) in [(0, 1), (2, 3)] {
                answers.push(limited((&server, &outbox), (&people[known], &people[other]), killed).await);
            }
            if !killed {
                server.kill();
                server = installation.serve().await;
            }
        }
        assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
        server.stop().await;
    }
}

/// How an account looks that lost its document: another document it has none, its phone is its own.
async fn what_is_left_of_the_squatter(
    installation: &Installation,
    (before, squatter): (&serde_json::Value, &Person),
) {
    let id = before["account_id"].as_str().unwrap();
    let left = installation.run(&["account", "show", id]).await.json();
    assert_eq!(left["documents"], serde_json::json!([]), "{left}");
    assert_eq!(left["phone_numbers"], serde_json::json!([masked(squatter)]));
    assert_eq!(left["status"], "active");
    assert_eq!(left["identity_assurance_level"], L1, "{left}");
    assert_eq!(left["checks"].as_array().unwrap().len(), 1, "{left}");
}

fn masked(person: &Person) -> String {
    let national = &person.phone[3..];
    format!("{}****{}", &national[..3], &national[7..])
}

/// Asks for codes until none is sent: the first two are, unless that was before a restart. What
/// the refusals look like, for a limit of the phone and one of the document.
async fn limited(
    (server, outbox): (&Server, &Outbox),
    (person, other): (&Person, &Person),
    before: bool,
) -> Vec<(u16, bool, String)> {
    let mut browser = Browser::new(&server.http);
    if !before {
        for _ in 0..2 {
            browser.begin("/register", person).await;
        }
        outbox.code(&person.phone, 2).await;
    }
    let same_phone = Person {
        number: other.number.clone(),
        ..person.clone()
    };
    let same_document = Person {
        phone: other.phone.clone(),
        ..person.clone()
    };
    let mut refusals = Vec::new();
    for person in [person, &same_phone, &same_document] {
        for path in ["/register", "/recover"] {
            let form = browser.open(path).await;
            let Page { answer, .. } = browser.apply(&form, person).await.page();
            let wait: u64 = answer.header("retry-after").unwrap().parse().unwrap();
            let text = answer.body.split("role=\"alert\"").nth(1).unwrap();
            let text = text.split("</div>").next().unwrap().to_owned();
            refusals.push((answer.status, (3_400..=3_600).contains(&wait), text));
        }
    }
    assert!(
        refusals
            .iter()
            .all(|(status, hour, _)| (*status, *hour) == (429, true)),
        "{refusals:?}"
    );
    assert_eq!(outbox.codes(&person.phone).len(), 2);
    assert_eq!(outbox.codes(&other.phone).len(), 0);
    refusals
}

impl Browser {
    /// Logs in at the provider itself.
    pub(crate) async fn log_in_as(&mut self, name: &str, password: &str) -> Page {
        let page = self.open("/login").await;
        self.log_in(&page, name, password).await.page()
    }
}

#[tokio::test]
async fn an_authority_without_a_way_to_send_codes_is_refused_in_one_line() {
    let mut installation = Installation::sqlite();
    installation.set("authority.url", "http://127.0.0.1:9");
    for command in ["check-config", "serve"] {
        let refused = installation.run(&[command]).await;
        let line = refused.failed_with_one_line();
        assert!(
            line.contains("authority.url") && line.contains("notification.outbox"),
            "{line}"
        );
    }
    installation.set("notification.outbox", "outbox.ndjson");
    assert_eq!(installation.run(&["check-config"]).await.code, Some(0));
}

#[tokio::test]
async fn without_an_authority_nobody_is_asked_to_register() {
    let installation = Installation::sqlite();
    installation.migrate().await;
    let portal: Portal = installation.add_portal("one").await;
    let server = installation.serve().await;
    let mut browser = Browser::new(&server.http);
    let url = portal.authorization_url(server.http.origin());
    let login = browser.go(&url, None).await.page();
    assert!(!login.answer.body.contains("/register"), "{login:?}");
    for path in ["/register", "/recover"] {
        let page = browser.open(path).await;
        assert_eq!(page.answer.status, 404, "{page:?}");
        assert_eq!(page.link("/login"), "/login");
    }
    server.stop().await;
}
