//! How our containers are told from others'.

use std::collections::HashMap;

use crate::ids::{InstanceId, ProjectId};
use crate::runtimes::engine::RuntimeSpec;

const INSTANCE: &str = "lockhouse.instance";
const PROJECT: &str = "lockhouse.project";
const GENERATION: &str = "lockhouse.generation";
const KIND: &str = "lockhouse.kind";
const QUESTION: &str = "lockhouse.question";

pub(super) fn of_runtime(spec: &RuntimeSpec) -> HashMap<String, String> {
    HashMap::from([
        (INSTANCE.to_owned(), spec.instance.to_string()),
        (PROJECT.to_owned(), spec.id.to_string()),
        (GENERATION.to_owned(), spec.generation.to_string()),
        (KIND.to_owned(), spec.kind.to_string()),
    ])
}

pub(super) fn of_question(instance: &InstanceId) -> HashMap<String, String> {
    HashMap::from([
        (INSTANCE.to_owned(), instance.to_string()),
        (QUESTION.to_owned(), "true".to_owned()),
    ])
}

/// A filter that leaves this instance's runtimes.
pub(super) fn runtimes(instance: &InstanceId) -> HashMap<String, Vec<String>> {
    filter(vec![format!("{INSTANCE}={instance}"), PROJECT.to_owned()])
}

/// A filter that leaves questions of this instance that were never cleared away.
pub(super) fn questions(instance: &InstanceId) -> HashMap<String, Vec<String>> {
    filter(vec![format!("{INSTANCE}={instance}"), QUESTION.to_owned()])
}

fn filter(labels: Vec<String>) -> HashMap<String, Vec<String>> {
    HashMap::from([("label".to_owned(), labels)])
}

/// The runtime and its generation, if the labels are of this instance and whole.
pub(super) fn read(
    labels: &HashMap<String, String>,
    instance: &InstanceId,
) -> Option<(ProjectId, u32)> {
    if labels.get(INSTANCE)? != instance.as_str() {
        return None;
    }
    Some((labels.get(PROJECT)?.parse().ok()?, labels.get(GENERATION)?.parse().ok()?))
}
