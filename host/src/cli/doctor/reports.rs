//! Whether reports on a schedule can be written to their directories.

use super::finding::Finding;
use super::place::Place;
use crate::config::Config;
use crate::reports::{Schedule, To};

const CHECK: &str = "reports";

/// Nothing is said where none is on a schedule.
pub(super) fn check(config: &Config) -> Option<Finding> {
    let schedules = &config.reports.schedules;
    let wrong = schedules.iter().find_map(unusable);
    let count = schedules.len();
    let fine = || Finding::ok(CHECK, format_args!("{count} on a schedule can be written"));
    wrong.or_else(|| (count > 0).then(fine))
}

fn unusable(schedule: &Schedule) -> Option<Finding> {
    let To::Directory(dir) = &schedule.to else { return None };
    let why = Place::of(dir).unusable?;
    let says = format!("those on the schedule “{}” can't be written: {why}", schedule.name);
    let advice = "make it a directory that the user who runs the server may write to, or name \
                  another as `to` of reports.schedules";
    Some(Finding::wrong(CHECK, says, advice))
}
