//! Tokens that partners give us: a setting, or a file of its own.

use std::path::Path;

use super::read::Reader;
use crate::domain::secret::Secret;

/// More than any token is long.
const MAX_TOKEN: usize = 4096;

/// None also when something is wrong, which has been noted.
pub(super) fn read(
    read: &mut Reader<'_>,
    setting: &'static str,
    file_setting: &'static str,
) -> Option<Secret<String>> {
    let given = !read.text(setting)?.is_empty();
    let file = read.optional_path(file_setting);
    match (given, file) {
        (true, Some(_)) => {
            let what = format!("must not be given together with {setting}");
            read.problem(file_setting, what);
            None
        }
        (true, None) => read.parse(setting, checked),
        (false, Some(path)) => read.parse(file_setting, |_| read_token(&path)),
        (false, None) => None,
    }
}

fn checked(text: &str) -> Result<Secret<String>, String> {
    // RFC 6750 §2.1: what cannot stand in the header is a slip of whoever wrote it.
    let fits = (1..=MAX_TOKEN).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
    if fits {
        Ok(Secret::new(text.to_owned()))
    } else {
        Err("must be one word of printable ASCII".to_owned())
    }
}

/// Reads a token from a file of its own; the line's end is not part of it.
pub(in crate::cli) fn read_token(path: &Path) -> Result<Secret<String>, String> {
    let shown = path.display();
    let text = std::fs::read_to_string(path)
        .map_err(|error| format!("{shown} cannot be read: {error}"))?;
    checked(text.trim_end()).map_err(|what| format!("{shown}: {what}"))
}
