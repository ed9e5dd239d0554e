//! The privacy notice (Personal Information Protection Law, article 17).
//!
//! Its words are in the language files; who the operator is comes from outside. Whoever registers is
//! recorded with the version shown, so other words need another version.

use serde::Serialize;

use super::page::{Page, sample};

/// The version of the notice: the day from which it holds.
pub const VERSION: &str = "2026-11-24";

/// `/docs/privacy`.
#[derive(Serialize)]
pub struct PrivacyPage {
    version: &'static str,
    operator: Option<String>,
    contact: Option<String>,
}

impl PrivacyPage {
    /// The notice of `operator`, who answers at `contact`; without them it speaks of the operator of
    /// this server and of its service counters.
    pub const fn new(operator: Option<String>, contact: Option<String>) -> Self {
        Self {
            version: VERSION,
            operator,
            contact,
        }
    }
}

impl Page for PrivacyPage {
    const TEMPLATE: &'static str = "privacy.html";

    fn samples() -> Vec<Self> {
        let some = |text: &str| Some(text.to_owned());
        vec![
            Self::new(
                some("浙江省统一身份认证中心"),
                some("privacy@id.zj.example · 0571-12345"),
            ),
            Self::new(None, None),
            Self::new(some(sample::HOSTILE), some(sample::HOSTILE)),
        ]
    }
}
