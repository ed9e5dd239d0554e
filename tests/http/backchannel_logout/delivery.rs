//! How a logout token gets to its client: again under the same name, or not at all.

use std::time::Duration;

use serde_json::{Value, json};
use tongxing::accounts::ended::LogoutReceipt;
use tongxing::accounts::logout::LogoutOrigin;
use tongxing::domain::client::ClientStatus;

use super::assert_tells;
use crate::support::{
    Browser, Ears, LI, PATIENCE, Portal, Reply, Server, Telling, Tokens, minutes, seconds,
};

const DAY: u64 = 24 * 60;

/// Li has entered a portal that listens at `/one`.
struct Scene {
    server: Server,
    ears: Ears,
    portal: Portal,
    tokens: Tokens,
    li: Browser,
}

impl Scene {
    async fn new() -> Self {
        Self::with(&json!({})).await
    }

    async fn with(tweaks: &Value) -> Self {
        let server = Server::start().await;
        let ears = Ears::open();
        let portal = ears.portal(&server, "/one", tweaks).await;
        let mut li = server.browser_of(&LI);
        let tokens = portal.tokens(&mut li).await;
        Self {
            server,
            ears,
            portal,
            tokens,
            li,
        }
    }

    async fn logout(&self) -> LogoutReceipt {
        logout(&self.server, &self.li).await
    }

    /// The next token; it must be a good one. Its claims.
    async fn told(&mut self) -> Value {
        let told = self.ears.next().await;
        assert_tells(&self.server, &told, (&self.portal, &self.tokens)).await
    }
}

/// Ends the session of a browser, with no page that waits for anybody.
pub(super) async fn logout(server: &Server, browser: &Browser) -> LogoutReceipt {
    let session = server.accounts.session(&browser.cookies["__Host-session"]);
    let session = session.await.expect("an answer").expect("a session");
    let receipt = server.accounts.logout(&session, LogoutOrigin::Resident);
    receipt.await.expect("it is ended")
}

/// Waits until so many attempts have failed.
pub(super) async fn failed(telling: &Telling, count: u64) {
    counted(|| telling.tally.retried() >= count).await;
}

/// Waits until so many logouts have been given up: that is counted after it is written.
async fn given_up(telling: &Telling, count: u64) {
    counted(|| telling.tally.given_up() >= count).await;
    assert_eq!(telling.tally.given_up(), count);
}

async fn counted(is_counted: impl Fn() -> bool) {
    let counted = async {
        while !is_counted() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let counted = tokio::time::timeout(PATIENCE, counted).await;
    counted.expect("it is counted in time");
}

#[tokio::test]
async fn a_client_that_fails_is_told_again_under_the_same_name() {
    for reply in [500, 503, 429, 408, 302].map(Reply::Status) {
        let mut scene = Scene::new().await;
        scene.ears.reply("/one", reply);
        let telling = scene.server.tells_logouts();
        scene.logout().await;
        let first = scene.told().await;
        failed(&telling, 1).await;
        // Who found the client may be noting that it is done.
        scene.server.comes_to((1, 0)).await;
        scene.ears.reply("/one", Reply::Status(200));
        scene.server.clock.advance(seconds(6));
        let second = scene.told().await;
        assert_eq!(first["jti"], second["jti"]);
        assert_ne!(first["iat"], second["iat"], "signed anew: it is fresh");
        scene.server.comes_to((0, 0)).await;
        assert!(scene.ears.is_quiet());
    }
}

#[tokio::test]
async fn a_client_that_never_answers_is_told_again_under_the_same_name() {
    let mut scene = Scene::new().await;
    scene.ears.reply("/one", Reply::Nothing);
    let telling = scene.server.tells_logouts();
    scene.logout().await;
    let first = scene.told().await;
    failed(&telling, 1).await;
    scene.ears.reply("/one", Reply::Status(204));
    scene.server.clock.advance(seconds(6));
    assert_eq!(first["jti"], scene.told().await["jti"]);
    scene.server.comes_to((0, 0)).await;
}

#[tokio::test]
async fn a_client_that_refuses_is_not_told_again() {
    for status in [401, 404, 501] {
        let mut scene = Scene::new().await;
        scene.ears.reply("/one", Reply::Status(status));
        let telling = scene.server.tells_logouts();
        scene.logout().await;
        scene.told().await;
        let refused = status < 500;
        if refused {
            scene.server.comes_to((0, 1)).await;
            given_up(&telling, 1).await;
            assert_eq!(telling.tally.retried(), 0);
        } else {
            failed(&telling, 1).await;
        }
        scene.server.clock.advance(minutes(5));
        if !refused {
            scene.told().await;
            continue;
        }
        scene.server.comes_to((0, 1)).await;
        assert!(scene.ears.is_quiet(), "{status}");
    }
}

/// §2.8: 400 says that the request was invalid, or that the logout failed.
#[tokio::test]
async fn a_client_that_says_400_is_told_again_a_few_times() {
    let mut scene = Scene::new().await;
    scene.ears.reply("/one", Reply::Status(400));
    let telling = scene.server.tells_logouts();
    scene.logout().await;
    let first = scene.told().await;
    for again in 1..4 {
        failed(&telling, again).await;
        scene.server.clock.advance(minutes(1));
        assert_eq!(first["jti"], scene.told().await["jti"]);
    }
    scene.server.comes_to((0, 1)).await;
    given_up(&telling, 1).await;
    scene.server.clock.advance(minutes(5));
    assert!(scene.ears.is_quiet());
}

#[tokio::test]
async fn after_a_day_a_logout_is_given_up() {
    let mut scene = Scene::new().await;
    scene.ears.reply("/one", Reply::Status(500));
    let telling = scene.server.tells_logouts();
    scene.logout().await;
    scene.told().await;
    failed(&telling, 1).await;
    scene.server.clock.advance(minutes(DAY - 1));
    scene.told().await;
    failed(&telling, 2).await;
    scene.server.clock.advance(minutes(2));
    scene.server.comes_to((0, 1)).await;
    given_up(&telling, 1).await;
    assert!(scene.ears.is_quiet());
}

/// What the finding process did not get to note is done again, and changes nothing.
#[tokio::test]
async fn what_is_announced_twice_is_told_once() {
    let mut scene = Scene::new().await;
    let receipt = scene.logout().await;
    for _ in 0..2 {
        let announced = scene.server.provider.announce_logouts(&receipt.ended).await;
        announced.expect("it is announced");
    }
    assert_eq!(
        scene.server.untold().await,
        (2, 0),
        "one, and its announcement"
    );
    let _telling = scene.server.tells_logouts();
    scene.told().await;
    scene.server.comes_to((0, 0)).await;
    assert!(scene.ears.is_quiet());
}

/// Private addresses, metadata services of clouds, this machine: others name them, nobody calls them.
#[tokio::test]
async fn addresses_that_must_not_be_called_are_not() {
    let server = Server::start().await;
    let mut ears = Ears::open();
    let mut li = server.browser_of(&LI);
    let uris = [
        ears.uri("/here"),
        ears.uri("/here").replace("127.0.0.1", "localhost"),
        "https://127.0.0.1/".to_owned(),
        "https://localhost/".to_owned(),
        "https://10.0.0.1/".to_owned(),
        "https://192.168.1.1/".to_owned(),
        "https://169.254.169.254/".to_owned(),
        "https://[::1]/".to_owned(),
        "https://[fc00::1]/".to_owned(),
    ];
    let mut count = 0;
    for uri in &uris {
        let metadata = json!({ "backchannel_logout_uri": uri });
        let portal = Portal::register(&server, &metadata).await;
        portal.tokens(&mut li).await;
        count += 1;
    }
    let telling = server.tells_logouts_guarded();
    logout(&server, &li).await;
    server.comes_to((0, count)).await;
    assert_eq!((telling.tally.delivered(), telling.tally.retried()), (0, 0));
    assert!(ears.is_quiet());
}

/// A suspended client is not called; let go on, it hears what it missed.
#[tokio::test]
async fn a_suspended_client_is_told_when_it_is_resumed() {
    let mut scene = Scene::new().await;
    scene.portal.suspend().await;
    let telling = scene.server.tells_logouts();
    let receipt = scene.logout().await;
    failed(&telling, 1).await;
    let unconfirmed = scene.server.provider.unconfirmed(&receipt).await;
    let unconfirmed = unconfirmed.expect("an answer");
    assert_eq!(unconfirmed.clients.len(), 1, "they may be logged in there");
    assert!(!unconfirmed.is_pending, "but it is not waited for");
    assert!(scene.ears.is_quiet());
    scene.portal.becomes(ClientStatus::Active).await;
    scene.server.clock.advance(seconds(6));
    scene.told().await;
    scene.server.comes_to((0, 0)).await;
}

#[tokio::test]
async fn a_client_that_is_gone_or_no_longer_listens_is_not_told() {
    let mut scene = Scene::new().await;
    let leaving = scene.ears.portal(&scene.server, "/two", &json!({})).await;
    leaving.tokens(&mut scene.li).await;
    scene.portal.becomes(ClientStatus::Removed).await;
    let receipt = scene.logout().await;
    let announced = scene.server.provider.announce_logouts(&receipt.ended).await;
    announced.expect("it is announced");
    leaving
        .update(&json!({ "backchannel_logout_uri": null }))
        .await;
    let _telling = scene.server.tells_logouts();
    scene.server.comes_to((0, 0)).await;
    assert!(scene.ears.is_quiet());
}
