//! A run is watched, cancelled, and survives in what is kept of it.

use std::sync::Arc;

use lockhouse::agents::{Agents, Config, Error, Event, Recorded, State};
use lockhouse::auth::Role;
use lockhouse::jobs::Status;

use tokio::sync::Semaphore;

use super::{Room, Script, caller, failure, in_full, supervisor, told, write, write_only};

/// A script that plans only once it may.
fn waiting() -> Script {
    let script = Script::writing([write("app.py", "one")]);
    script.may_plan.forget_permits(super::PLANS);
    script
}

#[tokio::test]
async fn who_comes_late_reads_the_same_as_who_was_there() {
    let room = Room::with(Script::writing([write("app.py", "one")])).await;
    let agents = room.agents();
    let run = room.begin(&agents, write_only("an app")).await.unwrap();
    let there = told(&agents, &run, 0).await;
    assert_eq!(told(&agents, &run, 0).await, there);
    assert_eq!(told(&agents, &run, 3).await, there[3..]);
    let numbers: Vec<u64> = there.iter().map(|step| step.seq).collect();
    assert_eq!(numbers, (1..=there.len() as u64).collect::<Vec<_>>());
}

#[tokio::test]
async fn what_the_agent_reports_is_told() {
    let room = Room::with(Script::writing([])).await;
    let events = room.generates(write_only("an app")).await;
    let message = "thinking".to_owned();
    let told = Event::State { state: State::Planning, message, parts: Some((1, 2)) };
    assert!(events.contains(&told), "{events:?}");
}

#[tokio::test]
async fn a_project_has_one_run_at_a_time() {
    let room = Room::with(waiting()).await;
    let agents = room.agents();
    let first = room.begin(&agents, write_only("an app")).await.unwrap();
    let second = room.begin(&agents, write_only("another")).await;
    assert!(matches!(second, Err(Error::Active(active)) if active == first.id));
    agents.cancel(&room.permit().await, &first).await.unwrap();
    assert!(room.begin(&agents, write_only("another")).await.is_ok());
}

#[tokio::test]
async fn a_cancelled_run_ends_and_changes_nothing() {
    let room = Room::with(waiting()).await;
    let agents = room.agents();
    let run = room.begin(&agents, write_only("an app")).await.unwrap();
    let run = agents.cancel(&room.permit().await, &run).await.unwrap();
    assert_eq!(run.state, State::Cancelled);
    let last = told(&agents, &run, 0).await.pop().unwrap();
    assert_eq!(last.event, Event::Cancelled);
    assert_eq!(room.file("app.py"), None);
    let job = room.parts.jobs.find(&room.ada, &run.job).await.unwrap();
    assert_eq!(job.status, Status::Failed);
}

#[tokio::test]
async fn a_cancelled_command_ends_with_its_run() {
    need!(local, supervisor());
    let room = Room::with(Script::planning(|plan| {
        plan.install = vec!["echo $$ > pid; sleep 600".to_owned()];
    }))
    .await;
    let agents = room.agents();
    let run = room.begin(&agents, in_full("an app")).await.unwrap();
    let mut watch = agents.watch(&run, 0);
    while !matches!(watch.next().await.unwrap().unwrap().event, Event::Command { .. }) {}
    let run = agents.cancel(&room.permit().await, &run).await.unwrap();
    assert_eq!(run.state, State::Cancelled);
    let link = room.parts.runtimes.link(&room.project.id).await.unwrap();
    let running = async {
        while link.execs().await.unwrap().iter().any(|exec| exec.exit.is_none()) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(super::PATIENCE, running).await.expect("the command ends");
    room.close().await;
}

#[tokio::test]
async fn a_run_that_a_restart_cut_short_is_failed_and_says_so() {
    let room = Room::with(waiting()).await;
    let agents = room.agents();
    let run = room.begin(&agents, write_only("an app")).await.unwrap();
    // From here on the old server does no more than a killed one.
    let mut watch = agents.watch(&run, 1);
    watch.next().await.unwrap().unwrap();
    sqlx::query("DELETE FROM leases").execute(room.parts.db.pool()).await.unwrap();
    let started_anew = room.agents();
    started_anew.recover(&room.gate).await.unwrap();
    let found = started_anew.find(&room.ada, run.id.as_str()).await.unwrap();
    let why = "the server was restarted during planning; generate again";
    assert_eq!((found.state, found.error.as_deref()), (State::Failed, Some(why)));
    let events: Vec<_> =
        told(&started_anew, &run, 0).await.into_iter().map(|step| step.event).collect();
    assert_eq!(failure(&events), why);
}

#[tokio::test]
async fn a_run_that_another_server_carries_out_is_left_to_it() {
    let room = Room::with(waiting()).await;
    let agents = room.agents();
    let run = room.begin(&agents, write_only("an app")).await.unwrap();
    room.agents().recover(&room.gate).await.unwrap();
    let found = agents.find(&room.ada, run.id.as_str()).await.unwrap();
    assert_eq!(found.state, State::Planning);
    agents.cancel(&room.permit().await, &run).await.unwrap();
}

#[tokio::test]
async fn more_runs_than_may_go_on_wait_for_their_turn_and_say_how_many_are_before_them() {
    let (agents, room, may_plan) = one_at_a_time(9).await;
    let first = room.begin(&agents, write_only("an app")).await.unwrap();
    // It has left the line once it says that it plans.
    agents.watch(&first, 0).next().await.unwrap().unwrap();
    let second = room.begin_in(&agents, "second").await.unwrap();
    let third = room.begin_in(&agents, "third").await.unwrap();
    let mut watch = agents.watch(&third, 0);
    let said = "1 run is before this one";
    assert_eq!(state(watch.next().await.unwrap().unwrap()), (State::Queued, said.to_owned()));
    assert_eq!(
        [&first, &second, &third].map(|run| agents.ahead_of(&run.id)),
        [None, Some(0), Some(1)]
    );
    assert_eq!(agents.cancel(&room.permit().await, &second).await.unwrap().state, State::Cancelled);
    assert_eq!(state(watch.next().await.unwrap().unwrap()).0, State::Queued);
    may_plan.add_permits(2);
    assert_eq!(told(&agents, &first, 0).await.pop().unwrap().event, Event::Done { serves: false });
    assert_eq!(told(&agents, &third, 0).await.pop().unwrap().event, Event::Done { serves: false });
}

#[tokio::test]
async fn a_run_is_refused_where_as_many_wait_as_may() {
    let (agents, room, _) = one_at_a_time(1).await;
    let first = room.begin(&agents, write_only("an app")).await.unwrap();
    agents.watch(&first, 0).next().await.unwrap().unwrap();
    room.begin_in(&agents, "second").await.unwrap();
    assert!(matches!(room.begin_in(&agents, "third").await, Err(Error::LineFull(1))));
}

/// Agents that plan one at a time, when they may.
async fn one_at_a_time(max_waiting_runs: usize) -> (Agents, Room, Arc<Semaphore>) {
    let script = waiting();
    let may_plan = Arc::clone(&script.may_plan);
    let mut room = Room::with(script).await;
    room.parts.config = Config { max_runs: 1, max_waiting_runs, ..Config::default() };
    (room.agents(), room, may_plan)
}

fn state(step: Recorded) -> (State, String) {
    match step.event {
        Event::State { state, message, .. } => (state, message),
        other => panic!("a state was expected, not {other:?}"),
    }
}

#[tokio::test]
async fn a_strangers_run_is_not_found() {
    let room = Room::with(Script::writing([])).await;
    let agents = room.agents();
    let run = room.begin(&agents, write_only("an app")).await.unwrap();
    let bob = caller("bob", Role::Learner);
    assert!(matches!(agents.find(&bob, run.id.as_str()).await, Err(Error::NotFound(_))));
    assert!(agents.list(&bob, None, None, 10).await.unwrap().is_empty());
    let root = caller("root", Role::Admin);
    assert_eq!(agents.find(&root, run.id.as_str()).await.unwrap().id, run.id);
}

#[tokio::test]
async fn the_newest_run_is_listed_first() {
    let room = Room::with(Script::writing([])).await;
    let agents = room.agents();
    let first = room.begin(&agents, write_only("nonsense one")).await.unwrap();
    told(&agents, &first, 0).await;
    drop(agents);
    let agents = room.agents();
    let second = room.begin(&agents, write_only("nonsense two")).await.unwrap();
    let page = agents.list(&room.ada, Some(&room.project.id), None, 1).await.unwrap();
    assert_eq!(page[0].id, second.id);
    let next = agents.list(&room.ada, None, Some(&page[0].id), 1).await.unwrap();
    assert_eq!(next[0].id, first.id);
    agents.cancel(&room.permit().await, &second).await.unwrap();
}

#[tokio::test]
async fn an_empty_prompt_is_refused_at_once() {
    let room = Room::with(Script::writing([])).await;
    let refused = room.begin(&room.agents(), write_only("  ")).await;
    assert!(matches!(refused, Err(Error::Prompt(_))));
}

#[tokio::test]
async fn an_agent_that_is_not_loaded_is_refused_with_those_that_are() {
    let room = Room::with(Script::writing([])).await;
    let mut new = write_only("an app");
    new.agent = Some("nobody".to_owned());
    let refused = room.begin(&room.agents(), new).await.unwrap_err().to_string();
    assert_eq!(refused, "there is no agent “nobody”; loaded are: script@1.0.0");
}
