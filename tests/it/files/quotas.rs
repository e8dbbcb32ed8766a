//! How much a project may hold, and how large files and lists are dealt with.

use bytes::Bytes;
use futures::stream;
use lockhouse::files::{Error, Format, List, Operation, Save};

use super::{Room, rel};

fn write(path: &str) -> Operation {
    let bytes = Bytes::from_static(b"12345");
    Operation::Write { path: rel(path), bytes, save: Save::default() }
}

#[tokio::test]
async fn a_project_with_as_many_files_as_it_may_have_takes_no_more() {
    let room = Room::of_quota(3, 1_000).await;
    room.write("src/a.txt", "one").await.unwrap();
    room.write("b.txt", "one").await.unwrap();
    assert!(matches!(room.write("c.txt", "one").await, Err(Error::TooManyFiles)));
    let (permit, path) = (room.permit().await, rel("d"));
    let directory = room.files.create_directory(&permit, &room.project, &path).await;
    assert!(matches!(directory, Err(Error::TooManyFiles)));
    room.write("b.txt", "two").await.unwrap();
    room.delete("src", true).await.unwrap();
    room.write("c.txt", "one").await.unwrap();
}

#[tokio::test]
async fn a_project_with_as_many_bytes_as_it_may_have_takes_no_more() {
    let room = Room::of_quota(100, 10).await;
    room.write("a.txt", "12345").await.unwrap();
    assert!(matches!(room.write("b.txt", "123456").await, Err(Error::NoSpace)));
    assert_eq!(room.paths().await, ["a.txt"]);
    room.write("b.txt", "12345").await.unwrap();
    room.delete("a.txt", false).await.unwrap();
    room.write("c.txt", "12345").await.unwrap();
}

#[tokio::test]
async fn what_programs_made_counts_before_anybody_is_refused() {
    let room = Room::of_quota(100, 10).await;
    std::fs::write(room.inside("a.txt"), "1234567890").unwrap();
    assert!(matches!(room.write("b.txt", "1").await, Err(Error::NoSpace)));
}

#[tokio::test]
async fn a_batch_over_the_quota_changes_nothing() {
    let room = Room::of_quota(2, 1_000).await;
    let refused = room.batch(vec![write("a"), write("b"), write("c")]).await;
    assert!(matches!(refused, Err(Error::TooManyFiles)), "{refused:?}");
    let room = Room::of_quota(100, 9).await;
    assert!(matches!(room.batch(vec![write("a"), write("b")]).await, Err(Error::NoSpace)));
    assert!(room.paths().await.is_empty());
}

#[tokio::test]
async fn an_archive_over_the_quota_changes_nothing() {
    let full = Room::new().await;
    full.batch(vec![write("a"), write("b"), write("c")]).await.unwrap();
    let archive = full.packed(Format::TarGz).await;
    let room = Room::of_quota(2, 1_000).await;
    let refused = room.unpack(Format::TarGz, &archive).await;
    assert!(matches!(refused, Err(Error::TooManyFiles)), "{refused:?}");
    let room = Room::of_quota(100, 14).await;
    assert!(matches!(room.unpack(Format::TarGz, &archive).await, Err(Error::NoSpace)));
    assert!(room.paths().await.is_empty());
}

#[tokio::test]
async fn a_list_of_a_hundred_thousand_entries_comes_in_pages() {
    let room = Room::new().await;
    for n in 0..100_000 {
        std::fs::File::create(room.inside(&format!("f{n:06}"))).unwrap();
    }
    let (first, cursor) = page(&room, None).await;
    let (second, cursor) = page(&room, cursor).await;
    assert_eq!((first.as_str(), second.as_str()), ("f000000", "f001000"));
    let beyond = room.list("", List { cursor, limit: Some(1), ..List::default() }).await.unwrap();
    assert_eq!(beyond.entries[0].path, "f002000");
}

/// The first name of a page of a thousand, and where the next begins.
async fn page(room: &Room, cursor: Option<String>) -> (String, Option<String>) {
    let page = room.list("", List { limit: Some(1_000), cursor, ..List::default() }).await.unwrap();
    assert_eq!(page.entries.len(), 1_000);
    (page.entries[0].path.clone(), page.next_cursor)
}

#[tokio::test]
async fn a_file_of_a_gigabyte_is_saved_as_it_comes() {
    let room = Room::new().await;
    let piece = Bytes::from(vec![7; 1024 * 1024]);
    let body = stream::iter((0..1024).map(move |_| Ok::<_, String>(piece.clone())));
    let (permit, path) = (room.permit().await, rel("big"));
    let saved = room.files.write(&permit, &room.project, &path, body, Save::default()).await;
    assert_eq!(saved.unwrap().entry.size_bytes, 1024 * 1024 * 1024);
}
