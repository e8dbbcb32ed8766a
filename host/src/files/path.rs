//! Room files: a path inside a project, checked once and trusted after.

use std::fmt;
use std::str::FromStr;

/// Bytes of a whole path, as Linux's `PATH_MAX`.
pub const MAX_PATH_BYTES: usize = 4_096;

/// Bytes of one name, as Linux's `NAME_MAX`.
pub const MAX_NAME_BYTES: usize = 255;

/// Names in one path.
pub const MAX_DEPTH: usize = 64;

/// What the names of unfinished saves begin with; no path may use it, and no
/// listing shows it.
pub const TEMPORARY_PREFIX: &str = ".lockhouse-";

/// A relative path of plain names: no `..`, no `.`, no empty name, no NUL, no
/// backslash, within the limits above. It says nothing of links; `root` sees
/// to those.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RelPath(String);

/// A text that is no path inside a project.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("“{text}” is not a path inside the project: {why}")]
pub struct InvalidPath {
    pub text: String,
    pub why: &'static str,
}

impl RelPath {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The last name.
    pub fn name(&self) -> &str {
        self.0.rsplit_once('/').map_or(&self.0, |(_, name)| name)
    }

    /// The directory that holds it; `None` where that is the project's root.
    pub fn parent(&self) -> Option<&str> {
        self.0.rsplit_once('/').map(|(parent, _)| parent)
    }

    /// Whether it lies below `other`, at whatever depth.
    pub fn is_below(&self, other: &Self) -> bool {
        self.0.strip_prefix(&other.0).is_some_and(|rest| rest.starts_with('/'))
    }
}

impl fmt::Display for RelPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for RelPath {
    type Err = InvalidPath;

    fn from_str(text: &str) -> Result<Self, InvalidPath> {
        match fault(text) {
            None => Ok(Self(text.to_owned())),
            Some(why) => Err(InvalidPath { text: text.chars().take(80).collect(), why }),
        }
    }
}

fn fault(text: &str) -> Option<&'static str> {
    if text.is_empty() {
        return Some("name a file or directory in it");
    }
    if text.len() > MAX_PATH_BYTES {
        return Some("use at most 4096 bytes");
    }
    if text.starts_with('/') {
        return Some("leave the “/” at its start away");
    }
    if text.split('/').count() > MAX_DEPTH {
        return Some("use at most 64 levels of directories");
    }
    text.split('/').find_map(fault_of_name)
}

fn fault_of_name(name: &str) -> Option<&'static str> {
    match name {
        "" => Some("a name between two “/”, or after the last one, is empty"),
        "." | ".." => Some("“.” and “..” are not names; write the path from the project's root"),
        _ if name.len() > MAX_NAME_BYTES => Some("use at most 255 bytes a name"),
        _ if name.contains('\0') => Some("the character NUL can't be part of a name"),
        _ if name.contains('\\') => Some("separate names by “/”, not by a backslash"),
        _ if name.starts_with(TEMPORARY_PREFIX) => {
            Some("names that begin with “.lockhouse-” are the server's own")
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::path::{Component, Path};

    use proptest::prelude::*;

    use super::*;

    fn parse(text: &str) -> Result<RelPath, InvalidPath> {
        text.parse()
    }

    #[test]
    fn a_path_with_dot_dot_is_refused() {
        assert!(parse("../secret").is_err());
        assert!(parse("a/../../secret").is_err());
        assert!(parse("a/..").is_err());
    }

    #[test]
    fn an_absolute_path_is_refused() {
        assert!(parse("/etc/passwd").is_err());
    }

    #[test]
    fn a_path_with_nul_is_refused() {
        assert!(parse("a\0b").is_err());
    }

    #[test]
    fn a_path_with_a_backslash_is_refused() {
        assert!(parse("..\\secret").is_err());
    }

    #[test]
    fn a_name_of_255_bytes_is_the_longest() {
        assert!(parse(&"a".repeat(255)).is_ok());
        assert!(parse(&"a".repeat(256)).is_err());
    }

    #[test]
    fn a_path_of_4096_bytes_is_the_longest() {
        let long = |last: usize| {
            format!(
                "{}{}",
                "a/".repeat(0),
                vec!["b".repeat(255); 15].join("/") + "/" + &"c".repeat(last)
            )
        };
        assert_eq!(long(255).len(), 4_095);
        assert!(parse(&long(255)).is_ok());
        assert!(parse(&(long(254) + "/d")).is_ok());
        assert!(parse(&(long(255) + "/d")).is_err());
    }

    #[test]
    fn a_path_of_64_levels_is_the_deepest() {
        assert!(parse(&vec!["a"; 64].join("/")).is_ok());
        assert!(parse(&vec!["a"; 65].join("/")).is_err());
    }

    #[test]
    fn a_path_that_was_percent_encoded_twice_stays_a_plain_name() {
        assert_eq!(parse("%2e%2e%2fsecret").unwrap().name(), "%2e%2e%2fsecret");
    }

    #[test]
    fn the_servers_own_names_are_refused() {
        assert!(parse("src/.lockhouse-0123").is_err());
    }

    #[test]
    fn a_path_is_below_its_parents_alone() {
        let path = parse("a/b/c").unwrap();
        assert!(path.is_below(&parse("a/b").unwrap()));
        assert!(!path.is_below(&path));
        assert!(!parse("ab/c").unwrap().is_below(&parse("a").unwrap()));
    }

    proptest! {
        #[test]
        fn what_parses_has_plain_names_only(text in "[a./\\\\\0é~ ]{0,24}") {
            if let Ok(path) = parse(&text) {
                let plain = |part: Component<'_>| matches!(part, Component::Normal(_));
                prop_assert!(Path::new(path.as_str()).components().all(plain));
                prop_assert_eq!(Path::new(path.as_str()).components().count(), path.as_str().split('/').count());
                prop_assert!(!path.as_str().contains(['\0', '\\']));
            }
        }

        #[test]
        fn parent_and_name_make_up_the_path(names in prop::collection::vec("[a-z]{1,5}", 1..6)) {
            let path = parse(&names.join("/")).unwrap();
            let whole = path.parent().map_or(path.name().to_owned(), |p| format!("{p}/{}", path.name()));
            prop_assert_eq!(whole, path.as_str());
        }

        #[test]
        fn any_text_at_all_is_answered(text in any::<String>()) {
            let _ = parse(&text);
        }
    }
}
