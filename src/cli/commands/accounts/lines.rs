//! The lines of an import, and how much of the file they were.

use std::io::{self, BufRead};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::domain::account_record::MAX_LINE;

/// What has been taken out of a file.
#[derive(Debug, Default)]
pub(super) struct Taken {
    bytes: AtomicU64,
    /// Without the empty ones.
    lines: AtomicU64,
}

impl Taken {
    /// How many bytes so many of the lines were, as far as can be told.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "an estimate for people"
    )]
    pub(super) fn bytes_of(&self, lines: u64) -> u64 {
        let (bytes, taken) = (
            self.bytes.load(Ordering::Relaxed),
            self.lines.load(Ordering::Relaxed),
        );
        let share = lines as f64 / taken.max(1) as f64;
        (bytes as f64 * share.min(1.0)) as u64
    }
}

/// Lines as bytes, each bounded: what is too long is cut just past the limit, so that it is refused
/// as too long, and skipped to its end.
pub(super) struct Lines {
    input: Box<dyn BufRead + Send>,
    taken: Arc<Taken>,
}

impl Lines {
    pub(super) fn new(input: Box<dyn BufRead + Send>, taken: Arc<Taken>) -> Self {
        Self { input, taken }
    }

    fn read(&mut self) -> io::Result<Option<Vec<u8>>> {
        let mut line = Vec::new();
        let mut began = false;
        loop {
            let buffer = self.input.fill_buf()?;
            if buffer.is_empty() {
                return Ok(began.then_some(line));
            }
            began = true;
            let end = buffer.iter().position(|&byte| byte == b'\n');
            let taken = buffer
                .get(..end.unwrap_or(buffer.len()))
                .unwrap_or_default();
            let room = (MAX_LINE + 1).saturating_sub(line.len());
            line.extend_from_slice(taken.get(..room.min(taken.len())).unwrap_or_default());
            let consumed = end.map_or(buffer.len(), |end| end + 1);
            self.input.consume(consumed);
            let consumed = u64::try_from(consumed).unwrap_or(u64::MAX);
            self.taken.bytes.fetch_add(consumed, Ordering::Relaxed);
            if end.is_some() {
                return Ok(Some(line));
            }
        }
    }
}

impl Iterator for Lines {
    type Item = io::Result<Vec<u8>>;

    fn next(&mut self) -> Option<Self::Item> {
        let line = self.read().transpose()?;
        let is_empty = line.as_ref().is_ok_and(|line| line.trim_ascii().is_empty());
        let counted = u64::from(!is_empty);
        self.taken.lines.fetch_add(counted, Ordering::Relaxed);
        Some(line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_bounded_and_are_counted() {
        let long = "x".repeat(MAX_LINE + 100);
        let text = format!("one\n\n{long}\r\nlast");
        let taken = Arc::new(Taken::default());
        let input = Box::new(io::Cursor::new(text.clone().into_bytes()));
        let lines: Vec<Vec<u8>> = Lines::new(input, Arc::clone(&taken))
            .collect::<Result<_, _>>()
            .unwrap();
        let lengths: Vec<usize> = lines.iter().map(Vec::len).collect();
        assert_eq!(lengths, [3, 0, MAX_LINE + 1, 4]);
        assert_eq!(taken.bytes_of(3), text.len() as u64);
        assert_eq!(taken.bytes_of(0), 0);
        assert!(taken.bytes_of(1) < taken.bytes_of(2));
    }
}
