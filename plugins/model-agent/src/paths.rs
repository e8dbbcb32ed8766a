//! Paths that a model names: relative, plain, inside the project.

/// The longest path.
const MAX_BYTES: usize = 200;

/// What tools make, and nobody writes.
const NOT_WRITTEN: [&str; 4] = [".git", ".venv", "node_modules", "__pycache__"];

/// Says what is wrong with a path, if anything is.
pub fn check(path: &str) -> Result<(), String> {
    let wrong = |why: &str| {
        let shown: String = path.chars().take(80).collect();
        Err(format!("the path “{shown}” {why}."))
    };
    if path.is_empty() || path.len() > MAX_BYTES {
        return wrong("must have 1 to 200 bytes");
    }
    if path.starts_with('/') || path.contains('\\') || path.chars().any(char::is_control) {
        return wrong("must be relative, with `/` between plain names");
    }
    if path.split('/').any(|name| matches!(name, "" | "." | "..")) {
        return wrong("must not hold empty names, `.` or `..`");
    }
    if path.split('/').any(|name| NOT_WRITTEN.contains(&name)) {
        return wrong("lies where tools keep what they make; write none of that");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_inside_the_project_is_taken() {
        for path in ["app.py", "src/app/main.rs", ".gitignore", "a b/c-d_e.txt"] {
            assert_eq!(check(path), Ok(()));
        }
    }

    #[test]
    fn a_path_that_leads_elsewhere_is_refused() {
        for path in ["", "/etc/passwd", "../x", "a/../../x", "a//b", "./a", "a\\b", "a\nb"] {
            assert!(check(path).is_err(), "{path}");
        }
        assert!(check(&"a".repeat(201)).is_err());
        assert!(check(".git/config").is_err() && check("web/node_modules/x.js").is_err());
    }
}
