//! Ground: the data directory that a database goes with.
//!
//! Files and runtimes of the projects that a database names lie in one data directory. A server
//! on another one would find none of them and make them anew, beside those that are used. So the
//! first server's directory is the database's home, and every server is started there.

use std::io::Write as _;
use std::path::Path;

use super::Db;
use crate::ids::RequestId;

/// In the data directory: what tells it from all others, wherever it is moved.
const FILE: &str = "directory.id";

/// In the database: which directory is its home.
const SETTING: &str = "data_directory";

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(
        "the projects of this database lie in another data directory; start the server with \
         that one (--data), or, where it is gone for good, once with --take-over and this one"
    )]
    Elsewhere,
    #[error(transparent)]
    Db(#[from] super::Error),
    #[error("directory.id of the data directory: {0}")]
    Directory(#[from] std::io::Error),
}

/// Makes this data directory the database's home, unless it has one; then it must be this.
pub async fn settle(db: &Db, data: &Path) -> Result<(), Error> {
    let own = own_id(data)?;
    if db.setting(SETTING, &own).await? == own { Ok(()) } else { Err(Error::Elsewhere) }
}

/// Makes this data directory the database's home in place of the one that it had.
pub async fn take_over(db: &Db, data: &Path) -> Result<(), Error> {
    Ok(db.replace_setting(SETTING, &own_id(data)?).await?)
}

/// Whether the database has its home elsewhere. For whoever only looks: one that has none yet
/// gets none by this.
pub async fn is_elsewhere(db: &Db, data: &Path) -> Result<bool, Error> {
    let home = db.find_setting(SETTING).await?;
    Ok(home.is_some_and(|home| read(data).ok() != Some(home)))
}

fn own_id(data: &Path) -> Result<String, Error> {
    match read(data) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => make(data),
        found => Ok(found?),
    }
}

fn make(data: &Path) -> Result<String, Error> {
    let mut new = tempfile::NamedTempFile::new_in(data)?;
    new.write_all(RequestId::generate().to_string().as_bytes())?;
    new.as_file().sync_all()?;
    match new.persist_noclobber(data.join(FILE)) {
        Err(error) if error.error.kind() != std::io::ErrorKind::AlreadyExists => {
            Err(error.error.into())
        }
        // Of servers that come at once one was the first.
        _ => Ok(read(data)?),
    }
}

fn read(data: &Path) -> std::io::Result<String> {
    Ok(std::fs::read_to_string(data.join(FILE))?.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::Config;

    async fn database(data: &Path) -> Db {
        Db::open(&Config::default(), data).await.unwrap()
    }

    #[tokio::test]
    async fn a_database_goes_with_the_data_directory_that_came_first() {
        let (home, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let db = database(home.path()).await;
        assert!(!is_elsewhere(&db, other.path()).await.unwrap());
        settle(&db, home.path()).await.unwrap();
        settle(&db, home.path()).await.unwrap();
        assert!(matches!(settle(&db, other.path()).await, Err(Error::Elsewhere)));
        assert!(is_elsewhere(&db, other.path()).await.unwrap());
        assert!(!is_elsewhere(&db, home.path()).await.unwrap());
    }

    #[tokio::test]
    async fn a_directory_that_was_moved_is_the_same_and_one_that_takes_over_is_home() {
        let (home, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let db = database(home.path()).await;
        settle(&db, home.path()).await.unwrap();
        std::fs::copy(home.path().join(FILE), other.path().join(FILE)).unwrap();
        settle(&db, other.path()).await.unwrap();
        std::fs::remove_file(other.path().join(FILE)).unwrap();
        take_over(&db, other.path()).await.unwrap();
        settle(&db, other.path()).await.unwrap();
        assert!(matches!(settle(&db, home.path()).await, Err(Error::Elsewhere)));
    }
}
