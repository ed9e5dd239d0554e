//! The account's page: an ordinary one, one with everything, a bare one, and one under attack.

use super::{
    AccountPage, Done, EnteredPortal, HeldDocument, HeldPhone, LiveSession, Notice, PassedCheck,
    SessionPlace, Standing,
};
use crate::domain::check::CheckMethod;
use crate::domain::document::DocumentType;
use crate::domain::instant::Instant;
use crate::domain::notice::NoticeKind;
use crate::views::consent::Received;
use crate::views::home::IdentityLevel;
use crate::views::link::WebLink;
use crate::views::local_time::LocalTime;
use crate::views::page::{Page, sample};

impl Page for AccountPage {
    const TEMPLATE: &'static str = "account.html";

    fn samples() -> Vec<Self> {
        let mut samples = vec![ordinary(), full(), hostile()];
        samples.extend(
            [IdentityLevel::None, IdentityLevel::L1, IdentityLevel::L3]
                .map(|level| Self { level, ..bare() }),
        );
        samples.push(Self {
            done: Some(Done::Withdrawn),
            ..bare()
        });
        samples
    }
}

/// So many days before an afternoon in November 2026.
fn days_ago(days: i64) -> LocalTime {
    const AFTERNOON: i64 = 1_795_329_000;
    LocalTime::of(Instant::from_seconds(AFTERNOON - days * 86_400))
}

fn ordinary() -> AccountPage {
    AccountPage {
        done: Some(Done::Registered),
        person: "张*".to_owned(),
        level: IdentityLevel::L2,
        documents: vec![document(DocumentType::ResidentIdCard, "1101**********002X")],
        phones: vec![phone(Standing::InForce, 3)],
        checks: vec![
            check(CheckMethod::ThreeElements, Standing::InForce),
            check(CheckMethod::PhoneCode, Standing::InForce),
        ],
        sessions: vec![
            session(SessionPlace::Here, Some("Chrome · Android"), 0),
            session(elsewhere(), Some("Firefox · Windows"), 2),
        ],
        end_others: Some(sample::form("/account/sessions/end-others")),
        portals: vec![
            portal(
                "浙江社会保险",
                &[Received::Subject, Received::Name, Received::Phone],
            ),
            EnteredPortal {
                withdraw: None,
                ..portal("广东企业登记", &[Received::Subject, Received::Name])
            },
        ],
        notices: vec![Notice {
            kind: NoticeKind::Registered,
            at: days_ago(3),
            portal: None,
        }],
        logout: sample::form("/logout"),
    }
}

fn full() -> AccountPage {
    let methods = CheckMethod::ALL.iter();
    let notices = [
        NoticeKind::ConsentWithdrawn,
        NoticeKind::SessionEnded,
        NoticeKind::PhoneConfirmed,
        NoticeKind::PhoneLost,
        NoticeKind::DocumentTaken,
        NoticeKind::DocumentLost,
        NoticeKind::Recovered,
        NoticeKind::Registered,
    ];
    let documents = DocumentType::ALL.iter();
    AccountPage {
        done: Some(Done::Recovered),
        person: "欧阳**".to_owned(),
        level: IdentityLevel::L4,
        documents: documents.map(|kind| document(*kind, "H0***5678")).collect(),
        phones: vec![
            phone(Standing::InForce, 3),
            phone(Standing::Lapsed, 300),
            HeldPhone {
                confirmed_at: None,
                confirm: None,
                ..phone(Standing::Lapsed, 0)
            },
        ],
        checks: methods
            .map(|method| check(*method, Standing::Lapsed))
            .collect(),
        sessions: vec![
            session(SessionPlace::Here, None, 0),
            session(elsewhere(), None, 1),
            session(elsewhere(), Some("Safari · iPhone"), 40),
        ],
        portals: vec![portal(
            "国家政务服务平台",
            &[
                Received::Subject,
                Received::Name,
                Received::Phone,
                Received::Email,
                Received::Birthdate,
                Received::Gender,
                Received::Document,
                Received::Assurance,
                Received::OfflineAccess,
            ],
        )],
        notices: notices
            .into_iter()
            .zip(0..)
            .map(|(kind, days)| Notice {
                kind,
                at: days_ago(days),
                portal: (kind == NoticeKind::ConsentWithdrawn)
                    .then(|| "国家政务服务平台".to_owned()),
            })
            .collect(),
        ..ordinary()
    }
}

fn bare() -> AccountPage {
    AccountPage {
        done: None,
        documents: Vec::new(),
        phones: Vec::new(),
        checks: Vec::new(),
        sessions: vec![session(SessionPlace::Here, None, 0)],
        end_others: None,
        portals: Vec::new(),
        notices: Vec::new(),
        ..ordinary()
    }
}

fn hostile() -> AccountPage {
    let text = || sample::HOSTILE.to_owned();
    let claim = Received::Claim(text());
    AccountPage {
        done: None,
        person: text(),
        documents: vec![document(DocumentType::Passport, sample::HOSTILE)],
        phones: vec![HeldPhone {
            number: text(),
            ..phone(Standing::InForce, 1)
        }],
        checks: vec![PassedCheck {
            authority: text(),
            ..check(CheckMethod::Counter, Standing::InForce)
        }],
        sessions: vec![session(
            SessionPlace::Elsewhere {
                end: sample::form(sample::HOSTILE),
            },
            Some(sample::HOSTILE),
            0,
        )],
        portals: vec![
            EnteredPortal {
                href: WebLink::parse("https://a.example/\"><script>"),
                ..portal(sample::HOSTILE, std::slice::from_ref(&claim))
            },
            EnteredPortal {
                href: None,
                ..portal(sample::HOSTILE, &[])
            },
        ],
        notices: vec![Notice {
            kind: NoticeKind::ConsentWithdrawn,
            at: days_ago(0),
            portal: Some(text()),
        }],
        logout: sample::form(sample::HOSTILE),
        ..ordinary()
    }
}

fn document(document_type: DocumentType, number: &str) -> HeldDocument {
    HeldDocument {
        document_type,
        number: number.to_owned(),
    }
}

fn phone(standing: Standing, days: i64) -> HeldPhone {
    HeldPhone {
        number: "138****0001".to_owned(),
        confirmed_at: Some(days_ago(days)),
        standing,
        confirm: Some(sample::form("/account/phone")),
    }
}

fn check(method: CheckMethod, standing: Standing) -> PassedCheck {
    let expires_at = match standing {
        Standing::InForce => days_ago(-1822),
        Standing::Lapsed => days_ago(2),
    };
    PassedCheck {
        method,
        // Who says so: one of ours in words, else the authority's own name.
        authority: match method {
            CheckMethod::PhoneCode => "code".to_owned(),
            CheckMethod::TwoElements => "import".to_owned(),
            CheckMethod::ThreeElements
            | CheckMethod::FourElements
            | CheckMethod::Face
            | CheckMethod::ChipAndFace
            | CheckMethod::NetworkCredential
            | CheckMethod::Certificate
            | CheckMethod::Counter => "模拟核验机构".to_owned(),
        },
        performed_at: days_ago(3),
        expires_at: (method != CheckMethod::PhoneCode).then_some(expires_at),
        standing,
    }
}

fn session(place: SessionPlace, device: Option<&str>, days: i64) -> LiveSession {
    LiveSession {
        device: device.map(str::to_owned),
        since: days_ago(days),
        place,
    }
}

fn elsewhere() -> SessionPlace {
    SessionPlace::Elsewhere {
        end: sample::form("/account/sessions/end"),
    }
}

fn portal(name: &str, receives: &[Received]) -> EnteredPortal {
    EnteredPortal {
        name: name.to_owned(),
        href: WebLink::parse("https://sb.zj.example/"),
        since: days_ago(30),
        receives: receives.to_vec(),
        withdraw: Some(sample::form("/account/portals/withdraw")),
    }
}
