//! What changes in a project is told to who watches it.

use std::time::Duration;

use lockhouse::events::Change;
use lockhouse::files::{Told, Watch};

use super::Room;

/// Longer than any machine needs.
const PATIENCE: Duration = Duration::from_secs(60);

impl Room {
    async fn watched(&self, since: Option<u64>) -> Watch {
        self.files.watch(&self.project, since, &self.tasks).await.unwrap()
    }
}

async fn next(watch: &mut Watch) -> (Change, String) {
    let news = tokio::time::timeout(PATIENCE, watch.next()).await.unwrap().unwrap();
    match news.told {
        Told::Change { path, change, .. } => (change, path),
        Told::Overflow => panic!("more happened than was told"),
    }
}

/// Reads on until this is told: a program's writes may be told in parts.
async fn until(watch: &mut Watch, change: Change, path: &str) {
    while next(watch).await != is(change, path) {}
}

fn is(change: Change, path: &str) -> (Change, String) {
    (change, path.to_owned())
}

#[tokio::test]
async fn what_the_host_does_is_told_once() {
    let room = Room::new().await;
    let mut watch = room.watched(None).await;
    room.write("a.txt", "one").await.unwrap();
    assert_eq!(next(&mut watch).await, is(Change::Created, "a.txt"));
    room.write("a.txt", "two").await.unwrap();
    assert_eq!(next(&mut watch).await, is(Change::Changed, "a.txt"));
    room.delete("a.txt", false).await.unwrap();
    assert_eq!(next(&mut watch).await, is(Change::Deleted, "a.txt"));
}

#[tokio::test]
async fn what_a_program_does_is_told() {
    let room = Room::new().await;
    std::fs::write(room.inside("a.txt"), "one").unwrap();
    let mut watch = room.watched(None).await;
    std::fs::write(room.inside("a.txt"), "two").unwrap();
    assert_eq!(next(&mut watch).await, is(Change::Changed, "a.txt"));
    std::fs::rename(room.inside("a.txt"), room.inside("b.txt")).unwrap();
    until(&mut watch, Change::Deleted, "a.txt").await;
    until(&mut watch, Change::Created, "b.txt").await;
}

#[tokio::test]
async fn a_directory_that_comes_is_watched_with_all_that_is_in_it() {
    let room = Room::new().await;
    let mut watch = room.watched(None).await;
    std::fs::create_dir_all(room.inside("a/b")).unwrap();
    std::fs::write(room.inside("a/b/c"), "").unwrap();
    until(&mut watch, Change::Created, "a").await;
    until(&mut watch, Change::Created, "a/b").await;
    until(&mut watch, Change::Created, "a/b/c").await;
    std::fs::remove_file(room.inside("a/b/c")).unwrap();
    until(&mut watch, Change::Deleted, "a/b/c").await;
}

#[tokio::test]
async fn a_directory_that_was_moved_is_watched_where_it_is() {
    let room = Room::new().await;
    room.write("z/deep/a.txt", "one").await.unwrap();
    let mut watch = room.watched(None).await;
    std::fs::rename(room.inside("z"), room.inside("a")).unwrap();
    until(&mut watch, Change::Created, "a/deep/a.txt").await;
    std::fs::write(room.inside("a/deep/a.txt"), "two").unwrap();
    until(&mut watch, Change::Changed, "a/deep/a.txt").await;
    std::fs::create_dir(room.inside("z")).unwrap();
    until(&mut watch, Change::Created, "z").await;
}

#[tokio::test]
async fn a_thousand_writes_at_once_are_few_news() {
    let room = Room::new().await;
    let mut watch = room.watched(None).await;
    for n in 0..1_000 {
        std::fs::write(room.inside("a.txt"), n.to_string()).unwrap();
    }
    std::fs::write(room.inside("last"), "").unwrap();
    let mut told = 0;
    while next(&mut watch).await != is(Change::Created, "last") {
        told += 1;
    }
    assert!(told < 1_000, "{told}");
}

#[tokio::test]
async fn a_watcher_who_comes_back_is_told_what_it_missed() {
    let room = Room::new().await;
    let mut watch = room.watched(None).await;
    room.write("a.txt", "one").await.unwrap();
    next(&mut watch).await;
    let last = watch.last();
    let mut other = room.watched(None).await;
    drop(watch);
    room.write("b.txt", "one").await.unwrap();
    next(&mut other).await;
    let mut again = room.watched(Some(last)).await;
    assert_eq!(next(&mut again).await, is(Change::Created, "b.txt"));
    assert_eq!(again.last(), other.last());
}

#[tokio::test]
async fn a_batch_is_told_and_its_staging_is_not() {
    let room = Room::new().await;
    room.write("a.txt", "one").await.unwrap();
    let mut watch = room.watched(None).await;
    let write = |path: &str| lockhouse::files::Operation::Write {
        path: super::rel(path),
        bytes: bytes::Bytes::from_static(b"two"),
        save: lockhouse::files::Save::default(),
    };
    room.batch(vec![write("a.txt"), write("b.txt")]).await.unwrap();
    assert_eq!(next(&mut watch).await, is(Change::Changed, "a.txt"));
    assert_eq!(next(&mut watch).await, is(Change::Created, "b.txt"));
}

#[tokio::test]
async fn a_watch_is_not_led_outside_by_links() {
    let room = Room::new().await;
    std::fs::create_dir(room.outside("treasure")).unwrap();
    room.link("before", room.outside("treasure"));
    let mut watch = room.watched(None).await;
    room.link("later", room.outside("treasure"));
    assert_eq!(next(&mut watch).await, is(Change::Created, "later"));
    std::fs::write(room.outside("treasure/gold"), "gold").unwrap();
    room.write("mine", "x").await.unwrap();
    assert_eq!(next(&mut watch).await, is(Change::Created, "mine"));
}

#[tokio::test]
async fn the_watch_of_a_directory_that_is_gone_ends() {
    let room = Room::new().await;
    let mut watch = room.watched(None).await;
    std::fs::remove_dir_all(room.inside("")).unwrap();
    assert!(tokio::time::timeout(PATIENCE, watch.next()).await.unwrap().is_none());
}
