//! A relying portal: a confidential client with PKCE.

use serde_json::{Value, json};
use url::Url;

use crate::http::{Answer, Http};

/// Where codes are sent: nothing needs to listen there.
pub(crate) const CALLBACK: &str = "http://127.0.0.1:1/";

/// RFC 7636 appendix B.
pub(crate) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// A registered client.
#[derive(Debug, Clone)]
pub(crate) struct Portal {
    pub(crate) id: String,
    /// Empty for a public client, which proves nothing.
    pub(crate) secret: String,
    redirect_uri: String,
}

impl Portal {
    /// What a portal registers.
    pub(crate) fn metadata(name: &str) -> Value {
        json!({
            "client_name": format!("Portal {name}"),
            "redirect_uris": [format!("{CALLBACK}{name}")],
            "post_logout_redirect_uris": [format!("{CALLBACK}{name}")],
            "token_endpoint_auth_method": "client_secret_basic",
            "grant_types": ["authorization_code", "refresh_token", "client_credentials"],
            "scope": "openid profile phone email offline_access",
        })
    }

    /// From what `client add` printed.
    pub(crate) fn registered(added: &Value) -> Self {
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        Self {
            id: text(&added["client_id"]),
            secret: added["client_secret"]
                .as_str()
                .unwrap_or_default()
                .to_owned(),
            redirect_uri: text(&added["redirect_uris"][0]),
        }
    }

    /// Where it sends a resident.
    pub(crate) fn authorization_url(&self, origin: &str) -> String {
        let parameters = [
            ("client_id", self.id.as_str()),
            ("response_type", "code"),
            ("scope", "openid profile phone email offline_access"),
            ("redirect_uri", &self.redirect_uri),
            ("state", "state-of-the-portal"),
            ("nonce", "nonce-of-the-portal"),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
        ];
        let url = Url::parse_with_params(&format!("{origin}/oauth2/authorize"), parameters);
        url.unwrap().into()
    }

    /// POSTs to an endpoint and proves itself.
    pub(crate) async fn try_post(
        &self,
        http: &Http,
        path: &str,
        form: &[(&str, &str)],
    ) -> Result<Answer, reqwest::Error> {
        let url = format!("{}{path}", http.origin());
        if self.secret.is_empty() {
            let form = [form, &[("client_id", &*self.id)]].concat();
            return http.send(http.posting(&url, &form)).await;
        }
        let request = http.posting(&url, form);
        http.send(request.basic_auth(&self.id, Some(&self.secret)))
            .await
    }

    /// POSTs to an endpoint and proves itself; there must be an answer.
    pub(crate) async fn post(&self, http: &Http, path: &str, form: &[(&str, &str)]) -> Answer {
        let answer = self.try_post(http, path, form).await;
        answer.unwrap_or_else(|error| panic!("{path}: {error:?}"))
    }

    /// Exchanges a code, if there is an answer.
    pub(crate) async fn try_exchange(
        &self,
        http: &Http,
        code: &str,
    ) -> Result<Answer, reqwest::Error> {
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", &self.redirect_uri),
            ("code_verifier", VERIFIER),
        ];
        self.try_post(http, "/oauth2/token", &form).await
    }

    /// Exchanges a code.
    pub(crate) async fn exchange(&self, http: &Http, code: &str) -> Answer {
        self.try_exchange(http, code).await.expect("an answer")
    }

    /// Exchanges a code; it must be good.
    pub(crate) async fn tokens(&self, http: &Http, code: &str) -> Tokens {
        Tokens::of(&self.exchange(http, code).await)
    }

    /// Refreshes.
    pub(crate) async fn refresh(&self, http: &Http, refresh_token: &str) -> Answer {
        let form = [
            ("grant_type", "refresh_token"),
            ("refresh_token", refresh_token),
        ];
        self.post(http, "/oauth2/token", &form).await
    }

    /// Asks for a token of its own.
    pub(crate) async fn client_credentials(&self, http: &Http) -> Answer {
        self.post(
            http,
            "/oauth2/token",
            &[("grant_type", "client_credentials")],
        )
        .await
    }

    /// Whether a token is active.
    pub(crate) async fn is_active(&self, http: &Http, token: &str) -> bool {
        let answer = self
            .post(http, "/oauth2/introspect", &[("token", token)])
            .await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()["active"].as_bool().expect("active")
    }

    /// Asks who an access token is about.
    pub(crate) async fn userinfo(&self, http: &Http, access_token: &str) -> Answer {
        let request = http.getting(&format!("{}/oauth2/userinfo", http.origin()));
        let answer = http.send(request.bearer_auth(access_token)).await;
        answer.expect("an answer")
    }
}

/// What a code was exchanged for.
#[derive(Debug, Clone)]
pub(crate) struct Tokens {
    pub(crate) access: String,
    pub(crate) refresh: String,
    pub(crate) id: String,
}

impl Tokens {
    /// From a token response.
    #[track_caller]
    pub(crate) fn of(answer: &Answer) -> Self {
        assert_eq!(answer.status, 200, "{answer:?}");
        let json = answer.json();
        let text = |member: &str| json[member].as_str().expect(member).to_owned();
        Self {
            access: text("access_token"),
            refresh: text("refresh_token"),
            id: text("id_token"),
        }
    }
}
