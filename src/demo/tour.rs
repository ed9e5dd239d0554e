//! The tour: plays the whole story over HTTP against the running demo, as a browser without
//! scripts would, and explains each request.
//!
//! It knows nothing that a resident does not: what it types is on the start page, its codes come
//! from "your phone". Whatever does not go as the story has it ends the tour.

mod browser;
mod explanations;
mod page;
mod telling;

use std::time::Duration;

use url::Url;

use self::browser::Browser;
use self::explanations::Site;
use self::page::Page;
use super::people::{NEWCOMERS, PASSWORD, SQUATTER, Unregistered};
use super::story::Addresses;

pub use self::telling::{Paint, Teller};

/// What somebody sets who has forgotten the first one.
const NEW_PASSWORD: &str = "tongxing-demo-again";

/// A message is looked for so often, and so long after the last time.
const LOOKS: u32 = 100;
const PAUSE: Duration = Duration::from_millis(100);
/// More redirects than any way here has.
const MOST_REDIRECTS: u32 = 8;

/// Why the tour ended before its end.
#[derive(Debug, thiserror::Error)]
pub enum TourError {
    /// A server did not answer.
    #[error("no answer")]
    Http(#[source] reqwest::Error),
    /// An address is none.
    #[error("an address is malformed")]
    Address(#[from] url::ParseError),
    /// What was told could not be written.
    #[error("cannot print")]
    Print(#[from] std::io::Error),
    /// A page lacks what the story needs.
    #[error("{path} has no {what}")]
    Missing {
        /// The page.
        path: String,
        /// What was looked for there.
        what: String,
    },
    /// What two pages say does not go together.
    #[error("not as the story has it: {0}")]
    Otherwise(&'static str),
}

impl From<reqwest::Error> for TourError {
    /// Addresses of the tour are long, and told anyway.
    fn from(error: reqwest::Error) -> Self {
        Self::Http(error.without_url())
    }
}

/// A tour that has not begun.
pub struct Tour<'a> {
    addresses: &'a Addresses,
    start: Url,
    provider: Url,
    portals: Vec<Url>,
    teller: Teller<'a>,
}

impl<'a> Tour<'a> {
    /// Through the demo at these addresses, told to `teller`.
    pub fn new(addresses: &'a Addresses, teller: Teller<'a>) -> Result<Self, TourError> {
        let portals = addresses
            .portals
            .iter()
            .map(|(_, _, href)| Url::parse(href));
        Ok(Self {
            start: Url::parse(&addresses.start)?,
            provider: Url::parse(&addresses.provider)?,
            portals: portals.collect::<Result<_, _>>()?,
            addresses,
            teller,
        })
    }

    /// From registration to logout.
    pub async fn play(mut self) -> Result<(), TourError> {
        let [resident, owner, _] = &NEWCOMERS;
        let mut phone = self.browser("tour: a phone")?;
        let mut computer = self.browser("tour: a computer")?;
        self.register(&mut phone, resident).await?;
        self.enter_the_other(&mut phone).await?;
        self.recover(&mut computer, resident).await?;
        self.log_out_everywhere(&mut phone, &mut computer, resident)
            .await?;
        self.take_over(owner).await?;
        self.teller.end()?;
        Ok(())
    }

    async fn register(
        &mut self,
        browser: &mut Browser,
        resident: &Unregistered,
    ) -> Result<(), TourError> {
        self.teller.act(
            "第一幕：在浙江社会保险注册",
            "One: registering on the way into Zhejiang",
        )?;
        let home = self.open(browser, self.portal(0)?).await?;
        let login = self.follow(browser, &home, "portal-login").await?;
        let form = self.follow_to(browser, &login, "/register").await?;
        let answered = self.prove(browser, &form, ("register", resident)).await?;
        let told = expect(answered, "consent-allow")?;
        let portal = self.press(browser, &told, "consent-allow", &[]).await?;
        entered(&portal, resident)
    }

    async fn enter_the_other(&mut self, browser: &mut Browser) -> Result<(), TourError> {
        self.teller.act(
            "第二幕：从浙江到广东，不必再登录",
            "Two: from Zhejiang to Guangdong without another login",
        )?;
        let first = self.open(browser, self.portal(0)?).await?;
        let asked = self.follow(browser, &first, "portal-next").await?;
        let second = self.press(browser, &asked, "consent-allow", &[]).await?;
        let second = expect(second, "portal-logout")?;
        if first.claim("sub").is_none() || first.claim("sub") == second.claim("sub") {
            return Err(TourError::Otherwise("two portals know one number"));
        }
        self.teller.act(
            "第三幕：再进浙江，一个字也不问；看看我的账号",
            "Three: Zhejiang again, without a word; then my account",
        )?;
        let again = self.open(browser, self.portal(0)?.join("login")?).await?;
        expect(again, "portal-logout")?;
        let account = self.provider.join("account")?;
        let account = self.open(browser, account).await?;
        expect(account, "account-logout").map(drop)
    }

    async fn recover(
        &mut self,
        browser: &mut Browser,
        resident: &Unregistered,
    ) -> Result<(), TourError> {
        self.teller.act(
            "第四幕：忘了密码，在另一台电脑上找回",
            "Four: the password is forgotten; recovery on another computer",
        )?;
        let form = self.open(browser, self.provider.join("recover")?).await?;
        let done = self.prove(browser, &form, ("recover", resident)).await?;
        expect(done, "account-logout").map(drop)
    }

    async fn log_out_everywhere(
        &mut self,
        phone: &mut Browser,
        computer: &mut Browser,
        resident: &Unregistered,
    ) -> Result<(), TourError> {
        self.teller.act(
            "第五幕：手机上要重新登录；从手机结束电脑的登录；从一个门户退出，另一个也退出",
            "Five: the phone has to log in again, ends the computer's login, and leaves one portal: both end",
        )?;
        let account = self.provider.join("account")?;
        let login = self.open(phone, account.clone()).await?;
        let fields = [("username", resident.phone), ("password", NEW_PASSWORD)];
        let mine = self.press(phone, &login, "login-submit", &fields).await?;
        self.press(phone, &mine, "end-other-sessions", &[]).await?;
        let out = self.open(computer, account).await?;
        expect(out, "login-submit")?;
        let other = self.open(phone, self.portal(1)?.join("login")?).await?;
        expect(other, "portal-logout")?;
        let portal = self.open(phone, self.portal(0)?.join("login")?).await?;
        let out = self.press(phone, &portal, "portal-logout", &[]).await?;
        expect(out, "portal-login")?;
        let other = self.open(phone, self.portal(1)?).await?;
        expect(other, "portal-login")?;
        let login = self.open(phone, self.portal(1)?.join("login")?).await?;
        expect(login, "login-submit").map(drop)
    }

    async fn take_over(&mut self, owner: &Unregistered) -> Result<(), TourError> {
        self.teller.act(
            "第六幕：证件被人抢先用了；本人来注册",
            "Six: somebody used the document first; the owner registers",
        )?;
        let mut browser = self.browser("tour: the owner")?;
        let form = self
            .open(&mut browser, self.provider.join("register")?)
            .await?;
        let account = self.prove(&mut browser, &form, ("register", owner)).await?;
        expect(account, "account-logout")?;
        self.message(&mut browser, SQUATTER.phone, &[]).await?;
        Ok(())
    }

    /// Fills in the form of registration or recovery, reads the code on the phone and gives it
    /// back.
    async fn prove(
        &mut self,
        browser: &mut Browser,
        form: &Page,
        (way, person): (&str, &Unregistered),
    ) -> Result<Page, TourError> {
        let recovers = way == "recover";
        let password = if recovers { NEW_PASSWORD } else { PASSWORD };
        let typed = [
            ("name", person.name),
            ("document-type", person.document_type.as_str()),
            ("document-number", person.document_number),
            ("phone", person.phone),
            ("password", password),
        ];
        let named: Vec<_> = typed
            .iter()
            .map(|(field, value)| (format!("{way}-{field}"), *value))
            .collect();
        let fields: Vec<_> = named
            .iter()
            .map(|(name, value)| (name.as_str(), *value))
            .collect();
        // What came before the code that is waited for.
        let before = self.codes(browser, person.phone).await?;
        let submit = format!("{way}-submit");
        let asked = self.press(browser, form, &submit, &fields).await?;
        let asked = expect(asked, "otp-code")?;
        let code = self.message(browser, person.phone, &before).await?;
        let code = code.ok_or_else(|| missing(&asked.url, "code on the phone"))?;
        let fields = [("otp-code", code.as_str())];
        self.press(browser, &asked, "otp-submit", &fields).await
    }

    /// The codes that a phone shows, unheard.
    async fn codes(&self, browser: &mut Browser, phone: &str) -> Result<Vec<String>, TourError> {
        let shown = browser.send(self.phone(phone)?, None).await?.page;
        Ok(shown
            .one_time_code()
            .map(str::to_owned)
            .into_iter()
            .collect())
    }

    /// Waits until a phone shows a message with no code of `before`, and tells of it.
    async fn message(
        &mut self,
        browser: &mut Browser,
        phone: &str,
        before: &[String],
    ) -> Result<Option<String>, TourError> {
        let url = self.phone(phone)?;
        for _ in 0..LOOKS {
            let exchange = browser.send(url.clone(), None).await?;
            let code = exchange.page.one_time_code().map(str::to_owned);
            let is_new = code.as_ref().is_some_and(|code| !before.contains(code));
            let has_notice = code.is_none() && exchange.page.text.contains("class=\"messages\"");
            if is_new || has_notice {
                self.teller.exchange(Site::Demo, &exchange)?;
                return Ok(code);
            }
            tokio::time::sleep(PAUSE).await;
        }
        Err(missing(&url, "message"))
    }

    /// A phone's page, by its last digits.
    fn phone(&self, phone: &str) -> Result<Url, TourError> {
        let last_digits = phone.get(phone.len().saturating_sub(4)..).unwrap_or(phone);
        let address = format!("{}?to={last_digits}", self.addresses.phone());
        Ok(Url::parse(&address)?)
    }

    fn portal(&self, place: usize) -> Result<Url, TourError> {
        let portal = self.portals.get(place).cloned();
        portal.ok_or(TourError::Otherwise("a portal is missing"))
    }

    fn browser(&self, name: &'static str) -> Result<Browser, TourError> {
        let all = self.portals.iter().chain([&self.start, &self.provider]);
        let hosts: Vec<_> = all.filter_map(Url::host_str).map(str::to_owned).collect();
        Browser::new(name, &hosts)
    }

    async fn follow(
        &mut self,
        browser: &mut Browser,
        page: &Page,
        link: &str,
    ) -> Result<Page, TourError> {
        let url = page.link(link).ok_or_else(|| missing(&page.url, link))?;
        self.open(browser, url).await
    }

    async fn follow_to(
        &mut self,
        browser: &mut Browser,
        page: &Page,
        path: &str,
    ) -> Result<Page, TourError> {
        let url = page.link_to(path).ok_or_else(|| missing(&page.url, path))?;
        self.open(browser, url).await
    }

    async fn open(&mut self, browser: &mut Browser, url: Url) -> Result<Page, TourError> {
        self.send(browser, url, None).await
    }

    async fn press(
        &mut self,
        browser: &mut Browser,
        page: &Page,
        button: &str,
        fields: &[(&str, &str)],
    ) -> Result<Page, TourError> {
        let filled = page.filled(button, fields);
        let filled = filled.ok_or_else(|| missing(&page.url, button))?;
        self.send(browser, filled.action, Some(filled.body)).await
    }

    /// Sends a request and follows redirects, telling of each.
    async fn send(
        &mut self,
        browser: &mut Browser,
        url: Url,
        form: Option<String>,
    ) -> Result<Page, TourError> {
        let mut exchange = browser.send(url, form).await?;
        for _ in 0..MOST_REDIRECTS {
            self.teller
                .exchange(self.site(&exchange.page.url), &exchange)?;
            let Some(next) = exchange.leads_to else {
                return Ok(exchange.page);
            };
            exchange = browser.send(next, None).await?;
        }
        Err(TourError::Otherwise("redirects without end"))
    }

    fn site(&self, url: &Url) -> Site {
        if url.origin() == self.provider.origin() {
            Site::Provider
        } else if url.origin() == self.start.origin() {
            Site::Demo
        } else {
            Site::Portal
        }
    }
}

/// The portal was entered, and was not given what it did not ask for.
fn entered(portal: &Page, resident: &Unregistered) -> Result<(), TourError> {
    if !portal.shows("portal-logout") {
        return Err(missing(&portal.url, "portal-logout"));
    }
    if portal.text.contains(resident.document_number) {
        return Err(TourError::Otherwise("a portal was given the document"));
    }
    Ok(())
}

fn expect(page: Page, id: &str) -> Result<Page, TourError> {
    if page.shows(id) {
        Ok(page)
    } else {
        Err(missing(&page.url, id))
    }
}

fn missing(url: &Url, what: &str) -> TourError {
    TourError::Missing {
        path: url.path().to_owned(),
        what: what.to_owned(),
    }
}
