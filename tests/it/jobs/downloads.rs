//! A job's files leave as a zip, or land in a project.

use std::io::{Cursor, Read as _};
use std::os::unix::fs::PermissionsExt as _;

use bytes::Bytes;
use futures::StreamExt as _;
use lockhouse::files::Error as FilesError;
use lockhouse::jobs::{Error, Job};
use zip::ZipArchive;

use super::{Room, all, rel};
use crate::databases::{Database, usual};

async fn filled(room: &Room) -> Job {
    let job = room.create().await;
    room.write(&job, "src/naïve.py", "print(1)").await.unwrap();
    room.write(&job, "README.md", "# todo").await.unwrap();
    room.write_file(&job, "run.sh", "#!/bin/sh", true).await.unwrap();
    job
}

async fn zipped(room: &Room, job: &Job) -> ZipArchive<Cursor<Vec<u8>>> {
    let mut download = room.jobs.download(job).await.unwrap();
    let mut bytes = Vec::new();
    while let Some(piece) = download.body.next().await {
        bytes.extend_from_slice(&piece.unwrap());
    }
    ZipArchive::new(Cursor::new(bytes)).unwrap()
}

#[tokio::test]
async fn the_zip_holds_the_files_and_is_named_after_the_project() {
    let room = Room::new(usual().await);
    let job = filled(&room).await;
    let job = room.complete(&job).await.unwrap();
    assert_eq!(room.jobs.download(&job).await.unwrap().file_name, "todo.zip");
    let mut zip = zipped(&room, &job).await;
    let names: Vec<_> = zip.file_names().map(|name| name.unwrap().into_owned()).collect();
    assert_eq!(names, ["README.md", "run.sh", "src/", "src/naïve.py"]);
    let mut text = String::new();
    zip.by_name("src/naïve.py").unwrap().read_to_string(&mut text).unwrap();
    assert_eq!(text, "print(1)");
    assert_eq!(zip.by_name("run.sh").unwrap().unix_mode().unwrap() & 0o777, 0o755);
}

#[tokio::test]
async fn a_zip_larger_than_what_waits_for_its_reader_arrives_whole() {
    let room = Room::new(usual().await);
    let job = room.create().await;
    // Text that does not shrink much, larger than all the pieces that wait.
    let text: String =
        (0..400_000_u64).map(|n| format!("{:x}", n.wrapping_mul(0x9e37_79b9_7f4a_7c15))).collect();
    room.write(&job, "big.txt", &text).await.unwrap();
    let job = room.complete(&job).await.unwrap();
    let mut read = String::new();
    zipped(&room, &job).await.by_name("big.txt").unwrap().read_to_string(&mut read).unwrap();
    assert!(read == text);
}

#[tokio::test]
async fn the_zip_carries_nothing_that_a_link_points_to() {
    let room = Room::new(usual().await);
    let job = filled(&room).await;
    let secret = room.database.data.path().join("secret");
    std::fs::write(&secret, "secret").unwrap();
    let directory = room.database.data.path().join("jobs").join(job.id.as_str());
    std::os::unix::fs::symlink(&secret, directory.join("link")).unwrap();
    let job = room.complete(&job).await.unwrap();
    let zip = zipped(&room, &job).await;
    assert!(zip.file_names().all(|name| name.unwrap() != "link"));
}

#[tokio::test]
async fn only_a_complete_job_can_be_downloaded() {
    let room = Room::new(usual().await);
    let job = filled(&room).await;
    assert!(matches!(room.jobs.download(&job).await, Err(Error::Status { .. })));
}

#[tokio::test]
async fn a_job_lands_in_a_project_over_what_is_there() {
    let room = Room::new(usual().await);
    let (job, project) = (filled(&room).await, room.project().await);
    room.jobs.land(&room.permit("ada").await, &job, &project, Vec::new()).await.unwrap();
    room.write(&job, "README.md", "# new").await.unwrap();
    let landed =
        room.jobs.land(&room.permit("ada").await, &job, &project, Vec::new()).await.unwrap();
    let readme = room.files.read(&project, &rel("README.md")).await.unwrap();
    let script = room.files.open(&project, &rel("run.sh")).await.unwrap();
    assert_eq!(landed, [rel("README.md"), rel("run.sh"), rel("src/naïve.py")]);
    assert_eq!(readme.bytes, b"# new");
    assert_eq!(script.file.metadata().unwrap().permissions().mode() & 0o777, 0o755);
}

#[tokio::test]
async fn what_the_project_has_besides_stays_when_a_job_lands() {
    let room = Room::new(usual().await);
    let (job, project) = (filled(&room).await, room.project().await);
    let (permit, mine) = (room.permit("ada").await, rel("mine.txt"));
    let save = lockhouse::files::Save::default();
    room.files.write_bytes(&permit, &project, &mine, "mine".into(), save).await.unwrap();
    room.jobs.land(&permit, &job, &project, Vec::new()).await.unwrap();
    assert_eq!(room.files.read(&project, &mine).await.unwrap().bytes, b"mine");
}

#[tokio::test]
async fn a_job_is_as_confined_as_a_project() {
    let room = Room::new(usual().await);
    let job = room.create().await;
    let directory = room.database.data.path().join("jobs").join(job.id.as_str());
    std::os::unix::fs::symlink("..", directory.join("up")).unwrap();
    let read = room.jobs.read(&job, &rel("up/secret")).await;
    let written = room.write(&job, "up/file", "x").await;
    assert!(matches!(read, Err(Error::Files(FilesError::Outside(_)))));
    assert!(matches!(written, Err(Error::Files(FilesError::Outside(_)))));
}

on_every_database! {
    async fn a_job_that_can_not_land_as_a_whole_leaves_the_project_as_it_was(database: Database) {
        let room = Room::new(database);
        let (job, project) = (room.create().await, room.project().await);
        room.write(&job, "a.txt", "new").await.unwrap();
        room.write(&job, "b", "a file").await.unwrap();
        let permit = room.permit("ada").await;
        room.files.create_directory(&permit, &project, &rel("b")).await.unwrap();
        let refused = room.jobs.land(&permit, &job, &project, Vec::new()).await;
        assert!(matches!(refused, Err(Error::Files(FilesError::IsDirectory(_)))), "{refused:?}");
        let there = room.files.list(&project, None, all()).await.unwrap().entries;
        assert_eq!(there.into_iter().map(|entry| entry.path).collect::<Vec<_>>(), ["b"]);
    }

    async fn what_is_gone_goes_with_the_landing(database: Database) {
        let room = Room::new(database);
        let (job, project) = (room.create().await, room.project().await);
        room.write(&job, "new.txt", "new").await.unwrap();
        let permit = room.permit("ada").await;
        let old = Bytes::from_static(b"old");
        room.files.create_file(&permit, &project, &rel("old.txt"), old).await.unwrap();
        let gone = vec![rel("old.txt"), rel("never-there.txt")];
        room.jobs.land(&permit, &job, &project, gone).await.unwrap();
        let there = room.files.list(&project, None, all()).await.unwrap().entries;
        assert_eq!(there.into_iter().map(|entry| entry.path).collect::<Vec<_>>(), ["new.txt"]);
    }
}
