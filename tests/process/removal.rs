//! `account remove`: out within a second, gone from every file, and opened by nobody any more: not
//! with the database of yesterday, the master key and the key store of today.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tongxing::crypto::custody::MasterKey;
use tongxing::crypto::entropy::SystemEntropy;
use tongxing::domain::clock::SystemClock;
use tongxing::domain::secret::Secret;
use tongxing::ledger::vault::{Bucket, Vault};
use tongxing::storage::database::{DatabaseUrl, Options};
use tongxing::storage::migrations::VAULT;
use tongxing::storage::{Storage, vault};

use crate::browser::Browser;
use crate::http::Http;
use crate::installation::{Installation, on_both};
use crate::people::Person;
use crate::portal::{Portal, Tokens};
use crate::server::within;

const SECOND: Duration = Duration::from_secs(1);
const CHANGE: [&str; 4] = ["--operator", "li", "--reason", "asked"];
const MASTER_KEY: &str = "6d6173746572206b6579206f66207468652072656d6f76616c20746573742e2e";

/// What is stored of an account, as a thief or an old backup has it.
struct Kept {
    id: String,
    bucket: i64,
    version: i64,
    wrapped: String,
    profile: String,
}

impl Kept {
    async fn of(installation: &Installation, id: &str) -> Self {
        let column = |name: &str| format!("SELECT {name} FROM accounts WHERE account_id = '{id}'");
        Self {
            id: id.to_owned(),
            bucket: installation.number(&column("key_bucket")).await,
            version: installation.number(&column("key_version")).await,
            wrapped: installation.text(&column("wrapped_key")).await,
            profile: installation.text(&column("profile")).await,
        }
    }

    /// Its profile, if any key of the key store opens it.
    async fn open(&self, store: &Storage) -> Option<String> {
        let master = MasterKey::from_text(&Secret::new(MASTER_KEY.to_owned())).unwrap();
        let (clock, entropy) = (Arc::new(SystemClock), Arc::new(SystemEntropy));
        let vault = Vault::open(store.clone(), Arc::new(master), clock, entropy);
        let vault = vault.await.unwrap();
        let bucket = Bucket::new(u16::try_from(self.bucket).unwrap());
        for (version, _) in self.stored_keys(store).await {
            let key = vault.key(bucket, version).await.unwrap();
            let context = format!("account_keys:{}", self.id);
            if let Some(key) = key.unwrap_key(&context, &self.wrapped) {
                let profile = key.open(&format!("profiles:{}", self.id), &self.profile);
                return Some(String::from_utf8(profile.unwrap().to_vec()).unwrap());
            }
        }
        None
    }

    /// The keys of its bucket in the key store: versions, and how they lie there.
    async fn stored_keys(&self, store: &Storage) -> Vec<(i64, String)> {
        let mut reader = store.reader().await.unwrap();
        let rows = vault::keys_of(&mut reader, &[self.bucket]).await.unwrap();
        rows.into_iter()
            .map(|row| (row.version, row.wrapped))
            .collect()
    }
}

/// The key store, opened from outside.
async fn store(installation: &Installation) -> Storage {
    let url = match installation.postgres_urls().get(1) {
        Some(url) => url.parse().unwrap(),
        None => DatabaseUrl::sqlite(&installation.path("vault.db")),
    };
    Storage::open(&url, &VAULT, Options::default())
        .await
        .unwrap()
}

async fn subject(portal: &Portal, http: &Http, tokens: &Tokens) -> String {
    let about = portal.userinfo(http, &tokens.access).await.json();
    about["sub"].as_str().unwrap().to_owned()
}

/// What only the removed account's rows had in them.
async fn traces(installation: &Installation, kept: &Kept) -> Vec<String> {
    let mut traces = vec![kept.wrapped.clone(), kept.profile.clone()];
    for (column, table) in [
        ("document_key", "account_documents"),
        ("phone_key", "account_phones"),
        ("secret", "credentials"),
        ("secret_hash", "sessions"),
        ("subject", "subjects"),
    ] {
        let of = format!(
            "SELECT {column} FROM {table} WHERE account_id = '{}'",
            kept.id
        );
        traces.push(installation.text(&of).await);
    }
    traces
}

/// Which traces are in some file or table.
async fn found(installation: &Installation, traces: &[String]) -> Vec<String> {
    let mut found = Vec::new();
    for (place, bytes) in installation.everything_stored().await {
        for trace in traces {
            let is_here = bytes
                .windows(trace.len())
                .any(|window| window == trace.as_bytes());
            if is_here {
                found.push(format!("{trace} in {place}"));
            }
        }
    }
    found
}

/// Somebody who had entered a portal.
struct Entered<'a> {
    portal: &'a Portal,
    person: &'a Person,
    tokens: &'a Tokens,
}

impl Entered<'_> {
    async fn is_out_within_a_second(&self, http: &Http, browser: Browser) {
        let Self {
            portal,
            person,
            tokens,
        } = self;
        within(SECOND, "everything of it is refused", async || {
            let (userinfo, refresh) = tokio::join!(
                portal.userinfo(http, &tokens.access),
                portal.refresh(http, &tokens.refresh),
            );
            (userinfo.status == 401 && refresh.status == 400).then_some(())
        })
        .await;
        assert!(!portal.is_active(http, &tokens.access).await);
        for mut browser in [browser, Browser::new(http)] {
            for name in [&person.phone, &person.number] {
                let url = portal.authorization_url(http.origin());
                let page = browser.go(&url, None).await.page();
                let page = browser.log_in(&page, name, &person.password).await.page();
                assert!(page.has("login-problem"), "{page:?}");
            }
        }
    }
}

/// What commands say of it from now on.
async fn it_stays_removed(installation: &Installation, person: &Person, removed: &Value) {
    let id = removed["account_id"].as_str().unwrap();
    let again = [&["account", "remove", id][..], &CHANGE].concat();
    for command in [&["account", "show", id][..], &again] {
        let shown = installation.run(command).await;
        assert_eq!(&shown.json(), removed, "{command:?}");
        assert!(!shown.stdout.contains(&person.number[6..14]), "{shown:?}");
    }
    let number = installation.write("number", &person.number);
    let by_number = ["account", "show", "--document-number-file", &number];
    for command in [&by_number[..], &["account", "freeze", id]] {
        installation.run(command).await.failed_with_one_line();
    }
    let recorded = "SELECT COUNT(*) FROM audit_events WHERE kind = 'account_removed' \
                    AND detail LIKE '%\"li\"%' AND detail LIKE '%\"asked\"%'";
    assert_eq!(installation.number(recorded).await, 1);
}

async fn account_id(installation: &Installation, person: &Person) -> String {
    let number = installation.write("number", &person.number);
    let command = ["account", "show", "--document-number-file", &number];
    let shown = installation.run(&command).await.json();
    shown["account_id"].as_str().unwrap().to_owned()
}

on_both! {
    async fn a_removed_account_is_out_within_a_second_and_opened_by_nobody_any_more(installation: &mut Installation) {
        installation.set("vault.master_key", MASTER_KEY);
        installation.migrate().await;
        let (person, other) = (Person::numbered(60), Person::numbered(61));
        installation.import(&[person.clone(), other.clone()]).await;
        let portal = installation.add_portal("one").await;
        let server = installation.serve().await;
        let http = &server.http;
        let mut browser = Browser::new(http);
        let code = browser.enter(&portal, &person).await.code();
        let tokens = portal.tokens(http, &code).await;
        let old_subject = subject(&portal, http, &tokens).await;
        let id = account_id(installation, &person).await;
        let store = store(installation).await;
        let kept = Kept::of(installation, &id).await;
        let opened = kept.open(&store).await.expect("it is as a thief would do it");
        assert!(opened.contains(&person.name) && opened.contains(&person.number));
        let old_keys = kept.stored_keys(&store).await;
        let traces = traces(installation, &kept).await;
        assert!(!found(installation, &traces).await.is_empty(), "they are found while they are there");

        let number = installation.write("number", &person.number);
        let removal = ["account", "remove", "--document-number-file", &number];
        let unnamed = installation.run(&removal).await;
        assert_eq!(unnamed.code, Some(2), "who and why has to be said: {unnamed:?}");
        let done = installation.run(&[&removal[..], &CHANGE].concat()).await;
        let entered = Entered { portal: &portal, person: &person, tokens: &tokens };
        entered.is_out_within_a_second(http, browser).await;

        let removed = done.json();
        assert!(done.stderr.contains("backups"), "{done:?}");
        says_removed(&removed, &id);
        assert_eq!(kept.open(&store).await, None);
        let new_keys = kept.stored_keys(&store).await;
        assert_eq!(new_keys.len(), 1);
        assert!(old_keys.iter().all(|old| !new_keys.contains(old)));
        let mut traces = traces;
        traces.extend(old_keys.into_iter().map(|(_, wrapped)| wrapped));
        assert_eq!(found(installation, &traces).await, Vec::<String>::new());

        it_stays_removed(installation, &person, &removed).await;

        // Whoever it was may come again, and is somebody else then.
        installation.import(std::slice::from_ref(&person)).await;
        assert_ne!(account_id(installation, &person).await, id);
        let code = Browser::new(http).enter(&portal, &person).await.code();
        let tokens = portal.tokens(http, &code).await;
        assert_ne!(subject(&portal, http, &tokens).await, old_subject);
        Browser::new(http).enter(&portal, &other).await.code();
        assert_eq!(kept.open(&store).await, None);
        store.close().await;
        server.stop().await;
        assert_eq!(found(installation, &[kept.wrapped, kept.profile]).await, Vec::<String>::new());
        let verified = installation.run(&["audit", "verify"]).await;
        assert_eq!(verified.code, Some(0), "{verified:?}");
    }

    async fn a_server_finishes_a_removal_that_was_cut_off(installation: &mut Installation) {
        installation.set("vault.master_key", MASTER_KEY);
        installation.migrate().await;
        let person = Person::numbered(62);
        installation.import(std::slice::from_ref(&person)).await;
        let portal = installation.add_portal("one").await;
        let id = account_id(installation, &person).await;
        let (store, kept) = (store(installation).await, Kept::of(installation, &id).await);
        // Another of the same bucket, whose command was killed right after its first step.
        let cut_off = format!(
            "INSERT INTO erasures (account_id, key_bucket, key_version, removed_at) \
             SELECT 'acc_00000000000000000000000001', key_bucket, key_version, 1 FROM accounts \
              WHERE account_id = '{id}'"
        );
        installation.execute(&cut_off).await;
        let server = installation.serve().await;
        within(Duration::from_secs(20), "it is finished", async || {
            let pending = "SELECT COUNT(*) FROM erasures WHERE key_replaced_at IS NULL";
            (installation.number(pending).await == 0).then_some(())
        })
        .await;
        assert_eq!(kept.open(&store).await, None, "what was kept of a neighbor, either");
        let now = Kept::of(installation, &id).await;
        assert_eq!((now.version, now.profile == kept.profile), (kept.version + 1, true));
        assert!(now.open(&store).await.unwrap().contains(&person.number));
        let code = Browser::new(&server.http).enter(&portal, &person).await.code();
        let tokens = portal.tokens(&server.http, &code).await;
        let about = portal.userinfo(&server.http, &tokens.access).await.json();
        assert_eq!(about["name"], person.name);
        let shown = installation.run(&["account", "show", "acc_00000000000000000000000001"]).await;
        says_removed(&shown.json(), "acc_00000000000000000000000001");
        store.close().await;
        server.stop().await;
    }
}

#[track_caller]
fn says_removed(removed: &Value, id: &str) {
    let members: Vec<&String> = removed.as_object().unwrap().keys().collect();
    assert_eq!(
        members,
        [
            "account_id",
            "complete_after",
            "key_replaced_at",
            "removed_at",
            "status"
        ]
    );
    assert_eq!(
        (removed["account_id"].as_str(), removed["status"].as_str()),
        (Some(id), Some("removed"))
    );
    let at = |member: &str| {
        let text = removed[member].as_str().unwrap();
        tongxing::domain::instant::Instant::parse_rfc3339(text).unwrap()
    };
    let backups = at("complete_after").since(at("key_replaced_at"));
    assert_eq!(backups, Duration::from_hours(30 * 24));
    assert!(at("removed_at") <= at("key_replaced_at"));
}
