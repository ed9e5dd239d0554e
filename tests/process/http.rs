//! An HTTP client that follows nothing by itself and notes every URL it sends or is sent to.

use std::fs;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reqwest::header::{HeaderMap, LOCATION};
use reqwest::{Client, ClientBuilder, RequestBuilder};
use serde_json::Value;

/// Longer than any request may take.
const PATIENCE: Duration = Duration::from_mins(1);

/// Speaks to one listener, whatever host its URLs name. Cheap to clone; clones share connections.
#[derive(Clone)]
pub(crate) struct Http {
    client: Client,
    /// What URLs begin with.
    origin: String,
    /// Where it is.
    place: String,
    urls: Arc<Mutex<Vec<String>>>,
}

/// An answer, read to its end.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Answer {
    /// The body as JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// A header's text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Where it sends the browser.
    pub(crate) fn location(&self) -> Option<&str> {
        self.header(LOCATION.as_str())
    }
}

fn builder() -> ClientBuilder {
    // An error means that it is installed already.
    drop(rustls::crypto::aws_lc_rs::default_provider().install_default());
    Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .timeout(PATIENCE)
}

impl Http {
    /// Speaks to `address` for URLs that begin with `origin`.
    pub(crate) fn to(origin: &str, address: &str) -> Self {
        Self {
            client: builder().tls_certs_only([]).build().unwrap(),
            origin: origin.to_owned(),
            place: format!("http://{address}"),
            urls: Arc::default(),
        }
    }

    /// Speaks https to `address` for URLs that begin with `origin`, and trusts one certificate.
    pub(crate) fn secure_to(origin: &str, address: &str, certificate: &Path) -> Self {
        let certificate = fs::read(certificate).unwrap();
        let trusted = reqwest::Certificate::from_pem(&certificate).unwrap();
        let address: SocketAddr = address.parse().unwrap();
        Self {
            client: builder()
                .tls_certs_only([trusted])
                .resolve("localhost", address)
                .build()
                .unwrap(),
            origin: origin.to_owned(),
            place: origin.to_owned(),
            urls: Arc::default(),
        }
    }

    /// The same from another address of this machine's, with a header that says it is of yet another.
    pub(crate) fn secure_from(
        (origin, address): (&str, &str),
        certificate: &Path,
        (own, claimed): (IpAddr, &str),
    ) -> Self {
        let certificate = fs::read(certificate).unwrap();
        let trusted = reqwest::Certificate::from_pem(&certificate).unwrap();
        let claimed = [
            ("x-forwarded-for", claimed.to_owned()),
            ("x-real-ip", claimed.to_owned()),
            ("forwarded", format!("for={claimed}")),
        ];
        let claimed = claimed.map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
        Self {
            client: builder()
                .tls_certs_only([trusted])
                .resolve("localhost", address.parse().unwrap())
                .local_address(own)
                .default_headers(claimed.into_iter().collect())
                .build()
                .unwrap(),
            origin: origin.to_owned(),
            place: origin.to_owned(),
            urls: Arc::default(),
        }
    }

    /// The same, over connections of its own.
    pub(crate) fn apart(&self) -> Self {
        Self {
            client: builder().tls_certs_only([]).build().unwrap(),
            ..self.clone()
        }
    }

    /// What its URLs begin with.
    pub(crate) fn origin(&self) -> &str {
        &self.origin
    }

    /// Every URL that was asked for or redirected to.
    pub(crate) fn urls(&self) -> Vec<String> {
        let urls = self.urls.lock().unwrap_or_else(PoisonError::into_inner);
        urls.clone()
    }

    fn note(&self, url: &str) {
        let mut urls = self.urls.lock().unwrap_or_else(PoisonError::into_inner);
        urls.push(url.to_owned());
    }

    fn place_of(&self, url: &str) -> String {
        self.note(url);
        let rest = url.strip_prefix(&self.origin);
        let rest = rest.unwrap_or_else(|| panic!("{url} is not of {}", self.origin));
        format!("{}{rest}", self.place)
    }

    /// A GET to be sent.
    pub(crate) fn getting(&self, url: &str) -> RequestBuilder {
        self.client.get(self.place_of(url))
    }

    /// A POST of a form to be sent.
    pub(crate) fn posting(&self, url: &str, form: &[(&str, &str)]) -> RequestBuilder {
        self.client.post(self.place_of(url)).form(form)
    }

    /// Sends a request.
    pub(crate) async fn send(&self, request: RequestBuilder) -> Result<Answer, reqwest::Error> {
        let response = request.send().await?;
        let answer = Answer {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            body: response.text().await?,
        };
        if let Some(location) = answer.location() {
            self.note(location);
        }
        Ok(answer)
    }

    /// GETs, if there is an answer.
    pub(crate) async fn try_get(&self, url: &str) -> Result<Answer, reqwest::Error> {
        self.send(self.getting(url)).await
    }

    /// GETs.
    pub(crate) async fn get(&self, url: &str) -> Answer {
        let answer = self.try_get(url).await;
        answer.unwrap_or_else(|error| panic!("{url}: {error:?}"))
    }
}
