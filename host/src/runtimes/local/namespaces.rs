//! User namespaces: without them an ordinary user can't set a runtime up.

use std::path::Path;

/// What the kernel keeps its settings in.
const SETTINGS: &str = "/proc/sys";

/// Whether runtimes are made as an ordinary user, by bubblewrap.
pub fn needs_user_namespaces() -> bool {
    !rustix::process::geteuid().is_root()
}

/// Why an ordinary user may make none, and what to do about it.
pub fn what_forbids_user_namespaces() -> Option<(String, String)> {
    forbidden(Path::new(SETTINGS))
}

fn forbidden(settings: &Path) -> Option<(String, String)> {
    let value = |name: &str| {
        let text = std::fs::read_to_string(settings.join(name)).ok()?;
        text.trim().parse::<u64>().ok()
    };
    let wrong = [
        ("user/max_user_namespaces", 0, "15000"),
        ("kernel/unprivileged_userns_clone", 0, "1"),
        // bubblewrap needs a profile of its own, or none is asked for.
        ("kernel/apparmor_restrict_unprivileged_userns", 1, "0"),
    ];
    let (name, bad, good) = wrong.into_iter().find(|(name, bad, _)| value(name) == Some(*bad))?;
    let name = name.replace('/', ".");
    let why = format!("an ordinary user may make none here ({name} is {bad})");
    Some((
        why,
        format!("`sysctl -w {name}={good}`, or start the server as root with runc installed"),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(settings: &[(&str, &str)]) -> Option<(String, String)> {
        let dir = tempfile::tempdir().unwrap();
        for (name, value) in settings {
            let file = dir.path().join(name);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            let mut file = std::fs::File::create(file).unwrap();
            std::io::Write::write_all(&mut file, value.as_bytes()).unwrap();
        }
        forbidden(dir.path())
    }

    #[test]
    fn a_kernel_that_was_told_nothing_allows_them() {
        assert_eq!(with(&[]), None);
        assert_eq!(with(&[("user/max_user_namespaces", "63000")]), None);
    }

    #[test]
    fn what_forbids_them_is_named_with_what_to_set() {
        let (why, advice) = with(&[("kernel/unprivileged_userns_clone", "0")]).unwrap();
        assert!(why.contains("kernel.unprivileged_userns_clone is 0"), "{why}");
        assert!(advice.contains("kernel.unprivileged_userns_clone=1"), "{advice}");
        let (_, advice) = with(&[("kernel/apparmor_restrict_unprivileged_userns", "1")]).unwrap();
        assert!(advice.contains("userns=0"), "{advice}");
    }
}
