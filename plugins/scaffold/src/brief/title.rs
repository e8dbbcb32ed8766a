//! What the project is called.

use super::Resource;
use super::phrase;
use super::resource::ANCHORS;
use crate::name::{Identifier, Title};
use crate::plan::Request;
use crate::recipes::Recipe;
use crate::words::{Token, Word};

/// Most words of a name that a prompt gives.
const MAX_NAME_WORDS: usize = 5;

/// The title the prompt gives, else one made of what the project is about.
pub(super) fn title(
    request: Request<'_>,
    recipe: Recipe,
    tokens: &[Token],
    resources: &[Resource],
) -> Title {
    quoted(request.prompt)
        .or_else(|| called(tokens))
        .or_else(|| {
            (recipe == Recipe::StaticSite || recipe.is_beginning()).then(|| topic(tokens)).flatten()
        })
        .or_else(|| Title::from_text(&joined(resources)))
        .or_else(|| Title::from_text(&request.project.replace(['_', '-'], " ")))
        .unwrap_or_default()
}

/// A name for packages: the project's own, else the title's.
pub(super) fn slug(project: &str, title: &Title) -> Identifier {
    Identifier::from_words([project])
        .or_else(|| Identifier::from_words([title.as_str()]))
        .unwrap_or_default()
}

/// The text between the first pair of double quotes.
fn quoted(prompt: &str) -> Option<Title> {
    let open = |c: char| matches!(c, '"' | '“' | '”' | '„');
    let rest = prompt.split_once(open)?.1;
    let (inside, _) = rest.split_once(open)?;
    (inside.split_whitespace().count() <= MAX_NAME_WORDS)
        .then(|| Title::from_text(inside))
        .flatten()
}

/// What follows "called" or "named".
fn called(tokens: &[Token]) -> Option<Title> {
    let at = tokens.iter().position(|token| token.is("called") || token.is("named"))?;
    name_at(&tokens[at + 1..], true)
}

/// The capitalised words at the start; where `any` is set, a single word in
/// lower case as well.
fn name_at(tokens: &[Token], any: bool) -> Option<Title> {
    let words = tokens.iter().map_while(|token| match token {
        Token::Word(word) => Some(word),
        _ => None,
    });
    let capital = |word: &&Word| word.original.starts_with(char::is_uppercase);
    let named: Vec<&str> = words
        .clone()
        .take_while(capital)
        .take(MAX_NAME_WORDS)
        .map(|w| w.original.as_str())
        .collect();
    let single = || words.clone().next().filter(|_| any).map(|word| word.original.clone());
    let text = if named.is_empty() { single()? } else { named.join(" ") };
    Title::from_text(&text)
}

/// What a site is for: "for Jane Doe", "a bakery landing page", "for a bakery".
fn topic(tokens: &[Token]) -> Option<Title> {
    let behind =
        || tokens.iter().enumerate().filter(|(_, t)| t.is("for") || t.is("of") || t.is("about"));
    let proper = || behind().find_map(|(index, _)| name_at(&tokens[index + 1..], false));
    let plain = || {
        behind().find_map(|(index, _)| {
            let (list, _) = phrase::list_after(&tokens[index + 1..]);
            list.first().and_then(|phrase| Title::from_text(&phrase.join(" ")))
        })
    };
    proper().or_else(|| before_site(tokens)).or_else(plain)
}

fn before_site(tokens: &[Token]) -> Option<Title> {
    let is_anchor = |word: &str| ANCHORS.contains(&word) || matches!(word, "landing" | "portfolio");
    let at = tokens.iter().position(|token| token.text().is_some_and(is_anchor))?;
    let list = phrase::list_before(&tokens[..at], is_anchor);
    let named = list.iter().find(|phrase| !phrase::is_feature(phrase))?;
    Title::from_text(&named.join(" "))
}

/// "Books and authors".
fn joined(resources: &[Resource]) -> String {
    let labels: Vec<String> = resources.iter().map(|resource| resource.plural.label()).collect();
    match labels.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} and {}", rest.join(", "), last.to_lowercase()),
        None => String::new(),
    }
}
