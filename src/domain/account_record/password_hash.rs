//! A password hash that another system made: Argon2id in the PHC string format, and nothing weaker.

use crate::domain::secret::Secret;

/// A hash that this program can verify at a cost it can bear. Neither prints nor serializes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PasswordHash(Secret<String>);

/// Why a text is not such a hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PasswordHashError {
    /// Another algorithm, or no hash at all.
    #[error("not $argon2id$")]
    Algorithm,
    /// Not version 1.3 (`v=19`).
    #[error("version")]
    Version,
    /// Not `m=…,t=…,p=…`, or beyond what a login may cost: 256 MiB, 16 passes, 16 lanes.
    #[error("parameters")]
    Parameters,
    /// A salt outside 8 to 64 bytes or a hash outside 16 to 64, or not base64 without padding.
    #[error("salt or hash")]
    Encoding,
}

impl PasswordHash {
    /// Checks form and cost.
    pub fn parse(text: &str) -> Result<Self, PasswordHashError> {
        let rest = text
            .strip_prefix("$argon2id$")
            .ok_or(PasswordHashError::Algorithm)?;
        let rest = rest
            .strip_prefix("v=19$")
            .ok_or(PasswordHashError::Version)?;
        let (parameters, rest) = rest.split_once('$').ok_or(PasswordHashError::Parameters)?;
        if !is_affordable(parameters).unwrap_or(false) {
            return Err(PasswordHashError::Parameters);
        }
        // Lengths in base64: 8 to 64 bytes are 11 to 86 characters, 16 bytes are 22.
        match rest.split_once('$') {
            Some((salt, hash)) if is_base64(salt, 11) && is_base64(hash, 22) => {
                Ok(Self(Secret::new(text.to_owned())))
            }
            _ => Err(PasswordHashError::Encoding),
        }
    }

    /// The PHC string: a secret as long as passwords can be guessed, so every use is a place to
    /// look at.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.expose()
    }
}

/// Memory in KiB, passes, lanes: nothing if they cannot be read.
fn is_affordable(parameters: &str) -> Option<bool> {
    let mut parts = parameters.split(',');
    let mut number = |name: &str| -> Option<u32> {
        let digits = parts.next()?.strip_prefix(name)?;
        let is_plain = digits.bytes().all(|b| b.is_ascii_digit()) && !digits.starts_with('0');
        is_plain.then(|| digits.parse().ok())?
    };
    let (memory, passes, lanes) = (number("m=")?, number("t=")?, number("p=")?);
    Some(
        parts.next().is_none()
            && passes <= 16
            && lanes <= 16
            // RFC 9106 §3.1: at least 8 KiB a lane.
            && (8 * lanes..=256 * 1024).contains(&memory),
    )
}

fn is_base64(text: &str, shortest: usize) -> bool {
    (shortest..=86).contains(&text.len())
        // No number of bytes has this length without padding.
        && text.len() % 4 != 1
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'+' || b == b'/')
}

#[cfg(test)]
mod tests {
    use super::*;

    const SALT: &str = "c29tZXNhbHRzb21lc2FsdA";
    const HASH: &str = "MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI";

    fn parse(parameters: &str) -> Result<(), PasswordHashError> {
        let text = format!("$argon2id$v=19${parameters}${SALT}${HASH}");
        let hash = PasswordHash::parse(&text)?;
        assert_eq!(hash.as_str(), text);
        assert_eq!(format!("{hash:?}"), "PasswordHash([redacted])");
        Ok(())
    }

    #[test]
    fn what_a_login_can_bear_is_accepted() {
        assert_eq!(parse("m=19456,t=2,p=1"), Ok(()));
        assert_eq!(parse("m=262144,t=16,p=16"), Ok(()));
    }

    #[test]
    fn costs_that_would_stop_the_server_are_refused() {
        for parameters in [
            "m=262145,t=2,p=1",
            "m=4294967296,t=2,p=1",
            "m=19456,t=17,p=1",
            "m=19456,t=0,p=1",
            "m=64,t=1,p=16",
            "m=19456,t=2",
            "t=2,m=19456,p=1",
            "m=19456,t=2,p=1,keyid=a",
            "m=+19456,t=2,p=1",
            "m=019456,t=2,p=1",
            "",
        ] {
            assert_eq!(
                parse(parameters),
                Err(PasswordHashError::Parameters),
                "{parameters}"
            );
        }
    }

    #[test]
    fn other_algorithms_and_forms_are_refused() {
        let refused = |text: &str| PasswordHash::parse(text).unwrap_err();
        for text in [
            "",
            "secret",
            "$2b$10$abc",
            "$argon2i$v=19$m=8,t=1,p=1$a$b",
            "argon2id",
        ] {
            assert_eq!(refused(text), PasswordHashError::Algorithm);
        }
        let head = "$argon2id$v=19$m=19456,t=2,p=1$";
        assert_eq!(
            refused(&format!("$argon2id$v=16$m=19456,t=2,p=1${SALT}${HASH}")),
            PasswordHashError::Version
        );
        for tail in [
            SALT.to_owned(),
            format!("{SALT}$"),
            format!("${HASH}"),
            format!("short${HASH}"),
            format!("{SALT}${HASH}="),
            format!("{SALT}${HASH}${HASH}"),
            format!("{SALT}${}", "A".repeat(87)),
        ] {
            assert_eq!(
                refused(&format!("{head}{tail}")),
                PasswordHashError::Encoding
            );
        }
    }
}
