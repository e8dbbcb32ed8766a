//! The archive of a complete job: made once, kept, read in parts, and gone with the job.

use std::io::Cursor;
use std::time::Duration;

use futures::TryStreamExt as _;
use lockhouse::jobs::{Archive, Job};
use zip::ZipArchive;

use super::Room;
use crate::databases::usual;
use crate::host::eventually;
use crate::objects::{Place, on_every_storage};

async fn complete(room: &Room) -> Job {
    let job = room.create().await;
    room.write(&job, "a.txt", "one").await.unwrap();
    room.complete(&job).await.unwrap()
}

/// Once it is kept, which is a moment later.
async fn archive(room: &Room, job: &Job) -> Archive {
    eventually("the archive is kept", || async {
        room.jobs.archive(job).await.unwrap().ok_or_else(|| "no archive".to_owned())
    })
    .await
}

async fn read(
    room: &Room,
    (job, archive): (&Job, &Archive),
    part: std::ops::Range<u64>,
) -> Option<Vec<u8>> {
    let body = room.jobs.read_archive(job, archive, part).await.unwrap()?;
    let pieces: Vec<_> = body.try_collect().await.unwrap();
    Some(pieces.concat())
}

on_every_storage! {
    async fn a_complete_jobs_archive_is_kept_and_read_in_parts(place: Place) {
        let room = Room::with(usual().await, place.objects.clone());
        let job = complete(&room).await;
        let archive = archive(&room, &job).await;
        let whole = read(&room, (&job, &archive), 0..archive.size_bytes).await.unwrap();
        let zip = ZipArchive::new(Cursor::new(whole.clone())).unwrap();
        assert_eq!(zip.len(), 1);
        assert_eq!(read(&room, (&job, &archive), 4..9).await.unwrap(), whole[4..9]);
        let stats = room.jobs.stats().await.unwrap();
        assert_eq!((stats.archives, stats.archive_bytes), (1, archive.size_bytes));
    }

    async fn the_archive_goes_with_its_job(place: Place) {
        let room = Room::with(usual().await, place.objects.clone());
        let (deleted, expired) = (complete(&room).await, complete(&room).await);
        archive(&room, &deleted).await;
        archive(&room, &expired).await;
        assert_eq!(place.count(), 2);
        room.jobs.delete(&room.permit("ada").await, &deleted).await.unwrap();
        assert_eq!(place.count(), 1);
        room.clock.advance(Duration::from_secs(48 * 3600));
        assert_eq!(room.jobs.sweep().await.unwrap(), 1);
        assert_eq!(place.count(), 0);
    }

    async fn an_archive_that_somebody_removed_is_made_again(place: Place) {
        let room = Room::with(usual().await, place.objects.clone());
        let job = complete(&room).await;
        let first = archive(&room, &job).await;
        place.remove_all().await;
        assert_eq!(read(&room, (&job, &first), 0..4).await, None);
        assert_eq!(archive(&room, &job).await.etag, first.etag);
        assert!(read(&room, (&job, &first), 0..4).await.is_some());
    }
}
