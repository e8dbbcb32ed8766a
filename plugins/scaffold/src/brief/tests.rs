//! Prompts and what is read of them.

use proptest::prelude::*;

use super::{FieldKind, MAX_PROMPT_BYTES, Reading, read};
use crate::plan::{Kind, Refusal, Request};
use crate::recipes::Recipe;

fn reading(prompt: &str) -> Reading {
    read(Request { prompt, project: "demo", kind: None }).unwrap()
}

fn fixed(prompt: &str, kind: Kind) -> Result<Reading, Refusal> {
    read(Request { prompt, project: "demo", kind: Some(kind) })
}

fn names(reading: &Reading) -> Vec<&str> {
    reading.resources.iter().map(|resource| resource.name.as_str()).collect()
}

fn fields(reading: &Reading, index: usize) -> Vec<&str> {
    reading.resources[index].fields.iter().map(|field| field.name.as_str()).collect()
}

#[test]
fn the_words_choose_the_recipe() {
    for (prompt, recipe) in [
        ("a flask todo api with tests", Recipe::FlaskApi),
        ("todo api", Recipe::FlaskApi),
        ("A REST backend for my books", Recipe::FlaskApi),
        ("an http api for notes with the standard library only", Recipe::PythonApi),
        ("a book api in python without dependencies", Recipe::PythonApi),
        ("a book api without flask, no framework", Recipe::PythonApi),
        ("fastapi service for movies", Recipe::PythonApi),
        ("a cli for my todos", Recipe::Cli),
        ("command-line expense tracker", Recipe::Cli),
        ("Write a command line tool that manages contacts", Recipe::Cli),
        ("a static site for a bakery", Recipe::StaticSite),
        ("landing page for a coffee shop", Recipe::StaticSite),
        ("My portfolio website", Recipe::StaticSite),
        ("a node todo api", Recipe::NodeApi),
        ("REST API in Node.js for books", Recipe::NodeApi),
        ("an express server for quotes", Recipe::NodeApi),
        ("something nice", Recipe::FlaskApi),
    ] {
        assert_eq!(reading(prompt).recipe, recipe, "{prompt}");
    }
}

#[test]
fn the_nouns_name_the_resources() {
    for (prompt, expected) in [
        ("a flask todo api with tests", vec!["todo"]),
        ("a to-do list app", vec!["todo"]),
        ("a books and authors api", vec!["book", "author"]),
        ("build me a REST API for books, authors and reviews", vec!["book", "author", "review"]),
        ("an app to manage recipes", vec!["recipe"]),
        ("a beautiful little blue todo app", vec!["todo"]),
        ("an api that stores gadgets in sqlite", vec!["gadget"]),
        ("a bird sighting tracker", vec!["bird_sighting"]),
        ("a blog with posts and comments", vec!["post", "comment"]),
        ("a library with books and authors", vec!["book", "author"]),
        ("inventory management system", vec!["item"]),
        ("a todo api for my family", vec!["todo"]),
        ("flask api with gadgets and widgets", vec!["gadget", "widget"]),
        ("command-line expense tracker with categories", vec!["expense", "category"]),
        ("Create a Flask REST API with SQLite and tests for managing students", vec!["student"]),
        ("A shopping list", vec!["item"]),
        ("please build something", vec!["item"]),
        ("todo api", vec!["todo"]),
    ] {
        assert_eq!(names(&reading(prompt)), expected, "{prompt}");
    }
}

#[test]
fn fields_are_read_and_their_types_guessed() {
    let book =
        reading("a book api with title, author, page count, price, published on and is lent");
    assert_eq!(
        fields(&book, 0),
        ["title", "author", "page_count", "price", "published_on", "is_lent"]
    );
    let kinds: Vec<_> = book.resources[0].fields.iter().map(|field| field.kind).collect();
    let expected = [
        FieldKind::Text,
        FieldKind::Text,
        FieldKind::Integer,
        FieldKind::Number,
        FieldKind::Date,
        FieldKind::Boolean,
    ];
    assert_eq!(kinds, expected);
}

#[test]
fn fields_go_to_the_resource_they_follow() {
    let both = reading("an api for books with title and year and authors with name and age");
    assert_eq!(names(&both), ["book", "author"]);
    assert_eq!((fields(&both, 0), fields(&both, 1)), (vec!["title", "year"], vec!["name", "age"]));

    let round =
        reading("flask api: planets (name, moon count) and rockets (model, price, launched)");
    assert_eq!(names(&round), ["planet", "rocket"]);
    assert_eq!(fields(&round, 0), ["name", "moon_count"]);
    assert_eq!(fields(&round, 1), ["model", "price", "launched"]);

    let each = reading("cats and dogs api, each with name and age");
    assert_eq!((fields(&each, 0), fields(&each, 1)), (vec!["name", "age"], vec!["name", "age"]));
}

#[test]
fn a_field_may_be_a_phrase_with_its_type() {
    let todo = reading(
        "todo api with required text, an optional due date and rank as a list. It has a flag boolean",
    );
    assert_eq!(fields(&todo, 0), ["text", "due_date", "rank", "flag"]);
    assert!(todo.resources[0].fields[0].required);
}

#[test]
fn features_are_no_fields() {
    let todo =
        reading("todo api with tests, a web page, sqlite database, documentation and validation");
    assert_eq!(fields(&todo, 0), ["title", "done", "due_date"]);
}

#[test]
fn every_resource_has_a_field_that_tells_items_apart() {
    for prompt in ["todo api", "thingamajig api", "todo api with done and urgent"] {
        let required =
            reading(prompt).resources[0].fields.iter().filter(|field| field.required).count();
        assert_eq!(required, 1, "{prompt}");
    }
}

#[test]
fn what_is_not_wanted_is_left_out() {
    let bare = reading("todo api without tests, no database, no web page");
    assert_eq!((bare.tests, bare.database, bare.page), (false, false, false));
    let usual = reading("todo api");
    assert_eq!((usual.tests, usual.database, usual.page), (true, true, true));
}

#[test]
fn titles_come_from_names_then_topics_then_resources() {
    for (prompt, title) in [
        ("a todo api called Remember Me", "Remember Me"),
        ("a todo api named \"what's next\"", "What’s next"),
        ("a landing page for Sunny Crumb", "Sunny Crumb"),
        ("a bakery landing page", "Bakery"),
        ("a static website for a flower shop", "Flower shop"),
        ("books and authors api", "Books and authors"),
    ] {
        assert_eq!(reading(prompt).title.as_str(), title, "{prompt}");
    }
}

#[test]
fn a_site_has_the_sections_it_asks_for() {
    let site = reading("a bakery site with menu, opening hours and contact sections and tests");
    let titles: Vec<_> = site.sections.iter().map(|title| title.as_str()).collect();
    assert_eq!(titles, ["Menu", "Opening hours", "Contact"]);
    assert_eq!(reading("a bakery site").sections.len(), 3);
}

#[test]
fn what_was_assumed_is_said() {
    let assumed = reading("a django shop in rust").assumptions.join(" ");
    assert!(assumed.contains("does not write Django or Rust"), "{assumed}");
    let assumed = reading("make something").assumptions.join(" ");
    assert!(assumed.contains("keeps items") && assumed.contains("a Flask API"), "{assumed}");
    assert_eq!(reading("a flask todo api with tests").assumptions, Vec::<String>::new());
}

#[test]
fn a_settled_kind_limits_the_choice() {
    assert_eq!(fixed("a todo api", Kind::Node).unwrap().recipe, Recipe::NodeApi);
    assert_eq!(fixed("a flask todo api", Kind::Static).unwrap().recipe, Recipe::StaticSite);
    let python = fixed("a static site for books", Kind::Python).unwrap();
    assert_eq!(python.recipe, Recipe::FlaskApi);
    assert!(python.assumptions[0].contains("rather than a static site"), "{python:?}");
}

#[test]
fn of_a_kind_of_which_only_a_beginning_is_written_that_is_said() {
    for kind in [Kind::Java, Kind::Go, Kind::Rust, Kind::Ruby, Kind::Php] {
        let read = fixed("a todo api in go, java, php, ruby or rust", kind).unwrap();
        assert_eq!(read.recipe.kind(), kind);
        let said = read.assumptions.last().unwrap();
        assert!(said.contains(&format!("a beginning in {}", kind.label())), "{said}");
        let foreign = read.assumptions.iter().find(|said| said.contains("does not write"));
        let (named, _) = foreign.unwrap().split_once(';').unwrap();
        assert!(!named.contains(kind.label()), "{named}");
    }
}

#[test]
fn an_empty_or_enormous_prompt_is_refused() {
    for prompt in ["", "  \n", "?!", "---"] {
        let refused = read(Request { prompt, project: "demo", kind: None });
        assert!(
            matches!(refused, Err(Refusal::Invalid(text)) if text.contains("say what to build"))
        );
    }
    let long = "a ".repeat(MAX_PROMPT_BYTES / 2 + 1);
    let refused = read(Request { prompt: &long, project: "demo", kind: None });
    assert!(matches!(refused, Err(Refusal::TooLarge(_))));
    let fits = "todo api. ".repeat(MAX_PROMPT_BYTES / 10);
    assert!(read(Request { prompt: &fits, project: "demo", kind: None }).is_ok());
}

/// Words that the reading acts upon, in any order and mixed with anything.
fn prompts() -> impl Strategy<Value = String> {
    let words = "(a|flask|api|and|with|books|authors|,|\\(|\\)|has|each|title|is_done|order|cli|static|site\
        |no tests|without a database|for|called|\"|sqlite-log|constructor|id|help|class|node|in|日本|ÉTÉ|[a-zA-Z]{1,40}|.)";
    prop_oneof![
        ".{0,400}".prop_map(String::from),
        prop::collection::vec(words, 1..40).prop_map(|parts| parts.join(" ")),
    ]
}

proptest! {
    #[test]
    fn any_prompt_is_read_or_refused_and_the_notes_keep_it(prompt in prompts(), project in ".{0,20}") {
        let request = Request { prompt: &prompt, project: &project, kind: None };
        if let Ok(read) = read(request) {
            let notes = serde_json::to_string(&read).unwrap();
            prop_assert_eq!(&serde_json::from_str::<Reading>(&notes).unwrap(), &read);
        }
    }
}
