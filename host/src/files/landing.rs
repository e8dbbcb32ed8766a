//! Room files: all files of a directory of the host's own, such as a job's, put into a
//! project at once.

use std::fs::File;
use std::io;
use std::os::fd::AsFd as _;
use std::path::{Path, PathBuf};

use super::batch::Act;
use super::prepared::Prepared;
use super::quota::Amount;
use super::root::Root;
use super::staging::Staging;
use super::tree::{self, Page};
use super::{EntryKind, Error, Files, MAX_PAGE, RelPath, Save};
use crate::gate::Permit;
use crate::projects::Project;
use crate::quotas::disk_cost;

/// Files that are made safe on the disk one by one; of more, all that is unwritten is.
const FEW: u64 = 256;

impl Files {
    /// Copies all files from below `from` into a project, over what is there, and deletes
    /// what is `gone`: all of it, or nothing. Answers where the files are.
    pub async fn land_all(
        &self,
        _permit: &Permit,
        project: &Project,
        from: PathBuf,
        gone: Vec<RelPath>,
    ) -> Result<Vec<RelPath>, Error> {
        let (entries, bytes) = self.disk.usage(from.clone()).await?;
        let room = self.room(project, Amount { entries, bytes }).await?;
        let left = room.left.bytes;
        let gather = move |root| gather(root, &from, gone, (entries, left));
        let prepared = self.disk.on(room.dir.clone(), gather).await;
        let prepared = prepared.map_err(|error| room.explain(error))?;
        let landed = prepared.acts.iter().filter_map(|act| match act {
            Act::Put { path, .. } => Some(path.clone()),
            Act::MakeDirectory { .. } | Act::Remove { .. } | Act::Move { .. } => None,
        });
        let landed = landed.collect();
        match self.carry_out(project, prepared).await {
            Ok(_) => Ok(landed),
            // Nobody numbered them.
            Err(Error::Operation { error, .. }) => Err(*error),
            Err(error) => Err(error),
        }
    }
}

/// Copies what is to land where nobody sees it.
fn gather(
    root: Root,
    from: &Path,
    gone: Vec<RelPath>,
    (entries, left): (u64, u64),
) -> Result<Prepared, Error> {
    let (source, staging) = (Root::open(from, None)?, Staging::make(&root)?);
    let mut copies = Copies { root: &root, staging: &staging, left, acts: Vec::new(), cost: 0 };
    let (mut few, mut cursor) = (Vec::new(), None);
    loop {
        let page = Page { recursive: true, limit: MAX_PAGE as usize, cursor };
        let listing = tree::list(&source, None, &page)?;
        for entry in listing.entries.iter().filter(|entry| entry.kind == EntryKind::File) {
            let copy = copies.add(&source, entry.path.parse()?)?;
            few.extend((entries <= FEW).then_some(copy));
        }
        cursor = listing.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    let Copies { mut acts, cost, .. } = copies;
    acts.extend(gone.into_iter().map(|path| Act::Remove { path, recursive: false }));
    match entries <= FEW {
        true => few
            .iter()
            .try_for_each(|copy| copy.sync_all().map_err(|error| Error::from_io(error, ".")))?,
        false => staging.sync_all()?,
    }
    Ok(Prepared { root, staging, acts, cost })
}

/// What has been copied so far.
struct Copies<'a> {
    root: &'a Root,
    staging: &'a Staging,
    /// Bytes for which there is room.
    left: u64,
    acts: Vec<Act>,
    cost: u64,
}

impl Copies<'_> {
    fn add(&mut self, source: &Root, path: RelPath) -> Result<File, Error> {
        let (entry, mut file) = source.open_file(&path)?;
        let staged = format!("new-{}", self.acts.len());
        let mut copy = self.staging.create(&staged)?;
        let copied = io::copy(&mut file, &mut copy);
        let copied = copied.map_err(|error| Error::from_io(error, path.as_str()))?;
        self.left = self.left.checked_sub(copied).ok_or(Error::NoSpace)?;
        self.cost += disk_cost(copied);
        self.root.give(copy.as_fd()).map_err(|errno| Error::from_errno(errno, &path))?;
        let save = Save { executable: entry.executable.then_some(true), ..Save::default() };
        self.acts.push(Act::Put { path, staged, save });
        Ok(copy)
    }
}
