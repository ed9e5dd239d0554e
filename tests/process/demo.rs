//! `tongxing demo` as a newcomer meets it: the real program is started, what it prints is believed,
//! and a browser does what the text says.

mod browser;
mod program;
mod registering;
mod tour;

use browser::{Browser, Page};
use program::Program;

const CHINESE: &str = "zh-CN";

/// Logs in at the provider's page as the first person told.
async fn log_in(browser: &mut Browser, page: &Page, program: &Program) -> Page {
    let fields = [
        ("username", program.username.as_str()),
        ("password", program.password.as_str()),
    ];
    browser.submit(page, "login-submit", &fields).await
}

#[tokio::test]
async fn one_login_enters_two_portals_of_different_provinces() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::start(folder.path(), &["demo"]);
    let mut browser = Browser::new(CHINESE);

    let login = browser.open(&program.portal("zhejiang", "login")).await;
    let notice = log_in(&mut browser, &login, &program).await;
    // On a statutory duty: told, not asked.
    assert!(notice.has("consent-allow") && notice.url.starts_with(&program.provider));
    let zhejiang = browser.submit(&notice, "consent-allow", &[]).await;
    assert_eq!(zhejiang.url, program.portal("zhejiang", ""));
    assert!(zhejiang.text.contains("林晓雨") && zhejiang.text.contains("+8613800000001"));
    assert_eq!(zhejiang.claim("ial"), "2");

    // The second portal: no login page, only the question.
    let question = browser.open(&zhejiang.link("portal-next")).await;
    assert!(question.has("consent-allow") && !question.has("login-submit"));
    let refused = browser.submit(&question, "consent-deny", &[]).await;
    // No fault: it says so once, where one can begin again.
    assert_eq!(refused.status, 200);
    assert_eq!(refused.url, program.portal("guangdong", ""));
    assert!(refused.has("portal-notice") && refused.has("portal-login"));
    assert!(refused.text.contains("您没有同意") && !refused.text.contains("access_denied"));
    assert!(!refused.text.contains("林晓雨"));
    let again = browser.open(&program.portal("guangdong", "")).await;
    assert!(!again.has("portal-notice"));
    let question = browser.open(&program.portal("guangdong", "login")).await;
    let guangdong = browser.submit(&question, "consent-allow", &[]).await;
    assert_eq!(guangdong.url, program.portal("guangdong", ""));
    // What it did not ask for it does not have, and it knows the person by another number.
    assert!(guangdong.text.contains("林晓雨") && !guangdong.text.contains("13800000001"));
    assert_ne!(guangdong.claim("sub"), zhejiang.claim("sub"));

    let renewed = browser.submit(&guangdong, "portal-refresh", &[]).await;
    assert_eq!(renewed.url, program.portal("guangdong", ""));
    assert!(renewed.text.contains("已用刷新令牌换得新的令牌"));
    assert_eq!(renewed.claim("sub"), guangdong.claim("sub"));

    // Silent from now on, at both.
    let again = browser.open(&program.portal("zhejiang", "login")).await;
    assert_eq!(again.url, program.portal("zhejiang", ""));
    assert!(again.has("portal-logout"));

    let out = browser.submit(&renewed, "portal-logout", &[]).await;
    assert!(
        out.url
            .starts_with(&program.portal("guangdong", "logged-out?state="))
    );
    assert!(out.has("portal-login") && !out.text.contains("林晓雨"));
    // The other portal has heard of it, and says so until somebody enters again.
    for _ in 0..2 {
        let ended = browser.open(&program.portal("zhejiang", "")).await;
        assert!(ended.has("portal-notice") && ended.has("portal-login"));
        assert!(ended.text.contains("随之结束") && !ended.text.contains("林晓雨"));
    }
    // The provider's login is gone, too.
    let login = browser.open(&program.portal("zhejiang", "login")).await;
    assert!(login.has("login-submit"));
    program.stop();
}

#[tokio::test]
async fn a_second_run_goes_on_even_on_other_ports_and_fresh_starts_over() {
    let folder = tempfile::tempdir().unwrap();
    let first = Program::start(folder.path(), &["demo"]);
    let mut browser = Browser::new(CHINESE);
    let login = browser.open(&first.portal("zhejiang", "login")).await;
    let notice = log_in(&mut browser, &login, &first).await;
    let entered = browser.submit(&notice, "consent-allow", &[]).await;
    let subject = entered.claim("sub");
    let ports = first.ports();
    first.stop();

    let held: Vec<_> = ports
        .iter()
        .map(|port| std::net::TcpListener::bind(("127.0.0.1", *port)))
        .collect();
    let second = Program::start(folder.path(), &["demo"]);
    assert!(ports.iter().all(|port| !second.ports().contains(port)));
    let mut browser = Browser::new(CHINESE);
    let login = browser.open(&second.portal("zhejiang", "login")).await;
    let entered = log_in(&mut browser, &login, &second).await;
    // No notice: it was given in the first run. The same person under the same number.
    assert_eq!(entered.url, second.portal("zhejiang", ""));
    assert_eq!(entered.claim("sub"), subject);
    second.stop();
    drop(held);

    let third = Program::start(folder.path(), &["demo", "--fresh"]);
    let mut browser = Browser::new(CHINESE);
    let login = browser.open(&third.portal("zhejiang", "login")).await;
    let notice = log_in(&mut browser, &login, &third).await;
    assert!(notice.has("consent-allow"));
    third.stop();
}

#[tokio::test]
async fn a_language_chosen_at_the_start_is_kept_at_the_portals() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::start(folder.path(), &["demo"]);
    let mut browser = Browser::new(CHINESE);
    let start = browser.open(&format!("{}?lang=en", program.start)).await;
    assert!(start.text.contains("--fresh"), "{}", start.text);
    let zhejiang = program.portal("zhejiang", "?lang=en");
    assert!(start.text.contains("lang=en"), "{}", start.text);
    let portal = browser.open(&zhejiang).await;
    assert!(portal.text.contains("Zhejiang Social Insurance"));
    let login = browser.open(&program.portal("zhejiang", "login")).await;
    let notice = log_in(&mut browser, &login, &program).await;
    let entered = browser.submit(&notice, "consent-allow", &[]).await;
    assert!(entered.link("portal-next").ends_with("&lang=en"));
    let nothing = browser.open(&program.portal("zhejiang", "nothing")).await;
    assert_eq!(nothing.status, 404);
    assert!(nothing.text.contains("There is no such page here."));
    program.stop();
}

#[tokio::test]
async fn a_portal_takes_nothing_that_it_did_not_begin() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::start(folder.path(), &["demo"]);
    let mut browser = Browser::new(CHINESE);
    let login = browser.open(&program.portal("zhejiang", "login")).await;
    let notice = log_in(&mut browser, &login, &program).await;
    let answer = browser.press(&notice, "consent-allow", &[]).await;
    let callback = answer.location.expect("a redirect to the portal");

    // Another browser's answer, and the same one twice.
    let mut stranger = Browser::new(CHINESE);
    let refused = stranger.open(&callback).await;
    assert_eq!(refused.status, 400);
    assert!(refused.text.contains("state_mismatch") && !refused.text.contains("林晓雨"));
    // A provider that is not named, or another.
    let without = callback.split("&iss=").next().unwrap().to_owned();
    assert!(
        browser
            .open(&without)
            .await
            .text
            .contains("issuer_mismatch")
    );
    assert!(
        browser
            .open(&callback)
            .await
            .text
            .contains("state_mismatch")
    );

    let elsewhere = program.portal("zhejiang", "login?iss=https://elsewhere.example");
    assert!(
        browser
            .open(&elsewhere)
            .await
            .text
            .contains("issuer_mismatch")
    );
    let scripted = "callback?state=x&error=%3Cscript%3E&error_description=%3Cscript%3E";
    let shown = browser.open(&program.portal("zhejiang", scripted)).await;
    assert!(!shown.text.contains("<script"));

    // A form without what this browser's forms carry does nothing.
    let entered = browser.open(&program.portal("zhejiang", "login")).await;
    assert!(entered.text.contains("林晓雨"));
    let forged = entered.without_hidden_fields();
    let still = browser.submit(&forged, "portal-logout", &[]).await;
    assert!(still.text.contains("林晓雨"));

    // The start page, and no other host.
    let start = browser.open(&program.start).await;
    assert!(program.username == "13800000001" && start.text.contains("13800000001"));
    let other = program.start.replace("localhost", "elsewhere.example");
    assert_eq!(browser.open(&other).await.status, 421);
    program.stop();
}
