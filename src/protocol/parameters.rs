//! Request parameters of a query string or an `application/x-www-form-urlencoded` body.
//!
//! RFC 6749 §3.1 and §3.2: a parameter without a value counts as omitted, one that is repeated
//! makes the request invalid, unknown ones are ignored. [`Parameters`] is the proof that nothing is
//! repeated. Only the authorization endpoint looks at [`RawParameters`], to learn where an error
//! about a repeated parameter may be sent. Bad percent escapes, bad UTF-8 and U+0000 are refused
//! rather than guessed at, since two readers that guess differently are an attack.

use std::fmt;

use super::error::{ErrorCode, OAuthError};

/// The longest query string or body, in bytes.
const MAX_BYTES: usize = 64 * 1024;
/// More parameters than any request has.
const MAX_COUNT: usize = 64;
/// The longest name, in bytes.
const MAX_NAME: usize = 128;
/// RFC 8707 §2 lets this one be repeated; its reader decides what several mean.
const MAY_REPEAT: &str = "resource";

/// Why parameters cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParametersError {
    /// More bytes than any honest request has.
    #[error("the request is longer than {MAX_BYTES} bytes")]
    TooLong,
    /// More parameters than any honest request has.
    #[error("the request has more than {MAX_COUNT} parameters")]
    TooMany,
    /// A bad percent escape, bad UTF-8, or U+0000.
    #[error("a parameter is not valid percent-encoded UTF-8")]
    Encoding,
    /// A name that came twice.
    #[error("the parameter '{0}' is repeated; send it once")]
    Repeated(String),
}

impl From<ParametersError> for OAuthError {
    fn from(error: ParametersError) -> Self {
        ErrorCode::InvalidRequest.because(error.to_string())
    }
}

/// Parameters as sent, some perhaps repeated.
#[derive(Clone, PartialEq, Eq)]
pub struct RawParameters(Vec<(String, String)>);

impl RawParameters {
    /// Decodes a query string (without `?`) or a form body.
    pub fn parse(bytes: &[u8]) -> Result<Self, ParametersError> {
        if bytes.len() > MAX_BYTES {
            return Err(ParametersError::TooLong);
        }
        let mut pairs = Vec::new();
        for field in bytes
            .split(|&byte| byte == b'&')
            .filter(|field| !field.is_empty())
        {
            if pairs.len() == MAX_COUNT {
                return Err(ParametersError::TooMany);
            }
            let (name, value) = match field.iter().position(|&byte| byte == b'=') {
                Some(at) => (field.get(..at), field.get(at + 1..)),
                None => (Some(field), None),
            };
            let name = decode(name.unwrap_or_default())?;
            let value = decode(value.unwrap_or_default())?;
            if name.len() > MAX_NAME {
                return Err(ParametersError::TooLong);
            }
            pairs.push((name, value));
        }
        // RFC 6749 §3.1: a parameter sent without a value is treated as omitted. It is dropped
        // after counting, so that a flood of empty ones is still a flood.
        pairs.retain(|(_, value)| !value.is_empty());
        Ok(Self(pairs))
    }

    /// The value of `name` if it came once, nothing if it did not come.
    pub fn once(&self, name: &str) -> Result<Option<&str>, ParametersError> {
        let mut values = self.all(name);
        let first = values.next();
        match values.next() {
            None => Ok(first),
            Some(_) => Err(ParametersError::Repeated(name.to_owned())),
        }
    }

    /// Whether `name` came at all.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.all(name).next().is_some()
    }

    /// The proof that nothing is repeated, or the first name that is.
    pub fn into_unique(self) -> Result<Parameters, ParametersError> {
        for (index, (name, _)) in self.0.iter().enumerate() {
            if name != MAY_REPEAT
                && self
                    .0
                    .iter()
                    .skip(index + 1)
                    .any(|(later, _)| later == name)
            {
                return Err(ParametersError::Repeated(name.clone()));
            }
        }
        Ok(Parameters(self))
    }

    fn all<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a str> {
        self.0
            .iter()
            .filter(move |(each, _)| each == name)
            .map(|(_, value)| value.as_str())
    }
}

/// Names only: a value may be a secret.
impl fmt::Debug for RawParameters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set()
            .entries(self.0.iter().map(|(name, _)| name))
            .finish()
    }
}

/// Parameters of which none is repeated, except `resource`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameters(RawParameters);

impl Parameters {
    /// Decodes a query string (without `?`) or a form body and refuses repeated names.
    pub fn parse(bytes: &[u8]) -> Result<Self, ParametersError> {
        RawParameters::parse(bytes)?.into_unique()
    }

    /// No parameters at all.
    #[must_use]
    pub const fn none() -> Self {
        Self(RawParameters(Vec::new()))
    }

    /// The value of `name`; an empty one counts as omitted.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.all(name).next()
    }

    /// The value of `name`, or the error that asks for it.
    pub fn require(&self, name: &str) -> Result<&str, OAuthError> {
        self.get(name).ok_or_else(|| {
            ErrorCode::InvalidRequest.because(format!("the parameter '{name}' is missing"))
        })
    }

    /// The values of `resource`, the one name that may come several times (RFC 8707 §2).
    pub fn resources(&self) -> impl Iterator<Item = &str> {
        self.0.all(MAY_REPEAT)
    }
}

/// Undoes `application/x-www-form-urlencoded` for one name or value, strictly.
pub(super) fn decode(bytes: &[u8]) -> Result<String, ParametersError> {
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut rest = bytes.iter();
    while let Some(&byte) = rest.next() {
        decoded.push(match byte {
            b'+' => b' ',
            b'%' => {
                let high = rest
                    .next()
                    .copied()
                    .and_then(hex)
                    .ok_or(ParametersError::Encoding)?;
                let low = rest
                    .next()
                    .copied()
                    .and_then(hex)
                    .ok_or(ParametersError::Encoding)?;
                (high << 4) | low
            }
            other => other,
        });
    }
    if decoded.contains(&0) {
        return Err(ParametersError::Encoding);
    }
    String::from_utf8(decoded).map_err(|_| ParametersError::Encoding)
}

const fn hex(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use url::form_urlencoded;

    #[test]
    fn reads_names_and_values() {
        let parameters = Parameters::parse(b"a=1&b=x+y%20z&c=%E5%BC%A0&d&e=&=f").unwrap();
        assert_eq!(parameters.get("a"), Some("1"));
        assert_eq!(parameters.get("b"), Some("x y z"));
        assert_eq!(parameters.get("c"), Some("张"));
        assert_eq!(parameters.get("d"), None);
        assert_eq!(parameters.get("e"), None);
        assert_eq!(parameters.get(""), Some("f"));
        assert!(parameters.require("a").is_ok());
        assert_eq!(
            parameters.require("e").unwrap_err().code(),
            ErrorCode::InvalidRequest
        );
    }

    /// RFC 6749 §3.1; attack case 15.
    #[test]
    fn a_repeated_parameter_is_refused_by_name() {
        assert_eq!(
            Parameters::parse(b"state=1&x=2&state=1"),
            Err(ParametersError::Repeated("state".into()))
        );
        // Differently escaped, the same name.
        assert!(Parameters::parse(b"state=1&st%61te=2").is_err());
        // An empty one counts as omitted.
        assert_eq!(
            Parameters::parse(b"state=&state=1").unwrap().get("state"),
            Some("1")
        );
        let several = Parameters::parse(b"resource=a&resource=b").unwrap();
        assert_eq!(several.resources().collect::<Vec<_>>(), ["a", "b"]);
    }

    #[test]
    fn a_raw_parameter_is_found_only_when_it_came_once() {
        let raw = RawParameters::parse(b"state=1&nonce=a&nonce=b").unwrap();
        assert_eq!(raw.once("state"), Ok(Some("1")));
        assert_eq!(raw.once("none"), Ok(None));
        assert!(raw.once("nonce").is_err());
        assert!(raw.has("nonce"));
    }

    #[test]
    fn what_could_be_read_in_two_ways_is_refused() {
        for bad in [
            "a=%", "a=%2", "a=%zz", "a=%00", "a\0=1", "a=%ff", "a=%C3%28",
        ] {
            assert_eq!(
                Parameters::parse(bad.as_bytes()),
                Err(ParametersError::Encoding),
                "{bad}"
            );
        }
    }

    #[test]
    fn floods_are_refused() {
        let many = "a&".repeat(65);
        assert_eq!(
            Parameters::parse(many.as_bytes()),
            Err(ParametersError::TooMany)
        );
        let long = vec![b'a'; MAX_BYTES + 1];
        assert_eq!(Parameters::parse(&long), Err(ParametersError::TooLong));
        assert_eq!(
            Parameters::parse(&[b'a'; 200]),
            Err(ParametersError::TooLong)
        );
    }

    #[test]
    fn values_never_print() {
        let parameters = Parameters::parse(b"client_secret=hunter2").unwrap();
        let printed = format!("{parameters:?}");
        assert!(
            printed.contains("client_secret") && !printed.contains("hunter2"),
            "{printed}"
        );
    }

    proptest! {
        #[test]
        fn reads_what_a_form_writes(pairs in prop::collection::btree_map("[a-z]{1,8}", "[^\0]{1,20}", 0..20)) {
            let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(&pairs).finish();
            let parameters = Parameters::parse(body.as_bytes()).unwrap();
            for (name, value) in &pairs {
                if name != "resource" {
                    prop_assert_eq!(parameters.get(name), Some(value.as_str()));
                }
            }
        }

        #[test]
        fn never_panics(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = Parameters::parse(&bytes);
        }
    }
}
