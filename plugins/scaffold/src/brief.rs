//! Reads a prompt: which recipe, which resources with which fields, what title.

mod choice;
mod field;
mod lexicon;
mod phrase;
mod resource;
mod title;

pub use field::{Field, FieldKind};
pub use resource::Resource;
use serde::{Deserialize, Serialize};

use crate::name::{Identifier, Title};
use crate::plan::{Refusal, Request};
use crate::recipes::Recipe;
use crate::words;

/// Longest prompt that is read, in bytes.
pub const MAX_PROMPT_BYTES: usize = 16 * 1024;
/// Most resources of one project; further ones are named as left out.
pub const MAX_RESOURCES: usize = 4;
/// Most fields of one resource.
pub const MAX_FIELDS: usize = 12;
/// Most sections of a static site.
pub const MAX_SECTIONS: usize = 8;

/// What was understood of a prompt. Travels as JSON in a plan's notes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reading {
    pub recipe: Recipe,
    pub title: Title,
    /// Name for packages and files.
    pub slug: Identifier,
    /// Empty for a static site.
    pub resources: Vec<Resource>,
    /// Headings of a static site, empty otherwise.
    pub sections: Vec<Title>,
    pub tests: bool,
    /// Whether items outlive the process.
    pub database: bool,
    /// Whether `/` answers with a page for people.
    pub page: bool,
    /// What the prompt did not say, one sentence each.
    pub assumptions: Vec<String>,
}

/// Reads what a request asks for.
///
/// # Errors
/// As [`crate::plan::plan`].
pub fn read(request: Request<'_>) -> Result<Reading, Refusal> {
    if request.prompt.len() > MAX_PROMPT_BYTES {
        let limit = MAX_PROMPT_BYTES / 1024;
        return Err(Refusal::TooLarge(format!(
            "The prompt is {} bytes long; shorten it to {limit} KiB or less.",
            request.prompt.len()
        )));
    }
    let tokens = words::tokens(request.prompt);
    if !tokens.iter().any(|token| token.text().is_some()) {
        return Err(Refusal::Invalid(
            "The prompt is empty; say what to build, such as \"a flask todo api with tests\"."
                .to_owned(),
        ));
    }
    let stems = words::stems(&tokens);
    let tokens = phrase::with_whole_names(tokens);
    let mut assumptions = Vec::new();
    let recipe = choice::recipe(&stems, request.kind, &mut assumptions);
    let (resources, sections) = match recipe {
        site if site == Recipe::StaticSite || site.is_beginning() => {
            (Vec::new(), resource::sections(&tokens))
        }
        _ => (resource::resources(&tokens, &mut assumptions), Vec::new()),
    };
    let title = title::title(request, recipe, &tokens, &resources);
    Ok(Reading {
        recipe,
        slug: title::slug(request.project, &title),
        title,
        resources,
        sections,
        tests: !denied(&stems, &["test", "unit test", "testing"]),
        database: !denied(&stems, &["database", "db", "sqlite", "persistence", "storage"])
            && !stems.contains(" in memory ")
            && !stems.contains(" in-memory "),
        page: !denied(&stems, &["page", "web page", "frontend", "ui", "html", "web interface"])
            && !stems.contains(" json only ")
            && !stems.contains(" api only "),
        assumptions,
    })
}

/// Whether the prompt says that it wants none of these.
fn denied(stems: &str, things: &[&str]) -> bool {
    let negations = ["no", "without", "without any", "without a", "skip", "don't need"];
    things.iter().any(|thing| {
        negations.iter().any(|negation| stems.contains(&format!(" {negation} {thing} ")))
    })
}

#[cfg(test)]
mod tests;
