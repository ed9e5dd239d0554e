//! A relying party as a portal's developers would write it: discovery, authorization code with
//! PKCE, ID token, userinfo, refresh, RP-initiated and back-channel logout (OpenID Connect Core
//! §3.1, §5.3, §12).
//!
//! What it hands out as a [`Login`] has been verified: signature, issuer, audience, expiry, nonce
//! and `at_hash` of the ID token, and that userinfo speaks of the same person. The provider is
//! asked at the first use, so it may start at the same time; its keys are fetched anew when an ID
//! token names one that is not known. Knows no cookie and no page.

mod error;
mod http;
mod login;
mod logout_token;

#[cfg(test)]
mod tests;

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use chrono::DateTime;
use openidconnect::core::{
    CoreAuthDisplay, CoreAuthenticationFlow, CoreClaimName, CoreClaimType, CoreClient,
    CoreClientAuthMethod, CoreGenderClaim, CoreGrantType, CoreIdToken, CoreIdTokenClaims,
    CoreJsonWebKey, CoreJweContentEncryptionAlgorithm, CoreJweKeyManagementAlgorithm,
    CoreJwsSigningAlgorithm, CoreResponseMode, CoreResponseType, CoreSubjectIdentifierType,
    CoreTokenResponse,
};
use openidconnect::{
    AccessTokenHash, AdditionalProviderMetadata, AuthorizationCode, ClaimsVerificationError,
    ClientId, ClientSecret, CsrfToken, EndSessionUrl, EndpointMaybeSet, EndpointNotSet,
    EndpointSet, IssuerUrl, LanguageTag, LoginHint, LogoutRequest, Nonce, NonceVerifier,
    OAuth2TokenResponse, PkceCodeChallenge, PkceCodeVerifier, PostLogoutRedirectUrl,
    ProviderMetadata, RedirectUrl, Scope, SignatureVerificationError, SubjectIdentifier,
    TokenResponse, UserInfoClaims,
};
use serde::{Deserialize, Serialize};
use url::Url;

use super::province::Province;
use super::visitors::LoginSecrets;
use crate::domain::clock::Clock;
use crate::domain::instant::Instant;
use crate::domain::secret::Secret;
use crate::protocol::jose::JwkSet;
use http::{HttpError, ProviderHttp};
use login::{AllClaims, Entrant, Received};
use logout_token::Heard;

pub use error::RelyingPartyError;
pub(super) use login::{Entered, Login, Members};
pub(super) use logout_token::LogoutCall;

/// How often discovery is tried before a visitor is told that the provider does not answer.
const DISCOVERY_ATTEMPTS: u32 = 10;
const DISCOVERY_PAUSE: Duration = Duration::from_millis(200);

/// What the provider knows the portal by.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// `client_id`.
    pub client_id: String,
    /// `client_secret`.
    pub client_secret: Secret<String>,
}

/// What the crate's own metadata does not name.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct MoreMetadata {
    /// RP-Initiated Logout §2.1.
    end_session_endpoint: EndSessionUrl,
    /// RFC 9207 §3.
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
}

impl AdditionalProviderMetadata for MoreMetadata {}

type Metadata = ProviderMetadata<
    MoreMetadata,
    CoreAuthDisplay,
    CoreClientAuthMethod,
    CoreClaimName,
    CoreClaimType,
    CoreGrantType,
    CoreJweContentEncryptionAlgorithm,
    CoreJweKeyManagementAlgorithm,
    CoreJsonWebKey,
    CoreResponseMode,
    CoreResponseType,
    CoreSubjectIdentifierType,
>;

type Client = CoreClient<
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

/// What discovery told.
struct Discovered {
    client: Client,
    keys: JwkSet,
    more: MoreMetadata,
}

/// What a visitor or whoever sent them wishes of a login.
#[derive(Debug, Default)]
pub(super) struct Wishes<'a> {
    /// Who is probably coming.
    pub(super) login_hint: Option<&'a str>,
    /// The language that the portal speaks to them.
    pub(super) language: &'static str,
}

/// A relying party of one provider.
pub struct RelyingParty {
    issuer: IssuerUrl,
    credentials: Credentials,
    scopes: &'static [&'static str],
    redirect_uri: RedirectUrl,
    post_logout_redirect_uri: PostLogoutRedirectUrl,
    http: ProviderHttp,
    clock: Arc<dyn Clock>,
    discovered: RwLock<Option<Arc<Discovered>>>,
    heard: Heard,
}

impl RelyingParty {
    /// The relying party of `province`'s portal at `origin`. Nothing is fetched yet.
    pub fn new(
        province: &Province,
        origin: &str,
        issuer: &str,
        credentials: Credentials,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, RelyingPartyError> {
        let issuer = IssuerUrl::new(issuer.to_owned())?;
        Ok(Self {
            http: ProviderHttp::new(issuer.url())?,
            issuer,
            credentials,
            scopes: province.scopes,
            redirect_uri: RedirectUrl::new(format!("{origin}/callback"))?,
            post_logout_redirect_uri: PostLogoutRedirectUrl::new(format!("{origin}/logged-out"))?,
            clock,
            discovered: RwLock::new(None),
            heard: Heard::default(),
        })
    }

    /// The provider's issuer identifier.
    pub(super) fn issuer(&self) -> &str {
        self.issuer.as_str()
    }

    /// Where a browser is sent to log in.
    pub(super) async fn login_url(
        &self,
        state: &str,
        secrets: &LoginSecrets,
        wishes: &Wishes<'_>,
    ) -> Result<Url, RelyingPartyError> {
        let provider = self.provider().await?;
        let state = CsrfToken::new(state.to_owned());
        let nonce = Nonce::new(secrets.nonce.clone());
        let verifier = PkceCodeVerifier::new(secrets.verifier.clone());
        let challenge = PkceCodeChallenge::from_code_verifier_sha256(&verifier);
        let flow = CoreAuthenticationFlow::AuthorizationCode;
        let mut request = provider
            .client
            .authorize_url(flow, || state, || nonce)
            .set_pkce_challenge(challenge)
            .add_ui_locale(LanguageTag::new(wishes.language.to_owned()));
        for scope in self.scopes {
            request = request.add_scope(Scope::new((*scope).to_owned()));
        }
        if let Some(hint) = wishes.login_hint {
            request = request.set_login_hint(LoginHint::new(hint.to_owned()));
        }
        let (url, ..) = request.url();
        Ok(url)
    }

    /// RFC 9207 §2.4: an answer that another provider made must not reach this one's token
    /// endpoint.
    pub(super) async fn check_issuer(&self, iss: Option<&str>) -> Result<(), RelyingPartyError> {
        let provider = self.provider().await?;
        let always_there = provider.more.authorization_response_iss_parameter_supported;
        match iss {
            Some(iss) if iss == self.issuer.as_str() => Ok(()),
            None if !always_there => Ok(()),
            Some(_) | None => Err(RelyingPartyError::Issuer),
        }
    }

    /// Redeems the code of a login that began at `began_at`.
    pub(super) async fn redeem(
        &self,
        code: &str,
        secrets: LoginSecrets,
        began_at: Instant,
    ) -> Result<Login, RelyingPartyError> {
        let provider = self.provider().await?;
        let answer = provider
            .client
            .exchange_code(AuthorizationCode::new(code.to_owned()))
            .map_err(|_| RelyingPartyError::Answer("discovery"))?
            .set_pkce_verifier(PkceCodeVerifier::new(secrets.verifier))
            .request_async(&self.http)
            .await?;
        let id_token = answer.id_token().ok_or(RelyingPartyError::NoIdToken)?;
        let nonce = Nonce::new(secrets.nonce);
        let claims = self.verify(&answer, id_token, &nonce).await?;
        let subject = claims.subject().as_str();
        let received = Received {
            answer: &answer,
            userinfo: self.userinfo(&answer, subject).await?,
            at: self.clock.now(),
        };
        let entrant = Entrant {
            subject: subject.to_owned(),
            entered: Entered::judge(claims.auth_time(), began_at),
        };
        Login::new(entrant, id_token.clone(), received)
    }

    /// Uses the refresh token: new tokens and new userinfo for the same person.
    pub(super) async fn refresh(&self, login: &Login) -> Result<Login, RelyingPartyError> {
        let provider = self.provider().await?;
        let token = login.refresh_token().ok_or(RelyingPartyError::Empty)?;
        let answer = provider
            .client
            .exchange_refresh_token(token)
            .map_err(|_| RelyingPartyError::Answer("discovery"))?
            .request_async(&self.http)
            .await?;
        if let Some(id_token) = answer.id_token() {
            // OpenID Connect Core §12.2: the nonce need not be there again, the subject must.
            let any_nonce = |_: Option<&Nonce>| Ok(());
            let claims = self.verify(&answer, id_token, any_nonce).await?;
            if claims.subject().as_str() != login.subject() {
                return Err(RelyingPartyError::Subject);
            }
        }
        let received = Received {
            answer: &answer,
            userinfo: self.userinfo(&answer, login.subject()).await?,
            at: self.clock.now(),
        };
        login.renewed(received)
    }

    /// Where a browser is sent to log out at the provider.
    pub(super) async fn logout_url(
        &self,
        login: &Login,
        state: &str,
        language: &'static str,
    ) -> Result<Url, RelyingPartyError> {
        let provider = self.provider().await?;
        let request = LogoutRequest::from(provider.more.end_session_endpoint.clone())
            .set_id_token_hint(login.id_token())
            .set_client_id(self.client_id())
            .set_post_logout_redirect_uri(self.post_logout_redirect_uri.clone())
            .set_state(CsrfToken::new(state.to_owned()))
            .add_ui_locale(LanguageTag::new(language.to_owned()));
        Ok(request.http_get_url())
    }

    fn client_id(&self) -> ClientId {
        ClientId::new(self.credentials.client_id.clone())
    }

    /// The claims of an ID token that is good. Keys are fetched anew, once, when it names one that
    /// is not known: the provider may have changed them since.
    async fn verify<N: NonceVerifier + Copy>(
        &self,
        answer: &CoreTokenResponse,
        id_token: &CoreIdToken,
        nonce: N,
    ) -> Result<CoreIdTokenClaims, RelyingPartyError> {
        let provider = self.provider().await?;
        match self.claims(&provider, answer, id_token, nonce) {
            Err(RelyingPartyError::IdToken(ClaimsVerificationError::SignatureVerification(
                SignatureVerificationError::NoMatchingKey,
            ))) => self.claims(&*self.discover().await?, answer, id_token, nonce),
            other => other,
        }
    }

    fn claims<N: NonceVerifier>(
        &self,
        provider: &Discovered,
        answer: &CoreTokenResponse,
        id_token: &CoreIdToken,
        nonce: N,
    ) -> Result<CoreIdTokenClaims, RelyingPartyError> {
        let clock = Arc::clone(&self.clock);
        let verifier = provider
            .client
            .id_token_verifier()
            .set_allowed_algs([CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256])
            .set_time_fn(move || {
                DateTime::from_timestamp_millis(clock.now().as_millis()).unwrap_or_default()
            });
        let claims = id_token.claims(&verifier, nonce)?;
        // OpenID Connect Core §3.1.3.8.
        if let Some(expected) = claims.access_token_hash() {
            let key = id_token.signing_key(&verifier);
            let algorithm = id_token.signing_alg();
            let (Ok(key), Ok(algorithm)) = (key, algorithm) else {
                return Err(RelyingPartyError::AccessToken);
            };
            let made = AccessTokenHash::from_token(answer.access_token(), algorithm, key);
            if made.ok().as_ref() != Some(expected) {
                return Err(RelyingPartyError::AccessToken);
            }
        }
        Ok(claims.clone())
    }

    async fn userinfo(
        &self,
        answer: &CoreTokenResponse,
        subject: &str,
    ) -> Result<Members, RelyingPartyError> {
        let provider = self.provider().await?;
        let subject = SubjectIdentifier::new(subject.to_owned());
        let claims: UserInfoClaims<AllClaims, CoreGenderClaim> = provider
            .client
            .user_info(answer.access_token().clone(), Some(subject))
            .map_err(|_| RelyingPartyError::Answer("discovery"))?
            .request_async(&self.http)
            .await?;
        match serde_json::to_value(&claims) {
            Ok(serde_json::Value::Object(members)) => Ok(members),
            _ => Err(RelyingPartyError::Answer("the userinfo request")),
        }
    }

    /// What is known of the provider, discovered if nothing is.
    async fn provider(&self) -> Result<Arc<Discovered>, RelyingPartyError> {
        let known = self.discovered.read().map(|known| known.clone());
        if let Some(known) = known.unwrap_or_else(|poisoned| poisoned.into_inner().clone()) {
            return Ok(known);
        }
        for _ in 1..DISCOVERY_ATTEMPTS {
            match self.discover().await {
                // It may be starting.
                Err(RelyingPartyError::Http(HttpError::Unreachable(_))) => {
                    tokio::time::sleep(DISCOVERY_PAUSE).await;
                }
                other => return other,
            }
        }
        self.discover().await
    }

    /// Asks the provider for its metadata and keys (OpenID Connect Discovery §4).
    async fn discover(&self) -> Result<Arc<Discovered>, RelyingPartyError> {
        let metadata = Metadata::discover_async(self.issuer.clone(), &self.http).await?;
        let more = metadata.additional_metadata().clone();
        let keys = serde_json::to_value(metadata.jwks()).ok();
        let keys = keys.and_then(|keys| JwkSet::from_untrusted(&keys).ok());
        let keys = keys.ok_or(RelyingPartyError::Answer("discovery"))?;
        let secret = ClientSecret::new(self.credentials.client_secret.expose().clone());
        let client = Client::from_provider_metadata(metadata, self.client_id(), Some(secret))
            .set_redirect_uri(self.redirect_uri.clone());
        let found = Arc::new(Discovered { client, keys, more });
        let mut known = self
            .discovered
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        *known = Some(Arc::clone(&found));
        Ok(found)
    }
}
