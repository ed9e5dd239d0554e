//! What `tongxing demo` prints: what to open, whom to be, what to try.

use std::fmt::Write as _;

use super::people::{NEWCOMERS, PASSWORD, RESIDENTS, Resident, SQUATTER, Unregistered};
use crate::views::demo::{Cast, CatalogError, Neighbor, document_name};
use crate::views::locale::Locale;

/// Addresses of a demo that runs.
#[derive(Debug, Clone)]
pub struct Addresses {
    /// The page that tells where to start.
    pub start: String,
    /// The portals.
    pub portals: Vec<(&'static str, &'static str, String)>,
    /// The provider.
    pub provider: String,
    /// Its management listener.
    pub management: String,
    /// The simulated authority.
    pub authority: String,
    /// Usual ports that somebody else has, and those taken in their place.
    pub moved: Vec<(u16, u16)>,
}

impl Addresses {
    /// Everybody's phone.
    pub fn phone(&self) -> String {
        format!("{}phone", self.start)
    }

    /// What makes the second portal deaf to logouts.
    fn hearing(&self) -> String {
        let last = self.portals.last();
        let origin = last.map_or("", |(_, _, href)| href.as_str());
        format!("{origin}backchannel-logout")
    }

    /// What the authority is switched by.
    fn behavior(&self) -> String {
        format!("{}behavior", self.authority)
    }

    /// Whom else to be than those who have accounts, and what to play.
    pub fn cast(&self) -> Cast {
        Cast {
            newcomers: NEWCOMERS.iter().map(Unregistered::shown).collect(),
            squatter: SQUATTER.shown_as_squatter(),
            phone_href: self.phone(),
            account_href: format!("{}account", self.provider),
            recover_href: format!("{}recover", self.provider),
            behavior_href: self.behavior(),
            people_href: format!("{}people", self.authority),
            hearing_href: self.hearing(),
        }
    }

    /// The portals as links.
    pub fn links(&self) -> Vec<Neighbor> {
        let links = self
            .portals
            .iter()
            .map(|(name_zh, name_en, href)| Neighbor {
                name_zh: (*name_zh).to_owned(),
                name_en: (*name_en).to_owned(),
                href: href.clone(),
            });
        links.collect()
    }
}

/// The text, in both languages.
pub fn tell(addresses: &Addresses) -> Result<String, CatalogError> {
    let mut rows = vec![[
        "从这里开始".to_owned(),
        addresses.start.clone(),
        "Start here".to_owned(),
    ]];
    for (name_zh, name_en, href) in &addresses.portals {
        rows.push([(*name_zh).to_owned(), href.clone(), (*name_en).to_owned()]);
    }
    for (name_zh, href, name_en) in [
        (
            "认证服务器",
            addresses.provider.clone(),
            "The identity provider",
        ),
        ("运行状态", addresses.management.clone(), "Its state"),
        (
            "您的手机",
            addresses.phone(),
            "Your phone: codes and notices",
        ),
        ("核验机构", addresses.behavior(), "The simulated authority"),
    ] {
        rows.push([name_zh.to_owned(), href, name_en.to_owned()]);
    }
    let mut people =
        vec![["姓名 Name", "账号 Username", "密码 Password", "等级 Level"].map(str::to_owned)];
    people.extend(RESIDENTS.iter().map(|resident| {
        [resident.name, resident.phone, PASSWORD, resident.level].map(str::to_owned)
    }));
    let mut text = String::new();
    text.push_str("\n通行演示 · Tongxing demonstration\n\n打开 · Open\n");
    text.push_str(&table(&rows));
    text.push_str("\n已经注册的人 · Already registered\n");
    text.push_str(&table(&people));
    text.push_str("\n还没有注册的人 · Not registered yet\n");
    text.push_str(&newcomers()?);
    // Writing to a string does not fail.
    for (usual, port) in &addresses.moved {
        writeln!(
            text,
            "\n端口 {usual} 已被占用，改用 {port} · Port {usual} is taken: {port} instead"
        )
        .unwrap_or_default();
    }
    text.push_str(
        "\n在浙江注册或登录，再进入广东：不必再次登录。验证码在“您的手机”。\n\
         Register or log in at Zhejiang, then enter Guangdong: no second login. Codes arrive at\n\
         \"Your phone\".\n\n\
         在一个门户退出，另一个也随之退出。\n\
         Log out at one portal, and the other has ended as well.\n\n",
    );
    text.push_str(&takeover());
    let (behavior, hearing) = (addresses.behavior(), addresses.hearing());
    // Writing to a string does not fail.
    write!(
        text,
        "\n让核验机构停下（down）、变慢（slow）或恢复（ok） · Make the authority fail, slow, or well again\n  \
         curl -X PUT {behavior} -d '{{\"behavior\":\"down\"}}'\n\n\
         让广东听不到别处的退出（deaf）或恢复（ok），再从浙江退出 · Make Guangdong deaf, then log out at Zhejiang\n  \
         curl -X PUT {hearing} -d '{{\"behavior\":\"deaf\"}}'\n\n\
         人物、证件和手机号都是虚构的。“--tour”自己演一遍并逐步说明。\n\
         People, documents and phone numbers are made up. With --tour it plays by itself and\n\
         explains each request.\n\n下次运行接着这次继续；tongxing demo --fresh 从头开始。\n\
         The next run goes on from this one; tongxing demo --fresh starts over.\n\n按 Ctrl-C 结束 · Ctrl-C ends it\n"
    )
    .unwrap_or_default();
    Ok(text)
}

/// The kind of document comes last: its name is long.
fn newcomers() -> Result<String, CatalogError> {
    let mut rows =
        vec![["姓名 Name", "号码 Number", "手机 Phone", "证件 Document"].map(str::to_owned)];
    for person in &NEWCOMERS {
        let [chinese, english] =
            [Locale::ZhCn, Locale::En].map(|locale| document_name(person.document_type, locale));
        rows.push([
            person.name.to_owned(),
            person.document_number.to_owned(),
            person.phone.to_owned(),
            format!("{} · {}", chinese?, english?),
        ]);
    }
    Ok(table(&rows))
}

/// The account that was opened with another's name and number.
fn takeover() -> String {
    let Resident { name, phone, .. } = SQUATTER;
    format!(
        "{phone} 抢先用{name}的姓名和证件开了账号（一级）。本人注册后，证件归本人，对方收到通知。\n\
         {phone} opened an account with that name and number first (L1). Once the owner registers,\n\
         the document is the owner's, and {phone} is told.\n"
    )
}

/// Rows with aligned columns.
fn table<const N: usize>(rows: &[[String; N]]) -> String {
    let mut widths = [0; N];
    for row in rows {
        for (widest, cell) in widths.iter_mut().zip(row) {
            *widest = width(cell).max(*widest);
        }
    }
    let mut text = String::new();
    for row in rows {
        let cells = row.iter().zip(widths);
        let line: Vec<_> = cells
            .map(|(cell, widest)| format!("{cell}{}", " ".repeat(widest - width(cell))))
            .collect();
        // Writing to a string does not fail.
        writeln!(text, "  {}", line.join("  ").trim_end()).unwrap_or_default();
    }
    text
}

/// Columns that a terminal needs: Han characters and full-width signs take two.
fn width(text: &str) -> usize {
    text.chars()
        .map(|c| if c >= '\u{1100}' { 2 } else { 1 })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_one_needs_is_told_and_columns_stand_in_line() {
        let text = tell(&Addresses {
            start: "http://localhost:8081/".to_owned(),
            portals: vec![(
                "浙江社会保险",
                "Zhejiang",
                "http://z.localhost:1/".to_owned(),
            )],
            provider: "http://localhost:8080/".to_owned(),
            management: "http://127.0.0.1:9090/readyz".to_owned(),
            authority: "http://127.0.0.1:8090/".to_owned(),
            moved: vec![(8080, 18080)],
        })
        .unwrap();
        assert!(text.contains("Port 8080 is taken: 18080 instead"), "{text}");
        assert!(text.contains("tongxing demo --fresh starts over"), "{text}");
        for newcomer in NEWCOMERS {
            assert!(text.contains(newcomer.name) && text.contains(newcomer.document_number));
        }
        // As pages call them, so that whoever registers finds it in the list.
        assert!(text.contains("居民身份证 · Resident ID card"), "{text}");
        assert!(!text.contains("resident_id_card"), "{text}");
        assert!(text.contains(SQUATTER.phone) && text.contains("--tour"));
        for resident in RESIDENTS {
            assert!(text.contains(resident.name) && text.contains(resident.phone));
        }
        let ends: Vec<_> = text
            .lines()
            .filter(|line| !line.contains("curl"))
            .filter_map(|line| Some(width(line.split_once("http://")?.0)))
            .collect();
        assert_eq!(ends.len(), 6);
        assert!(ends.windows(2).all(|pair| pair[0] == pair[1]), "{text}");
    }
}
