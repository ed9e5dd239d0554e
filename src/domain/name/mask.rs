//! How much of a name is shown where the whole is not needed.

use super::{Part, is_han, part};

/// Surnames of two characters that are in use. One that is missing shows one character only.
const COMPOUND_SURNAMES: [&str; 39] = [
    "欧阳", "太史", "端木", "上官", "司马", "东方", "独孤", "南宫", "万俟", "闻人", "夏侯", "诸葛",
    "尉迟", "公羊", "赫连", "澹台", "皇甫", "宗政", "濮阳", "公冶", "太叔", "申屠", "公孙", "慕容",
    "仲孙", "钟离", "长孙", "宇文", "司徒", "鲜于", "司空", "令狐", "歐陽", "東方", "諸葛", "鍾離",
    "長孫", "第五", "呼延",
];

pub(super) fn masked(name: &str) -> String {
    let mut masked = String::new();
    let mut kept = kept_characters(name);
    let mut word_starts = true;
    for c in name.chars() {
        match part(c) {
            Some(Part::Han) => {
                masked.push(if kept > 0 { c } else { '*' });
                kept = kept.saturating_sub(1);
                word_starts = true;
            }
            Some(Part::Latin) if word_starts => {
                // One star for the rest of a Latin word, whatever its length.
                masked.extend([c, '*']);
                // What follows an initial is no surname.
                kept = 0;
                word_starts = false;
            }
            Some(Part::MiddleDot | Part::Space | Part::Hyphen) => {
                masked.push(c);
                word_starts = true;
            }
            _ => {}
        }
    }
    masked
}

/// How many Han characters stay: the surname, and never the whole name.
fn kept_characters(name: &str) -> usize {
    let mut letters = name
        .chars()
        .filter(|&c| is_han(c) || part(c) == Some(Part::Latin));
    let surname: String = name.chars().take(2).collect();
    let is_compound = COMPOUND_SURNAMES.contains(&surname.as_str());
    match (letters.nth(1), letters.next()) {
        (None, _) => 0,
        (Some(_), Some(_)) if is_compound => 2,
        (Some(_), _) => 1,
    }
}
