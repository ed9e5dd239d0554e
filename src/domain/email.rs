//! E-mail addresses: a conservative part of RFC 5321 that every mail system carries. An address
//! receives messages; it never authenticates. Personal data: `Debug` and errors show none.

use std::fmt;

use serde::{Deserialize, Serialize};

/// RFC 5321 §4.5.3.1, less the angle brackets of a path.
const MAX_ADDRESS: usize = 254;
const MAX_LOCAL: usize = 64;
const MAX_LABEL: usize = 63;

/// An address whose domain is in lower case. The local part is as given: only its domain knows
/// whether case matters there.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EmailAddress(String);

/// Why a text is not an address. Names the rule, never the value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EmailError {
    /// Longer than mail systems carry.
    #[error("length")]
    Length,
    /// The part before the `@` is empty, quoted, or has signs that do not travel.
    #[error("local part")]
    LocalPart,
    /// The part after the `@` is not a host name of two labels or more.
    #[error("domain")]
    Domain,
}

impl EmailAddress {
    /// Reads an address; spaces around it are dropped.
    pub fn parse(text: &str) -> Result<Self, EmailError> {
        let text = text.trim();
        if text.len() > MAX_ADDRESS {
            return Err(EmailError::Length);
        }
        let (local, domain) = text.rsplit_once('@').ok_or(EmailError::Domain)?;
        if !is_local_part(local) {
            return Err(EmailError::LocalPart);
        }
        if !is_domain(domain) {
            return Err(EmailError::Domain);
        }
        Ok(Self(format!("{local}@{}", domain.to_ascii_lowercase())))
    }

    /// The address itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// `a***@example.com`: the first letter and the domain.
    #[must_use]
    pub fn masked(&self) -> String {
        let (local, domain) = self.0.rsplit_once('@').unwrap_or_default();
        let first: String = local.chars().take(1).collect();
        format!("{first}***@{domain}")
    }
}

/// RFC 5321 §4.1.2 dot-string: atoms with single dots between.
fn is_local_part(local: &str) -> bool {
    local.len() <= MAX_LOCAL
        && local.split('.').all(|atom| {
            !atom.is_empty()
                && atom
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&b))
        })
}

/// RFC 1123 §2.1 host name, whose last label is not a number.
fn is_domain(domain: &str) -> bool {
    let is_label = |label: &str| {
        (1..=MAX_LABEL).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    let top_has_letter = |top: &str| top.bytes().any(|b| b.is_ascii_alphabetic());
    domain
        .rsplit_once('.')
        .is_some_and(|(_, top)| top_has_letter(top))
        && domain.split('.').all(is_label)
}

impl fmt::Debug for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EmailAddress([redacted])")
    }
}

impl TryFrom<String> for EmailAddress {
    type Error = EmailError;

    fn try_from(text: String) -> Result<Self, EmailError> {
        Self::parse(&text)
    }
}

impl From<EmailAddress> for String {
    fn from(email: EmailAddress) -> Self {
        email.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(text: &str) -> Result<String, EmailError> {
        EmailAddress::parse(text).map(String::from)
    }

    #[test]
    fn the_domain_is_lower_case_and_the_rest_as_given() {
        assert_eq!(
            parse(" Zhang.Wei+a@Mail.Example.COM ").as_deref(),
            Ok("Zhang.Wei+a@mail.example.com")
        );
        assert_eq!(parse("a@xn--fiqs8s").as_deref(), Err(&EmailError::Domain));
        assert_eq!(parse("a@x.xn--fiqs8s").as_deref(), Ok("a@x.xn--fiqs8s"));
    }

    #[test]
    fn each_rule_has_its_reason() {
        use EmailError::{Domain, Length, LocalPart};
        for text in [
            "@b.cn",
            "a b@c.cn",
            "\"a\"@b.cn",
            ".a@b.cn",
            "a..b@c.cn",
            "a@b@c.cn",
            "张@b.cn",
        ] {
            assert_eq!(parse(text), Err(LocalPart), "{text}");
        }
        for text in [
            "",
            "a",
            "a@",
            "a@b",
            "a@b.",
            "a@-b.cn",
            "a@b..cn",
            "a@[1.2.3.4]",
            "a@1.2.3.4",
            "a@b.cn\r\nTo",
        ] {
            assert_eq!(parse(text), Err(Domain), "{text}");
        }
        assert_eq!(parse(&format!("{}@b.cn", "a".repeat(65))), Err(LocalPart));
        assert_eq!(parse(&format!("a@{}.cn", "b".repeat(64))), Err(Domain));
        assert_eq!(parse(&format!("a@{}cn", "b.".repeat(130))), Err(Length));
    }

    #[test]
    fn nothing_prints_an_address() {
        let email = EmailAddress::parse("zhang@example.com").unwrap();
        assert_eq!(format!("{email:?}"), "EmailAddress([redacted])");
        assert_eq!(email.masked(), "z***@example.com");
    }

    proptest! {
        #[test]
        fn the_normal_form_parses_to_itself(text in "[!-~]{1,20}@[a-zA-Z0-9.-]{1,30}") {
            if let Ok(email) = EmailAddress::parse(&text) {
                prop_assert_eq!(EmailAddress::parse(email.as_str()), Ok(email));
            }
        }
    }
}
