//! Clients: who they are is proven in one way, and nobody learns who there is.

use std::collections::BTreeMap;

use axum::body::Body;
use axum::extract::Request;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use serde_json::json;
use tongxing::domain::client::ClientStatus;

use crate::support::{Answer, ISSUER, LI, Portal, Server, WANG, ZHANG, assert_refused, basic};

const ENDPOINTS: [&str; 3] = ["/oauth2/token", "/oauth2/introspect", "/oauth2/revoke"];

/// What an endpoint answers by once it knows the client: a code and a token that nobody issued.
const NOTHING: [(&str, &str); 4] = [
    ("grant_type", "authorization_code"),
    ("code", "nothing"),
    ("redirect_uri", "https://portal.example/"),
    ("token", "nothing"),
];

async fn portal_by(server: &Server, method: &str) -> Portal {
    Portal::register(server, &json!({ "token_endpoint_auth_method": method })).await
}

/// Whether an endpoint took the client for who it says it is.
fn is_believed(answer: &Answer) -> bool {
    let error = answer.json()["error"].as_str().map(str::to_owned);
    match error.as_deref() {
        Some("invalid_client") => {
            assert_eq!(answer.status, 401);
            assert!(answer.header("www-authenticate").is_some());
            false
        }
        Some("invalid_request") => {
            assert_eq!(answer.status, 400);
            false
        }
        Some("invalid_grant") => true,
        other => panic!("{other:?} {}", answer.text()),
    }
}

/// Case 26.
#[tokio::test]
async fn a_client_authenticates_in_its_one_registered_way() {
    let server = Server::start().await;
    for registered in ["client_secret_basic", "client_secret_post", "none"] {
        let portal = portal_by(&server, registered).await;
        let id = portal.client_id.as_str();
        let made_up = "0123456789012345678901234567890123456789012";
        let secret = portal.client_secret.as_deref().unwrap_or(made_up);
        let header = basic(id, secret);
        let by_post = vec![("client_id", id), ("client_secret", secret)];
        for (way, header, extra) in [
            ("client_secret_basic", Some(&*header), vec![]),
            ("client_secret_post", None, by_post),
            ("none", None, vec![("client_id", id)]),
        ] {
            let fields: Vec<_> = NOTHING.into_iter().chain(extra).collect();
            let answer = portal.post("/oauth2/token", header, &fields).await;
            assert_eq!(
                is_believed(&answer),
                way == registered,
                "{way} of {registered}"
            );
        }
        // Two at once, whichever is the right one.
        let fields = NOTHING.into_iter();
        let both: Vec<_> = fields
            .chain([("client_id", id), ("client_secret", secret)])
            .collect();
        for path in ENDPOINTS {
            let answer = portal.post(path, Some(&header), &both).await;
            assert_refused(&answer, "invalid_request");
        }
        let asserted: Vec<_> = NOTHING
            .into_iter()
            .chain([("client_id", id), ("client_assertion", "a.b.c")])
            .collect();
        let answer = portal.post("/oauth2/token", None, &asserted).await;
        assert!(!is_believed(&answer));
    }
}

/// Case 26: what stands in the address is in every log on the way.
#[tokio::test]
async fn a_secret_in_the_query_proves_nothing() {
    let server = Server::start().await;
    let portal = portal_by(&server, "client_secret_post").await;
    let (id, secret) = (&*portal.client_id, portal.client_secret.as_deref().unwrap());
    for path in ENDPOINTS {
        let target = format!("{path}?client_id={id}&client_secret={secret}&token=x");
        assert!(!is_believed(&portal.post(&target, None, &NOTHING).await));
        let named: Vec<_> = NOTHING.into_iter().chain([("client_id", id)]).collect();
        let target = format!("{path}?client_secret={secret}");
        assert!(!is_believed(&portal.post(&target, None, &named).await));
    }
}

/// Case 26: a second header must not make the first unseen.
#[tokio::test]
async fn a_repeated_authorization_header_is_refused() {
    let server = Server::start().await;
    let portal = portal_by(&server, "client_secret_post").await;
    let (id, secret) = (&*portal.client_id, portal.client_secret.as_deref().unwrap());
    let body =
        format!("grant_type=authorization_code&code=x&client_id={id}&client_secret={secret}");
    for values in [["Basic eDp5", "Basic eDp5"], ["", ""]] {
        let mut request = Request::post("/oauth2/token")
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        for value in values {
            request = request.header(AUTHORIZATION, value);
        }
        let request = request.body(Body::from(body.clone())).unwrap();
        assert!(!is_believed(&server.send(request).await));
    }
}

/// Case 27.
#[tokio::test]
async fn a_client_speaks_for_itself_only() {
    let server = Server::start().await;
    let (portal, other) = (server.portal().await, server.portal().await);
    let public = portal_by(&server, "none").await;
    let tokens = other.tokens(&mut server.browser_of(&ZHANG)).await;
    let header = basic(&portal.client_id, portal.client_secret.as_deref().unwrap());
    for named in [&*other.client_id, &*public.client_id, "nobody"] {
        let fields = [
            ("grant_type", "refresh_token"),
            ("refresh_token", tokens.refresh()),
            ("token", tokens.refresh()),
            ("client_id", named),
        ];
        for path in ENDPOINTS {
            let answer = portal.post(path, Some(&header), &fields).await;
            assert_refused(&answer, "invalid_request");
        }
    }
    let own = [("token", "x"), ("client_id", &*portal.client_id)];
    let answer = portal.post("/oauth2/introspect", Some(&header), &own).await;
    assert_eq!(answer.json(), json!({ "active": false }));
    assert!(other.is_active(tokens.refresh()).await);
}

/// An answer without what differs from one to the next anyway.
fn essence(answer: &Answer, typed: &str) -> (u16, BTreeMap<String, String>, String) {
    let mut headers = BTreeMap::new();
    for (name, value) in &answer.headers {
        if name != "x-request-id" && name != "set-cookie" {
            headers.insert(name.to_string(), value.to_str().unwrap().to_owned());
        }
    }
    headers.remove("content-length");
    let text = answer.text().replace(typed, "…");
    (answer.status.as_u16(), headers, text)
}

/// Case 29: by text, status and record. That an unknown name is hashed for as well shows where the
/// hashing queue is full (`account`).
#[tokio::test]
async fn unknown_and_wrong_look_alike_at_login() {
    let server = Server::start().await;
    server.freeze(&WANG).await;
    let long = "x".repeat(2000);
    let mut browser = server.browser();
    let page = browser.visit("/login").await;
    let mut seen = Vec::new();
    for (name, password) in [
        (ZHANG.phone, "a wrong password"),
        (ZHANG.phone, &*long),
        (ZHANG.document_number, "a wrong password"),
        ("+8613800009999", "a wrong password"),
        ("+8613800009999", &*long),
        ("110105194912310029", "a wrong password"),
        // Frozen, and the password is right.
        (WANG.phone, WANG.password),
        (WANG.document_number, "a wrong password"),
        (LI.phone, ZHANG.password),
    ] {
        // Nobody's password is that long: not worth a row, whoever is named.
        let rows = usize::from(password.len() <= 1024);
        let before = server.recorded("login_failed").await;
        let answer = browser.type_in(&page, name, password).await;
        assert_eq!(answer.status, 200);
        assert!(!browser.cookies.contains_key("__Host-session"));
        assert_eq!(
            server.recorded("login_failed").await,
            before + rows,
            "{name}"
        );
        seen.push(essence(&answer, name));
    }
    for other in &seen {
        assert_eq!(other, &seen[0]);
    }
}

/// Case 29: a client that is not there, is suspended, was removed, or came with another secret or
/// in another way.
#[tokio::test]
async fn unknown_and_wrong_clients_look_alike() {
    let server = Server::start().await;
    let portal = server.portal().await;
    let suspended = server.portal().await;
    suspended.suspend().await;
    let removed = server.portal().await;
    removed.becomes(ClientStatus::Removed).await;
    let posting = portal_by(&server, "client_secret_post").await;
    let wrong = "0123456789012345678901234567890123456789012";
    let secret = |portal: &Portal| portal.client_secret.clone().unwrap();
    for path in ENDPOINTS {
        let mut seen = Vec::new();
        for (id, secret) in [
            (&*portal.client_id, wrong.to_owned()),
            ("nobody", wrong.to_owned()),
            ("no\u{7f}body", wrong.to_owned()),
            (&*suspended.client_id, secret(&suspended)),
            (&*suspended.client_id, wrong.to_owned()),
            (&*removed.client_id, secret(&removed)),
            (&*posting.client_id, secret(&posting)),
            (&*portal.client_id, "x".repeat(5000)),
        ] {
            let header = basic(id, &secret);
            let answer = portal.post(path, Some(&header), &NOTHING).await;
            assert_refused(&answer, "invalid_client");
            seen.push(essence(&answer, id));
        }
        for other in &seen {
            assert_eq!(other, &seen[0]);
        }
    }
}

/// Case 30: a password opens nothing but the login page, and what is not advertised is not there.
#[tokio::test]
async fn no_grant_but_the_advertised_ones() {
    let server = Server::start().await;
    let portal = Portal::register(
        &server,
        &json!({ "grant_types": ["authorization_code", "refresh_token", "client_credentials"] }),
    )
    .await;
    let metadata = server.get("/.well-known/openid-configuration").await.json();
    assert_eq!(metadata["issuer"], ISSUER);
    let advertised: Vec<&str> = metadata["grant_types_supported"]
        .as_array()
        .unwrap()
        .iter()
        .map(|grant| grant.as_str().unwrap())
        .collect();
    for grant in [
        "password",
        "implicit",
        "authorization_code",
        "refresh_token",
        "client_credentials",
        "Authorization_Code",
        "authorization_code ",
        "device_code",
        "urn:ietf:params:oauth:grant-type:device_code",
        "urn:ietf:params:oauth:grant-type:jwt-bearer",
        "urn:ietf:params:oauth:grant-type:saml2-bearer",
        "urn:ietf:params:oauth:grant-type:token-exchange",
        "urn:openid:params:grant-type:ciba",
    ] {
        let fields = [
            ("grant_type", grant),
            ("username", ZHANG.phone),
            ("password", ZHANG.password),
            ("code", "x"),
            ("refresh_token", "x"),
            ("assertion", "x"),
            ("subject_token", "x"),
            ("device_code", "x"),
        ];
        let answer = portal.call("/oauth2/token", &fields).await;
        let error = answer.json()["error"].as_str().map(str::to_owned);
        let is_known = error.as_deref() != Some("unsupported_grant_type");
        assert_eq!(is_known, advertised.contains(&grant), "{grant} {error:?}");
        assert!(
            grant == "client_credentials" || answer.status == 400,
            "{grant}"
        );
    }
    // What exists is not everybody's.
    let plain = json!({ "grant_types": ["authorization_code"] });
    let plain = Portal::register(&server, &plain).await;
    for grant in ["refresh_token", "client_credentials"] {
        let fields = [("grant_type", grant), ("refresh_token", "x")];
        let answer = plain.call("/oauth2/token", &fields).await;
        assert_refused(&answer, "unauthorized_client");
    }
}
