//! Room reviews: remarks on a submission, its files and their lines.
//!
//! A remark stands where it was made. In later submissions it is shown where its line went:
//! found by comparing the two, also where the file was renamed meanwhile. One whose line
//! was changed or removed is outdated.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use similar::DiffOp;

use super::changes::Change;
use super::diff::holds_the_same;
use super::lines::{self, MAX_LINES, MAX_TEXT_BYTES, compare, follow, is_binary};
use super::snapshot::{Contents, File, Index};
use super::{Error, MAX_PAGE, MAX_TEXT_BYTES as MAX_BODY_BYTES, Reviews, Submission};
use crate::files;
use crate::gate::Permit;
use crate::ids::{CommentId, SubmissionId, UserId};

/// Remarks that one submission may have.
pub const MAX_COMMENTS: u32 = 1_000;

/// How long the lines of one page of remarks are followed.
const PATIENCE: Duration = Duration::from_secs(10);

/// What a remark is about: the whole, a file, or a line of it, from one on.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Place {
    pub path: Option<String>,
    pub line: Option<u32>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comment {
    pub id: CommentId,
    pub submission: SubmissionId,
    /// Of the submission that it was made on.
    pub number: u32,
    pub author: UserId,
    pub place: Place,
    pub body: String,
    pub resolved_by: Option<UserId>,
    pub resolved_at: Option<Timestamp>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewComment {
    pub place: Place,
    pub body: String,
}

/// What is to be another; what is not said stays.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CommentChange {
    pub body: Option<String>,
    pub resolved: Option<bool>,
}

/// A remark as it stands in one submission.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed {
    pub comment: Comment,
    /// Where it stands here: no line where that is gone, no path where the file is.
    pub place: Place,
    /// What it was about was changed or removed since.
    pub outdated: bool,
}

/// A page of remarks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commented {
    pub comments: Vec<Placed>,
    pub next: Option<CommentId>,
    /// Not all could be followed in time: those are said to be outdated.
    pub cut: bool,
}

impl Reviews {
    pub async fn comment(
        &self,
        permit: &Permit,
        submission: &Submission,
        new: NewComment,
    ) -> Result<Comment, Error> {
        check_body(&new.body)?;
        self.check_place(submission, &new.place).await?;
        let now = self.clock.now();
        let comment = Comment {
            id: CommentId::generate(),
            submission: submission.id.clone(),
            number: submission.number,
            author: permit.caller().user.id.clone(),
            place: new.place,
            body: new.body,
            resolved_by: None,
            resolved_at: None,
            created_at: now,
            updated_at: now,
        };
        if !self.store.insert_comment(&comment, MAX_COMMENTS).await? {
            return Err(Error::Enough("1000 comments"));
        }
        self.publish(submission, &comment.author, "commented");
        Ok(comment)
    }

    /// The place must be in the submission.
    async fn check_place(&self, submission: &Submission, place: &Place) -> Result<(), Error> {
        let path = match (&place.path, place.line) {
            (Some(path), _) => path,
            (None, None) => return Ok(()),
            (None, Some(_)) => return Err(Error::Line("name the file of the line".to_owned())),
        };
        let file = self.file(submission, path).await?;
        let Some(line) = place.line else { return Ok(()) };
        let count = self.count_lines(submission, &file).await?;
        if (1..=count).contains(&(line as usize)) {
            return Ok(());
        }
        let why = format!("the file has {count} lines that can be commented on, counted from 1");
        Err(Error::Line(why))
    }

    /// How many lines a text has; of what is no text, or too long, none.
    async fn count_lines(&self, submission: &Submission, file: &File) -> Result<usize, Error> {
        if file.size_bytes > MAX_TEXT_BYTES {
            return Ok(0);
        }
        let mut contents = Contents::new();
        self.snapshots.contents(&submission.id, vec![file], &mut contents).await?;
        let lines = text_of(file, &contents).map_or(0, |lines| lines.len());
        Ok(lines)
    }

    /// Changes what a remark says, or whether that is settled.
    pub async fn change_comment(
        &self,
        permit: &Permit,
        (submission, id): (&Submission, &str),
        change: CommentChange,
    ) -> Result<Comment, Error> {
        let missing = || Error::NoComment(id.chars().take(80).collect());
        let id: CommentId = id.parse().map_err(|_| missing())?;
        let found = self.store.find_comment(&submission.id, &id).await?;
        let mut comment = found.ok_or_else(missing)?;
        let by = &permit.caller().user.id;
        if let Some(body) = change.body {
            if comment.author != *by {
                return Err(Error::NotAuthor);
            }
            check_body(&body)?;
            comment.body = body;
        }
        match change.resolved {
            Some(true) if comment.resolved_by.is_none() => {
                comment.resolved_by = Some(by.clone());
                comment.resolved_at = Some(self.clock.now());
            }
            Some(false) => (comment.resolved_by, comment.resolved_at) = (None, None),
            _ => {}
        }
        comment.updated_at = self.clock.now();
        self.store.update_comment(&comment).await?;
        self.publish(submission, by, "commented");
        Ok(comment)
    }

    /// A page of the remarks on a submission and on those before it, oldest first, as
    /// they stand in this one.
    pub async fn comments(
        &self,
        submission: &Submission,
        after: Option<&CommentId>,
        limit: u32,
    ) -> Result<Commented, Error> {
        let limit = limit.clamp(1, MAX_PAGE);
        let found = self.store.comments(submission, after, limit).await?;
        let full = found.len() == limit as usize;
        let next = found.last().filter(|_| full).map(|last| last.id.clone());
        let mut origins: BTreeMap<SubmissionId, Vec<Place>> = BTreeMap::new();
        for comment in found.iter().filter(|comment| comment.submission != submission.id) {
            origins.entry(comment.submission.clone()).or_default().push(comment.place.clone());
        }
        let followed = self.follow_all(submission, origins).await?;
        let cut = followed.values().any(|trail| trail.cut);
        let placed = found.into_iter().map(|comment| placed(comment, submission, &followed));
        Ok(Commented { comments: placed.collect(), next, cut })
    }

    /// Where places of earlier submissions are in this one.
    async fn follow_all(
        &self,
        submission: &Submission,
        origins: BTreeMap<SubmissionId, Vec<Place>>,
    ) -> Result<HashMap<SubmissionId, Trail>, Error> {
        let mut followed = HashMap::new();
        if origins.is_empty() {
            return Ok(followed);
        }
        let _turn = self.comparing.acquire().await.map_err(|_| files::Error::Stopping)?;
        let until = Instant::now() + PATIENCE;
        let new = self.snapshots.index(submission).await?;
        for (origin, places) in origins {
            if Instant::now() >= until {
                followed.insert(origin, Trail { cut: true, ..Trail::default() });
                continue;
            }
            // One that is being deleted takes its remarks with it.
            let Some(origin) = self.store.find(&origin).await? else { continue };
            let trail = self.trail((&origin, submission), &new, places, until).await?;
            followed.insert(origin.id, trail);
        }
        Ok(followed)
    }

    async fn trail(
        &self,
        (origin, submission): (&Submission, &Submission),
        new: &Index,
        places: Vec<Place>,
        until: Instant,
    ) -> Result<Trail, Error> {
        let old = self.snapshots.index(origin).await?;
        let mut contents = Contents::new();
        let sides = (Some(origin), submission);
        let mut changes = self.changes(sides, (&old, new), &mut contents).await?;
        let is_asked =
            |file: &File| places.iter().any(|place| place.path.as_ref() == Some(&file.path));
        changes.retain(|change| change.old.as_ref().is_some_and(is_asked));
        self.read_changed(sides, &changes, &mut contents).await?;
        let work = move || Trail::find(&changes, &contents, places, until);
        Ok(tokio::task::spawn_blocking(work).await.map_err(|_| files::Error::Stopping)?)
    }
}

fn check_body(body: &str) -> Result<(), Error> {
    let fits = (1..=MAX_BODY_BYTES).contains(&body.len()) && !body.contains('\0');
    if fits { Ok(()) } else { Err(Error::Text) }
}

/// The lines of a file that can be commented on.
fn text_of<'a>(file: &File, contents: &'a Contents) -> Option<Vec<&'a [u8]>> {
    let content = contents.get(&file.sha256).filter(|content| !is_binary(content))?;
    Some(lines::lines(content)).filter(|lines| lines.len() <= MAX_LINES)
}

/// Where places of one submission are in another; what is not in it did not move.
#[derive(Debug, Default)]
struct Trail {
    moved: Vec<(Place, Place)>,
    /// Not all could be followed, for want of time or room.
    cut: bool,
}

impl Trail {
    fn find(changes: &[Change], contents: &Contents, places: Vec<Place>, until: Instant) -> Self {
        let mut by_path: BTreeMap<String, Vec<Place>> = BTreeMap::new();
        for place in places {
            let Some(path) = place.path.clone() else { continue };
            by_path.entry(path).or_default().push(place);
        }
        let mut trail = Self::default();
        for change in changes {
            let path = change.old.as_ref().map(|file| file.path.as_str());
            let places = path.and_then(|path| by_path.remove(path)).unwrap_or_default();
            trail.follow(change, contents, places, until);
        }
        trail
    }

    fn follow(&mut self, change: &Change, contents: &Contents, places: Vec<Place>, until: Instant) {
        let path = change.new.as_ref().map(|file| file.path.clone());
        let same = holds_the_same(change);
        let ops = match (&change.old, &change.new) {
            (Some(old), Some(new)) if !same => self.compare((old, new), contents, until),
            _ => Vec::new(),
        };
        let line = |line: u32| if same { Some(line) } else { follow(&ops, line) };
        for place in places {
            let now = Place { path: path.clone(), line: place.line.and_then(line) };
            self.moved.push((place, now));
        }
    }

    fn compare(
        &mut self,
        (old, new): (&File, &File),
        contents: &Contents,
        until: Instant,
    ) -> Vec<DiffOp> {
        let is_read = |file: &File| contents.contains_key(&file.sha256);
        if old.size_bytes.max(new.size_bytes) <= MAX_TEXT_BYTES && !(is_read(old) && is_read(new)) {
            self.cut = true;
        }
        let both = text_of(old, contents).zip(text_of(new, contents));
        let Some((old, new)) = both else { return Vec::new() };
        let ops = compare(&old, &new, until);
        self.cut |= Instant::now() >= until;
        ops
    }

    fn place(&self, before: &Place) -> Place {
        let moved = self.moved.iter().find(|(place, _)| place == before);
        match moved {
            Some((_, now)) => now.clone(),
            None if self.cut => Place::default(),
            None => before.clone(),
        }
    }
}

fn placed(
    comment: Comment,
    submission: &Submission,
    followed: &HashMap<SubmissionId, Trail>,
) -> Placed {
    let place = if comment.submission == submission.id {
        comment.place.clone()
    } else {
        let trail = followed.get(&comment.submission);
        trail.map(|trail| trail.place(&comment.place)).unwrap_or_default()
    };
    let was = &comment.place;
    let outdated = (was.path.is_some() && place.path.is_none())
        || (was.line.is_some() && place.line.is_none());
    Placed { comment, place, outdated }
}

#[cfg(test)]
mod tests {
    use super::super::changes::pair;
    use super::super::snapshot::tests::{contents_of, index_of};
    use super::*;

    type Files<'a> = &'a [(&'a str, &'a str)];

    fn at(path: &str, line: u32) -> Place {
        Place { path: Some(path.to_owned()), line: Some(line) }
    }

    /// Where a place went.
    fn went(old: Files<'_>, new: Files<'_>, place: Place) -> Place {
        let contents = contents_of(&[old, new].concat());
        let changes = pair(&index_of(old), &index_of(new)).settle(&contents);
        let until = Instant::now() + Duration::from_secs(600);
        Trail::find(&changes, &contents, vec![place.clone()], until).place(&place)
    }

    #[test]
    fn a_line_of_a_file_that_was_renamed_and_changed_is_found() {
        let old = [("a.py", "1\n2\n3\n")];
        let new = [("src/b.py", "0\n1\n2\n3\n")];
        assert_eq!(went(&old, &new, at("a.py", 2)), at("src/b.py", 3));
    }

    #[test]
    fn a_line_of_a_file_that_was_left_alone_stays() {
        let files = [("a.py", "1\n")];
        assert_eq!(went(&files, &files, at("a.py", 1)), at("a.py", 1));
        assert_eq!(went(&files, &[("b.py", "1\n")], at("a.py", 1)), at("b.py", 1));
    }

    #[test]
    fn what_is_gone_is_nowhere() {
        let gone = Place { path: Some("a".to_owned()), line: None };
        assert_eq!(went(&[("a", "1\n2\n")], &[("a", "2\n")], at("a", 1)), gone);
        assert_eq!(went(&[("a", "1\n")], &[], at("a", 1)), Place::default());
    }
}
