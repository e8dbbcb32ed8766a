//! Which packages make a kind; the table is `deploy/images/recipes.toml`.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::ids::Kind;
use crate::runtimes::engine::Error;

const TABLE: &str = include_str!("../../../../deploy/images/recipes.toml");

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    every_kind: Vec<String>,
    kinds: BTreeMap<String, Vec<String>>,
}

pub(super) fn of(kind: Kind) -> Result<Vec<String>, Error> {
    let table: Table = toml::from_str(TABLE).map_err(|error| Error::Failed(error.to_string()))?;
    let own = table.kinds.get(kind.as_str()).ok_or_else(|| {
        Error::Failed(format!("there is no recipe for an image of {kind} in recipes.toml"))
    })?;
    Ok(table.every_kind.iter().chain(own).cloned().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_a_recipe() {
        assert!(
            Kind::ALL.into_iter().all(|kind| of(kind).is_ok_and(|packages| packages.len() > 6))
        );
    }
}
