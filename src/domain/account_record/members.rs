//! The members of one object, taken out one by one; what is left at the end is unknown.

use std::fmt::Display;

use super::json::Json;
use super::problem::{RecordProblem, RecordProblems};

/// The members not taken yet, and the problems met so far.
pub(super) struct Members {
    /// Before each member's name in a problem.
    path: String,
    left: Vec<(String, Json)>,
    problems: Vec<RecordProblem>,
}

impl Members {
    pub(super) fn new(path: &str, left: Vec<(String, Json)>) -> Self {
        Self {
            path: path.to_owned(),
            left,
            problems: Vec::new(),
        }
    }

    /// A member that must be there, as `parse` reads it.
    pub(super) fn required<T, E: Display>(
        &mut self,
        member: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        let text = self.required_text(member)?;
        self.accept(member, parse(&text))
    }

    /// A member that may be absent, as `parse` reads it.
    pub(super) fn optional<T, E: Display>(
        &mut self,
        member: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        let text = self.text(member)?;
        self.accept(member, parse(&text))
    }

    /// The text of a member that must be there.
    pub(super) fn required_text(&mut self, member: &str) -> Option<String> {
        let text = self.text(member);
        if text.is_none() && !self.has_refused(member) {
            self.refuse(member, "missing");
        }
        text
    }

    /// The text of a member; nothing if it is absent or null.
    pub(super) fn text(&mut self, member: &str) -> Option<String> {
        match self.take(member)? {
            Json::Text(text) => Some(text),
            Json::Null => None,
            Json::List(_) | Json::Object(_) | Json::Other => {
                self.refuse(member, "not text");
                None
            }
        }
    }

    /// The items of a member; none if it is absent or null.
    pub(super) fn list(&mut self, member: &str) -> Vec<Json> {
        match self.take(member) {
            Some(Json::List(items)) => items,
            None | Some(Json::Null) => Vec::new(),
            Some(Json::Text(_) | Json::Object(_) | Json::Other) => {
                self.refuse(member, "not a list");
                Vec::new()
            }
        }
    }

    /// Notes a problem. `rule` must not contain a value.
    pub(super) fn refuse(&mut self, member: &str, rule: impl Display) {
        let member = format!("{}{member}", self.path);
        self.problems
            .push(RecordProblem::new(member, rule.to_string()));
    }

    /// Whether a problem is noted with this member.
    pub(super) fn has_refused(&self, member: &str) -> bool {
        self.problems
            .iter()
            .any(|problem| problem.member().strip_prefix(self.path.as_str()) == Some(member))
    }

    /// Takes over the problems of an object inside.
    pub(super) fn absorb(&mut self, inner: RecordProblems) {
        self.problems.extend(inner);
    }

    /// All that is wrong with the object.
    pub(super) fn finish(mut self) -> Result<(), RecordProblems> {
        for (member, _) in std::mem::take(&mut self.left) {
            // A name that looks like ours is a typing error worth showing; anything else might be
            // somebody's data in the wrong place.
            let is_name = member.len() <= 40
                && !member.is_empty()
                && member.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
            self.refuse(if is_name { &member } else { "?" }, "unknown member");
        }
        RecordProblems::check(self.problems)
    }

    fn take(&mut self, member: &str) -> Option<Json> {
        let mut found = None;
        let mut repeated = false;
        let (ours, left): (Vec<_>, Vec<_>) = std::mem::take(&mut self.left)
            .into_iter()
            .partition(|(name, _)| name == member);
        self.left = left;
        for (_, value) in ours {
            repeated = repeated || found.is_some();
            found = Some(value);
        }
        if repeated {
            self.refuse(member, "repeated");
            return None;
        }
        found
    }

    fn accept<T, E: Display>(&mut self, member: &str, parsed: Result<T, E>) -> Option<T> {
        parsed.map_err(|error| self.refuse(member, error)).ok()
    }
}
