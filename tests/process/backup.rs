//! Backup while a server runs, destruction, restore: everybody is as they were, and what was taken
//! away meanwhile stays taken.

use std::fs;

use serde_json::Value;

use crate::browser::{Arrival, Browser};
use crate::http::Http;
use crate::installation::{Installation, on_both};
use crate::people::Person;
use crate::portal::{Portal, Tokens};

/// A person with a login and tokens of a portal.
struct Resident {
    person: Person,
    browser: Browser,
    tokens: Tokens,
}

impl Resident {
    async fn enters(http: &Http, portal: &Portal, person: &Person) -> Self {
        let mut browser = Browser::new(http);
        let code = browser.enter(portal, person).await.code();
        Self {
            person: person.clone(),
            tokens: portal.tokens(http, &code).await,
            browser,
        }
    }

    /// Whether the browser is logged in: a portal gets its code without a question.
    async fn is_logged_in(&mut self, http: &Http, portal: &Portal) -> bool {
        let url = portal.authorization_url(http.origin());
        matches!(self.browser.go(&url, None).await, Arrival::Portal(_))
    }
}

async fn subject(http: &Http, portal: &Portal, tokens: &Tokens) -> Value {
    portal.userinfo(http, &tokens.access).await.json()["sub"].clone()
}

async fn back_up(installation: &Installation, name: &str) -> String {
    let folder = installation.path(name).to_str().unwrap().to_owned();
    let saved = installation.run(&["backup", &folder]).await.json();
    assert!(saved["rows"].as_u64().unwrap() > 0, "{saved}");
    folder
}

on_both! {
    async fn everybody_is_as_they_were_after_destruction_and_restore(installation: &mut Installation) {
        installation.migrate().await;
        let people: Vec<Person> = (1..4).map(Person::numbered).collect();
        installation.import(&people).await;
        let (one, two) = (installation.add_portal("one").await, installation.add_portal("two").await);
        let server = installation.serve().await;
        let mut resident = Resident::enters(&server.http, &one, &people[0]).await;
        let code = resident.browser.enter(&two, &people[0]).await.code();
        let at_two = two.tokens(&server.http, &code).await;
        let subjects = [
            subject(&server.http, &one, &resident.tokens).await,
            subject(&server.http, &two, &at_two).await,
        ];
        assert_ne!(subjects[0], subjects[1]);

        let folder = back_up(installation, "backup").await;
        let again = installation.run(&["backup", &folder]).await;
        assert!(again.failed_with_one_line().contains("is not empty"));
        let refused = installation.run(&["restore", &folder]).await;
        assert!(refused.failed_with_one_line().contains("is not empty"));
        server.stop().await;

        installation.destroy().await;
        let restored = installation.run(&["restore", &folder]).await.json();
        assert_eq!(restored["key_store"], "kept");
        let server = installation.serve().await;
        assert!(resident.is_logged_in(&server.http, &one).await);
        assert!(resident.is_logged_in(&server.http, &two).await);
        for (portal, tokens, subject_then) in [
            (&one, &resident.tokens, &subjects[0]),
            (&two, &at_two, &subjects[1]),
        ] {
            assert_eq!(&subject(&server.http, portal, tokens).await, subject_then);
            let refreshed = Tokens::of(&portal.refresh(&server.http, &tokens.refresh).await);
            assert_eq!(&subject(&server.http, portal, &refreshed).await, subject_then);
        }
        let newcomer = Resident::enters(&server.http, &one, &people[1]).await;
        assert_eq!(newcomer.person.number, people[1].number);
        server.stop().await;
        let report = installation.run(&["audit", "verify"]).await.json();
        assert_eq!(report["ok"], true, "{report}");
    }

    async fn what_is_half_restored_is_not_served(installation: &mut Installation) {
        installation.migrate().await;
        installation.import(&[Person::numbered(1)]).await;
        let folder = back_up(installation, "backup").await;
        installation.destroy().await;
        installation.migrate().await;
        installation
            .execute("INSERT INTO installation (name, value) VALUES ('restoring', 'begun')")
            .await;
        for command in [&["serve"][..], &["client", "list"], &["restore", &folder]] {
            let refused = installation.run(command).await;
            assert!(refused.failed_with_one_line().contains("half restored"), "{refused:?}");
        }
        installation.destroy().await;
        fs::write(installation.path("backup/accounts.ndjson"), "[]\n").unwrap();
        let refused = installation.run(&["restore", &folder]).await;
        assert!(refused.failed_with_one_line().contains("accounts.ndjson"), "{refused:?}");
    }
}
