//! Days in UTC: what happened on each, also on those on which nothing did.

use std::collections::BTreeMap;

use crate::document::{Chart, line};

const DAY_US: i64 = 86_400_000_000;
/// Days that one chart shows, the last ones.
const MOST: i64 = 366;

/// Sums by day, several at once.
#[derive(Debug, Clone)]
pub struct Days<const N: usize>(BTreeMap<i64, [i64; N]>);

impl<const N: usize> Default for Days<N> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<const N: usize> Days<N> {
    /// Adds to the day of a time in microseconds since 1970.
    pub fn add(&mut self, time_us: i64, values: [i64; N]) {
        let sums = self.0.entry(time_us.div_euclid(DAY_US)).or_insert([0; N]);
        for (sum, value) in sums.iter_mut().zip(values) {
            *sum += value;
        }
    }

    /// One series for each name, from the first day to the last.
    pub fn chart(&self, name: &str, names: [&str; N]) -> Chart {
        let last = self.0.keys().next_back().copied().unwrap_or_default();
        let first = self.0.keys().next().copied().unwrap_or_default().max(last - MOST + 1);
        let days: Vec<i64> = if self.0.is_empty() { Vec::new() } else { (first..=last).collect() };
        let labels = days.iter().map(|day| label(day * DAY_US)).collect();
        let value = |day: &i64, at: usize| self.0.get(day).map_or(0.0, |sums| sums[at] as f64);
        let series = names
            .iter()
            .enumerate()
            .map(|(at, name)| (*name, days.iter().map(|day| value(day, at)).collect::<Vec<_>>()));
        line(name, labels, series)
    }
}

/// A time's day, such as `2026-11-21`.
pub fn label(time_us: i64) -> String {
    let (year, month, day) = date(time_us.div_euclid(DAY_US));
    format!("{year:04}-{month:02}-{day:02}")
}

/// The date of a day since 1970, by counting 400-year cycles from a 1 March:
/// the leap day then ends the year.
fn date(days: i64) -> (i64, i64, i64) {
    const CYCLE: i64 = 146_097;
    let days = days + 719_468;
    let (cycle, in_cycle) = (days.div_euclid(CYCLE), days.rem_euclid(CYCLE));
    let leaps = in_cycle / 1_460 - in_cycle / 36_524 + in_cycle / 146_096;
    let year = (in_cycle - leaps) / 365;
    let in_year = in_cycle - (365 * year + year / 4 - year / 100);
    let from_march = (5 * in_year + 2) / 153;
    let day = in_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    (cycle * 400 + year + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_told_by_its_date() {
        assert_eq!(label(0), "1970-01-01");
        assert_eq!(label(-1), "1969-12-31");
        assert_eq!(label(951_782_400_000_000), "2000-02-29");
        assert_eq!(label(4_107_542_400_000_000), "2100-03-01");
        assert_eq!(label(1_795_219_199_999_999), "2026-11-20");
    }

    #[test]
    fn days_on_which_nothing_happened_are_shown() {
        let mut days = Days::default();
        days.add(5, [1]);
        days.add(3 * DAY_US, [2]);
        days.add(3 * DAY_US + 1, [2]);
        let chart = days.chart("by day", ["things"]);
        assert_eq!(chart.labels.last().map(String::as_str), Some("1970-01-04"));
        assert_eq!(chart.series[0].values, [1.0, 0.0, 0.0, 4.0]);
    }

    #[test]
    fn a_long_time_shows_its_last_year() {
        let mut days = Days::default();
        days.add(0, [1]);
        days.add(10_000 * DAY_US, [1]);
        assert_eq!(days.chart("by day", ["things"]).labels.len(), 366);
        assert!(Days::<1>::default().chart("by day", ["things"]).labels.is_empty());
    }
}
