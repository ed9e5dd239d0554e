//! The last page of a logout: it says where somebody may still be logged in, and leads on.

use serde_json::json;

use super::delivery::{failed, logout};
use crate::support::{Answer, Browser, Ears, LI, PATIENCE, Portal, Reply, Server, Setup};

const STATE: &str = "a&b";
const TAX_SITE: &str = "https://tax.example/?a=1&b=2";

/// Li is at two portals that listen, "Pension Office" at `/pension` and "<b>Tax" at `/tax`.
struct Scene {
    server: Server,
    ears: Ears,
    pension: Portal,
    tax: Portal,
    li: Browser,
}

impl Scene {
    /// The page waits for as long as a busy machine needs.
    async fn new() -> Self {
        Self::of(Setup {
            logout_patience: PATIENCE,
            ..Setup::default()
        })
        .await
    }

    async fn of(setup: Setup) -> Self {
        let server = Server::start_with(setup).await;
        let ears = Ears::open();
        let named = |name: &str| json!({ "client_name": name });
        let tax = json!({ "client_name": "<b>Tax", "client_uri": TAX_SITE });
        let pension = ears
            .portal(&server, "/pension", &named("Pension Office"))
            .await;
        let tax = ears.portal(&server, "/tax", &tax).await;
        let li = server.browser_of(&LI);
        let mut scene = Self {
            server,
            ears,
            pension,
            tax,
            li,
        };
        scene.enter().await;
        scene
    }

    async fn enter(&mut self) {
        self.pension.tokens(&mut self.li).await;
        self.tax.tokens(&mut self.li).await;
    }

    /// Logs out at the pension office, and presses the button.
    async fn leave(&mut self) -> Answer {
        let bye = self.pension.metadata["post_logout_redirect_uris"][0].as_str();
        let target = url::form_urlencoded::Serializer::new("/oauth2/end_session?".to_owned())
            .append_pair("client_id", &self.pension.client_id)
            .append_pair("post_logout_redirect_uri", bye.expect("an address"))
            .append_pair("state", STATE)
            .finish();
        let page = self.li.visit(&target.replace("?&", "?")).await;
        self.li.press(&page, &[], "logout-confirm").await
    }

    /// The browser is sent back to where it came from.
    fn assert_returned(&self, answer: &Answer) {
        let location = answer.departs_to().expect("back at the portal");
        assert_eq!(location.query_pairs().next().expect("a state").1, STATE);
        let bye = self.pension.metadata["post_logout_redirect_uris"][0].as_str();
        assert_eq!(location.as_str().split('?').next(), bye);
    }

    /// The page names these, and leads to where the browser came from.
    fn assert_named(&self, answer: &Answer, names: &[&str]) {
        assert_eq!((answer.status.as_u16(), answer.departs_to()), (200, None));
        assert!(answer.page().has("unconfirmed"));
        let text = answer.text();
        // By name; and by a link, if it has told where it is.
        let link = "<a href=\"https:&#x2f;&#x2f;tax.example&#x2f;?a=1&amp;b=2\" target=\"_blank\" \
                    rel=\"noopener noreferrer\"><bdi>&lt;b&gt;Tax</bdi></a>";
        for (portal, shown) in [
            ("Pension Office", "<bdi>Pension Office</bdi>"),
            ("<b>Tax", link),
        ] {
            let item = format!("<li>{shown}</li>");
            assert_eq!(
                text.contains(&item),
                names.contains(&portal),
                "{portal}: {text}"
            );
        }
        let bye = self.pension.metadata["post_logout_redirect_uris"][0].as_str();
        let page = answer.page();
        let links: Vec<&str> = page.all("a").filter_map(|a| a.attribute("href")).collect();
        let on = format!("{}?state=a%26b", bye.expect("an address"));
        assert!(links.contains(&on.as_str()), "{links:?}");
    }
}

#[tokio::test]
async fn when_all_have_confirmed_the_browser_goes_on() {
    let mut scene = Scene::new().await;
    let _telling = scene.server.tells_logouts();
    let answer = scene.leave().await;
    scene.assert_returned(&answer);
    assert_eq!(scene.ears.next_by_path(2).await.len(), 2);
    // Nobody is left who could be told.
    let answer = scene.li.visit("/logout").await;
    assert!(!answer.page().has("unconfirmed"));
}

/// Whether it fails, refuses or is silent: it has not confirmed.
#[tokio::test]
async fn who_has_not_confirmed_is_named() {
    for reply in [Reply::Status(500), Reply::Status(400), Reply::Nothing] {
        let mut scene = Scene::new().await;
        scene.ears.reply("/tax", reply);
        let _telling = scene.server.tells_logouts();
        let answer = scene.leave().await;
        scene.assert_named(&answer, &["<b>Tax"]);
    }
}

/// It may have been taken over: the resident is not led there.
#[tokio::test]
async fn a_suspended_portal_is_named_but_no_link() {
    let mut scene = Scene::new().await;
    scene.tax.suspend().await;
    let _telling = scene.server.tells_logouts();
    let answer = scene.leave().await;
    let text = answer.text();
    assert!(text.contains("<li><bdi>&lt;b&gt;Tax</bdi></li>"), "{text}");
}

/// If nothing is told yet, nobody has confirmed; the resident waits for a moment and no longer.
#[tokio::test]
async fn who_has_not_been_told_is_named() {
    let mut scene = Scene::of(Setup::default()).await;
    let begun = tokio::time::Instant::now();
    let answer = scene.leave().await;
    assert!(
        begun.elapsed() >= std::time::Duration::from_millis(700),
        "it was waited for"
    );
    scene.assert_named(&answer, &["Pension Office", "<b>Tax"]);
}

#[tokio::test]
async fn nobody_waits_for_a_portal_that_is_known_to_fail() {
    let mut scene = Scene::new().await;
    scene.ears.reply("/tax", Reply::Status(500));
    let telling = scene.server.tells_logouts();
    let first = logout(&scene.server, &scene.li).await;
    failed(&telling, 1).await;
    scene.enter().await;
    let second = logout(&scene.server, &scene.li).await;
    // The other one confirms; of the one that fails nothing is to be expected.
    failed(&telling, 2).await;
    scene.server.comes_to((2, 0)).await;
    for receipt in [first, second] {
        let unconfirmed = scene.server.provider.unconfirmed(&receipt).await;
        let unconfirmed = unconfirmed.expect("an answer");
        assert!(!unconfirmed.is_pending);
        let ids: Vec<_> = unconfirmed
            .clients
            .iter()
            .map(|client| client.id.clone())
            .collect();
        assert_eq!(ids, [scene.tax.id()]);
    }
    scene.enter().await;
    let answer = scene.leave().await;
    scene.assert_named(&answer, &["<b>Tax"]);
}

/// An app's own address is no link, so there is no page before it.
#[tokio::test]
async fn an_app_is_gone_back_to_all_the_same() {
    let mut scene = Scene::new().await;
    let app = json!({
        "application_type": "native",
        "token_endpoint_auth_method": "none",
        "redirect_uris": ["com.example.app:/callback"],
        "post_logout_redirect_uris": ["com.example.app:/bye"],
    });
    let app = Portal::register(&scene.server, &app).await;
    scene.ears.reply("/tax", Reply::Status(400));
    let _telling = scene.server.tells_logouts();
    let target = format!(
        "/oauth2/end_session?client_id={}&post_logout_redirect_uri=com.example.app%3A%2Fbye",
        app.client_id
    );
    let page = scene.li.visit(&target).await;
    let answer = scene.li.press(&page, &[], "logout-confirm").await;
    let location = answer.departs_to().expect("back at the app");
    assert_eq!(location.as_str(), "com.example.app:/bye");
}
