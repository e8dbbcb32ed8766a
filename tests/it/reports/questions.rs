//! Each question of the host on each database: the rows it answers, and how
//! many at most.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use lockhouse::auth::Caller;
use lockhouse::clock::Clock;
use lockhouse::events::Events;
use lockhouse::files::{self, Disk, Files};
use lockhouse::ids::Kind;
use lockhouse::projects::{NewProject, Projects};
use lockhouse::reports::{
    Catalogue, Cell, Description, Document, Error, Given, Parts, Query, Report, ReportError,
    Reports, Table,
};
use lockhouse::tasks::Tasks;

use crate::agents::open_runtimes;
use crate::databases::Database;
use crate::stores;

/// 2026-11-20T12:00:00Z
const NOON_US: i64 = 1_795_176_000_000_000;
const DAY_US: i64 = 86_400_000_000;

/// Asks one question, and keeps what it was handed.
struct Curious {
    about: Description,
    query: Query,
    handed: Arc<Mutex<Vec<Table>>>,
}

#[async_trait]
impl Report for Curious {
    fn id(&self) -> &str {
        "curious"
    }

    fn name(&self) -> &str {
        "curious@1.0.0"
    }

    fn description(&self) -> &Description {
        &self.about
    }

    async fn queries(&self, _parameters: &str) -> Result<Vec<Query>, ReportError> {
        Ok(vec![self.query.clone()])
    }

    async fn render(&self, _parameters: &str, rows: Vec<Table>) -> Result<Document, ReportError> {
        *self.handed.lock().unwrap() = rows;
        Ok(Document { title: "Curious".to_owned(), sections: Vec::new() })
    }
}

/// The rooms that a report's questions lead to, and one project.
pub(super) struct Room<'a> {
    database: &'a Database,
    pub(super) parts: Parts,
    ada: Caller,
    /// Its id.
    project: String,
}

impl<'a> Room<'a> {
    pub(super) async fn open(database: &'a Database) -> Self {
        let (db, clock, tasks) = (database.db.clone(), Clock::system(), Tasks::new());
        let events = Events::new(clock.clone());
        let root = database.data.path().join("projects");
        let projects = Projects::new(db.clone(), clock.clone(), events.clone(), root, None);
        let disk = Disk::new(&files::Config::default(), None);
        let files = Files::new(projects.clone(), &clock, events.clone(), disk);
        let (gate, ground) = (stores::gate(database), (&db, &clock, &events, &tasks));
        let runtimes = open_runtimes(&database.data, ground, &projects, &gate).await;
        let ada = stores::caller(database, "ada").await;
        let permit = stores::permit(&gate, &ada).await;
        let name = "todo".parse().unwrap();
        let new = NewProject { name, kind: Kind::Python, description: String::new() };
        let project = projects.create(&permit, new).await.unwrap().0.id.to_string();
        let parts = Parts { db, clock, files, runtimes, reports: Catalogue::default() };
        Self { database, parts, ada, project }
    }

    async fn does(&self, statement: &'static str) {
        let statement = sqlx::query(statement).bind(self.project.clone()).bind(NOON_US);
        statement.execute(self.database.db.pool()).await.unwrap();
    }

    async fn asks(&self, question: &str, parameters: &str) -> Result<Table, Error> {
        let handed = Arc::new(Mutex::new(Vec::new()));
        let about = Description {
            title: "Curious".to_owned(),
            summary: "Asks one question.".to_owned(),
            parameters: Vec::new(),
        };
        let query = Query {
            name: "q".to_owned(),
            question: question.to_owned(),
            parameters: parameters.to_owned(),
        };
        let report = Curious { about, query, handed: Arc::clone(&handed) };
        self.parts.reports.replace([Arc::new(report) as Arc<dyn Report>]);
        let permit = stores::permit(&stores::gate(self.database), &self.ada).await;
        Reports::new(self.parts.clone()).write(&permit, "curious", Given::new()).await?;
        let table = handed.lock().unwrap().remove(0);
        Ok(table)
    }

    /// Rows of a question that looks back far enough.
    async fn rows(&self, question: &str) -> Vec<Vec<Cell>> {
        self.asks(question, r#"{"since": "2026-01-01T00:00:00Z"}"#).await.unwrap().rows
    }
}

/// Two commands that ran, and one that was refused.
const COMMANDS: &str = "INSERT INTO commands (id, project_id, caller_id, channel, command, cwd, \
    allowed, risk, policy, rule, exit_code, started_at, duration_ms) VALUES \
    ('c1', $1, 'ada', 'exec', 'ls', '', 1, 'safe', 'p', 'r', 0, $2, 20), \
    ('c2', $1, 'ada', 'exec', 'false', '', 1, 'safe', 'p', 'r', 1, $2 + 1, 30), \
    ('c3', $1, 'ada', 'exec', 'reboot', '', 0, 'blocked', 'p', 'no', NULL, $2 + 2, NULL)";

fn texts(texts: &[&str]) -> Vec<Cell> {
    texts.iter().map(|text| Cell::Text((*text).to_owned())).collect()
}

fn whole(numbers: &[i64]) -> Vec<Cell> {
    numbers.iter().copied().map(Cell::Integer).collect()
}

/// The day of [`NOON_US`].
fn day() -> Cell {
    Cell::Time(NOON_US - DAY_US / 2)
}

on_every_database! {
    async fn commands_are_added_up_by_day_and_project(database: Database) {
        let room = Room::open(&database).await;
        room.does(COMMANDS).await;
        let expected = [vec![day()], texts(&["todo"]), whole(&[3, 1, 1, 50])].concat();
        assert_eq!(room.rows("activity").await, [expected]);
    }

    async fn refused_commands_are_found_among_all(database: Database) {
        let room = Room::open(&database).await;
        room.does(COMMANDS).await;
        let refused = r#"{"since": "2026-01-01T00:00:00Z", "decision": "deny", "project": "todo"}"#;
        let rows = room.asks("commands", refused).await.unwrap().rows;
        let about = texts(&["todo", "ada", "exec", "reboot", "deny", "blocked", "p", "no"]);
        let ended = vec![Cell::Empty, Cell::Empty];
        assert_eq!(rows, [[vec![Cell::Time(NOON_US + 2)], about, ended].concat()]);
    }

    async fn a_table_that_was_cut_says_so(database: Database) {
        let room = Room::open(&database).await;
        room.does(COMMANDS).await;
        let two = r#"{"since": "2026-01-01T00:00:00Z", "limit": 2}"#;
        let table = room.asks("commands", two).await.unwrap();
        assert_eq!((table.rows.len(), table.truncated), (2, true));
    }

    async fn decisions_are_counted_by_rule(database: Database) {
        let room = Room::open(&database).await;
        room.does("INSERT INTO judgements (id, at, request, allowed, risk, policy, rule, opinions) \
            VALUES ('j1', $2, $1, 0, 'blocked', 'p', 'no', '[]'), \
            ('j2', $2, $1, 0, 'blocked', 'p', 'no', '[]')").await;
        let decision = texts(&["p", "no", "blocked", "deny"]);
        assert_eq!(room.rows("decisions").await, [[vec![day()], decision, whole(&[2])].concat()]);
    }

    async fn audit_entries_are_counted_by_how_they_ended(database: Database) {
        let room = Room::open(&database).await;
        room.does("INSERT INTO audit_entries (seq, id, phase, at, actor, action, target, \
            request_id, outcome, previous, hash) VALUES \
            (901, 'a', 'begun', $2, 'eve', 'x', $1, 'r', '', '', ''), \
            (902, 'a', 'finished', $2, 'eve', 'x', $1, 'r', 'ok; noted', '', ''), \
            (903, 'b', 'finished', $2, 'eve', 'y', $1, 'r', 'the disk is full', '', ''), \
            (904, 'c', 'denied', $2, 'eve', 'z', $1, 'r', 'no', '', '')").await;
        let of_eve = |row: &Vec<Cell>| row[1] == Cell::Text("eve".to_owned());
        let actions: Vec<_> = room.rows("actions").await.into_iter().filter(of_eve).collect();
        let row = |action, outcome| {
            [vec![day()], texts(&["eve", action, outcome]), whole(&[1])].concat()
        };
        assert_eq!(actions, [row("x", "ok"), row("y", "failed"), row("z", "denied")]);
        let entries = room.rows("audit").await.into_iter().filter(of_eve).count();
        assert_eq!(entries, 3);
    }

    async fn projects_are_told_with_what_they_take_of_the_disk(database: Database) {
        let room = Room::open(&database).await;
        let workspace = database.data.path().join("projects").join(&room.project);
        std::fs::write(workspace.join("notes.txt"), "12345").unwrap();
        let table = room.asks("disk", r#"{"project": "todo"}"#).await.unwrap();
        assert_eq!(table.columns[4..], ["created", "changed", "bytes", "files"]);
        assert_eq!(table.rows[0][..4], texts(&[&room.project, "todo", "ada", "python"]));
        assert_eq!(table.rows[0][6..], whole(&[5, 1]));
        let elsewhere = room.asks("projects", r#"{"project": "other"}"#).await.unwrap();
        assert_eq!(elsewhere.rows.len(), 0);
    }

    async fn a_runtime_is_told_with_its_limit_also_where_it_does_not_run(database: Database) {
        let room = Room::open(&database).await;
        room.does("INSERT INTO runtimes (project_id, engine, desired, status, reason, generation, \
            settings, created_at, updated_at) VALUES ($1, 'fake', 'running', 'failed', 'no image', \
            2, '{\"memory_bytes\": 1024}', $2, $2)").await;
        let table = room.asks("runtimes", "{}").await.unwrap();
        let expected = ["memory_limit_bytes", "memory_bytes", "cpu_ms", "pids"];
        assert_eq!(table.columns[11..], expected);
        assert_eq!(table.rows[0][4..9], [texts(&["fake", "running", "failed", "no image"]), whole(&[2])].concat());
        assert_eq!(table.rows[0][11..13], [Cell::Integer(1024), Cell::Empty]);
    }

    async fn what_models_cost_is_told_from_the_day_on_that_is_asked_for(database: Database) {
        let room = Room::open(&database).await;
        room.does("INSERT INTO model_spend (day, user_id, project_id, model, project, calls, \
            failed, input_tokens, output_tokens) VALUES \
            ($2 - 43200000000, 'ada', $1, 'default', 'todo', 2, 1, 30, 4), \
            ($2 - 129600000001, 'ada', $1, 'default', 'todo', 9, 9, 9, 9)").await;
        let noon = r#"{"since": "2026-11-20T12:00:00Z", "project": "todo"}"#;
        let cost = [vec![day()], texts(&["ada", "todo", "default"]), whole(&[2, 1, 30, 4])].concat();
        assert_eq!(room.asks("spend", noon).await.unwrap().rows, [cost]);
        let other = room.asks("spend", r#"{"project": "other"}"#).await.unwrap();
        assert_eq!(other.rows.len(), 0);
    }

    async fn runs_jobs_and_plugins_are_told(database: Database) {
        let room = Room::open(&database).await;
        room.does("INSERT INTO runs (id, project_id, owner_id, job_id, agent, prompt, state, \
            kind_open, created_at, updated_at) \
            VALUES ('r', $1, 'ada', 'j', 'scaffold', 'p', 'done', 0, $2, $2 + 5000)").await;
        room.does("INSERT INTO jobs (id, owner_id, directory, project_name, status, created_at, \
            updated_at, expires_at) VALUES ('j', 'ada', $1, 'todo', 'complete', $2, $2, $2)").await;
        room.does("INSERT INTO plugins (name, digest, enabled, judges, grants, created_at, \
            updated_at) VALUES ('layered', 'built-in', 1, 1, $1, $2, $2)").await;
        assert_eq!(room.rows("runs").await[0][6], Cell::Integer(5));
        assert_eq!(room.rows("jobs").await[0][1..4], texts(&["todo", "ada", "complete"]));
        let plugins = room.asks("plugins", "{}").await.unwrap().rows;
        assert_eq!(plugins[0][..4], texts(&["layered", "built-in", "built-in", "enabled"]));
        assert_eq!(plugins[0][4], Cell::Integer(0));
    }
}

#[tokio::test]
async fn a_question_with_a_parameter_that_it_does_not_take_is_not_asked() {
    let database = crate::databases::usual().await;
    let refused = Room::open(&database).await.asks("audit", r#"{"project": "todo"}"#).await;
    let why = refused.unwrap_err().to_string();
    assert!(why.contains("its query “q”: it has no parameter “project”"), "{why}");
}
