//! The truth table: facts on the left, what is decided on the right.

use serde_json::{Value, json};
use url::form_urlencoded;

use super::*;
use crate::domain::authentication::{AuthenticationMethod, AuthenticationMethods};
use crate::domain::client::{Client, ClientStatus};
use crate::domain::id::{AccountId, GrantId, SessionId};
use crate::protocol::authorization_request::RawAuthorizationRequest;
use crate::protocol::client_metadata::ClientMetadata;
use crate::protocol::client_metadata::raw::RawClientMetadata;
use crate::protocol::client_metadata::registration::RegistrationPolicy;
use crate::provider::authorize::consent;
use crate::storage::sessions::StoredSession;

const REDIRECT_URI: &str = "https://portal.example/callback";
const SUBJECT: &str = "the subject";
/// When the request is decided on, in seconds.
const NOW: i64 = 10_000;

/// What is varied; the rest is as good as it gets: logged in a minute ago, all allowed since.
#[derive(Clone)]
struct Case {
    request: Vec<(&'static str, String)>,
    client: Value,
    /// When the login was, if there is one.
    login: Option<i64>,
    /// The scope that was allowed, and when.
    grant: Option<(&'static str, i64)>,
    same_terms: bool,
    subject: Option<&'static str>,
    hinted: Hinted,
    ial: Option<Ial>,
    started: Option<i64>,
}

fn usual() -> Case {
    Case {
        request: Vec::new(),
        client: json!({}),
        login: Some(NOW - 60),
        grant: Some(("openid profile", NOW - 30)),
        same_terms: true,
        subject: Some(SUBJECT),
        hinted: Hinted::Nobody,
        ial: None,
        started: None,
    }
}

impl Case {
    fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.request.push((name, value.into()));
        self
    }

    fn logged_in(self, login: Option<i64>) -> Self {
        Self { login, ..self }
    }

    fn granted(self, grant: Option<(&'static str, i64)>) -> Self {
        Self { grant, ..self }
    }

    /// Decided after a page of ours, not at once.
    fn paused(self, started: i64) -> Self {
        let started = Some(started);
        Self { started, ..self }
    }

    fn hinting(self, hinted: Hinted) -> Self {
        Self { hinted, ..self }
    }

    /// What is decided, in words.
    fn decided(&self) -> String {
        let client = client(&self.client);
        let request = self.request(&client.metadata);
        let terms = consent::terms(&client);
        let session = self.login.map(|login| self.session(login, &terms));
        let facts = Facts {
            request: &request,
            session: session.as_ref(),
            hinted: self.hinted.clone(),
            ial: self.ial,
            terms,
            started_at: self.started.map(Instant::from_seconds),
            now: Instant::from_seconds(NOW),
        };
        match decide(&facts) {
            Decision::Need(Step::Login) => "login".to_owned(),
            Decision::Need(Step::Consent) => "consent".to_owned(),
            Decision::Refuse(code, _) => code.as_str().to_owned(),
            Decision::Ready(_) => "ready".to_owned(),
        }
    }

    fn request(&self, client: &ClientMetadata) -> AuthorizationRequest {
        let query = form_urlencoded::Serializer::new(String::new())
            .append_pair("client_id", "portal")
            .append_pair("redirect_uri", REDIRECT_URI)
            .append_pair("response_type", "code")
            .append_pair("scope", "openid profile")
            .extend_pairs(&self.request)
            .finish();
        let raw = RawAuthorizationRequest::parse(query.as_bytes()).unwrap();
        let target = raw.identify(client).unwrap();
        raw.validate(target, client).unwrap()
    }

    fn session(&self, login: i64, terms: &str) -> SessionForClient {
        let grant = self.grant.map(|(scope, at)| Grant {
            id: GrantId::from_u128(3),
            scope: scope.parse().unwrap(),
            claims: std::collections::BTreeSet::new(),
            terms: if self.same_terms { terms } else { "other" }.to_owned(),
            granted_at: Instant::from_seconds(at),
        });
        SessionForClient {
            stored: StoredSession {
                session: Session {
                    account_id: AccountId::from_u128(1),
                    id: SessionId::from_u128(2),
                    methods: AuthenticationMethods::of(AuthenticationMethod::Password),
                    authenticated_at: Instant::from_seconds(login),
                    expires_at: Instant::from_seconds(NOW + 3600),
                },
                secret_hash: String::new(),
                ended_at: None,
                is_supported: true,
            },
            grant,
            subject: self.subject.map(str::to_owned),
            checks: Vec::new(),
        }
    }
}

fn client(changes: &Value) -> Client {
    let mut metadata = json!({
        "redirect_uris": [REDIRECT_URI],
        "scope": "openid profile phone",
        "security_profile": "openid",
    });
    for (name, value) in changes.as_object().unwrap() {
        metadata[name] = value.clone();
    }
    let raw = RawClientMetadata::from_json(metadata.to_string().as_bytes()).unwrap();
    Client {
        id: "portal".parse().unwrap(),
        status: ClientStatus::Active,
        metadata: ClientMetadata::register(raw, &RegistrationPolicy::default()).unwrap(),
        secret_hash: None,
        registered_at: Instant::from_seconds(0),
        changed_at: Instant::from_seconds(0),
    }
}

fn acr(necessity: &str, value: &str) -> String {
    let essential = necessity == "essential";
    json!({ "id_token": { "acr": { "essential": essential, "value": value } } }).to_string()
}

#[track_caller]
fn check(rows: &[(Case, &str)]) {
    for (number, (case, expected)) in rows.iter().enumerate() {
        assert_eq!(case.decided(), *expected, "row {number}");
    }
}

#[test]
fn a_login_and_a_decision_are_needed_once() {
    check(&[
        (usual(), "ready"),
        (usual().logged_in(None), "login"),
        (usual().granted(None), "consent"),
        (usual().logged_in(None).granted(None), "login"),
        (usual().granted(Some(("openid", NOW))), "consent"),
        (
            usual().granted(Some(("openid profile phone", NOW))),
            "ready",
        ),
        (
            Case {
                same_terms: false,
                ..usual()
            },
            "consent",
        ),
        // The subject is stored with the first decision; without one there is nothing to send.
        (
            Case {
                subject: None,
                ..usual()
            },
            "consent",
        ),
        // A single claim that was not allowed.
        (
            usual().with(
                "claims",
                json!({ "userinfo": { "phone_number": null } }).to_string(),
            ),
            "consent",
        ),
    ]);
}

#[test]
fn prompt_none_turns_every_need_into_its_error() {
    let silent = || usual().with("prompt", "none");
    check(&[
        (silent(), "ready"),
        (silent().logged_in(None), "login_required"),
        (silent().granted(None), "consent_required"),
        (silent().granted(Some(("openid", NOW))), "consent_required"),
        (silent().with("max_age", "59"), "login_required"),
        (silent().hinting(Hinted::Stranger), "login_required"),
    ]);
}

#[test]
fn prompt_login_needs_a_login_after_the_request() {
    for prompt in ["login", "select_account"] {
        let asked = || usual().with("prompt", prompt);
        check(&[
            (asked(), "login"),
            // The page was left without logging in: nothing has changed.
            (asked().paused(NOW - 50), "login"),
            (asked().paused(NOW - 60), "login"),
            (asked().paused(NOW - 61), "ready"),
            (asked().paused(NOW - 61).granted(None), "consent"),
        ]);
    }
}

#[test]
fn prompt_consent_needs_a_decision_after_the_request() {
    let asked = || usual().with("prompt", "consent");
    check(&[
        (asked(), "consent"),
        (asked().paused(NOW - 20), "consent"),
        (asked().paused(NOW - 30), "consent"),
        (asked().paused(NOW - 31), "ready"),
        (asked().logged_in(None), "login"),
        (asked().with("max_age", "59"), "login"),
    ]);
    let both = || usual().with("prompt", "login consent");
    check(&[
        (both(), "login"),
        (both().paused(NOW - 61), "ready"),
        (both().paused(NOW - 45), "login"),
        (
            both()
                .paused(NOW - 61)
                .granted(Some(("openid profile", NOW - 62))),
            "consent",
        ),
    ]);
}

#[test]
fn max_age_is_the_oldest_login_that_will_do() {
    let within = |seconds: &str| usual().with("max_age", seconds);
    let default = |seconds: u32| Case {
        client: json!({ "default_max_age": seconds }),
        ..usual()
    };
    check(&[
        (within("10000"), "ready"),
        (within("60"), "ready"),
        (within("59"), "login"),
        (within("0"), "login"),
        // One made for this request is fresh however long the pages after it took.
        (within("59").paused(NOW - 61), "ready"),
        (within("0").paused(NOW - 61), "ready"),
        (within("0").paused(NOW - 60), "login"),
        (within("0").logged_in(Some(NOW)), "login"),
        (default(60), "ready"),
        (default(59), "login"),
        (default(59).with("max_age", "60"), "ready"),
        (default(60).with("max_age", "59"), "login"),
    ]);
}

#[test]
fn a_hint_that_names_another_needs_that_other() {
    let own = || Hinted::Subject(SUBJECT.to_owned());
    let other = || Hinted::Subject("another".to_owned());
    check(&[
        (usual().hinting(own()), "ready"),
        (usual().hinting(other()), "login"),
        (usual().hinting(Hinted::Stranger), "login"),
        (usual().hinting(own()).logged_in(None), "login"),
        // Somebody logged in for this request, and it is not who was meant.
        (usual().hinting(other()).paused(NOW - 61), "login_required"),
        (
            usual().hinting(Hinted::Stranger).paused(NOW - 61),
            "login_required",
        ),
        (usual().hinting(other()).paused(NOW - 59), "login"),
        (usual().hinting(other()).granted(None), "login"),
    ]);
}

#[test]
fn an_essential_level_is_met_or_the_request_fails() {
    let proven = |case: Case| Case {
        ial: Some(Ial::Two),
        ..case
    };
    let asks = |necessity, value| usual().with("claims", acr(necessity, value));
    let unmet = "unmet_authentication_requirements";
    check(&[
        (asks("essential", "urn:tongxing:aal:1"), "ready"),
        (asks("essential", "urn:tongxing:aal:2"), unmet),
        (asks("essential", "urn:tongxing:ial:1"), unmet),
        (proven(asks("essential", "urn:tongxing:ial:2")), "ready"),
        (proven(asks("essential", "urn:tongxing:ial:3")), unmet),
        (asks("essential", "urn:unknown"), unmet),
        (asks("voluntary", "urn:tongxing:aal:3"), "ready"),
        (asks("voluntary", "urn:unknown"), "ready"),
        (usual().with("acr_values", "urn:tongxing:aal:3"), "ready"),
        // It is said before anybody is asked for anything, but not before a login that may bring it.
        (asks("essential", "urn:tongxing:aal:2").granted(None), unmet),
        (
            asks("essential", "urn:tongxing:aal:2").logged_in(None),
            "login",
        ),
        (
            asks("essential", "urn:tongxing:aal:2").with("prompt", "none"),
            unmet,
        ),
    ]);
}
