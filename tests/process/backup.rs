//! Backup while a server runs, destruction, restore: everybody is as they were, and what was taken
//! away meanwhile stays taken.

use std::fs;

use serde_json::Value;

use crate::browser::{Arrival, Browser};
use crate::http::{Answer, Http};
use crate::installation::{Installation, on_both};
use crate::people::Person;
use crate::portal::{CALLBACK, Portal, Tokens, VERIFIER};

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

/// A confidential client keeps its refresh token.
async fn refreshed(http: &Http, portal: &Portal, tokens: &Tokens) -> Tokens {
    let answer = portal.refresh(http, &tokens.refresh).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let access = answer.json()["access_token"].as_str().unwrap().to_owned();
    Tokens {
        access,
        ..tokens.clone()
    }
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
            let refreshed = refreshed(&server.http, portal, tokens).await;
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
            .execute("INSERT INTO installation (name, value) VALUES ('restoring', 'loading')")
            .await;
        for command in [&["serve"][..], &["client", "list"], &["restore", &folder]] {
            let refused = installation.run(command).await;
            assert!(refused.failed_with_one_line().contains("half restored"), "{refused:?}");
        }
        installation.destroy().await;
        fs::write(installation.path("backup/accounts.ndjson"), "[]\n").unwrap();
        let refused = installation.run(&["restore", &folder]).await;
        assert!(refused.failed_with_one_line().contains("accounts.ndjson"), "{refused:?}");
        if installation.postgres_urls().is_empty() {
            assert!(!installation.path("tongxing.db").exists());
        }
    }
}

/// Somebody's browser after typing a name and a password: whether it is logged in.
async fn logs_in(http: &Http, person: &Person) -> bool {
    let mut browser = Browser::new(http);
    let page = browser.open("/login").await;
    drop(browser.log_in(&page, &person.phone, &person.password).await);
    browser.is_logged_in()
}

/// A public client: its refresh tokens rotate.
async fn add_public(installation: &Installation, name: &str) -> Portal {
    let mut metadata = Portal::metadata(name);
    metadata["token_endpoint_auth_method"] = "none".into();
    metadata["grant_types"] = serde_json::json!(["authorization_code", "refresh_token"]);
    let file = installation.write(&format!("{name}.json"), &metadata.to_string());
    let added = installation
        .run(&["client", "add", "--metadata", &file])
        .await;
    let mut added = added.json();
    added["client_secret"] = "".into();
    Portal::registered(&added)
}

/// What a public client posts.
async fn post_as(http: &Http, portal: &Portal, form: &[(&str, &str)]) -> Answer {
    let mut form = form.to_vec();
    form.push(("client_id", &portal.id));
    let url = format!("{}/oauth2/token", http.origin());
    http.send(http.posting(&url, &form))
        .await
        .expect("an answer")
}

async fn rotate(http: &Http, portal: &Portal, refresh: &str) -> Answer {
    let form = [("grant_type", "refresh_token"), ("refresh_token", refresh)];
    post_as(http, portal, &form).await
}

async fn exchange_as(http: &Http, portal: &Portal, code: &str, name: &str) -> Answer {
    let redirect_uri = format!("{CALLBACK}{name}");
    let form = [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", &redirect_uri),
        ("code_verifier", VERIFIER),
    ];
    post_as(http, portal, &form).await
}

async fn administer(installation: &Installation, command: &[&str]) {
    let change = ["--operator", "li", "--reason", "asked"];
    let done = installation.run(&[command, &change].concat()).await;
    assert_eq!(done.code, Some(0), "{done:?}");
}

async fn account_id(installation: &Installation, person: &Person) -> String {
    installation.shown(person).await["account_id"]
        .as_str()
        .unwrap()
        .to_owned()
}

on_both! {
    #[expect(clippy::too_many_lines, reason = "one story, told in the order in which it happens")]
    async fn what_was_taken_away_after_the_backup_stays_taken(installation: &mut Installation) {
        installation.migrate().await;
        let people: Vec<Person> = (0..7).map(Person::numbered).collect();
        let [stays, frozen, removed, leaves, withdraws, released, recovers] = &people[..] else {
            unreachable!()
        };
        // Somebody's number with one's own phone; the owner comes later.
        let owner = Person::numbered(20);
        let squatter = Person {
            name: owner.name.clone(),
            number: owner.number.clone(),
            ..Person::numbered(21)
        };
        let _authority = installation.open_registration(&[owner.clone(), recovers.clone()]);
        installation.import(&people[..6]).await;
        installation.import(std::slice::from_ref(&squatter)).await;
        let one = installation.add_portal("one").await;
        let two = installation.add_portal("two").await;
        let public = add_public(installation, "three").await;
        let four = installation.add_portal("four").await;
        let ids = [
            account_id(installation, frozen).await,
            account_id(installation, removed).await,
            account_id(installation, released).await,
        ];
        let (server, outbox) = (installation.serve().await, installation.outbox());
        let http = &server.http;
        let mut at_one = Vec::new();
        for person in [stays, frozen, removed, leaves, withdraws, &squatter] {
            at_one.push(Resident::enters(http, &one, person).await);
        }
        let mut registered = Browser::new(http);
        registered.prove("/register", recovers, (&outbox, 0)).await.page();
        assert!(registered.is_logged_in());
        let at_two = Resident::enters(http, &two, stays).await;
        let subject_then = subject(http, &one, &at_one[0].tokens).await;
        let code = at_one[0].browser.enter(&public, stays).await.code();
        let rotating = exchange_as(http, &public, &code, "three").await.json()["refresh_token"].clone();
        let at_four = Resident::enters(http, &four, stays).await;
        administer(installation, &["account", "freeze", &ids[2]]).await;
        let issued = at_one[0].browser.enter(&one, stays).await.code();
        let unused = at_one[0].browser.enter(&one, stays).await.code();

        let folder = back_up(installation, "backup").await;

        one.tokens(http, &issued).await;
        let rotating = rotating.as_str().unwrap();
        let rotated = rotate(http, &public, rotating).await;
        assert_eq!(rotated.status, 200, "{rotated:?}");
        administer(installation, &["account", "freeze", &ids[0]]).await;
        administer(installation, &["account", "remove", &ids[1]]).await;
        administer(installation, &["account", "unfreeze", &ids[2]]).await;
        administer(installation, &["client", "suspend", &two.id]).await;
        let account = at_one[0].browser.open("/account").await;
        // The portal entered last is the first.
        at_one[0].browser.submit(&account.form_with("withdraw-1"), &[]).await.page();
        let page = at_one[3].browser.open("/logout").await;
        at_one[3].browser.submit(&page, &[("decision", "confirm")]).await;
        let given_back = [("token", at_one[4].tokens.refresh.as_str())];
        assert_eq!(one.post(http, "/oauth2/revoke", &given_back).await.status, 200);
        Browser::new(http).prove("/register", &owner, (&outbox, 0)).await.page();
        let mut renewed = recovers.clone();
        renewed.password = "another long password, since the first was seen".to_owned();
        let mut recovering = Browser::new(http);
        recovering.prove("/recover", &renewed, (&outbox, 1)).await.page();
        assert!(logs_in(http, &renewed).await);
        let late = installation.add_portal("late").await;
        server.stop().await;

        installation.destroy().await;
        let told = installation.run(&["restore", &folder]).await.json();
        let again = &told["taken_away_again"];
        assert_eq!(again["removed"], 1, "{told}");
        assert_eq!(again["sessions"], 1, "{told}");
        assert_eq!(again["authorizations"], 1, "{told}");
        assert_eq!(again["grants"], 1, "{told}");
        assert_eq!(told["accounts_without_key"], 0, "{told}");
        let server = installation.serve().await;
        let http = &server.http;

        // Those to whom nothing happened.
        assert!(at_one[0].is_logged_in(http, &one).await);
        let refreshed = refreshed(http, &one, &at_one[0].tokens).await;
        assert_eq!(subject(http, &one, &refreshed).await, subject_then);
        assert_eq!(late.client_credentials(http).await.status, 200, "clients have their last record");
        // What was used up, or may have been.
        for code in [&issued, &unused] {
            assert_eq!(one.exchange(http, code).await.status, 400);
        }
        for token in [rotating, rotated.json()["refresh_token"].as_str().unwrap()] {
            let refused = rotate(http, &public, token).await;
            assert_eq!(refused.status, 400, "{refused:?}");
        }
        // What was taken away.
        for (resident, is_known) in at_one[1..].iter_mut().zip([true, false, true, true, true]) {
            let is_over = resident.person.phone != withdraws.phone;
            assert_eq!(resident.is_logged_in(http, &one).await, !is_over, "{:?}", resident.person);
            // A family goes on after a logout of its own session, as it does without a restore.
            if resident.person.phone != leaves.phone {
                let refused = one.refresh(http, &resident.tokens.refresh).await;
                assert_eq!(refused.status, 400, "{refused:?}");
            }
            let is_stopped = resident.person.phone == frozen.phone || !is_known;
            assert_eq!(logs_in(http, &resident.person).await, !is_stopped, "{:?}", resident.person);
        }
        assert_eq!(four.refresh(http, &at_four.tokens.refresh).await.status, 400);
        assert!(!at_one[0].is_logged_in(http, &four).await, "it has to ask for a new consent");
        assert_eq!(two.refresh(http, &at_two.tokens.refresh).await.status, 401);
        assert!(logs_in(http, released).await, "the last state wins");
        assert!(!logs_in(http, recovers).await, "a password from before the recovery");
        assert_eq!(installation.run(&["client", "show", &two.id]).await.json()["status"], "suspended");
        // The document is nobody's, and its owner may register again.
        let number = installation.write("number", &owner.number);
        let shown = installation.run(&["account", "show", "--document-number-file", &number]).await;
        assert!(shown.failed_with_one_line().contains("no such account"), "{shown:?}");
        Browser::new(http).prove("/register", &owner, (&outbox, 1)).await.page();
        assert!(logs_in(http, &owner).await);
        Browser::new(http).prove("/recover", &renewed, (&outbox, 2)).await.page();
        assert!(logs_in(http, &renewed).await);
        server.stop().await;
        let report = installation.run(&["audit", "verify"]).await.json();
        assert_eq!(report["ok"], true, "{report}");
    }
}

/// PostgreSQL's own means do the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_put_back_by_other_means_is_not_served_before_the_replay() {
    let installation = &Installation::sqlite();
    installation.migrate().await;
    let portal = installation.add_portal("one").await;
    let copy = |from: &str, to: &str| {
        fs::copy(installation.path(from), installation.path(to)).unwrap();
    };
    copy("tongxing.db", "yesterday.db");
    administer(installation, &["client", "suspend", &portal.id]).await;
    copy("yesterday.db", "tongxing.db");
    for command in [&["serve"][..], &["client", "list"]] {
        let refused = installation.run(command).await;
        let line = refused.failed_with_one_line();
        assert!(line.contains("tongxing restore --replay"), "{refused:?}");
    }
    let told = installation.run(&["restore", "--replay"]).await.json();
    assert_eq!(told["taken_away_again"]["clients"], 1, "{told}");
    let server = installation.serve().await;
    assert_eq!(portal.client_credentials(&server.http).await.status, 401);
    server.stop().await;
}
