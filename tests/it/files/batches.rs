//! Many changes at once: all of them, or none.

use bytes::Bytes;
use lockhouse::files::{Error, Operation, Precondition, Save};

use super::{Room, rel};

fn write(path: &str, text: &str) -> Operation {
    Operation::Write { path: rel(path), bytes: bytes(text), save: Save::default() }
}

fn create(path: &str, text: &str) -> Operation {
    Operation::CreateFile { path: rel(path), bytes: bytes(text) }
}

fn delete(path: &str) -> Operation {
    Operation::Delete { path: rel(path), recursive: true }
}

fn rename(from: &str, to: &str) -> Operation {
    Operation::Rename { from: rel(from), to: rel(to), overwrite: false }
}

fn bytes(text: &str) -> Bytes {
    Bytes::copy_from_slice(text.as_bytes())
}

/// Files, directories and a link, and what they hold.
async fn furnished() -> Room {
    let room = Room::new().await;
    room.write("a.txt", "old a").await.unwrap();
    room.write("src/b.txt", "old b").await.unwrap();
    room.write("src/deep/c.txt", "old c").await.unwrap();
    room.link("link", "src");
    room
}

/// Every path, with what a file holds, as it is on the disk.
fn everything(room: &Room) -> Vec<(String, Option<String>)> {
    let mut all = Vec::new();
    collect(&room.inside(""), "", &mut all);
    all.sort();
    all
}

fn collect(dir: &std::path::Path, at: &str, all: &mut Vec<(String, Option<String>)>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let entry = entry.unwrap();
        let path = format!("{at}/{}", entry.file_name().to_string_lossy());
        if entry.file_type().unwrap().is_dir() {
            collect(&entry.path(), &path, all);
        }
        all.push((path, std::fs::read_to_string(entry.path()).ok()));
    }
}

#[tokio::test]
async fn a_batch_is_carried_out_in_its_order() {
    let room = furnished().await;
    let operations = vec![
        write("new/deep/d.txt", "d"),
        rename("src", "lib"),
        write("src/b.txt", "another b"),
        write("lib/b.txt", "new b"),
        delete("lib/deep"),
        rename("new/deep/d.txt", "d.txt"),
        Operation::CreateDirectory { path: rel("empty") },
    ];
    room.batch(operations).await.unwrap();
    let paths = [
        "a.txt",
        "d.txt",
        "empty",
        "lib",
        "lib/b.txt",
        "link",
        "new",
        "new/deep",
        "src",
        "src/b.txt",
    ];
    assert_eq!(room.paths().await, paths);
    assert_eq!(room.read("lib/b.txt").await.unwrap(), "new b");
    assert_eq!(room.read("src/b.txt").await.unwrap(), "another b");
}

#[tokio::test]
async fn a_batch_that_fails_at_its_end_leaves_everything_as_it_was() {
    let room = furnished().await;
    let before = everything(&room);
    let operations = vec![
        write("a.txt", "new a"),
        write("very/new/x.txt", "x"),
        delete("src/deep"),
        rename("src", "moved"),
        write("src/b.txt", "new b"),
        delete("link"),
        create("a.txt", "there already"),
    ];
    let refused = room.batch(operations).await;
    assert!(matches!(refused, Err(Error::Operation { number: 7, .. })), "{refused:?}");
    assert_eq!(everything(&room), before);
}

#[tokio::test]
async fn what_a_batch_can_t_do_is_told_with_its_number() {
    let room = furnished().await;
    let second = |operation| room.batch(vec![write("n.txt", "n"), operation]);
    let not_empty = Operation::Delete { path: rel("src"), recursive: false };
    let refused = [
        second(create("a.txt", "")).await.unwrap_err().to_string(),
        second(write("src", "")).await.unwrap_err().to_string(),
        second(rename("none", "x")).await.unwrap_err().to_string(),
        second(rename("src", "src/deep/x")).await.unwrap_err().to_string(),
        second(not_empty).await.unwrap_err().to_string(),
        second(write("a.txt/x", "")).await.unwrap_err().to_string(),
    ];
    assert!(refused.iter().all(|text| text.starts_with("operation 2: ")), "{refused:#?}");
    assert!(matches!(room.read("n.txt").await, Err(Error::NotFound(_))));
}

#[tokio::test]
async fn a_batch_over_a_version_that_is_gone_changes_nothing() {
    let room = furnished().await;
    let old = room.write("a.txt", "one").await.unwrap().entry.etag;
    room.write("a.txt", "two").await.unwrap();
    let save = Save { precondition: Precondition::OneOf(vec![old]), ..Save::default() };
    let stale = Operation::Write { path: rel("a.txt"), bytes: bytes("three"), save };
    assert!(room.batch(vec![write("src/b.txt", "new"), stale]).await.is_err());
    assert_eq!(room.read("a.txt").await.unwrap(), "two");
    assert_eq!(room.read("src/b.txt").await.unwrap(), "old b");
}

#[tokio::test]
async fn a_rename_in_a_batch_replaces_only_when_asked() {
    let room = furnished().await;
    assert!(room.batch(vec![rename("a.txt", "src/b.txt")]).await.is_err());
    let overwrite = Operation::Rename { from: rel("a.txt"), to: rel("src/b.txt"), overwrite: true };
    room.batch(vec![overwrite]).await.unwrap();
    assert_eq!(room.read("src/b.txt").await.unwrap(), "old a");
    assert!(room.read("a.txt").await.is_err());
}

#[tokio::test]
async fn a_batch_is_not_led_outside_by_links() {
    let room = furnished().await;
    std::fs::create_dir(room.outside("treasure")).unwrap();
    room.link("out", room.outside("treasure"));
    assert!(room.batch(vec![write("out/x.txt", "x")]).await.is_err());
    assert!(room.batch(vec![rename("a.txt", "out/a.txt")]).await.is_err());
    room.batch(vec![delete("out")]).await.unwrap();
    assert_eq!(std::fs::read_dir(room.outside("treasure")).unwrap().count(), 0);
}

#[tokio::test]
async fn a_batch_leaves_no_staging_directory_and_no_record() {
    let room = furnished().await;
    room.batch(vec![write("a.txt", "new"), delete("src")]).await.unwrap();
    let _ = room.batch(vec![write("b.txt", "new"), create("a.txt", "")]).await;
    let hidden = |(path, _): &(String, Option<String>)| path.contains(".lockhouse-");
    assert!(!everything(&room).iter().any(hidden));
    assert_eq!(std::fs::read_dir(room.outside("batches")).unwrap().count(), 0);
}

#[tokio::test]
async fn a_batch_of_a_file_too_large_changes_nothing() {
    let room = Room::of_size(4).await;
    assert!(room.batch(vec![write("a.txt", "four"), write("b.txt", "fives")]).await.is_err());
    assert!(room.paths().await.is_empty());
}

#[tokio::test]
async fn what_a_batch_writes_belongs_to_the_runtimes_user_and_keeps_its_mode() {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
    need!(root, crate::need::root());
    let room = Room::of_owner((1_000, 1_000)).await;
    room.write("run.sh", "one").await.unwrap();
    let mode = std::fs::Permissions::from_mode(0o751);
    std::fs::set_permissions(room.inside("run.sh"), mode).unwrap();
    room.batch(vec![write("run.sh", "two"), write("new/n.txt", "n")]).await.unwrap();
    let of = |path| std::fs::metadata(room.inside(path)).unwrap();
    assert_eq!(of("run.sh").mode() & 0o7777, 0o751);
    assert_eq!((of("new").uid(), of("new/n.txt").uid(), of("run.sh").uid()), (1_000, 1_000, 1_000));
}
