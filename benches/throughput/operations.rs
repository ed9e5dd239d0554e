//! What browsers and portals do, one worker of each kind per connection.

use std::rc::Rc;

use anyhow::{Context as _, bail};

use super::cast::{PASSWORD, Portal};
use super::client::{Answer, Connection};
use super::load::{Operation, Progress};

/// RFC 7636 Appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
const SCOPE: &str = "openid%20profile%20offline_access";
const SESSION: &str = "tongxing-session";
const BROWSER: &str = "tongxing-browser";

pub(crate) fn get(path: &str, headers: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\n{headers}\r\n").into_bytes()
}

pub(crate) fn post(path: &str, headers: &str, form: &str) -> Vec<u8> {
    format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\n{headers}\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{form}",
        form.len()
    )
    .into_bytes()
}

impl Portal {
    fn authorize_path(&self) -> String {
        format!(
            "/oauth2/authorize?response_type=code&client_id={}&redirect_uri={}&scope={SCOPE}\
             &state=af0ifjsldkj&nonce=n-0S6_WzA2Mj&code_challenge={CHALLENGE}\
             &code_challenge_method=S256",
            self.client_id,
            encode(&self.redirect_uri)
        )
    }

    fn exchange(&self, code: &str) -> Vec<u8> {
        let form = format!(
            "grant_type=authorization_code&code={code}&redirect_uri={}&code_verifier={VERIFIER}{}",
            encode(&self.redirect_uri),
            self.name_in_form()
        );
        post("/oauth2/token", &self.authorization, &form)
    }

    fn refresh(&self, token: &str) -> Vec<u8> {
        let name = self.name_in_form();
        let form = format!("grant_type=refresh_token&refresh_token={token}{name}");
        post("/oauth2/token", &self.authorization, &form)
    }

    /// A public client says in the form who it is.
    fn name_in_form(&self) -> String {
        if self.authorization.is_empty() {
            format!("&client_id={}", self.client_id)
        } else {
            String::new()
        }
    }
}

fn encode(text: &str) -> String {
    text.replace(':', "%3A").replace('/', "%2F")
}

/// The code that an answer takes back to the portal.
fn code_of<'a>(answer: &Answer<'a>, portal: &Portal) -> anyhow::Result<&'a str> {
    let location = answer.location()?;
    let query = location
        .strip_prefix(&portal.redirect_uri)
        .with_context(|| format!("not at the portal: {location}"))?;
    let code = query
        .split(['?', '&'])
        .find_map(|pair| pair.strip_prefix("code="));
    code.with_context(|| format!("no code: {location}"))
}

/// The same request every time.
pub(crate) struct Repeat(pub(crate) Rc<[u8]>);

impl Operation for Repeat {
    async fn once(&mut self, connection: &mut Connection) -> anyhow::Result<Progress> {
        connection.send(&self.0).await?.expect(200)?;
        Ok(Progress::Done)
    }
}

/// Authorization with a live session; keeps the codes.
pub(crate) struct Authorize {
    portal: Rc<Portal>,
    request: Vec<u8>,
    pub(crate) codes: Vec<String>,
}

impl Authorize {
    pub(crate) fn new(portal: &Rc<Portal>, session: &str) -> Self {
        let cookie = format!("Cookie: {SESSION}={session}\r\n");
        Self {
            portal: Rc::clone(portal),
            request: get(&portal.authorize_path(), &cookie),
            codes: Vec::new(),
        }
    }

    pub(crate) async fn code(&self, connection: &mut Connection) -> anyhow::Result<String> {
        let answer = connection.send(&self.request).await?.expect(303)?;
        Ok(code_of(&answer, &self.portal)?.to_owned())
    }

    pub(crate) async fn exchange(
        &self,
        code: &str,
        connection: &mut Connection,
    ) -> anyhow::Result<Tokens> {
        exchange(&self.portal, code, connection).await
    }
}

impl Operation for Authorize {
    async fn once(&mut self, connection: &mut Connection) -> anyhow::Result<Progress> {
        let code = self.code(connection).await?;
        self.codes.push(code);
        Ok(Progress::Done)
    }
}

/// What an exchange gave.
#[derive(Debug, Clone)]
pub(crate) struct Tokens {
    pub(crate) access: String,
    pub(crate) refresh: String,
}

async fn exchange(
    portal: &Portal,
    code: &str,
    connection: &mut Connection,
) -> anyhow::Result<Tokens> {
    let answer = connection.send(&portal.exchange(code)).await?.expect(200)?;
    answer.member("id_token")?;
    Ok(Tokens {
        access: answer.member("access_token")?.to_owned(),
        refresh: answer.member("refresh_token")?.to_owned(),
    })
}

/// Redeems codes, as long as there are any.
pub(crate) struct Exchange {
    portal: Rc<Portal>,
    codes: Vec<String>,
    pub(crate) last: Option<Tokens>,
}

impl Exchange {
    pub(crate) fn new(authorized: Authorize) -> Self {
        Self {
            portal: authorized.portal,
            codes: authorized.codes,
            last: None,
        }
    }
}

impl Operation for Exchange {
    async fn once(&mut self, connection: &mut Connection) -> anyhow::Result<Progress> {
        let Some(code) = self.codes.pop() else {
            return Ok(Progress::Exhausted);
        };
        self.last = Some(exchange(&self.portal, &code, connection).await?);
        Ok(Progress::Done)
    }
}

/// Refreshes, with the new token if there is one.
pub(crate) struct Refresh {
    pub(crate) portal: Rc<Portal>,
    pub(crate) token: String,
}

impl Operation for Refresh {
    async fn once(&mut self, connection: &mut Connection) -> anyhow::Result<Progress> {
        let request = self.portal.refresh(&self.token);
        let answer = connection.send(&request).await?.expect(200)?;
        answer.member("access_token")?;
        if let Ok(token) = answer.member("refresh_token") {
            token.clone_into(&mut self.token);
        }
        Ok(Progress::Done)
    }
}

/// A resident who is logged in enters a portal: authorization, then the portal's exchange.
pub(crate) struct SingleSignOn(pub(crate) Authorize);

impl Operation for SingleSignOn {
    async fn once(&mut self, connection: &mut Connection) -> anyhow::Result<Progress> {
        let code = self.0.code(connection).await?;
        self.0.exchange(&code, connection).await?;
        Ok(Progress::Done)
    }
}

/// A resident with a fresh browser enters a portal: page, password, code, the portal's exchange.
pub(crate) struct PasswordLogin {
    pub(crate) portal: Rc<Portal>,
    pub(crate) resident: String,
    /// Of the last login.
    pub(crate) session: String,
}

impl PasswordLogin {
    pub(crate) fn new(portal: &Rc<Portal>, resident: &str) -> Self {
        Self {
            portal: Rc::clone(portal),
            resident: resident.to_owned(),
            session: String::new(),
        }
    }
}

impl Operation for PasswordLogin {
    async fn once(&mut self, connection: &mut Connection) -> anyhow::Result<Progress> {
        let request = get(&self.portal.authorize_path(), "");
        let answer = connection.send(&request).await?.expect(303)?;
        let page = answer.location()?.to_owned();
        let browser = answer
            .cookie(BROWSER)
            .context("a browser cookie")?
            .to_owned();
        let cookie = format!("Cookie: {BROWSER}={browser}\r\n");
        let shown = connection.send(&get(&page, &cookie)).await?.expect(200)?;
        let form = format!(
            "csrf={}&username={}&password={}",
            csrf(&shown)?,
            self.resident.replace('+', "%2B"),
            PASSWORD.replace(' ', "+")
        );
        let answer = connection.send(&post(&page, &cookie, &form)).await?;
        let answer = answer.expect(303)?;
        answer
            .cookie(SESSION)
            .context("a session")?
            .clone_into(&mut self.session);
        let code = if let Ok(code) = code_of(&answer, &self.portal) {
            code.to_owned()
        } else {
            let page = answer.location()?.to_owned();
            let cookie = format!(
                "Cookie: {BROWSER}={browser}; {SESSION}={}\r\n",
                self.session
            );
            consent(&self.portal, (&page, &cookie), connection).await?
        };
        exchange(&self.portal, &code, connection).await?;
        Ok(Progress::Done)
    }
}

/// A resident enters a portal for the first time, logged in: the consent page.
pub(crate) async fn first_visit(
    portal: &Portal,
    session: &str,
    connection: &mut Connection,
) -> anyhow::Result<()> {
    let cookie = format!("Cookie: {SESSION}={session}\r\n");
    let request = get(&portal.authorize_path(), &cookie);
    let answer = connection.send(&request).await?.expect(303)?;
    let page = answer.location()?.to_owned();
    let browser = answer
        .cookie(BROWSER)
        .context("a browser cookie")?
        .to_owned();
    let cookie = format!("Cookie: {BROWSER}={browser}; {SESSION}={session}\r\n");
    consent(portal, (&page, &cookie), connection).await?;
    Ok(())
}

async fn consent(
    portal: &Portal,
    (page, cookie): (&str, &str),
    connection: &mut Connection,
) -> anyhow::Result<String> {
    if !page.starts_with("/consent") {
        bail!("not the consent page: {page}");
    }
    let shown = connection.send(&get(page, cookie)).await?.expect(200)?;
    let form = format!("csrf={}&decision=allow", csrf(&shown)?);
    let answer = connection
        .send(&post(page, cookie, &form))
        .await?
        .expect(303)?;
    Ok(code_of(&answer, portal)?.to_owned())
}

/// The form's proof that it is ours.
fn csrf(page: &Answer<'_>) -> anyhow::Result<String> {
    let text = page.text()?;
    let field = text.split("name=\"csrf\"").nth(1).context("a csrf field")?;
    let value = field.split("value=\"").nth(1).context("a value")?;
    Ok(value.split('"').next().unwrap_or_default().to_owned())
}
