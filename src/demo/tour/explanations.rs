//! What each request of the tour means, and which clause says so.
//!
//! A request is known by whose site it goes to, its method and path, and by what came of it: a
//! redirect to a path, or a page that shows an element.

use super::browser::Exchange;

/// Whose site it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Site {
    /// A portal's.
    Portal,
    /// The provider's.
    Provider,
    /// The demo's own: the phone.
    Demo,
}

/// What came of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Came {
    /// A redirect to this path.
    To(&'static str),
    /// A page that shows the element of this id.
    Page(&'static str),
}

/// What a request means.
pub(super) struct Explanation {
    asked: (Site, &'static str, &'static str),
    came: Came,
    /// In Chinese.
    pub(super) zh: &'static str,
    /// In English.
    pub(super) en: &'static str,
    /// The clauses.
    pub(super) clause: &'static str,
}

/// The explanation of an exchange with `site`, if there is one.
pub(super) fn of(site: Site, exchange: &Exchange) -> Option<&'static Explanation> {
    let asked = (site, exchange.method.as_str(), exchange.page.url.path());
    EXPLANATIONS.iter().find(|explanation| {
        explanation.asked == asked
            && match explanation.came {
                Came::To(path) => exchange
                    .leads_to
                    .as_ref()
                    .is_some_and(|url| url.path() == path),
                Came::Page(id) => exchange.leads_to.is_none() && exchange.page.shows(id),
            }
    })
}

const fn row(
    asked: (Site, &'static str, &'static str),
    came: Came,
    (zh, en, clause): (&'static str, &'static str, &'static str),
) -> Explanation {
    Explanation {
        asked,
        came,
        zh,
        en,
        clause,
    }
}

const GET: &str = "GET";
const POST: &str = "POST";

static EXPLANATIONS: &[Explanation] = &[
    row(
        (Site::Portal, GET, "/"),
        Came::Page("portal-notice"),
        (
            "通行已在后台告诉门户：登录结束了。门户自己的登录也随之结束。",
            "The provider has told the portal, server to server, that the login ended: so has its own.",
            "OpenID Connect Back-Channel Logout 1.0 §2.5, §2.7",
        ),
    ),
    row(
        (Site::Portal, GET, "/"),
        Came::Page("portal-login"),
        (
            "门户自己的页面，还不认识您。",
            "The portal's own page; it does not know you yet.",
            "RFC 9110 §9.3.1",
        ),
    ),
    row(
        (Site::Portal, GET, "/"),
        Came::Page("portal-logout"),
        (
            "进入了。门户只有它该有的信息；sub 是您在这个门户的编号，换一个门户就不同。",
            "Entered. The portal has what it may have; sub is your number here, and another elsewhere.",
            "OpenID Connect Core §5.3, §8.1",
        ),
    ),
    row(
        (Site::Portal, GET, "/login"),
        Came::To("/oauth2/authorize"),
        (
            "门户请求登录。state、nonce 和 code_challenge 把回答绑在这个浏览器上。",
            "The portal asks for a login. state, nonce and code_challenge tie the answer to this browser.",
            "OpenID Connect Core §3.1.2.1, §4 · RFC 7636 §4.3",
        ),
    ),
    row(
        (Site::Provider, GET, "/oauth2/authorize"),
        Came::To("/login"),
        (
            "请求无误，但还没有人登录：请求封进地址，先去登录页。",
            "The request holds, but nobody is logged in: it is sealed into the address, login comes first.",
            "OpenID Connect Core §3.1.2.2, §3.1.2.3",
        ),
    ),
    row(
        (Site::Provider, GET, "/oauth2/authorize"),
        Came::To("/consent"),
        (
            "已经登录，不再要密码；第一次进入这个门户，要说明一次。",
            "Logged in already, no password; the first time at this portal, something is to be said.",
            "OpenID Connect Core §3.1.2.3, §3.1.2.4",
        ),
    ),
    row(
        (Site::Provider, GET, "/oauth2/authorize"),
        Came::To("/callback"),
        (
            "已经登录，也说明过：什么都不问，直接给出授权码。",
            "Logged in and told before: nothing is asked, the code goes out at once.",
            "OpenID Connect Core §3.1.2.5",
        ),
    ),
    row(
        (Site::Provider, GET, "/login"),
        Came::Page("login-submit"),
        (
            "登录页。没有账号的，从这里去注册，门户的请求一路跟着。",
            "The login page. Without an account one goes on to register; the portal's request comes along.",
            "OpenID Connect Core §3.1.2.3",
        ),
    ),
    row(
        (Site::Provider, POST, "/login"),
        Came::To("/account"),
        (
            "密码经 argon2id 核对。会话只在一个 HttpOnly 的 cookie 里。",
            "The password is checked by argon2id. The session is in one HttpOnly cookie.",
            "RFC 9106 §4 · RFC 6265 §4.1.2.6",
        ),
    ),
    row(
        (Site::Provider, GET, "/register"),
        Came::Page("register-submit"),
        (
            "注册：姓名、证件种类、证件号码、手机号、密码，共五栏，连同隐私告知。",
            "Registration: name, kind and number of a document, phone, password; and the privacy notice.",
            "《个人信息保护法》第十七条",
        ),
    ),
    row(
        (Site::Provider, POST, "/register"),
        Came::To("/register/code"),
        (
            "只看格式，不查任何人：注册过与否，回答都一样。密码已成散列，内容封存，钥匙只在这个地址里。",
            "Formats only, nobody is looked up: the answer is the same, registered or not. The password is \
             hashed, the rest sealed; only this address opens it.",
            "GB 11643-1999 · RFC 9106 §4 · RFC 9110 §15.4.4",
        ),
    ),
    row(
        (Site::Provider, GET, "/register/code"),
        Came::Page("otp-code"),
        (
            "验证码发往所填的手机：十分钟有效，可试五次。",
            "A code went to the phone that was given: good for ten minutes and five tries.",
            "NIST SP 800-63B-3 §5.1.3.2",
        ),
    ),
    row(
        (Site::Provider, POST, "/register/code"),
        Came::To("/consent"),
        (
            "验证码正确，才去核验机构核对姓名、号码和手机：三项一致，账号成立，二级。接着办门户的请求。",
            "The code is right; only now the authority compares name, number and phone. All agree: an \
             account at L2, and on with the portal's request.",
            "OpenID Connect Core §3.1.2.3",
        ),
    ),
    row(
        (Site::Provider, POST, "/register/code"),
        Came::To("/account"),
        (
            "三项一致。证件原在一个等级更低的账号里：现归本人，那个账号的登录和授权随即结束。",
            "All three agree. A weaker account held the document: it is the owner's now, and that \
             account's logins and grants have ended.",
            "通行自己的规则 · Tongxing's own rule",
        ),
    ),
    row(
        (Site::Demo, GET, "/phone"),
        Came::Page("phone-again"),
        (
            "“您的手机”：演示自己的页面，读出短信。",
            "\"Your phone\": a page of the demo, to read the message on.",
            "NIST SP 800-63B-3 §5.1.3.3",
        ),
    ),
    row(
        (Site::Provider, GET, "/consent"),
        Came::Page("consent-allow"),
        (
            "逐项说明门户将收到什么、为什么、凭什么：法定职责只告知，其余征求同意。",
            "What the portal will receive, why, and on what ground: told on a statutory duty, else asked.",
            "OpenID Connect Core §3.1.2.4 · 《个人信息保护法》第十三条、第三十五条",
        ),
    ),
    row(
        (Site::Provider, POST, "/consent"),
        Came::To("/callback"),
        (
            "授权码回到门户：60 秒内有效，只能用一次；iss 说明是谁给的。",
            "The code goes back to the portal: good for 60 seconds and once; iss says whose it is.",
            "OpenID Connect Core §3.1.2.5 · RFC 6749 §4.1.2 · RFC 9207 §2",
        ),
    ),
    row(
        (Site::Portal, GET, "/callback"),
        Came::To("/"),
        (
            "门户核对 state 和 iss，在后台凭授权码、密钥和 code_verifier 换令牌，再验 ID 令牌的签名、aud、nonce。",
            "The portal checks state and iss, redeems the code with its secret and code_verifier behind \
             the scenes, then checks signature, aud and nonce of the ID token.",
            "OpenID Connect Core §3.1.3.1, §3.1.3.7 · RFC 7636 §4.5",
        ),
    ),
    row(
        (Site::Provider, GET, "/account"),
        Came::Page("account-logout"),
        (
            "我的账号：等级和核验、登录的设备、进入过的网站、最近发生的事。",
            "My account: level and checks, logins, portals entered, what happened lately.",
            "《个人信息保护法》第四十五条",
        ),
    ),
    row(
        (Site::Provider, GET, "/account"),
        Came::To("/login"),
        (
            "这个浏览器的登录已在别处结束：要重新登录。",
            "This browser's login was ended elsewhere: it has to log in again.",
            "RFC 9110 §15.4.4",
        ),
    ),
    row(
        (Site::Provider, POST, "/account/sessions/end"),
        Came::To("/account"),
        (
            "结束其他所有登录，一秒内处处生效。",
            "Every other login has ended, everywhere within a second.",
            "NIST SP 800-63B-3 §7.1",
        ),
    ),
    row(
        (Site::Provider, GET, "/recover"),
        Came::Page("recover-submit"),
        (
            "找回账号：和注册一样五栏；单凭手机号不够。",
            "Recovery: the same five fields as registration; a phone alone is not enough.",
            "NIST SP 800-63B-3 §6.1.2.3",
        ),
    ),
    row(
        (Site::Provider, POST, "/recover"),
        Came::To("/recover/code"),
        (
            "有没有这个账号，此时都不透露。",
            "Whether there is such an account is not told here.",
            "RFC 9110 §15.4.4",
        ),
    ),
    row(
        (Site::Provider, GET, "/recover/code"),
        Came::Page("otp-code"),
        (
            "又一个验证码，只用于找回。",
            "Another code, good for recovery only.",
            "NIST SP 800-63B-3 §5.1.3.2",
        ),
    ),
    row(
        (Site::Provider, POST, "/recover/code"),
        Came::To("/account"),
        (
            "验证码和核验都对：换了密码，先前的登录全部结束，每个手机都收到通知。",
            "Code and check agree: a new password, every earlier login ended, every phone told.",
            "NIST SP 800-63B-3 §6.1.2.3",
        ),
    ),
    row(
        (Site::Portal, POST, "/logout"),
        Came::To("/oauth2/end_session"),
        (
            "门户先结束自己的登录，再请通行也退出。",
            "The portal ends its own login, then asks the provider to do so, too.",
            "OpenID Connect RP-Initiated Logout 1.0 §2",
        ),
    ),
    row(
        (Site::Provider, GET, "/oauth2/end_session"),
        Came::To("/logged-out"),
        (
            "id_token_hint 说明是谁：会话结束，回到登记过的地址。",
            "id_token_hint says whose it is: the session ends, and back to the registered address.",
            "OpenID Connect RP-Initiated Logout 1.0 §2, §3",
        ),
    ),
    row(
        (Site::Portal, GET, "/logged-out"),
        Came::Page("portal-login"),
        (
            "两边都已退出，别的门户也已得知。",
            "Logged out of both, and the other portals have heard of it.",
            "OpenID Connect RP-Initiated Logout 1.0 §3",
        ),
    ),
];
