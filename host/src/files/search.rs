//! Room files: finding text in a project.
//!
//! ripgrep's libraries look into each file, and know what `.gitignore` means. The
//! way to the files is our own, from one open directory to the next, so that no
//! link leads anywhere, also not one that takes a directory's place meanwhile.
//! Whatever lies in the project, a search ends: by its limit, its time, or the
//! number of names that it looked at.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use globset::{GlobBuilder, GlobMatcher};
use grep_matcher::Matcher as _;
use grep_regex::{RegexMatcher, RegexMatcherBuilder};
use grep_searcher::{BinaryDetection, Searcher, SearcherBuilder, Sink, SinkMatch};
use rustix::fs::FileType;

use super::disk::Disk;
use super::ignored::{HISTORY, Ignored, open_plain_file};
use super::path::{MAX_DEPTH, RelPath};
use super::root::{Root, open_plain_directory};
use super::{Error, Files, tree};
use crate::projects::Project;

/// Matches answered when a search names no limit.
const DEFAULT_MATCHES: u32 = 100;

/// The most matches of one search.
const MAX_MATCHES: u32 = 1_000;

/// The longest text or expression that is looked for.
const MAX_QUERY_BYTES: usize = 1_024;

/// Characters of a line that are shown.
const PREVIEW_CHARS: usize = 200;

/// Characters shown before a match that is far inside its line.
const LEADING_CHARS: usize = 40;

/// How long one search may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// Names that one search looks at.
const MAX_NAMES: usize = 500_000;

/// The longest line; a file with a longer one is passed over.
const MAX_LINE_BYTES: usize = 1024 * 1024;

/// Of a larger file the beginning is searched.
const MAX_SEARCHED_BYTES: u64 = 64 * 1024 * 1024;

/// What an expression may become when it is compiled.
const MAX_EXPRESSION_BYTES: usize = 4 * 1024 * 1024;

/// What to look for, and where.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Query {
    pub text: String,
    /// Whether `text` is a regular expression.
    pub regex: bool,
    /// Only files whose path, or name where it has no `/`, fits this.
    pub glob: Option<String>,
    /// [`DEFAULT_MATCHES`] if not said; never more than [`MAX_MATCHES`].
    pub limit: Option<u32>,
}

/// A line that has what was looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Match {
    pub path: String,
    /// From one on.
    pub line: u64,
    /// In characters, from one on.
    pub column: u64,
    /// The line, or the part of it around the match.
    pub preview: String,
}

/// What a search found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Found {
    pub matches: Vec<Match>,
    /// Why there may be more, if there may.
    pub cut: Option<Cut>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    Limit,
    Time,
    /// The project holds more names, or deeper directories, than are looked at.
    Size,
}

impl Cut {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Limit => "limit",
            Self::Time => "time",
            Self::Size => "size",
        }
    }
}

/// A search whose caller went away ends.
struct Wanted(Arc<AtomicBool>);

impl Drop for Wanted {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Files {
    /// Looks through the text files of a project, in the order of their paths.
    /// What `.gitignore` names is passed over, and so is `.git`.
    pub async fn search(&self, project: &Project, query: &Query) -> Result<Found, Error> {
        self.disk.search(self.projects.workspace(&project.id), query).await
    }
}

impl Disk {
    async fn search(&self, dir: PathBuf, query: &Query) -> Result<Found, Error> {
        let asked = Asked::new(query)?;
        let gone = Arc::new(AtomicBool::new(false));
        let _wanted = Wanted(Arc::clone(&gone));
        let _turn = self.searches().acquire_owned().await.map_err(|_| Error::Stopping)?;
        self.on(dir, move |root| look_through(root, asked, gone)).await
    }
}

/// A query that was understood.
struct Asked {
    matcher: RegexMatcher,
    glob: Option<GlobMatcher>,
    limit: usize,
}

impl Asked {
    fn new(query: &Query) -> Result<Self, Error> {
        let invalid = |why: String| Error::Query(why.chars().take(300).collect());
        if query.text.is_empty() || query.text.len() > MAX_QUERY_BYTES {
            return Err(invalid(format!("look for 1 to {MAX_QUERY_BYTES} bytes")));
        }
        let glob = query.glob.as_deref().map(glob).transpose().map_err(invalid)?;
        let matcher = RegexMatcherBuilder::new()
            .fixed_strings(!query.regex)
            .multi_line(true)
            .size_limit(MAX_EXPRESSION_BYTES)
            .dfa_size_limit(MAX_EXPRESSION_BYTES)
            .line_terminator(Some(b'\n'))
            .build(&query.text)
            .map_err(|error| invalid(error.to_string()))?;
        let limit = query.limit.unwrap_or(DEFAULT_MATCHES).clamp(1, MAX_MATCHES) as usize;
        Ok(Self { matcher, glob, limit })
    }
}

/// A pattern without `/` means a name, wherever it is.
fn glob(pattern: &str) -> Result<GlobMatcher, String> {
    if pattern.len() > MAX_QUERY_BYTES {
        return Err(format!("write a glob of at most {MAX_QUERY_BYTES} bytes"));
    }
    let whole = if pattern.contains('/') {
        pattern.trim_start_matches('/').to_owned()
    } else {
        format!("**/{pattern}")
    };
    let built = GlobBuilder::new(&whole).literal_separator(true).build();
    built.map(|glob| glob.compile_matcher()).map_err(|error| error.to_string())
}

fn look_through(root: Root, asked: Asked, gone: Arc<AtomicBool>) -> Result<Found, Error> {
    let dir = root.directory(None)?;
    let searcher = SearcherBuilder::new()
        .binary_detection(BinaryDetection::quit(0))
        .heap_limit(Some(MAX_LINE_BYTES))
        .line_number(true)
        .build();
    let time = Time { until: Instant::now() + PATIENCE, gone };
    let mut walk = Walk {
        root,
        asked,
        searcher,
        time,
        names: 0,
        ignored: Ignored::default(),
        found: Found::default(),
    };
    match walk.visit(dir.as_fd(), "") {
        // What is found is answered, also where not all could be looked at.
        Ok(()) | Err(Stop::Cut) => Ok(walk.found),
        Err(Stop::Failed(error)) => Err(error),
    }
}

/// Why a walk goes no further.
enum Stop {
    /// [`Found::cut`] says why.
    Cut,
    Failed(Error),
}

#[derive(Clone)]
struct Time {
    until: Instant,
    gone: Arc<AtomicBool>,
}

impl Time {
    fn is_over(&self) -> bool {
        self.gone.load(Ordering::Relaxed) || Instant::now() >= self.until
    }
}

struct Walk {
    root: Root,
    asked: Asked,
    searcher: Searcher,
    time: Time,
    names: usize,
    ignored: Ignored,
    found: Found,
}

impl Walk {
    fn visit(&mut self, dir: BorrowedFd<'_>, at: &str) -> Result<(), Stop> {
        let names = self.names(dir, at)?;
        let outside = self.ignored.enter(dir, at);
        for (name, file_type) in names {
            // A name that is not UTF-8 can't be named in an answer.
            let Ok(name) = String::from_utf8(name) else { continue };
            let path = if at.is_empty() { name.clone() } else { format!("{at}/{name}") };
            if self.ignored.has(&path, file_type == FileType::Directory) {
                continue;
            }
            match file_type {
                FileType::Directory => self.enter(dir, &name, &path)?,
                FileType::RegularFile => self.look(dir, &name, &path)?,
                _ => {}
            }
        }
        self.ignored.leave(outside);
        Ok(())
    }

    /// What a directory holds, sorted. One that went away holds nothing.
    fn names(&mut self, dir: BorrowedFd<'_>, at: &str) -> Result<Vec<tree::Named>, Stop> {
        if self.time.is_over() {
            return Err(self.cut(Cut::Time));
        }
        let failed = |errno| Stop::Failed(Error::from_errno(errno, at));
        let mut names = Vec::new();
        for entry in tree::read(dir).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            self.names += 1;
            if self.names > MAX_NAMES {
                return Err(self.cut(Cut::Size));
            }
            if !tree::is_temporary(&entry.0) && entry.0 != HISTORY {
                names.push(entry);
            }
        }
        names.sort_unstable_by(|one, other| one.0.cmp(&other.0));
        Ok(names)
    }

    fn cut(&mut self, why: Cut) -> Stop {
        self.found.cut = Some(why);
        Stop::Cut
    }

    fn enter(&mut self, dir: BorrowedFd<'_>, name: &str, path: &str) -> Result<(), Stop> {
        if path.split('/').count() >= MAX_DEPTH {
            self.found.cut = Some(Cut::Size);
            return Ok(());
        }
        match open_plain_directory(dir, name) {
            Ok(child) => self.visit(child.as_fd(), path),
            // It went away, became something else, or is closed to us.
            Err(_) => Ok(()),
        }
    }

    fn look(&mut self, dir: BorrowedFd<'_>, name: &str, path: &str) -> Result<(), Stop> {
        if self.time.is_over() {
            return Err(self.cut(Cut::Time));
        }
        if self.asked.glob.as_ref().is_some_and(|glob| !glob.is_match(path)) {
            return Ok(());
        }
        let Some(file) = self.open(dir, name, path) else { return Ok(()) };
        let mut hits = Hits {
            matcher: &self.asked.matcher,
            path,
            limit: self.asked.limit,
            found: &mut self.found,
        };
        let reader = Timed { file: file.take(MAX_SEARCHED_BYTES), time: self.time.clone() };
        // A file that can't be read to its end is passed over from there on.
        if let Err(error) = self.searcher.search_reader(&self.asked.matcher, reader, &mut hits) {
            tracing::debug!(path, %error, "a file was not searched to its end");
        }
        match self.found.cut {
            Some(Cut::Limit) => Err(Stop::Cut),
            _ if self.time.is_over() => Err(self.cut(Cut::Time)),
            _ => Ok(()),
        }
    }

    fn open(&self, dir: BorrowedFd<'_>, name: &str, path: &str) -> Option<File> {
        let file = open_plain_file(dir, name).ok()?;
        let stat = rustix::fs::fstat(&file).ok()?;
        let path: RelPath = path.parse().ok()?;
        self.root.check_ordinary(&path, &stat).ok()?;
        Some(file)
    }
}

/// A file that ends when the time does.
struct Timed {
    file: io::Take<File>,
    time: Time,
}

impl Read for Timed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.time.is_over() { Ok(0) } else { self.file.read(buffer) }
    }
}

/// Takes matches of one file in.
struct Hits<'a> {
    matcher: &'a RegexMatcher,
    path: &'a str,
    limit: usize,
    found: &'a mut Found,
}

impl Sink for Hits<'_> {
    type Error = io::Error;

    fn matched(&mut self, _searcher: &Searcher, hit: &SinkMatch<'_>) -> io::Result<bool> {
        // One more than fits tells that there is more.
        if self.found.matches.len() == self.limit {
            self.found.cut = Some(Cut::Limit);
            return Ok(false);
        }
        let line = hit.bytes().strip_suffix(b"\n").unwrap_or(hit.bytes());
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let start = self.matcher.find(line).ok().flatten().map_or(0, |found| found.start());
        let before = String::from_utf8_lossy(&line[..start]).chars().count();
        self.found.matches.push(Match {
            path: self.path.to_owned(),
            line: hit.line_number().unwrap_or(1),
            column: before as u64 + 1,
            preview: preview(&String::from_utf8_lossy(line), before),
        });
        Ok(true)
    }
}

/// The part of a line in which its match is.
fn preview(line: &str, before: usize) -> String {
    let skip = if before + LEADING_CHARS < PREVIEW_CHARS { 0 } else { before - LEADING_CHARS };
    line.chars().skip(skip).take(PREVIEW_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_preview_of_a_long_line_shows_the_match() {
        let line = format!("{}needle{}", "a".repeat(5_000), "b".repeat(5_000));
        let shown = preview(&line, 5_000);
        assert!(shown.contains("needle") && shown.chars().count() == PREVIEW_CHARS);
    }

    #[test]
    fn the_preview_of_a_short_line_is_the_line() {
        assert_eq!(preview("let a = 1;", 4), "let a = 1;");
    }

    #[test]
    fn a_glob_without_a_directory_means_a_name_anywhere() {
        let glob = glob("*.rs").unwrap();
        assert!(glob.is_match("a.rs") && glob.is_match("src/deep/a.rs") && !glob.is_match("a.py"));
    }

    #[test]
    fn a_glob_with_a_directory_means_the_path() {
        let glob = glob("src/*.rs").unwrap();
        assert!(glob.is_match("src/a.rs") && !glob.is_match("src/deep/a.rs"));
    }
}
