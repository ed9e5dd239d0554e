//! The layers: embedded default, file, environment, flags; the later wins.
//!
//! The default file is the schema: it names every setting and, by its value, the type. A setting
//! is a dotted path to a value that is not a table.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt::Write;
use std::path::{Path, PathBuf};

use toml::{Table, Value};
use url::Url;

use super::near::nearest;
use super::problem::{Origin, Problems};

const DEFAULT: &str = include_str!("../../../config/default.toml");
const PREFIX: &str = "TONGXING__";

/// Settings that are never shown. Each also comes as `…_file`.
const SECRETS: &[&str] = &[
    "authority.token",
    "notification.gateway_token",
    "vault.master_key",
    "vault.other_master_key",
];

/// Where to read settings from, beside the defaults.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// `--config FILE`.
    pub file: Option<PathBuf>,
    /// The process's environment; what does not begin with `TONGXING__` is passed over.
    pub environment: Vec<(OsString, OsString)>,
    /// `--set section.key=value`.
    pub assignments: Vec<String>,
}

#[derive(Debug, Clone)]
pub(super) struct Setting {
    pub(super) value: Value,
    pub(super) origin: Origin,
    /// What was worked out of it.
    note: Option<String>,
}

impl Setting {
    const fn new(value: Value, origin: Origin) -> Self {
        Self {
            value,
            origin,
            note: None,
        }
    }
}

/// The merged settings by path.
#[derive(Debug, Default)]
pub(super) struct Settings(BTreeMap<String, Setting>);

impl Settings {
    /// Merges all layers; what does not fit is a problem and is left out.
    pub(super) fn layered(sources: &Sources, problems: &mut Problems) -> Self {
        let mut settings = Self::default();
        match DEFAULT.parse::<Table>() {
            Ok(table) => {
                for (path, value) in leaves("", table) {
                    let origin = Origin::Default;
                    settings.0.insert(path, Setting::new(value, origin));
                }
            }
            Err(error) => problems.add("", &Origin::Default, error.message()),
        }
        if let Some(path) = &sources.file {
            settings.merge_file(path, problems);
        }
        settings.merge_environment(&sources.environment, problems);
        for assignment in &sources.assignments {
            match assignment.split_once('=') {
                Some((path, text)) => settings.assign(path.trim(), text, &Origin::Flag, problems),
                None => problems.add(assignment, &Origin::Flag, "must be section.key=value"),
            }
        }
        settings
    }

    pub(super) fn get(&self, path: &str) -> Option<&Setting> {
        self.0.get(path)
    }

    /// Says what was worked out of a setting.
    pub(super) fn note(&mut self, path: &str, note: String) {
        if let Some(setting) = self.0.get_mut(path) {
            setting.note = Some(note);
        }
    }

    pub(super) fn paths(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    fn merge_file(&mut self, file: &Path, problems: &mut Problems) {
        let origin = Origin::File(file.to_owned());
        let text = match std::fs::read_to_string(file) {
            Ok(text) => text,
            Err(error) => return problems.add("", &origin, format!("cannot be read: {error}")),
        };
        match text.parse::<Table>() {
            Ok(table) => {
                for (path, value) in leaves("", table) {
                    // A section with nothing in it says nothing.
                    if !(value.is_table() && self.is_section(&path)) {
                        self.put(&path, value, &origin, problems);
                    }
                }
            }
            Err(error) => {
                // The parser's own rendering quotes the line, which may hold a secret.
                let before = error.span().and_then(|span| text.get(..span.start));
                let line = before.map_or(1, |text| text.matches('\n').count() + 1);
                problems.add("", &origin, format!("line {line}: {}", error.message()));
            }
        }
    }

    fn merge_environment(&mut self, environment: &[(OsString, OsString)], problems: &mut Problems) {
        for (name, text) in environment {
            let Some(name) = name.to_str().filter(|name| name.starts_with(PREFIX)) else {
                continue;
            };
            let path = name.trim_start_matches(PREFIX);
            let path = path.to_ascii_lowercase().replace("__", ".");
            let origin = Origin::Environment(name.to_owned());
            match text.to_str() {
                Some(text) => self.assign(&path, text, &origin, problems),
                None => problems.add(&path, &origin, "is not UTF-8"),
            }
        }
    }

    /// Text becomes what the default's value is.
    fn assign(&mut self, path: &str, text: &str, origin: &Origin, problems: &mut Problems) {
        let Some(known) = self.0.get(path) else {
            return problems.add(path, origin, self.unknown(path));
        };
        let value = match &known.value {
            Value::Boolean(_) => text.parse().ok().map(Value::Boolean),
            Value::Integer(_) => text.parse().ok().map(Value::Integer),
            Value::Array(_) => Some(Value::Array(split_list(text))),
            Value::String(_) => Some(Value::String(text.to_owned())),
            Value::Float(_) | Value::Datetime(_) | Value::Table(_) => None,
        };
        if let Some(value) = value {
            self.put(path, value, origin, problems);
        } else {
            let given = Value::String(text.to_owned());
            let what = format!("{}{}", expected(&known.value), received(path, &given));
            problems.add(path, origin, what);
        }
    }

    fn put(&mut self, path: &str, value: Value, origin: &Origin, problems: &mut Problems) {
        let Some(known) = self.0.get_mut(path) else {
            return problems.add(path, origin, self.unknown(path));
        };
        if !known.value.same_type(&value) {
            let what = format!("{}{}", expected(&known.value), received(path, &value));
            return problems.add(path, origin, what);
        }
        let origin = origin.clone();
        *known = Setting::new(value, origin);
    }

    fn is_section(&self, path: &str) -> bool {
        self.0.keys().any(|known| {
            known
                .strip_prefix(path)
                .is_some_and(|rest| rest.starts_with('.'))
        })
    }

    fn unknown(&self, path: &str) -> String {
        if self.is_section(path) {
            return "is a section, not a setting".to_owned();
        }
        match nearest(path, self.paths()) {
            Some(meant) => format!("unknown setting; did you mean {meant}?"),
            None => "unknown setting".to_owned(),
        }
    }

    /// The settings as TOML, with what must not be shown redacted.
    pub(super) fn to_toml(&self) -> String {
        let mut sections: BTreeMap<&str, String> = BTreeMap::new();
        for (path, setting) in &self.0 {
            let (section, key) = path.rsplit_once('.').unwrap_or(("", path));
            let text = sections.entry(section).or_default();
            let shown = redacted(path, &setting.value);
            let origin = (setting.origin != Origin::Default).then(|| setting.origin.to_string());
            let comment: Vec<_> = origin.into_iter().chain(setting.note.clone()).collect();
            // Writing to a string does not fail.
            if comment.is_empty() {
                writeln!(text, "{key} = {shown}").unwrap_or_default();
            } else {
                writeln!(text, "{key} = {shown} # {}", comment.join("; ")).unwrap_or_default();
            }
        }
        let sections: Vec<_> = sections
            .iter()
            .map(|(section, text)| format!("[{section}]\n{text}"))
            .collect();
        sections.join("\n")
    }
}

/// Variables that look like settings of ours and are none: one underscore in place of two.
pub fn misspelled(environment: &[(OsString, OsString)]) -> Vec<&str> {
    let ours = |name: &&str| {
        let rest = name.strip_prefix("TONGXING_");
        let rest = rest.filter(|rest| !rest.starts_with('_'));
        rest.is_some_and(|rest| {
            let rest = rest.to_ascii_lowercase().replace("__", "_");
            let table = DEFAULT.parse::<Table>().unwrap_or_default();
            leaves("", table)
                .iter()
                .any(|(path, _)| path.replace('.', "_") == rest)
        })
    };
    let names = environment.iter().filter_map(|(name, _)| name.to_str());
    names.filter(ours).collect()
}

/// The values of a table by path; of an empty table, the table itself.
fn leaves(prefix: &str, table: Table) -> Vec<(String, Value)> {
    let mut found = Vec::new();
    for (key, value) in table {
        let path = join(prefix, &key);
        match value {
            Value::Table(table) if !table.is_empty() => found.extend(leaves(&path, table)),
            Value::String(_)
            | Value::Integer(_)
            | Value::Float(_)
            | Value::Boolean(_)
            | Value::Datetime(_)
            | Value::Array(_)
            | Value::Table(_) => found.push((path, value)),
        }
    }
    found
}

fn join(prefix: &str, key: &str) -> String {
    if prefix.is_empty() {
        key.to_owned()
    } else {
        format!("{prefix}.{key}")
    }
}

fn split_list(text: &str) -> Vec<Value> {
    text.split(',')
        .map(str::trim)
        .filter(|item| !item.is_empty())
        .map(|item| Value::String(item.to_owned()))
        .collect()
}

const fn expected(default: &Value) -> &'static str {
    match default {
        Value::Boolean(_) => "must be true or false",
        Value::Integer(_) => "must be a whole number",
        Value::Array(_) => "must be a list",
        Value::String(_) => "must be text",
        Value::Float(_) | Value::Datetime(_) | Value::Table(_) => "is of a type without a reader",
    }
}

/// What was given, for the end of a sentence that says what it must be. Nothing where it may be a
/// secret or hold one, and nothing that would hide the sentence.
pub(super) fn received(path: &str, value: &Value) -> String {
    const LONGEST: usize = 100;
    if SECRETS.contains(&path) || path.ends_with("url") || path.ends_with("_file") {
        return String::new();
    }
    let shown = match redacted(path, value) {
        Value::String(text) => format!("{text:?}"),
        other @ (Value::Integer(_)
        | Value::Float(_)
        | Value::Boolean(_)
        | Value::Datetime(_)
        | Value::Array(_)
        | Value::Table(_)) => other.to_string().replace(char::is_control, " "),
    };
    if shown.len() > LONGEST {
        return String::new();
    }
    format!("; it is {shown}")
}

fn redacted(path: &str, value: &Value) -> Value {
    let Some(text) = value.as_str() else {
        return value.clone();
    };
    if SECRETS.contains(&path) && !text.is_empty() {
        return Value::String("[redacted]".to_owned());
    }
    // A password may be in the URL's user part or, as PostgreSQL allows, in its query.
    match Url::parse(text) {
        Ok(mut url) if url.has_host() => {
            let hidden = url.password().is_some() && url.set_password(Some("[redacted]")).is_ok();
            let query = url.query().is_some_and(|query| query.contains("password"));
            if query {
                url.set_query(Some("[redacted]"));
            }
            let text = if hidden || query { url.as_str() } else { text };
            // The URL's own escapes of the brackets are for machines.
            Value::String(text.replace("%5Bredacted%5D", "[redacted]"))
        }
        Ok(_) | Err(_) => Value::String(without_user(text)),
    }
}

/// A text that is no URL, but may be a list of hosts after a user and a password.
fn without_user(text: &str) -> String {
    match (text.split_once("://"), text.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, places))) => format!("{scheme}://[redacted]@{places}"),
        (Some(_) | None, _) => text.to_owned(),
    }
}
