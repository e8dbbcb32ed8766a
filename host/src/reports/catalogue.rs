//! The reports that can be asked for, as the operator has loaded them.

use std::sync::{Arc, PoisonError, RwLock};

use super::Report;

/// Reports by id. Cloning is cheap, and all clones see reports that are replaced.
#[derive(Clone, Default)]
pub struct Catalogue {
    reports: Arc<RwLock<List>>,
}

type List = Arc<[Arc<dyn Report>]>;

impl Catalogue {
    pub fn new(reports: impl IntoIterator<Item = Arc<dyn Report>>) -> Self {
        let catalogue = Self::default();
        catalogue.replace(reports);
        catalogue
    }

    /// One that is being written is finished by the report it began with.
    pub fn replace(&self, reports: impl IntoIterator<Item = Arc<dyn Report>>) {
        let mut reports: Vec<_> = reports.into_iter().collect();
        reports.sort_by(|a, b| a.id().cmp(b.id()));
        // A plugin that is bound twice is one report.
        reports.dedup_by(|a, b| a.id() == b.id());
        *self.reports.write().unwrap_or_else(PoisonError::into_inner) = reports.into();
    }

    pub fn all(&self) -> List {
        Arc::clone(&self.reports.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn find(&self, id: &str) -> Option<Arc<dyn Report>> {
        self.all().iter().find(|report| report.id() == id).cloned()
    }
}
