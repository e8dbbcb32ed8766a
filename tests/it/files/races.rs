//! Editors and programs at the same time.

use std::os::unix::fs::symlink;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use futures::future::join_all;
use lockhouse::files::{Error, Format, List, Operation, Precondition, Query, Save};

use super::{Room, rel};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_editors_of_one_version_exactly_one_wins() {
    let room = Room::new().await;
    let etag = room.write("a.txt", "first").await.unwrap().entry.etag;
    let save = || Save { precondition: Precondition::OneOf(vec![etag.clone()]), executable: None };
    let saves =
        ["b", "c", "d", "e", "f", "g", "h", "i"].map(|text| room.save("a.txt", text, save()));
    let results = join_all(saves).await;
    let won: Vec<_> = results.iter().filter(|saved| saved.is_ok()).collect();
    assert_eq!(won.len(), 1);
    let lost = |saved: &&Result<_, Error>| matches!(saved, Err(Error::Changed { .. }));
    assert_eq!(results.iter().filter(lost).count(), 7);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_who_make_a_file_exactly_one_does() {
    let room = Room::new().await;
    let new = || Save { precondition: Precondition::Absent, executable: None };
    let saves =
        ["b", "c", "d", "e", "f", "g", "h", "i"].map(|text| room.save("a.txt", text, new()));
    assert_eq!(join_all(saves).await.iter().filter(|saved| saved.is_ok()).count(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_reader_sees_the_old_or_the_new_content_and_no_mixture() {
    let room = Arc::new(Room::new().await);
    let (long, short) = ("x".repeat(300_000), "y".repeat(10));
    room.write("a.txt", &long).await.unwrap();
    let writes =
        join_all((0..40).map(|n| room.write("a.txt", if n % 2 == 0 { &short } else { &long })));
    let reads = join_all((0..80).map(|_| room.read("a.txt")));
    let (_, reads) = tokio::join!(writes, reads);
    assert!(reads.into_iter().map(Result::unwrap).all(|text| text == long || text == short));
}

/// While this lives, `swap` in a directory is a directory and a link to
/// outside in turn, as fast as it goes.
pub(super) struct Swapper {
    done: Arc<AtomicBool>,
    thread: Option<thread::JoinHandle<u64>>,
}

impl Swapper {
    /// The link leads to a directory that holds `gold`.
    pub(super) fn start(room: &Room, below: &str) -> Self {
        std::fs::create_dir_all(room.outside("treasure")).unwrap();
        std::fs::write(room.outside("treasure/gold"), "gold").unwrap();
        std::fs::create_dir_all(room.inside(below).join("swap")).unwrap();
        symlink(room.outside("treasure"), room.inside(below).join("other")).unwrap();
        let dir = std::fs::File::open(room.inside(below)).unwrap();
        let done = Arc::new(AtomicBool::new(false));
        let stop = Arc::clone(&done);
        let thread = thread::spawn(move || {
            let swaps = std::iter::repeat_with(|| exchange(&dir));
            swaps.take_while(|_| !stop.load(Ordering::Relaxed)).filter(|done| *done).count() as u64
        });
        Self { done, thread: Some(thread) }
    }

    /// Answers how often it swapped.
    pub(super) fn stop(mut self) -> u64 {
        self.done.store(true, Ordering::Relaxed);
        self.thread.take().unwrap().join().unwrap()
    }
}

fn exchange(dir: &std::fs::File) -> bool {
    let flags = nix::fcntl::RenameFlags::RENAME_EXCHANGE;
    nix::fcntl::renameat2(dir, "swap", dir, "other", flags).is_ok()
}

fn treasure(room: &Room) -> Vec<String> {
    let entries = std::fs::read_dir(room.outside("treasure")).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_directory_that_turns_into_a_link_while_writing_leads_nothing_outside() {
    let room = Room::new().await;
    let swapper = Swapper::start(&room, "");
    let paths: Vec<String> = (0..400).map(|n| format!("swap/deep{}/f{n}", n % 7)).collect();
    let saved = join_all(paths.iter().map(|path| room.write(path, "x"))).await;
    assert!(swapper.stop() > 100);
    assert!(saved.iter().any(Result::is_ok), "no save found the directory");
    assert_eq!(treasure(&room), ["gold"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_directory_that_turns_into_a_link_while_it_is_used_gives_nothing_away() {
    let room = Room::new().await;
    let swapper = Swapper::start(&room, "");
    let reads = join_all((0..300).map(|_| room.read("swap/gold"))).await;
    let deletes = join_all((0..300).map(|_| room.delete("swap/gold", true))).await;
    let moves = join_all((0..300).map(|_| room.rename("swap/gold", "mine", true))).await;
    assert!(swapper.stop() > 100);
    assert!(reads.iter().all(Result::is_err) && moves.iter().all(Result::is_err));
    assert!(deletes.iter().all(|deleted| !matches!(deleted, Ok(true))));
    assert_eq!(treasure(&room), ["gold"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_recursive_delete_is_not_led_outside_by_a_directory_that_turns_into_a_link() {
    let room = Room::new().await;
    let rounds: Vec<String> = (0..100).map(|n| format!("tree{n}")).collect();
    for tree in &rounds {
        let swapper = Swapper::start(&room, tree);
        room.delete(tree, true).await.unwrap();
        swapper.stop();
    }
    assert_eq!(treasure(&room), ["gold"]);
    assert!(room.paths().await.is_empty());
}

/// How long the long race goes on: a moment, or as long as CI says.
fn race_time() -> Duration {
    let asked = std::env::var("RACE_SECONDS").ok().and_then(|text| text.parse().ok());
    Duration::from_secs(asked.unwrap_or(2))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_leads_outside_however_long_a_directory_and_a_link_change_places() {
    let room = Room::new().await;
    let swapper = Swapper::start(&room, "");
    let (until, mut rounds) = (Instant::now() + race_time(), 0);
    while rounds == 0 || Instant::now() < until {
        everything_at_once(&room, rounds).await;
        rounds += 1;
    }
    assert!(swapper.stop() > 100);
    assert_eq!(treasure(&room), ["gold"]);
    assert_eq!(std::fs::read_to_string(room.outside("treasure/gold")).unwrap(), "gold");
}

/// Whatever is tried by way of the directory that is a link half of the time.
async fn everything_at_once(room: &Room, round: usize) {
    let path = format!("swap/deep{}/f{round}", round % 7);
    let write = Operation::Write { path: rel(&path), bytes: "x".into(), save: Save::default() };
    let found = room.search(Query { text: "gold".to_owned(), ..Query::default() }).await.unwrap();
    assert!(found.matches.is_empty());
    assert!(room.read("swap/gold").await.is_err());
    assert!(room.rename("swap/gold", "mine", true).await.is_err());
    assert!(!matches!(room.delete("swap/gold", true).await, Ok(true)));
    // Each of these may find the directory or the link.
    let _ = room.write(&path, "x").await;
    let _ = room.batch(vec![write]).await;
    let _ = room.rename(&path, &format!("swap/moved{}", round % 5), true).await;
    let _ = room.files.create_directory(&room.permit().await, &room.project, &rel("swap/d")).await;
    let _ = room.list("swap", List { recursive: true, ..List::default() }).await;
    let packed = room.packed(Format::Tar).await;
    assert!(!packed.windows(4).any(|bytes| bytes == b"gold"));
    let _ = room.unpack(Format::Tar, &packed).await;
}
