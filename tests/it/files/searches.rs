//! Finding text in a project.

use std::sync::Arc;

use lockhouse::files::{Cut, Error, Query};

use super::Room;

fn of(text: &str) -> Query {
    Query { text: text.to_owned(), ..Query::default() }
}

fn expression(text: &str) -> Query {
    Query { regex: true, ..of(text) }
}

impl Room {
    /// Path, line and column of each match.
    async fn places(&self, query: Query) -> Vec<(String, u64, u64)> {
        let found = self.search(query).await.unwrap();
        found.matches.into_iter().map(|found| (found.path, found.line, found.column)).collect()
    }

    async fn hits(&self, query: Query) -> Vec<String> {
        self.places(query).await.into_iter().map(|(path, ..)| path).collect()
    }
}

#[tokio::test]
async fn a_match_tells_path_line_column_and_the_line() {
    let room = Room::new().await;
    room.write("src/main.py", "import os\nprint(\"é\", needle)\n").await.unwrap();
    let found = room.search(of("needle")).await.unwrap();
    assert_eq!(found.matches.len(), 1);
    let hit = &found.matches[0];
    assert_eq!((hit.path.as_str(), hit.line, hit.column), ("src/main.py", 2, 12));
    assert_eq!((hit.preview.as_str(), found.cut), ("print(\"é\", needle)", None));
}

#[tokio::test]
async fn a_text_is_taken_as_it_is_and_an_expression_as_one() {
    let room = Room::new().await;
    room.write("a.txt", "a.c\nabc\n").await.unwrap();
    assert_eq!(room.places(of("a.c")).await, [("a.txt".to_owned(), 1, 1)]);
    assert_eq!(room.places(expression("a.c$")).await.len(), 2);
    let refused = room.search(expression("a(")).await;
    assert!(matches!(refused, Err(Error::Query(_))), "{refused:?}");
}

#[tokio::test]
async fn a_glob_chooses_files_by_name_or_by_path() {
    let room = Room::new().await;
    room.write("a.js", "x").await.unwrap();
    room.write("src/b.js", "x").await.unwrap();
    room.write("src/c.py", "x").await.unwrap();
    let glob = |glob: &str| Query { glob: Some(glob.to_owned()), ..of("x") };
    assert_eq!(room.hits(glob("*.js")).await, ["a.js", "src/b.js"]);
    assert_eq!(room.hits(glob("src/*")).await, ["src/b.js", "src/c.py"]);
    assert!(matches!(room.search(glob("a[")).await, Err(Error::Query(_))));
}

#[tokio::test]
async fn what_gitignore_names_is_passed_over() {
    let room = Room::new().await;
    room.write(".gitignore", "build/\n*.log\n").await.unwrap();
    room.write("src/.gitignore", "!keep.log\nsecret.txt\n").await.unwrap();
    for path in ["a.log", "build/b.txt", "src/keep.log", "src/secret.txt", "secret.txt"] {
        room.write(path, "needle").await.unwrap();
    }
    room.write(".git/config", "needle").await.unwrap();
    assert_eq!(room.hits(of("needle")).await, ["secret.txt", "src/keep.log"]);
}

#[tokio::test]
async fn a_search_ends_at_its_limit_and_says_so() {
    let room = Room::new().await;
    room.write("a.txt", &"needle\n".repeat(50)).await.unwrap();
    let limited = |limit| Query { limit: Some(limit), ..of("needle") };
    let found = room.search(limited(10)).await.unwrap();
    assert_eq!((found.matches.len(), found.cut), (10, Some(Cut::Limit)));
    let all = room.search(limited(50)).await.unwrap();
    assert_eq!((all.matches.len(), all.cut), (50, None));
}

#[tokio::test]
async fn binary_files_are_passed_over() {
    let room = Room::new().await;
    room.write("a.bin", "\0\0needle\n").await.unwrap();
    assert!(room.hits(of("needle")).await.is_empty());
}

#[tokio::test]
async fn a_search_is_not_led_outside_by_links() {
    let room = Room::new().await;
    room.link("link", room.secret());
    std::fs::create_dir(room.outside("treasure")).unwrap();
    std::fs::write(room.outside("treasure/gold"), "secret").unwrap();
    room.link("directory", room.outside("treasure"));
    room.link(".gitignore", room.secret());
    std::fs::hard_link(room.secret(), room.inside("hard")).unwrap();
    assert!(room.hits(of("secret")).await.is_empty());
}

#[tokio::test]
async fn a_search_does_not_wait_for_pipes() {
    let room = Room::new().await;
    let mode = nix::sys::stat::Mode::S_IRWXU;
    nix::unistd::mkfifo(&room.inside("pipe"), mode).unwrap();
    nix::unistd::mkfifo(&room.inside(".gitignore"), mode).unwrap();
    room.write("z.txt", "needle").await.unwrap();
    assert_eq!(room.hits(of("needle")).await, ["z.txt"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_directory_that_turns_into_a_link_while_it_is_searched_gives_nothing_away() {
    let room = Arc::new(Room::new().await);
    let swapper = super::races::Swapper::start(&room, "");
    let searches = (0..300).map(|_| room.search(of("gold")));
    let found = futures::future::join_all(searches).await;
    assert!(swapper.stop() > 100);
    assert!(found.into_iter().all(|found| found.unwrap().matches.is_empty()));
}

#[tokio::test]
async fn a_line_longer_than_can_be_shown_is_shown_in_part() {
    let room = Room::new().await;
    let line = format!("{}needle{}\n", "a".repeat(100_000), "b".repeat(100_000));
    room.write("a.txt", &line).await.unwrap();
    let found = room.search(of("needle")).await.unwrap();
    assert_eq!(found.matches[0].column, 100_001);
    assert!(found.matches[0].preview.len() <= 200 && found.matches[0].preview.contains("needle"));
}

#[tokio::test]
async fn a_line_without_end_does_not_fill_the_memory() {
    let room = Room::new().await;
    let file = std::fs::File::create(room.inside("long")).unwrap();
    std::io::Write::write_all(&mut &file, &b"x".repeat(8 * 1024 * 1024)).unwrap();
    room.write("z.txt", "needle").await.unwrap();
    assert_eq!(room.hits(of("needle")).await, ["z.txt"]);
}

#[tokio::test]
async fn an_expression_that_grows_without_end_is_refused() {
    let room = Room::new().await;
    let refused = room.search(expression("(((a{1,100}){1,100}){1,100}){1,100}")).await;
    assert!(matches!(refused, Err(Error::Query(_))), "{refused:?}");
    assert!(matches!(room.search(of("")).await, Err(Error::Query(_))));
    assert!(matches!(room.search(of(&"x".repeat(2_000))).await, Err(Error::Query(_))));
}
