//! What was handed in is kept as it was, whatever becomes of the project.

use std::os::unix::fs::{PermissionsExt, symlink};

use bytes::Bytes;
use futures::{TryStreamExt as _, stream};
use lockhouse::files::Error as FilesError;
use lockhouse::reviews::{Against, Config, Error, Submission};

use super::Room;
use crate::databases::usual;
use crate::objects::{Place, on_every_storage};

async fn room(place: &Place) -> Room {
    Room::with(usual().await, place.objects.clone(), Config::default()).await
}

async fn read(room: &Room, submission: &Submission, path: &str) -> Result<Vec<u8>, Error> {
    let file = room.reviews.file(submission, path).await?;
    let body = room.reviews.read(submission, &file, 0..file.size_bytes).await?;
    let pieces: Vec<_> = body.try_collect().await.unwrap();
    Ok(pieces.concat())
}

on_every_storage! {
    async fn what_was_handed_in_stays_as_it_was(place: Place) {
        let room = room(&place).await;
        room.writes("a.txt", "one");
        room.writes("src/naïve.py", "two");
        room.writes("empty", "");
        let submission = room.submits("").await;
        room.writes("a.txt", "other");
        room.removes("src/naïve.py");
        assert_eq!(room.paths(&submission).await, ["a.txt", "empty", "src/naïve.py"]);
        assert_eq!(read(&room, &submission, "a.txt").await.unwrap(), b"one");
        assert_eq!(read(&room, &submission, "src/naïve.py").await.unwrap(), b"two");
        assert_eq!(read(&room, &submission, "empty").await.unwrap(), b"");
        assert_eq!((submission.files, submission.bytes), (3, 6));
    }

    async fn a_submission_that_is_deleted_leaves_nothing(place: Place) {
        let room = room(&place).await;
        room.writes("a.txt", "one");
        let submission = room.submits("").await;
        assert_eq!(place.count(), 2);
        room.reviews.delete(&room.permit("ada").await, &submission).await.unwrap();
        assert_eq!(place.count(), 0);
        assert!(matches!(room.fresh(&submission).await, Err(Error::NotFound(_))));
    }

    async fn a_snapshot_that_somebody_removed_is_said_to_be_gone(place: Place) {
        let room = room(&place).await;
        room.writes("a.txt", "one");
        let submission = room.submits("").await;
        place.remove_all().await;
        assert!(matches!(read(&room, &submission, "a.txt").await, Err(Error::Lost)));
    }
}

#[tokio::test]
async fn links_and_what_nobody_wrote_are_not_in_it() {
    let room = Room::new(usual().await).await;
    room.writes(".gitignore", "*.log\n/out/\n");
    room.writes("node_modules/left/pad.js", "x");
    room.writes(".git/config", "x");
    room.writes("a.log", "x");
    room.writes("out/a", "x");
    room.writes("src/out/kept", "x");
    symlink("/etc/passwd", room.place("passwd")).unwrap();
    symlink("/etc", room.place("etc")).unwrap();
    let submission = room.submits("").await;
    assert_eq!(room.paths(&submission).await, [".gitignore", "src/out/kept"]);
    assert_eq!(submission.left_out, 2);
}

#[tokio::test]
async fn the_right_to_execute_a_file_is_kept() {
    let room = Room::new(usual().await).await;
    room.writes("run.sh", "#!/bin/sh\n");
    std::fs::set_permissions(room.place("run.sh"), PermissionsExt::from_mode(0o755)).unwrap();
    let submission = room.submits("").await;
    assert!(room.reviews.file(&submission, "run.sh").await.unwrap().executable);
}

async fn too_large(config: Config) -> String {
    let room = Room::new(usual().await).await;
    let folder = room.database.data.path().join("other");
    let objects = lockhouse::objects::Objects::open(&Default::default(), folder, Vec::new());
    let room = Room::with(usual().await, objects.unwrap(), config).await;
    room.writes("a", "12345");
    room.writes("b", "12345");
    match room.try_submit("").await {
        Err(Error::Files(FilesError::SnapshotTooLarge(why))) => why,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_project_that_is_too_large_is_refused() {
    let files = too_large(Config { max_files: 1, ..Config::default() }).await;
    assert!(files.contains("more than 1 files"), "{files}");
    let bytes = too_large(Config { max_bytes: 9, ..Config::default() }).await;
    assert!(bytes.contains("more than 9 bytes"), "{bytes}");
}

#[tokio::test]
async fn a_snapshot_that_somebody_changed_is_not_shown() {
    let place = Place::local();
    let room = room(&place).await;
    room.writes("a.txt", "one");
    let submission = room.submits("").await;
    let key = format!("submissions/{}/content", submission.id).parse().unwrap();
    let forged = stream::iter([Ok(Bytes::from_static(b"two"))]);
    place.objects.put(&key, forged).await.unwrap();
    let diff = room.reviews.diff(&submission, Against::Before, None).await;
    assert!(matches!(diff, Err(Error::Damaged(_))), "{diff:?}");
}
