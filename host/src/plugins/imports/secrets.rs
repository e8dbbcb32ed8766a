//! `lockhouse:host/secrets`: what the operator lends by name. A handle shows
//! nothing; each look at the text is recorded first.

use serde_json::json;
use wasmtime::component::Resource;

use crate::audit::{Entry, Phase};
use crate::ids::AuditId;
use crate::plugins::bindings::planner::lockhouse::host::secrets;
use crate::plugins::bindings::policy::lockhouse::types::errors::Error;
use crate::plugins::grant::Grant;
use crate::plugins::instance::State;
use crate::plugins::reach::{Reach, missing};

/// The longest name that is looked for.
const MAX_NAME_BYTES: usize = 64;

/// Stands for a secret in the hands of a plugin.
#[derive(Debug)]
#[expect(unreachable_pub, reason = "the generated bindings re-export it")]
pub struct Handle {
    name: String,
}

impl secrets::Host for State {
    async fn find(&mut self, name: String) -> Result<Resource<Handle>, Error> {
        if name.len() > MAX_NAME_BYTES {
            return Err(Error::Invalid("A secret's name has at most 64 bytes.".to_owned()));
        }
        self.reach.taped(
            "secrets.find",
            || json!({ "name": name }),
            || {
                self.reach.admit(&Grant::Secret(name.clone()))?;
                self.reach.secrets.find(&name).map(|_| ()).ok_or_else(|| unset(&name))
            },
        )?;
        let handle = self.table.push(Handle { name });
        handle.map_err(|error| Error::Quota(format!("Let go of some handles first: {error}.")))
    }
}

impl secrets::HostSecret for State {
    async fn reveal(&mut self, handle: Resource<Handle>) -> Result<String, Error> {
        let gone = |error| Error::Internal(format!("The handle is none: {error}."));
        let name = self.table.get(&handle).map_err(gone)?.name.clone();
        let (reach, with) = (&self.reach, || json!({ "name": name }));
        let ask = reach.ask(reveal(reach.clone(), name.clone()));
        reach.taped_async("secrets.reveal", with, ask).await
    }

    async fn drop(&mut self, handle: Resource<Handle>) -> wasmtime::Result<()> {
        self.table.delete(handle)?;
        Ok(())
    }
}

/// The grant may have been taken since the handle was found.
async fn reveal(reach: Reach, name: String) -> Result<String, Error> {
    reach.admit(&Grant::Secret(name.clone()))?;
    let secret = reach.secrets.find(&name).ok_or_else(|| unset(&name))?;
    let audit = reach.rooms.audit.as_ref().ok_or_else(|| missing("audit record"))?;
    let behalf = reach.behalf()?;
    let entry = Entry {
        id: AuditId::generate(),
        phase: Phase::Finished,
        at_us: audit.now_us(),
        actor: behalf.caller.user.id.clone(),
        action: "secret.reveal",
        target: format!("plugin/{} secret/{name}", reach.plugin.id),
        origin: behalf.caller.origin.clone(),
        duration_us: None,
        request_id: behalf.caller.request_id.clone(),
        outcome: "ok".to_owned(),
    };
    audit.append(entry).await.map_err(|error| Error::Unavailable(format!("{error}.")))?;
    Ok(secret.reveal().to_owned())
}

fn unset(name: &str) -> Error {
    Error::NotFound(format!(
        "There is no secret “{name}”; the operator sets it under [plugins.secrets]."
    ))
}
