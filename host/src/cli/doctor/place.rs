//! Where the checks may work: in the data directory, or where it can't be used yet, beside it.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

/// The data directory as it is, and a directory in which the rooms may try things.
#[derive(Debug)]
pub(super) struct Place {
    data: PathBuf,
    /// The data directory, or what is nearest above it.
    pub(super) nearest: PathBuf,
    /// Why the data directory can't be written to; `None` where it can, or will be made.
    pub(super) unusable: Option<String>,
    /// Used and removed again, where the data directory is not there or can't be used.
    apart: Option<TempDir>,
}

impl Place {
    pub(super) fn of(data: &Path) -> Self {
        let data = std::path::absolute(data).unwrap_or_else(|_| data.to_owned());
        let nearest = data.ancestors().find(|above| above.exists()).unwrap_or(Path::new("/"));
        // A file without a name: nobody ever sees it.
        let unusable = tempfile::tempfile_in(nearest).err();
        let unusable = unusable.map(|error| format!("{}: {error}", nearest.display()));
        let uses_data = nearest == data && unusable.is_none();
        let beside = || tempfile::tempdir_in(nearest).or_else(|_| tempfile::tempdir()).ok();
        let apart = if uses_data { None } else { beside() };
        Self { nearest: nearest.to_owned(), unusable, apart, data }
    }

    pub(super) fn is_made(&self) -> bool {
        self.nearest == self.data
    }

    pub(super) fn data(&self) -> &Path {
        &self.data
    }

    pub(super) fn work(&self) -> &Path {
        self.apart.as_ref().map_or(&self.data, TempDir::path)
    }
}
