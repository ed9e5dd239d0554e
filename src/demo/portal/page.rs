//! The portal's one page, put together from what was received.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::response::Response;
use chrono::{DateTime, FixedOffset};
use serde_json::Value;

use super::request::PortalRequest;
use super::{Portal, answer};
use crate::demo::relying_party::{Entered, Login, RelyingPartyError};
use crate::demo::visitors::News;
use crate::domain::instant::Instant;
use crate::views::demo::{
    Advice, Claim, Entry, Meaning, Notice, PortalPage, Refusal, SignedIn, Token,
};
use crate::views::page::{Form, HiddenField};

/// China Standard Time, all of the country's.
const OFFSET_SECONDS: i32 = 8 * 3600;

/// Claims that are points in time.
const TIMES: [&str; 5] = ["auth_time", "iat", "exp", "nbf", "updated_at"];

/// `GET /`
pub(super) async fn show(State(portal): State<Portal>, request: PortalRequest) -> Response {
    let now = portal.now();
    let notice = {
        let mut visitors = portal.visitors();
        match visitors.take_news(request.cookie(), now) {
            Some(News::Renewed) => Some(Notice::Refreshed),
            Some(News::Declined) => Some(Notice::Declined),
            None => {
                let ended = visitors.was_ended(request.cookie(), now);
                ended.then_some(Notice::EndedElsewhere)
            }
        }
    };
    let page = PortalPage {
        notice,
        ..build(&portal, &request)
    };
    let response = answer::page(&portal, &request, &page);
    answer::remembering(&portal, &request, response)
}

/// `GET /` under the machine's plain name. Sets no cookie: that name is the provider's too.
pub(super) async fn start(State(portal): State<Portal>, request: PortalRequest) -> Response {
    answer::page(&portal, &request, &portal.parts().start)
}

/// The page that tells of something done.
pub(super) fn with_notice(portal: &Portal, request: &PortalRequest, notice: Notice) -> Response {
    let page = PortalPage {
        notice: Some(notice),
        ..build(portal, request)
    };
    answer::page(portal, request, &page)
}

/// The page that tells why something came to nothing.
pub(super) fn with_problem(
    portal: &Portal,
    request: &PortalRequest,
    error: &RelyingPartyError,
) -> Response {
    let page = PortalPage {
        problem: Some(Refusal {
            code: error.code().to_owned(),
            advice: advice(error),
        }),
        ..build(portal, request)
    };
    answer::page(portal, request, &page)
}

fn advice(error: &RelyingPartyError) -> Option<Advice> {
    if error.ends_the_login() {
        return Some(Advice::Ended);
    }
    // The words of the provider, and those that the portal finds itself.
    let advised = [
        ("state_mismatch", Advice::BeginAgain),
        ("provider_unreachable", Advice::Later),
        ("temporarily_unavailable", Advice::Later),
    ];
    let found = advised.into_iter().find(|(code, _)| *code == error.code());
    found.map(|(_, advice)| advice)
}

fn build(portal: &Portal, request: &PortalRequest) -> PortalPage {
    let now = portal.now();
    let entered = portal.visitors().entered(request.cookie(), now);
    let (login, csrf) = entered.unzip();
    let province = portal.province();
    let csrf = csrf.map(|csrf| HiddenField::new("csrf", csrf));
    PortalPage {
        accent: province.accent,
        portal_name_zh: province.name_zh.to_owned(),
        portal_name_en: province.name_en.to_owned(),
        signed_in: login.map(|login| signed_in(&login)),
        notice: None,
        problem: None,
        login_href: "/login".to_owned(),
        form: Form {
            action: "/logout".to_owned(),
            hidden: csrf.into_iter().collect(),
        },
        refresh_action: "/refresh".to_owned(),
        other: portal.parts().other.clone(),
        start_href: portal.parts().start_href.clone(),
    }
}

fn signed_in(login: &Login) -> SignedIn {
    let renewable = login.refresh_token().and(login.expires_at());
    SignedIn {
        display_name: login.display_name().to_owned(),
        entry: match login.entered() {
            Entered::ByLoggingIn => Entry::Login,
            Entered::WithAnEarlierLogin => Entry::SingleSignOn,
        },
        claims: claims(login),
        tokens: login
            .tokens()
            .into_iter()
            .map(|(name, content)| Token {
                name: name.to_owned(),
                content,
            })
            .collect(),
        renewable: renewable.map(|at| local_time(at.as_seconds())),
    }
}

/// The claims of both sources, those that are explained first. Where the two say different things,
/// both are shown.
fn claims(login: &Login) -> Vec<Claim> {
    let mut found: BTreeMap<(usize, &str, String), (bool, bool)> = BTreeMap::new();
    let order = |name: &str| {
        let known = Meaning::ALL.iter().position(|(known, _)| *known == name);
        known.unwrap_or(Meaning::ALL.len())
    };
    for (name, value) in login.id_claims() {
        found.entry((order(name), name, text(value))).or_default().0 = true;
    }
    for (name, value) in login.userinfo() {
        found.entry((order(name), name, text(value))).or_default().1 = true;
    }
    let shown = found.into_iter();
    shown
        .map(|((_, name, value), (in_id_token, in_userinfo))| Claim {
            reading: reading(name, &value),
            name: name.to_owned(),
            meaning: Meaning::of(name),
            value,
            in_id_token,
            in_userinfo,
        })
        .collect()
}

fn text(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

/// A value as people write it.
fn reading(name: &str, value: &str) -> Option<String> {
    let time = TIMES.contains(&name).then(|| value.parse().ok()).flatten();
    time.map(local_time)
}

fn local_time(seconds: i64) -> String {
    let time = DateTime::from_timestamp(seconds, 0).zip(FixedOffset::east_opt(OFFSET_SECONDS));
    time.map_or_else(
        || Instant::from_seconds(seconds).to_string(),
        |(time, offset)| {
            let local = time.with_timezone(&offset);
            local.format("%Y-%m-%d %H:%M:%S UTC+8").to_string()
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_also_written_for_people() {
        assert_eq!(
            reading("exp", "1700000000").as_deref(),
            Some("2023-11-15 06:13:20 UTC+8")
        );
        assert_eq!(reading("exp", "soon"), None);
        assert_eq!(reading("phone_number", "1700000000"), None);
    }

    #[test]
    fn a_value_is_shown_as_text_or_as_json() {
        assert_eq!(text(&Value::from("张三")), "张三");
        assert_eq!(text(&serde_json::json!(["pwd"])), "[\"pwd\"]");
        assert_eq!(text(&Value::Null), "null");
    }
}
