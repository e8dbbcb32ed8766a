//! A static site with a small server to look at it and tests of its pages.

use super::{Blueprint, Source, chosen, http, source, tests};
use crate::brief::Reading;
use crate::name::Title;

const PORT: u16 = 8000;

const ALWAYS: &[Source] = &[
    source("site/index.html", "The page.", include_str!("../../templates/site/index.html.j2")),
    source(
        "site/style.css",
        "Its looks, in light and dark.",
        include_str!("../../templates/site/style.css.j2"),
    ),
    source(
        "site/404.html",
        "What a wrong address shows.",
        include_str!("../../templates/site/404.html.j2"),
    ),
    source(
        "serve.sh",
        "Serves the site on this machine, with nginx where it is installed.",
        include_str!("../../templates/site/serve.sh.j2"),
    ),
    source(
        "nginx.conf",
        "How nginx serves it.",
        include_str!("../../templates/site/nginx.conf.j2"),
    ),
    source(
        "serve.py",
        "Serves it where there is no nginx, and to its tests.",
        include_str!("../../templates/site/serve.py.j2"),
    ),
    source(
        "README.md",
        "How to look at it and publish it.",
        include_str!("../../templates/site/README.md.j2"),
    ),
    source(
        ".gitignore",
        "Keeps caches out of version control.",
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
        "tests/test_site.py",
        "Tests that links lead somewhere and pages are whole.",
        include_str!("../../templates/site/test_site.py.j2"),
    ),
];

pub(super) fn blueprint(reading: &Reading) -> Blueprint {
    let sections: Vec<&str> = reading.sections.iter().map(Title::as_str).collect();
    let own = tests(reading, "python3 -m unittest discover -s tests -t .");
    Blueprint {
        what: format!(
            "{}: a static site with the sections {}",
            reading.title.as_str(),
            sections.join(", ")
        ),
        files: chosen(reading, ALWAYS, &[], TESTS),
        install: Vec::new(),
        start: Some("sh serve.sh".to_owned()),
        port: Some(PORT),
        checks: own.into_iter().chain([http("/"), http("/style.css")]).collect(),
    }
}
