//! A plugin's manifest, and the roles that its exports say.

use super::component::Anatomy;
use crate::plugins::manifest::{Manifest, Role};
use crate::plugins::{Grant, Granted};

pub(super) const MISSING: &str = "it carries no manifest; `lockhouse plugin pack` puts one inside";

/// What marks each role that a manifest can name.
const EXPORTS: [(Role, &str); 5] = [
    (Role::CommandPolicy, "lockhouse:policy/command-policy@"),
    (Role::Planner, "lockhouse:agent/planner@"),
    (Role::Writer, "lockhouse:agent/writer@"),
    (Role::Fixer, "lockhouse:agent/fixer@"),
    (Role::AdminReport, "lockhouse:admin/report@"),
];

/// All that a plugin asks for.
pub(super) fn granted(component: &[u8]) -> anyhow::Result<Granted> {
    let Some(manifest) = of(component)? else { return Ok(Granted::default()) };
    let asked = manifest.grants.iter().map(|grant| grant.parse::<Grant>());
    let asked = asked.collect::<Result<Vec<_>, _>>()?;
    Ok(Granted::new(asked.clone(), asked))
}

pub(super) fn of(component: &[u8]) -> anyhow::Result<Option<Manifest>> {
    Ok(Manifest::find(component)?)
}

/// The roles that a component's exports say, as manifests name them.
pub(super) fn roles(anatomy: &Anatomy) -> Vec<&'static str> {
    let plays = |prefix: &str| anatomy.exports.iter().any(|export| export.starts_with(prefix));
    let played = EXPORTS.iter().filter(|(_, export)| plays(export));
    played.map(|(role, _)| role.as_str()).collect()
}
