//! The HTTP client for partners: services that the operator names and has an agreement with, such
//! as a verification authority or a message gateway.
//!
//! They may be in a private network, so unlike [`super::GuardedClient`] it calls whatever address
//! it was configured with, and nothing else: redirects lead nowhere. Requests carry personal data
//! and tokens, so plain http is for this very machine only, and nothing of them is ever logged.

use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::{Client, RequestBuilder};
use serde::Serialize;
use serde::de::DeserializeOwned;
use url::{Host, Url};

use super::transport::{self, FetchError, is_localhost};
use crate::domain::secret::Secret;

/// The address of a partner's service.
#[derive(Clone, PartialEq, Eq)]
pub struct PartnerUrl(Url);

/// Why a text is not the address of a partner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PartnerUrlError {
    /// Not a URL, or one without a host.
    #[error("must be a URL, as in https://partner.example")]
    NotUrl,
    /// Plain http elsewhere than on this machine, or another scheme.
    #[error("must be https, but for this very machine")]
    NotHttps,
    /// A user's name or password; they would be shown with the address.
    #[error("must not hold a user's name or password")]
    Credentials,
    /// A query or a fragment.
    #[error("must have neither a query nor a fragment")]
    Query,
}

impl PartnerUrl {
    /// Checks an address.
    pub fn parse(text: &str) -> Result<Self, PartnerUrlError> {
        let url = Url::parse(text).map_err(|_| PartnerUrlError::NotUrl)?;
        let local = match url.host().ok_or(PartnerUrlError::NotUrl)? {
            Host::Ipv4(address) => address.is_loopback(),
            Host::Ipv6(address) => IpAddr::V6(address).to_canonical().is_loopback(),
            Host::Domain(name) => is_localhost(name),
        };
        match url.scheme() {
            "https" => {}
            "http" if local => {}
            _ => return Err(PartnerUrlError::NotHttps),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(PartnerUrlError::Credentials);
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(PartnerUrlError::Query);
        }
        Ok(Self(url))
    }

    /// The address of what is at `path` below this one.
    #[must_use]
    pub fn below(&self, path: &str) -> Self {
        let mut url = self.0.clone();
        let base = url.path().trim_end_matches('/');
        url.set_path(&format!("{base}/{}", path.trim_start_matches('/')));
        Self(url)
    }

    /// The host's name or address.
    pub fn host(&self) -> &str {
        self.0.host_str().unwrap_or_default()
    }

    /// The address as text.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl fmt::Debug for PartnerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The bearer token that a partner knows us by, if it wants one. It may be replaced while requests
/// are under way; clones share it.
#[derive(Clone, Default)]
pub struct PartnerToken(Arc<RwLock<Held>>);

type Held = Option<Arc<Secret<String>>>;

impl PartnerToken {
    /// A token, or none.
    #[must_use]
    pub fn new(token: Option<Secret<String>>) -> Self {
        Self(Arc::new(RwLock::new(token.map(Arc::new))))
    }

    /// What the next request shows.
    pub(super) fn current(&self) -> Held {
        self.0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Shows another from the next request on.
    pub fn replace(&self, token: Option<Secret<String>>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = token.map(Arc::new);
    }
}

impl fmt::Debug for PartnerToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PartnerToken")
    }
}

/// Calls partners. Cheap to clone; clones share connections.
#[derive(Debug, Clone)]
pub struct PartnerClient {
    client: Client,
}

impl PartnerClient {
    /// A client whose calls take at most `timeout`, from the connection to the answer's end. It
    /// trusts the machine's certificate authorities. A process-wide rustls provider must have been
    /// installed.
    pub fn new(timeout: Duration) -> Result<Self, FetchError> {
        let builder = || transport::builder(timeout).dns_resolver(Arc::new(LocalhostIsHere));
        Ok(Self {
            client: transport::build(builder)?,
        })
    }

    /// Posts a JSON document, and reads the JSON document of at most `limit` bytes that answers it.
    pub async fn post_json<T: DeserializeOwned>(
        &self,
        url: &PartnerUrl,
        bearer: Option<&Secret<String>>,
        body: &(impl Serialize + Sync),
        limit: usize,
    ) -> Result<T, FetchError> {
        let response = transport::send(self.post(url, bearer, body)).await?;
        transport::read_json(response, limit).await
    }

    /// Hands over a JSON document that is to count once, however often it is sent: `key` is the
    /// same each time (`Idempotency-Key`, draft-ietf-httpapi-idempotency-key-header). Of the
    /// answer only its status matters.
    pub async fn hand_over(
        &self,
        url: &PartnerUrl,
        bearer: Option<&Secret<String>>,
        key: &str,
        body: &(impl Serialize + Sync),
    ) -> Result<(), FetchError> {
        let request = self.post(url, bearer, body).header("idempotency-key", key);
        transport::send_off(request).await
    }

    fn post(
        &self,
        url: &PartnerUrl,
        bearer: Option<&Secret<String>>,
        body: &(impl Serialize + Sync),
    ) -> RequestBuilder {
        let request = self.client.post(url.0.clone()).json(body);
        match bearer {
            Some(token) => request.bearer_auth(token.expose()),
            None => request,
        }
    }
}

/// Plain http is allowed for names of this machine, so those must not lead elsewhere.
struct LocalhostIsHere;

impl Resolve for LocalhostIsHere {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found = transport::resolve(&name).await?;
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests;
