//! Names as people have them: Han of the planes 0, 2 and 3, minority names with middle dots, Latin
//! names of foreigners.
//!
//! The name is kept as it was given; [`PersonName::matching_form`] is what two spellings of one name
//! share. What is not listed here is refused: controls, digits, bidirectional overrides, symbols.
//! Personal data: neither `Debug` nor an error shows a name. Names are never indexed.

mod mask;

#[cfg(test)]
mod tests;

use std::fmt;

use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization as _;

/// In characters. The longest name on an identity card is far shorter; passports have 39 a line.
const MAX_CHARACTERS: usize = 100;

/// More marks than any orthography puts on a letter are a drawing.
const MAX_MARKS: usize = 3;

/// A person's name, trimmed, otherwise as given.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PersonName(String);

/// Why a text is not a name. Names the rule, never the value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Empty or more than a hundred characters.
    #[error("length")]
    Length,
    /// A character that no name has.
    #[error("characters")]
    Characters,
    /// Dots, hyphens, apostrophes or spaces where no name has them: first, last or doubled.
    #[error("separators")]
    Separators,
}

/// What a character is in a name.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Han,
    Latin,
    /// A combining mark on a Latin letter.
    Mark,
    /// One of the dots between the parts of a minority name.
    MiddleDot,
    Space,
    Hyphen,
    Apostrophe,
    /// Behind an abbreviated Latin name.
    Period,
}

impl PersonName {
    /// Checks a name as typed. Spaces around it are dropped.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let name = text.trim();
        if name.is_empty() || name.chars().nth(MAX_CHARACTERS).is_some() {
            return Err(NameError::Length);
        }
        let mut before = None;
        let mut anchor = None;
        let mut marks = 0;
        for c in name.chars() {
            let part = part(c).ok_or(NameError::Characters)?;
            marks = if part == Part::Mark { marks + 1 } else { 0 };
            if marks > MAX_MARKS {
                return Err(NameError::Characters);
            }
            check_follows(part, before, anchor)?;
            before = Some(part);
            if part != Part::Space {
                anchor = before;
            }
        }
        if ends_word(before) {
            Ok(Self(name.to_owned()))
        } else {
            Err(NameError::Separators)
        }
    }

    /// The name as given: personal data, so every use is a place to look at.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What all spellings of one name share: one middle dot (U+00B7) for four, composed characters,
    /// lower case, the typewriter's apostrophe, no space beside Han or a dot, single spaces elsewhere.
    #[must_use]
    pub fn matching_form(&self) -> String {
        matching_form(&self.0)
    }

    /// Whether both are spellings of one name.
    #[must_use]
    pub fn matches(&self, other: &Self) -> bool {
        self.matching_form() == other.matching_form()
    }

    /// The name as shown where the whole is not needed. Of a Han name the surname stays, each further
    /// character becomes a star: 张*, 欧阳**, 买**·**; of a Latin name each word's initial stays: J* S*.
    /// A name of one Han character is all star.
    #[must_use]
    pub fn masked(&self) -> String {
        mask::masked(&self.0)
    }
}

/// Whether `part` may come behind `before`, and behind `anchor`, the last that is no space (both
/// nothing at the start of the name).
fn check_follows(part: Part, before: Option<Part>, anchor: Option<Part>) -> Result<(), NameError> {
    let on_latin = matches!(before, Some(Part::Latin | Part::Mark));
    let fits = match part {
        Part::Han | Part::Latin => true,
        Part::Mark | Part::Period => on_latin,
        Part::Space => before != Some(Part::Space),
        Part::MiddleDot | Part::Hyphen => ends_word(anchor),
        // "O'Brien", "'t Hooft", "van 't Hof".
        Part::Apostrophe => on_latin || matches!(before, None | Some(Part::Space)),
    };
    match part {
        _ if fits => Ok(()),
        Part::Mark => Err(NameError::Characters),
        Part::Han
        | Part::Latin
        | Part::MiddleDot
        | Part::Space
        | Part::Hyphen
        | Part::Apostrophe
        | Part::Period => Err(NameError::Separators),
    }
}

fn ends_word(part: Option<Part>) -> bool {
    matches!(
        part,
        Some(Part::Han | Part::Latin | Part::Mark | Part::Period)
    )
}

fn part(c: char) -> Option<Part> {
    match c {
        _ if is_han(c) => Some(Part::Han),
        _ if is_latin(c) => Some(Part::Latin),
        // U+034F shows nothing.
        '\u{34F}' => None,
        '\u{300}'..='\u{36F}' => Some(Part::Mark),
        '\u{B7}' | '\u{2022}' | '\u{30FB}' | '\u{FF0E}' => Some(Part::MiddleDot),
        ' ' | '\u{3000}' => Some(Part::Space),
        '-' => Some(Part::Hyphen),
        '\'' | '\u{2019}' => Some(Part::Apostrophe),
        '.' => Some(Part::Period),
        _ => None,
    }
}

/// Unified and compatibility ideographs of plane 0, the planes 2 and 3, which hold nothing else and
/// still grow, and the zero that some people have in their names.
fn is_han(c: char) -> bool {
    matches!(
        c,
        '\u{3007}'
            | '\u{3400}'..='\u{4DBF}'
            | '\u{4E00}'..='\u{9FFF}'
            | '\u{F900}'..='\u{FAD9}'
            | '\u{20000}'..='\u{2FFFD}'
            | '\u{30000}'..='\u{3FFFD}'
    )
}

/// Letters of Basic Latin, Latin-1, Latin Extended-A and -B, and Latin Extended Additional.
fn is_latin(c: char) -> bool {
    matches!(
        c,
        'A'..='Z' | 'a'..='z' | '\u{C0}'..='\u{24F}' | '\u{1E00}'..='\u{1EFF}'
    ) && !matches!(c, '\u{D7}' | '\u{F7}')
}

fn matching_form(name: &str) -> String {
    // Dots first: U+FF0E would become a period in the next step.
    let folded = name.chars().map(|c| match part(c) {
        Some(Part::MiddleDot) => '\u{B7}',
        Some(Part::Space) => ' ',
        Some(Part::Apostrophe) => '\'',
        _ => c,
    });
    let folded: String = folded.nfkc().flat_map(char::to_lowercase).nfkc().collect();
    let closes_up = |c: Option<char>| c.is_none_or(|c| c == ' ' || c == '\u{B7}' || is_han(c));
    let mut form = String::with_capacity(folded.len());
    let mut rest = folded.chars().peekable();
    while let Some(c) = rest.next() {
        let before = form.chars().next_back();
        if c == ' ' && (closes_up(before) || closes_up(rest.peek().copied())) {
            continue;
        }
        form.push(c);
    }
    form
}

impl fmt::Debug for PersonName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PersonName([redacted])")
    }
}

impl TryFrom<String> for PersonName {
    type Error = NameError;

    fn try_from(text: String) -> Result<Self, NameError> {
        Self::parse(&text)
    }
}

impl From<PersonName> for String {
    fn from(name: PersonName) -> Self {
        name.0
    }
}
