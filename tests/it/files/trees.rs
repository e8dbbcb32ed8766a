//! Listing, deleting and moving directories.

use std::os::unix::ffi::OsStrExt as _;

use lockhouse::files::{EntryKind, Error, List};

use super::{Room, rel};

async fn filled() -> Room {
    let room = Room::new().await;
    for path in ["b/x", "b/y/z", "a", "b.txt", "c/d"] {
        room.write(path, path).await.unwrap();
    }
    room
}

/// All paths, gathered page by page.
async fn paged(room: &Room, limit: u32) -> Vec<String> {
    let (mut paths, mut cursor) = (Vec::new(), None);
    loop {
        let list = List { recursive: true, limit: Some(limit), cursor };
        let page = room.list("", list).await.unwrap();
        assert!(page.entries.len() <= limit as usize);
        paths.extend(page.entries.into_iter().map(|entry| entry.path));
        cursor = page.next_cursor;
        if cursor.is_none() {
            return paths;
        }
    }
}

#[tokio::test]
async fn a_list_shows_what_is_directly_in_a_directory() {
    let room = filled().await;
    let listing = room.list("b", List::default()).await.unwrap();
    let shown: Vec<_> =
        listing.entries.iter().map(|e| (e.path.as_str(), e.name(), e.kind)).collect();
    assert_eq!(shown, [("b/x", "x", EntryKind::File), ("b/y", "y", EntryKind::Directory)]);
    assert_eq!(listing.next_cursor, None);
}

#[tokio::test]
async fn a_recursive_list_is_in_a_stable_order() {
    let room = filled().await;
    assert_eq!(room.paths().await, ["a", "b", "b/x", "b/y", "b/y/z", "b.txt", "c", "c/d"]);
}

#[tokio::test]
async fn pages_of_any_size_make_up_the_whole() {
    let room = filled().await;
    let whole = room.paths().await;
    assert_eq!(paged(&room, 1).await, whole);
    assert_eq!(paged(&room, 2).await, whole);
    assert_eq!(paged(&room, 3).await, whole);
    assert_eq!(paged(&room, 7).await, whole);
}

#[tokio::test]
async fn a_page_goes_on_though_its_last_entry_was_deleted() {
    let room = filled().await;
    let list = List { recursive: true, limit: Some(3), cursor: None };
    let page = room.list("", list).await.unwrap();
    room.delete("b", true).await.unwrap();
    let next = List { recursive: true, limit: None, cursor: page.next_cursor };
    let paths: Vec<_> =
        room.list("", next).await.unwrap().entries.into_iter().map(|e| e.path).collect();
    assert_eq!(paths, ["b.txt", "c", "c/d"]);
}

#[tokio::test]
async fn a_cursor_that_no_list_gave_is_refused() {
    let room = Room::new().await;
    let list = List { cursor: Some("*".to_owned()), ..List::default() };
    assert!(matches!(room.list("", list).await, Err(Error::Cursor)));
}

#[tokio::test]
async fn a_list_of_more_than_a_thousand_entries_is_cut_into_pages() {
    let room = Room::new().await;
    (0..1_203).for_each(|n| std::fs::write(room.inside(&format!("f{n:04}")), "").unwrap());
    let list = List { limit: Some(5_000), ..List::default() };
    let page = room.list("", list).await.unwrap();
    assert_eq!(page.entries.len(), 1_000);
    assert_eq!(paged(&room, 500).await.len(), 1_203);
}

#[tokio::test]
async fn a_name_that_is_not_utf_8_is_shown_and_its_neighbours_too() {
    let room = Room::new().await;
    std::fs::write(room.inside("").join(std::ffi::OsStr::from_bytes(b"b\xff")), "").unwrap();
    room.write("a", "").await.unwrap();
    room.write("c", "").await.unwrap();
    assert_eq!(paged(&room, 1).await, ["a", "b\u{fffd}", "c"]);
}

#[tokio::test]
async fn a_directory_deeper_than_a_path_can_say_is_told() {
    let room = Room::new().await;
    std::fs::create_dir_all(room.inside(&"d/".repeat(70))).unwrap();
    let listing = room.list("", List { recursive: true, ..List::default() }).await.unwrap();
    assert_eq!(listing.entries.len(), 64);
    assert!(listing.clipped);
}

#[tokio::test]
async fn a_directory_that_is_not_empty_is_deleted_only_when_asked() {
    let room = filled().await;
    assert!(matches!(room.delete("b", false).await, Err(Error::NotEmpty(_))));
    assert!(room.delete("b", true).await.unwrap());
    assert_eq!(room.paths().await, ["a", "b.txt", "c", "c/d"]);
    assert_eq!(std::fs::read_dir(room.inside("")).unwrap().count(), 3);
}

#[tokio::test]
async fn deleting_what_is_gone_succeeds() {
    let room = Room::new().await;
    assert!(!room.delete("a", false).await.unwrap());
    assert!(!room.delete("a/b", true).await.unwrap());
}

#[tokio::test]
async fn a_directory_of_any_depth_is_deleted() {
    let room = Room::new().await;
    deep(&room.inside(""), 3_000);
    assert!(room.delete("d", true).await.unwrap());
    assert_eq!(std::fs::read_dir(room.inside("")).unwrap().count(), 0);
}

/// Directories so deep that no path leads to the last.
fn deep(at: &std::path::Path, depth: usize) {
    use nix::fcntl::{OFlag, open, openat};
    use nix::sys::stat::{Mode, mkdirat};
    let flags = OFlag::O_DIRECTORY | OFlag::O_RDONLY;
    let mut dir = open(at, flags, Mode::empty()).unwrap();
    for _ in 0..depth {
        mkdirat(&dir, "d", Mode::S_IRWXU).unwrap();
        dir = openat(&dir, "d", flags, Mode::empty()).unwrap();
    }
}

#[tokio::test]
async fn a_file_is_moved_and_the_parents_of_its_new_place_are_made() {
    let room = filled().await;
    room.rename("a", "new/deep/a", false).await.unwrap();
    assert_eq!(room.read("new/deep/a").await.unwrap(), "a");
    assert!(matches!(room.read("a").await, Err(Error::NotFound(_))));
}

#[tokio::test]
async fn a_directory_is_moved_with_what_is_in_it() {
    let room = filled().await;
    room.rename("b", "c/b", false).await.unwrap();
    assert_eq!(room.read("c/b/y/z").await.unwrap(), "b/y/z");
}

#[tokio::test]
async fn moving_over_something_needs_overwrite() {
    let room = filled().await;
    assert!(matches!(room.rename("a", "b.txt", false).await, Err(Error::Exists(_))));
    room.rename("a", "b.txt", true).await.unwrap();
    assert_eq!(room.read("b.txt").await.unwrap(), "a");
    assert!(matches!(room.rename("b.txt", "c", true).await, Err(Error::IsDirectory(_))));
    assert!(matches!(room.rename("b", "c", true).await, Err(Error::NotEmpty(_))));
}

#[tokio::test]
async fn a_directory_can_t_be_moved_into_itself() {
    let room = filled().await;
    room.link("alias", "b");
    assert!(matches!(room.rename("b", "b/c/b", true).await, Err(Error::IntoItself(_))));
    assert!(matches!(room.rename("b", "alias/b", true).await, Err(Error::IntoItself(_))));
    assert!(matches!(room.rename("gone", "x", true).await, Err(Error::NotFound(_))));
}

#[tokio::test]
async fn the_list_of_a_file_or_of_nothing_is_refused() {
    let room = filled().await;
    assert!(matches!(room.list("a", List::default()).await, Err(Error::NotADirectory(_))));
    assert!(matches!(room.list("gone", List::default()).await, Err(Error::NotFound(_))));
    assert!(matches!(room.files.read(&room.project, &rel("b")).await, Err(Error::IsDirectory(_))));
}
