//! A save is whole or did not happen.

use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

use bytes::Bytes;
use futures::stream;
use lockhouse::events::{Change, What};
use lockhouse::files::{Error, Etag, Precondition, Save};

use super::{Room, rel};

fn only(precondition: Precondition) -> Save {
    Save { precondition, executable: None }
}

#[tokio::test]
async fn what_is_saved_is_read_back() {
    let room = Room::new().await;
    assert!(room.write("src/deep/main.py", "print(1)").await.unwrap().created);
    assert_eq!(room.read("src/deep/main.py").await.unwrap(), "print(1)");
}

#[tokio::test]
async fn a_save_changes_the_etag_even_if_the_content_is_the_same() {
    let room = Room::new().await;
    let first = room.write("a.txt", "hi").await.unwrap().entry.etag;
    let second = room.write("a.txt", "hi").await.unwrap();
    assert!(!second.created);
    assert_ne!(first, second.entry.etag);
}

#[tokio::test]
async fn reading_gives_the_etag_that_the_save_gave() {
    let room = Room::new().await;
    let saved = room.write("a.txt", "hi").await.unwrap();
    assert_eq!(room.files.open(&room.project, &rel("a.txt")).await.unwrap().entry, saved.entry);
    assert_eq!(room.files.entry(&room.project, &rel("a.txt")).await.unwrap(), saved.entry);
}

#[tokio::test]
async fn a_write_in_place_by_a_program_changes_the_etag() {
    let room = Room::new().await;
    let saved = room.write("a.txt", "hi").await.unwrap();
    std::fs::write(room.inside("a.txt"), "ho").unwrap();
    assert_ne!(
        room.files.entry(&room.project, &rel("a.txt")).await.unwrap().etag,
        saved.entry.etag
    );
}

#[tokio::test]
async fn a_save_over_a_version_that_is_gone_is_refused() {
    let room = Room::new().await;
    let old = room.write("a.txt", "one").await.unwrap().entry.etag;
    let new = room.write("a.txt", "two").await.unwrap().entry.etag;
    let refused = room.save("a.txt", "three", only(Precondition::OneOf(vec![old]))).await;
    assert!(matches!(refused, Err(Error::Changed { current: Some(etag), .. }) if etag == new));
    assert_eq!(room.read("a.txt").await.unwrap(), "two");
}

#[tokio::test]
async fn a_save_over_the_version_that_is_there_succeeds() {
    let room = Room::new().await;
    let etag = room.write("a.txt", "one").await.unwrap().entry.etag;
    let same = Etag::from_caller(etag.as_str());
    room.save("a.txt", "two", only(Precondition::OneOf(vec![same]))).await.unwrap();
    assert_eq!(room.read("a.txt").await.unwrap(), "two");
}

#[tokio::test]
async fn a_save_of_what_must_be_new_is_refused_where_something_is() {
    let room = Room::new().await;
    room.save("a.txt", "one", only(Precondition::Absent)).await.unwrap();
    let refused = room.save("a.txt", "two", only(Precondition::Absent)).await;
    assert!(matches!(refused, Err(Error::Changed { .. })));
}

#[tokio::test]
async fn a_save_of_what_must_exist_is_refused_where_nothing_is() {
    let room = Room::new().await;
    let refused = room.save("a.txt", "one", only(Precondition::Exists)).await;
    assert!(matches!(refused, Err(Error::Changed { current: None, .. })));
    assert!(room.paths().await.is_empty());
}

#[tokio::test]
async fn a_save_keeps_the_mode_of_the_file() {
    let room = Room::new().await;
    room.write("run.sh", "#!/bin/sh").await.unwrap();
    let mode = std::fs::Permissions::from_mode(0o751);
    std::fs::set_permissions(room.inside("run.sh"), mode).unwrap();
    room.write("run.sh", "#!/bin/sh -e").await.unwrap();
    assert_eq!(std::fs::metadata(room.inside("run.sh")).unwrap().mode() & 0o7777, 0o751);
}

#[tokio::test]
async fn a_new_file_is_readable_by_all_and_executable_when_asked() {
    let room = Room::new().await;
    room.write("a.txt", "hi").await.unwrap();
    let executable = Save { executable: Some(true), ..Save::default() };
    room.save("run.sh", "#!/bin/sh", executable).await.unwrap();
    assert_eq!(std::fs::metadata(room.inside("a.txt")).unwrap().mode() & 0o7777, 0o644);
    assert_eq!(std::fs::metadata(room.inside("run.sh")).unwrap().mode() & 0o7777, 0o755);
}

#[tokio::test]
async fn a_save_does_not_hand_on_set_user_id() {
    let room = Room::new().await;
    room.write("tool", "one").await.unwrap();
    let mode = std::fs::Permissions::from_mode(0o4755);
    std::fs::set_permissions(room.inside("tool"), mode).unwrap();
    room.write("tool", "two").await.unwrap();
    assert_eq!(std::fs::metadata(room.inside("tool")).unwrap().mode() & 0o7777, 0o755);
}

#[tokio::test]
async fn a_file_larger_than_the_limit_is_refused_and_the_old_one_stays() {
    let room = Room::of_size(4).await;
    room.write("a.txt", "four").await.unwrap();
    let refused = room.write("a.txt", "fives").await;
    assert!(matches!(refused, Err(Error::TooLarge { limit: 4 })));
    assert_eq!(room.read("a.txt").await.unwrap(), "four");
}

#[tokio::test]
async fn a_body_larger_than_memory_holds_arrives_whole() {
    let room = Room::new().await;
    let chunk = Bytes::from(vec![b'x'; 100_000]);
    let body = stream::iter((0..30).map(move |_| Ok::<_, String>(chunk.clone())));
    let (permit, path) = (room.permit().await, rel("big"));
    room.files.write(&permit, &room.project, &path, body, Save::default()).await.unwrap();
    assert_eq!(std::fs::metadata(room.inside("big")).unwrap().len(), 3_000_000);
}

#[tokio::test]
async fn a_body_that_breaks_off_leaves_the_old_content_and_no_temporary_file() {
    let room = Room::new().await;
    room.write("a.txt", "old").await.unwrap();
    let chunk = Ok(Bytes::from(vec![b'x'; 600_000]));
    let body = stream::iter([chunk, Err("the sender went away".to_owned())]);
    let (permit, path) = (room.permit().await, rel("a.txt"));
    let broken = room.files.write(&permit, &room.project, &path, body, Save::default()).await;
    assert!(matches!(broken, Err(Error::Body(_))));
    assert_eq!(room.read("a.txt").await.unwrap(), "old");
    assert_eq!(std::fs::read_dir(room.inside("")).unwrap().count(), 1);
}

#[tokio::test]
async fn a_full_disk_is_told_and_the_old_content_stays() {
    need!(root, crate::need::root());
    let room = Room::new().await;
    let _disk = SmallDisk::at(&room.inside(""));
    room.write("a.txt", "old").await.unwrap();
    let refused = room.write("a.txt", &"x".repeat(2_000_000)).await;
    assert!(matches!(refused, Err(Error::NoSpace)), "{refused:?}");
    assert_eq!(room.read("a.txt").await.unwrap(), "old");
    assert_eq!(std::fs::read_dir(room.inside("")).unwrap().count(), 1);
}

/// A file system of one megabyte, for as long as this lives.
struct SmallDisk(std::path::PathBuf);

impl SmallDisk {
    fn at(path: &std::path::Path) -> Self {
        let flags = nix::mount::MsFlags::empty();
        nix::mount::mount(Some("none"), path, Some("tmpfs"), flags, Some("size=1m")).unwrap();
        Self(path.to_owned())
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        nix::mount::umount2(&self.0, nix::mount::MntFlags::MNT_DETACH).unwrap();
    }
}

#[tokio::test]
async fn unicode_names_and_binary_content_are_kept() {
    let room = Room::new().await;
    let bytes = Bytes::from_static(&[0, 255, 10, 13]);
    let (permit, path) = (room.permit().await, rel("naïve 文件/😀.bin"));
    let save = Save::default();
    room.files.write_bytes(&permit, &room.project, &path, bytes.clone(), save).await.unwrap();
    assert_eq!(room.files.read(&room.project, &path).await.unwrap().bytes, bytes);
}

#[tokio::test]
async fn creating_what_exists_is_refused() {
    let room = Room::new().await;
    room.write("a.txt", "one").await.unwrap();
    let (permit, path) = (room.permit().await, rel("a.txt"));
    let file = room.files.create_file(&permit, &room.project, &path, Bytes::new()).await;
    let directory = room.files.create_directory(&permit, &room.project, &path).await;
    assert!(matches!(file, Err(Error::Exists(_))));
    assert!(matches!(directory, Err(Error::Exists(_))));
    assert_eq!(room.read("a.txt").await.unwrap(), "one");
}

#[tokio::test]
async fn a_save_over_a_directory_is_refused() {
    let room = Room::new().await;
    room.write("src/a.txt", "one").await.unwrap();
    assert!(matches!(room.write("src", "two").await, Err(Error::IsDirectory(_))));
    assert!(matches!(room.write("src/a.txt/b", "two").await, Err(Error::NotADirectory(_))));
}

#[tokio::test]
async fn saves_and_deletes_are_told_as_news() {
    let room = Room::new().await;
    let mut news = room.events.subscribe(None);
    room.write("a.txt", "one").await.unwrap();
    room.delete("a.txt", false).await.unwrap();
    let project = room.project.id.clone();
    let told = |change| What::File { project: project.clone(), path: "a.txt".to_owned(), change };
    assert_eq!(news.next().await.unwrap().what, told(Change::Created));
    assert_eq!(news.next().await.unwrap().what, told(Change::Deleted));
}

#[tokio::test]
async fn what_the_host_makes_belongs_to_the_runtimes_user() {
    need!(root, crate::need::root());
    let room = Room::of_owner((1_000, 1_000)).await;
    room.write("src/a.txt", "one").await.unwrap();
    let file = std::fs::metadata(room.inside("src/a.txt")).unwrap();
    let directory = std::fs::metadata(room.inside("src")).unwrap();
    assert_eq!((file.uid(), file.gid()), (1_000, 1_000));
    assert_eq!((directory.uid(), directory.gid()), (1_000, 1_000));
}

#[tokio::test]
async fn what_the_runtimes_user_makes_can_be_read_saved_and_deleted() {
    need!(root, crate::need::root());
    let room = Room::of_owner((1_000, 1_000)).await;
    std::fs::write(room.inside("a.txt"), "theirs").unwrap();
    std::os::unix::fs::chown(room.inside("a.txt"), Some(1_000), Some(1_000)).unwrap();
    let mode = std::fs::Permissions::from_mode(0o600);
    std::fs::set_permissions(room.inside("a.txt"), mode).unwrap();
    assert_eq!(room.read("a.txt").await.unwrap(), "theirs");
    room.write("a.txt", "ours").await.unwrap();
    assert_eq!(std::fs::metadata(room.inside("a.txt")).unwrap().uid(), 1_000);
    assert!(room.delete("a.txt", false).await.unwrap());
}

#[tokio::test]
async fn what_a_killed_host_left_is_not_listed_and_is_swept() {
    let room = Room::new().await;
    let left = room.inside("src/.lockhouse-00ff");
    room.write("src/a.txt", "one").await.unwrap();
    std::fs::write(&left, "half").unwrap();
    assert_eq!(room.paths().await, ["src", "src/a.txt"]);
    std::fs::create_dir_all(room.inside(".lockhouse-00fe/deep")).unwrap();
    assert_eq!(eventually_swept(&room).await, 2);
    assert!(!left.exists());
}

/// Sweeps as hosts do that start later and later.
async fn eventually_swept(room: &Room) -> u64 {
    let until = std::time::Instant::now() + std::time::Duration::from_secs(5);
    let mut swept = 0;
    while swept < 2 && std::time::Instant::now() < until {
        swept += room.restarted().sweep(room.root()).await.unwrap();
    }
    swept
}

#[tokio::test]
async fn a_save_under_way_is_not_swept() {
    let room = Room::new().await;
    std::fs::write(room.inside(".lockhouse-00ff"), "half").unwrap();
    assert_eq!(room.files.sweep(room.root()).await.unwrap(), 0);
}
