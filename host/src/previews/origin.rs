//! Room previews: the host names at which previews have origins of their own.
//!
//! `{port}--{name}-{label}.{domain}`, such as `3000--todo-k3x9q2ab.localhost`. Two
//! owners may have projects of one name, and an origin is never theirs together: the
//! label is the project's alone, for ever. `{port}--{name}.{domain}` means the caller's
//! own project of that name, which only Lockhouse's own origin can know.

use crate::ids::{ProjectId, ProjectName};

/// How much of a project's name fits into a label of DNS beside the rest.
const NAME_CHARS: usize = 43;

/// Characters of a project's label, and of one where that is taken.
pub(super) const LABEL_CHARS: [usize; 2] = [8, 12];

/// A preview as its host name tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostName {
    pub port: u16,
    /// Name and label, or a name alone.
    pub project: String,
}

/// What a host name is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reading {
    /// Not a preview's.
    Foreign,
    /// Meant as a preview's, and none.
    Wrong,
    Preview(HostName),
}

/// Reads the value of a `Host` header.
pub fn read(host: &str, domain: &str) -> Reading {
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name).to_ascii_lowercase();
    let name = name.strip_suffix('.').unwrap_or(&name);
    let Some(below) = name.strip_suffix(domain).and_then(|rest| rest.strip_suffix('.')) else {
        return Reading::Foreign;
    };
    let (deeper, label) = below.rsplit_once('.').map_or((None, below), |(a, b)| (Some(a), b));
    let Some((port, project)) = label.split_once("--") else { return Reading::Foreign };
    if !port.bytes().all(|b| b.is_ascii_digit()) || port.is_empty() {
        return Reading::Foreign;
    }
    let fits = project.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    match port.parse() {
        Ok(port) if port > 0 && fits && !project.is_empty() && deeper.is_none() => {
            Reading::Preview(HostName { port, project: project.to_owned() })
        }
        _ => Reading::Wrong,
    }
}

/// Name and label as they stand in a host name.
pub(super) fn written(name: &ProjectName, label: &str) -> String {
    let name: String = name.as_str().chars().take(NAME_CHARS).collect();
    format!("{}-{label}", name.trim_end_matches('-'))
}

/// The label of a project: `chars` characters that say nothing.
pub(super) fn label(project: &ProjectId, chars: usize) -> String {
    const ALPHABET: [char; 32] = [
        'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm', 'n', 'o', 'p', 'q', 'r',
        's', 't', 'u', 'v', 'w', 'x', 'y', 'z', '2', '3', '4', '5', '6', '7',
    ];
    let digest = blake3::derive_key("lockhouse preview labels 1", project.as_str().as_bytes());
    digest.iter().take(chars).map(|byte| ALPHABET[usize::from(byte % 32)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn preview(port: u16, project: &str) -> Reading {
        Reading::Preview(HostName { port, project: project.to_owned() })
    }

    #[test]
    fn a_previews_host_names_its_port_and_project() {
        let wanted = preview(3000, "todo-k3x9q2ab");
        assert_eq!(read("3000--todo-k3x9q2ab.localhost:8000", "localhost"), wanted);
        assert_eq!(read("3000--TODO-k3x9q2ab.LOCALHOST.", "localhost"), wanted);
    }

    #[test]
    fn other_hosts_are_lockhouses_own() {
        for host in ["localhost:8000", "127.0.0.1:8000", "lockhouse.localhost", "x--y.localhost"] {
            assert_eq!(read(host, "localhost"), Reading::Foreign, "{host}");
        }
    }

    #[test]
    fn a_domain_that_only_ends_alike_is_foreign() {
        assert_eq!(read("3000--todo.evillocalhost", "localhost"), Reading::Foreign);
    }

    #[test]
    fn a_host_that_is_meant_as_a_preview_is_never_lockhouses_own() {
        for host in ["0--todo.localhost", "99999--todo.localhost", "a.3000--todo.localhost"] {
            assert_eq!(read(host, "localhost"), Reading::Wrong, "{host}");
        }
    }

    #[test]
    fn the_longest_name_fits_into_a_label_of_dns() {
        let project = ProjectId::generate();
        let name = "a".repeat(63).parse().unwrap();
        let host = format!("65535--{}", written(&name, &label(&project, LABEL_CHARS[1])));
        assert_eq!(host.len(), 63);
    }

    #[test]
    fn two_projects_have_two_labels() {
        let [a, b] = [(); 2].map(|()| label(&ProjectId::generate(), 8));
        assert_ne!(a, b);
    }
}
