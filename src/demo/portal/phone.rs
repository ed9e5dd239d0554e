//! `GET /phone` under the machine's plain name: "your phone". The page comes again by itself,
//! without a script, unless that is turned off; what is chosen stands in its address, and no
//! number does: a phone is chosen by its last four digits.

use axum::extract::State;
use axum::http::HeaderValue;
use axum::http::header::REFRESH;
use axum::response::Response;

use super::request::{Chosen, PortalRequest};
use super::{Portal, answer};
use crate::demo::inbox::Received;
use crate::demo::people;
use crate::views::demo::{PhoneChoice, PhoneOwner, PhonePage, ReceivedMessage, Refreshing};
use crate::views::local_time::LocalTime;

/// Where it is.
pub(super) const PATH: &str = "/phone";

/// How long it stays, as the page says it.
const REFRESH_SECONDS: HeaderValue = HeaderValue::from_static("4");
/// What is chosen by.
const LAST_DIGITS: usize = 4;
/// Messages on the page.
const SHOWN: usize = 30;

/// What the page was asked to show.
#[derive(Clone)]
struct Choice {
    last_digits: Option<String>,
    refreshing: Refreshing,
    switches: Chosen,
}

impl Choice {
    fn of(request: &PortalRequest) -> Self {
        let digits = request.query("to").filter(|digits| {
            digits.len() == LAST_DIGITS && digits.bytes().all(|byte| byte.is_ascii_digit())
        });
        Self {
            last_digits: digits.map(str::to_owned),
            refreshing: match request.query("refresh") {
                Some("off") => Refreshing::Asked,
                _ => Refreshing::ByItself,
            },
            switches: request.chosen,
        }
    }

    fn address(&self) -> String {
        let mut query = Vec::new();
        query.extend(self.last_digits.iter().map(|digits| format!("to={digits}")));
        if self.refreshing == Refreshing::Asked {
            query.push("refresh=off".to_owned());
        }
        query.extend(self.switches.pairs());
        if query.is_empty() {
            PATH.to_owned()
        } else {
            format!("{PATH}?{}", query.join("&"))
        }
    }

    fn of_phone(&self, last_digits: Option<&str>) -> Self {
        Self {
            last_digits: last_digits.map(str::to_owned),
            ..self.clone()
        }
    }

    fn refreshing(&self, refreshing: Refreshing) -> Self {
        Self {
            refreshing,
            ..self.clone()
        }
    }
}

pub(super) async fn show(State(portal): State<Portal>, request: PortalRequest) -> Response {
    let choice = Choice::of(&request);
    let received = portal.parts().inbox.newest(|to| {
        let wanted = choice.last_digits.as_deref();
        wanted.is_none_or(|digits| to.ends_with(digits))
    });
    let other = match choice.refreshing {
        Refreshing::ByItself => Refreshing::Asked,
        Refreshing::Asked => Refreshing::ByItself,
    };
    let page = PhonePage {
        messages: received.take(SHOWN).map(shown).collect(),
        choices: choices(&choice),
        refreshing: choice.refreshing,
        again_href: choice.address(),
        switch_href: choice.refreshing(other).address(),
        start_href: portal.parts().start_href.clone(),
    };
    let link = |switches| {
        let choice = Choice {
            switches,
            ..choice.clone()
        };
        choice.address()
    };
    let mut response = answer::page_with_links(&portal, &request, &page, link);
    if choice.refreshing == Refreshing::ByItself {
        response.headers_mut().insert(REFRESH, REFRESH_SECONDS);
    }
    response
}

/// Everybody's phone, and each that can be told apart.
fn choices(choice: &Choice) -> Vec<PhoneChoice> {
    let of = |whose, last_digits: Option<&str>| PhoneChoice {
        whose,
        href: choice.of_phone(last_digits).address(),
        current: choice.last_digits.as_deref() == last_digits,
    };
    let everybody = of(PhoneOwner::Everybody, None);
    let phones = people::phones().map(|(phone, owner)| {
        let whose = owner.map_or(PhoneOwner::Squatter, |name| PhoneOwner::Person {
            name: name.to_owned(),
        });
        of(whose, Some(last_digits(phone)))
    });
    [everybody].into_iter().chain(phones).collect()
}

fn shown(received: Received) -> ReceivedMessage {
    let national = received.to.strip_prefix("+86").unwrap_or(&received.to);
    let owner = people::phones().find(|(phone, _)| *phone == national);
    ReceivedMessage {
        phone: grouped(national),
        owner: owner.and_then(|(_, owner)| owner).map(str::to_owned),
        at: LocalTime::of(received.at),
        code: received.code,
        text: received.text,
    }
}

fn last_digits(phone: &str) -> &str {
    let start = phone.len().saturating_sub(LAST_DIGITS);
    phone.get(start..).unwrap_or(phone)
}

/// As people read it: 138 0000 0011.
fn grouped(national: &str) -> String {
    let groups = [national.get(..3), national.get(3..7), national.get(7..)];
    match groups {
        [Some(network), Some(middle), Some(last)] if national.len() == 11 => {
            format!("{network} {middle} {last}")
        }
        _ => national.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_says_what_was_chosen_and_no_number() {
        let choice = Choice {
            last_digits: None,
            refreshing: Refreshing::ByItself,
            switches: Chosen::default(),
        };
        assert_eq!(choice.address(), "/phone");
        let alone = choice.of_phone(Some("0011")).refreshing(Refreshing::Asked);
        assert_eq!(alone.address(), "/phone?to=0011&refresh=off");
        let hrefs: Vec<_> = choices(&alone).into_iter().collect();
        assert_eq!(hrefs.iter().filter(|choice| choice.current).count(), 1);
        assert!(hrefs.iter().all(|choice| !choice.href.contains("1380000")));
    }

    #[test]
    fn numbers_are_grouped_if_they_are_the_countrys() {
        assert_eq!(grouped("13800000011"), "138 0000 0011");
        assert_eq!(grouped("+85251234567"), "+85251234567");
        assert_eq!(last_digits("13800000011"), "0011");
    }
}
