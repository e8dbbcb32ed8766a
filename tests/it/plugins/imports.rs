//! What plugins reach through the host: as far as it was granted, within its
//! limits, and no further.

use lockhouse::plugins::{Grant, Granted, LoadOptions};
use sqlx::Row as _;

use super::fixture::{self, ALLOW};
use super::harness::{decide, host, refusal};
use super::rooms::{Reachable, granted};

const KV: &str = r#"
    (import "lockhouse:host/kv@0.1.0" "get" (func $get (param i32 i32 i32)))
    (import "lockhouse:host/kv@0.1.0" "set" (func $set (param i32 i32 i32 i32 i32)))
    (data (i32.const 1024) "key")
    (data (i32.const 1040) "kept")"#;

/// A policy whose reason is what `kv.get` answers, or why it did not; it keeps
/// a value first where none is there.
pub(crate) fn remembers() -> Vec<u8> {
    let evaluate = format!(
        "(call $get (i32.const 1024) (i32.const 3) (i32.const 2048))
         (if (i32.or (i32.load8_u (i32.const 2048)) (i32.load8_u (i32.const 2052)))
            (then {} (return (i32.const {ALLOW}))))
         (call $set (i32.const 1024) (i32.const 3) (i32.const 1040) (i32.const 4)
            (i32.const 2048))
         (if (i32.load8_u (i32.const 2048)) (then unreachable))
         (i32.const {ALLOW})",
        fixture::reason(2056, 2060)
    );
    fixture::policy(KV, &evaluate)
}

/// A policy that sets one key after the other, until that is refused; the
/// refusal is its reason.
fn hoards(value_bytes: u32) -> Vec<u8> {
    let evaluate = format!(
        "(local $n i32)
         (loop $again
            (i32.store (i32.const 1024) (local.get $n))
            (i32.store8 (i32.const 1026) (i32.const 1))
            (local.set $n (i32.add (local.get $n) (i32.const 257)))
            (i32.store8 (i32.const 1024)
                (i32.add (i32.const 1) (i32.and (local.get $n) (i32.const 63))))
            (i32.store8 (i32.const 1025)
                (i32.add (i32.const 1) (i32.shr_u (local.get $n) (i32.const 10))))
            (call $set (i32.const 1024) (i32.const 3) (i32.const 8192) (i32.const {value_bytes})
                (i32.const 2048))
            (br_if $again (i32.eqz (i32.load8_u (i32.const 2048)))))
         {}
         (i32.const {ALLOW})",
        fixture::reason(2056, 2060)
    );
    fixture::policy(KV, &evaluate)
}

#[tokio::test]
async fn a_value_outlives_the_call_that_kept_it() {
    let reachable = Reachable::start().await;
    let policy = reachable.policy(&remembers(), &granted(Grant::Kv)).await;
    assert_eq!(decide(&policy, "ls").await.reason, "it does");
    assert_eq!(decide(&policy, "ls").await.reason, "kept");
}

#[tokio::test]
async fn what_was_not_granted_is_denied_with_how_to_give_it() {
    let reachable = Reachable::start().await;
    let asked = Granted::new([Grant::Kv], []);
    let policy = reachable.policy(&remembers(), &asked).await;
    let reason = decide(&policy, "ls").await.reason;
    assert!(reason.contains("`lockhouse plugin grant fixture kv`"), "{reason}");
}

#[tokio::test]
async fn what_was_not_asked_for_is_denied_however_it_was_given() {
    let reachable = Reachable::start().await;
    let given = Granted::new([], [Grant::Kv]);
    let policy = reachable.policy(&remembers(), &given).await;
    let reason = decide(&policy, "ls").await.reason;
    assert!(reason.contains("does not ask for the grant “kv”"), "{reason}");
}

#[tokio::test]
async fn a_grant_that_is_given_or_taken_counts_from_the_next_call() {
    let reachable = Reachable::start().await;
    let asked = Granted::new([Grant::Kv], []);
    let policy = reachable.policy(&remembers(), &asked).await;
    asked.replace([Grant::Kv]);
    assert_eq!(decide(&policy, "ls").await.reason, "it does");
    asked.replace([]);
    let reason = decide(&policy, "ls").await.reason;
    assert!(reason.contains("was not granted “kv”"), "{reason}");
}

#[tokio::test]
async fn where_there_is_no_database_that_is_said() {
    let options = LoadOptions { settings: "{}", granted: granted(Grant::Kv) };
    let policy = host().load("x", &remembers(), options).await.unwrap().into_policy().unwrap();
    let reason = decide(&policy, "ls").await.reason;
    assert_eq!(reason, "This host has no database; run the plugin on a server.");
}

#[tokio::test]
async fn a_value_over_its_limit_is_refused() {
    let reachable = Reachable::start().await;
    let policy = reachable.policy(&hoards(65_537), &granted(Grant::Kv)).await;
    let reason = decide(&policy, "ls").await.reason;
    assert_eq!(reason, "The value has 65537 bytes; keep at most 65536 under one key.");
}

#[tokio::test]
async fn a_plugin_that_hoards_is_stopped_at_its_quota() {
    let reachable = Reachable::start().await;
    let policy = reachable.policy(&hoards(60_000), &granted(Grant::Kv)).await;
    let reason = decide(&policy, "ls").await.reason;
    assert_eq!(reason, "The plugin may keep 1048576 bytes in all; delete some first.");
}

#[tokio::test]
async fn a_call_sees_one_time() {
    let reachable = Reachable::start().await;
    let clock = r#"(import "lockhouse:host/clock@0.1.0" "now-us" (func $now (result i64)))"#;
    let evaluate = format!(
        "(if (i64.ne (call $now) (i64.const 1234567)) (then unreachable))
         (i32.const {ALLOW})"
    );
    let policy = fixture::policy(clock, &evaluate);
    let policy = reachable.policy(&policy, &Granted::default()).await;
    assert!(decide(&policy, "ls").await.allow);
}

const SECRETS: &str = r#"
    (import "lockhouse:host/secrets@0.1.0" "find" (func $find (param i32 i32 i32)))
    (import "lockhouse:host/secrets@0.1.0" "[method]secret.reveal"
        (func $reveal (param i32 i32)))
    (data (i32.const 1024) "API_KEY")
    (data (i32.const 1040) "OTHER")"#;

/// An agent that says what the secret's text is, or why it got none.
pub(crate) fn tells(name: u32, bytes: u32) -> Vec<u8> {
    let plan = format!(
        "(call $find (i32.const {name}) (i32.const {bytes}) (i32.const 2048))
         (if (i32.load8_u (i32.const 2048)) (then {}))
         (call $reveal (i32.load (i32.const 2052)) (i32.const 2048))
         (if (i32.load8_u (i32.const 2048)) (then {}))
         {} (unreachable)",
        fixture::says(2056, 2060),
        fixture::says(2056, 2060),
        fixture::says(2052, 2056)
    );
    fixture::agent_with(SECRETS, &plan)
}

#[tokio::test]
async fn a_secret_that_was_lent_is_revealed_and_the_look_recorded() {
    let reachable = Reachable::start().await;
    let said = reachable.says(&tells(1024, 7), &granted(Grant::Secret("API_KEY".to_owned()))).await;
    assert_eq!(said, "hush");
    let entry = sqlx::query("SELECT * FROM audit_entries WHERE action = 'secret.reveal'")
        .fetch_one(reachable.db.pool())
        .await
        .unwrap();
    assert_eq!(entry.get::<String, _>("actor"), "ada");
    assert_eq!(entry.get::<String, _>("target"), "plugin/fixture secret/API_KEY");
}

#[tokio::test]
async fn a_secret_under_another_name_is_denied() {
    let reachable = Reachable::start().await;
    let said = reachable.says(&tells(1024, 7), &granted(Grant::Secret("OTHER".to_owned()))).await;
    assert!(said.contains("does not ask for the grant “secret/API_KEY”"), "{said}");
}

#[tokio::test]
async fn a_secret_that_nobody_set_is_not_found() {
    let reachable = Reachable::start().await;
    let said = reachable.says(&tells(1040, 5), &granted(Grant::Secret("OTHER".to_owned()))).await;
    assert_eq!(said, "There is no secret “OTHER”; the operator sets it under [plugins.secrets].");
}

const FILES: &str = r#"
    (import "lockhouse:host/project-files@0.1.0" "open" (func $open (param i32)))
    (import "lockhouse:host/project-files@0.1.0" "[method]root.read"
        (func $read (param i32 i32 i32 i32 i32)))
    (import "lockhouse:host/project-files@0.1.0" "[method]root.list"
        (func $list (param i32 i32 i32 i32 i32)))"#;

/// An agent that asks one thing of the project's files; `then` says what of
/// its answer.
fn looks(text: &str, question: &str, then: &str) -> Vec<u8> {
    let (size, error) = (text.len(), fixture::says(2056, 2060));
    let plan = format!(
        "(call $open (i32.const 2048))
         (if (i32.load8_u (i32.const 2048)) (then {error}))
         (call {question} (i32.load (i32.const 2052)) (i32.const 1024) (i32.const {size})
            (i32.const 5) (i32.const 2048))
         (if (i32.load8_u (i32.const 2048)) (then {error}))
         {then} (unreachable)"
    );
    fixture::agent_with(&format!("{FILES} (data (i32.const 1024) {text:?})"), &plan)
}

/// Says the first five bytes of a file.
fn reads(path: &str) -> Vec<u8> {
    looks(path, "$read", &fixture::says(2052, 2056))
}

/// Says the path of the one entry that there is.
fn finds(glob: &str) -> Vec<u8> {
    let path = "(if (i32.ne (i32.load (i32.const 2056)) (i32.const 1)) (then unreachable))
        (i32.store (i32.const 2064) (i32.load (i32.load (i32.const 2052))))
        (i32.store (i32.const 2068) (i32.load offset=4 (i32.load (i32.const 2052))))";
    looks(glob, "$list", &format!("{path} {}", fixture::says(2064, 2068)))
}

#[tokio::test]
async fn a_file_of_the_project_is_read_up_to_the_bytes_asked_for() {
    let reachable = Reachable::start().await;
    reachable.writes("src/app.py", "print('hi')");
    let said = reachable.says(&reads("src/app.py"), &granted(Grant::ProjectFiles)).await;
    assert_eq!(said, "print");
}

#[tokio::test]
async fn a_path_that_leads_out_of_the_project_is_denied() {
    let reachable = Reachable::start().await;
    let said = reachable.says(&reads("../../lockhouse.db"), &granted(Grant::ProjectFiles)).await;
    assert!(said.contains("is not a path inside the project"), "{said}");
}

#[tokio::test]
async fn a_link_that_leads_out_of_the_project_is_denied() {
    let reachable = Reachable::start().await;
    reachable.links_out("link");
    let said = reachable.says(&reads("link"), &granted(Grant::ProjectFiles)).await;
    assert!(said.contains("“link” leads out of the project"), "{said}");
}

#[tokio::test]
async fn files_are_found_by_a_glob() {
    let reachable = Reachable::start().await;
    reachable.writes("src/a.txt", "");
    reachable.writes("src/deep/b.py", "");
    let said = reachable.says(&finds("src/**/*.py"), &granted(Grant::ProjectFiles)).await;
    assert_eq!(said, "src/deep/b.py");
}

#[tokio::test]
async fn files_that_were_not_granted_are_denied() {
    let reachable = Reachable::start().await;
    reachable.writes("src/app.py", "print('hi')");
    let asked = Granted::new([Grant::ProjectFiles], []);
    let said = reachable.says(&reads("src/app.py"), &asked).await;
    assert!(said.contains("`lockhouse plugin grant fixture project-files`"), "{said}");
}

#[tokio::test]
async fn a_project_that_is_not_the_callers_is_not_found() {
    let reachable = Reachable::start().await;
    let said = reachable.says_to("bob", &reads("a"), &granted(Grant::ProjectFiles)).await;
    assert!(said.contains("there is no project"), "{said}");
}

#[tokio::test]
async fn a_policy_may_not_import_secrets() {
    let find = r#"(import "lockhouse:host/secrets@0.1.0" "find"
        (func $find (param i32 i32 i32)))"#;
    let strange = fixture::policy_of_world("curious", find, "(unreachable)");
    let error = refusal(&strange, "{}").await.to_string();
    assert!(error.contains("imports lockhouse:host/secrets@0.1.0"), "{error}");
    assert!(error.contains("offers it to planner, writer, fixer"), "{error}");
}
