//! Nothing outside a project is reached, whatever links stand in it.

use lockhouse::files::{EntryKind, Error, List};

use super::{Room, rel};

#[tokio::test]
async fn a_link_to_outside_is_not_read() {
    let room = Room::new().await;
    room.link("absolute", room.secret());
    room.link("relative", "../../secret");
    assert!(matches!(room.read("absolute").await, Err(Error::Outside(_))));
    assert!(matches!(room.read("relative").await, Err(Error::Outside(_))));
}

#[tokio::test]
async fn a_link_to_outside_is_not_written_through() {
    let room = Room::new().await;
    let secret = room.secret();
    room.link("absolute", &secret);
    room.link("relative", "../../secret");
    assert!(matches!(room.write("absolute", "gone").await, Err(Error::Outside(_))));
    assert!(matches!(room.write("relative", "gone").await, Err(Error::Outside(_))));
    assert_eq!(std::fs::read_to_string(secret).unwrap(), "secret");
}

#[tokio::test]
async fn a_link_to_a_directory_outside_leads_nowhere() {
    let room = Room::new().await;
    let secret = room.secret();
    room.link("out", room.outside(""));
    assert!(matches!(room.read("out/secret").await, Err(Error::Outside(_))));
    assert!(matches!(room.write("out/secret", "gone").await, Err(Error::Outside(_))));
    assert!(matches!(room.write("out/new/file", "new").await, Err(Error::Outside(_))));
    assert!(matches!(room.delete("out/secret", true).await, Err(Error::Outside(_))));
    assert!(matches!(room.list("out", List::default()).await, Err(Error::Outside(_))));
    let stat = room.files.entry(&room.project, &rel("out/secret")).await;
    assert!(matches!(stat, Err(Error::Outside(_))));
    assert_eq!(std::fs::read_to_string(secret).unwrap(), "secret");
    assert!(!room.outside("new").exists());
}

#[tokio::test]
async fn nothing_is_moved_out_through_a_link_or_in() {
    let room = Room::new().await;
    let secret = room.secret();
    room.link("out", room.outside(""));
    room.write("a.txt", "mine").await.unwrap();
    assert!(matches!(room.rename("a.txt", "out/a.txt", true).await, Err(Error::Outside(_))));
    assert!(matches!(room.rename("out/secret", "b.txt", true).await, Err(Error::Outside(_))));
    assert!(matches!(room.rename("a.txt", "out/x/a.txt", true).await, Err(Error::Outside(_))));
    assert!(secret.exists() && !room.outside("a.txt").exists() && !room.outside("x").exists());
}

#[tokio::test]
async fn the_stat_of_a_link_to_outside_tells_of_the_link_alone() {
    let room = Room::new().await;
    room.link("link", room.secret());
    let entry = room.files.entry(&room.project, &rel("link")).await.unwrap();
    assert_eq!(entry.kind, EntryKind::Symlink);
    assert_ne!(entry.size_bytes, "secret".len() as u64);
}

#[tokio::test]
async fn a_recursive_list_does_not_follow_links() {
    let room = Room::new().await;
    room.secret();
    room.write("src/a.txt", "one").await.unwrap();
    room.link("out", room.outside(""));
    room.link("loop", ".");
    assert_eq!(room.paths().await, ["loop", "out", "src", "src/a.txt"]);
}

#[tokio::test]
async fn deleting_a_link_leaves_what_it_points_to() {
    let room = Room::new().await;
    let secret = room.secret();
    room.link("link", &secret);
    room.link("out", room.outside(""));
    assert!(room.delete("link", false).await.unwrap());
    assert!(room.delete("out", true).await.unwrap());
    assert_eq!(std::fs::read_to_string(secret).unwrap(), "secret");
}

#[tokio::test]
async fn a_recursive_delete_removes_links_and_not_their_targets() {
    let room = Room::new().await;
    let secret = room.secret();
    room.write("src/a.txt", "one").await.unwrap();
    room.link("src/link", &secret);
    room.link("src/out", room.outside(""));
    assert!(room.delete("src", true).await.unwrap());
    assert!(room.paths().await.is_empty());
    assert_eq!(std::fs::read_to_string(secret).unwrap(), "secret");
}

#[tokio::test]
async fn a_link_that_stays_inside_is_read_and_saved_through() {
    let room = Room::new().await;
    room.write("src/real.txt", "one").await.unwrap();
    room.write("other/x", "").await.unwrap();
    room.link("other/link", "../src/real.txt");
    assert_eq!(room.read("other/link").await.unwrap(), "one");
    room.write("other/link", "two").await.unwrap();
    assert_eq!(room.read("src/real.txt").await.unwrap(), "two");
    assert!(std::fs::symlink_metadata(room.inside("other/link")).unwrap().is_symlink());
}

#[tokio::test]
async fn links_in_a_circle_are_refused() {
    let room = Room::new().await;
    room.link("a", "b");
    room.link("b", "a");
    assert!(matches!(room.read("a").await, Err(Error::Outside(_))));
    assert!(matches!(room.write("a", "x").await, Err(Error::Outside(_))));
}

#[tokio::test]
async fn the_root_itself_can_t_be_named() {
    assert!("".parse::<lockhouse::files::RelPath>().is_err());
    assert!(".".parse::<lockhouse::files::RelPath>().is_err());
    assert!("src/..".parse::<lockhouse::files::RelPath>().is_err());
}
