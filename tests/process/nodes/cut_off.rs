//! A node that has lost the database, by connections that are cut and by a network that swallows
//! everything: it refuses within a second, hangs on nothing, and is back by itself.

use std::time::{Duration, Instant};

use super::{
    PATIENCE, SECOND, Verdict, access, another_node, authorization, bites, client_credentials,
    enter, introspection, is_in, measured, userinfo,
};
use crate::changes::Entered;
use crate::http::Http;
use crate::installation::Installation;
use crate::proxy::{Proxy, Way};
use crate::server::{Server, within};

/// Longer than a statement waits for a server that is gone, on a busy machine; shorter than one
/// waits for a server that is slow.
const BOUNDED: Duration = Duration::from_secs(8);

/// Ways of a node to its two databases.
struct Ways {
    main: Proxy,
    vault: Proxy,
}

impl Ways {
    /// The same databases behind the proxies.
    async fn of(installation: &Installation) -> (Self, Vec<(&'static str, String)>) {
        let [main, vault] = installation.postgres_urls()[..] else {
            panic!("two databases");
        };
        let (main, main_url) = proxied(main).await;
        let (vault, vault_url) = proxied(vault).await;
        let settings = vec![("database.url", main_url), ("vault.url", vault_url)];
        (Self { main, vault }, settings)
    }

    fn set(&self, way: Way) {
        self.main.set(way);
        self.vault.set(way);
    }

    fn open_for_new(&self) {
        self.main.open_for_new();
        self.vault.open_for_new();
    }
}

async fn proxied(url: &str) -> (Proxy, String) {
    let mut url: url::Url = url.parse().unwrap();
    let address = format!("{}:{}", url.host_str().unwrap(), url.port().unwrap_or(5432));
    let proxy = Proxy::to(address).await;
    url.set_host(Some("127.0.0.1")).unwrap();
    url.set_port(Some(proxy.address.port())).unwrap();
    (proxy, url.to_string())
}

/// Asks again and again, until nothing was accepted for two seconds after the first: what was sent a
/// second after the cut must not be. How long the longest answer took, of those sent before the
/// second was over, and of those after it.
async fn refuses(
    cut: Instant,
    what: &str,
    mut ask: impl AsyncFnMut() -> Verdict,
) -> (Duration, Duration) {
    let (mut early, mut late) = (Duration::ZERO, Duration::ZERO);
    let mut refusals = 0;
    loop {
        let sent = cut.elapsed();
        let verdict = ask().await;
        let took = cut.elapsed().saturating_sub(sent);
        if sent < SECOND {
            early = early.max(took);
        } else {
            assert_eq!(verdict, Verdict::Unsure, "{what}, sent after {sent:?}");
            late = late.max(took);
            refusals += 1;
        }
        if refusals >= 3 && sent > SECOND * 3 {
            return (early, late);
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Everything that a cache could answer, and a login, which none can.
async fn everything_is_refused(node: &Server, cut: Instant, entered: &Entered) {
    let (http, portal) = (&node.http, &entered.portal);
    let asks = tokio::join!(
        refuses(cut, "userinfo", async || {
            userinfo(http, portal, &entered.tokens).await
        }),
        refuses(cut, "introspection", async || {
            introspection(http, portal, &entered.tokens).await
        }),
        refuses(cut, "authorization", async || {
            authorization(http, portal, &entered.browser).await
        }),
        refuses(cut, "client credentials", async || {
            client_credentials(http, portal).await
        }),
        refuses(cut, "refresh", async || {
            let answer = portal.refresh(http, &entered.tokens.refresh).await;
            Verdict::of(&answer, 400)
        }),
        refuses(cut, "/readyz", async || {
            let answer = node.manage("/readyz").await;
            match answer.status {
                200 => Verdict::Accepted,
                503 => Verdict::Unsure,
                _ => panic!("{answer:?}"),
            }
        }),
    );
    let names = [
        "userinfo",
        "introspection",
        "authorization",
        "client credentials",
        "refresh",
        "readyz",
    ];
    let asks = [asks.0, asks.1, asks.2, asks.3, asks.4, asks.5];
    for (name, (early, late)) in names.iter().zip(asks) {
        measured(format_args!(
            "{name}: answered after {early:?} in the first second, {late:?} later"
        ));
        assert!(early.max(late) < BOUNDED, "{name}: {early:?}, {late:?}");
    }
}

/// Until everything is answered as before.
async fn heals(node: &Server, healed: Instant, entered: &Entered) -> Duration {
    within(PATIENCE, "everything works again", async || {
        let works = node.is_ready().await
            && access(&node.http, entered).await == Verdict::Accepted
            && client_credentials(&node.http, &entered.portal).await == Verdict::Accepted;
        works.then_some(())
    })
    .await;
    healed.elapsed()
}

async fn is_cut_off(way: Way) {
    let Some(installation) = Installation::postgres().await else {
        return;
    };
    installation.migrate().await;
    let (ways, settings) = Ways::of(&installation).await;
    let settings: Vec<(&str, &str)> = settings.iter().map(|(k, v)| (*k, &**v)).collect();
    let one = installation.serve().await;
    let other = another_node(&installation, &settings).await;
    let entered = enter(&installation, &one.http, 1).await;
    let leaving = enter(&installation, &one.http, 2).await;
    heals(&other, Instant::now(), &entered).await;
    is_in(&other.http, &leaving).await;

    ways.set(way);
    let cut = Instant::now();
    let ((), ended) = tokio::join!(
        everything_is_refused(&other, cut, &entered),
        log_out(&one.http, &leaving),
    );
    measured(format_args!("{way:?}: refused"));
    is_in(&one.http, &entered).await;
    ways.open_for_new();
    let healed = Instant::now();
    // What it did not hear of it knows before it answers again.
    let (took, _refused) = tokio::join!(
        heals(&other, healed, &entered),
        bites(ended, "the logout that it did not hear of", async || {
            access(&other.http, &leaving).await
        }),
    );
    measured(format_args!("{way:?}: works again after {took:?}"));
    let tokens = Entered::at(&other.http, entered.portal.clone(), entered.person.clone()).await;
    is_in(&one.http, &tokens).await;
    one.stop().await;
    other.stop().await;
}

async fn log_out(http: &Http, entered: &Entered) -> Instant {
    let mut browser = entered.browser.clone();
    browser.http = http.clone();
    let page = browser.open("/logout").await;
    let page = browser.submit(&page, &[("decision", "confirm")]).await;
    assert_eq!(page.page().answer.status, 200);
    Instant::now()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_whose_connections_are_cut_refuses_within_a_second_and_is_back_by_itself() {
    is_cut_off(Way::Cut).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_in_a_network_gone_silent_refuses_within_a_second_and_is_back_by_itself() {
    is_cut_off(Way::Silent).await;
}
