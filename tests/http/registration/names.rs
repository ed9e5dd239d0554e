//! Forty names, from the form to the tokens: as typed, to the last character, whatever spelling of
//! a dot or a letter the authority's register has.

use crate::support::{Applicant, Server, Tokens};

/// Each name as it is typed, and as the register has it.
const NAMES: [(&str, &str); 40] = [
    // Two, three and four characters; a compound surname; one character alone.
    ("王伟", "王伟"),
    ("李小龙", "李小龙"),
    ("欧阳娜娜", "欧阳娜娜"),
    ("司马光", "司马光"),
    ("诸葛孔明", "诸葛孔明"),
    ("鬥", "鬥"),
    // The zero that some have in their names.
    ("李〇明", "李〇明"),
    // Characters of extension A and of the basic plane that fonts lack.
    ("㑇华", "㑇华"),
    ("朱镕基", "朱镕基"),
    ("陶喆", "陶喆"),
    ("赵䶮", "赵䶮"),
    ("王㛃", "王㛃"),
    // Plane 2: extensions B to F.
    ("\u{20BB7}野家", "\u{20BB7}野家"),
    ("王\u{21C56}", "王\u{21C56}"),
    ("李\u{2070E}\u{20731}", "李\u{2070E}\u{20731}"),
    ("周\u{2A6DF}", "周\u{2A6DF}"),
    ("赵\u{2B5E6}", "赵\u{2B5E6}"),
    ("钱\u{2CE93}", "钱\u{2CE93}"),
    ("孙\u{2EBE0}", "孙\u{2EBE0}"),
    // Plane 3: extensions G and H.
    ("吴\u{30000}", "吴\u{30000}"),
    ("郑\u{31350}", "郑\u{31350}"),
    // Traditional characters stay what they are.
    ("陳大文", "陳大文"),
    ("歐陽菲菲", "歐陽菲菲"),
    ("張學友", "張學友"),
    ("龔鵬程", "龔鵬程"),
    // Uyghur names: four spellings of the dot, typed and registered.
    ("买买提\u{B7}吐尔逊", "买买提\u{2022}吐尔逊"),
    ("阿不都热依木\u{2022}买买提", "阿不都热依木\u{B7}买买提"),
    ("古丽娜尔\u{30FB}阿不力孜", "古丽娜尔\u{B7}阿不力孜"),
    ("热比娅\u{FF0E}艾则孜", "热比娅\u{B7}艾则孜"),
    ("迪丽热巴\u{B7}迪力木拉提", "迪丽热巴\u{FF0E}迪力木拉提"),
    (
        "伊力哈木\u{B7}土赫提\u{B7}江",
        "伊力哈木\u{30FB}土赫提\u{2022}江",
    ),
    // Tibetan and Mongolian ones; a space beside a dot is no difference.
    ("扎西\u{B7}次仁", "扎西\u{B7}次仁"),
    ("洛桑\u{2022}丹增\u{2022}嘉措", "洛桑\u{B7}丹增\u{B7}嘉措"),
    ("孛儿只斤\u{B7}巴图", "孛儿只斤 \u{B7} 巴图"),
    // Latin names of foreigners: letter case, accents however composed, apostrophes, hyphens.
    ("John Smith", "JOHN SMITH"),
    ("MÜLLER Jürgen", "Mu\u{308}ller Ju\u{308}rgen"),
    ("Nguyễn Thị Minh Khai", "NGUYỄN THỊ MINH KHAI"),
    ("O\u{2019}Brien Mary-Jane", "O'BRIEN MARY-JANE"),
    ("J. R. R. Tolkien", "J. R. R. TOLKIEN"),
    // As long as a name may be.
    (
        "阿阿阿阿阿阿阿阿阿阿阿阿阿阿阿阿阿阿阿阿阿阿阿阿阿阿阿阿阿阿阿阿阿阿阿阿阿阿阿阿阿阿阿阿阿阿阿阿阿\u{B7}阿阿阿阿阿阿阿阿阿阿阿阿阿阿阿阿阿阿阿阿阿阿阿阿阿阿阿阿阿阿阿阿阿阿阿阿阿阿阿阿阿阿阿阿阿阿阿阿阿阿",
        "阿阿阿阿阿阿阿阿阿阿阿阿阿阿阿阿阿阿阿阿阿阿阿阿阿阿阿阿阿阿阿阿阿阿阿阿阿阿阿阿阿阿阿阿阿阿阿阿阿\u{FF0E}阿阿阿阿阿阿阿阿阿阿阿阿阿阿阿阿阿阿阿阿阿阿阿阿阿阿阿阿阿阿阿阿阿阿阿阿阿阿阿阿阿阿阿阿阿阿阿阿阿阿",
    ),
];

#[tokio::test]
async fn forty_names_come_into_the_tokens_as_they_were_typed() {
    let server = Server::start().await;
    let portal = server.portal().await;
    let longest = NAMES.iter().map(|(typed, _)| typed.chars().count()).max();
    assert_eq!(longest, Some(100));
    for (index, (typed, registered)) in NAMES.iter().enumerate() {
        let who = Applicant::new(index).named(typed);
        server.authority.knows(&[&who.clone().named(registered)]);
        let mut browser = server.browser();
        let request = portal
            .full_request()
            .with("claims", r#"{"id_token": {"name": {"essential": true}}}"#);
        let login = browser.visit(&request.url()).await;
        let page = login.page();
        let form = login.url.join(page.link_to("/register")).expect("a URL");
        let consent = browser.prove(form.as_str(), &who).await;
        assert_eq!(consent.path(), "/consent", "{typed}: {}", consent.text());
        let back = browser.press(&consent, &[], "consent-allow").await;
        let tokens = Tokens::of(&portal.redeem(&request.code(&back)).await);
        assert_eq!(tokens.id_claims()["name"], *typed, "in the ID token");
        let claims = portal.userinfo(&tokens.access).await.json();
        assert_eq!(claims["name"], *typed, "at userinfo");
    }
}

#[tokio::test]
async fn a_name_that_differs_is_another_name() {
    let server = Server::start().await;
    let pairs = [
        ("陈大文", "陳大文"),
        ("买买提\u{B7}吐尔逊", "买买提吐尔逊"),
        ("扎西\u{B7}次仁", "次仁\u{B7}扎西"),
        ("周\u{2A6DF}", "周\u{2A6DE}"),
        ("Jurgen Müller", "Jürgen Müller"),
        ("王伟", "王伟伟"),
    ];
    for (index, (typed, registered)) in pairs.iter().enumerate() {
        let who = Applicant::new(index).named(typed);
        server.authority.knows(&[&who.clone().named(registered)]);
        let end = server.browser().prove("/register", &who).await;
        assert_eq!(
            end.page().heading(),
            "Your identity could not be verified",
            "{typed}"
        );
        assert!(server.holder_of(&who).await.is_none());
    }
}
