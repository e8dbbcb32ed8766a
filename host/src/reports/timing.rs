//! Room reports: when a report on a schedule is due, and how long one that failed is left
//! alone. All times are UTC. Pure.

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Deserialize;

use crate::clock::from_micros;

const MINUTE_US: i64 = 60_000_000;
const HOUR_US: i64 = 60 * MINUTE_US;
const DAY_US: i64 = 24 * HOUR_US;
const WEEK_US: i64 = 7 * DAY_US;
/// From the beginning of any month, this leads into the next.
const OVER_A_MONTH_US: i64 = 31 * DAY_US;

/// The epoch was a Thursday, and weeks begin on Monday.
const EPOCH_IN_WEEK_US: i64 = 3 * DAY_US;

const DAYS: [&str; 7] =
    ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

/// How long one that failed is left alone; each further time in a row doubles it, up to
/// the longest.
const FIRST_PAUSE: Duration = Duration::from_secs(60);
const LONGEST_PAUSE: Duration = Duration::from_secs(15 * 60);

/// How often.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Every {
    Hour,
    Day,
    Week,
    /// On its first day.
    Month,
}

/// The times at which a report is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    every: Every,
    /// Since the beginning of the hour, day, week or month.
    offset_us: i64,
}

impl Timing {
    /// From what an operator writes: `at` a time of the day such as `06:00`, or of the hour
    /// such as `:15`; `on` a day of the week.
    ///
    /// # Errors
    /// What to write instead.
    pub fn read(every: Every, at: Option<&str>, on: Option<&str>) -> Result<Self, String> {
        let minutes = match (every, at) {
            (_, None) => 0,
            (Every::Hour, Some(text)) => minutes_of_hour(text)?,
            (_, Some(text)) => minutes_of_day(text)?,
        };
        let days = match (every, on) {
            (_, None) => 0,
            (Every::Week, Some(text)) => days_of_week(text)?,
            (_, Some(_)) => return Err("on: only every = \"week\" has a day".to_owned()),
        };
        Ok(Self { every, offset_us: days * DAY_US + minutes * MINUTE_US })
    }

    /// The last time until `now`: however many were missed, it stands for all of them.
    pub fn latest(self, now: Timestamp) -> Timestamp {
        self.begun(now.as_microsecond() - self.offset_us)
    }

    /// The first time after `then`.
    pub fn next(self, then: Timestamp) -> Timestamp {
        let length_us = match self.every {
            Every::Hour => HOUR_US,
            Every::Day => DAY_US,
            Every::Week => WEEK_US,
            Every::Month => OVER_A_MONTH_US,
        };
        let latest_us = self.latest(then).as_microsecond() - self.offset_us;
        self.begun(latest_us + length_us)
    }

    /// The time that belongs to the hour, day, week or month around a moment.
    fn begun(self, at_us: i64) -> Timestamp {
        let begin_us = match self.every {
            Every::Hour => at_us - at_us.rem_euclid(HOUR_US),
            Every::Day => at_us - at_us.rem_euclid(DAY_US),
            Every::Week => at_us - (at_us + EPOCH_IN_WEEK_US).rem_euclid(WEEK_US),
            Every::Month => {
                let day = from_micros(at_us).to_zoned(TimeZone::UTC).day();
                at_us - at_us.rem_euclid(DAY_US) - (i64::from(day) - 1) * DAY_US
            }
        };
        from_micros(begin_us + self.offset_us)
    }
}

/// As a person says it, after *every*.
impl fmt::Display for Timing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let minutes = self.offset_us.rem_euclid(DAY_US) / MINUTE_US;
        let (hour, minute) = (minutes / 60, minutes % 60);
        match self.every {
            Every::Hour => write!(f, "hour at :{minute:02}"),
            Every::Day => write!(f, "day at {hour:02}:{minute:02}"),
            Every::Week => {
                let day = usize::try_from(self.offset_us / DAY_US).unwrap_or_default();
                write!(f, "{} at {hour:02}:{minute:02}", DAYS[day.min(6)])
            }
            Every::Month => write!(f, "month at {hour:02}:{minute:02} on its first day"),
        }
    }
}

/// Whether a report is due: for which time.
pub(super) fn due(
    timing: Timing,
    (settled, retry): (Timestamp, Timestamp),
    now: Timestamp,
) -> Option<Timestamp> {
    let latest = timing.latest(now);
    (latest > settled && now >= retry).then_some(latest)
}

/// How long one is left alone that failed so often in a row.
pub(super) fn pause(failures: u32) -> Duration {
    let doubled = 2_u32.saturating_pow(failures.saturating_sub(1));
    FIRST_PAUSE.saturating_mul(doubled).min(LONGEST_PAUSE)
}

fn minutes_of_hour(text: &str) -> Result<i64, String> {
    let minutes = text.strip_prefix(':').and_then(|text| number(text, 60));
    minutes.ok_or_else(|| format!("at: “{}”: write a minute of the hour, as :15", cut(text)))
}

fn minutes_of_day(text: &str) -> Result<i64, String> {
    let read = || {
        let (hour, minute) = text.split_once(':')?;
        Some(number(hour, 24)? * 60 + number(minute, 60)?)
    };
    read().ok_or_else(|| format!("at: “{}”: write a time of the day in UTC, as 06:00", cut(text)))
}

fn days_of_week(text: &str) -> Result<i64, String> {
    let day = (0_i64..).zip(DAYS).find(|(_, day)| *day == text).map(|(number, _)| number);
    day.ok_or_else(|| format!("on: “{}”: write a day of the week, as monday", cut(text)))
}

/// Two digits that are less than `most`.
fn number(text: &str, most: i64) -> Option<i64> {
    let digits = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|number| digits && *number < most)
}

fn cut(text: &str) -> String {
    text.chars().take(20).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn timing(every: Every, at: &str) -> Timing {
        Timing::read(every, Some(at), None).unwrap()
    }

    /// The last one until `now`, and the first one after it.
    fn around(timing: Timing, now: &str) -> [String; 2] {
        [timing.latest(time(now)), timing.next(time(now))].map(|time| time.to_string())
    }

    #[test]
    fn a_daily_report_is_due_at_its_time_and_not_before() {
        let daily = timing(Every::Day, "06:00");
        let at_six = ["2026-11-22T06:00:00Z", "2026-11-23T06:00:00Z"];
        assert_eq!(around(daily, "2026-11-22T06:00:00Z"), at_six);
        assert_eq!(around(daily, "2026-11-23T05:59:59.999999Z"), at_six);
    }

    #[test]
    fn an_hourly_report_is_due_at_its_minute() {
        let expected = ["2026-11-22T23:15:00Z", "2026-11-23T00:15:00Z"];
        assert_eq!(around(timing(Every::Hour, ":15"), "2026-11-23T00:14:00Z"), expected);
    }

    #[test]
    fn a_weekly_report_is_due_on_its_day() {
        let weekly = Timing::read(Every::Week, Some("07:30"), Some("sunday")).unwrap();
        let expected = ["2026-11-22T07:30:00Z", "2026-11-29T07:30:00Z"];
        assert_eq!(around(weekly, "2026-11-22T07:30:00Z"), expected);
        let monday = Timing::read(Every::Week, None, None).unwrap();
        let expected = ["2026-11-16T00:00:00Z", "2026-11-23T00:00:00Z"];
        assert_eq!(around(monday, "2026-11-22T23:59:00Z"), expected);
    }

    #[test]
    fn a_monthly_report_is_due_on_the_first_day_of_short_and_long_months() {
        let monthly = timing(Every::Month, "06:00");
        let of_february = ["2028-02-01T06:00:00Z", "2028-03-01T06:00:00Z"];
        assert_eq!(around(monthly, "2028-02-29T12:00:00Z"), of_february);
        let over_new_year = ["2026-12-01T06:00:00Z", "2027-01-01T06:00:00Z"];
        assert_eq!(around(monthly, "2027-01-01T05:00:00Z"), over_new_year);
    }

    #[test]
    fn what_was_missed_is_due_once_and_for_the_last_time() {
        let daily = timing(Every::Day, "06:00");
        let (settled, never) = (time("2026-11-01T06:00:00Z"), Timestamp::UNIX_EPOCH);
        let now = time("2026-11-22T08:00:00Z");
        let missed = due(daily, (settled, never), now).unwrap();
        assert_eq!(missed, time("2026-11-22T06:00:00Z"));
        assert_eq!(due(daily, (missed, never), now), None);
    }

    #[test]
    fn what_failed_is_left_alone_for_longer_and_longer() {
        let daily = timing(Every::Day, "06:00");
        let (settled, retry) = (time("2026-11-21T06:00:00Z"), time("2026-11-22T06:01:00Z"));
        assert_eq!(due(daily, (settled, retry), time("2026-11-22T06:00:59Z")), None);
        assert!(due(daily, (settled, retry), retry).is_some());
        let pauses = [1, 2, 3, 5, 1_000].map(|failures| pause(failures).as_secs());
        assert_eq!(pauses, [60, 120, 240, 900, 900]);
    }

    #[test]
    fn a_time_that_is_none_is_told_what_to_write() {
        let refused = |every, at, on| Timing::read(every, at, on).unwrap_err();
        for wrong in ["25:00", "6:00", "06:60", "+6:00", "06:00:00", "noon"] {
            assert!(refused(Every::Day, Some(wrong), None).contains("as 06:00"), "{wrong}");
        }
        assert!(refused(Every::Hour, Some("06:00"), None).contains("as :15"));
        assert!(refused(Every::Week, None, Some("someday")).contains("as monday"));
        assert!(refused(Every::Day, None, Some("monday")).contains("only every = \"week\""));
    }

    #[test]
    fn a_schedule_is_told_as_a_person_says_it() {
        let weekly = Timing::read(Every::Week, Some("07:30"), Some("sunday")).unwrap();
        assert_eq!(weekly.to_string(), "sunday at 07:30");
        assert_eq!(timing(Every::Day, "06:05").to_string(), "day at 06:05");
        assert_eq!(timing(Every::Hour, ":15").to_string(), "hour at :15");
    }
}
