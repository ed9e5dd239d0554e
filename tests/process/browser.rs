//! A resident's browser: cookies, forms, redirects.

use std::collections::BTreeMap;

use reqwest::header::{ACCEPT_LANGUAGE, COOKIE, SET_COOKIE};
use url::Url;

use crate::http::{Answer, Http};
use crate::people::Person;
use crate::portal::{CALLBACK, Portal};

/// More redirects than any flow has.
const MAX_STEPS: usize = 12;

/// A browser with a cookie jar.
#[derive(Clone)]
pub(crate) struct Browser {
    pub(crate) http: Http,
    cookies: BTreeMap<String, String>,
}

/// A page, and where it was found.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) url: String,
    pub(crate) answer: Answer,
}

/// Where a browser ended up.
#[derive(Debug)]
pub(crate) enum Arrival {
    /// At a page of the provider.
    Page(Page),
    /// At a portal.
    Portal(Url),
}

impl Arrival {
    /// The authorization code brought to the portal.
    #[track_caller]
    pub(crate) fn code(&self) -> String {
        let Self::Portal(url) = self else {
            panic!("not at the portal: {self:?}");
        };
        let mut pairs = url.query_pairs();
        let code = pairs.find(|(name, _)| name == "code");
        code.unwrap_or_else(|| panic!("no code: {url}"))
            .1
            .into_owned()
    }

    /// The page of the provider.
    #[track_caller]
    pub(crate) fn page(self) -> Page {
        match self {
            Self::Page(page) => page,
            Self::Portal(url) => panic!("at the portal: {url}"),
        }
    }
}

impl Page {
    /// Whether an element has this id.
    pub(crate) fn has(&self, id: &str) -> bool {
        self.answer.body.contains(&format!(" id=\"{id}\""))
    }

    /// Where its form goes.
    pub(crate) fn action(&self) -> String {
        let forms = self.answer.body.split("<form ").nth(1);
        let form = forms.unwrap_or_else(|| panic!("no form: {self:?}"));
        attribute(form, "action").expect("an action")
    }

    /// The form that a button is in, as a page of its own.
    #[track_caller]
    pub(crate) fn form_with(mut self, button: &str) -> Self {
        let forms = self.answer.body.split("<form ").skip(1);
        let mut forms = forms.filter_map(|form| form.split("</form>").next());
        let form = forms.find(|form| form.contains(&format!(" id=\"{button}\"")));
        let form = form.unwrap_or_else(|| panic!("no {button}: {self:?}"));
        self.answer.body = format!("<form {form}</form>");
        self
    }

    /// Where its link to a path of the provider leads.
    #[track_caller]
    pub(crate) fn link(&self, path: &str) -> String {
        let links = self.answer.body.split("<a ").skip(1);
        let mut links = links.filter_map(|link| attribute(link, "href"));
        let link = links.find(|link| link.split('?').next() == Some(path));
        link.unwrap_or_else(|| panic!("no link to {path}: {self:?}"))
    }

    /// The hidden fields of its form.
    pub(crate) fn hidden(&self) -> Vec<(String, String)> {
        let inputs = self.answer.body.split("<input type=\"hidden\" ").skip(1);
        inputs
            .filter_map(|input| Some((attribute(input, "name")?, attribute(input, "value")?)))
            .collect()
    }
}

/// Hidden fields, and those that were typed.
fn filled<'a>(
    hidden: &'a [(String, String)],
    fields: &[(&'a str, &'a str)],
) -> Vec<(&'a str, &'a str)> {
    let hidden = hidden.iter().map(|(k, v)| (&**k, &**v));
    hidden.chain(fields.iter().copied()).collect()
}

/// The first attribute of that name, as a browser reads it.
fn attribute(html: &str, name: &str) -> Option<String> {
    let (_, value) = html.split_once(&format!("{name}=\""))?;
    let (value, _) = value.split_once('"')?;
    let plain = [
        ("&#x2f;", "/"),
        ("&#x27;", "'"),
        ("&quot;", "\""),
        ("&lt;", "<"),
        ("&gt;", ">"),
    ];
    let value = plain
        .iter()
        .fold(value.to_owned(), |value, (escaped, plain)| {
            value.replace(escaped, plain)
        });
    Some(value.replace("&amp;", "&"))
}

impl Browser {
    /// A browser that knows nothing.
    pub(crate) fn new(http: &Http) -> Self {
        Self {
            http: http.clone(),
            cookies: BTreeMap::new(),
        }
    }

    /// The names of its cookies.
    pub(crate) fn cookie_names(&self) -> Vec<&str> {
        self.cookies.keys().map(String::as_str).collect()
    }

    /// One request, redirects not followed; none without a form.
    pub(crate) async fn ask(
        &mut self,
        url: &str,
        form: Option<&[(&str, &str)]>,
    ) -> Result<Answer, reqwest::Error> {
        let request = match form {
            Some(form) => self.http.posting(url, form),
            None => self.http.getting(url),
        };
        let cookies: Vec<String> = self
            .cookies
            .iter()
            .map(|(k, v)| format!("{k}={v}"))
            .collect();
        let request = request
            .header(COOKIE, cookies.join("; "))
            .header(ACCEPT_LANGUAGE, "en");
        let answer = self.http.send(request).await?;
        for set in answer.headers.get_all(SET_COOKIE) {
            let text = set.to_str().unwrap();
            let (name, value) = text.split(';').next().unwrap().split_once('=').unwrap();
            if text.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        Ok(answer)
    }

    /// Goes on to where redirects end.
    pub(crate) async fn go(&mut self, url: &str, form: Option<&[(&str, &str)]>) -> Arrival {
        let mut url = url.to_owned();
        let mut answer = self.ask(&url, form).await;
        for _ in 0..MAX_STEPS {
            let page = answer.unwrap_or_else(|error| panic!("{url}: {error:?}"));
            let Some(location) = page.location() else {
                return Arrival::Page(Page { url, answer: page });
            };
            if location.starts_with(CALLBACK) {
                return Arrival::Portal(location.parse().unwrap());
            }
            url = self.absolute(&url, location);
            answer = self.ask(&url, None).await;
        }
        panic!("redirects without end at {url}");
    }

    pub(crate) fn absolute(&self, base: &str, reference: &str) -> String {
        let base: Url = base.parse().unwrap();
        let url = base.join(reference).unwrap().to_string();
        assert!(url.starts_with(self.http.origin()), "{url}");
        url
    }

    /// Submits the form of a page with more fields.
    pub(crate) async fn submit(&mut self, page: &Page, fields: &[(&str, &str)]) -> Arrival {
        let url = self.absolute(&page.url, &page.action());
        let hidden = page.hidden();
        self.go(&url, Some(&filled(&hidden, fields))).await
    }

    /// Submits the form of a page with more fields, if there is an answer; follows nothing.
    pub(crate) async fn try_submit(
        &mut self,
        page: &Page,
        fields: &[(&str, &str)],
    ) -> Result<Answer, reqwest::Error> {
        let url = self.absolute(&page.url, &page.action());
        let hidden = page.hidden();
        self.ask(&url, Some(&filled(&hidden, fields))).await
    }

    /// A page, if there is an answer; follows nothing.
    pub(crate) async fn try_open(&mut self, url: &str) -> Result<Page, reqwest::Error> {
        let answer = self.ask(url, None).await?;
        Ok(Page {
            url: url.to_owned(),
            answer,
        })
    }

    /// Enters a name and a password.
    pub(crate) async fn log_in(&mut self, page: &Page, name: &str, password: &str) -> Arrival {
        assert!(page.has("login-submit"), "{page:?}");
        self.submit(page, &[("username", name), ("password", password)])
            .await
    }

    /// Enters a portal, whatever is asked on the way.
    pub(crate) async fn enter(&mut self, portal: &Portal, person: &Person) -> Arrival {
        let url = portal.authorization_url(self.http.origin());
        let mut arrival = self.go(&url, None).await;
        for _ in 0..2 {
            let Arrival::Page(page) = &arrival else {
                break;
            };
            arrival = if page.has("login-submit") {
                self.log_in(page, &person.phone, &person.password).await
            } else if page.has("consent-allow") {
                self.submit(page, &[("decision", "allow")]).await
            } else {
                break;
            };
        }
        arrival
    }
}
