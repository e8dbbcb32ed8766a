//! Room reports: which reports the operator wants without asking, how often and where.

use std::collections::BTreeSet;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Deserialize;

use super::timing::{Every, Timing};
use super::{Format, Given};
use crate::objects::Key;

/// Schedules of one server.
const MAX_SCHEDULES: usize = 100;

/// Files that are kept of one, unless another number is said, and the most.
const DEFAULT_KEEP: u32 = 30;
const MAX_KEEP: u32 = 1_000;

/// Names are part of files' names.
const MAX_NAME_BYTES: usize = 64;

/// Before the names of files in the storage, unless another is said.
const PREFIX: &str = "reports";

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Reports that are written without being asked for.
    pub schedules: Vec<Schedule>,
}

impl Config {
    pub fn check(&self) -> Result<(), String> {
        if self.schedules.len() > MAX_SCHEDULES {
            return Err(format!("reports.schedules: have at most {MAX_SCHEDULES}"));
        }
        let mut names = BTreeSet::new();
        match self.schedules.iter().find(|schedule| !names.insert(&schedule.name)) {
            Some(twice) => Err(format!(
                "reports.schedules: two have the name “{}”; give each its own",
                twice.name
            )),
            None => Ok(()),
        }
    }
}

/// A report on a schedule.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Text")]
pub struct Schedule {
    /// Letters, digits, `-` and `_`.
    pub name: String,
    /// Id of the report.
    pub report: String,
    pub parameters: Given,
    pub format: Format,
    pub timing: Timing,
    pub to: To,
    /// Files that are kept, the newest.
    pub keep: u32,
}

/// Where files go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum To {
    /// An absolute path.
    Directory(PathBuf),
    /// The storage of the installation, where their names begin so.
    Storage(String),
}

/// As an operator writes it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Text {
    name: String,
    report: String,
    #[serde(default)]
    parameters: Given,
    format: Option<Format>,
    every: Every,
    at: Option<String>,
    on: Option<String>,
    to: Option<String>,
    keep: Option<u32>,
}

impl TryFrom<Text> for Schedule {
    type Error = String;

    fn try_from(text: Text) -> Result<Self, String> {
        let name = name(text.name)?;
        let of = |why: String| format!("“{name}”: {why}");
        let (at, on) = (text.at.as_deref(), text.on.as_deref());
        let timing = Timing::read(text.every, at, on).map_err(of)?;
        let to = text.to.as_deref().unwrap_or("storage").parse::<To>().map_err(of)?;
        let keep = text.keep.unwrap_or(DEFAULT_KEEP);
        if !(1..=MAX_KEEP).contains(&keep) {
            return Err(of(format!("keep: use 1 to {MAX_KEEP}")));
        }
        let format = text.format.unwrap_or(Format::Html);
        let Text { report, parameters, .. } = text;
        Ok(Self { name, report, parameters, format, timing, to, keep })
    }
}

fn name(text: String) -> Result<String, String> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    if (1..=MAX_NAME_BYTES).contains(&text.len()) && text.bytes().all(plain) {
        return Ok(text);
    }
    let shown: String = text.chars().take(80).collect();
    Err(format!("name: “{shown}”: use 1 to {MAX_NAME_BYTES} letters, digits, “-” or “_”"))
}

impl FromStr for To {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let prefix = text.strip_prefix("storage:").or((text == "storage").then_some(PREFIX));
        match prefix {
            Some(prefix) if prefix.parse::<Key>().is_ok() => Ok(Self::Storage(prefix.to_owned())),
            None if text.starts_with('/') => Ok(Self::Directory(PathBuf::from(text))),
            _ => {
                let shown: String = text.chars().take(80).collect();
                Err(format!(
                    "to: “{shown}”: write the whole path of a directory, as /srv/reports, or \
                     storage, or storage:PREFIX with letters, digits, “-”, “_”, “.” and “/”"
                ))
            }
        }
    }
}

impl fmt::Display for To {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Directory(path) => path.display().fmt(f),
            Self::Storage(prefix) => write!(f, "storage:{prefix}"),
        }
    }
}

impl Schedule {
    /// Name of the file for the time at which it was due: sorts by that time, and no two
    /// schedules have the same, since there is no `.` in names of reports and schedules.
    pub(super) fn file_name(&self, due: Timestamp) -> String {
        let due = due.to_zoned(TimeZone::UTC).strftime("%Y-%m-%dT%H%MZ");
        format!("{}.{}.{due}.{}", self.report, self.name, self.format.extension())
    }
}

#[cfg(test)]
mod tests {
    use figment::Figment;
    use figment::providers::{Format as _, Toml};

    use super::*;

    fn read(toml: &str) -> Result<Schedule, String> {
        Figment::from(Toml::string(toml)).extract().map_err(|error| error.to_string())
    }

    fn with(line: &str) -> Result<Schedule, String> {
        read(&format!("name = \"daily\"\nreport = \"usage\"\nevery = \"day\"\n{line}"))
    }

    #[test]
    fn a_name_a_report_and_how_often_are_enough() {
        let daily = with("").unwrap();
        assert_eq!((daily.format, daily.keep), (Format::Html, 30));
        assert_eq!(daily.to, To::Storage("reports".to_owned()));
        assert_eq!(daily.timing.to_string(), "day at 00:00");
    }

    #[test]
    fn a_file_is_named_after_its_report_its_schedule_and_its_time() {
        let due = "2026-11-22T06:00:00Z".parse().unwrap();
        let daily = with("format = \"markdown\"").unwrap();
        assert_eq!(daily.file_name(due), "usage.daily.2026-11-22T0600Z.md");
    }

    #[test]
    fn files_go_to_a_directory_or_into_the_storage() {
        let to = |text: &str| with(&format!("to = \"{text}\"")).map(|daily| daily.to);
        assert_eq!(to("/srv/reports"), Ok(To::Directory("/srv/reports".into())));
        assert_eq!(to("storage:a/b"), Ok(To::Storage("a/b".to_owned())));
        for wrong in ["reports", "storage:", "storage:/a", "storage:../a", "s3://bucket", ""] {
            assert!(to(wrong).unwrap_err().contains("as /srv/reports"), "{wrong}");
        }
    }

    #[test]
    fn a_wrong_schedule_is_told_by_its_name_what_to_write() {
        let refused = |line| with(line).unwrap_err();
        assert!(refused("at = \"25:00\"").contains("“daily”: at: “25:00”: write a time"));
        assert!(refused("keep = 0").contains("“daily”: keep: use 1 to 1000"));
        assert!(refused("evry = \"day\"").contains("evry"));
        assert!(refused("format = \"pdf\"").contains("pdf"));
        let unnamed = read("name = \"a b\"\nreport = \"usage\"\nevery = \"day\"");
        assert!(unnamed.unwrap_err().contains("name: “a b”: use 1 to 64 letters"));
    }

    #[test]
    fn two_schedules_of_one_name_are_refused() {
        let daily = with("").unwrap();
        let config = Config { schedules: vec![daily.clone(), daily] };
        assert!(config.check().unwrap_err().contains("two have the name “daily”"));
    }
}
