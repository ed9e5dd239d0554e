//! What goes into a statement and what comes out of a column.
//!
//! Borrowed text stays borrowed until the engine binds it. `Debug` shows kinds, never contents,
//! since values are personal.

use std::borrow::Cow;
use std::fmt;

use crate::domain::id::{Id, Kind};
use crate::domain::instant::Instant;

/// One parameter of a statement.
#[derive(Clone)]
pub enum Value<'a> {
    /// `TEXT`. U+0000 is refused when bound.
    Text(Option<Cow<'a, str>>),
    /// `BIGINT`.
    Integer(Option<i64>),
    /// `BOOLEAN`.
    Boolean(Option<bool>),
}

/// `values![account_id, now, Some("text")]`: anything that is `Into<Value>`.
#[macro_export]
macro_rules! values {
    ($($value:expr),* $(,)?) => { &[$($crate::storage::Value::from($value)),*] };
}
pub use crate::values;

/// The same as one row for [`super::Reader::fetch_each`].
macro_rules! row_values {
    ($($value:expr),* $(,)?) => { vec![$($crate::storage::Value::from($value)),*] };
}
pub(in crate::storage) use row_values;

impl Value<'_> {
    /// PostgreSQL cannot store U+0000, so neither engine may.
    pub(super) fn holds_nul(&self) -> bool {
        match self {
            Self::Text(Some(text)) => text.as_bytes().contains(&0),
            Self::Text(None) | Self::Integer(_) | Self::Boolean(_) => false,
        }
    }
}

impl fmt::Debug for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text(Some(_)) => "text",
            Self::Integer(Some(_)) => "integer",
            Self::Boolean(Some(_)) => "boolean",
            Self::Text(None) | Self::Integer(None) | Self::Boolean(None) => "null",
        })
    }
}

/// Conversions of a type and of its `Option`.
macro_rules! convert {
    ($([$($generics:tt)*] $from:ty => $variant:ident<$life:lifetime>, $name:ident: $into:expr;)*) => {$(
        impl<$($generics)*> From<$from> for Value<$life> {
            fn from($name: $from) -> Self {
                Self::$variant(Some($into))
            }
        }
        impl<$($generics)*> From<Option<$from>> for Value<$life> {
            fn from(value: Option<$from>) -> Self {
                Self::$variant(value.map(|$name| $into))
            }
        }
    )*};
}

convert! {
    ['a] &'a str => Text<'a>, text: Cow::Borrowed(text);
    ['a] &'a String => Text<'a>, text: Cow::Borrowed(text.as_str());
    [] String => Text<'_>, text: Cow::Owned(text);
    [K: Kind] Id<K> => Text<'_>, id: Cow::Owned(id.to_string());
    [] i64 => Integer<'_>, integer: integer;
    [] u32 => Integer<'_>, integer: i64::from(integer);
    [] Instant => Integer<'_>, at: at.as_millis();
    [] bool => Boolean<'_>, boolean: boolean;
}

/// What an engine found in a column.
#[derive(Clone, Copy)]
pub enum Cell<'a> {
    /// `NULL`.
    Null,
    /// `TEXT`.
    Text(&'a str),
    /// `BIGINT`; on SQLite also `BOOLEAN`.
    Integer(i64),
    /// `BOOLEAN`, on PostgreSQL.
    Boolean(bool),
    /// What no column of ours may hold: a float, a blob, text that is not UTF-8.
    Foreign,
}

/// What a column can be read as.
pub trait FromColumn: Sized {
    /// The value, unless the cell holds what this type does not allow.
    fn from_cell(cell: Cell<'_>) -> Option<Self>;
}

impl FromColumn for String {
    fn from_cell(cell: Cell<'_>) -> Option<Self> {
        text(cell).map(str::to_owned)
    }
}

impl FromColumn for i64 {
    fn from_cell(cell: Cell<'_>) -> Option<Self> {
        match cell {
            Cell::Integer(integer) => Some(integer),
            Cell::Null | Cell::Text(_) | Cell::Boolean(_) | Cell::Foreign => None,
        }
    }
}

impl FromColumn for u32 {
    fn from_cell(cell: Cell<'_>) -> Option<Self> {
        i64::from_cell(cell).and_then(|integer| Self::try_from(integer).ok())
    }
}

impl FromColumn for Instant {
    fn from_cell(cell: Cell<'_>) -> Option<Self> {
        i64::from_cell(cell).map(Self::from_millis)
    }
}

impl FromColumn for bool {
    fn from_cell(cell: Cell<'_>) -> Option<Self> {
        match cell {
            Cell::Boolean(boolean) => Some(boolean),
            Cell::Integer(0) => Some(false),
            Cell::Integer(1) => Some(true),
            Cell::Null | Cell::Text(_) | Cell::Integer(_) | Cell::Foreign => None,
        }
    }
}

impl<K: Kind> FromColumn for Id<K> {
    fn from_cell(cell: Cell<'_>) -> Option<Self> {
        text(cell).and_then(|text| text.parse().ok())
    }
}

impl<T: FromColumn> FromColumn for Option<T> {
    fn from_cell(cell: Cell<'_>) -> Option<Self> {
        match cell {
            Cell::Null => Some(None),
            Cell::Text(_) | Cell::Integer(_) | Cell::Boolean(_) | Cell::Foreign => {
                T::from_cell(cell).map(Some)
            }
        }
    }
}

fn text(cell: Cell<'_>) -> Option<&str> {
    match cell {
        Cell::Text(text) => Some(text),
        Cell::Null | Cell::Integer(_) | Cell::Boolean(_) | Cell::Foreign => None,
    }
}
