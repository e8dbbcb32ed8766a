//! Many files of a job at once: all of them, or none.

use bytes::Bytes;
use lockhouse::files::Error as FilesError;
use lockhouse::jobs::{Error, NewFile};

use super::{Room, rel};
use crate::databases::usual;

fn file(path: &str) -> NewFile {
    NewFile { path: rel(path), bytes: Bytes::from_static(b"x"), executable: false }
}

#[tokio::test]
async fn nothing_of_a_batch_is_there_if_one_file_can_t_be_written() {
    let room = Room::new(usual().await);
    let job = room.create().await;
    room.write(&job, "taken", "old").await.unwrap();
    let files = ["a", "taken", "deep/b", "taken/c"].map(file).to_vec();
    let refused = room.jobs.write_all(&room.permit("ada").await, &job, files).await;
    let Err(Error::Files(FilesError::Operation { number, .. })) = refused else {
        panic!("{refused:?}");
    };
    assert_eq!(number, 4);
    let left = room.jobs.list_files(&job, None, super::all()).await.unwrap().entries;
    assert_eq!(left.into_iter().map(|entry| entry.path).collect::<Vec<_>>(), ["taken"]);
    assert_eq!(room.jobs.read(&job, &rel("taken")).await.unwrap().bytes, b"old");
}

#[tokio::test]
async fn a_batch_that_a_killed_server_left_half_done_is_undone() {
    let room = Room::new(usual().await);
    let job = room.create().await;
    room.write(&job, "a", "one").await.unwrap();
    // As a server leaves it that was killed right after its first step.
    let batches = room.database.data.path().join("job-batches");
    std::fs::create_dir(&batches).unwrap();
    let directory = room.database.data.path().join("jobs").join(job.id.as_str());
    let staging = format!("{}x", lockhouse::files::TEMPORARY_PREFIX);
    std::fs::create_dir(directory.join(&staging)).unwrap();
    std::fs::create_dir(directory.join("made")).unwrap();
    let heading = format!("{{\"project\":\"{}\",\"staging\":\"{staging}\"}}\n", job.id);
    let step = "{\"made\":{\"path\":\"made\"}}\n";
    std::fs::write(batches.join("log"), heading + step).unwrap();
    assert_eq!(room.jobs.recover().await.unwrap(), 1);
    assert!(!directory.join("made").exists() && directory.join("a").exists());
    assert_eq!(room.jobs.recover().await.unwrap(), 0);
}
