//! A JSON API on Flask with a page for people, tested with pytest.

use super::{Blueprint, Source, api_checks, chosen, commands, source, tests, what};
use crate::brief::Reading;

const PORT: u16 = 5000;

const ALWAYS: &[Source] = &[
    source(
        "requirements.txt",
        "The packages that pip installs.",
        include_str!("../../templates/flask/requirements.txt.j2"),
    ),
    source(
        "schema.py",
        "The resources, their fields and the rules for their values.",
        include_str!("../../templates/python/schema.py.j2"),
    ),
    source(
        "store.py",
        "Keeps the items in SQLite.",
        include_str!("../../templates/python/store.py.j2"),
    ),
    source(
        "app.py",
        "The Flask application with its routes.",
        include_str!("../../templates/flask/app.py.j2"),
    ),
    source(
        "README.md",
        "How to run it, and its routes.",
        include_str!("../../templates/flask/README.md.j2"),
    ),
    source(
        ".gitignore",
        "Keeps the environment and the database out of version control.",
        include_str!("../../templates/python/gitignore.j2"),
    ),
];
const PAGE: &[Source] = &[
    source(
        "templates/index.html",
        "The page that lists, adds and removes items.",
        include_str!("../../templates/flask/index.html.j2"),
    ),
    source(
        "static/style.css",
        "The page's looks.",
        include_str!("../../templates/web/style.css.j2"),
    ),
];
const TESTS: &[Source] = &[
    source(
        "tests/conftest.py",
        "Gives each test an application with an empty store.",
        include_str!("../../templates/flask/conftest.py.j2"),
    ),
    source(
        "tests/test_api.py",
        "Tests of every route of the API.",
        include_str!("../../templates/flask/test_api.py.j2"),
    ),
];
const PAGE_TESTS: &[Source] = &[source(
    "tests/test_page.py",
    "Tests of the page and its forms.",
    include_str!("../../templates/flask/test_page.py.j2"),
)];

pub(super) fn blueprint(reading: &Reading) -> Blueprint {
    let mut files = chosen(reading, ALWAYS, PAGE, TESTS);
    if reading.page && reading.tests {
        files.extend_from_slice(PAGE_TESTS);
    }
    let own = tests(reading, ".venv/bin/python -m pytest -q");
    Blueprint {
        what: what(reading, "SQLite"),
        files,
        install: commands(&["python3 -m venv .venv", ".venv/bin/pip install -r requirements.txt"]),
        start: Some(".venv/bin/python app.py".to_owned()),
        port: Some(PORT),
        checks: own.into_iter().chain(api_checks(reading)).collect(),
    }
}
