//! A browser: keeps cookies, follows redirects inside the issuer, fills in forms.

use std::collections::BTreeMap;
use std::net::IpAddr;

use axum::body::Body;
use axum::extract::Request;
use axum::http::header::{ACCEPT_LANGUAGE, CONTENT_TYPE, COOKIE, SET_COOKIE};
use axum::http::{HeaderName, Method};
use tongxing::http::address::Peer;
use url::Url;
use url::form_urlencoded::Serializer;

use super::answer::Answer;
use super::page::Page;
use super::people::Person;
use super::seconds;
use super::server::{ISSUER, Server};

/// More pages than any request leads through.
const MAX_STEPS: usize = 12;

/// A browser, and who sits before it. Clones go on with a copy of the cookies.
#[derive(Clone)]
pub(crate) struct Browser {
    server: Server,
    /// Cookies by name, as a thief would copy them.
    pub(crate) cookies: BTreeMap<String, String>,
    /// The languages its user prefers.
    pub(crate) languages: Option<&'static str>,
    /// Sent with every request.
    pub(crate) forged: Vec<(HeaderName, &'static str)>,
    /// Where it calls from.
    pub(crate) address: IpAddr,
    person: Option<&'static Person>,
    /// The paths of the pages where something was filled in or decided.
    pub(crate) asked: Vec<String>,
}

impl Browser {
    pub(super) fn new(server: Server) -> Self {
        let address = server.next_address();
        Self {
            server,
            address,
            cookies: BTreeMap::new(),
            languages: None,
            forged: Vec::new(),
            person: None,
            asked: Vec::new(),
        }
    }

    /// The server it goes to.
    pub(super) const fn server(&self) -> &Server {
        &self.server
    }

    /// Who answers when a login page asks.
    pub(crate) fn belongs_to(&mut self, person: &'static Person) {
        self.person = Some(person);
    }

    /// One GET.
    pub(crate) async fn get(&mut self, target: &str) -> Answer {
        self.send((Method::GET, target), &[], String::new()).await
    }

    /// One POST of a form.
    pub(crate) async fn post<K: AsRef<str>, V: AsRef<str>>(
        &mut self,
        target: &str,
        fields: &[(K, V)],
    ) -> Answer {
        self.send((Method::POST, target), &[], encode(fields)).await
    }

    /// One request as it is, with cookies.
    pub(crate) async fn send(
        &mut self,
        (method, target): (Method, &str),
        headers: &[(HeaderName, &str)],
        body: String,
    ) -> Answer {
        let mut request = Request::builder().uri(path_of(target));
        if method == Method::POST {
            request = request.header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        }
        if let Some(languages) = self.languages {
            request = request.header(ACCEPT_LANGUAGE, languages);
        }
        if !self.cookies.is_empty() {
            let pairs = self
                .cookies
                .iter()
                .map(|(name, value)| format!("{name}={value}"));
            request = request.header(COOKIE, pairs.collect::<Vec<_>>().join("; "));
        }
        for (name, value) in headers.iter().chain(&self.forged) {
            request = request.header(name, *value);
        }
        let peer = Peer((self.address, 40_000).into());
        let request = request
            .method(method)
            .extension(peer)
            .body(Body::from(body));
        let answer = self.server.send(request.expect("a request")).await;
        self.keep_cookies(&answer);
        answer
    }

    fn keep_cookies(&mut self, answer: &Answer) {
        for header in answer.headers.get_all(SET_COOKIE) {
            let text = header.to_str().expect("a cookie is text");
            let (pair, attributes) = text.split_once(';').expect("a cookie has attributes");
            let (name, value) = pair.split_once('=').expect("a cookie has a name");
            if attributes.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
    }

    /// Goes somewhere, and on to where redirects lead inside the issuer.
    pub(crate) async fn visit(&mut self, target: &str) -> Answer {
        let answer = self.get(target).await;
        self.follow(answer).await
    }

    /// Follows redirects until there is a page, or one leads away.
    pub(crate) async fn follow(&mut self, mut answer: Answer) -> Answer {
        for _ in 0..MAX_STEPS {
            match answer.location() {
                Some(location) if answer.departs_to().is_none() => {
                    answer = self.get(location.as_str()).await;
                }
                _ => return answer,
            }
        }
        panic!("redirected without end: {}", answer.url);
    }

    /// Sends the form of the page at hand by pressing a button, and follows.
    pub(crate) async fn press(
        &mut self,
        answer: &Answer,
        filled: &[(&str, &str)],
        button: &str,
    ) -> Answer {
        let page = answer.page();
        // On the way to a portal there is one form a page; the account's page has many.
        if answer.path() != "/account" {
            page.action();
        }
        self.asked.push(answer.path().to_owned());
        // Reading and typing takes its time; what is done after a page came is done later.
        self.server.clock.advance(seconds(1));
        let action = answer.url.join(page.action_of(button)).expect("a URL");
        let answer = self
            .post(action.as_str(), &page.fields(filled, button))
            .await;
        self.follow(answer).await
    }

    /// Types a name and a password into the login page at hand.
    pub(crate) async fn type_in(&mut self, answer: &Answer, name: &str, password: &str) -> Answer {
        let filled = [("username", name), ("password", password)];
        self.press(answer, &filled, "login-submit").await
    }

    /// Logs in at the login page at hand as the browser's user.
    pub(crate) async fn log_in_here(&mut self, answer: &Answer) -> Answer {
        let person = self.person.expect("somebody who could log in");
        self.type_in(answer, person.phone, person.password).await
    }

    /// Logs in as `person`, with no portal around.
    pub(crate) async fn login(&mut self, person: &'static Person) {
        self.belongs_to(person);
        let page = self.visit("/login").await;
        let home = self.log_in_here(&page).await;
        assert_eq!(home.path(), "/account", "{}", home.text());
    }

    /// Logs out on the provider's own page.
    pub(crate) async fn logout(&mut self) {
        let page = self.visit("/logout").await;
        let done = self.press(&page, &[], "logout-confirm").await;
        assert!(done.page().find("logout-confirm").is_none());
    }

    /// Goes somewhere and does what is asked on the way: logs in, allows.
    pub(crate) async fn agree(&mut self, target: &str) -> Answer {
        let answer = self.visit(target).await;
        self.agree_from(answer).await
    }

    /// Goes on from the page at hand by doing what is asked.
    pub(crate) async fn agree_from(&mut self, mut answer: Answer) -> Answer {
        for _ in 0..MAX_STEPS {
            let Some(page) = Self::question(&answer) else {
                return answer;
            };
            answer = if page.has("login-submit") {
                self.log_in_here(&answer).await
            } else {
                self.press(&answer, &[], "consent-allow").await
            };
        }
        panic!("asked without end: {}", answer.url);
    }

    fn question(answer: &Answer) -> Option<Page> {
        let page = answer.status.is_success().then(|| answer.page())?;
        (page.has("login-submit") || page.has("consent-allow")).then_some(page)
    }
}

/// A form's fields on their way.
pub(super) fn encode<K: AsRef<str>, V: AsRef<str>>(fields: &[(K, V)]) -> String {
    Serializer::new(String::new()).extend_pairs(fields).finish()
}

/// Path and query, as a server gets them.
fn path_of(target: &str) -> String {
    let issuer = Url::parse(ISSUER).expect("a URL");
    let url = issuer.join(target).expect("a URL");
    assert_eq!(
        url.origin(),
        issuer.origin(),
        "a browser of ours goes to the provider only"
    );
    match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    }
}
