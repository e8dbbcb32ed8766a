//! What a component must pass before it goes live. Each refusal says what its
//! author or the operator can do; none changes anything.

use std::collections::BTreeSet;

use super::{Error, Library, NewVersion, PluginBinding, Status};
use crate::ids::{Kind, ProjectId, ProjectName, RequestId, UserId};
use crate::plugins::fault::Digest;
use crate::plugins::{Grant, Plugin};
use crate::policy::{Channel, CommandPolicy as _, Mode, NetworkMode, Request};

/// A command that no policy should stumble over.
const HARMLESS: &str = "true";

/// A component that may go live.
pub(super) struct Candidate {
    pub(super) digest: Digest,
    pub(super) plugin: Plugin,
    pub(super) signed_by: Option<String>,
}

pub(super) async fn candidate(
    library: &Library,
    name: &str,
    new: &NewVersion,
    bindings: &[PluginBinding],
) -> Result<Candidate, Error> {
    let digest = Digest::of(&new.bytes);
    if let Some(wanted) = new.digest.filter(|wanted| *wanted != digest) {
        return Err(Error::OtherDigest { wanted, found: digest });
    }
    let parts = &library.inner.parts;
    let signature = new.signature.as_deref();
    let signed_by = parts.signatures.check(new.source.trust(), &new.bytes, signature)?;
    let mut loaded = None;
    for binding in bindings {
        let settings = binding.settings.as_deref().unwrap_or("{}");
        let plugin = parts.plugins.load(name, &new.bytes, settings).await?;
        answers(&plugin).await?;
        loaded = loaded.or(Some(plugin));
    }
    let plugin = loaded.ok_or_else(|| Error::Invalid("it has no binding".to_owned()))?;
    let id = &plugin.identity().id;
    if id != name {
        return Err(Error::OtherName { asked: name.to_owned(), id: id.clone() });
    }
    parts.plugins.judge_by_own_cases(name, &new.bytes).await?;
    Ok(Candidate { digest, plugin, signed_by: signed_by.map(|key| key.to_string()) })
}

/// A policy that can't judge a harmless command would stop everything.
async fn answers(plugin: &Plugin) -> Result<(), Error> {
    let Plugin::Policy(policy) = plugin else { return Ok(()) };
    let smoke = |why: crate::policy::Fault| {
        Error::Invalid(format!("the policy does not answer when it is tried: {why}"))
    };
    policy.evaluate(&harmless()?).await.map_err(smoke)?;
    policy.explain().await.map(drop).map_err(smoke)
}

fn harmless() -> Result<Request, Error> {
    let name = |text: &str| text.parse::<ProjectName>();
    let user = |text: &str| text.parse::<UserId>();
    let invalid = |error: crate::ids::InvalidId| Error::Invalid(error.to_string());
    Ok(Request {
        command: HARMLESS.to_owned(),
        argv: None,
        cwd: String::new(),
        env_names: Vec::new(),
        channel: Channel::Exec,
        caller: user("lockhouse").map_err(invalid)?,
        caller_role: crate::auth::Role::Admin,
        project: ProjectId::generate(),
        project_name: name("lockhouse").map_err(invalid)?,
        kind: Kind::Python,
        network: NetworkMode::None,
        request_id: RequestId::generate(),
    })
}

/// Agents and reports are asked by name, not in a chain.
pub(super) fn binding(status: &Status, binding: &PluginBinding) -> Result<(), Error> {
    let what = match status.loaded {
        Some(Plugin::Agent(_)) => "an agent",
        Some(Plugin::Report(_)) => "a report",
        Some(Plugin::Policy(_)) | None => return Ok(()),
    };
    if binding.project.is_some() || binding.mode == Mode::Shadow {
        return Err(Error::Invalid(format!(
            "{what} is bound for everybody and can't be in shadow: only policies can"
        )));
    }
    Ok(())
}

/// Names that are no grants are refused; one that the plugin does not ask for
/// may be given, and counts once a version asks for it.
pub(super) fn grants(grants: &BTreeSet<String>) -> Result<(), Error> {
    let parse = |name: &String| name.parse::<Grant>().map(drop);
    grants.iter().try_for_each(parse).map_err(|error| Error::Invalid(error.to_string()))
}
