//! Why a line was refused, without a word of what it said.

use std::fmt;

/// One broken rule: `document_number: check digit`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordProblem {
    member: String,
    rule: String,
}

impl RecordProblem {
    pub(super) const fn new(member: String, rule: String) -> Self {
        Self { member, rule }
    }

    /// Where: the member's path, as in `checks[0].method`; `line` for the whole, `?` for a member
    /// whose name is not worth showing.
    #[must_use]
    pub fn member(&self) -> &str {
        &self.member
    }

    /// What is wrong with it, in a few fixed words.
    #[must_use]
    pub fn rule(&self) -> &str {
        &self.rule
    }
}

impl fmt::Display for RecordProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.member, self.rule)
    }
}

/// Everything that is wrong with a line: at least one problem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordProblems(Vec<RecordProblem>);

impl RecordProblems {
    /// One problem.
    pub(super) fn of(member: &str, rule: &str) -> Self {
        Self(vec![RecordProblem::new(member.to_owned(), rule.to_owned())])
    }

    /// An error if there is any problem.
    pub(super) fn check(problems: Vec<RecordProblem>) -> Result<(), Self> {
        if problems.is_empty() {
            Ok(())
        } else {
            Err(Self(problems))
        }
    }

    /// One by one.
    pub fn iter(&self) -> impl Iterator<Item = &RecordProblem> {
        self.0.iter()
    }
}

impl IntoIterator for RecordProblems {
    type Item = RecordProblem;
    type IntoIter = std::vec::IntoIter<RecordProblem>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl fmt::Display for RecordProblems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, problem) in self.0.iter().enumerate() {
            if at > 0 {
                f.write_str("; ")?;
            }
            problem.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for RecordProblems {}
