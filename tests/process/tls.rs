//! TLS ended by the server itself.

use std::time::Duration;

use rustix::process::Signal;

use crate::browser::Browser;
use crate::http::Http;
use crate::installation::Installation;
use crate::people::Person;
use crate::server::{Server, within};

const FIRST: (&str, &str) = (
    include_str!("../../src/http/tls/fixtures/first.pem"),
    include_str!("../../src/http/tls/fixtures/first-key.pem"),
);
const SECOND: (&str, &str) = (
    include_str!("../../src/http/tls/fixtures/second.pem"),
    include_str!("../../src/http/tls/fixtures/second-key.pem"),
);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_makes_it_https_with_host_cookies_and_strict_transport() {
    let mut installation = Installation::sqlite();
    let issuer = installation.issuer().replace("http:", "https:");
    installation.set("server.issuer", &issuer);
    for (setting, name, pem) in [
        ("tls.certificate", "certificate.pem", FIRST.0),
        ("tls.key", "key.pem", FIRST.1),
    ] {
        let file = installation.write(name, pem);
        installation.set(setting, &file);
    }
    installation.migrate().await;
    let person = Person::numbered(3);
    installation.import(std::slice::from_ref(&person)).await;
    let portal = installation.add_portal("one").await;
    let server = installation.serve().await;

    let mut browser = Browser::new(&server.http);
    let code = browser.enter(&portal, &person).await.code();
    let tokens = portal.tokens(&server.http, &code).await;
    let names = browser.cookie_names();
    assert!(
        names.contains(&"__Host-session") && names.contains(&"__Host-browser"),
        "{names:?}"
    );
    assert!(
        names.iter().all(|name| name.starts_with("__Host-")),
        "{names:?}"
    );
    let page = Browser::new(&server.http)
        .go(&portal.authorization_url(&issuer), None)
        .await
        .page();
    assert!(page.url.starts_with("https://localhost:"), "{page:?}");
    for url in [format!("{issuer}/login"), format!("{issuer}/oauth2/jwks")] {
        let answer = server.http.get(&url).await;
        let strict = answer.header("strict-transport-security").unwrap();
        assert!(strict.contains("max-age="), "{answer:?}");
        for cookie in answer.headers.get_all("set-cookie") {
            let cookie = cookie.to_str().unwrap();
            for word in [
                "__Host-",
                "; Secure",
                "; HttpOnly",
                "; Path=/",
                "SameSite=Lax",
            ] {
                assert!(cookie.contains(word), "{word}: {cookie}");
            }
        }
    }
    let about = portal.userinfo(&server.http, &tokens.access).await;
    assert_eq!(about.status, 200, "{about:?}");

    // Plain http is no way in.
    let plain = Http::to(&issuer, installation.setting("server.listen"));
    assert!(plain.try_get(&format!("{issuer}/login")).await.is_err());

    the_certificate_is_renewed_under_it(&installation, &server).await;
    server.stop().await;
}

async fn the_certificate_is_renewed_under_it(installation: &Installation, server: &Server) {
    let (issuer, listen) = (installation.issuer(), installation.setting("server.listen"));
    let renewed = installation.path("renewed.pem");
    std::fs::write(&renewed, SECOND.0).unwrap();
    let asking = || Http::secure_to(issuer, listen, &renewed);
    let url = format!("{issuer}/oauth2/jwks");
    assert!(
        asking().try_get(&url).await.is_err(),
        "it is not trusted yet"
    );
    installation.write("certificate.pem", SECOND.0);
    installation.write("key.pem", SECOND.1);
    server.signal(Signal::HUP);
    within(
        Duration::from_secs(10),
        "the new certificate is shown",
        async || asking().try_get(&url).await.ok(),
    )
    .await;
}

#[tokio::test]
async fn a_certificate_that_cannot_be_used_is_said_in_one_line() {
    let mut installation = Installation::sqlite();
    let certificate = installation.write("certificate.pem", FIRST.0);
    installation.set("tls.certificate", &certificate);
    let line = installation.run(&["serve"]).await;
    assert!(line.failed_with_one_line().contains("tls.key"), "{line:?}");
    for key in [SECOND.1, "not a key", FIRST.0] {
        let key = installation.write("key.pem", key);
        let done = installation
            .run_with(&["serve"], &[("tls.key", &key)])
            .await;
        assert!(done.failed_with_one_line().contains("TLS"), "{done:?}");
    }
    let missing = [("tls.key", "no-such-file.pem")];
    let done = installation.run_with(&["serve"], &missing).await;
    assert!(
        done.failed_with_one_line().contains("no-such-file.pem"),
        "{done:?}"
    );
}
