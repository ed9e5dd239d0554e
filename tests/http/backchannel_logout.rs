//! Back-channel logout (OpenID Connect Back-Channel Logout 1.0): whatever ends a session, the
//! clients that were entered in it hear so, each once and each in its own terms.

mod crossing;
mod delivery;
mod last_page;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{
    Applicant, Browser, Ears, ISSUER, LI, Person, Portal, Server, Tokens, Told, ZHANG,
    assert_page_refuses, assert_signed, claims_of, header_of, operation, phone,
};

const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// A logout token is as §2.4 has it, and in the terms that the client knows from an ID token.
async fn assert_tells(server: &Server, told: &Told, (portal, tokens): (&Portal, &Tokens)) -> Value {
    let jwks = server.get("/oauth2/jwks").await.json();
    assert_signed(&jwks, &told.token);
    let header = header_of(&told.token);
    assert_eq!(header["typ"], "logout+jwt");
    let algorithm = &portal.metadata["id_token_signed_response_alg"];
    assert_eq!(header["alg"], *algorithm);
    let claims = claims_of(&told.token);
    let entered = tokens.id_claims();
    let members: BTreeSet<&str> = (claims.as_object().expect("claims").keys())
        .map(String::as_str)
        .collect();
    let expected = ["iss", "sub", "aud", "iat", "exp", "jti", "sid", "events"];
    assert_eq!(members, BTreeSet::from(expected), "no nonce above all");
    assert_eq!(claims["iss"], ISSUER);
    assert_eq!(claims["aud"], *portal.client_id);
    assert_eq!(claims["events"], json!({ EVENT: {} }));
    assert_eq!(
        (&claims["sub"], &claims["sid"]),
        (&entered["sub"], &entered["sid"])
    );
    let (now, iat) = (server.clock_seconds(), claims["iat"].as_i64().expect("iat"));
    let lives = claims["exp"].as_i64().expect("exp") - iat;
    assert!(
        (now - 5..=now).contains(&iat) && (1..=120).contains(&lives),
        "{claims}"
    );
    assert!(!claims["jti"].as_str().expect("jti").is_empty());
    claims
}

/// Li has entered portals that listen at `/one` and `/two`, and one that does not listen; another
/// one listens that Li has not entered, and Zhang is at `/one` too.
struct Scene {
    server: Server,
    ears: Ears,
    li: Browser,
    one: (Portal, Tokens),
    two: (Portal, Tokens),
    silent: Tokens,
}

impl Scene {
    async fn of(server: Server) -> Self {
        let ears = Ears::open();
        let one = ears.portal(&server, "/one", &json!({})).await;
        let other = json!({ "id_token_signed_response_alg": "ES256", "scope": "openid" });
        let two = ears.portal(&server, "/two", &other).await;
        let silent = server.portal().await;
        ears.portal(&server, "/three", &json!({})).await;
        one.tokens(&mut server.browser_of(&ZHANG)).await;
        let mut li = server.browser_of(&LI);
        // Twice at one: it is told once.
        one.tokens(&mut li).await;
        Self {
            one: (one.clone(), one.tokens(&mut li).await),
            two: (two.clone(), two.tokens(&mut li).await),
            silent: silent.tokens(&mut li).await,
            server,
            ears,
            li,
        }
    }

    /// Both portals hear of it, and nobody else of anything. Each once; but a removal tells anew
    /// what is being told at that moment, under the same name, rather than not at all.
    async fn assert_told(&mut self, way: Way) {
        let mut told: BTreeMap<String, Vec<Told>> = BTreeMap::new();
        while told.len() < 2 {
            let next = self.ears.next().await;
            told.entry(next.path.clone()).or_default().push(next);
        }
        self.server.comes_to((0, 0)).await;
        for late in self.ears.rest() {
            told.entry(late.path.clone()).or_default().push(late);
        }
        let mut claims = Vec::new();
        for (path, (portal, tokens)) in [("/one", &self.one), ("/two", &self.two)] {
            let all = told.remove(path).expect("it was told");
            assert!(all.len() == 1 || way == Way::Removal, "{way:?}: {all:?}");
            let first = assert_tells(&self.server, &all[0], (portal, tokens)).await;
            for again in &all {
                assert_eq!(claims_of(&again.token)["jti"], first["jti"]);
            }
            claims.push(first);
        }
        assert!(told.is_empty(), "nobody else: {told:?}");
        for member in ["sub", "sid", "jti"] {
            assert_ne!(claims[0][member], claims[1][member], "{member}: pairwise");
        }
    }
}

/// What ends a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    OwnPage,
    PortalWithProof,
    PortalWithoutProof,
    MyAccountElsewhere,
    AnotherPerson,
    Freeze,
    Recovery,
    TakeOver,
    Removal,
}

impl Way {
    const ALL: [Self; 9] = [
        Self::OwnPage,
        Self::PortalWithProof,
        Self::PortalWithoutProof,
        Self::MyAccountElsewhere,
        Self::AnotherPerson,
        Self::Freeze,
        Self::Recovery,
        Self::TakeOver,
        Self::Removal,
    ];

    async fn end(self, scene: &mut Scene) {
        let (server, li) = (&scene.server, &mut scene.li);
        let hint = scene.silent.id.as_deref().expect("an ID token");
        match self {
            Self::OwnPage => li.logout().await,
            Self::PortalWithProof => {
                let target = format!("/oauth2/end_session?id_token_hint={hint}");
                assert_eq!(li.visit(&target).await.path(), "/oauth2/end_session");
            }
            Self::PortalWithoutProof => {
                let client_id = &scene.one.0.client_id;
                let target = format!("/oauth2/end_session?client_id={client_id}");
                let page = li.visit(&target).await;
                li.press(&page, &[], "logout-confirm").await;
            }
            Self::MyAccountElsewhere => {
                let mut elsewhere = server.browser();
                elsewhere.login(&LI).await;
                let page = elsewhere.visit("/account").await;
                elsewhere.press(&page, &[], "end-other-sessions").await;
            }
            Self::AnotherPerson => li.login(&ZHANG).await,
            Self::Freeze => server.freeze(&LI).await,
            Self::Recovery => {
                let who = Applicant::of(&LI);
                let page = server.browser().prove("/recover", &who).await;
                assert_eq!(page.path(), "/account", "{}", page.text());
            }
            Self::TakeOver => {
                let owner = Applicant::of(&LI).with_phone(&phone(7));
                server.authority.knows(&[&owner]);
                server.browser().register(&owner).await;
            }
            Self::Removal => {
                let account = server.account_of(&LI).await;
                let removed = server.accounts.remove(account, operation()).await;
                removed.expect("it is removed");
            }
        }
    }
}

#[tokio::test]
async fn whatever_ends_a_session_its_clients_hear_of_it_once() {
    for way in Way::ALL {
        let mut scene = Scene::of(Server::start().await).await;
        let _telling = scene.server.tells_logouts();
        assert!(scene.ears.is_quiet());
        way.end(&mut scene).await;
        scene.assert_told(way).await;
        // Nobody is logged in any more as the one who was.
        let tokens = &scene.one.1;
        assert_eq!(scene.one.0.userinfo(&tokens.access).await.status, 401);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_ends_a_session_its_clients_hear_of_it_once_on_postgres() {
    for way in [Way::OwnPage, Way::Freeze, Way::Removal] {
        let Some(server) = Server::start_on_postgres().await else {
            return;
        };
        let mut scene = Scene::of(server).await;
        let _telling = scene.server.tells_logouts();
        way.end(&mut scene).await;
        scene.assert_told(way).await;
    }
}

/// Sessions that end within one millisecond are told apart; that of the browser at hand goes on.
#[tokio::test]
async fn two_sessions_that_end_at_once_are_two_logouts() {
    let server = Server::start().await;
    let mut ears = Ears::open();
    let portal = ears.portal(&server, "/one", &json!({})).await;
    let mut sids = BTreeSet::new();
    for _ in 0..2 {
        let tokens = portal.tokens(&mut server.browser_of(&LI)).await;
        sids.insert(tokens.id_claims()["sid"].to_string());
    }
    let mut here = server.browser_of(&LI);
    let mine = portal.tokens(&mut here).await;
    let _telling = server.tells_logouts();
    let page = here.visit("/account").await;
    here.press(&page, &[], "end-other-sessions").await;
    let told = ears.next_by_path(2).await;
    let claims: Vec<Value> = told.iter().map(|told| claims_of(&told.token)).collect();
    let ended: BTreeSet<String> = claims.iter().map(|told| told["sid"].to_string()).collect();
    assert_eq!(ended, sids);
    assert_ne!(claims[0]["jti"], claims[1]["jti"]);
    server.comes_to((0, 0)).await;
    assert!(ears.is_quiet());
    assert_eq!(portal.userinfo(&mine.access).await.status, 200);
}

/// A session that was renewed, and is older than what was issued in it at first, tells all the same.
#[tokio::test]
async fn a_client_entered_long_before_the_session_ends_is_told() {
    let server = Server::start().await;
    let mut ears = Ears::open();
    let portal = ears
        .portal(&server, "/one", &json!({ "scope": "openid" }))
        .await;
    let mut li = server.browser_of(&LI);
    let tokens = portal.tokens(&mut li).await;
    for _ in 0..2 {
        server.clock.advance(Duration::from_hours(11));
        tongxing::jobs::expire::sweep(&server.ledger)
            .await
            .expect("swept");
        li.login(&LI).await;
    }
    let _telling = server.tells_logouts();
    li.logout().await;
    assert_tells(&server, &ears.next().await, (&portal, &tokens)).await;
}

/// A logout token is nothing but that: no hint of a login, no access token, no client's proof.
#[tokio::test]
async fn a_logout_token_is_taken_for_no_other_token() {
    let mut scene = Scene::of(Server::start().await).await;
    let _telling = scene.server.tells_logouts();
    let mut zhang = scene.server.browser();
    scene.li.logout().await;
    let token = scene.ears.next().await.token;
    zhang.login(&ZHANG).await;
    let target = format!("/oauth2/end_session?id_token_hint={token}");
    assert_page_refuses(&zhang.visit(&target).await, "invalid_request");
    assert!(zhang.visit("/account").await.path() == "/account");
    let (portal, _) = &scene.one;
    assert_eq!(portal.userinfo(&token).await.status, 401);
    assert!(!portal.is_active(&token).await);
    assert_eq!(portal.refresh(&token).await.status, 400);
}

/// Whom nobody entered in it, hears nothing; neither does anybody of a login that fails.
#[tokio::test]
async fn nobody_is_told_of_what_was_not_theirs() {
    let scene = Scene::of(Server::start().await).await;
    let Scene {
        server, mut ears, ..
    } = scene;
    let _telling = server.tells_logouts();
    let mut fresh: Browser = server.browser();
    let person: &'static Person = &LI;
    fresh.login(person).await;
    fresh.logout().await;
    server.comes_to((0, 0)).await;
    assert!(ears.is_quiet());
}

/// A person has so many devices, a program any number: the oldest login makes room.
#[tokio::test]
async fn a_login_that_makes_room_for_another_is_told() {
    const MOST: usize = 50;
    let server = Server::start().await;
    let mut ears = Ears::open();
    let portal = ears.portal(&server, "/one", &json!({})).await;
    let mut first = server.browser_of(&LI);
    let tokens = portal.tokens(&mut first).await;
    let _telling = server.tells_logouts();
    for _ in 1..MOST {
        server.clock.advance(Duration::from_secs(1));
        server.browser().login(&LI).await;
    }
    server.comes_to((0, 0)).await;
    assert!(ears.is_quiet());
    assert!(first.is_logged_in().await);
    server.clock.advance(Duration::from_secs(1));
    server.browser().login(&LI).await;
    assert_tells(&server, &ears.next().await, (&portal, &tokens)).await;
    assert!(!first.is_logged_in().await);
    server.comes_to((0, 0)).await;
    assert!(ears.is_quiet(), "nobody else");
}
