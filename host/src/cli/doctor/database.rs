//! Whether the database answers, has the tables of this program, and agrees on the time.

use jiff::SignedDuration;

use super::finding::Finding;
use crate::clock::Clock;
use crate::config::Config;
use crate::db::{Db, Error, home};
use crate::ids::InstanceId;
use crate::runtimes;

/// Clocks that differ by more make leases and links end early or late.
pub(super) const BEARABLE: SignedDuration = SignedDuration::from_secs(2);

/// By more, tokens and leases are not valid where they should be.
pub(super) const UNBEARABLE: SignedDuration = SignedDuration::from_secs(30);

const TABLES: &str = "migrations";

/// What the database says of its installation.
#[derive(Debug, Default)]
pub(super) struct Known {
    pub(super) instance: Option<InstanceId>,
    /// Engines by which there are runtimes that should run.
    pub(super) used: Vec<String>,
}

/// What was found, and what is known by it.
pub(super) async fn check(config: &Config) -> (Vec<Finding>, Known) {
    if config.database.url.is_none() && !Db::file(&config.data).exists() {
        let says = "an SQLite file in the data directory, made at the first start";
        return (vec![Finding::ok("database", says), own_clock()], Known::default());
    }
    match Db::look_into(&config.database, &config.data).await {
        Err(error) => (vec![away(&error)], Known::default()),
        Ok(db) => {
            let mut found = look(&db).await;
            found.extend(home(&db, config).await);
            let known = known(&db).await;
            db.close().await;
            (found, known)
        }
    }
}

/// Tables that are not there yet know nothing.
async fn known(db: &Db) -> Known {
    let instance = db.find_setting("instance").await.ok().flatten();
    let used = runtimes::engines_in_use(db).await.unwrap_or_default();
    Known { instance: instance.and_then(|id| id.parse().ok()), used }
}

async fn look(db: &Db) -> Vec<Finding> {
    let mut found = Vec::new();
    match db.can_write().await {
        Ok(()) => found.push(Finding::ok("database", format_args!("{} answers", db.backend()))),
        Err(error) => found.push(away(&error)),
    }
    found.push(tables(db).await);
    found.push(clock(db).await);
    found
}

/// Only what is wrong is told.
async fn home(db: &Db, config: &Config) -> Option<Finding> {
    let elsewhere = home::is_elsewhere(db, &config.data).await.ok()?;
    let says = "the projects of this database lie in another data directory";
    let advice = "name that one (--data); where it is gone for good, start once with --take-over";
    elsewhere.then(|| Finding::wrong("data directory", says, advice))
}

fn away(error: &Error) -> Finding {
    let advice = "start it, or see that database.url (or DATABASE_URL) names it, and a user who \
                  may write";
    Finding::wrong("database", error, advice)
}

async fn tables(db: &Db) -> Finding {
    let tables = match db.tables().await {
        Ok(tables) => tables,
        Err(error) => return Finding::wrong(TABLES, error, "see what the database says"),
    };
    if tables.newer > 0 {
        let says = format!("a newer Lockhouse made {} changes of the tables", tables.newer);
        return Finding::wrong(TABLES, says, "use that version, or an older copy of the database");
    }
    match tables.missing {
        0 => Finding::ok(TABLES, "the tables are up to date"),
        missing => {
            let says = format!("{missing} changes of the tables are still to be made");
            Finding::warning(
                TABLES,
                says,
                "copy the database; the server makes them when it starts",
            )
        }
    }
}

fn own_clock() -> Finding {
    Finding::ok("clock", "it is the machine's own, for the database too")
}

async fn clock(db: &Db) -> Finding {
    let clock = Clock::system();
    let before = clock.now();
    match db.clock().await {
        Ok(None) => own_clock(),
        Ok(Some(theirs)) => judged("clock", "the database's", theirs.duration_since(before)),
        Err(error) => Finding::warning("clock", error, "see what the database says"),
    }
}

/// How another clock goes beside ours.
pub(super) fn judged(check: &'static str, whose: &str, ahead: SignedDuration) -> Finding {
    let side = if ahead.is_negative() { "behind" } else { "ahead of" };
    let apart = ahead.abs();
    let says = format!("{whose} is {:.1} s {side} this machine's", apart.as_secs_f64());
    let advice = "let both machines follow a time server (`timedatectl set-ntp true`)";
    match apart {
        apart if apart > UNBEARABLE => Finding::wrong(check, says, advice),
        apart if apart > BEARABLE => Finding::warning(check, says, advice),
        _ => Finding::ok(check, format_args!("{whose} agrees with this machine's")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::finding::Verdict;
    use super::*;

    #[test]
    fn a_clock_that_is_far_off_either_way_is_wrong() {
        let at = |seconds| judged("clock", "its", SignedDuration::from_secs(seconds));
        assert_eq!(at(1).verdict, Verdict::Ok);
        assert_eq!(at(-10).verdict, Verdict::Warning);
        assert_eq!(at(3600).verdict, Verdict::Wrong);
        assert!(at(-3600).says.contains("3600.0 s behind"), "{}", at(-3600).says);
    }
}
