//! Reading one member: its text becomes a type, or an error that names the member.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use super::bad;
use crate::protocol::error::OAuthError;

pub(super) fn member<T, E: fmt::Display>(
    name: &str,
    text: Option<&str>,
    parse: impl Fn(&str) -> Result<T, E>,
) -> Result<Option<T>, OAuthError> {
    text.map(parse)
        .transpose()
        .map_err(|error| bad(name, error))
}

pub(super) fn vocabulary<T: FromStr<Err: fmt::Display> + Default>(
    name: &str,
    text: Option<&str>,
) -> Result<T, OAuthError> {
    Ok(member(name, text, T::from_str)?.unwrap_or_default())
}

pub(super) fn set<T: FromStr<Err: fmt::Display> + Ord>(
    name: &str,
    texts: &[String],
) -> Result<BTreeSet<T>, OAuthError> {
    texts
        .iter()
        .map(|text| text.parse().map_err(|error| bad(name, error)))
        .collect()
}
