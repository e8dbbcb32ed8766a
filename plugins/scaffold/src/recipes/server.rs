//! A small web server on a language's own library: one page, nothing to install.
//! For the kinds whose projects this agent writes no more than a beginning of.

use super::{Blueprint, Recipe, Source, commands, http, source};
use crate::brief::Reading;
use crate::plan::Check;

/// What differs from language to language.
struct Language {
    files: &'static [Source],
    install: Option<&'static str>,
    start: &'static str,
    port: u16,
    tests: Option<&'static str>,
}

const EVERY: &[Source] = &[
    source("public/index.html", "The page.", include_str!("../../templates/server/index.html.j2")),
    source(
        "public/style.css",
        "The page's looks.",
        include_str!("../../templates/web/style.css.j2"),
    ),
    source("README.md", "How to run it.", include_str!("../../templates/server/README.md.j2")),
    source(
        ".gitignore",
        "Keeps what is built out of version control.",
        include_str!("../../templates/server/gitignore.j2"),
    ),
];

const JAVA: Language = Language {
    files: &[source(
        "Main.java",
        "Serves the page.",
        include_str!("../../templates/server/java/Main.java.j2"),
    )],
    install: None,
    start: "java Main.java",
    port: 8080,
    tests: None,
};

const GO: Language = Language {
    files: &[
        source("go.mod", "The module.", include_str!("../../templates/server/go/go.mod.j2")),
        source("main.go", "Serves the page.", include_str!("../../templates/server/go/main.go.j2")),
        source(
            "main_test.go",
            "Tests of the routes.",
            include_str!("../../templates/server/go/main_test.go.j2"),
        ),
    ],
    install: Some("go build -o server ."),
    start: "./server",
    port: 8080,
    tests: Some("go test ./..."),
};

const RUST: Language = Language {
    files: &[
        source(
            "Cargo.toml",
            "The package.",
            include_str!("../../templates/server/rust/Cargo.toml.j2"),
        ),
        source(
            "src/main.rs",
            "Serves the page, with its tests.",
            include_str!("../../templates/server/rust/main.rs.j2"),
        ),
    ],
    install: None,
    start: "cargo run --offline",
    port: 8000,
    tests: Some("cargo test --offline"),
};

const RUBY: Language = Language {
    files: &[
        source(
            "server.rb",
            "Serves the page.",
            include_str!("../../templates/server/ruby/server.rb.j2"),
        ),
        source(
            "test_server.rb",
            "Tests of the routes.",
            include_str!("../../templates/server/ruby/test_server.rb.j2"),
        ),
    ],
    install: None,
    start: "ruby server.rb",
    port: 3000,
    tests: Some("ruby test_server.rb"),
};

const PHP: Language = Language {
    files: &[source(
        "server.php",
        "Decides what is served.",
        include_str!("../../templates/server/php/server.php.j2"),
    )],
    install: None,
    start: "php -S 127.0.0.1:${PORT:-8000} -t public server.php",
    port: 8000,
    tests: None,
};

fn language(recipe: Recipe) -> &'static Language {
    match recipe {
        Recipe::JavaServer => &JAVA,
        Recipe::GoServer => &GO,
        Recipe::RustServer => &RUST,
        Recipe::RubyServer => &RUBY,
        _ => &PHP,
    }
}

/// How the project is built and started, for its README.
pub(crate) fn commands_of(recipe: Recipe) -> (&'static str, &'static str) {
    let language = language(recipe);
    (language.install.unwrap_or_default(), language.start)
}

pub(super) fn blueprint(reading: &Reading) -> Blueprint {
    let language = language(reading.recipe);
    let own =
        language.tests.filter(|_| reading.tests).map(|tests| Check::Command(tests.to_owned()));
    Blueprint {
        what: format!("{}: {} with one page", reading.title.as_str(), reading.recipe.noun()),
        files: language.files.iter().chain(EVERY).cloned().collect(),
        install: commands(language.install.as_slice()),
        start: Some(language.start.to_owned()),
        port: Some(language.port),
        checks: own.into_iter().chain([http("/"), http("/style.css"), http("/health")]).collect(),
    }
}
