//! Sets of sequence numbers as ranges: `1-5,7`. A batch names exactly the events it seals, and a
//! verifier remembers what it saw sealed, both without a number each.

use std::collections::BTreeMap;
use std::fmt;

/// A set of positive numbers, held as disjoint inclusive ranges.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Spans(BTreeMap<i64, i64>);

/// Text that is not a set of ranges in ascending order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a list of ascending ranges")]
pub(crate) struct ParseSpansError;

impl Spans {
    /// The set of ascending `numbers`.
    pub(crate) fn of_ascending(numbers: impl Iterator<Item = i64>) -> Self {
        let mut ranges = BTreeMap::new();
        let mut open: Option<(i64, i64)> = None;
        for number in numbers {
            match open {
                Some((first, last)) if number == last + 1 => open = Some((first, number)),
                Some((first, last)) => {
                    ranges.insert(first, last);
                    open = Some((number, number));
                }
                None => open = Some((number, number)),
            }
        }
        ranges.extend(open);
        Self(ranges)
    }

    /// Reads what [`fmt::Display`] writes, and nothing else: one set has one text.
    pub(crate) fn parse(text: &str) -> Result<Self, ParseSpansError> {
        let mut ranges = BTreeMap::new();
        if text.is_empty() {
            return Ok(Self(ranges));
        }
        let mut floor = 0;
        for part in text.split(',') {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            let first: i64 = first.parse().map_err(|_| ParseSpansError)?;
            let last: i64 = last.parse().map_err(|_| ParseSpansError)?;
            if first <= floor || last < first || last == i64::MAX {
                return Err(ParseSpansError);
            }
            ranges.insert(first, last);
            // Adjacent ranges would be one range.
            floor = last + 1;
        }
        let spans = Self(ranges);
        if spans.to_string() == text {
            Ok(spans)
        } else {
            Err(ParseSpansError)
        }
    }

    /// How many numbers are in the set.
    pub(crate) fn count(&self) -> i64 {
        self.0.iter().map(|(first, last)| last - first + 1).sum()
    }

    /// The lowest number.
    pub(crate) fn lowest(&self) -> Option<i64> {
        self.0.first_key_value().map(|(&first, _)| first)
    }

    /// The highest number.
    pub(crate) fn highest(&self) -> Option<i64> {
        self.0.last_key_value().map(|(_, &last)| last)
    }

    /// Whether `number` is in the set.
    pub(crate) fn contains(&self, number: i64) -> bool {
        self.0
            .range(..=number)
            .next_back()
            .is_some_and(|(_, &last)| last >= number)
    }

    /// The ranges, ascending, both ends included.
    pub(crate) fn ranges(&self) -> impl Iterator<Item = (i64, i64)> + '_ {
        self.0.iter().map(|(&first, &last)| (first, last))
    }

    /// Adds another set; the first number that both held, if they were not disjoint.
    pub(crate) fn absorb(&mut self, other: &Self) -> Option<i64> {
        let mut shared = None;
        for (first, last) in other.ranges() {
            let overlap = self
                .0
                .range(..=last)
                .next_back()
                .filter(|&(_, &end)| end >= first)
                .map(|(&start, _)| start.max(first));
            shared = shared.or(overlap);
            self.insert(first, last);
        }
        shared
    }

    fn insert(&mut self, mut first: i64, mut last: i64) {
        while let Some((&start, &end)) = self.0.range(..=last.saturating_add(1)).next_back() {
            if end < first - 1 {
                break;
            }
            self.0.remove(&start);
            first = first.min(start);
            last = last.max(end);
        }
        self.0.insert(first, last);
    }

    /// Removes the numbers below `floor` and returns how many they were.
    pub(crate) fn drain_below(&mut self, floor: i64) -> i64 {
        let mut removed = 0;
        while let Some(entry) = self.0.first_entry() {
            let (first, last) = (*entry.key(), *entry.get());
            if first >= floor {
                break;
            }
            entry.remove();
            if last >= floor {
                self.0.insert(floor, last);
                removed += floor - first;
            } else {
                removed += last - first + 1;
            }
        }
        removed
    }
}

impl fmt::Display for Spans {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (first, last)) in self.ranges().enumerate() {
            if index > 0 {
                f.write_str(",")?;
            }
            if first == last {
                write!(f, "{first}")?;
            } else {
                write!(f, "{first}-{last}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(numbers: &[i64]) -> Spans {
        Spans::of_ascending(numbers.iter().copied())
    }

    #[test]
    fn prints_and_parses() {
        for (numbers, text) in [
            (&[][..], ""),
            (&[3], "3"),
            (&[1, 2, 3, 5, 7, 8], "1-3,5,7-8"),
        ] {
            assert_eq!(of(numbers).to_string(), text);
            assert_eq!(Spans::parse(text), Ok(of(numbers)));
        }
    }

    #[test]
    fn one_set_has_one_text() {
        for text in [
            "0",
            "-1",
            "2-1",
            "1-1",
            "1,2",
            "3,1",
            "1-3,2",
            "01",
            "+1",
            "1,",
            ",",
            "a",
            "1-2-3",
            "9223372036854775807",
        ] {
            assert!(Spans::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn absorbing_tells_what_was_there_twice() {
        let mut set = of(&[1, 2, 3, 7]);
        assert_eq!(set.absorb(&of(&[4, 6])), None);
        assert_eq!(set.to_string(), "1-4,6-7");
        assert_eq!(set.absorb(&of(&[5])), None);
        assert_eq!(set.to_string(), "1-7");
        assert_eq!(set.absorb(&of(&[7, 8, 9])), Some(7));
        assert_eq!(set.to_string(), "1-9");
        assert_eq!(of(&[1, 9]).absorb(&of(&[2, 3, 4, 9])), Some(9));
        assert_eq!(of(&[5]).absorb(&of(&[4, 5, 6])), Some(5));
    }

    #[test]
    fn draining_cuts_a_range_in_two() {
        let mut set = of(&[1, 2, 5, 6, 7]);
        assert_eq!(set.drain_below(6), 3);
        assert_eq!(set.to_string(), "6-7");
        assert!(set.contains(6) && !set.contains(5) && !set.contains(8));
        assert_eq!(
            (set.lowest(), set.highest(), set.count()),
            (Some(6), Some(7), 2)
        );
    }
}
