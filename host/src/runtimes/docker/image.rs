//! Which image a kind runs on: the configured one if it is there or can be fetched, else one that
//! was built on this machine.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use bollard::Docker as Api;
use bollard::query_parameters::CreateImageOptionsBuilder;
use futures::TryStreamExt as _;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::{failed, is_missing};
use crate::ids::Kind;
use crate::runtimes::engine::{Error, Image};

/// How long fetching an image may take. A registry that can't be reached fails much sooner.
const PULL_TIMEOUT: Duration = Duration::from_secs(600);

/// How long nothing at all may come of it.
const PULL_SILENCE: Duration = Duration::from_secs(30);

/// How long a failure to fetch is remembered before it is tried again.
const PULL_AGAIN: Duration = Duration::from_secs(600);

/// The image of a kind that the operator did not choose another for.
fn default_image(kind: Kind) -> &'static str {
    match kind {
        Kind::Python => "python:3.11-slim",
        Kind::Node => "node:20-alpine",
        Kind::Java => "eclipse-temurin:17-jdk",
        Kind::Go => "golang:1.21-alpine",
        Kind::Rust => "rust:1.75-alpine",
        Kind::Ruby => "ruby:3.2-alpine",
        Kind::Php => "php:8.2-cli-alpine",
        Kind::Static => "nginx:alpine",
    }
}

/// The image that `lockhouse images build` makes of a kind.
pub(in crate::runtimes) fn built_image(kind: Kind) -> String {
    format!("lockhouse/{kind}:latest")
}

#[derive(Debug)]
pub(super) struct Images {
    configured: BTreeMap<String, String>,
    /// When an image could not be fetched, and why. Held while one is fetched, so that it is
    /// fetched once.
    failures: Mutex<HashMap<String, (Instant, String)>>,
}

impl Images {
    pub(super) fn new(configured: BTreeMap<String, String>) -> Self {
        Self { configured, failures: Mutex::default() }
    }

    pub(super) async fn find(&self, api: &Api, kind: Kind) -> Result<Image, Error> {
        let wanted = self.configured.get(kind.as_str()).map_or(default_image(kind), String::as_str);
        if let Some(image) = present(api, kind, wanted).await? {
            return Ok(image);
        }
        let Err(why) = self.fetch(api, wanted).await else {
            let image = present(api, kind, wanted).await?;
            return image
                .ok_or_else(|| Error::NoImage(format!("{wanted} was fetched and is gone")));
        };
        let built = built_image(kind);
        let Some(mut image) = present(api, kind, &built).await? else {
            return Err(Error::NoImage(format!(
                "Docker has no image for {kind}: {wanted} is not there and could not be fetched \
                 ({why}); build one from this machine's packages: lockhouse images build {kind} \
                 --docker, or load {wanted}"
            )));
        };
        image.notice = Some(format!(
            "{wanted} could not be fetched ({why}); {built}, which was built on this machine, is \
             used in its place"
        ));
        Ok(image)
    }

    /// The image that was built on this machine.
    pub(super) async fn built(&self, api: &Api, kind: Kind) -> Result<Image, Error> {
        let name = built_image(kind);
        let image = present(api, kind, &name).await?;
        image.ok_or_else(|| Error::NoImage(format!("{name} is not there")))
    }

    /// Fetches an image, once at a time; a failure stands for a while.
    async fn fetch(&self, api: &Api, name: &str) -> Result<(), String> {
        let mut failures = self.failures.lock().await;
        if let Some((when, why)) = failures.get(name)
            && when.elapsed() < PULL_AGAIN
        {
            return Err(why.clone());
        }
        let pulled = tokio::time::timeout(PULL_TIMEOUT, pull(api, name)).await;
        let result = pulled.unwrap_or_else(|_| Err(format!("it took over {PULL_TIMEOUT:?}")));
        match &result {
            Ok(()) => _ = failures.remove(name),
            Err(why) => _ = failures.insert(name.to_owned(), (Instant::now(), why.clone())),
        }
        result
    }
}

async fn pull(api: &Api, name: &str) -> Result<(), String> {
    tracing::info!(image = name, "fetching an image");
    let options = CreateImageOptionsBuilder::new().from_image(&with_tag(name)).build();
    let mut progress = Box::pin(api.create_image(Some(options), None, None));
    loop {
        match tokio::time::timeout(PULL_SILENCE, progress.try_next()).await {
            Ok(Ok(Some(_))) => {}
            Ok(Ok(None)) => return Ok(()),
            Ok(Err(error)) => return Err(error.to_string()),
            Err(_) => return Err(format!("the registry was silent for {PULL_SILENCE:?}")),
        }
    }
}

/// Without a tag, Docker would fetch every one there is.
fn with_tag(name: &str) -> String {
    let last = name.rsplit('/').next().unwrap_or(name);
    if last.contains([':', '@']) { name.to_owned() } else { format!("{name}:latest") }
}

async fn present(api: &Api, kind: Kind, name: &str) -> Result<Option<Image>, Error> {
    match api.inspect_image(name).await {
        Ok(found) => Ok(Some(Image {
            kind,
            name: name.to_owned(),
            digest: found.id.unwrap_or_default(),
            notice: None,
        })),
        Err(error) if is_missing(&error) => Ok(None),
        Err(error) => Err(failed(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_without_a_tag_means_the_latest() {
        assert_eq!(with_tag("localhost:5000/team/app"), "localhost:5000/team/app:latest");
        assert_eq!(with_tag("python:3.11-slim"), "python:3.11-slim");
        assert_eq!(with_tag("app@sha256:00"), "app@sha256:00");
    }
}
