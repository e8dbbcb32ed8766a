//! Room previews: which project a host name means.

mod store;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::origin::{self, LABEL_CHARS};
use crate::db::{self, Db};
use crate::ids::{ProjectId, ProjectName};
use crate::projects::Project;
use store::Store;

/// Names that are remembered; beyond that all are looked up again.
const MAX_REMEMBERED: usize = 4096;

/// A project that a host name means. It may be gone by now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    pub project: ProjectId,
    pub name: ProjectName,
}

#[derive(Debug, Clone)]
pub(super) struct Names {
    store: Store,
    /// A label is one project's for ever, so what was once true stays so.
    remembered: Arc<Mutex<HashMap<String, Named>>>,
}

impl Names {
    pub(super) fn new(db: Db) -> Self {
        Self { store: Store::new(db), remembered: Arc::default() }
    }

    /// The project's name and label, as they stand in a host name.
    pub(super) async fn of(&self, project: &Project) -> Result<String, db::Error> {
        for chars in LABEL_CHARS {
            let label = origin::label(&project.id, chars);
            if let Some(label) = self.store.keep(&project.id, &label).await? {
                return Ok(origin::written(&project.name, &label));
            }
        }
        Err(db::Error::Failed("no label is free for a preview".to_owned()))
    }

    /// The project that a name and label mean.
    pub(super) async fn find(&self, written: &str) -> Result<Option<Named>, db::Error> {
        if let Some(named) = self.lock().get(written) {
            return Ok(Some(named.clone()));
        }
        let Some((_, label)) = written.rsplit_once('-') else { return Ok(None) };
        let found = self.store.find(label).await?;
        let found = found.filter(|named| origin::written(&named.name, label) == written);
        if let Some(named) = &found {
            let mut remembered = self.lock();
            if remembered.len() >= MAX_REMEMBERED {
                remembered.clear();
            }
            remembered.insert(written.to_owned(), named.clone());
        }
        Ok(found)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, Named>> {
        self.remembered.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
