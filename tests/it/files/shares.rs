//! How much of the disk all projects of one owner may take.

use bytes::Bytes;
use lockhouse::files::{Error, Format, Operation, Save};
use lockhouse::quotas::{self, Over};

use super::{Room, rel};

const KIB: usize = 1024;

fn write(path: &str, bytes: usize) -> Operation {
    let bytes = Bytes::from(vec![b'x'; bytes]);
    Operation::Write { path: rel(path), bytes, save: Save::default() }
}

fn is_over<T>(result: Result<T, Error>) -> bool {
    matches!(result, Err(Error::Quota(quotas::Error::Over(Over::Disk(_)))))
}

#[tokio::test]
async fn a_save_beyond_what_all_projects_of_its_owner_may_take_leaves_nothing() {
    let room = Room::of_share(64 * KIB as u64).await;
    room.write("a", &"x".repeat(40 * KIB)).await.unwrap();
    let other = room.beside("other").await;
    assert!(is_over(other.write("b", &"x".repeat(40 * KIB)).await));
    assert_eq!(std::fs::read_dir(other.inside("")).unwrap().count(), 0);
    other.write("b", &"x".repeat(20 * KIB)).await.unwrap();
}

#[tokio::test]
async fn what_was_refused_or_replaced_takes_no_room() {
    let room = Room::of_share(64 * KIB as u64).await;
    assert!(is_over(room.write("a", &"x".repeat(65 * KIB)).await));
    for _ in 0..9 {
        room.write("a", &"x".repeat(30 * KIB)).await.unwrap();
    }
    room.write("b", &"x".repeat(30 * KIB)).await.unwrap();
    assert!(is_over(room.write("c", "1").await));
}

#[tokio::test]
async fn a_batch_beyond_what_its_owner_may_take_changes_nothing() {
    let room = Room::of_share(64 * KIB as u64).await;
    assert!(is_over(room.batch(vec![write("a", 40 * KIB), write("b", 40 * KIB)]).await));
    assert_eq!(std::fs::read_dir(room.inside("")).unwrap().count(), 0);
    room.batch(vec![write("a", 20 * KIB), write("b", 20 * KIB)]).await.unwrap();
}

#[tokio::test]
async fn an_archive_beyond_what_its_owner_may_take_changes_nothing() {
    let full = Room::new().await;
    full.batch(vec![write("a", 40 * KIB), write("b", 40 * KIB)]).await.unwrap();
    let archive = full.packed(Format::TarGz).await;
    let room = Room::of_share(64 * KIB as u64).await;
    assert!(is_over(room.unpack(Format::TarGz, &archive).await));
    assert_eq!(std::fs::read_dir(room.inside("")).unwrap().count(), 0);
}

/// Each name costs something, though it has no byte.
#[tokio::test]
async fn whoever_has_no_room_may_delete_and_rename() {
    let room = Room::of_share(8 * KIB as u64).await;
    room.batch(vec![write("a", 4 * KIB), write("b", 4 * KIB)]).await.unwrap();
    let (permit, path) = (room.permit().await, rel("d"));
    assert!(is_over(room.files.create_directory(&permit, &room.project, &path).await));
    assert!(is_over(room.write("c", "").await));
    let (from, to) = (rel("a"), rel("c"));
    room.batch(vec![Operation::Rename { from, to, overwrite: false }]).await.unwrap();
    room.delete("b", false).await.unwrap();
    assert_eq!(room.paths().await, ["c"]);
}
