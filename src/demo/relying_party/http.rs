//! HTTP for the portals: to the provider and nowhere else, whatever documents it serves may name.

use std::future::Future;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::time::Duration;

use openidconnect::{AsyncHttpClient, HttpRequest, HttpResponse};
use reqwest::redirect::Policy;
use reqwest::{Client, Request, Response};
use url::{Origin, Url};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
const TOTAL_TIMEOUT: Duration = Duration::from_secs(10);
/// More than any answer of a provider needs.
const MAX_ANSWER: usize = 256 * 1024;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// The request leads elsewhere than to the provider.
    #[error("the provider's documents name an address that is not the provider's")]
    Elsewhere,
    /// The answer is larger than anybody needs.
    #[error("the provider's answer is too large")]
    TooLarge,
    /// No connection, or no answer in time.
    #[error("the provider does not answer")]
    Unreachable(#[source] reqwest::Error),
    /// The request or the answer could not be put together.
    #[error("the request or its answer is malformed")]
    Malformed(#[from] http::Error),
}

/// Talks to one provider on this machine.
#[derive(Debug, Clone)]
pub(super) struct ProviderHttp {
    client: Client,
    provider: Origin,
}

impl ProviderHttp {
    /// For the provider at `issuer`. A process-wide rustls provider must have been installed.
    pub(super) fn new(issuer: &Url) -> Result<Self, HttpError> {
        let mut builder = Client::builder()
            .redirect(Policy::none())
            .no_proxy()
            .referer(false)
            // Plain http on loopback: there is nobody to be certified.
            .tls_certs_only([])
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(TOTAL_TIMEOUT);
        if let (Some(host), Some(port)) = (issuer.host_str(), issuer.port_or_known_default()) {
            // RFC 6761 §6.3: a name that is never asked of a name server.
            builder = builder.resolve(host, SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
        }
        Ok(Self {
            client: builder.build().map_err(HttpError::Unreachable)?,
            provider: issuer.origin(),
        })
    }

    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let request = Request::try_from(request).map_err(HttpError::Unreachable)?;
        if request.url().origin() != self.provider {
            return Err(HttpError::Elsewhere);
        }
        let response = self.client.execute(request).await;
        let response = response.map_err(HttpError::Unreachable)?;
        let mut answer = http::Response::builder().status(response.status());
        if let Some(headers) = answer.headers_mut() {
            headers.clone_from(response.headers());
        }
        Ok(answer.body(read(response).await?)?)
    }
}

async fn read(mut response: Response) -> Result<Vec<u8>, HttpError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(HttpError::Unreachable)? {
        if body.len() + chunk.len() > MAX_ANSWER {
            return Err(HttpError::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

impl<'c> AsyncHttpClient<'c> for ProviderHttp {
    type Error = HttpError;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, HttpError>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(self.send(request))
    }
}
