//! What people do on the pages of registration, recovery and their account.

use tongxing::domain::message::{Message, MessageText};

use super::answer::Answer;
use super::applicant::Applicant;
use super::browser::Browser;
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

    /// Whether a name and a password let somebody in, in another browser.
    pub(crate) async fn lets_in(server: &Server, name: &str, password: &str) -> bool {
        let mut browser = server.browser();
        let page = browser.visit("/login").await;
        let answer = browser.type_in(&page, name, password).await;
        answer.path() == "/account"
    }
}
