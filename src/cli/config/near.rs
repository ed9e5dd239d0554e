//! Which setting somebody may have meant who wrote one that there is not.

/// More mistakes than that, or more than one in four letters, and it may be anything.
const MOST_MISTAKES: usize = 2;
const LETTERS_FOR_A_MISTAKE: usize = 4;

/// The nearest of some paths, if it is near.
pub(super) fn nearest<'a>(path: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let allowed = MOST_MISTAKES.min(path.len() / LETTERS_FOR_A_MISTAKE);
    // What differs more in length is not compared: who wrote it decides how long it is.
    known
        .filter(|other| other.len().abs_diff(path.len()) <= allowed)
        .map(|other| (mistakes(path, other), other))
        .filter(|(mistakes, _)| *mistakes <= allowed)
        .min()
        .map(|(_, other)| other)
}

/// How many letters to add, leave out or change to come from one text to the other (Levenshtein).
fn mistakes(one: &str, other: &str) -> usize {
    let mut row: Vec<usize> = (0..=other.chars().count()).collect();
    for (above, letter) in (1..).zip(one.chars()) {
        let mut last = above;
        let mut next = vec![last];
        for (pair, sign) in row.windows(2).zip(other.chars()) {
            let &[corner, up] = pair else { continue };
            let changed = corner + usize::from(letter != sign);
            last = changed.min(up + 1).min(last + 1);
            next.push(last);
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mistakes_are_counted() {
        for (one, other, count) in [
            ("", "", 0),
            ("", "abc", 3),
            ("issuer", "issuer", 0),
            ("isuer", "issuer", 1),
            ("issure", "issuer", 2),
            ("端口", "端", 1),
            ("kitten", "sitting", 3),
        ] {
            assert_eq!(mistakes(one, other), count, "{one} {other}");
            assert_eq!(mistakes(other, one), count, "{other} {one}");
        }
    }

    #[test]
    fn only_what_is_near_was_meant_and_the_nearest_of_all() {
        let known = ["log.level", "server.issuer", "server.listen", "tls.key"];
        let nearest = |path| nearest(path, known.into_iter());
        assert_eq!(nearest("server.isuer"), Some("server.issuer"));
        assert_eq!(nearest("sever.listen"), Some("server.listen"));
        assert_eq!(nearest("log_level"), Some("log.level"));
        for far in ["", "x", "log", "tls.abc", "server.no_such", "端口端口端口"] {
            assert_eq!(nearest(far), None, "{far}");
        }
    }
}
