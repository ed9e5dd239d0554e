//! A code redeemed while its session ends: of the two, one waits for the other.

use std::time::Duration;

use serde_json::json;
use sqlx::{Connection as _, Executor as _, PgConnection};
use tokio::task::JoinHandle;
use tongxing::accounts::logout::LogoutOrigin;

use super::assert_tells;
use crate::support::{Answer, Browser, Code, Ears, LI, PATIENCE, Portal, Server, Tokens};

/// Of a redemption and a logout at once, either nothing is issued, or its client is told.
async fn redeems_beside_a_logout(server: Server) {
    let mut ears = Ears::open();
    let portal = ears.portal(&server, "/one", &json!({})).await;
    let _telling = server.tells_logouts();
    for round in 0..12 {
        let mut li = server.browser_of(&LI);
        let code = portal.authorize(&mut li).await;
        let cookie = li.cookies["__Host-session"].clone();
        let session = server.accounts.session(&cookie).await.expect("an answer");
        let session = session.expect("a session");
        let redeeming = {
            let (portal, code) = (portal.clone(), code.clone());
            tokio::spawn(async move { portal.redeem(&code).await })
        };
        // A little later each time, so that some come before and some after.
        tokio::time::sleep(Duration::from_micros(400 * round)).await;
        let origin = LogoutOrigin::Resident;
        let ended = server.accounts.logout(&session, origin).await;
        ended.expect("it is ended");
        let answer = redeeming.await.expect("an answer");
        server.comes_to((0, 0)).await;
        if answer.status.is_success() {
            let told = ears.next().await;
            assert_tells(&server, &told, (&portal, &Tokens::of(&answer))).await;
        } else {
            assert_eq!(answer.json()["error"], "invalid_grant");
        }
        while !ears.is_quiet() {}
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_redeemed_beside_a_logout_is_refused_or_told() {
    redeems_beside_a_logout(Server::start().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_redeemed_beside_a_logout_is_refused_or_told_on_postgres() {
    if let Some(server) = Server::start_on_postgres().await {
        redeems_beside_a_logout(server).await;
    }
}

/// Li at a portal that listens, on PostgreSQL, and somebody else at the database who can be in the
/// way.
struct Crossing {
    scene: (Server, Ears, Portal),
    li: Browser,
    outside: PgConnection,
}

impl Crossing {
    async fn new() -> Option<Self> {
        let server = Server::start_on_postgres().await?;
        let ears = Ears::open();
        let portal = ears.portal(&server, "/one", &json!({})).await;
        Some(Self {
            li: server.browser_of(&LI),
            outside: PgConnection::connect(server.postgres_url())
                .await
                .expect("a connection"),
            scene: (server, ears, portal),
        })
    }

    /// From now on whoever needs what is locked here waits.
    async fn hold(&mut self, lock: &'static str) {
        for sql in ["BEGIN", lock] {
            let held = self.outside.execute(sql).await;
            held.expect("nobody else holds it");
        }
    }

    async fn let_go(&mut self) {
        self.outside.execute("COMMIT").await.expect("it is let go");
    }

    /// Waits until so many wait for a lock, of which nobody may have come through.
    async fn until_waiting(&mut self, count: usize, none_through: impl Fn() -> bool) {
        const WAITING: &str = "SELECT 1 FROM pg_stat_activity
                                WHERE datname = current_database() AND wait_event_type = 'Lock'";
<<<<<<< HEAD
        // In a transaction the list of connections is that of the first look: those of later are not in it.
=======
        // In a transaction PostgreSQL lists the connections that there were when it was first asked.
>>>>>>> scale
        const ANEW: &str = "SELECT pg_stat_clear_snapshot()";
        let waiting = async {
            while self.outside.fetch_all(WAITING).await.expect("rows").len() < count {
                assert!(none_through(), "it went on beside the other");
<<<<<<< HEAD
                self.outside.execute(ANEW).await.expect("it looks anew");
=======
                self.outside.execute(ANEW).await.expect("a fresh look");
>>>>>>> scale
            }
        };
        let waiting = tokio::time::timeout(PATIENCE, waiting).await;
        waiting.expect("they wait in time");
        assert!(none_through());
    }

    fn redeem(&self, code: Code) -> JoinHandle<Answer> {
        let portal = self.scene.2.clone();
        tokio::spawn(async move { portal.redeem(&code).await })
    }

    fn logout(&self) -> JoinHandle<()> {
        let (server, cookie) = (&self.scene.0, self.li.cookies["__Host-session"].clone());
        let accounts = server.accounts.clone();
        tokio::spawn(async move {
            let session = accounts.session(&cookie).await.expect("an answer");
            let session = session.expect("a session");
            let origin = LogoutOrigin::Resident;
            let ended = accounts.logout(&session, origin).await;
            ended.expect("it is ended");
        })
    }
}

/// On PostgreSQL neither sees the other's write before it is committed. The logout has written, and
/// not committed: the redemption waits for it, and gives nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a_redemption_that_commits_after_the_logout_gives_nothing() {
    let Some(mut crossing) = Crossing::new().await else {
        return;
    };
    let code = crossing.scene.2.authorize(&mut crossing.li).await;
    // A logout goes on to the outbox when its session has ended; a redemption does not come there.
    crossing.hold("LOCK TABLE outbox IN SHARE MODE").await;
    let ending = crossing.logout();
    crossing.until_waiting(1, || !ending.is_finished()).await;
    let redeeming = crossing.redeem(code);
    crossing.until_waiting(2, || !redeeming.is_finished()).await;
    crossing.let_go().await;
    ending.await.expect("it is ended");
    let answer = redeeming.await.expect("an answer");
    assert_eq!(answer.json()["error"], "invalid_grant", "{}", answer.text());
}

/// And the other way about: while a redemption is not committed, its session does not end, so that
/// its client is among those who are told.
#[tokio::test(flavor = "multi_thread")]
async fn a_redemption_that_commits_before_the_logout_is_told_of_it() {
    let Some(mut crossing) = Crossing::new().await else {
        return;
    };
    let code = crossing.scene.2.authorize(&mut crossing.li).await;
    // A redemption refers to its account; a logout does not.
    crossing.hold("SELECT 1 FROM accounts FOR UPDATE").await;
    let redeeming = crossing.redeem(code);
    crossing.until_waiting(1, || !redeeming.is_finished()).await;
    let ending = crossing.logout();
    crossing.until_waiting(2, || !ending.is_finished()).await;
    crossing.let_go().await;
    ending.await.expect("it is ended");
    let answer = redeeming.await.expect("an answer");
    let (server, mut ears, portal) = crossing.scene;
    let tokens = Tokens::of(&answer);
    assert_eq!(portal.userinfo(&tokens.access).await.status, 401);
    assert!(!portal.is_active(&tokens.access).await);
    let _telling = server.tells_logouts();
    assert_tells(&server, &ears.next().await, (&portal, &tokens)).await;
}
