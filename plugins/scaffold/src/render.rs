//! Renders a template with what was read of the prompt.
//!
//! The templates write code that is itself full of braces, so their own marks
//! are `[% … %]` and `[[ … ]]`. Everything put in is an [`Identifier`], a
//! [`Title`] or made of these, so nothing needs escaping.
//!
//! [`Identifier`]: crate::name::Identifier
//! [`Title`]: crate::name::Title

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, Error, UndefinedBehavior};
use serde::Serialize;

use crate::brief::{Field, FieldKind, Reading, Resource};
use crate::recipes;

/// Templates that others include, by name.
const PARTS: &[(&str, &str)] = &[
    ("api_table", include_str!("../templates/web/api_table.md.j2")),
    ("samples", include_str!("../templates/python/samples.py.j2")),
];

/// Renders one template.
pub(crate) fn render(template: &str, reading: &Reading) -> Result<String, Error> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|_| AutoEscape::None);
    environment.set_syntax(
        SyntaxConfig::builder()
            .block_delimiters("[%", "%]")
            .variable_delimiters("[[", "]]")
            .comment_delimiters("[#", "#]")
            .trim_blocks(true)
            .lstrip_blocks(true)
            .keep_trailing_newline(true)
            .build()?,
    );
    for (name, part) in PARTS {
        environment.add_template(name, part)?;
    }
    environment.render_str(template, Serde(Scene::of(reading)))
}

/// What the templates see.
#[derive(Serialize)]
struct Scene<'a> {
    title: &'a str,
    slug: &'a str,
    tests: bool,
    database: bool,
    page: bool,
    port: u16,
    /// Of a small web server: what it is written in, and how it is started.
    language: String,
    build: &'static str,
    start: &'static str,
    resources: Vec<ResourceScene<'a>>,
    sections: Vec<SectionScene<'a>>,
}

#[derive(Serialize)]
struct ResourceScene<'a> {
    name: &'a str,
    plural: &'a str,
    /// In lower case, for sentences.
    label: String,
    heading: String,
    fields: Vec<FieldScene<'a>>,
}

#[derive(Serialize)]
struct FieldScene<'a> {
    name: &'a str,
    label: String,
    kind: FieldKind,
    required: bool,
    /// A fitting value as JSON and as it is typed.
    json: String,
    typed: String,
    /// A value of the wrong type, the same in JSON and in Python.
    wrong: &'static str,
    /// The fitting value as Python.
    python: String,
}

#[derive(Serialize)]
struct SectionScene<'a> {
    title: &'a str,
    anchor: String,
}

impl<'a> Scene<'a> {
    fn of(reading: &'a Reading) -> Self {
        let sections = reading.sections.iter().enumerate();
        let (build, start) = recipes::server::commands_of(reading.recipe);
        Scene {
            title: reading.title.as_str(),
            slug: reading.slug.as_str(),
            tests: reading.tests,
            database: reading.database,
            page: reading.page,
            port: recipes::blueprint(reading).port.unwrap_or_default(),
            language: format!("in {}", reading.recipe.kind().label()),
            build,
            start,
            resources: reading.resources.iter().map(ResourceScene::of).collect(),
            sections: sections
                .map(|(index, title)| SectionScene {
                    title: title.as_str(),
                    anchor: format!("section-{}", index + 1),
                })
                .collect(),
        }
    }
}

impl<'a> ResourceScene<'a> {
    fn of(resource: &'a Resource) -> Self {
        ResourceScene {
            name: resource.name.as_str(),
            plural: resource.plural.as_str(),
            label: resource.name.label().to_lowercase(),
            heading: resource.plural.label(),
            fields: resource.fields.iter().map(FieldScene::of).collect(),
        }
    }
}

impl<'a> FieldScene<'a> {
    fn of(field: &'a Field) -> Self {
        let label = field.name.label();
        let (json, typed) = sample(field.kind, &label);
        let python =
            if field.kind == FieldKind::Boolean { "True".to_owned() } else { json.clone() };
        let textual = matches!(field.kind, FieldKind::Text | FieldKind::LongText);
        FieldScene {
            name: field.name.as_str(),
            kind: field.kind,
            required: field.required,
            wrong: if textual { "7" } else { "\"never\"" },
            label,
            json,
            typed,
            python,
        }
    }
}

/// A value that fits, as JSON and as a person types it.
fn sample(kind: FieldKind, label: &str) -> (String, String) {
    let both = |text: &str| (text.to_owned(), text.to_owned());
    let quoted = |text: String| (format!("\"{text}\""), text);
    match kind {
        FieldKind::Text | FieldKind::LongText => quoted(format!("Some {}", label.to_lowercase())),
        FieldKind::Integer => both("3"),
        FieldKind::Number => both("4.5"),
        FieldKind::Boolean => ("true".to_owned(), "yes".to_owned()),
        FieldKind::Date => quoted("2026-03-14".to_owned()),
    }
}
