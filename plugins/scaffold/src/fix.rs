//! Repairs what can honestly be repaired without a model: a package that is
//! used and not asked for, or asked for in a version that nobody published.
//!
//! A remedy is an edit after which the plan's own commands do better. What no
//! edit can mend gets none: a syntax error needs somebody who understands the
//! program, and a port that is taken is the plan's, which a fixer can't change.

mod node;
mod python;

/// What failed, and the project's files as they stand.
#[derive(Debug, Clone, Copy)]
pub struct Failure<'a> {
    /// The end of what was printed.
    pub output: &'a str,
    /// The plan's commands that install what the project needs.
    pub install: &'a [String],
    /// Paths, and the text of those that are text.
    pub files: &'a [(&'a str, Option<&'a str>)],
}

/// One file as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repair {
    pub path: &'static str,
    pub text: String,
    /// What was done, as one sentence for the log.
    pub why: String,
}

/// The remedy, where this agent knows one.
pub fn fix(failure: Failure<'_>) -> Option<Repair> {
    python::unpublished_version(failure)
        .or_else(|| python::missing_module(failure))
        .or_else(|| node::missing_module(failure))
}

impl<'a> Failure<'a> {
    fn text(&self, path: &str) -> Option<&'a str> {
        self.files.iter().find(|(known, _)| *known == path).and_then(|(_, text)| *text)
    }

    /// Whether some file's path begins so.
    fn has(&self, beginning: &str) -> bool {
        self.files.iter().any(|(path, _)| path.starts_with(beginning))
    }

    fn installs(&self, word: &str) -> bool {
        self.install.iter().any(|command| command.contains(word))
    }
}

/// What stands behind the last `mark` of a text, up to the line's end.
fn behind<'a>(text: &'a str, mark: &str) -> Option<&'a str> {
    let at = text.rfind(mark)? + mark.len();
    text[at..].lines().next()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn repaired(output: &str, install: &str, files: &[(&str, Option<&str>)]) -> Option<String> {
        let install = [install.to_owned()];
        fix(Failure { output, install: &install, files }).map(|repair| repair.text)
    }

    const PIP: &str = ".venv/bin/pip install -r requirements.txt";

    #[test]
    fn a_module_that_is_used_and_not_asked_for_is_asked_for() {
        let output = "Traceback (most recent call last):\n  File \"app.py\", line 1\n\
                      ModuleNotFoundError: No module named 'yaml'\n";
        let files = [("requirements.txt", Some("Flask>=3.0,<4\n")), ("app.py", Some(""))];
        assert_eq!(repaired(output, PIP, &files).unwrap(), "Flask>=3.0,<4\nPyYAML\n");
    }

    #[test]
    fn a_module_that_python_itself_misses_is_asked_for() {
        let output = "/workspace/.venv/bin/python: No module named pytest\n";
        let files = [("requirements.txt", Some("Flask"))];
        assert_eq!(repaired(output, PIP, &files).unwrap(), "Flask\npytest\n");
    }

    #[test]
    fn a_submodule_is_asked_for_by_its_package() {
        let output = "ModuleNotFoundError: No module named 'dateutil.parser'";
        let files = [("requirements.txt", Some(""))];
        assert_eq!(repaired(output, PIP, &files).unwrap(), "python-dateutil\n");
    }

    #[test]
    fn a_module_that_nobody_knows_has_no_remedy() {
        let output = "ModuleNotFoundError: No module named 'my_own_thing'";
        assert_eq!(repaired(output, PIP, &[("requirements.txt", Some(""))]), None);
    }

    #[test]
    fn a_module_of_the_project_itself_is_not_installed() {
        let output = "ModuleNotFoundError: No module named 'markdown'";
        let files = [("requirements.txt", Some("")), ("markdown/page.py", Some(""))];
        assert_eq!(repaired(output, PIP, &files), None);
    }

    #[test]
    fn a_module_that_is_asked_for_already_is_not_asked_for_twice() {
        let output = "ModuleNotFoundError: No module named 'flask_cors'";
        let files = [("requirements.txt", Some("flask.cors[x]>=4 ; python_version > '3'\n"))];
        assert_eq!(repaired(output, PIP, &files), None);
    }

    #[test]
    fn where_nothing_is_installed_asking_for_a_package_is_no_remedy() {
        let output = "ModuleNotFoundError: No module named 'yaml'";
        assert_eq!(repaired(output, "true", &[("requirements.txt", Some(""))]), None);
    }

    const UNPUBLISHED: &str = "ERROR: Could not find a version that satisfies the requirement \
        flask==99.9 (from versions: 3.0.0, 3.0.1)\n\
        ERROR: No matching distribution found for flask==99.9\n";

    #[test]
    fn a_version_that_nobody_published_is_left_open() {
        let text = "# web\nFlask==99.9  # new\npytest>=8\n";
        let files = [("requirements.txt", Some(text))];
        assert_eq!(repaired(UNPUBLISHED, PIP, &files).unwrap(), "# web\nFlask\npytest>=8\n");
    }

    #[test]
    fn extras_and_markers_stay_when_a_version_is_left_open() {
        let text = "Flask[async] == 99.9 ; python_version > '3'\n";
        let files = [("requirements.txt", Some(text))];
        let repaired = repaired(UNPUBLISHED, PIP, &files).unwrap();
        assert_eq!(repaired, "Flask[async] ; python_version > '3'\n");
    }

    #[test]
    fn a_package_of_which_no_version_is_found_has_no_remedy() {
        let output = UNPUBLISHED.replace("3.0.0, 3.0.1", "none");
        assert_eq!(repaired(&output, PIP, &[("requirements.txt", Some("flask==99.9"))]), None);
    }

    #[test]
    fn a_node_package_that_is_used_and_not_asked_for_is_asked_for() {
        let output = "Error [ERR_MODULE_NOT_FOUND]: Cannot find package '@fastify/static' \
                      imported from /workspace/server.mjs";
        let files = [("package.json", Some("{\n  \"name\": \"todo\"\n}\n"))];
        let repaired = repaired(output, "npm install", &files).unwrap();
        let wanted = "{\n  \"dependencies\": {\n    \"@fastify/static\": \"*\"\n  },\n  \
                      \"name\": \"todo\"\n}\n";
        assert_eq!(repaired, wanted);
    }

    #[test]
    fn a_node_package_joins_those_that_are_asked_for() {
        let output = "Error: Cannot find module 'express/lib/router'\nRequire stack:\n";
        let files = [("package.json", Some("{\"dependencies\": {\"cors\": \"^2\"}}"))];
        let repaired = repaired(output, "npm install", &files).unwrap();
        assert_eq!(repaired, "{\"dependencies\": {\n    \"express\": \"*\",\"cors\": \"^2\"}}");
    }

    #[test]
    fn a_file_of_the_project_is_no_node_package() {
        let output = "Error: Cannot find module './store'\n";
        assert_eq!(repaired(output, "npm install", &[("package.json", Some("{}"))]), None);
        let output = "Error: Cannot find module '/workspace/server.js'\n";
        assert_eq!(repaired(output, "npm install", &[("package.json", Some("{}"))]), None);
    }

    #[test]
    fn what_needs_somebody_who_understands_it_has_no_remedy() {
        let files = [("requirements.txt", Some("")), ("package.json", Some("{}"))];
        assert_eq!(repaired("SyntaxError: invalid syntax", PIP, &files), None);
        assert_eq!(repaired("IndentationError: unexpected indent", PIP, &files), None);
        assert_eq!(repaired("OSError: [Errno 98] Address already in use", PIP, &files), None);
        assert_eq!(repaired("", PIP, &files), None);
    }
}
