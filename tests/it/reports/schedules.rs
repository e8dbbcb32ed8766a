//! Reports on a schedule: what is due, when, and what is left of it, with a clock that
//! stands still.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use futures::TryStreamExt as _;
use lockhouse::clock::Clock;
use lockhouse::leases::Leases;
use lockhouse::objects::{self, Objects};
use lockhouse::reports::{
    Catalogue, Config, Description, Document, Parameter, Query, Report, ReportError, Reports,
    ScheduleParts, Schedules, Standing, Table,
};
use lockhouse::tasks::Tasks;
use serde_json::{Value, json};

use super::questions::Room;
use crate::databases::{Database, sqlite};
use crate::objects::{Place, on_every_storage};
use crate::stores;

const DAY: Duration = Duration::from_secs(24 * 3600);
const MINUTE: Duration = Duration::from_secs(60);

/// A report that may be out of ink, and counts how often it was asked to write.
struct Diary {
    about: Description,
    dry: AtomicBool,
    asked: AtomicUsize,
}

#[async_trait]
impl Report for Diary {
    fn id(&self) -> &str {
        "diary"
    }

    fn name(&self) -> &str {
        "diary@1.0.0"
    }

    fn description(&self) -> &Description {
        &self.about
    }

    async fn queries(&self, parameters: &str) -> Result<Vec<Query>, ReportError> {
        let (name, question) = ("q".to_owned(), "commands".to_owned());
        Ok(vec![Query { name, question, parameters: parameters.to_owned() }])
    }

    async fn render(&self, _parameters: &str, _rows: Vec<Table>) -> Result<Document, ReportError> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        if self.dry.load(Ordering::Relaxed) {
            return Err(ReportError::Fault("the diary is out of ink".to_owned()));
        }
        Ok(Document { title: "Dear diary".to_owned(), sections: Vec::new() })
    }
}

/// An installation that has a diary. It is noon.
struct Desk<'a> {
    database: &'a Database,
    room: Room<'a>,
    diary: Arc<Diary>,
    clock: Clock,
}

impl<'a> Desk<'a> {
    async fn open(database: &'a Database) -> Self {
        let since = Parameter {
            name: "since".to_owned(),
            description: "How far back.".to_owned(),
            default: "7d".to_owned(),
        };
        let (title, summary) = ("Diary".to_owned(), "Writes.".to_owned());
        let about = Description { title, summary, parameters: vec![since] };
        let diary = Arc::new(Diary { about, dry: false.into(), asked: 0.into() });
        let mut room = Room::open(database).await;
        let clock = Clock::manual("2026-11-20T12:00:00Z".parse().unwrap());
        room.parts.clock = clock.clone();
        room.parts.reports = Catalogue::new([Arc::clone(&diary) as Arc<dyn Report>]);
        Self { database, room, diary, clock }
    }

    /// A server that keeps this schedule; `more` goes before what is usual.
    async fn server(&self, more: Value, objects: Objects) -> Result<Schedules, String> {
        let mut schedule = json!({ "name": "daily", "report": "diary", "format": "markdown",
            "every": "day", "at": "06:00" });
        schedule.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let config: Config = serde_json::from_value(json!({ "schedules": [schedule] })).unwrap();
        let (db, clock) = (self.database.db.clone(), self.clock.clone());
        let hosts = self.database.data.path().join("hosts");
        let leases = Leases::open(db.clone(), clock.clone(), Tasks::new(), hosts).await.unwrap();
        let reports = Reports::new(self.room.parts.clone());
        let gate = stores::gate(self.database);
        let parts = ScheduleParts { reports, db, clock, leases, gate, objects };
        Schedules::open(parts, &config).await.map_err(|unusable| unusable.to_string())
    }

    /// One whose files go to the storage.
    async fn usual(&self) -> Schedules {
        self.server(json!({}), self.storage()).await.unwrap()
    }

    fn storage(&self) -> Objects {
        let folder = self.database.data.path().join("objects");
        Objects::open(&objects::Config::default(), folder, Vec::new()).unwrap()
    }

    fn asked(&self) -> usize {
        self.diary.asked.load(Ordering::Relaxed)
    }

    /// Writes what is due after some days, one after another.
    async fn pass(&self, days: usize, schedules: &Schedules) {
        for _ in 0..days {
            self.clock.advance(DAY);
            assert_eq!(schedules.write_due().await, 1, "{:?}", schedules.list().await);
        }
    }
}

async fn standing(schedules: &Schedules) -> Standing {
    schedules.list().await.unwrap().remove(0)
}

fn outcome(standing: &Standing) -> &str {
    &standing.last.as_ref().unwrap().outcome
}

/// Names of files, sorted.
fn names(dir: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(dir).unwrap();
    let mut names: Vec<_> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

on_every_storage! {
    async fn what_is_due_is_written_under_its_prefix(place: Place) {
        let database = sqlite().await;
        let desk = Desk::open(&database).await;
        let to = json!({ "to": "storage:from/lab" });
        let schedules = desk.server(to, place.objects.clone()).await.unwrap();
        desk.pass(1, &schedules).await;
        let file = standing(&schedules).await.last_file.unwrap();
        assert_eq!(file, "from/lab/diary.daily.2026-11-21T0600Z.md");
        let body = place.objects.read(&file.parse().unwrap(), None).await.unwrap();
        let text = body.try_collect::<Vec<_>>().await.unwrap().concat();
        assert!(text.starts_with(b"# Dear diary\n"), "{text:?}");
    }

    async fn no_more_files_are_kept_than_are_wanted(place: Place) {
        let database = sqlite().await;
        let desk = Desk::open(&database).await;
        let schedules = desk.server(json!({ "keep": 2 }), place.objects.clone()).await.unwrap();
        desk.pass(4, &schedules).await;
        assert_eq!(place.count(), 2);
        let newest = "reports/diary.daily.2026-11-23T0600Z.md".parse().unwrap();
        assert!(place.objects.size(&newest).await.unwrap() > 0);
    }
}

on_every_database! {
    async fn a_schedule_that_is_new_has_missed_nothing(database: Database) {
        let desk = Desk::open(&database).await;
        let schedules = desk.usual().await;
        assert_eq!(schedules.write_due().await, 0);
        let standing = standing(&schedules).await;
        assert_eq!(standing.next, "2026-11-21T06:00:00Z".parse().unwrap());
        assert_eq!((standing.last, standing.last_file), (None, None));
    }

    async fn what_was_missed_while_no_server_ran_is_written_once(database: Database) {
        let desk = Desk::open(&database).await;
        drop(desk.usual().await);
        desk.clock.advance(5 * DAY);
        let schedules = desk.usual().await;
        assert_eq!((schedules.write_due().await, schedules.write_due().await), (1, 0));
        let standing = standing(&schedules).await;
        assert_eq!(standing.last_file.unwrap(), "reports/diary.daily.2026-11-25T0600Z.md");
        assert_eq!(standing.next, "2026-11-26T06:00:00Z".parse().unwrap());
    }

    async fn servers_that_share_a_database_write_each_report_once(database: Database) {
        let desk = Desk::open(&database).await;
        let (one, other) = (desk.usual().await, desk.usual().await);
        desk.clock.advance(DAY);
        let (by_one, by_other) = tokio::join!(one.write_due(), other.write_due());
        assert_eq!((by_one + by_other, desk.asked()), (1, 1));
        assert_eq!((one.write_due().await, other.write_due().await), (0, 0));
        assert_eq!(standing(&one).await, standing(&other).await);
    }

    async fn one_that_fails_says_why_and_is_tried_again_after_a_pause(database: Database) {
        let desk = Desk::open(&database).await;
        let schedules = desk.usual().await;
        desk.diary.dry.store(true, Ordering::Relaxed);
        desk.clock.advance(DAY);
        assert_eq!((schedules.write_due().await, schedules.write_due().await), (0, 0));
        let failed = standing(&schedules).await;
        assert_eq!((failed.failures, outcome(&failed), desk.asked()), (1, "the diary is out of ink", 1));
        assert_eq!(failed.next, desk.clock.now() + MINUTE);
        desk.diary.dry.store(false, Ordering::Relaxed);
        desk.clock.advance(MINUTE);
        assert_eq!(schedules.write_due().await, 1);
        let written = standing(&schedules).await;
        assert_eq!((written.failures, outcome(&written)), (0, "ok"));
    }

    async fn a_failure_costs_no_file_that_was_kept(database: Database) {
        let desk = Desk::open(&database).await;
        let schedules = desk.server(json!({ "keep": 2 }), desk.storage()).await.unwrap();
        desk.pass(2, &schedules).await;
        desk.diary.dry.store(true, Ordering::Relaxed);
        desk.clock.advance(DAY);
        assert_eq!(schedules.write_due().await, 0);
        let folder = database.data.path().join("objects/reports");
        let kept = ["diary.daily.2026-11-21T0600Z.md", "diary.daily.2026-11-22T0600Z.md"];
        assert_eq!(names(&folder), kept);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_a_directory_only_our_own_files_are_removed() {
    let (database, folder) = (sqlite().await, tempfile::tempdir().unwrap());
    let desk = Desk::open(&database).await;
    let to = json!({ "to": folder.path().join("made/here"), "keep": 1 });
    let schedules = desk.server(to, desk.storage()).await.unwrap();
    let folder = folder.path().join("made/here");
    std::fs::write(folder.join("diary.daily.txt"), "of somebody else").unwrap();
    desk.pass(3, &schedules).await;
    assert_eq!(names(&folder), ["diary.daily.2026-11-23T0600Z.md", "diary.daily.txt"]);
    let file = standing(&schedules).await.last_file.unwrap();
    assert_eq!(Path::new(&file), folder.join("diary.daily.2026-11-23T0600Z.md"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_directory_that_is_gone_when_a_report_is_due_is_told() {
    let (database, folder) = (sqlite().await, tempfile::tempdir().unwrap());
    let desk = Desk::open(&database).await;
    let dir = folder.path().join("out");
    let schedules = desk.server(json!({ "to": dir }), desk.storage()).await.unwrap();
    std::fs::remove_dir(&dir).unwrap();
    std::fs::write(&dir, "no directory").unwrap();
    desk.clock.advance(DAY);
    assert_eq!(schedules.write_due().await, 0);
    let failed = standing(&schedules).await;
    assert!(outcome(&failed).contains("can't be reached"), "{failed:?}");
    std::fs::remove_file(&dir).unwrap();
    desk.clock.advance(MINUTE);
    assert_eq!((schedules.write_due().await, names(&dir).len()), (1, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_stay_where_they_are_when_others_go_elsewhere() {
    let (database, folder) = (sqlite().await, tempfile::tempdir().unwrap());
    let desk = Desk::open(&database).await;
    let [old, new] = ["old", "new"].map(|name| folder.path().join(name));
    let first = desk.server(json!({ "to": &old, "keep": 1 }), desk.storage()).await.unwrap();
    desk.pass(1, &first).await;
    let second = desk.server(json!({ "to": &new, "keep": 1 }), desk.storage()).await.unwrap();
    desk.pass(2, &second).await;
    assert_eq!(names(&old), ["diary.daily.2026-11-21T0600Z.md"]);
    assert_eq!(names(&new), ["diary.daily.2026-11-23T0600Z.md"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_schedule_that_could_never_be_kept_is_told_what_to_change() {
    let database = sqlite().await;
    let desk = Desk::open(&database).await;
    let refused = async |more: Value| desk.server(more, desk.storage()).await.err().unwrap();
    let unknown = refused(json!({ "report": "diarrhoea" })).await;
    assert!(unknown.contains("“daily”: report: there is no report “diarrhoea”; there are diary"));
    let misspelt = refused(json!({ "parameters": { "sinse": "7d" } })).await;
    assert!(misspelt.contains("“daily”: parameters: the report has no parameter “sinse”"));
    let unreadable = refused(json!({ "parameters": { "since": "soon" } })).await;
    assert!(unreadable.contains("“daily”: parameters: since: use a time"), "{unreadable}");
    let file = database.data.path().join("lockhouse.db");
    let no_directory = refused(json!({ "to": file })).await;
    assert!(no_directory.contains("that the user who runs the server may write to"));
    assert_eq!(desk.asked(), 0);
}
