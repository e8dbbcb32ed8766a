//! A command-line tool on Python's standard library.

use super::{Blueprint, Source, chosen, source, tests, what};
use crate::brief::Reading;
use crate::plan::Check;

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
        "cli.py",
        "The commands and what they print.",
        include_str!("../../templates/cli/cli.py.j2"),
    ),
    source("README.md", "How to use it.", include_str!("../../templates/cli/README.md.j2")),
    source(
        ".gitignore",
        "Keeps the environment and the database out of version control.",
        include_str!("../../templates/python/gitignore.j2"),
    ),
];
const TESTS: &[Source] = &[
    source(
        "tests/__init__.py",
        "Makes the tests a package that unittest finds.",
        include_str!("../../templates/python/tests_init.py.j2"),
    ),
    source(
        "tests/test_cli.py",
        "Tests of every command.",
        include_str!("../../templates/cli/test_cli.py.j2"),
    ),
];

pub(super) fn blueprint(reading: &Reading) -> Blueprint {
    let own = tests(reading, "python3 -m unittest discover -s tests -t .");
    let runs = Check::Command("python3 cli.py --help".to_owned());
    Blueprint {
        what: what(reading, "SQLite"),
        files: chosen(reading, ALWAYS, &[], TESTS),
        install: Vec::new(),
        start: None,
        port: None,
        checks: own.into_iter().chain([runs]).collect(),
    }
}
