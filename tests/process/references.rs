//! The reference that somebody is told, on a page or in `x-request-id`, finds the line in the log
//! that says why.

use std::time::Duration;

use crate::browser::Browser;
use crate::http::Answer;
use crate::installation::{Installation, on_both};
use crate::people::Person;
use crate::server::{Server, within};

/// Long enough for a line to be written on a busy machine.
const SHORT: Duration = Duration::from_secs(30);

/// The answer's reference; it is in the log, with the answer's status or the reason.
async fn logged(server: &Server, answer: &Answer, status: u16) -> String {
    assert_eq!(answer.status, status, "{answer:?}");
    let reference = answer.header("x-request-id").expect("a reference");
    within(SHORT, "the reference is in the log", async || {
        let log = server.log();
        let of_it = log.lines().filter(|line| line.contains(reference));
        // A busy server counts its refusals; why one was refused is always there.
        let says_why = |line: &str| {
            line.contains(&format!("status={status}")) || line.contains("request failed")
        };
        of_it.clone().any(says_why).then_some(())
    })
    .await;
    reference.to_owned()
}

on_both! {
    async fn each_reference_is_in_the_log(installation: &mut Installation) {
        installation.migrate().await;
        let portal = installation.add_portal("one").await;
        let person = Person::numbered(1);
        installation.import(std::slice::from_ref(&person)).await;
        let server = installation.serve().await;
        let http = &server.http;
        let origin = http.origin();

        // Pages say it.
        let pages = [
            (404, http.get(&format!("{origin}/nowhere")).await),
            (400, http.get(&format!("{origin}/oauth2/authorize?client_id=nobody")).await),
            (400, http.get(&format!("{origin}/login?interaction=nothing")).await),
            (403, http.send(http.posting(&format!("{origin}/login"), &[])).await.unwrap()),
        ];
        for (status, answer) in pages {
            let reference = logged(&server, &answer, status).await;
            assert!(answer.body.contains(&reference), "{answer:?}");
            assert!(answer.body.contains("id=\"error-code\""), "{answer:?}");
        }
        // So do refusals in JSON, by their header.
        let form = [("grant_type", "authorization_code"), ("code", "none")];
        let refused = portal.post(http, "/oauth2/token", &form).await;
        logged(&server, &refused, 400).await;

        // And failures, whose cause is nowhere else: here something has lost a table.
        let mut browser = Browser::new(http);
        let code = browser.enter(&portal, &person).await.code();
        installation.execute("ALTER TABLE sessions RENAME TO lost").await;
        let failed = portal.exchange(http, &code).await;
        assert_eq!(failed.json()["error"], "server_error");
        logged(&server, &failed, 500).await;
        let page = browser.try_open(&format!("{origin}/account")).await.unwrap();
        let reference = logged(&server, &page.answer, 500).await;
        assert!(page.answer.body.contains(&reference), "{page:?}");
        assert!(page.answer.body.contains("server_error"), "{page:?}");
        server.stop().await;
    }
}
