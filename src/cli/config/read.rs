//! Typed reading of settings: a bad one is noted as a problem and read as `None`, so that reading
//! goes on and finds the others.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::Duration;

use toml::Value;

use super::layers::{Settings, received};
use super::problem::{Origin, Problems};
use crate::storage::database::{DatabaseUrl, ParseDatabaseUrlError};

/// Reads settings and notes problems.
pub(super) struct Reader<'a> {
    settings: &'a mut Settings,
    problems: &'a mut Problems,
    seen: RefCell<BTreeSet<&'static str>>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(settings: &'a mut Settings, problems: &'a mut Problems) -> Self {
        let seen = RefCell::default();
        Self {
            settings,
            problems,
            seen,
        }
    }

    /// The text of a setting.
    pub(super) fn text(&self, path: &'static str) -> Option<&str> {
        self.value(path)?.as_str()
    }

    /// The text of a setting, parsed; `parse` says what it must be.
    pub(super) fn parse<T>(
        &mut self,
        path: &'static str,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        let parsed = parse(self.text(path)?);
        self.accept(path, parsed)
    }

    /// A list of texts, each parsed.
    pub(super) fn list<T>(
        &mut self,
        path: &'static str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Option<Vec<T>> {
        let parsed: Result<Vec<T>, String> = self
            .value(path)?
            .as_array()?
            .iter()
            .map(|item| parse(item.as_str().ok_or("must be a list of texts")?))
            .collect();
        self.accept(path, parsed)
    }

    /// One of some named values.
    pub(super) fn choice<T: Copy>(
        &mut self,
        path: &'static str,
        choices: &[(&str, T)],
    ) -> Option<T> {
        self.parse(path, |text| {
            let found = choices.iter().find(|(name, _)| *name == text);
            found.map(|&(_, value)| value).ok_or_else(|| {
                let names: Vec<_> = choices.iter().map(|&(name, _)| name).collect();
                format!("must be one of: {}", names.join(", "))
            })
        })
    }

    /// A path, or nothing when empty.
    pub(super) fn optional_path(&self, path: &'static str) -> Option<PathBuf> {
        let text = self.text(path).filter(|text| !text.is_empty());
        text.map(PathBuf::from)
    }

    /// The URL of a database: in the setting itself, or in the file that `in_file` names.
    pub(super) fn database_url(
        &mut self,
        path: &'static str,
        in_file: &'static str,
    ) -> Option<DatabaseUrl> {
        self.secret_url(path, in_file, |text| {
            text.parse()
                .map_err(|error: ParseDatabaseUrlError| error.to_string())
        })
    }

    /// A URL that may hold a password: in the setting itself, or in the file that `in_file` names.
    pub(super) fn secret_url<T>(
        &mut self,
        path: &'static str,
        in_file: &'static str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Option<T> {
        let Some(file) = self.optional_path(in_file) else {
            return self.parse(path, parse);
        };
        let given = self.text(path).is_some_and(|text| !text.is_empty());
        if given && self.origin(path) != Origin::Default {
            self.problem(in_file, format!("must not be given together with {path}"));
            return None;
        }
        let url = self.parse(in_file, |_| read_url(&file, parse))?;
        self.note(path, format!("not used: {in_file} is"));
        Some(url)
    }

    pub(super) fn flag(&self, path: &'static str) -> Option<bool> {
        self.value(path)?.as_bool()
    }

    /// A whole number within bounds.
    pub(super) fn number<N>(&mut self, path: &'static str, bounds: RangeInclusive<u32>) -> Option<N>
    where
        N: TryFrom<u32>,
    {
        let number = self.value(path)?.as_integer()?;
        let inside = u32::try_from(number).ok().filter(|n| bounds.contains(n));
        let number = inside.and_then(|number| N::try_from(number).ok());
        let (low, high) = bounds.into_inner();
        self.accept(
            path,
            number.ok_or_else(|| format!("must be from {low} to {high}")),
        )
    }

    /// A whole number of units of time within bounds.
    pub(super) fn duration(
        &mut self,
        path: &'static str,
        unit: Duration,
        bounds: RangeInclusive<u32>,
    ) -> Option<Duration> {
        self.number(path, bounds)
            .map(|count: u32| unit.saturating_mul(count))
    }

    /// Where the setting's value came from.
    pub(super) fn origin(&self, path: &'static str) -> Origin {
        self.settings
            .get(path)
            .map_or(Origin::Default, |setting| setting.origin.clone())
    }

    pub(super) fn problem(&mut self, path: &'static str, what: impl Into<String>) {
        let origin = self.origin(path);
        self.problems.add(path, &origin, what);
    }

    /// Says what was worked out of a setting, in what is printed.
    pub(super) fn note(&mut self, path: &'static str, note: String) {
        self.settings.note(path, note);
    }

    /// The settings of the default file and those read must be the same: any other is a fault.
    pub(super) fn finish(self) {
        let seen = self.seen.into_inner();
        for path in &seen {
            if self.settings.get(path).is_none() {
                self.problems.add(path, &Origin::Default, "has no default");
            }
        }
        for path in self.settings.paths() {
            if !seen.contains(path) {
                self.problems
                    .add(path, &Origin::Default, "is read by nothing");
            }
        }
    }

    fn accept<T>(&mut self, path: &'static str, parsed: Result<T, String>) -> Option<T> {
        parsed
            .map_err(|what| {
                let value = self.settings.get(path).map(|setting| &setting.value);
                let received = value.map(|value| received(path, value));
                self.problem(path, what + &received.unwrap_or_default());
            })
            .ok()
    }

    fn value(&self, path: &'static str) -> Option<&Value> {
        self.seen.borrow_mut().insert(path);
        self.settings.get(path).map(|setting| &setting.value)
    }
}

/// Nothing of what is in the file is told: it is there for its password.
fn read_url<T>(file: &Path, parse: impl Fn(&str) -> Result<T, String>) -> Result<T, String> {
    let shown = file.display();
    let text = std::fs::read_to_string(file)
        .map_err(|error| format!("{shown} cannot be read: {error}"))?;
    parse(text.trim()).map_err(|what| format!("{shown}: {what}"))
}
