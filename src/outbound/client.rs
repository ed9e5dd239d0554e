//! The guarded HTTP client.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::redirect::Policy;
use reqwest::{Client, ClientBuilder, Response, StatusCode};
use serde::de::DeserializeOwned;
use tokio::sync::Semaphore;
use url::{Host, Url};

use super::addresses::{Loopback, may_call};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
const TOTAL_TIMEOUT: Duration = Duration::from_secs(8);
/// Calls at once; more are refused, not queued.
const MAX_CALLS: usize = 32;
const USER_AGENT: &str = concat!("tongxing/", env!("CARGO_PKG_VERSION"));

/// Why there is no answer. Says nothing of the address: it may be what somebody wants to find out.
#[derive(Debug, thiserror::Error, Clone, Copy, PartialEq, Eq)]
pub enum FetchError {
    /// It is not https, or leads where calls must not go.
    #[error("the address may not be called")]
    Forbidden,
    /// Too many calls are under way.
    #[error("too many calls are under way")]
    Busy,
    /// No connection, no TLS, no name, no answer in time.
    #[error("no answer")]
    Unreachable,
    /// An answer that is not 200; redirects are not followed.
    #[error("answered with status {0}")]
    Status(u16),
    /// The answer is larger than asked for.
    #[error("the answer is too large")]
    TooLarge,
    /// The answer is not JSON, or not of the kind asked for.
    #[error("the answer is not the JSON document that was expected")]
    NotJson,
    /// The client itself could not be made.
    #[error("the HTTP client cannot be set up")]
    Setup,
}

/// Calls addresses that others name.
#[derive(Debug, Clone)]
pub struct GuardedClient {
    client: Client,
    loopback: Loopback,
    calls: Arc<Semaphore>,
}

impl GuardedClient {
    /// A client that trusts the machine's certificate authorities. A process-wide rustls provider
    /// must have been installed.
    pub fn new(loopback: Loopback) -> Result<Self, FetchError> {
        // A machine without certificate authorities can still serve; it just reaches nobody.
        let client = builder(loopback).build().or_else(|_| {
            tracing::warn!("no certificate authorities on this machine: https calls will fail");
            let trusting_none = builder(loopback).tls_certs_only([]).build();
            trusting_none.map_err(|_| FetchError::Setup)
        })?;
        Ok(Self {
            client,
            loopback,
            calls: Arc::new(Semaphore::new(MAX_CALLS)),
        })
    }

    /// Fetches a JSON document of at most `limit` bytes.
    pub async fn get_json<T: DeserializeOwned>(
        &self,
        url: &str,
        limit: usize,
    ) -> Result<T, FetchError> {
        let url = Url::parse(url)
            .ok()
            .filter(|url| is_permitted(url, self.loopback))
            .ok_or(FetchError::Forbidden)?;
        let _call = self.calls.try_acquire().map_err(|_| FetchError::Busy)?;
        let response = self
            .client
            .get(url)
            .header(reqwest::header::ACCEPT, "application/json")
            .send()
            .await
            .map_err(|error| why(&error))?;
        if response.status() != StatusCode::OK {
            return Err(FetchError::Status(response.status().as_u16()));
        }
        let body = read(response, limit).await?;
        serde_json::from_slice(&body).map_err(|_| FetchError::NotJson)
    }
}

fn builder(loopback: Loopback) -> ClientBuilder {
    Client::builder()
        .user_agent(USER_AGENT)
        .redirect(Policy::none())
        // The environment's proxies would do the resolving in our stead.
        .no_proxy()
        .referer(false)
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(TOTAL_TIMEOUT)
        .dns_resolver(Arc::new(GuardedResolver(loopback)))
}

/// What can be decided before names are resolved. URL parsing has made one form of an IPv4
/// address of its decimal, octal and hexadecimal ones.
fn is_permitted(url: &Url, loopback: Loopback) -> bool {
    if !url.username().is_empty() || url.password().is_some() {
        return false;
    }
    let (literal, local) = match url.host() {
        Some(Host::Ipv4(address)) => (Some(IpAddr::V4(address)), address.is_loopback()),
        Some(Host::Ipv6(address)) => {
            let address = IpAddr::V6(address);
            (Some(address), address.to_canonical().is_loopback())
        }
        Some(Host::Domain(name)) => (None, is_localhost(name)),
        None => return false,
    };
    let scheme = match url.scheme() {
        "https" => true,
        "http" => local && loopback == Loopback::Allowed,
        _ => false,
    };
    // The connector does not ask the resolver about literal addresses.
    scheme && literal.is_none_or(|address| may_call(address, loopback))
}

/// RFC 6761 §6.3: never asked of a name server.
fn is_localhost(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    name == "localhost" || name.ends_with(".localhost")
}

async fn read(mut response: Response, limit: usize) -> Result<Vec<u8>, FetchError> {
    let limit_bytes = u64::try_from(limit).unwrap_or(u64::MAX);
    if response
        .content_length()
        .is_some_and(|length| length > limit_bytes)
    {
        return Err(FetchError::TooLarge);
    }
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| why(&error))? {
        if body.len() + chunk.len() > limit {
            return Err(FetchError::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// Resolves names and drops the answers that must not be called.
struct GuardedResolver(Loopback);

#[derive(Debug, thiserror::Error)]
#[error("the name leads where calls must not go")]
struct ForbiddenName;

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let loopback = self.0;
        Box::pin(async move {
            let found: Vec<SocketAddr> = if is_localhost(name.as_str()) {
                let addresses = [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
                addresses.map(|ip: IpAddr| SocketAddr::new(ip, 0)).to_vec()
            } else {
                tokio::net::lookup_host((name.as_str(), 0)).await?.collect()
            };
            let named_any = !found.is_empty();
            let permitted: Vec<SocketAddr> = found
                .into_iter()
                .filter(|address| may_call(address.ip(), loopback))
                .collect();
            if named_any && permitted.is_empty() {
                return Err(ForbiddenName.into());
            }
            Ok(Box::new(permitted.into_iter()) as Addrs)
        })
    }
}

/// Finds our own refusal below the client's wrappings.
fn why(error: &reqwest::Error) -> FetchError {
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        if error.is::<ForbiddenName>() {
            return FetchError::Forbidden;
        }
        cause = error.source();
    }
    FetchError::Unreachable
}

#[cfg(test)]
mod tests;
