//! A JSON API on Python's standard library alone: nothing to install.

use super::{Blueprint, Source, api_checks, chosen, http, source, tests, what};
use crate::brief::Reading;

const PORT: u16 = 8000;

const ALWAYS: &[Source] = &[
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
        "api.py",
        "The routes: a request in, an answer out.",
        include_str!("../../templates/stdlib/api.py.j2"),
    ),
    source(
        "openapi.py",
        "Describes the API as an OpenAPI document.",
        include_str!("../../templates/stdlib/openapi.py.j2"),
    ),
    source(
        "server.py",
        "Serves the routes over HTTP.",
        include_str!("../../templates/stdlib/server.py.j2"),
    ),
    source(
        "README.md",
        "How to run it, and its routes.",
        include_str!("../../templates/stdlib/README.md.j2"),
    ),
    source(
        ".gitignore",
        "Keeps the environment and the database out of version control.",
        include_str!("../../templates/python/gitignore.j2"),
    ),
];
const PAGE: &[Source] = &[
    source(
        "page.py",
        "The page that lists, adds and removes items.",
        include_str!("../../templates/stdlib/page.py.j2"),
    ),
    source(
        "static/style.css",
        "The page's looks.",
        include_str!("../../templates/web/style.css.j2"),
    ),
];
const TESTS: &[Source] = &[
    source(
        "tests/__init__.py",
        "Makes the tests a package that unittest finds.",
        include_str!("../../templates/python/tests_init.py.j2"),
    ),
    source(
        "tests/test_api.py",
        "Tests of every route, over real HTTP.",
        include_str!("../../templates/stdlib/test_api.py.j2"),
    ),
];

pub(super) fn blueprint(reading: &Reading) -> Blueprint {
    let own = tests(reading, "python3 -m unittest discover -s tests -t .");
    Blueprint {
        what: what(reading, "SQLite"),
        files: chosen(reading, ALWAYS, PAGE, TESTS),
        install: Vec::new(),
        start: Some("python3 server.py".to_owned()),
        port: Some(PORT),
        checks: own.into_iter().chain(api_checks(reading)).chain([http("/openapi.json")]).collect(),
    }
}
