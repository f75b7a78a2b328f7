//! Number formatting: numbers as JavaScript writes them.

use super::json::JsonRefusal;
use super::json_writer::JsonText;

/// Beyond this an `f64` does not hold every whole number.
const EXACT: f64 = 9_007_199_254_740_992.0;

pub(super) fn put_int(text: &mut JsonText, number: i64) -> Result<(), JsonRefusal> {
    let mut digits = [0; 20];
    let mut at = digits.len();
    let mut rest = number.unsigned_abs();
    loop {
        at -= 1;
        digits[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    if number < 0 {
        at -= 1;
        digits[at] = b'-';
    }
    text.put(&digits[at..])
}

/// Writes a finite number: the shortest digits that read back as the same number, in the forms of
/// ECMA-262 5.1, section 9.8.1.
pub(super) fn put(text: &mut JsonText, number: f64) -> Result<(), JsonRefusal> {
    if number.abs() < EXACT && number.fract() == 0.0 {
        return put_int(text, number as i64);
    }
    let shortest = format!("{:e}", number.abs());
    let (mantissa, exponent) = shortest.split_once('e').unwrap_or((&shortest, "0"));
    let digits: String = mantissa.chars().filter(|letter| *letter != '.').collect();
    let (count, point) = (digits.len() as i32, exponent.parse().unwrap_or(0) + 1);
    let sign = if number < 0.0 { "-" } else { "" };
    let written = if (count..=21).contains(&point) {
        format!("{sign}{digits}{}", "0".repeat((point - count) as usize))
    } else if (1..=21).contains(&point) {
        let (whole, fraction) = digits.split_at(point as usize);
        format!("{sign}{whole}.{fraction}")
    } else if (-5..=0).contains(&point) {
        format!("{sign}0.{}{digits}", "0".repeat(-point as usize))
    } else {
        let (first, rest) = digits.split_at(1);
        let dot = if rest.is_empty() { "" } else { "." };
        format!("{sign}{first}{dot}{rest}e{:+}", point - 1)
    };
    text.put(written.as_bytes())
}
