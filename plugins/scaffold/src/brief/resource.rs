//! The things that a project keeps: found in the prompt, or assumed.

use serde::{Deserialize, Serialize};

use super::field::{Field, FieldKind};
use super::phrase::{self, Phrase};
use super::{MAX_FIELDS, MAX_RESOURCES, MAX_SECTIONS, lexicon};
use crate::name::{Identifier, Title};
use crate::words::{self, Token};

/// One kind of thing, such as `todo`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Resource {
    pub name: Identifier,
    pub plural: Identifier,
    pub fields: Vec<Field>,
}

/// Words behind which a prompt's project ends: what stands before them is what
/// the project is about.
pub(super) const ANCHORS: &[&str] = &[
    "api",
    "apis",
    "app",
    "application",
    "backend",
    "catalog",
    "catalogue",
    "cli",
    "collection",
    "crud",
    "list",
    "manager",
    "microservice",
    "organiser",
    "organizer",
    "page",
    "planner",
    "program",
    "project",
    "script",
    "server",
    "service",
    "site",
    "system",
    "tool",
    "tracker",
    "webapp",
    "website",
    "command-line",
    "database",
    "endpoints",
    "endpoint",
];
/// Words behind which the kept things follow.
const KEEPING: &[&str] = &[
    "collect", "for", "keep", "keeps", "list", "lists", "log", "logs", "manage", "manages",
    "managing", "of", "organise", "organize", "record", "records", "save", "saves", "serve",
    "serves", "serving", "store", "stores", "storing", "track", "tracking", "tracks", "exposes",
    "expose",
];
/// Words behind which fields follow.
const OPENERS: &[&str] = &[
    "attributes",
    "columns",
    "containing",
    "fields",
    "has",
    "have",
    "having",
    "including",
    "properties",
    "with",
];
/// Nouns that say nothing beside another one.
const GENERIC: &[&str] = &["item", "entry", "record", "object", "resource", "element"];

/// Finds the resources and their fields.
pub(super) fn resources(tokens: &[Token], assumptions: &mut Vec<String>) -> Vec<Resource> {
    let mut names = names(tokens);
    if names.is_empty() {
        assumptions.push("The prompt names nothing to keep, so it keeps items.".to_owned());
        names.extend(Identifier::from_words(["item"]));
    }
    if names.len() > MAX_RESOURCES {
        let left = names.split_off(MAX_RESOURCES);
        let left: Vec<String> = left.iter().map(Identifier::label).collect();
        assumptions
            .push(format!("Left out, beyond {MAX_RESOURCES} resources: {}.", left.join(", ")));
    }
    let described = described_fields(tokens, &names);
    names.into_iter().zip(described).map(|(name, fields)| finished(name, fields)).collect()
}

/// The resource with its plural, the usual fields where none are described, and
/// one field that every item must have.
fn finished(name: Identifier, described: Vec<Field>) -> Resource {
    let usual =
        || lexicon::fields_of(name.as_str()).iter().filter_map(|f| Field::from_phrase(&[f]));
    let mut fields = if described.is_empty() { usual().collect() } else { described };
    if !fields.iter().any(|field| field.required) {
        let by_kind = |kind| fields.iter().position(|field: &Field| field.kind == kind);
        let telling =
            by_kind(FieldKind::Text).or_else(|| by_kind(FieldKind::LongText)).unwrap_or(0);
        if let Some(field) = fields.get_mut(telling) {
            field.required = true;
        }
    }
    Resource { plural: plural_of(&name), name, fields }
}

fn plural_of(name: &Identifier) -> Identifier {
    Identifier::from_words([words::plural(name.as_str()).as_str()]).unwrap_or_else(|| name.clone())
}

/// The resources' names, most telling source first.
fn names(tokens: &[Token]) -> Vec<Identifier> {
    let before = before_anchor(tokens);
    let kept = kept(tokens);
    let mut names = if before.iter().any(is_known) || kept.is_empty() { before } else { kept };
    let only_plurals = names.is_empty();
    for list in opened_lists(tokens).into_iter().filter(|list| names_resources(list, only_plurals))
    {
        names.extend(list.phrases.iter().filter_map(|phrase| named(phrase)));
    }
    names.extend(introduced(tokens));
    if names.is_empty() {
        names = tokens.iter().filter_map(Token::text).filter_map(known).collect();
    }
    unique(names)
}

fn unique(names: Vec<Identifier>) -> Vec<Identifier> {
    let mut unique = Vec::new();
    for name in names {
        if unique.iter().all(|known| plural_of(known) != plural_of(&name)) {
            unique.push(name);
        }
    }
    unique
}

fn is_known(name: &Identifier) -> bool {
    lexicon::find(name.as_str()).is_some()
        || lexicon::fields_of(name.as_str()) != lexicon::COMMON_FIELDS
}

/// The resource that a word of the lexicon stands for.
fn known(word: &str) -> Option<Identifier> {
    let entry = lexicon::find(&words::singular(word))?;
    Identifier::from_words([entry.resource])
}

/// The resource a phrase names: its last known noun, else its last two words.
fn named(phrase: &Phrase<'_>) -> Option<Identifier> {
    let telling =
        |word: &&&str| phrase.len() == 1 || !GENERIC.contains(&words::singular(word).as_str());
    let words: Vec<&str> = phrase.iter().filter(telling).copied().collect();
    if let Some(known) = words.last().and_then(|word| known(word)) {
        return Some(known);
    }
    let (last, rest) = words.split_last()?;
    let last = words::singular(last);
    let name = Identifier::from_words(rest.last().copied().into_iter().chain([last.as_str()]))?;
    // SQLite keeps names with this beginning for itself.
    (!name.as_str().starts_with("sqlite")).then_some(name)
}

fn before_anchor(tokens: &[Token]) -> Vec<Identifier> {
    let is_anchor = |word: &str| ANCHORS.contains(&word);
    let anchors = tokens.iter().enumerate().filter(|(_, t)| t.text().is_some_and(is_anchor));
    let lists = anchors.map(|(index, _)| {
        let list = phrase::list_before(&tokens[..index], |word| {
            is_anchor(word) || (KEEPING.contains(&word) && known(word).is_none())
        });
        list.iter().filter(|p| !phrase::is_feature(p)).filter_map(named).collect::<Vec<_>>()
    });
    lists.into_iter().find(|names| !names.is_empty()).unwrap_or_default()
}

/// What stands behind "manage", "store", "for" and the like, where it is a
/// plural or a known noun: "for my family" names nothing to keep.
fn kept(tokens: &[Token]) -> Vec<Identifier> {
    let mut names = Vec::new();
    for (index, token) in tokens.iter().enumerate() {
        if !token.text().is_some_and(|text| KEEPING.contains(&text)) {
            continue;
        }
        let (list, _) = phrase::list_after(&tokens[index + 1..]);
        let nouns = list.iter().filter(|phrase| {
            let last = phrase.last().copied().unwrap_or_default();
            !phrase::is_feature(phrase) && (words::is_plural(last) || known(last).is_some())
        });
        names.extend(nouns.filter_map(named));
    }
    names
}

/// Plurals with a description of their own: "authors with", "rockets (", and
/// those that follow one, as in "books (title) and rockets".
fn introduced(tokens: &[Token]) -> impl Iterator<Item = Identifier> + '_ {
    let follows = |index: usize| {
        index > 1 && phrase::is_joint(&tokens[index - 1]) && tokens[index - 2] == Token::Close
    };
    let described = move |index: usize| index + 1 < tokens.len() && opens(&tokens[index + 1]);
    let told = (0..tokens.len()).filter(move |index| described(*index) || follows(*index));
    let words = told.filter_map(|index| tokens[index].text());
    let plurals = words.filter(|word| words::is_plural(word) && !phrase::is_feature(&[word]));
    plurals
        .filter(|word| !ANCHORS.contains(word) && !OPENERS.contains(word))
        .filter_map(|word| named(&vec![word]))
}

fn opens(token: &Token) -> bool {
    *token == Token::Open || token.text().is_some_and(|text| OPENERS.contains(&text))
}

/// A list behind "with" and the like.
struct OpenedList<'a> {
    /// Index of the opening word.
    at: usize,
    phrases: Vec<Phrase<'a>>,
}

fn opened_lists(tokens: &[Token]) -> Vec<OpenedList<'_>> {
    let opened = (0..tokens.len()).filter(|index| opens(&tokens[*index])).map(|at| {
        let (mut phrases, length) = phrase::list_after(&tokens[at + 1..]);
        let end = at + 1 + length;
        // In "with title and authors with name" the authors begin a new list.
        let next = if tokens.get(end).is_some_and(opens) { phrases.pop() } else { None };
        let whole = phrases.is_empty();
        phrases.extend(next.filter(|_| whole));
        phrases.retain(|phrase| !phrase::is_feature(phrase));
        OpenedList { at, phrases }
    });
    opened.filter(|list| !list.phrases.is_empty()).collect()
}

/// Whether a list names resources rather than fields: all are plurals, and known
/// ones unless nothing else in the prompt is.
fn names_resources(list: &OpenedList<'_>, any_plural: bool) -> bool {
    list.phrases.iter().all(|phrase| {
        phrase
            .last()
            .is_some_and(|last| words::is_plural(last) && (any_plural || known(last).is_some()))
    })
}

/// For each resource the fields that the prompt gives it.
fn described_fields(tokens: &[Token], names: &[Identifier]) -> Vec<Vec<Field>> {
    let mut fields: Vec<Vec<Field>> = vec![Vec::new(); names.len()];
    for list in opened_lists(tokens) {
        let each = list.at > 0 && tokens[list.at - 1].is("each");
        if names_resources(&list, false) || list.phrases.iter().all(|p| is_one_of(p, names)) {
            continue;
        }
        let owner = owner(&tokens[..list.at], names);
        let found: Vec<Field> = list.phrases.iter().filter_map(|p| Field::from_phrase(p)).collect();
        for (index, own) in fields.iter_mut().enumerate() {
            if each || index == owner {
                own.extend(found.iter().cloned());
            }
        }
    }
    fields.into_iter().map(limited).collect()
}

fn is_one_of(phrase: &Phrase<'_>, names: &[Identifier]) -> bool {
    named(phrase).is_some_and(|name| names.contains(&name))
}

/// The resource mentioned last; the first one where none was.
fn owner(before: &[Token], names: &[Identifier]) -> usize {
    let mentioned = before.iter().rev().filter_map(Token::text).find_map(|word| {
        let one = words::singular(word);
        let known = known(word);
        let is_it = |name: &Identifier| {
            name.as_str() == one
                || known.as_ref() == Some(name)
                || name.as_str().rsplit('_').next() == Some(one.as_str())
        };
        names.iter().position(is_it)
    });
    mentioned.unwrap_or(0)
}

fn limited(fields: Vec<Field>) -> Vec<Field> {
    let mut kept: Vec<Field> = Vec::new();
    for field in fields {
        if kept.len() < MAX_FIELDS && kept.iter().all(|known| known.name != field.name) {
            kept.push(field);
        }
    }
    kept
}

/// The headings of a static site.
pub(super) fn sections(tokens: &[Token]) -> Vec<Title> {
    let named =
        opened_lists(tokens).into_iter().flat_map(|list| list.phrases).filter_map(|phrase| {
            let words = phrase.iter().filter(|word| !is_page_word(word)).copied();
            Title::from_text(&words.collect::<Vec<_>>().join(" "))
        });
    let mut sections: Vec<Title> = Vec::new();
    for title in named.take(MAX_SECTIONS) {
        if !sections.contains(&title) {
            sections.push(title);
        }
    }
    if sections.is_empty() {
        sections
            .extend(["About", "What we do", "Contact"].into_iter().filter_map(Title::from_text));
    }
    sections
}

fn is_page_word(word: &str) -> bool {
    matches!(word, "section" | "sections" | "page" | "pages")
}
