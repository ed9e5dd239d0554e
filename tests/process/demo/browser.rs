//! A browser without scripts: cookies by host, redirects, forms.

use std::collections::{BTreeMap, HashMap};
use std::net::{Ipv4Addr, SocketAddr};

use reqwest::header::{ACCEPT_LANGUAGE, CONTENT_TYPE, COOKIE, HOST, LOCATION, SET_COOKIE};
use reqwest::redirect::Policy;
use reqwest::{Client, Method};
use url::Url;

/// A browser.
pub(crate) struct Browser {
    client: Client,
    language: &'static str,
    /// By host, whatever the port.
    cookies: HashMap<String, BTreeMap<String, String>>,
}

/// What came back.
#[derive(Clone)]
pub(crate) struct Page {
    /// Where it is from.
    pub(crate) url: String,
    /// Its status.
    pub(crate) status: u16,
    /// Its source.
    pub(crate) text: String,
    /// Where it leads, if it is a redirect.
    pub(crate) location: Option<String>,
}

impl Browser {
    /// A browser that nobody has used.
    pub(crate) fn new(language: &'static str) -> Self {
        drop(rustls::crypto::aws_lc_rs::default_provider().install_default());
        let client = Client::builder()
            .redirect(Policy::none())
            .no_proxy()
            .tls_certs_only([])
            .build();
        Self {
            client: client.expect("a client"),
            language,
            cookies: HashMap::new(),
        }
    }

    /// Opens an address and follows redirects.
    pub(crate) async fn open(&mut self, url: &str) -> Page {
        let page = self.send(Method::GET, url, None).await;
        self.follow(page).await
    }

    /// Presses a button of a form and follows redirects.
    pub(crate) async fn submit(
        &mut self,
        page: &Page,
        button: &str,
        fields: &[(&str, &str)],
    ) -> Page {
        let page = self.press(page, button, fields).await;
        self.follow(page).await
    }

    /// Presses a button of a form.
    pub(crate) async fn press(
        &mut self,
        page: &Page,
        button: &str,
        fields: &[(&str, &str)],
    ) -> Page {
        let button = page.tag(button);
        let form = page.tag_containing("<form");
        let action = attribute(&button, "formaction").or_else(|| attribute(&form, "action"));
        let action = Url::parse(&page.url).unwrap().join(&action.unwrap());
        let mut body = url::form_urlencoded::Serializer::new(String::new());
        body.extend_pairs(page.hidden_fields()).extend_pairs(fields);
        if let Some(name) = attribute(&button, "name") {
            body.append_pair(&name, &attribute(&button, "value").unwrap_or_default());
        }
        self.send(Method::POST, action.unwrap().as_str(), Some(body.finish()))
            .await
    }

    async fn follow(&mut self, mut page: Page) -> Page {
        for _ in 0..10 {
            match page.location.clone() {
                Some(location) => page = self.send(Method::GET, &location, None).await,
                None => return page,
            }
        }
        panic!("redirects without end at {}", page.url);
    }

    async fn send(&mut self, method: Method, url: &str, form: Option<String>) -> Page {
        let url = Url::parse(url).expect("an address");
        let host = url.host_str().unwrap().to_owned();
        // Every name is this machine (RFC 6761 §6.3), whatever its resolver thinks.
        let here = SocketAddr::from((Ipv4Addr::LOCALHOST, url.port().unwrap_or(80)));
        let mut target = url.clone();
        target.set_ip_host(here.ip()).unwrap();
        let mut request = self
            .client
            .request(method, target)
            .header(HOST, format!("{host}:{}", here.port()))
            .header(ACCEPT_LANGUAGE, self.language);
        let jar = self.cookies.entry(host).or_default();
        if !jar.is_empty() {
            let cookies: Vec<_> = jar.iter().map(|(n, v)| format!("{n}={v}")).collect();
            request = request.header(COOKIE, cookies.join("; "));
        }
        if let Some(form) = form {
            request = request
                .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
                .body(form);
        }
        let answer = request.send().await.expect("an answer");
        for cookie in answer.headers().get_all(SET_COOKIE) {
            let pair = cookie.to_str().unwrap().split(';').next().unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            jar.insert(name.to_owned(), value.to_owned());
        }
        let location = answer.headers().get(LOCATION);
        let location = location.map(|to| url.join(to.to_str().unwrap()).unwrap().into());
        Page {
            url: url.into(),
            status: answer.status().as_u16(),
            location,
            text: answer.text().await.expect("a body"),
        }
    }
}

impl Page {
    /// Whether an element has this id.
    pub(crate) fn has(&self, id: &str) -> bool {
        self.text.contains(&format!("id=\"{id}\""))
    }

    /// Where the link of this id leads.
    pub(crate) fn link(&self, id: &str) -> String {
        attribute(&self.tag(id), "href").expect("a link")
    }

    /// The value that a portal shows of a claim.
    pub(crate) fn claim(&self, name: &str) -> String {
        let row = self.text.split(&format!("<code>{name}</code>")).nth(1);
        let value = row.and_then(|row| row.split("class=\"value\">").nth(1));
        let value = value.and_then(|value| value.split('<').next());
        unescaped(value.unwrap_or_else(|| panic!("no {name} in {}", self.url)))
    }

    /// The page with a form that was made elsewhere.
    pub(crate) fn without_hidden_fields(&self) -> Self {
        Self {
            text: self.text.replace("type=\"hidden\"", "type=\"text\""),
            ..self.clone()
        }
    }

    fn hidden_fields(&self) -> Vec<(String, String)> {
        let tags = self.text.split("<input").skip(1);
        tags.filter(|tag| tag.contains("type=\"hidden\""))
            .map(|tag| {
                let read = |name| attribute(tag, name).expect("an attribute");
                (read("name"), read("value"))
            })
            .collect()
    }

    fn tag(&self, id: &str) -> String {
        self.tag_containing(&format!("id=\"{id}\""))
    }

    /// The first tag with these words.
    fn tag_containing(&self, words: &str) -> String {
        let at = self.text.find(words);
        let at = at.unwrap_or_else(|| panic!("no {words} in {}: {}", self.url, self.text));
        let start = self.text[..=at].rfind('<').unwrap();
        let end = self.text[at..].find('>').unwrap() + at;
        self.text[start..end].to_owned()
    }
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let rest = tag.split(&format!(" {name}=\"")).nth(1)?;
    Some(unescaped(rest.split('"').next()?))
}

fn unescaped(text: &str) -> String {
    [
        ("&#x2f;", "/"),
        ("&#x27;", "'"),
        ("&quot;", "\""),
        ("&lt;", "<"),
        ("&gt;", ">"),
    ]
    .iter()
    .fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
    .replace("&amp;", "&")
}
