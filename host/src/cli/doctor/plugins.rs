//! Whether the components that the server carries can be loaded here.

use super::finding::Finding;
use super::place::Place;
use crate::config::Config;
use crate::plugins::{Plugins, Rooms};
use crate::server::built_ins;

const CHECK: &str = "plugins";

pub(super) async fn check(config: &Config, place: &Place) -> (Vec<Finding>, ()) {
    (vec![load(config, place).await.unwrap_or_else(refused)], ())
}

async fn load(config: &Config, place: &Place) -> anyhow::Result<Finding> {
    let folder = place.work().join("plugins");
    let plugins = Plugins::start(config.plugins.clone(), Some(&folder), Rooms::default())?;
    let mut names = Vec::new();
    for built_in in built_ins(config)? {
        let plugin = plugins.load(built_in.name, built_in.bytes, &built_in.settings).await?;
        names.push(plugin.name().to_owned());
    }
    Ok(Finding::ok(
        CHECK,
        format_args!("{} are built in and load: {}", names.len(), names.join(", ")),
    ))
}

fn refused(error: anyhow::Error) -> Finding {
    let advice = "see [plugins] and [policy.settings] of the configuration; `lockhouse plugin \
                  check` says more of one";
    Finding::wrong(CHECK, format_args!("{error:#}"), advice)
}
