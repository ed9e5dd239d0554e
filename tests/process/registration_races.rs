//! Registrations at the same moment: of one document from many browsers, of many people with one
//! phone, and of a squatter, the owner and whoever recovers. All are answered, and what is left is
//! whole.

use crate::browser::{Browser, Page};
use crate::http::Http;
use crate::installation::{Installation, on_both};
use crate::outbox::Outbox;
use crate::people::Person;
use crate::server::Server;

const RACERS: usize = 8;

/// Everybody begins, one after another; then all type their codes at once. What each sees.
async fn race(
    (http, outbox): (&Http, &Outbox),
    racers: &[(&'static str, Person)],
) -> Vec<(Browser, Page)> {
    let mut ready = Vec::new();
    for (path, person) in racers {
        let before = outbox.codes(&person.phone).len();
        let mut browser = Browser::new(&http.apart());
        let page = browser.begin(path, person).await;
        let code = outbox.code(&person.phone, before + 1).await;
        ready.push((browser, page, code));
    }
    let racing = ready.into_iter().map(|(mut browser, page, code)| {
        tokio::spawn(async move {
            let page = browser.type_code(&page, &code).await.page();
            (browser, page)
        })
    });
    let mut seen = Vec::new();
    for racing in racing.collect::<Vec<_>>() {
        seen.push(racing.await.unwrap());
    }
    for (_, page) in &seen {
        assert!(page.answer.status < 500, "{page:?}");
    }
    seen
}

/// How many of a kind of rows there are.
async fn count(installation: &Installation, rows: &str) -> i64 {
    installation
        .number(&format!("SELECT COUNT(*) FROM {rows}"))
        .await
}

/// Starts a server that sends everybody a code.
async fn begin(installation: &mut Installation, codes: usize) -> (Server, Outbox) {
    for limit in ["phone", "document"] {
        installation.set(&format!("proofing.codes_per_{limit}"), &codes.to_string());
    }
    installation.migrate().await;
    (installation.serve().await, installation.outbox())
}

on_both! {
    async fn of_many_registrations_of_one_document_one_opens_an_account(installation: &mut Installation) {
        let person = Person::numbered(1);
        let _authority = installation.open_registration(std::slice::from_ref(&person));
        let (server, outbox) = begin(installation, RACERS).await;
        let racers = vec![("/register", person.clone()); RACERS];
        let seen = race((&server.http, &outbox), &racers).await;

        let (winners, others): (Vec<_>, Vec<_>) = seen.into_iter().partition(|(browser, _)| browser.is_logged_in());
        assert_eq!(winners.len(), 1);
        assert!(winners[0].1.has("account-logout"), "{:?}", winners[0].1);
        for (_, page) in &others {
            assert!(page.answer.body.contains("You already have an account"), "{page:?}");
            assert_eq!((page.link("/login"), page.link("/recover")), ("/login".into(), "/recover".into()));
        }
        for rows in [
            "accounts",
            "account_documents",
            "account_phones",
            "privacy_acknowledgments",
            "sessions",
            "challenges WHERE outcome = 'done'",
            "audit_events WHERE kind = 'account_registered'",
        ] {
            assert_eq!(count(installation, rows).await, 1, "{rows}");
        }
        let told = outbox.told(&person.phone, "is open").await;
        assert_eq!(told["code"], serde_json::Value::Null);
        server.stop().await;
    }

    async fn of_many_people_who_prove_one_phone_the_last_keeps_it(installation: &mut Installation) {
        // As when a carrier hands a number on, again and again.
        let phone = Person::numbered(0).phone;
        let people: Vec<Person> = (1..).take(RACERS).map(|index| Person { phone: phone.clone(), ..Person::numbered(index) }).collect();
        let _authority = installation.open_registration(&people);
        let (server, outbox) = begin(installation, RACERS).await;
        let racers: Vec<_> = people.iter().map(|person| ("/register", person.clone())).collect();
        race((&server.http, &outbox), &racers).await;

        let racers = i64::try_from(RACERS).unwrap();
        assert_eq!(count(installation, "accounts").await, racers);
        assert_eq!(count(installation, "account_documents").await, racers);
        assert_eq!(count(installation, "challenges WHERE outcome = 'done'").await, racers);
        assert_eq!(count(installation, "account_phones").await, 1);
        assert_eq!(count(installation, "account_notices WHERE kind = 'phone_lost'").await, racers - 1);
        let mut levels = Vec::new();
        for person in &people {
            let page = Browser::new(&server.http).log_in_as(&person.number, &person.password).await;
            assert!(!page.has("login-problem"), "{page:?}");
            let shown = installation.shown(person).await;
            let phones = shown["phone_numbers"].as_array().unwrap().len();
            levels.push((phones, shown["identity_assurance_level"].as_str().map(str::to_owned)));
        }
        levels.sort();
        let proven = (1, Some("urn:tongxing:ial:2".to_owned()));
        assert_eq!(levels.pop(), Some(proven), "who has the phone has the level");
        assert!(levels.iter().all(|lost| *lost == (0, None)), "{levels:?}");
        server.stop().await;
    }

    async fn an_owner_who_registers_and_recovers_at_once_gets_the_squatted_name_once(installation: &mut Installation) {
        let owner = Person::numbered(2);
        let squatter = Person { number: owner.number.clone(), ..Person::numbered(3) };
        let _authority = installation.open_registration(std::slice::from_ref(&owner));
        installation.migrate().await;
        installation.import(std::slice::from_ref(&squatter)).await;
        let (server, outbox) = begin(installation, RACERS).await;
        let racers: Vec<_> = (0..RACERS).map(|racer| {
            let path = if racer % 2 == 0 { "/register" } else { "/recover" };
            (path, owner.clone())
        }).collect();
        race((&server.http, &outbox), &racers).await;

        assert_eq!(count(installation, "accounts").await, 2);
        assert_eq!(count(installation, "account_documents").await, 1);
        assert_eq!(count(installation, "audit_events WHERE kind = 'account_registered'").await, 1);
        assert_eq!(count(installation, "audit_events WHERE kind = 'proof_lost'").await, 1);
        assert_eq!(count(installation, "challenges WHERE outcome IS NULL").await, 0);
        let recovered = count(installation, "challenges WHERE purpose = 'recovery' AND outcome = 'done'").await;
        assert_eq!(count(installation, "audit_events WHERE kind = 'account_recovered'").await, recovered);
        assert_eq!(count(installation, "credentials").await, 2);
        let shown = installation.shown(&owner).await;
        assert_eq!(shown["identity_assurance_level"], "urn:tongxing:ial:2", "{shown}");
        let page = Browser::new(&server.http).log_in_as(&owner.number, &owner.password).await;
        assert!(!page.has("login-problem"), "{page:?}");
        server.stop().await;
        let verified = installation.run(&["audit", "verify"]).await;
        assert_eq!(verified.code, Some(0), "{verified:?}");
    }
}
