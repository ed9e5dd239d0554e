//! One statement for many rows: the `VALUES (…)` that it has once is sent so many times over, in one
//! round trip.
//!
//! The text stays the one that the other engine runs row by row; only numbers of parameters change.

use std::borrow::Cow;
use std::fmt::Write as _;

/// Rows in one statement. Few sizes, since each is a statement of its own to the server.
const SIZES: [usize; 3] = [64, 8, 1];

/// How many of the rows left go into the next statement.
pub(super) fn portion(left: usize) -> usize {
    SIZES.into_iter().find(|size| *size <= left).unwrap_or(left)
}

/// The statement for so many rows of so many values; none if it cannot be, since a parameter stands
/// outside of its one list or has no value.
pub(super) fn for_rows(
    sql: &'static str,
    columns: usize,
    rows: usize,
) -> Option<Cow<'static, str>> {
    let (before, list, after) = split(sql)?;
    if before.contains('$') || after.contains('$') {
        return None;
    }
    if rows == 1 {
        return Some(Cow::Borrowed(sql));
    }
    let mut text = String::with_capacity(before.len() + rows * (list.len() + 8) + after.len());
    text.push_str(before);
    for row in 0..rows {
        if row > 0 {
            text.push_str(", ");
        }
        number(&mut text, list, (columns, row))?;
    }
    text.push_str(after);
    Some(Cow::Owned(text))
}

/// What stands before, in and behind the one `VALUES (…)`, its parentheses in the middle.
fn split(sql: &str) -> Option<(&str, &str, &str)> {
    const OPENING: &str = "VALUES (";
    let start = sql.find(OPENING)? + OPENING.len() - 1;
    let (before, rest) = sql.split_at_checked(start)?;
    let mut depth = 0_usize;
    for (at, byte) in rest.bytes().enumerate() {
        match byte {
            b'(' => depth += 1,
            b')' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            let (list, after) = rest.split_at_checked(at + 1)?;
            return Some((before, list, after)).filter(|_| !after.contains(OPENING));
        }
    }
    None
}

/// Appends the list with its parameters' numbers as they are in that row.
fn number(text: &mut String, list: &str, (columns, row): (usize, usize)) -> Option<()> {
    let mut parts = list.split('$');
    text.push_str(parts.next()?);
    for part in parts {
        let digits = part.bytes().take_while(u8::is_ascii_digit).count();
        let (parameter, rest) = part.split_at_checked(digits)?;
        let parameter: usize = parameter.parse().ok()?;
        if parameter > columns {
            return None;
        }
        write!(text, "${}{rest}", parameter + row * columns).ok()?;
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_is_written_out_for_many_rows() {
        let sql =
            "INSERT INTO t (a, b, c) VALUES ($1, 'x', CAST($2 AS BIGINT)) ON CONFLICT DO NOTHING";
        assert_eq!(for_rows(sql, 2, 1).as_deref(), Some(sql));
        let three = for_rows(sql, 2, 3);
        assert_eq!(
            three.as_deref(),
            Some(
                "INSERT INTO t (a, b, c) VALUES ($1, 'x', CAST($2 AS BIGINT)), \
                 ($3, 'x', CAST($4 AS BIGINT)), ($5, 'x', CAST($6 AS BIGINT)) \
                 ON CONFLICT DO NOTHING"
            )
        );
    }

    #[test]
    fn a_parameter_may_come_twice_and_in_any_order() {
        let text = for_rows(
            "WITH w (a, b, c) AS (VALUES ($2, $1, $2)) SELECT a FROM w",
            2,
            2,
        );
        assert_eq!(
            text.as_deref(),
            Some("WITH w (a, b, c) AS (VALUES ($2, $1, $2), ($4, $3, $4)) SELECT a FROM w")
        );
    }

    #[test]
    fn what_has_no_list_or_parameters_beside_it_cannot_be() {
        for sql in [
            "SELECT a FROM t WHERE a = $1",
            "INSERT INTO t (a) VALUES ($1) ON CONFLICT (a) DO UPDATE SET b = $2",
            "INSERT INTO t (a) VALUES ($1",
            "INSERT INTO t (a, b) VALUES ($1, $2)",
        ] {
            assert_eq!(for_rows(sql, 1, 2), None, "{sql}");
        }
    }

    #[test]
    fn portions_add_up_to_all_rows() {
        for count in [0, 1, 7, 8, 63, 64, 65, 200, 512] {
            let (mut left, mut statements) = (count, 0);
            while left > 0 {
                left -= portion(left);
                statements += 1;
            }
            assert!(statements <= count / 64 + 14, "{count}: {statements}");
        }
        assert_eq!(portion(0), 0);
    }
}
