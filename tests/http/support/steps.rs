//! What people do on the pages of registration, recovery and their account.

use tongxing::domain::clock::Clock as _;
use tongxing::domain::document::IdentityDocument;
use tongxing::domain::id::AccountId;
use tongxing::domain::message::{Message, MessageText};
use tongxing::protocol::acr::Ial;

use super::answer::Answer;
use super::applicant::Applicant;
use super::browser::Browser;
use super::portal::{Portal, Tokens};
use super::server::Server;

impl Server {
    /// What was sent to a phone or an e-mail address, the oldest first. Reading it changes nothing.
    pub(crate) async fn messages_to(&self, address: &str) -> Vec<MessageText> {
        let mut reader = self.ledger.reader().await.expect("a connection");
        let rows = reader
            .fetch_all(
                "SELECT payload FROM outbox WHERE kind = 'message' ORDER BY item_id",
                &[],
            )
            .await
            .expect("the database answers");
        let ring = self.keys.ring();
        let sealed = rows.iter().map(|row| row.get::<String>("payload"));
        let messages = sealed.map(|sealed| {
            let message = ring.sealer().open::<Message>(&sealed.expect("a text"));
            message.expect("a message of ours")
        });
        messages
            .filter(|message| message.to.address() == address)
            .map(|message| message.text)
            .collect()
    }

    /// The account that has somebody's document.
    pub(crate) async fn holder_of(&self, who: &Applicant) -> Option<AccountId> {
        let kind = who.document_type.parse().expect("a kind of document");
        let number = &who.document_number;
        let document = IdentityDocument::parse_typed(kind, number, self.clock.now());
        let document = document.expect("a document");
        let found = self.accounts.find_by_document(&document);
        found.await.expect("the database answers")
    }

    /// What the checks of an account prove now.
    pub(crate) async fn level_of(&self, account: AccountId) -> Option<Ial> {
        let level = self.accounts.identity_level(account).await;
        level.expect("the database answers")
    }

    /// How many rows a table has.
    pub(crate) async fn count(&self, table: &str) -> i64 {
        let sql: &'static str = format!("SELECT COUNT(*) AS n FROM {table}").leak();
        let mut reader = self.ledger.reader().await.expect("a connection");
        let row = reader.fetch_optional(sql, &[]).await.expect("an answer");
        row.expect("a row").get("n").expect("a number")
    }

    /// The last code that was sent to a phone.
    pub(crate) async fn code_sent_to(&self, phone: &str) -> String {
        let messages = self.messages_to(phone).await;
        let code = messages.iter().rev().find_map(MessageText::code);
        code.expect("a code was sent").as_str().to_owned()
    }
}

/// Another code than this one.
pub(crate) fn wrong(code: &str) -> String {
    let last = code.bytes().last().expect("six digits");
    let other = if last == b'9' {
        '0'
    } else {
        char::from(last + 1)
    };
    format!("{}{other}", &code[..code.len() - 1])
}

impl Browser {
    /// Fills in the form at hand of registration or recovery, and sends it.
    pub(crate) async fn fill_in(&mut self, form: &Answer, who: &Applicant) -> Answer {
        let prefix = if form.path() == "/recover" {
            "recover"
        } else {
            "register"
        };
        let fields = who.fields(prefix);
        let filled: Vec<_> = fields
            .iter()
            .map(|(k, v)| (k.as_str(), v.as_str()))
            .collect();
        self.press(form, &filled, &format!("{prefix}-submit")).await
    }

    /// Goes to a form and sends it: the page where the code is typed.
    pub(crate) async fn apply(&mut self, target: &str, who: &Applicant) -> Answer {
        let form = self.visit(target).await;
        let page = self.fill_in(&form, who).await;
        assert!(page.path().ends_with("/code"), "{}", page.text());
        page
    }

    /// Types a code into the page at hand.
    pub(crate) async fn type_code(&mut self, page: &Answer, code: &str) -> Answer {
        self.press(page, &[("otp-code", code)], "otp-submit").await
    }

    /// Types the code that came.
    pub(crate) async fn type_sent_code(&mut self, page: &Answer, phone: &str) -> Answer {
        let code = self.server().code_sent_to(phone).await;
        self.type_code(page, &code).await
    }

    /// All the way through registration or recovery, whatever comes of it.
    pub(crate) async fn prove(&mut self, target: &str, who: &Applicant) -> Answer {
        let page = self.apply(target, who).await;
        self.type_sent_code(&page, &who.phone).await
    }

    /// Registers; it must succeed.
    pub(crate) async fn register(&mut self, who: &Applicant) {
        let account = self.prove("/register", who).await;
        assert_eq!(account.path(), "/account", "{}", account.text());
    }

    /// Logs in by document number, with no portal around.
    pub(crate) async fn login_as(&mut self, who: &Applicant) {
        let page = self.visit("/login").await;
        let account = self
            .type_in(&page, &who.document_number, &who.password)
            .await;
        assert_eq!(account.path(), "/account", "{}", account.text());
    }

    /// Enters a portal, logging in by document number and agreeing where asked: all the way to
    /// tokens.
    pub(crate) async fn enter(&mut self, portal: &Portal, who: &Applicant) -> Tokens {
        let request = portal.full_request();
        let mut answer = self.visit(&request.url()).await;
        if answer.path() == "/login" {
            answer = self
                .type_in(&answer, &who.document_number, &who.password)
                .await;
        }
        if answer.path() == "/consent" {
            answer = self.press(&answer, &[], "consent-allow").await;
        }
        Tokens::of(&portal.redeem(&request.code(&answer)).await)
    }

    /// Whether somebody is logged in here.
    pub(crate) async fn is_logged_in(&mut self) -> bool {
        self.visit("/account").await.path() == "/account"
    }

    /// Whether a name and a password let somebody in, in another browser.
    pub(crate) async fn lets_in(server: &Server, name: &str, password: &str) -> bool {
        let mut browser = server.browser();
        let page = browser.visit("/login").await;
        let answer = browser.type_in(&page, name, password).await;
        answer.path() == "/account"
    }
}
