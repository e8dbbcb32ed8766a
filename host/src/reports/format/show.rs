//! Cells and figures as people read them.

use jiff::tz::TimeZone;

use crate::clock::from_micros;
use crate::reports::Cell;

/// A cell as a text; an empty one is empty.
pub(super) fn cell(cell: &Cell) -> String {
    match cell {
        Cell::Empty => String::new(),
        Cell::Text(text) => text.clone(),
        Cell::Integer(number) => grouped(&number.to_string()),
        Cell::Number(value) => number(*value),
        Cell::Time(micros) => time(*micros),
    }
}

/// In UTC, by the second.
fn time(micros: i64) -> String {
    let time = from_micros(micros).to_zoned(TimeZone::UTC);
    time.strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// With at most two decimals, and none that say nothing.
pub(super) fn number(value: f64) -> String {
    let text = format!("{value:.2}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".to_owned() } else { grouped(text) }
}

/// Digits in threes, with a narrow space between them.
fn grouped(text: &str) -> String {
    let (whole, rest) = text.split_at(text.find('.').unwrap_or(text.len()));
    let digits = whole.trim_start_matches('-');
    let mut shown = whole[..whole.len() - digits.len()].to_owned();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            shown.push('\u{202f}');
        }
        shown.push(digit);
    }
    shown + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_grouped_and_rounded() {
        let shown = [1.0, -1_234.5, 1_234_567.891, 0.004, 12.30].map(number);
        let expected = ["1", "-1\u{202f}234.5", "1\u{202f}234\u{202f}567.89", "0", "12.3"];
        assert_eq!(shown, expected);
        assert_eq!(cell(&Cell::Integer(-100_000)), "-100\u{202f}000");
    }

    #[test]
    fn a_time_is_told_in_utc() {
        assert_eq!(cell(&Cell::Time(1_795_219_199_999_999)), "2026-11-20 23:59:59");
    }
}
