//! Python: packages that are missing from `requirements.txt`, or pinned there
//! to a version that does not exist.

use super::{Failure, Repair, behind};

const REQUIREMENTS: &str = "requirements.txt";

/// Packages by the name under which a program imports them. A name that is not
/// here may be anybody's, so nothing is installed for it.
const PACKAGES: &[(&str, &str)] = &[
    ("aiohttp", "aiohttp"),
    ("attr", "attrs"),
    ("bs4", "beautifulsoup4"),
    ("click", "click"),
    ("cv2", "opencv-python"),
    ("dateutil", "python-dateutil"),
    ("django", "Django"),
    ("dotenv", "python-dotenv"),
    ("fastapi", "fastapi"),
    ("flask", "Flask"),
    ("flask_cors", "Flask-Cors"),
    ("flask_login", "Flask-Login"),
    ("flask_sqlalchemy", "Flask-SQLAlchemy"),
    ("gunicorn", "gunicorn"),
    ("httpx", "httpx"),
    ("itsdangerous", "itsdangerous"),
    ("jinja2", "Jinja2"),
    ("jsonschema", "jsonschema"),
    ("jwt", "PyJWT"),
    ("lxml", "lxml"),
    ("markdown", "Markdown"),
    ("matplotlib", "matplotlib"),
    ("numpy", "numpy"),
    ("openpyxl", "openpyxl"),
    ("pandas", "pandas"),
    ("PIL", "Pillow"),
    ("psycopg2", "psycopg2-binary"),
    ("pydantic", "pydantic"),
    ("pytest", "pytest"),
    ("redis", "redis"),
    ("requests", "requests"),
    ("rich", "rich"),
    ("scipy", "scipy"),
    ("sklearn", "scikit-learn"),
    ("sqlalchemy", "SQLAlchemy"),
    ("starlette", "starlette"),
    ("tabulate", "tabulate"),
    ("tqdm", "tqdm"),
    ("typer", "typer"),
    ("uvicorn", "uvicorn"),
    ("waitress", "waitress"),
    ("werkzeug", "Werkzeug"),
    ("yaml", "PyYAML"),
];

/// A well-known module that is used and not asked for.
pub(super) fn missing_module(failure: Failure<'_>) -> Option<Repair> {
    let named = behind(failure.output, "No module named ")?.trim_start_matches(['\'', '"']);
    let end = named.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let module = &named[..end.unwrap_or(named.len())];
    let (_, package) = PACKAGES.iter().find(|(import, _)| *import == module)?;
    let own = failure.has(&format!("{module}/")) || failure.has(&format!("{module}.py"));
    if own || !failure.installs(REQUIREMENTS) {
        return None;
    }
    let asked = failure.text(REQUIREMENTS)?;
    if asked.lines().any(|line| name(line) == normal(package)) {
        return None;
    }
    let mut text = asked.trim_end().to_owned();
    if !text.is_empty() {
        text.push('\n');
    }
    text.push_str(package);
    text.push('\n');
    let why = format!("{package} is used and was not in {REQUIREMENTS}; it is now");
    Some(Repair { path: REQUIREMENTS, text, why })
}

/// A package that exists, asked for in a version that does not.
pub(super) fn unpublished_version(failure: Failure<'_>) -> Option<Repair> {
    let wanted = behind(failure.output, "No matching distribution found for ")?.trim();
    let versions = behind(failure.output, "(from versions: ")?;
    if versions.starts_with("none") {
        // The package is unknown, or its index can't be reached.
        return None;
    }
    let wanted = name(wanted);
    let asked = failure.text(REQUIREMENTS)?;
    let at = asked.lines().position(|line| name(line) == wanted)?;
    let mut lines: Vec<String> = asked.lines().map(str::to_owned).collect();
    let open = without_version(&lines[at]);
    if open == lines[at] {
        return None;
    }
    let why = format!("{} is no version of it; any is taken now", lines[at].trim());
    lines[at] = open;
    let text = lines.join("\n") + "\n";
    Some(Repair { path: REQUIREMENTS, text, why })
}

/// The package that a line of requirements names, as indexes compare names.
fn name(line: &str) -> String {
    let end = line.find(|c: char| !c.is_ascii_alphanumeric() && !"-_.".contains(c));
    normal(&line[..end.unwrap_or(line.len())])
}

fn normal(name: &str) -> String {
    name.trim().to_ascii_lowercase().replace(['_', '.'], "-")
}

/// A line of requirements without its versions and comment, but with extras
/// and markers.
fn without_version(line: &str) -> String {
    let line = line.split(" #").next().unwrap_or(line);
    let (package, marker) = match line.split_once(';') {
        Some((package, marker)) => (package, Some(marker.trim())),
        None => (line, None),
    };
    let end = package.find(['<', '>', '=', '!', '~']).unwrap_or(package.len());
    let package = package[..end].trim();
    marker.map_or(package.to_owned(), |marker| format!("{package} ; {marker}"))
}
