//! What changed from one submission to another.

use std::os::unix::fs::PermissionsExt;

use lockhouse::reviews::{Against, Compared, Diff, FileDiff, LineKind, Submission};

use super::Room;
use crate::databases::usual;

async fn diff(room: &Room, submission: &Submission) -> Diff {
    room.reviews.diff(submission, Against::Before, None).await.unwrap()
}

/// Each as `old > new: lines`.
fn files(diff: &Diff) -> Vec<String> {
    let path = |file: &Option<lockhouse::reviews::File>| {
        file.as_ref().map_or("-".to_owned(), |file| file.path.clone())
    };
    let shown = |file: &FileDiff| {
        format!("{} > {}: {}", path(&file.old), path(&file.new), lines(&file.content))
    };
    diff.files.iter().map(shown).collect()
}

/// What is not context, one after the other.
fn lines(content: &Compared) -> String {
    let Compared::Hunks(hunks) = content else { return format!("{content:?}") };
    let changed = hunks.iter().flat_map(|hunk| &hunk.lines).filter_map(|line| {
        let text = String::from_utf8_lossy(&line.text);
        match line.kind {
            LineKind::Context => None,
            LineKind::Deleted => Some(format!("-{text}")),
            LineKind::Added => Some(format!("+{text}")),
        }
    });
    changed.collect::<Vec<_>>().join(" ")
}

#[tokio::test]
async fn the_first_submission_is_compared_with_nothing() {
    let room = Room::new(usual().await).await;
    room.writes("a.txt", "1\n2\n");
    let first = room.submits("").await;
    let made = diff(&room, &first).await;
    assert_eq!(made.against, None);
    assert_eq!(files(&made), ["- > a.txt: +1 +2"]);
}

#[tokio::test]
async fn a_diff_says_what_became_of_each_file() {
    let room = Room::new(usual().await).await;
    room.writes("changed", "1\n2\n3\n");
    room.writes("gone", "x\n");
    room.writes("old/name", "1\n2\n3\n4\n");
    room.writes("same", "x\n");
    room.writes("image", "\0one");
    let first = room.submits("1").await;
    room.writes("changed", "1\ntwo\n3\n");
    room.removes("gone");
    room.moves("old/name", "name");
    room.writes("name", "1\n2\n3\n4\n5\n");
    room.writes("image", "\0two");
    room.writes("new", "y\n");
    let made = diff(&room, &room.submits("2").await).await;
    assert_eq!(made.against.as_ref().map(|against| &against.id), Some(&first.id));
    let expected = [
        "changed > changed: -2 +two",
        "gone > -: -x",
        "image > image: Binary",
        "old/name > name: +5",
        "- > new: +y",
    ];
    assert_eq!(files(&made), expected);
    assert_eq!(made.files[3].similarity, Some(80));
}

#[tokio::test]
async fn a_file_that_may_be_executed_now_has_changed() {
    let room = Room::new(usual().await).await;
    room.writes("run.sh", "1\n");
    room.submits("1").await;
    std::fs::set_permissions(room.place("run.sh"), PermissionsExt::from_mode(0o755)).unwrap();
    let made = diff(&room, &room.submits("2").await).await;
    assert_eq!(files(&made), ["run.sh > run.sh: "]);
    assert!(made.files[0].new.as_ref().unwrap().executable);
}

#[tokio::test]
async fn any_two_submissions_can_be_compared() {
    let room = Room::new(usual().await).await;
    room.writes("a", "1\n");
    let first = room.submits("1").await;
    room.writes("a", "2\n");
    room.submits("2").await;
    room.writes("b", "3\n");
    let third = room.submits("3").await;
    let against = async |against| room.reviews.diff(&third, against, None).await.unwrap();
    let first = against(Against::Other(Box::new(first))).await;
    assert_eq!(files(&first), ["a > a: -1 +2", "- > b: +3"]);
    assert_eq!(files(&against(Against::Nothing).await), ["- > a: +2", "- > b: +3"]);
    assert_eq!(files(&against(Against::Before).await), ["- > b: +3"]);
    let only = room.reviews.diff(&third, Against::Nothing, Some("a")).await.unwrap();
    assert_eq!(files(&only), ["- > a: +2"]);
}

#[tokio::test]
async fn a_file_that_is_too_long_is_named_and_not_shown() {
    let room = Room::new(usual().await).await;
    room.writes("long", "x\n".repeat(600_000));
    room.writes("short", "1\n");
    let made = diff(&room, &room.submits("").await).await;
    assert_eq!(files(&made), ["- > long: Cut(FileSize)", "- > short: +1"]);
}
