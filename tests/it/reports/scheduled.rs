//! Reports on a schedule, by real servers. What is due is due by the database, so that
//! these need not wait for a morning.

use std::path::Path;

use serde_json::Value;
use tokio::time::timeout;

use crate::host::{Host, PATIENCE, engine, eventually, lockhouse};
use crate::objects::Server;

type Variables = &'static [(&'static str, &'static str)];

/// One every day, to this place.
fn daily(to: &str) -> (&'static str, &'static str) {
    let schedules = format!(
        "[{{name=\"daily\", report=\"usage\", parameters={{since=\"1d\"}}, format=\"json\", \
         every=\"day\", at=\"06:00\", to=\"{to}\", keep=5}}]"
    );
    ("LOCKHOUSE_REPORTS__SCHEDULES", schedules.leak())
}

fn to_directory(dir: &Path) -> Variables {
    Box::leak(Box::new([daily(dir.to_str().unwrap())]))
}

async fn schedule(host: &Host) -> Value {
    host.get("/api/v1/admin/reports/schedules").await.json["schedules"][0].clone()
}

/// As if none had been written since 1970.
async fn has_missed_all(host: &Host) {
    host.rows("UPDATE report_schedules SET settled_at = 0 RETURNING failures").await;
}

/// The schedule, once a report is written.
async fn written(host: &Host) -> Value {
    eventually("the report is written", async || {
        let schedule = schedule(host).await;
        if schedule["last_outcome"] == "ok" { Ok(schedule) } else { Err(schedule.to_string()) }
    })
    .await
}

fn files(dir: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(dir).unwrap();
    entries.map(|entry| entry.unwrap().path().to_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_schedule_is_told_with_what_is_due_next() {
    let dir = tempfile::tempdir().unwrap();
    let host =
        Host::start_with(need!(local, engine("local").await), to_directory(dir.path())).await;
    let schedule = schedule(&host).await;
    assert_eq!((&schedule["name"], &schedule["report"]), (&"daily".into(), &"usage".into()));
    assert_eq!((&schedule["every"], &schedule["keep"]), (&"day at 06:00".into(), &5.into()));
    assert_eq!(schedule["parameters"]["since"], "1d");
    assert!(schedule["next_at"].as_str().unwrap().ends_with("T06:00:00Z"), "{schedule}");
    assert_eq!((&schedule["last_file"], &schedule["failures"]), (&Value::Null, &0.into()));
}

#[tokio::test]
async fn what_is_due_is_written_counted_and_put_on_record() {
    let dir = tempfile::tempdir().unwrap();
    let host =
        Host::start_with(need!(local, engine("local").await), to_directory(dir.path())).await;
    has_missed_all(&host).await;
    let file = written(&host).await["last_file"].as_str().unwrap().to_owned();
    let report: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    assert_eq!(report["report"], "usage@0.1.0", "{report}");
    let counted = "scheduled_reports_total{schedule=\"daily\",outcome=\"success\"} 1\n";
    let metrics = host.get("/metrics").await.text;
    assert!(metrics.contains(counted), "{metrics}");
    eventually("it is on record", async || {
        let page = host.get("/api/v1/admin/audit?action=report.write").await;
        let of_us = page.text.contains("report-schedule/daily") && page.text.contains(&file);
        if of_us { Ok(()) } else { Err(page.text) }
    })
    .await;
}

#[tokio::test]
async fn what_a_server_missed_while_it_was_away_is_written_once() {
    let dir = tempfile::tempdir().unwrap();
    let host =
        Host::start_with(need!(local, engine("local").await), to_directory(dir.path())).await;
    has_missed_all(&host).await;
    let host = host.starts_again_after_a_kill().await;
    let file = written(&host).await["last_file"].clone();
    assert_eq!(files(dir.path()), [file.as_str().unwrap()]);
}

#[tokio::test]
async fn two_servers_write_one_file_and_tell_the_same_of_it() {
    let dir = tempfile::tempdir().unwrap();
    let one = Host::start_with(need!(local, engine("local").await), to_directory(dir.path())).await;
    let other = one.beside().await;
    has_missed_all(&one).await;
    let by_one = written(&one).await;
    assert_eq!(written(&other).await, by_one);
    assert_eq!(files(dir.path()), [by_one["last_file"].as_str().unwrap()]);
    let metrics = [one.get("/metrics").await.text, other.get("/metrics").await.text].concat();
    assert_eq!(metrics.matches("\nscheduled_reports_total{").count(), 1, "{metrics}");
}

#[tokio::test]
async fn a_bucket_gets_reports_under_their_prefix() {
    let bucket = need!(s3, Server::start().await);
    let variables = [bucket.variables(), &[daily("storage:from/lab")]].concat().leak();
    let host = Host::start_with(need!(local, engine("local").await), variables).await;
    has_missed_all(&host).await;
    let key = written(&host).await["last_file"].as_str().unwrap().to_owned();
    assert!(key.starts_with("from/lab/usage.daily."), "{key}");
    let kept = std::fs::read_to_string(bucket.folder.path().join("jobs").join(key)).unwrap();
    assert!(kept.starts_with("{\"report\":\"usage@0.1.0\""), "{kept}");
}

/// What a server says that does not start with a schedule of these lines.
async fn refused(lines: &str) -> String {
    let data = tempfile::tempdir().unwrap();
    let file = data.path().join("lockhouse.toml");
    let schedule = format!("[[reports.schedules]]\nname = \"daily\"\nevery = \"day\"\n{lines}\n");
    std::fs::write(&file, schedule).unwrap();
    let mut command = lockhouse();
    command.args(["serve", "--listen", "127.0.0.1:0", "--engine", "local", "--config"]);
    command.arg(&file).arg("--data").arg(data.path().join("data"));
    let output = timeout(PATIENCE, command.output()).await.expect("it does not start").unwrap();
    assert!(!output.status.success());
    String::from_utf8(output.stderr).unwrap()
}

#[tokio::test]
async fn a_schedule_that_could_never_be_kept_stops_the_start() {
    need!(local, engine("local").await);
    let unknown = refused("report = \"usages\"").await;
    assert!(unknown.contains("“daily”: report: there is no report “usages”"), "{unknown}");
    let untimely = refused("report = \"usage\"\nat = \"25:00\"").await;
    assert!(untimely.contains("“daily”: at: “25:00”: write a time of the day"), "{untimely}");
    let unreadable = refused("report = \"usage\"\nparameters = { since = \"soon\" }").await;
    assert!(unreadable.contains("“daily”: parameters: since: use a time"), "{unreadable}");
    let nowhere = refused("report = \"usage\"\nto = \"/proc/reports\"").await;
    assert!(nowhere.contains("“daily”: to: /proc/reports"), "{nowhere}");
}
