//! A JSON API on Node's own modules: nothing to install.

use super::{Blueprint, Source, api_checks, chosen, source, tests, what};
use crate::brief::Reading;

const PORT: u16 = 3000;

const ALWAYS: &[Source] = &[
    source(
        "package.json",
        "Name and scripts; there are no dependencies.",
        include_str!("../../templates/node/package.json.j2"),
    ),
    source(
        "schema.mjs",
        "The resources, their fields and the rules for their values.",
        include_str!("../../templates/node/schema.mjs.j2"),
    ),
    source(
        "store.mjs",
        "Keeps the items in a JSON file.",
        include_str!("../../templates/node/store.mjs.j2"),
    ),
    source(
        "server.mjs",
        "The routes, served over HTTP.",
        include_str!("../../templates/node/server.mjs.j2"),
    ),
    source(
        "README.md",
        "How to run it, and its routes.",
        include_str!("../../templates/node/README.md.j2"),
    ),
    source(
        ".gitignore",
        "Keeps modules and stored items out of version control.",
        include_str!("../../templates/node/gitignore.j2"),
    ),
];
const PAGE: &[Source] = &[
    source(
        "page.mjs",
        "The page that lists, adds and removes items.",
        include_str!("../../templates/node/page.mjs.j2"),
    ),
    source(
        "static/style.css",
        "The page's looks.",
        include_str!("../../templates/web/style.css.j2"),
    ),
];
const TESTS: &[Source] = &[source(
    "tests/api.test.mjs",
    "Tests of every route, over real HTTP.",
    include_str!("../../templates/node/api.test.mjs.j2"),
)];

pub(super) fn blueprint(reading: &Reading) -> Blueprint {
    let own = tests(reading, "node --test tests/");
    Blueprint {
        what: what(reading, "a JSON file"),
        files: chosen(reading, ALWAYS, PAGE, TESTS),
        install: Vec::new(),
        start: Some("node server.mjs".to_owned()),
        port: Some(PORT),
        checks: own.into_iter().chain(api_checks(reading)).collect(),
    }
}
