//! Who and what the demo's first page tells of, beside the portals and whoever can log in.

use serde::Serialize;

use crate::domain::document::DocumentType;
use crate::views::page::sample;

/// What can be played, and with whom.
#[derive(Clone, Serialize)]
pub struct Cast {
    /// People who have not registered yet.
    pub newcomers: Vec<Newcomer>,
    /// Who registered with one of their documents.
    pub squatter: Squatter,
    /// The messages that arrive.
    pub phone_href: String,
    /// My account, at the provider.
    pub account_href: String,
    /// Recovery, at the provider.
    pub recover_href: String,
    /// Where the simulated authority is switched.
    pub behavior_href: String,
    /// Whom else it knows.
    pub people_href: String,
    /// Where the second portal is made deaf to logouts.
    pub hearing_href: String,
}

/// Somebody whom the authority knows and who has no account yet.
#[derive(Clone, Serialize)]
pub struct Newcomer {
    /// Name, as on the document.
    pub name: String,
    /// The kind of document.
    pub document_type: DocumentType,
    /// Its number.
    pub document_number: String,
    /// The phone, as the carrier has it.
    pub phone: String,
}

/// Somebody who holds an account with another's name and number.
#[derive(Clone, Serialize)]
pub struct Squatter {
    /// Whose name and document they gave.
    pub owner: String,
    /// Their own phone, to log in with.
    pub username: String,
    /// Their password.
    pub password: String,
}

impl Cast {
    /// As the demo has it, but for one person's name.
    pub(super) fn sample(name: &str) -> Self {
        let newcomer = |name: &str, document_type| Newcomer {
            name: name.to_owned(),
            document_type,
            document_number: "81000019970305902X".to_owned(),
            phone: "13800000011".to_owned(),
        };
        let types = DocumentType::ALL.iter();
        Self {
            newcomers: types.map(|kind| newcomer(name, *kind)).collect(),
            squatter: Squatter {
                owner: sample::HOSTILE.to_owned(),
                username: "13800000004".to_owned(),
                password: "tongxing-demo".to_owned(),
            },
            phone_href: "/phone".to_owned(),
            account_href: "http://localhost:8080/account".to_owned(),
            recover_href: "http://localhost:8080/recover".to_owned(),
            behavior_href: "http://127.0.0.1:8090/behavior".to_owned(),
            people_href: "http://127.0.0.1:8090/people".to_owned(),
            hearing_href: "http://guangdong.localhost:8082/backchannel-logout".to_owned(),
        }
    }
}
