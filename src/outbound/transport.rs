//! What both HTTP clients do alike: how they are set up, how much of an answer they read, and how
//! they tell why there is none.
//!
//! Neither follows redirects nor goes through a proxy that the environment names. Which addresses
//! may be called is for each of them to say.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use reqwest::dns::Name;
use reqwest::header::ACCEPT;
use reqwest::redirect::Policy;
use reqwest::{Client, ClientBuilder, RequestBuilder, Response, StatusCode};
use serde::de::DeserializeOwned;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// Below what servers keep idle connections for, so that none is used that they are closing.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);
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
    /// An answer that does not say what was hoped for; redirects are not followed.
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

/// A client in the making: what is not asked for here is a library's default.
pub(super) fn builder(total_timeout: Duration) -> ClientBuilder {
    Client::builder()
        .user_agent(USER_AGENT)
        .redirect(Policy::none())
        // The environment's proxies would do the resolving in our stead.
        .no_proxy()
        .referer(false)
        .connect_timeout(CONNECT_TIMEOUT.min(total_timeout))
        .timeout(total_timeout)
        .pool_idle_timeout(IDLE_TIMEOUT)
}

/// Trusts the machine's certificate authorities. A machine without any can still serve; it just
/// reaches nobody by https.
pub(super) fn build(builder: impl Fn() -> ClientBuilder) -> Result<Client, FetchError> {
    builder().build().or_else(|_| {
        tracing::warn!("no certificate authorities on this machine: https calls will fail");
        let trusting_none = builder().tls_certs_only([]).build();
        trusting_none.map_err(|_| FetchError::Setup)
    })
}

/// Sends a request for a JSON document; what is not answered with 200 is no answer.
pub(super) async fn send(request: RequestBuilder) -> Result<Response, FetchError> {
    let request = request.header(ACCEPT, "application/json");
    let response = request.send().await.map_err(|error| why(&error))?;
    if response.status() == StatusCode::OK {
        Ok(response)
    } else {
        Err(FetchError::Status(response.status().as_u16()))
    }
}

/// Sends a request of which only the status matters: any success will do.
pub(super) async fn send_off(request: RequestBuilder) -> Result<(), FetchError> {
    /// What is not longer is read, so that the connection can be used again.
    const USUAL: usize = 4096;
    let response = request.send().await.map_err(|error| why(&error))?;
    let status = response.status();
    if !status.is_success() {
        return Err(FetchError::Status(status.as_u16()));
    }
    // It has said that it is done: whatever else it says changes nothing.
    read(response, USUAL).await.map(drop).unwrap_or_default();
    Ok(())
}

/// Reads a JSON document of at most `limit` bytes.
pub(super) async fn read_json<T: DeserializeOwned>(
    response: Response,
    limit: usize,
) -> Result<T, FetchError> {
    let body = read(response, limit).await?;
    serde_json::from_slice(&body).map_err(|_| FetchError::NotJson)
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

/// RFC 6761 §6.3: never asked of a name server.
pub(super) fn is_localhost(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    name == "localhost" || name.ends_with(".localhost")
}

/// The addresses of a name.
pub(super) async fn resolve(name: &Name) -> io::Result<Vec<SocketAddr>> {
    if is_localhost(name.as_str()) {
        let addresses = [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
        return Ok(addresses.map(|ip: IpAddr| SocketAddr::new(ip, 0)).to_vec());
    }
    let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
    Ok(found.collect())
}

/// Finds a refusal of ours below the library's wrappings.
fn why(error: &reqwest::Error) -> FetchError {
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        if let Some(refusal) = error.downcast_ref::<FetchError>() {
            return *refusal;
        }
        cause = error.source();
    }
    FetchError::Unreachable
}
