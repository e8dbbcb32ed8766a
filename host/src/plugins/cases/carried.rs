//! Cases that a plugin carries inside, in the custom section [`SECTION`]: a host
//! judges it by them before it goes live.

use std::time::Duration;

use serde_json::Map;

use super::{Case, Cases, Difference, Error, Judge, JudgeError};
use crate::plugins::compile::blocking;
use crate::plugins::{Plugins, fault, section};

/// Name of the section of a component that holds its cases.
pub const SECTION: &str = "lockhouse:cases";
/// A longer text is refused unread.
pub const MAX_CARRIED_BYTES: usize = 256 * 1024;
/// More cases than this are for the author's own machine.
pub const MAX_CARRIED: usize = 1_000;
/// How much of an unreadable text, or of a wrong answer, is told.
const MAX_TOLD_CHARS: usize = 600;

/// That a text of cases may be put into a plugin.
pub fn check_carried(text: &str) -> Result<Cases, Error> {
    if text.len() > MAX_CARRIED_BYTES {
        return Err(Error::TooLongCarried(text.len()));
    }
    let cases = Cases::parse(text)?;
    match cases.case.len() {
        count if count > MAX_CARRIED => Err(Error::TooManyCarried(count)),
        _ => Ok(cases),
    }
}

/// The cases inside a component; none where it carries none.
fn carried(component: &[u8]) -> Result<Vec<Case>, Error> {
    let Some(bytes) = section::find(component, SECTION).map_err(Error::Section)? else {
        return Ok(Vec::new());
    };
    if bytes.len() > MAX_CARRIED_BYTES {
        return Err(Error::TooLongCarried(bytes.len()));
    }
    let text = std::str::from_utf8(bytes);
    let text = text.map_err(|_| Error::Section("they are not UTF-8 text".to_owned()))?;
    check_carried(text).map(|cases| cases.case).map_err(|error| match error {
        Error::Syntax(why) => Error::Section(told(&why)),
        error => error,
    })
}

impl Plugins {
    /// Judges a component by the cases that it carries, each under its own
    /// settings and without any grant, until one does not hold. How many there
    /// are. Those that say what their host answers are for the author's machine.
    pub async fn judge_by_own_cases(
        &self,
        name: &str,
        bytes: &[u8],
    ) -> Result<usize, fault::Error> {
        let (called, own) = (name.to_owned(), bytes.to_owned());
        let unusable = |why: Error| fault::Error::Cases { name: called.clone(), why };
        let (cases, bytes) = blocking(name, move || (carried(&own), own)).await?;
        let cases = cases.map_err(unusable)?;
        let mut judge = Judge::new(self.clone(), name.to_owned(), bytes, Map::new());
        let limit = Duration::from_secs(self.host.config.cases_seconds);
        match tokio::time::timeout(limit, all_hold(&mut judge, name, &cases)).await {
            Ok(held) => held.map(|()| cases.len()),
            Err(_) => Err(fault::Error::CasesTimeout { name: name.to_owned(), limit }),
        }
    }
}

async fn all_hold(judge: &mut Judge, name: &str, cases: &[Case]) -> Result<(), fault::Error> {
    for case in cases.iter().filter(|case| !case.states_host()) {
        let judged = judge.judge(case).await.map_err(|error| match error {
            JudgeError::Load(error) => error,
            JudgeError::Request { title, why } => fault::Error::CaseRequest {
                name: name.to_owned(),
                title: told(&title),
                why: told(&why.to_string()),
            },
        })?;
        if let Some(Difference { expected, got }) = judged.difference {
            let (name, title) = (name.to_owned(), told(&case.title()));
            let (expected, got) = (told(&expected), told(&got));
            return Err(fault::Error::Case { name, title, expected, got });
        }
    }
    Ok(())
}

/// Authors write long names, and agents long answers.
fn told(text: &str) -> String {
    match text.char_indices().nth(MAX_TOLD_CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use wasm_encoder::{Component, ComponentSection as _, CustomSection};

    use super::*;

    fn component(text: &str) -> Vec<u8> {
        let mut bytes = Component::new().finish();
        CustomSection { name: SECTION.into(), data: text.as_bytes().into() }
            .append_to_component(&mut bytes);
        bytes
    }

    fn refusal(text: &str) -> String {
        carried(&component(text)).unwrap_err().to_string()
    }

    #[test]
    fn a_component_without_cases_carries_none() {
        assert!(carried(&Component::new().finish()).unwrap().is_empty());
    }

    #[test]
    fn cases_inside_a_component_are_read() {
        let cases = carried(&component("[[case]]\ncommand = \"ls\"\n")).unwrap();
        assert_eq!(cases[0].title(), "command = \"ls\"");
    }

    #[test]
    fn more_cases_than_a_host_tries_are_refused_with_the_limit() {
        let error = refusal(&"[[case]]\ncommand = \"ls\"\n".repeat(MAX_CARRIED + 1));
        assert!(error.starts_with("there are 1001 cases, and a plugin carries at most 1000"));
    }

    #[test]
    fn a_longer_text_than_a_plugin_carries_is_refused_unread() {
        let error = refusal(&"#".repeat(MAX_CARRIED_BYTES + 1));
        assert!(error.starts_with("the cases are 262145 bytes, and a plugin carries at most"));
    }

    #[test]
    fn what_is_told_of_an_unreadable_text_is_short() {
        let error = refusal(&format!("[[case]]\n{} =", "x".repeat(10_000)));
        assert!(error.len() < 4 * MAX_TOLD_CHARS, "{error}");
    }
}
