//! The agents that can be asked, as the operator has loaded them.

use std::sync::{Arc, PoisonError, RwLock};

use super::{Agent, Error};

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

    /// The agent with this name, with or without its version.
    pub(super) fn choose(&self, asked: Option<&str>) -> Result<Arc<dyn Agent>, Error> {
        let agents = self.all();
        let matches = |agent: &&Arc<dyn Agent>| {
            let (name, asked) = (agent.name(), asked.unwrap_or_default());
            asked.is_empty() || name == asked || name.split('@').next() == Some(asked)
        };
        agents.iter().find(matches).cloned().ok_or_else(|| {
            let names: Vec<&str> = agents.iter().map(|agent| agent.name()).collect();
            let asked = asked.unwrap_or_default().chars().take(80).collect();
            Error::NoAgent { asked, loaded: names.join(", ") }
        })
    }
}
