//! Numbers as people type them on Chinese keyboards: full-width digits and letters, ideographic
//! spaces, several kinds of hyphen. Folded to ASCII here, once, before any number is checked.

/// `text` with full-width forms (U+FF01 to U+FF5E) as ASCII, in upper case, without spaces and
/// hyphens.
pub(super) fn compact(text: &str) -> String {
    text.chars()
        .map(folded_char)
        .filter(|&c| c != ' ' && c != '-')
        .map(|c| c.to_ascii_uppercase())
        .collect()
}

fn folded_char(c: char) -> char {
    match c {
        '\u{FF01}'..='\u{FF5E}' => u32::from(c)
            .checked_sub(0xFEE0)
            .and_then(char::from_u32)
            .unwrap_or(c),
        '\u{3000}' | '\u{A0}' => ' ',
        '\u{2010}'..='\u{2013}' => '-',
        _ => c,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn full_width_text_becomes_ascii() {
        assert_eq!(compact("＋８６\u{3000}１３８"), "+86138");
        assert_eq!(compact(" 1101-05\u{3000}１９ｘ－\u{2011} "), "11010519X");
    }

    #[test]
    fn other_text_stays_as_it_is() {
        assert_eq!(compact("张·é"), "张·é");
        // Digits of other scripts are not digits here.
        assert_eq!(compact("١٢"), "١٢");
    }
}
