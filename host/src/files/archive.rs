//! Room files: a project as one file, to take away and to bring.
//!
//! An archive that goes out is made while it is sent, and carries files and
//! directories alone: never a link, nor what one points to. One that comes in is
//! believed nothing (`unpack`).

mod pack;
pub(super) mod unpack;

use bytes::Bytes;
use futures::Stream;
use tokio_stream::wrappers::ReceiverStream;

use super::batch::Changed;
use super::path::RelPath;
use super::quota::Amount;
use super::{Error, Files};
use crate::gate::Permit;
use crate::projects::Project;

pub(crate) use pack::Missing;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    Zip,
    Tar,
    TarGz,
}

impl Format {
    pub const ALL: [Self; 3] = [Self::Zip, Self::Tar, Self::TarGz];

    /// As requests write it, and as names of files end.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Zip => "zip",
            Self::Tar => "tar",
            Self::TarGz => "tar.gz",
        }
    }

    pub fn media_type(self) -> &'static str {
        match self {
            Self::Zip => "application/zip",
            Self::Tar => "application/x-tar",
            Self::TarGz => "application/gzip",
        }
    }
}

/// An archive on its way. It breaks off with an error where a file can't be
/// read, so that half of it is never taken for the whole.
pub struct Download {
    /// Such as `todo.zip`.
    pub file_name: String,
    pub format: Format,
    pub body: ReceiverStream<std::io::Result<Bytes>>,
}

impl std::fmt::Debug for Download {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Download").field("file_name", &self.file_name).finish_non_exhaustive()
    }
}

impl Files {
    /// All files of a project. What its programs remove meanwhile is left out.
    pub fn download(&self, project: &Project, format: Format) -> Download {
        let dir = self.projects.workspace(&project.id);
        self.disk.download(dir, project.name.as_str(), (format, Missing::LeftOut))
    }

    /// Unpacks an archive below `directory`, or the project's root, over what is
    /// there: all of it, or nothing. Answers what it changed.
    pub async fn unpack<S, E>(
        &self,
        _permit: &Permit,
        project: &Project,
        directory: Option<&RelPath>,
        format: Format,
        body: S,
    ) -> Result<Vec<Changed>, Error>
    where
        S: Stream<Item = Result<Bytes, E>> + Send + Unpin,
        E: std::fmt::Display,
    {
        let room = self.room(project, Amount::default()).await?;
        let (dir, left) = (room.dir.clone(), room.left);
        let to = unpack::Target { dir, left, below: directory.cloned(), format };
        let prepared = self.disk.unpack(to, body).await.map_err(|error| room.explain(error))?;
        self.carry_out(project, prepared).await
    }
}
