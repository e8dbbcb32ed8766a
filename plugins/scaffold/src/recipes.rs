//! The kinds of program this agent makes: their files, commands and checks.

mod cli;
mod flask_api;
mod node_api;
mod python_api;
pub(crate) mod server;
mod static_site;

use serde::{Deserialize, Serialize};

use crate::brief::Reading;
use crate::plan::{Check, Kind, PlannedFile};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Recipe {
    FlaskApi,
    PythonApi,
    Cli,
    StaticSite,
    NodeApi,
    JavaServer,
    GoServer,
    RustServer,
    RubyServer,
    PhpServer,
}

impl Recipe {
    /// In the order of preference between equals.
    pub const ALL: &'static [Recipe] = &[
        Recipe::FlaskApi,
        Recipe::PythonApi,
        Recipe::Cli,
        Recipe::StaticSite,
        Recipe::NodeApi,
        Recipe::JavaServer,
        Recipe::GoServer,
        Recipe::RustServer,
        Recipe::RubyServer,
        Recipe::PhpServer,
    ];

    pub fn kind(self) -> Kind {
        match self {
            Recipe::FlaskApi | Recipe::PythonApi | Recipe::Cli => Kind::Python,
            Recipe::StaticSite => Kind::Static,
            Recipe::NodeApi => Kind::Node,
            Recipe::JavaServer => Kind::Java,
            Recipe::GoServer => Kind::Go,
            Recipe::RustServer => Kind::Rust,
            Recipe::RubyServer => Kind::Ruby,
            Recipe::PhpServer => Kind::Php,
        }
    }

    /// Whether it is a beginning in its language, without what the prompt's
    /// words ask for.
    pub(crate) fn is_beginning(self) -> bool {
        matches!(
            self,
            Recipe::JavaServer
                | Recipe::GoServer
                | Recipe::RustServer
                | Recipe::RubyServer
                | Recipe::PhpServer
        )
    }

    /// With its article, for sentences.
    pub fn noun(self) -> &'static str {
        match self {
            Recipe::FlaskApi => "a Flask API",
            Recipe::PythonApi => "an HTTP API on Python's standard library",
            Recipe::Cli => "a Python command-line tool",
            Recipe::StaticSite => "a static site",
            Recipe::NodeApi => "a Node HTTP API without dependencies",
            Recipe::JavaServer => "a small web server in Java",
            Recipe::GoServer => "a small web server in Go",
            Recipe::RustServer => "a small web server in Rust",
            Recipe::RubyServer => "a small web server in Ruby",
            Recipe::PhpServer => "a small web server in PHP",
        }
    }
}

/// A plan before the notes: each file still has its template.
pub(crate) struct Blueprint {
    /// What is built, as a sentence without its full stop.
    pub(crate) what: String,
    pub(crate) files: Vec<Source>,
    pub(crate) install: Vec<String>,
    pub(crate) start: Option<String>,
    pub(crate) port: Option<u16>,
    pub(crate) checks: Vec<Check>,
}

/// One file: where it goes, what it is for, what it is rendered from.
#[derive(Clone)]
pub(crate) struct Source {
    pub(crate) path: &'static str,
    purpose: &'static str,
    pub(crate) template: &'static str,
}

impl Source {
    pub(crate) fn planned(&self) -> PlannedFile {
        PlannedFile { path: self.path.to_owned(), purpose: self.purpose.to_owned() }
    }
}

/// The blueprint of what was read.
pub(crate) fn blueprint(reading: &Reading) -> Blueprint {
    match reading.recipe {
        Recipe::FlaskApi => flask_api::blueprint(reading),
        Recipe::PythonApi => python_api::blueprint(reading),
        Recipe::Cli => cli::blueprint(reading),
        Recipe::StaticSite => static_site::blueprint(reading),
        Recipe::NodeApi => node_api::blueprint(reading),
        Recipe::JavaServer
        | Recipe::GoServer
        | Recipe::RustServer
        | Recipe::RubyServer
        | Recipe::PhpServer => server::blueprint(reading),
    }
}

const fn source(path: &'static str, purpose: &'static str, template: &'static str) -> Source {
    Source { path, purpose, template }
}

/// The files that belong to the project, given those for its page and its tests.
fn chosen(reading: &Reading, always: &[Source], page: &[Source], tests: &[Source]) -> Vec<Source> {
    let mut files = always.to_vec();
    files.extend_from_slice(if reading.page { page } else { &[] });
    files.extend_from_slice(if reading.tests { tests } else { &[] });
    files
}

/// "a Flask API for todos (title, done), kept in SQLite".
fn what(reading: &Reading, storage: &str) -> String {
    let listed: Vec<String> = reading.resources.iter().map(described).collect();
    let kept = if reading.database { storage } else { "memory" };
    format!(
        "{}: {} for {}, kept in {kept}",
        reading.title.as_str(),
        reading.recipe.noun(),
        listed.join(", ")
    )
}

fn described(resource: &crate::brief::Resource) -> String {
    let fields: Vec<&str> = resource.fields.iter().map(|field| field.name.as_str()).collect();
    format!("{} ({})", resource.plural.as_str(), fields.join(", "))
}

fn http(path: impl Into<String>) -> Check {
    Check::Http { path: path.into(), status: 200 }
}

/// `/` and the list of each resource.
fn api_checks(reading: &Reading) -> impl Iterator<Item = Check> + '_ {
    let lists = reading.resources.iter().map(|r| http(format!("/api/{}", r.plural.as_str())));
    std::iter::once(http("/")).chain(lists)
}

fn commands(lines: &[&str]) -> Vec<String> {
    lines.iter().map(|line| (*line).to_owned()).collect()
}

/// The project's own tests, where it has any.
fn tests(reading: &Reading, command: &str) -> Option<Check> {
    reading.tests.then(|| Check::Command(command.to_owned()))
}
