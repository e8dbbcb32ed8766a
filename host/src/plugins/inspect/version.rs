//! Versions in the names of interfaces: which import can be served by what the
//! host offers.

use semver::Version;

/// How an import stands to what is offered.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Compatibility<'a> {
    Offered,
    /// The interface is offered at another version alone.
    Version(&'a str),
    Unknown,
}

/// `a:b/c@1.0.0` without its version.
pub(super) fn interface(name: &str) -> &str {
    split(name).0
}

fn split(name: &str) -> (&str, &str) {
    name.split_once('@').unwrap_or((name, ""))
}

/// An older version of one line is served by a newer one, never the other way:
/// a newer one may hold what the host does not know.
pub(super) fn judge<'a>(
    import: &str,
    mut offered: impl Iterator<Item = &'a str>,
) -> Compatibility<'a> {
    let mut other = None;
    let served = offered.any(|known| {
        if interface(known) != interface(import) {
            return false;
        }
        other = Some(known);
        serves(split(known).1, split(import).1)
    });
    match (served, other) {
        (true, _) => Compatibility::Offered,
        (false, Some(other)) => Compatibility::Version(other),
        (false, None) => Compatibility::Unknown,
    }
}

fn serves(offered: &str, wanted: &str) -> bool {
    match (Version::parse(offered), Version::parse(wanted)) {
        (Ok(offered), Ok(wanted)) => line(&offered) == line(&wanted) && wanted <= offered,
        _ => offered == wanted,
    }
}

/// Versions of one line are compatible: `1.x`, `0.1.x`, or `0.0.1` alone.
fn line(version: &Version) -> (u64, u64, u64, &str) {
    let Version { major, minor, patch, .. } = *version;
    match (major, minor) {
        (0, 0) => (0, 0, patch, version.pre.as_str()),
        (0, _) => (0, minor, 0, version.pre.as_str()),
        _ => (major, 0, 0, version.pre.as_str()),
    }
}

/// What to do where an import's version is not served.
pub(super) fn advice(import: &str, offered: &str) -> String {
    let versions = (Version::parse(split(import).1), Version::parse(split(offered).1));
    match versions {
        (Ok(wanted), Ok(offered)) if wanted > offered => {
            format!("update Lockhouse to one that has it, or build against {offered}")
        }
        (_, Ok(offered)) => format!("build against {offered}"),
        _ => "build against it".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(import: &str) -> Compatibility<'static> {
        judge(import, ["a:b/c@0.1.4", "a:b/d@2.3.0", "a:b/e@0.0.2"].into_iter())
    }

    #[test]
    fn what_is_older_in_the_same_line_is_served() {
        assert_eq!(judged("a:b/c@0.1.4"), Compatibility::Offered);
        assert_eq!(judged("a:b/c@0.1.0"), Compatibility::Offered);
        assert_eq!(judged("a:b/d@2.0.1"), Compatibility::Offered);
    }

    #[test]
    fn what_is_newer_or_of_another_line_is_not() {
        assert_eq!(judged("a:b/c@0.1.5"), Compatibility::Version("a:b/c@0.1.4"));
        assert_eq!(judged("a:b/c@0.0.9"), Compatibility::Version("a:b/c@0.1.4"));
        assert_eq!(judged("a:b/d@1.0.0"), Compatibility::Version("a:b/d@2.3.0"));
        assert_eq!(judged("a:b/e@0.0.1"), Compatibility::Version("a:b/e@0.0.2"));
        assert_eq!(judged("a:b/c"), Compatibility::Version("a:b/c@0.1.4"));
    }

    #[test]
    fn what_nobody_offers_is_unknown() {
        assert_eq!(judged("wasi:cli/environment@0.2.0"), Compatibility::Unknown);
    }
}
