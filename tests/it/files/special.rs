//! What is no ordinary file is refused, and nobody waits for it.

use std::os::unix::net::UnixListener;
use std::time::Duration;

use lockhouse::files::{EntryKind, Error};
use nix::sys::stat::{Mode, SFlag};
use tokio::time::timeout;

use super::{Room, rel};

const AT_ONCE: Duration = Duration::from_secs(5);

#[tokio::test]
async fn a_pipe_is_refused_and_nobody_waits_for_its_other_end() {
    let room = Room::new().await;
    nix::unistd::mkfifo(&room.inside("pipe"), Mode::S_IRWXU).unwrap();
    let read = timeout(AT_ONCE, room.read("pipe")).await.unwrap();
    let written = timeout(AT_ONCE, room.write("pipe", "x")).await.unwrap();
    assert!(matches!(read, Err(Error::Special(_))));
    assert!(matches!(written, Err(Error::Special(_))));
}

#[tokio::test]
async fn a_socket_is_refused() {
    let room = Room::new().await;
    let _listener = UnixListener::bind(room.inside("s")).unwrap();
    assert!(matches!(room.read("s").await, Err(Error::Special(_))));
    assert!(matches!(room.write("s", "x").await, Err(Error::Special(_))));
}

#[tokio::test]
async fn a_device_is_refused() {
    need!(root, crate::need::root());
    let room = Room::new().await;
    let zero = nix::sys::stat::makedev(1, 5);
    nix::sys::stat::mknod(&room.inside("zero"), SFlag::S_IFCHR, Mode::S_IRWXU, zero).unwrap();
    assert!(matches!(room.read("zero").await, Err(Error::Special(_))));
    assert!(matches!(room.write("zero", "x").await, Err(Error::Special(_))));
}

#[tokio::test]
async fn a_hard_link_to_a_file_outside_is_refused() {
    let room = Room::of_owner_if_root((1_000, 1_000)).await;
    let secret = room.secret();
    std::fs::hard_link(&secret, room.inside("hard")).unwrap();
    assert!(matches!(room.read("hard").await, Err(Error::Special(_))));
    assert!(matches!(room.write("hard", "x").await, Err(Error::Special(_))));
    assert_eq!(std::fs::read_to_string(secret).unwrap(), "secret");
}

#[tokio::test]
async fn a_hard_link_that_the_project_made_is_read_and_saving_it_leaves_its_other_name() {
    need!(root, crate::need::root());
    let room = Room::of_owner((1_000, 1_000)).await;
    room.write("a.txt", "one").await.unwrap();
    std::fs::hard_link(room.inside("a.txt"), room.inside("b.txt")).unwrap();
    assert_eq!(room.read("b.txt").await.unwrap(), "one");
    room.write("b.txt", "two").await.unwrap();
    assert_eq!(room.read("a.txt").await.unwrap(), "one");
}

#[tokio::test]
async fn what_is_special_is_listed_and_can_be_deleted() {
    let room = Room::new().await;
    nix::unistd::mkfifo(&room.inside("pipe"), Mode::S_IRWXU).unwrap();
    let entry = room.files.entry(&room.project, &rel("pipe")).await.unwrap();
    assert_eq!(entry.kind, EntryKind::Other);
    assert_eq!(room.paths().await, ["pipe"]);
    assert!(room.delete("pipe", false).await.unwrap());
}
