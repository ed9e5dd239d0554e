//! The relying party against a provider that lies in one point at a time.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock};

use axum::Router;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::{Value, json};

use super::*;
use crate::crypto::digest::sha256;
use crate::crypto::encoding;
use crate::crypto::jwt::sign_jwt;
use crate::crypto::signing::{RsaSize, SigningKey};
use crate::demo::province::ZHEJIANG;
use crate::domain::clock::ManualClock;
use crate::protocol::jose::SignatureAlgorithm;

const NOW: i64 = 1_800_000_000;
const ORIGIN: &str = "http://zhejiang.localhost:1";

/// Two keys of the provider and one that is not the provider's.
fn keys() -> &'static [SigningKey; 3] {
    static KEYS: OnceLock<[SigningKey; 3]> = OnceLock::new();
    KEYS.get_or_init(|| {
        [(); 3].map(|()| {
            let made = SigningKey::generate(SignatureAlgorithm::Rs256, RsaSize::Bits2048);
            made.unwrap().0
        })
    })
}

/// What the provider says.
struct Says {
    /// Members laid over the good ID token's; null removes one.
    id_token: Value,
    /// Which key signs it.
    signer: usize,
    /// Members laid over the good userinfo.
    userinfo: Value,
    /// Members laid over the good token answer.
    token: Value,
    /// Members laid over the good metadata.
    metadata: Value,
    /// Which key is published.
    published: usize,
}

impl Default for Says {
    fn default() -> Self {
        let nothing = || json!({});
        Self {
            id_token: nothing(),
            signer: 0,
            userinfo: nothing(),
            token: nothing(),
            metadata: nothing(),
            published: 0,
        }
    }
}

#[derive(Clone)]
struct Liar(Arc<Inner>);

struct Inner {
    issuer: String,
    says: Mutex<Says>,
    key_fetches: AtomicUsize,
}

fn overlaid(mut good: Value, changes: &Value) -> Value {
    let members = good.as_object_mut().unwrap();
    for (name, value) in changes.as_object().unwrap() {
        members.insert(name.clone(), value.clone());
    }
    members.retain(|_, value| !value.is_null());
    good
}

fn json_answer(document: &Value) -> Response {
    ([(CONTENT_TYPE, "application/json")], document.to_string()).into_response()
}

impl Liar {
    async fn start() -> Self {
        drop(rustls::crypto::aws_lc_rs::default_provider().install_default());
        let socket = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = socket.local_addr().unwrap().port();
        let liar = Self(Arc::new(Inner {
            issuer: format!("http://localhost:{port}"),
            says: Mutex::default(),
            key_fetches: AtomicUsize::new(0),
        }));
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(metadata))
            .route("/jwks", get(jwks))
            .route("/token", post(token))
            .route("/userinfo", get(userinfo))
            .with_state(liar.clone());
        tokio::spawn(async move { axum::serve(socket, router).await });
        liar
    }

    fn says(&self, says: Says) {
        *self.0.says.lock().unwrap() = says;
    }

    fn party(&self) -> RelyingParty {
        let credentials = Credentials {
            client_id: "portal".to_owned(),
            client_secret: Secret::new("secret".to_owned()),
        };
        let clock = Arc::new(ManualClock::new(Instant::from_seconds(NOW)));
        RelyingParty::new(&ZHEJIANG, ORIGIN, &self.0.issuer, credentials, clock).unwrap()
    }

    async fn redeem(&self) -> Result<Login, RelyingPartyError> {
        let secrets = LoginSecrets {
            nonce: "n".to_owned(),
            verifier: "v".repeat(43),
        };
        let began_at = Instant::from_seconds(NOW - 10);
        self.party().redeem("code", secrets, began_at).await
    }
}

async fn metadata(State(liar): State<Liar>) -> Response {
    let issuer = &liar.0.issuer;
    let good = json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/authorize"),
        "token_endpoint": format!("{issuer}/token"),
        "userinfo_endpoint": format!("{issuer}/userinfo"),
        "jwks_uri": format!("{issuer}/jwks"),
        "end_session_endpoint": format!("{issuer}/end_session"),
        "response_types_supported": ["code"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256", "ES256"],
        "authorization_response_iss_parameter_supported": true,
    });
    json_answer(&overlaid(good, &liar.0.says.lock().unwrap().metadata))
}

async fn jwks(State(liar): State<Liar>) -> Response {
    liar.0.key_fetches.fetch_add(1, Ordering::SeqCst);
    let published = liar.0.says.lock().unwrap().published;
    json_answer(&json!({ "keys": [keys()[published].public_jwk()] }))
}

async fn token(State(liar): State<Liar>) -> Response {
    let says = liar.0.says.lock().unwrap();
    let hash = encoding::encode(&sha256(&[b"access"])[..16]);
    let good = json!({
        "iss": liar.0.issuer, "sub": "s", "aud": "portal", "nonce": "n", "at_hash": hash,
        "exp": NOW + 300, "iat": NOW, "auth_time": NOW - 60,
    });
    let claims = overlaid(good, &says.id_token);
    let id_token = sign_jwt(&keys()[says.signer], None, &claims).unwrap();
    let good = json!({
        "access_token": "access", "token_type": "Bearer", "expires_in": 300,
        "refresh_token": "refresh", "id_token": id_token,
    });
    json_answer(&overlaid(good, &says.token))
}

async fn userinfo(State(liar): State<Liar>) -> Response {
    let good = json!({ "sub": "s", "name": "林晓雨", "level": 2 });
    json_answer(&overlaid(good, &liar.0.says.lock().unwrap().userinfo))
}

#[tokio::test]
async fn a_login_holds_what_was_received() {
    let login = Liar::start().await.redeem().await.unwrap();
    assert_eq!((login.subject(), login.display_name()), ("s", "林晓雨"));
    assert_eq!(login.entered(), Entered::WithAnEarlierLogin);
    assert_eq!(login.id_claims()["nonce"], "n");
    // A claim that the crate does not know is not lost.
    assert_eq!(login.userinfo()["level"], 2);
    assert_eq!(login.expires_at(), Some(Instant::from_seconds(NOW + 300)));
}

/// OpenID Connect Core §3.1.3.7; attack cases of mix-up, replay and substitution.
#[tokio::test]
async fn an_id_token_that_lies_in_one_point_is_refused() {
    let liar = Liar::start().await;
    for lie in [
        json!({ "iss": "http://localhost:1" }),
        json!({ "aud": "another" }),
        json!({ "aud": ["portal", "another"] }),
        json!({ "nonce": "another" }),
        json!({ "nonce": null }),
        json!({ "exp": NOW - 1 }),
        json!({ "at_hash": "AAAAAAAAAAAAAAAAAAAAAA" }),
    ] {
        liar.says(Says {
            id_token: lie.clone(),
            ..Says::default()
        });
        let error = liar
            .redeem()
            .await
            .err()
            .map(|error| error.code().to_owned());
        assert_eq!(error.as_deref(), Some("id_token_refused"), "{lie}");
    }
    liar.says(Says {
        token: json!({ "id_token": null }),
        ..Says::default()
    });
    let refused = liar.redeem().await;
    assert!(matches!(refused, Err(RelyingPartyError::NoIdToken)));
}

#[tokio::test]
async fn userinfo_about_somebody_else_is_refused() {
    let liar = Liar::start().await;
    liar.says(Says {
        userinfo: json!({ "sub": "another" }),
        ..Says::default()
    });
    let refused = liar.redeem().await;
    assert!(matches!(refused, Err(RelyingPartyError::Subject)));
}

#[tokio::test]
async fn new_keys_are_fetched_once_and_foreign_ones_are_refused() {
    let liar = Liar::start().await;
    let party = liar.party();
    party.provider().await.unwrap();
    liar.says(Says {
        signer: 1,
        published: 1,
        ..Says::default()
    });
    let redeem = || {
        let secrets = LoginSecrets {
            nonce: "n".to_owned(),
            verifier: "v".repeat(43),
        };
        party.redeem("code", secrets, Instant::from_seconds(NOW))
    };
    assert!(redeem().await.is_ok());
    assert!(redeem().await.is_ok());
    assert_eq!(liar.0.key_fetches.load(Ordering::SeqCst), 2);
    liar.says(Says {
        signer: 2,
        published: 1,
        ..Says::default()
    });
    let refused = redeem().await;
    assert!(matches!(refused, Err(RelyingPartyError::IdToken(_))));
    assert_eq!(liar.0.key_fetches.load(Ordering::SeqCst), 3);
}

/// RFC 9207 §2.4.
#[tokio::test]
async fn an_answer_must_name_the_provider() {
    let liar = Liar::start().await;
    let party = liar.party();
    assert!(party.check_issuer(Some(&liar.0.issuer)).await.is_ok());
    assert!(party.check_issuer(Some("http://localhost")).await.is_err());
    assert!(party.check_issuer(None).await.is_err());
}

#[tokio::test]
async fn a_refresh_keeps_what_it_does_not_bring_and_stays_with_the_person() {
    let liar = Liar::start().await;
    let login = liar.redeem().await.unwrap();
    let party = liar.party();
    liar.says(Says {
        id_token: json!({ "nonce": null }),
        userinfo: json!({ "name": "林晓雪" }),
        token: json!({ "refresh_token": null }),
        ..Says::default()
    });
    let renewed = party.refresh(&login).await.unwrap();
    assert_eq!(renewed.display_name(), "林晓雪");
    assert!(renewed.refresh_token().is_some());
    assert_eq!(renewed.entered(), login.entered());
    liar.says(Says {
        id_token: json!({ "sub": "another" }),
        userinfo: json!({ "sub": "another" }),
        ..Says::default()
    });
    let refused = party.refresh(&login).await;
    assert!(matches!(&refused, Err(error @ RelyingPartyError::Subject) if error.ends_the_login()));
}

#[tokio::test]
async fn documents_that_lead_elsewhere_are_not_followed() {
    let liar = Liar::start().await;
    for endpoint in ["jwks_uri", "token_endpoint", "userinfo_endpoint"] {
        liar.says(Says {
            metadata: json!({ endpoint: "http://127.0.0.1:9/elsewhere" }),
            ..Says::default()
        });
        let refused = liar.redeem().await;
        assert!(
            matches!(refused, Err(RelyingPartyError::Http(HttpError::Elsewhere))),
            "{endpoint}"
        );
    }
}

#[tokio::test]
async fn browsers_are_sent_out_with_everything_that_ties_the_answer_to_them() {
    let liar = Liar::start().await;
    let party = liar.party();
    let secrets = LoginSecrets {
        nonce: "n".to_owned(),
        verifier: "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk".to_owned(),
    };
    let wishes = Wishes {
        login_hint: Some("13800000001"),
        language: "zh-CN",
    };
    let url = party.login_url("s", &secrets, &wishes).await.unwrap();
    let sent: std::collections::BTreeMap<_, _> = url.query_pairs().into_owned().collect();
    for (name, value) in [
        ("response_type", "code"),
        ("client_id", "portal"),
        ("redirect_uri", "http://zhejiang.localhost:1/callback"),
        ("scope", "openid profile phone offline_access"),
        ("state", "s"),
        ("nonce", "n"),
        // RFC 7636 Appendix B.
        (
            "code_challenge",
            "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
        ),
        ("code_challenge_method", "S256"),
        ("login_hint", "13800000001"),
        ("ui_locales", "zh-CN"),
    ] {
        assert_eq!(sent.get(name).map(String::as_str), Some(value), "{name}");
    }
    let login = liar.redeem().await.unwrap();
    let url = party.logout_url(&login, "s", "en").await.unwrap();
    let sent: std::collections::BTreeMap<_, _> = url.query_pairs().into_owned().collect();
    assert_eq!(
        sent["post_logout_redirect_uri"],
        format!("{ORIGIN}/logged-out")
    );
    assert_eq!(sent["state"], "s");
    assert_eq!(sent["id_token_hint"], login.id_token().to_string());
}

/// A good logout token with members laid over it, of a type, by a key.
fn logout_token(liar: &Liar, lie: &Value, (typ, signer): (Option<&str>, usize)) -> String {
    let event = "http://schemas.openid.net/event/backchannel-logout";
    let good = json!({
        "iss": liar.0.issuer, "sub": "s", "aud": "portal", "sid": "sid", "jti": "1",
        "iat": NOW, "exp": NOW + 120, "events": { event: {} },
    });
    sign_jwt(&keys()[signer], typ, &overlaid(good, lie)).unwrap()
}

const LOGOUT: (Option<&str>, usize) = (Some("logout+jwt"), 0);

#[tokio::test]
async fn a_logout_token_ends_the_login_it_names_once() {
    let liar = Liar::start().await;
    let party = liar.party();
    let token = logout_token(&liar, &json!({}), LOGOUT);
    let heard = party.hear(&token).await.unwrap();
    assert_eq!(heard, LogoutCall::Ended("sid".to_owned()));
    // What is told again, perhaps signed anew, is acknowledged and does nothing.
    let anew = logout_token(&liar, &json!({ "iat": NOW + 1 }), LOGOUT);
    for token in [token, anew] {
        assert_eq!(party.hear(&token).await.unwrap(), LogoutCall::Repeated);
    }
    let other = json!({ "jti": "2", "aud": ["portal"] });
    let other = party.hear(&logout_token(&liar, &other, LOGOUT)).await;
    assert_eq!(other.unwrap(), LogoutCall::Ended("sid".to_owned()));
}

/// Back-Channel Logout §2.6; attack cases of confusion, replay and substitution.
#[tokio::test]
async fn a_logout_token_that_lies_in_one_point_is_refused() {
    let liar = Liar::start().await;
    let party = liar.party();
    let event = "http://schemas.openid.net/event/backchannel-logout";
    for lie in [
        json!({ "iss": "http://localhost:1" }),
        json!({ "iss": null }),
        json!({ "aud": "another" }),
        json!({ "aud": ["portal", "another"] }),
        json!({ "aud": null }),
        json!({ "nonce": "n" }),
        json!({ "events": null }),
        json!({ "events": {} }),
        json!({ "events": { event: null } }),
        json!({ "events": { event: "x" } }),
        json!({ "events": { "another": {} } }),
        json!({ "events": event }),
        json!({ "exp": NOW }),
        json!({ "exp": NOW + 3600 }),
        json!({ "exp": null }),
        json!({ "iat": NOW - 600 }),
        json!({ "iat": NOW + 60 }),
        json!({ "iat": null }),
        json!({ "jti": null }),
        json!({ "sid": null }),
    ] {
        let heard = party.hear(&logout_token(&liar, &lie, LOGOUT)).await;
        assert!(
            matches!(heard, Err(RelyingPartyError::LogoutToken)),
            "{lie}"
        );
    }
    // Another type of token, above all an ID token; another's key; nonsense.
    for kind in [
        (None, 0),
        (Some("JWT"), 0),
        (Some("at+jwt"), 0),
        (Some("logout+jwt"), 2),
    ] {
        let heard = party.hear(&logout_token(&liar, &json!({}), kind)).await;
        assert!(
            matches!(heard, Err(RelyingPartyError::LogoutToken)),
            "{kind:?}"
        );
    }
    for nonsense in ["", "a.b.c", "e30.e30."] {
        let heard = party.hear(nonsense).await;
        assert!(matches!(heard, Err(RelyingPartyError::LogoutToken)));
    }
    // None of these used the name up.
    let heard = party.hear(&logout_token(&liar, &json!({}), LOGOUT)).await;
    assert!(matches!(heard, Ok(LogoutCall::Ended(_))));
}
