//! The eighteen-character number of GB 11643-1999, which three kinds of document share: six leading
//! digits, the birth date, three digits of sequence, and a check character by ISO 7064 MOD 11-2.

use chrono::NaiveDate;

use super::DocumentError;

/// The areas that stand for Hong Kong, Macao and Taiwan on residence permits.
const PERMIT_AREAS: [&str; 3] = ["810000", "820000", "830000"];

/// Nobody born before this year holds a document.
const FIRST_YEAR: i32 = 1850;

/// Check characters by the weighted sum modulo 11.
const CHECK_CHARACTERS: &[u8; 11] = b"10X98765432";

/// A resident identity card. Its area is not looked up: codes outlive the places they named.
pub(super) fn check_resident(number: &str, today: NaiveDate) -> Result<(), DocumentError> {
    check_characters(number)?;
    // One number must not be two documents, so the permits' areas are refused here.
    let is_permit = PERMIT_AREAS.iter().any(|area| number.starts_with(area));
    if !number.starts_with(|first| matches!(first, '1'..='8')) || is_permit {
        return Err(DocumentError::Area);
    }
    check_date_and_digit(number, today)
}

/// A residence permit of a person of Hong Kong, Macao or Taiwan.
pub(super) fn check_permit(number: &str, today: NaiveDate) -> Result<(), DocumentError> {
    check_characters(number)?;
    if !PERMIT_AREAS.iter().any(|area| number.starts_with(area)) {
        return Err(DocumentError::Area);
    }
    check_date_and_digit(number, today)
}

/// A foreigner's permanent resident card of 2023: a 9, two digits for the province and three for the
/// country (GB/T 2659) stand where a citizen has the area.
pub(super) fn check_foreigner(number: &str, today: NaiveDate) -> Result<(), DocumentError> {
    check_characters(number)?;
    if !number.starts_with('9') {
        return Err(DocumentError::Area);
    }
    check_date_and_digit(number, today)
}

fn check_characters(number: &str) -> Result<(), DocumentError> {
    let all_digits = number.bytes().all(|byte| byte.is_ascii_digit());
    match (number.chars().count(), all_digits) {
        (15, true) => return Err(DocumentError::FirstGeneration),
        (18, _) => {}
        _ => return Err(DocumentError::Length),
    }
    let (last, leading) = number
        .as_bytes()
        .split_last()
        .ok_or(DocumentError::Length)?;
    let last_fits = last.is_ascii_digit() || *last == b'X';
    if last_fits && leading.iter().all(u8::is_ascii_digit) {
        Ok(())
    } else {
        Err(DocumentError::Characters)
    }
}

/// `number` has passed [`check_characters`].
fn check_date_and_digit(number: &str, today: NaiveDate) -> Result<(), DocumentError> {
    if birth_date(number)? > today {
        return Err(DocumentError::BirthDate);
    }
    if number.bytes().last() == check_character(number) {
        Ok(())
    } else {
        Err(DocumentError::CheckDigit)
    }
}

fn birth_date(number: &str) -> Result<NaiveDate, DocumentError> {
    let part = |from: usize, to: usize| -> Option<u32> { number.get(from..to)?.parse().ok() };
    let date = || -> Option<NaiveDate> {
        let year = i32::try_from(part(6, 10)?).ok()?;
        if year < FIRST_YEAR {
            return None;
        }
        NaiveDate::from_ymd_opt(year, part(10, 12)?, part(12, 14)?)
    };
    date().ok_or(DocumentError::BirthDate)
}

/// The check character of the first seventeen digits. Digit i weighs 2^(18-i), so doubling after
/// each addition weighs them all.
pub(super) fn check_character(number: &str) -> Option<u8> {
    let sum = number.bytes().take(17).fold(0_usize, |sum, byte| {
        (sum + usize::from(byte.wrapping_sub(b'0'))) * 2 % 11
    });
    CHECK_CHARACTERS.get(sum).copied()
}
