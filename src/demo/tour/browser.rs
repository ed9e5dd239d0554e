//! A browser without scripts: one request at a time, with cookies by host. Whoever drives it
//! follows redirects, so that each can be told of.

use std::collections::{BTreeMap, HashMap};
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use reqwest::header::{ACCEPT_LANGUAGE, CONTENT_TYPE, COOKIE, LOCATION, SET_COOKIE, USER_AGENT};
use reqwest::redirect::Policy;
use reqwest::{Client, Method, Response};
use url::Url;

use super::TourError;
use super::page::Page;

const TIMEOUT: Duration = Duration::from_secs(30);

/// A browser.
pub(super) struct Browser {
    client: Client,
    name: &'static str,
    /// By host, whatever the port (RFC 6265 §8.5).
    cookies: HashMap<String, BTreeMap<String, String>>,
}

/// A request, and what came back.
pub(super) struct Exchange {
    /// The method.
    pub(super) method: Method,
    /// The status.
    pub(super) status: u16,
    /// Where it leads, if it is a redirect.
    pub(super) leads_to: Option<Url>,
    /// What it is about.
    pub(super) page: Page,
}

impl Browser {
    /// A browser that nobody has used, called `name` by what it says of itself.
    pub(super) fn new(name: &'static str, hosts: &[String]) -> Result<Self, TourError> {
        let mut builder = Client::builder()
            .redirect(Policy::none())
            .no_proxy()
            .tls_certs_only([])
            .timeout(TIMEOUT);
        for host in hosts {
            // RFC 6761 §6.3: this machine, whatever its resolver thinks.
            builder = builder.resolve(host, SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
        }
        Ok(Self {
            client: builder.build()?,
            name,
            cookies: HashMap::new(),
        })
    }

    /// Sends one request; with a form, a POST.
    pub(super) async fn send(
        &mut self,
        url: Url,
        form: Option<String>,
    ) -> Result<Exchange, TourError> {
        let host = url.host_str().unwrap_or_default().to_owned();
        let method = if form.is_some() {
            Method::POST
        } else {
            Method::GET
        };
        let mut request = self
            .client
            .request(method.clone(), url.clone())
            .header(ACCEPT_LANGUAGE, "zh-CN")
            .header(USER_AGENT, self.name);
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
        let answer = request.send().await?;
        keep(jar, &answer);
        let location = answer.headers().get(LOCATION);
        let location = location.and_then(|to| to.to_str().ok());
        Ok(Exchange {
            method,
            status: answer.status().as_u16(),
            leads_to: location.and_then(|to| url.join(to).ok()),
            page: Page {
                url,
                text: answer.text().await?,
            },
        })
    }
}

/// Keeps the cookies of an answer; one without a value has been taken back.
fn keep(jar: &mut BTreeMap<String, String>, answer: &Response) {
    let set = answer.headers().get_all(SET_COOKIE).iter();
    for cookie in set.filter_map(|cookie| cookie.to_str().ok()) {
        let pair = cookie.split(';').next().unwrap_or_default();
        if let Some((name, value)) = pair.split_once('=') {
            if value.is_empty() {
                jar.remove(name);
            } else {
                jar.insert(name.to_owned(), value.to_owned());
            }
        }
    }
}
