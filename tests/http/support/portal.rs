//! A relying portal: registered, sends browsers here, calls the endpoints.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::Request;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tongxing::domain::client::{ClientId, ClientStatus};
use tongxing::protocol::client_metadata::raw::RawClientMetadata;

use super::answer::{Answer, claims_of};
use super::browser::{Browser, encode};
use super::people::Person;
use super::request::{AuthorizationRequest, Code};
use super::server::{Server, operation, tweaked};

/// A relying portal. Clones are the same portal.
#[derive(Clone)]
pub(crate) struct Portal(Arc<Registered>);

pub(crate) struct Registered {
    server: Server,
    pub(crate) client_id: String,
    pub(crate) client_secret: Option<String>,
    pub(crate) redirect_uri: String,
    /// As registered, defaults included.
    pub(crate) metadata: Value,
}

impl std::ops::Deref for Portal {
    type Target = Registered;

    fn deref(&self) -> &Registered {
        &self.0
    }
}

/// What a token endpoint gave.
#[derive(Debug, Clone)]
pub(crate) struct Tokens {
    pub(crate) access: String,
    pub(crate) id: Option<String>,
    pub(crate) refresh: Option<String>,
    pub(crate) response: Value,
}

impl Tokens {
    #[track_caller]
    pub(crate) fn of(answer: &Answer) -> Self {
        assert!(
            answer.status.is_success(),
            "{} {}",
            answer.status,
            answer.text()
        );
        let response = answer.json();
        let text = |name: &str| response[name].as_str().map(str::to_owned);
        Self {
            access: text("access_token").expect("an access token"),
            id: text("id_token"),
            refresh: text("refresh_token"),
            response,
        }
    }

    /// What the ID token says.
    #[track_caller]
    pub(crate) fn id_claims(&self) -> Value {
        claims_of(self.id.as_deref().expect("an ID token"))
    }

    #[track_caller]
    pub(crate) fn refresh(&self) -> &str {
        self.refresh.as_deref().expect("a refresh token")
    }
}

impl Portal {
    /// Registers a portal. `tweaks` are members in place of the usual ones; `null` takes one away.
    pub(crate) async fn register(server: &Server, tweaks: &Value) -> Self {
        let number = server.next_portal();
        let host = format!("https://portal{number}.example");
        let usual = json!({
            "client_name": format!("Portal {number}"),
            "redirect_uris": [format!("{host}/callback")],
            "post_logout_redirect_uris": [format!("{host}/bye")],
            "grant_types": ["authorization_code", "refresh_token"],
            "scope": "openid profile phone email offline_access",
        });
        let metadata = tweaked(usual, tweaks);
        let registered = Self::try_register(server, &metadata).await;
        let registered = registered.expect("acceptable metadata");
        let text = |name: &str| registered[name].as_str().map(str::to_owned);
        Self(Arc::new(Registered {
            server: server.clone(),
            client_id: text("client_id").expect("a client_id"),
            client_secret: text("client_secret"),
            redirect_uri: registered["redirect_uris"][0]
                .as_str()
                .unwrap_or_default()
                .to_owned(),
            metadata: registered,
        }))
    }

    /// Registers exactly this; the error's text is what the operator reads.
    pub(crate) async fn try_register(server: &Server, metadata: &Value) -> Result<Value, String> {
        let raw = RawClientMetadata::from_json(metadata.to_string().as_bytes())
            .map_err(|error| error.code().as_str().to_owned())?;
        let registered = server
            .provider
            .register_client(raw, &server.fetcher, operation())
            .await
            .map_err(|error| error.to_string())?;
        Ok(serde_json::to_value(registered).expect("JSON"))
    }

    /// Changes its registration: members of `tweaks` in place of those it has.
    pub(crate) async fn update(&self, tweaks: &Value) {
        let json = tweaked(self.metadata.clone(), tweaks).to_string();
        let raw = RawClientMetadata::from_json(json.as_bytes()).expect("metadata");
        let fetcher = &self.server.fetcher;
        self.server
            .provider
            .update_client(self.id(), raw, fetcher, operation())
            .await
            .expect("acceptable metadata");
    }

    /// An operator changes what it may do.
    pub(crate) async fn becomes(&self, status: ClientStatus) {
        let changed = self
            .server
            .provider
            .change_client_status(self.id(), status, operation());
        changed.await.expect("another status than before");
    }

    /// An operator suspends it.
    pub(crate) async fn suspend(&self) {
        self.becomes(ClientStatus::Suspended).await;
    }

    pub(crate) fn id(&self) -> ClientId {
        self.client_id.parse().expect("a client_id")
    }

    /// The request it usually sends: `openid` with state, nonce and PKCE.
    pub(crate) fn request(&self) -> AuthorizationRequest {
        AuthorizationRequest::new(&self.client_id, &self.redirect_uri, "openid")
    }

    /// The same, with all that was registered.
    pub(crate) fn full_request(&self) -> AuthorizationRequest {
        let scope = self.metadata["scope"].as_str().expect("a scope");
        self.request().with("scope", scope)
    }

    /// Sends a browser through its full request; whoever is before it does what is asked.
    pub(crate) async fn authorize(&self, browser: &mut Browser) -> Code {
        self.authorize_with(browser, &self.full_request()).await
    }

    /// The same with another request.
    pub(crate) async fn authorize_with(
        &self,
        browser: &mut Browser,
        request: &AuthorizationRequest,
    ) -> Code {
        request.code(&browser.agree(&request.url()).await)
    }

    /// All the way to tokens.
    pub(crate) async fn tokens(&self, browser: &mut Browser) -> Tokens {
        let code = self.authorize(browser).await;
        Tokens::of(&self.redeem(&code).await)
    }

    /// The same with another request.
    pub(crate) async fn tokens_with(
        &self,
        browser: &mut Browser,
        request: &AuthorizationRequest,
    ) -> Tokens {
        let code = self.authorize_with(browser, request).await;
        Tokens::of(&self.redeem(&code).await)
    }

    /// Redeems a code.
    pub(crate) async fn redeem(&self, code: &Code) -> Answer {
        let mut fields = vec![("grant_type", "authorization_code"), ("code", &code.value)];
        fields.extend(
            code.redirect_uri
                .as_deref()
                .map(|uri| ("redirect_uri", uri)),
        );
        fields.extend(code.verifier.as_deref().map(|text| ("code_verifier", text)));
        self.call("/oauth2/token", &fields).await
    }

    /// Refreshes.
    pub(crate) async fn refresh(&self, token: &str) -> Answer {
        let fields = [("grant_type", "refresh_token"), ("refresh_token", token)];
        self.call("/oauth2/token", &fields).await
    }

    /// Asks what a token is.
    pub(crate) async fn introspect(&self, token: &str) -> Answer {
        self.call("/oauth2/introspect", &[("token", token)]).await
    }

    /// Whether introspection says that a token counts.
    pub(crate) async fn is_active(&self, token: &str) -> bool {
        let answer = self.introspect(token).await;
        answer.json()["active"].as_bool().expect("active or not")
    }

    /// Revokes a token.
    pub(crate) async fn revoke(&self, token: &str) -> Answer {
        self.call("/oauth2/revoke", &[("token", token)]).await
    }

    /// Fetches claims.
    pub(crate) async fn userinfo(&self, access_token: &str) -> Answer {
        let request = Request::get("/oauth2/userinfo")
            .header(AUTHORIZATION, format!("Bearer {access_token}"))
            .body(Body::empty());
        self.server.send(request.expect("a request")).await
    }

    /// Posts a form to an endpoint, with the proof that it registered.
    pub(crate) async fn call(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let secret = self.client_secret.as_deref().unwrap_or_default();
        let mut fields = fields.to_vec();
        let mut authorization = None;
        match self.metadata["token_endpoint_auth_method"].as_str() {
            Some("client_secret_basic") => authorization = Some(basic(&self.client_id, secret)),
            Some("client_secret_post") => {
                fields.extend([("client_id", &*self.client_id), ("client_secret", secret)]);
            }
            _ => fields.push(("client_id", &self.client_id)),
        }
        self.post(path, authorization.as_deref(), &fields).await
    }

    /// Posts a form as it is.
    pub(crate) async fn post(
        &self,
        path: &str,
        authorization: Option<&str>,
        fields: &[(&str, &str)],
    ) -> Answer {
        let mut request =
            Request::post(path).header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        if let Some(authorization) = authorization {
            request = request.header(AUTHORIZATION, authorization);
        }
        let request = request.body(Body::from(encode(fields)));
        self.server.send(request.expect("a request")).await
    }

    /// A person takes back what they allowed it.
    pub(crate) async fn withdraw_grant_of(&self, person: &Person) {
        let account = self.server.account_of(person).await;
        let clients = self.server.provider.clients();
        let client = clients.find(&self.id()).await.expect("an answer");
        let client = client.expect("this client");
        let withdrawn = self.server.accounts.withdraw(account, &client).await;
        withdrawn.expect("the database answers");
    }
}

/// RFC 6749 §2.3.1. Our identifiers and secrets need no encoding in a form.
pub(crate) fn basic(client_id: &str, client_secret: &str) -> String {
    format!(
        "Basic {}",
        STANDARD.encode(format!("{client_id}:{client_secret}"))
    )
}
