//! Grants: what a plugin may reach. Its manifest asks, the operator gives, and
//! what counts is both together.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, PoisonError, RwLock};

/// The longest name of a secret or model.
const MAX_NAME_BYTES: usize = 64;

/// Names as people write them; those that end in “/” go on with a name.
const KNOWN: [&str; 4] = ["kv", "project-files", "secret/", "model/"];

/// One thing that a plugin may reach.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Grant {
    Kv,
    ProjectFiles,
    /// A secret that the operator lends under this name.
    Secret(String),
    /// A model under the operator's name for it.
    Model(String),
}

/// A text that names no grant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no grant “{text}”; {advice}")]
pub struct UnknownGrant {
    text: String,
    advice: String,
}

impl FromStr for Grant {
    type Err = UnknownGrant;

    fn from_str(text: &str) -> Result<Self, UnknownGrant> {
        match text.split_once('/') {
            None if text == "kv" => Ok(Self::Kv),
            None if text == "project-files" => Ok(Self::ProjectFiles),
            Some(("secret", name)) => named(text, name).map(Self::Secret),
            Some(("model", name)) => named(text, name).map(Self::Model),
            _ => Err(unknown(text, nearest(text))),
        }
    }
}

impl fmt::Display for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kv => f.write_str("kv"),
            Self::ProjectFiles => f.write_str("project-files"),
            Self::Secret(name) => write!(f, "secret/{name}"),
            Self::Model(name) => write!(f, "model/{name}"),
        }
    }
}

fn unknown(text: &str, advice: String) -> UnknownGrant {
    UnknownGrant { text: text.chars().take(MAX_NAME_BYTES).collect(), advice }
}

fn named(text: &str, name: &str) -> Result<String, UnknownGrant> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
    if (1..=MAX_NAME_BYTES).contains(&name.len()) && name.bytes().all(plain) {
        return Ok(name.to_owned());
    }
    let advice = "its name is 1 to 64 letters, digits, “-”, “_” or “.”";
    Err(unknown(text, advice.to_owned()))
}

/// What was perhaps meant.
fn nearest(text: &str) -> String {
    let (kind, name) = match text.split_once('/') {
        Some((kind, name)) => (format!("{kind}/"), name),
        None => (text.to_owned(), ""),
    };
    let far = |known: &&str| strsim::damerau_levenshtein(&kind, known);
    match KNOWN.iter().min_by_key(|known| far(known)).filter(|known| far(known) <= 3) {
        Some(known) if known.ends_with('/') => {
            let name = if name.is_empty() { "NAME" } else { name };
            format!("did you mean “{known}{name}”?")
        }
        Some(known) => format!("did you mean “{known}”?"),
        None => "known are kv, project-files, secret/NAME and model/ALIAS".to_owned(),
    }
}

/// What a plugin asked for and was given. Cloning is cheap, and all clones see
/// the same: what is given or taken counts from the next call of an import on.
#[derive(Debug, Clone, Default)]
pub struct Granted(Arc<Sets>);

#[derive(Debug, Default)]
struct Sets {
    asked: BTreeSet<Grant>,
    /// Shared by all versions of a plugin, whatever each asks for.
    given: Arc<RwLock<BTreeSet<Grant>>>,
}

impl Granted {
    /// What runs is what was `asked` for and `given`.
    pub fn new(
        asked: impl IntoIterator<Item = Grant>,
        given: impl IntoIterator<Item = Grant>,
    ) -> Self {
        let asked = asked.into_iter().collect();
        let given = Arc::new(RwLock::new(given.into_iter().collect()));
        Self(Arc::new(Sets { asked, given }))
    }

    /// The same, where these were asked for; what is given or taken later counts
    /// for both.
    pub(super) fn asked_by(&self, asked: impl IntoIterator<Item = Grant>) -> Self {
        let (asked, given) = (asked.into_iter().collect(), Arc::clone(&self.0.given));
        Self(Arc::new(Sets { asked, given }))
    }

    /// Gives these, and takes all that are not among them.
    pub fn replace(&self, given: impl IntoIterator<Item = Grant>) {
        let given = given.into_iter().collect();
        *self.0.given.write().unwrap_or_else(PoisonError::into_inner) = given;
    }

    pub fn allows(&self, grant: &Grant) -> bool {
        self.asked(grant)
            && self.0.given.read().unwrap_or_else(PoisonError::into_inner).contains(grant)
    }

    /// Whether giving it would count.
    pub(super) fn asked(&self, grant: &Grant) -> bool {
        self.0.asked.contains(grant)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        text.parse::<Grant>().unwrap_err().to_string()
    }

    #[test]
    fn a_grant_reads_back_as_it_is_written() {
        for text in ["kv", "project-files", "secret/API_KEY", "model/small"] {
            assert_eq!(text.parse::<Grant>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn an_unknown_grant_is_refused_with_the_one_that_was_meant() {
        assert_eq!(error("kvs"), "there is no grant “kvs”; did you mean “kv”?");
        assert!(error("project_files").contains("did you mean “project-files”?"));
        assert!(error("secrets/KEY").contains("did you mean “secret/KEY”?"));
        assert!(error("secret").contains("did you mean “secret/NAME”?"));
        assert!(error("network").contains("known are kv, project-files"));
    }

    #[test]
    fn a_secret_without_a_plain_name_is_refused() {
        assert!(error("secret/").contains("its name is 1 to 64 letters"));
        assert!(error("secret/a b").contains("its name is 1 to 64 letters"));
    }

    #[test]
    fn only_what_was_asked_for_and_given_counts() {
        let granted = Granted::new([Grant::Kv], [Grant::Kv, Grant::ProjectFiles]);
        assert!(granted.allows(&Grant::Kv));
        assert!(!granted.allows(&Grant::ProjectFiles));
        assert!(!Granted::new([Grant::Kv], []).allows(&Grant::Kv));
    }

    #[test]
    fn what_is_taken_is_gone_for_those_who_asked_for_it_before() {
        let given = Granted::new([], [Grant::Kv]);
        let asked = given.asked_by([Grant::Kv]);
        assert!(asked.allows(&Grant::Kv));
        given.replace([]);
        assert!(!asked.allows(&Grant::Kv));
    }

    #[test]
    fn what_is_taken_is_gone_for_all_who_hold_it() {
        let granted = Granted::new([Grant::Kv], [Grant::Kv]);
        let held = granted.clone();
        granted.replace([]);
        assert!(!held.allows(&Grant::Kv));
        granted.replace([Grant::Kv]);
        assert!(held.allows(&Grant::Kv));
    }
}
