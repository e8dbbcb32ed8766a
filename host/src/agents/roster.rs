//! The agents that can be asked, as the operator has loaded them.

use std::sync::{Arc, PoisonError, RwLock};

use super::{Agent, Error, Role};

/// Agents in order; the first is asked where none is named. Cloning is cheap,
/// and all clones see agents that are replaced.
#[derive(Clone, Default)]
pub struct Roster {
    agents: Arc<RwLock<List>>,
}

type List = Arc<[Arc<dyn Agent>]>;

impl Roster {
    pub fn new(agents: impl IntoIterator<Item = Arc<dyn Agent>>) -> Self {
        let agents: List = agents.into_iter().collect();
        Self { agents: Arc::new(RwLock::new(agents)) }
    }

    /// Runs that begin from now on find these; others keep the agent they have.
    pub fn replace(&self, agents: impl IntoIterator<Item = Arc<dyn Agent>>) {
        let agents = agents.into_iter().collect();
        *self.agents.write().unwrap_or_else(PoisonError::into_inner) = agents;
    }

    pub fn all(&self) -> List {
        Arc::clone(&self.agents.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The agent with this name, with or without its version; where none is
    /// named, the first one that a run can do with.
    pub(super) fn choose(&self, asked: Option<&str>) -> Result<Arc<dyn Agent>, Error> {
        let agents = self.all();
        let loaded = || agents.iter().map(|agent| agent.name()).collect::<Vec<_>>().join(", ");
        let asked = asked.unwrap_or_default();
        let found = if asked.is_empty() {
            agents.iter().find(|agent| missing_role(agent).is_none()).or(agents.first())
        } else {
            agents.iter().find(|agent| is_named(agent.name(), asked))
        };
        let Some(agent) = found else {
            let asked = asked.chars().take(80).collect();
            return Err(Error::NoAgent { asked, loaded: loaded() });
        };
        match missing_role(agent) {
            None => Ok(Arc::clone(agent)),
            Some(role) => Err(Error::MissingRole {
                agent: agent.name().to_owned(),
                missing: role.as_str(),
                loaded: loaded(),
            }),
        }
    }
}

fn is_named(name: &str, asked: &str) -> bool {
    name == asked || name.split('@').next() == Some(asked)
}

/// The first role that every run needs and the agent does not play.
fn missing_role(agent: &Arc<dyn Agent>) -> Option<Role> {
    [Role::Planner, Role::Writer].into_iter().find(|role| !agent.plays(*role))
}
