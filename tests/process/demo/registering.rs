//! Registering at the demo, with the code from "your phone"; and what that page shows.

use super::CHINESE;
use super::browser::{Browser, Page};
use super::program::Program;

const PASSWORD: &str = "tongxing-demo";

/// A newcomer as the text tells of them.
struct Newcomer {
    name: String,
    document_type: &'static str,
    document_number: String,
    phone: String,
}

impl Newcomer {
    fn of(program: &Program, name: &str) -> Self {
        let told = program.told_of(name);
        let [name, document_number, phone, document_type, ..] = &told[..] else {
            panic!("{told:?}");
        };
        Self {
            name: name.clone(),
            document_type: match &**document_type {
                "居民身份证" => "resident_id_card",
                "港澳台居民居住证" => "hk_macao_taiwan_residence_permit",
                other => panic!("no document is called {other}"),
            },
            document_number: document_number.clone(),
            phone: phone.clone(),
        }
    }

    fn fields(&self) -> [(&str, &str); 5] {
        [
            ("register-name", &self.name),
            ("register-document-type", self.document_type),
            ("register-document-number", &self.document_number),
            ("register-phone", &self.phone),
            ("register-password", PASSWORD),
        ]
    }

    fn last_digits(&self) -> &str {
        &self.phone[7..]
    }
}

/// The page of a phone once it shows a message.
async fn messages(browser: &mut Browser, program: &Program, last_digits: &str) -> Page {
    let url = format!("{}?to={last_digits}", program.phone);
    for _ in 0..100 {
        let page = browser.open(&url).await;
        if page.text.contains("class=\"messages\"") {
            return page;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("no message at {url}");
}

fn code(page: &Page) -> String {
    let code = page.text.split("class=\"otp\"><code>").nth(1).unwrap();
    code.split('<').next().unwrap().to_owned()
}

/// From the form to whatever follows the right code.
async fn register(
    browser: &mut Browser,
    program: &Program,
    (form, newcomer): (&Page, &Newcomer),
) -> Page {
    let asked = browser
        .submit(form, "register-submit", &newcomer.fields())
        .await;
    assert!(asked.has("otp-code"), "{}", asked.url);
    let phone = messages(browser, program, newcomer.last_digits()).await;
    let code = code(&phone);
    browser
        .submit(&asked, "otp-submit", &[("otp-code", &code)])
        .await
}

#[tokio::test]
async fn a_newcomer_registers_on_the_way_into_a_portal_and_enters_the_other() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::start(folder.path(), &["demo"]);
    let newcomer = Newcomer::of(&program, "陳嘉欣");
    assert_eq!(newcomer.document_type, "hk_macao_taiwan_residence_permit");
    let mut browser = Browser::new(CHINESE);
    let login = browser.open(&program.portal("zhejiang", "login")).await;
    let form = browser
        .open(&login.url.replace("/login?", "/register?"))
        .await;
    let notice = register(&mut browser, &program, (&form, &newcomer)).await;
    let zhejiang = browser.submit(&notice, "consent-allow", &[]).await;
    assert!(zhejiang.text.contains("陳嘉欣") && zhejiang.text.contains("+8613800000013"));
    assert_eq!(zhejiang.claim("ial"), "2");
    assert!(!zhejiang.text.contains(&newcomer.document_number));
    let question = browser.open(&zhejiang.link("portal-next")).await;
    let guangdong = browser.submit(&question, "consent-allow", &[]).await;
    assert!(guangdong.text.contains("陳嘉欣") && !guangdong.text.contains("13800000013"));
    program.stop();
}

#[tokio::test]
async fn the_owner_of_a_document_takes_it_over_and_whoever_was_first_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::start(folder.path(), &["demo"]);
    let start = browser_text(&program.start).await;
    // Both are on the start page: the owner, and the phone of whoever was first.
    assert!(start.contains("13800000004") && start.contains("65019919880922002X"));

    let mut first = Browser::new(CHINESE);
    let login = first.open(&format!("{}login", program.provider)).await;
    let fields = [("username", "13800000004"), ("password", PASSWORD)];
    let account = first.submit(&login, "login-submit", &fields).await;
    assert!(account.has("account-logout") && account.text.contains("居民身份证"));

    let owner = Newcomer::of(&program, "阿依古丽·吐尔逊");
    let mut browser = Browser::new(CHINESE);
    let form = browser.open(&format!("{}register", program.provider)).await;
    let account = register(&mut browser, &program, (&form, &owner)).await;
    assert!(account.has("account-logout") && account.text.contains("您的证件已转到本账号"));

    // The login is gone; a new one finds no document, and the phone was told.
    let out = first.open(&format!("{}account", program.provider)).await;
    assert!(out.has("login-submit"));
    let account = first.submit(&out, "login-submit", &fields).await;
    assert!(account.has("account-logout") && account.text.contains("没有证件"));
    let told = messages(&mut first, &program, "0004").await;
    assert!(told.text.contains("138 0000 0004") && !told.text.contains("class=\"otp\""));
    program.stop();

    // A second run takes nothing back: it is the owner's.
    let program = Program::start(folder.path(), &["demo"]);
    for (phone, holds) in [("13800000004", false), ("13800000012", true)] {
        let mut browser = Browser::new(CHINESE);
        let login = browser.open(&format!("{}login", program.provider)).await;
        let fields = [("username", phone), ("password", PASSWORD)];
        let account = browser.submit(&login, "login-submit", &fields).await;
        assert!(account.has("account-logout"), "{phone}");
        assert_eq!(!account.text.contains("没有证件"), holds, "{phone}");
    }
    program.stop();
}

async fn browser_text(url: &str) -> String {
    Browser::new(CHINESE).open(url).await.text
}

#[tokio::test]
async fn the_authority_can_be_switched_and_the_form_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::start(folder.path(), &["demo"]);
    let switch = async |behavior: &str| {
        let put = reqwest::Client::builder().no_proxy().tls_certs_only([]);
        let put = put.build().unwrap().put(&program.behavior);
        let body = format!("{{\"behavior\":\"{behavior}\"}}");
        assert_eq!(put.body(body).send().await.unwrap().status(), 200);
    };
    let mut browser = Browser::new(CHINESE);
    switch("down").await;
    let form = browser.open(&format!("{}register", program.provider)).await;
    let newcomer = Newcomer::of(&program, "沈知遥");
    let waits = register(&mut browser, &program, (&form, &newcomer)).await;
    assert!(waits.has("retry-submit"), "{}", waits.text);
    switch("ok").await;
    let account = browser.submit(&waits, "retry-submit", &[]).await;
    assert!(account.has("account-logout"));
    program.stop();
}

#[tokio::test]
async fn the_phone_shows_one_phone_or_all_and_comes_again_unless_told_not_to() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::start(folder.path(), &["demo"]);
    let mut browser = Browser::new(CHINESE);
    let empty = browser.open(&program.phone).await;
    assert!(empty.text.contains("还没有消息") && empty.has("phone-again"));
    let get = async |url: &str| {
        let client = reqwest::Client::builder().no_proxy().tls_certs_only([]);
        client.build().unwrap().get(url).send().await.unwrap()
    };
    let refreshing = get(&program.phone).await;
    assert_eq!(refreshing.headers()["refresh"], "4");
    let policy = refreshing.headers()["content-security-policy"].to_str();
    assert!(policy.unwrap().starts_with("default-src 'none'"));
    let still = get(&format!("{}?refresh=off", program.phone)).await;
    assert!(!still.headers().contains_key("refresh"));

    let form = browser.open(&format!("{}register", program.provider)).await;
    let newcomer = Newcomer::of(&program, "沈知遥");
    let asked = browser
        .submit(&form, "register-submit", &newcomer.fields())
        .await;
    assert!(asked.has("otp-code"));
    let shown = messages(&mut browser, &program, newcomer.last_digits()).await;
    assert_eq!(code(&shown).len(), 6);
    let english = browser.open(&format!("{}?lang=en", program.phone)).await;
    assert!(english.text.contains("Your phone") && english.text.contains("138 0000 0011"));
    let others = browser.open(&format!("{}?to=0012", program.phone)).await;
    assert!(others.text.contains("还没有消息"));
    program.stop();
}
