//! The same of residents who register and recover, who are refused, who lose what was never theirs,
//! and whose steps and messages are still under way: their codes are nowhere either.

use std::fs;
use std::time::Duration;

use super::{found, needles, written};
use crate::browser::{Browser, Page};
use crate::installation::{Installation, on_both};
use crate::outbox::{OUTBOX, Outbox};
use crate::people::Person;
use crate::portal::Portal;
use crate::server::{Server, within};
use crate::simulator::Simulator;

/// Who is in the story.
struct People {
    /// Registers, recovers, confirms a phone.
    registered: Person,
    /// Has claimed the owner's document, on a phone of his own.
    squatter: Person,
    owner: Person,
    /// Is not who she says.
    refused: Person,
    /// Has not typed the code yet.
    pending: Person,
    /// Has, and the authority does not answer.
    waiting: Person,
    /// Asks for more codes than there are.
    limited: Person,
    /// Types a number that cannot be.
    mistaken: Person,
    /// Waits for a code while nobody takes messages.
    unheard: Person,
}

impl People {
    fn new() -> Self {
        let person = Person::numbered;
        let owner = person(52);
        Self {
            registered: person(50),
            squatter: Person {
                name: owner.name.clone(),
                number: owner.number.clone(),
                ..person(51)
            },
            owner,
            refused: person(53),
            pending: person(54),
            waiting: person(55),
            limited: person(56),
            mistaken: Person {
                number: format!("{}A", &person(57).number[..17]),
                ..person(57)
            },
            unheard: person(58),
        }
    }

    fn all(&self) -> [&Person; 9] {
        [
            &self.registered,
            &self.squatter,
            &self.owner,
            &self.refused,
            &self.pending,
            &self.waiting,
            &self.limited,
            &self.mistaken,
            &self.unheard,
        ]
    }
}

struct Story {
    people: People,
    server: Server,
    outbox: Outbox,
    authority: Simulator,
    portal: Portal,
}

impl Story {
    fn browser(&self) -> Browser {
        Browser::new(&self.server.http)
    }

    /// Everything that can be done with an account of one's own.
    async fn somebody_registers_and_recovers(&self) {
        let Self { people, outbox, .. } = self;
        let person = &people.registered;
        let mut browser = self.browser();
        let url = self.portal.authorization_url(self.server.http.origin());
        let login = browser.go(&url, None).await.page();
        let form = browser.absolute(&login.url, &login.link("/register"));
        let form = browser.go(&form, None).await.page();
        let page = browser.apply(&form, person).await.page();
        let page = self.mistyped(&mut browser, &page, person, 1).await;
        let resend = browser.absolute(&page.url, &page.link("/register/resend"));
        let resend = browser.go(&resend, None).await.page();
        let page = browser.submit(&resend, &[]).await.page();
        let code = outbox.code(&person.phone, 2).await;
        let consent = browser.type_code(&page, &code).await.page();
        let arrival = browser.submit(&consent, &[("decision", "allow")]).await;
        let tokens = self.portal.tokens(&self.server.http, &arrival.code()).await;
        let about = self
            .portal
            .userinfo(&self.server.http, &tokens.access)
            .await
            .json();
        assert_eq!(about["name"], person.name, "the data is in play: {about}");

        let account = browser.open("/account").await;
        let confirm = account
            .answer
            .body
            .split("<form ")
            .find(|form| form.contains("confirm-phone-1"));
        let form = Page {
            url: account.url.clone(),
            answer: crate::http::Answer {
                body: format!("<form {}", confirm.unwrap()),
                ..account.answer.clone()
            },
        };
        let page = browser.submit(&form, &[]).await.page();
        let code = outbox.code(&person.phone, 3).await;
        browser.type_code(&page, &code).await.page();

        let renewed = Person {
            password: RENEWED.to_owned(),
            ..person.clone()
        };
        let page = self
            .browser()
            .prove("/recover", &renewed, (outbox, 3))
            .await
            .page();
        assert!(page.has("account-logout"), "{page:?}");
        outbox.told(&person.phone, "new password").await;
        let page = self.browser().log_in_as(&person.number, RENEWED).await;
        assert!(!page.has("login-problem"), "{page:?}");
    }

    /// Types another code than the `count`th that was sent.
    async fn mistyped(
        &self,
        browser: &mut Browser,
        page: &Page,
        person: &Person,
        count: usize,
    ) -> Page {
        let code = self.outbox.code(&person.phone, count).await;
        let wrong: String = code
            .chars()
            .rev()
            .map(|c| if c == '9' { '0' } else { '9' })
            .collect();
        let page = browser.type_code(page, &wrong).await.page();
        assert!(page.has("otp-problem"), "{page:?}");
        page
    }

    async fn somebody_takes_their_name_back(&self) {
        let owner = &self.people.owner;
        let page = self
            .browser()
            .prove("/register", owner, (&self.outbox, 0))
            .await
            .page();
        assert!(page.has("account-logout"), "{page:?}");
        self.outbox.told(&self.people.squatter.phone, "证件").await;
    }

    async fn others_do_not_get_that_far(&self) {
        let Self {
            people,
            outbox,
            authority,
            ..
        } = self;
        for path in ["/register", "/recover"] {
            let codes = outbox.codes(&people.refused.phone).len();
            authority.behave("mismatch", None).await;
            let page = self
                .browser()
                .prove(path, &people.refused, (outbox, codes))
                .await
                .page();
            assert!(
                page.answer.body.contains("could not be verified"),
                "{page:?}"
            );
            let codes = outbox.codes(&people.waiting.phone).len();
            authority.behave("garbage", None).await;
            let page = self
                .browser()
                .prove(path, &people.waiting, (outbox, codes))
                .await
                .page();
            assert!(page.has("retry-submit"), "{page:?}");
            self.browser().begin(path, &people.pending).await;
            let mut browser = self.browser();
            let form = browser.open(path).await;
            let page = browser.apply(&form, &people.mistaken).await.page();
            assert_eq!(page.answer.status, 422, "{page:?}");
            assert!(
                page.answer.body.contains(&people.mistaken.name),
                "it is shown again"
            );
        }
        let mut browser = self.browser();
        let form = browser.open("/register").await;
        let mut status = 200;
        for _ in 0..12 {
            status = browser
                .apply(&form, &people.limited)
                .await
                .page()
                .answer
                .status;
        }
        assert_eq!(status, 429);
    }

    /// The last message finds nobody who takes it, and stays.
    async fn nobody_takes_messages(&self, installation: &Installation) {
        let file = installation.outbox_file();
        fs::remove_file(&file).unwrap();
        fs::create_dir(&file).unwrap();
        self.browser()
            .begin("/register", &self.people.unheard)
            .await;
        within(
            Duration::from_secs(20),
            "a message that was not taken",
            async || {
                let waiting = "SELECT COUNT(*) FROM outbox WHERE attempts > 0";
                (installation.number(waiting).await > 0).then_some(())
            },
        )
        .await;
    }
}

const RENEWED: &str = "renewed and never told anyone";

/// Where which code is, on its own: digits beside it, or a point before it, make another number of
/// it (a time with its microseconds).
fn found_codes(hay: &[(String, Vec<u8>)], codes: &[String]) -> Vec<String> {
    let mut found = Vec::new();
    for (place, bytes) in hay {
        for code in codes {
            let length = code.len();
            let places = bytes.windows(length).enumerate();
            let alone = places
                .filter(|(_, window)| *window == code.as_bytes())
                .filter(|(at, _)| {
                    let before = at.checked_sub(1).and_then(|at| bytes.get(at));
                    let after = bytes.get(at + length);
                    !before.is_some_and(|byte| byte.is_ascii_digit() || *byte == b'.')
                        && !after.is_some_and(u8::is_ascii_digit)
                });
            if alone.count() > 0 {
                found.push(format!("{code} in {place}"));
            }
        }
    }
    found
}

on_both! {
    async fn nothing_of_applicants_is_in_the_clear_anywhere(installation: &mut Installation) {
        installation.set("log.level", "trace");
        installation.set("log.requests", "true");
        installation.migrate().await;
        let people = People::new();
        let known = [&people.registered, &people.owner, &people.pending].map(Person::clone);
        let authority = installation.open_registration(&known);
        installation.import(std::slice::from_ref(&people.squatter)).await;
        let portal = installation.add_portal("one").await;
        let server = installation.serve().await;
        let story = Story { people, server, outbox: installation.outbox(), authority, portal };
        story.somebody_registers_and_recovers().await;
        story.somebody_takes_their_name_back().await;
        story.others_do_not_get_that_far().await;
        installation.shown(&story.people.owner).await;
        let codes = story.people.all();
        let codes: Vec<String> = codes.iter().flat_map(|p| story.outbox.codes(&p.phone)).collect();
        assert!(codes.len() > 15, "{codes:?}");
        let phones = [(OUTBOX.to_owned(), fs::read(installation.outbox_file()).unwrap())];
        story.nobody_takes_messages(installation).await;

        let Story { people, server, authority, .. } = story;
        let mut needles = needles(&people.all().map(Person::clone));
        needles.push(RENEWED.as_bytes().to_vec());
        let metrics = server.manage("/metrics").await.body;
        let urls = server.http.urls();
        assert!(urls.len() > 60 && metrics.contains("tongxing_authority_checks_total"));
        let mut hay = installation.everything_stored().await;
        hay.push(("metrics".to_owned(), metrics.into_bytes()));
        hay.extend(urls.into_iter().map(|url| (format!("URL {url}"), url.into_bytes())));
        server.stop().await;
        hay.push(("the authority's log".to_owned(), authority.log().into_bytes()));
        authority.stop();
        hay.extend(installation.everything_stored().await);
        hay.extend(written(installation));
        assert!(hay.iter().any(|(place, _)| place == "authority.err"));
        assert_eq!(found(&hay, &needles), Vec::<String>::new());
        assert_eq!(found_codes(&hay, &codes), Vec::<String>::new());

        // It would have been found.
        assert!(found(&phones, &needles).len() >= people.all().len() - 3);
        assert_eq!(found_codes(&phones, &codes).len(), codes.len());
        installation.execute(&format!("UPDATE audit_events SET detail = 'code {}'", codes[0])).await;
        assert!(!found_codes(&installation.everything_stored().await, &codes).is_empty());
    }
}
