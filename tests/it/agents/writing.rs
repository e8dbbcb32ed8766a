//! What an agent writes gathers in a job and lands in the project whole.

use lockhouse::agents::{Event, NewRun};
use lockhouse::ids::Kind;
use lockhouse::jobs::Status;

use super::{Room, Script, delete, failure, states, told, write, write_only};

#[tokio::test]
async fn a_prompt_becomes_files_in_the_project() {
    let room =
        Room::with(Script::writing([write("app.py", "one"), write("lib/b.py", "two")])).await;
    let events = room.generates(write_only("an app")).await;
    assert_eq!(events.last(), Some(&Event::Done { serves: false }), "{events:?}");
    assert_eq!(states(&events), ["planning", "planned", "writing"]);
    assert_eq!(room.file("app.py").as_deref(), Some("one"));
    assert_eq!(room.file("lib/b.py").as_deref(), Some("two"));
}

#[tokio::test]
async fn the_job_keeps_the_plan_and_is_complete() {
    let room = Room::with(Script::writing([write("app.py", "one")])).await;
    let agents = room.agents();
    let run = room.begin(&agents, write_only("an app")).await.unwrap();
    told(&agents, &run, 0).await;
    let job = room.parts.jobs.find(&room.ada, &run.job).await.unwrap();
    assert_eq!(job.status, Status::Complete);
    assert!(job.plan.unwrap().contains("What the script says."));
}

/// An edit like this fails the run, and nothing is written anywhere.
async fn is_refused(path: &str) {
    let room = Room::with(Script::writing([write("app.py", "one"), write(path, "two")])).await;
    let events = room.generates(write_only("an app")).await;
    assert!(failure(&events).contains("not a path inside the project"), "{events:?}");
    assert_eq!(room.file("app.py"), None);
    assert_eq!(room.file("../x"), None);
}

#[tokio::test]
async fn an_edit_beside_the_project_is_refused() {
    is_refused("../x").await;
}

#[tokio::test]
async fn an_edit_that_leads_out_by_a_detour_is_refused() {
    is_refused("a/../../x").await;
}

#[tokio::test]
async fn an_edit_at_an_absolute_path_is_refused() {
    is_refused("/tmp/x").await;
}

#[tokio::test]
async fn an_edit_of_the_servers_own_files_is_refused() {
    is_refused(".lockhouse-history").await;
}

#[tokio::test]
async fn a_deletion_beside_the_project_is_refused() {
    let room = Room::with(Script::writing([delete("../keep")])).await;
    let beside = room.parts.projects.workspace(&room.project.id).with_file_name("keep");
    std::fs::write(&beside, "kept").unwrap();
    let events = room.generates(write_only("an app")).await;
    assert!(failure(&events).starts_with("writing failed"), "{events:?}");
    assert!(beside.exists());
}

#[tokio::test]
async fn a_file_that_the_agent_deletes_goes_from_the_project() {
    let room = Room::with(Script::writing([write("new.py", "new"), delete("old.py")])).await;
    let workspace = room.parts.projects.workspace(&room.project.id);
    std::fs::write(workspace.join("old.py"), "old").unwrap();
    let events = room.generates(write_only("an app")).await;
    assert_eq!(events.last(), Some(&Event::Done { serves: false }), "{events:?}");
    assert_eq!((room.file("old.py"), room.file("new.py").as_deref()), (None, Some("new")));
}

#[tokio::test]
async fn a_failed_run_leaves_a_failed_job() {
    let room = Room::with(Script::writing([write("app.py", "one"), write("/x", "two")])).await;
    let agents = room.agents();
    let run = room.begin(&agents, write_only("an app")).await.unwrap();
    told(&agents, &run, 0).await;
    let job = room.parts.jobs.find(&room.ada, &run.job).await.unwrap();
    assert_eq!(job.status, Status::Failed);
}

#[tokio::test]
async fn a_prompt_that_the_agent_declines_fails_with_its_words() {
    let room = Room::with(Script::writing([])).await;
    let events = room.generates(write_only("nonsense")).await;
    assert_eq!(failure(&events), "planning failed: say something sensible");
}

#[tokio::test]
async fn a_guessed_kind_becomes_that_of_the_plan() {
    let room = Room::with(Script::planning(|plan| plan.kind = Kind::Node)).await;
    room.generates(NewRun { kind_fixed: false, ..write_only("an app") }).await;
    let project = room.parts.projects.get(&room.project.id).await.unwrap();
    assert_eq!(project.kind, Kind::Node);
}

#[tokio::test]
async fn a_guessed_kind_stays_a_guess_until_there_is_a_plan() {
    let room = Room::with(Script::planning(|plan| plan.kind = Kind::Node)).await;
    room.generates(NewRun { kind_fixed: false, ..write_only("nonsense") }).await;
    let events = room.generates(write_only("an app")).await;
    assert_eq!(events.last(), Some(&Event::Done { serves: false }), "{events:?}");
}

#[tokio::test]
async fn a_plan_of_another_kind_than_the_projects_is_refused() {
    let room = Room::with(Script::planning(|plan| plan.kind = Kind::Node)).await;
    let events = room.generates(write_only("an app")).await;
    assert!(failure(&events).contains("this project's kind is python"), "{events:?}");
}
