//! The guarded HTTP client: calls addresses that others name.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::{Client, ClientBuilder};
use serde::de::DeserializeOwned;
use tokio::sync::Semaphore;
use url::{Host, Url};

use super::addresses::{Loopback, Reach, may_call};
use super::transport::{self, FetchError, is_localhost};

const TOTAL_TIMEOUT: Duration = Duration::from_secs(8);
/// Calls at once; more are refused, not queued.
const MAX_CALLS: usize = 32;

/// Calls addresses that others name.
#[derive(Debug, Clone)]
pub struct GuardedClient {
    client: Client,
    reach: Reach,
    calls: Arc<Semaphore>,
}

impl GuardedClient {
    /// A client that trusts the machine's certificate authorities. A process-wide rustls provider
    /// must have been installed.
    pub fn new(reach: impl Into<Reach>) -> Result<Self, FetchError> {
        let reach = reach.into();
        Ok(Self {
            client: transport::build(|| builder(&reach))?,
            reach,
            calls: Arc::new(Semaphore::new(MAX_CALLS)),
        })
    }

    /// Fetches a JSON document of at most `limit` bytes.
    pub async fn get_json<T: DeserializeOwned>(
        &self,
        url: &str,
        limit: usize,
    ) -> Result<T, FetchError> {
        let url = self.permitted(url)?;
        let _call = self.calls.try_acquire().map_err(|_| FetchError::Busy)?;
        let request = self.client.get(url);
        let response = transport::send(request).await?;
        transport::read_json(response, limit).await
    }

    /// The same client with another limit to its calls at once, of its own: who calls by it does
    /// not use up what others have.
    #[must_use]
    pub fn apart(&self, calls: usize) -> Self {
        Self {
            calls: Arc::new(Semaphore::new(calls)),
            ..self.clone()
        }
    }

    /// Posts a form of one field; of the answer only the status matters: any success will do.
    pub async fn post_field(&self, url: &str, name: &str, value: &str) -> Result<(), FetchError> {
        let url = self.permitted(url)?;
        let _call = self.calls.try_acquire().map_err(|_| FetchError::Busy)?;
        let request = self.client.post(url).form(&[(name, value)]);
        transport::send_off(request).await
    }

    fn permitted(&self, url: &str) -> Result<Url, FetchError> {
        Url::parse(url)
            .ok()
            .filter(|url| is_permitted(url, &self.reach))
            .ok_or(FetchError::Forbidden)
    }
}

fn builder(reach: &Reach) -> ClientBuilder {
    transport::builder(TOTAL_TIMEOUT).dns_resolver(Arc::new(GuardedResolver(reach.clone())))
}

/// What can be decided before names are resolved. URL parsing has made one form of an IPv4
/// address of its decimal, octal and hexadecimal ones.
fn is_permitted(url: &Url, reach: &Reach) -> bool {
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
        "http" => local && reach.loopback == Loopback::Allowed,
        _ => false,
    };
    // The connector does not ask the resolver about literal addresses.
    scheme && literal.is_none_or(|address| may_call(address, reach))
}

/// Resolves names and drops the answers that must not be called.
struct GuardedResolver(Reach);

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let reach = self.0.clone();
        Box::pin(async move {
            let found = transport::resolve(&name).await?;
            let named_any = !found.is_empty();
            let permitted: Vec<SocketAddr> = found
                .into_iter()
                .filter(|address| may_call(address.ip(), &reach))
                .collect();
            if named_any && permitted.is_empty() {
                return Err(FetchError::Forbidden.into());
            }
            Ok(Box::new(permitted.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests;
