//! Lists of nouns in a prompt: `books, authors and a shelf number`.

use crate::words::Token;

/// Longest phrase that is still taken for a name.
const MAX_PHRASE: usize = 3;

/// Words that say how, not what: they fall out of a phrase.
const QUALIFIERS: &[&str] = &[
    "a",
    "an",
    "another",
    "any",
    "async",
    "awesome",
    "basic",
    "beautiful",
    "clean",
    "complete",
    "cool",
    "crud",
    "few",
    "flask",
    "fastapi",
    "django",
    "express",
    "full",
    "good",
    "great",
    "http",
    "its",
    "javascript",
    "js",
    "json",
    "light",
    "lightweight",
    "little",
    "local",
    "management",
    "minimal",
    "modern",
    "multiple",
    "my",
    "new",
    "nice",
    "node",
    "node.js",
    "nodejs",
    "offline",
    "online",
    "our",
    "own",
    "personal",
    "pretty",
    "proper",
    "python",
    "python3",
    "quick",
    "responsive",
    "rest",
    "restful",
    "several",
    "simple",
    "single",
    "small",
    "smart",
    "some",
    "sqlite",
    "static",
    "stdlib",
    "such",
    "tested",
    "the",
    "their",
    "these",
    "tiny",
    "various",
    "web",
    "working",
    "your",
    "command-line",
    "commandline",
    "plain",
    "pure",
    "standard",
    "library-only",
    "terminal",
    "based",
    "following",
    "different",
    "all",
    "many",
    "one",
    "field",
    "fields",
    "column",
    "columns",
    "rust",
    "ruby",
    "java",
    "go",
    "php",
    "typescript",
    "react",
];

/// Words that end a phrase and its list.
const STOPPERS: &[&str] = &[
    "about",
    "also",
    "as",
    "at",
    "be",
    "because",
    "but",
    "by",
    "called",
    "can",
    "create",
    "build",
    "develop",
    "each",
    "every",
    "for",
    "from",
    "generate",
    "give",
    "has",
    "have",
    "having",
    "help",
    "i",
    "if",
    "in",
    "include",
    "including",
    "into",
    "is",
    "it",
    "let",
    "lets",
    "like",
    "make",
    "me",
    "must",
    "named",
    "need",
    "needs",
    "no",
    "not",
    "of",
    "on",
    "only",
    "please",
    "run",
    "should",
    "so",
    "stored",
    "stores",
    "than",
    "that",
    "then",
    "to",
    "us",
    "use",
    "uses",
    "using",
    "want",
    "we",
    "where",
    "which",
    "while",
    "who",
    "will",
    "with",
    "without",
    "would",
    "write",
    "you",
    "are",
    "do",
    "does",
    "keep",
    "keeps",
    "track",
    "manage",
    "manages",
    "save",
    "saves",
    "when",
    "per",
    "via",
    "through",
    "over",
    "against",
    "this",
    "they",
    "them",
    "expose",
    "exposes",
    "serve",
    "serves",
    "there",
    "add",
    "list",
    "lists",
];

/// Things a project has that are neither a resource nor a field.
const FEATURES: &[&str] = &[
    "api",
    "auth",
    "authentication",
    "ci",
    "client",
    "code",
    "coverage",
    "crud",
    "css",
    "dark",
    "database",
    "db",
    "dependency",
    "dependencies",
    "design",
    "docker",
    "dockerfile",
    "docs",
    "documentation",
    "endpoint",
    "endpoints",
    "error",
    "errors",
    "form",
    "forms",
    "framework",
    "frontend",
    "github",
    "gitignore",
    "handling",
    "html",
    "interface",
    "layout",
    "license",
    "logging",
    "login",
    "mode",
    "navigation",
    "openapi",
    "operations",
    "page",
    "pagination",
    "persistence",
    "postgres",
    "postgresql",
    "pytest",
    "readme",
    "responses",
    "route",
    "routes",
    "search",
    "signup",
    "sqlite",
    "storage",
    "style",
    "styles",
    "styling",
    "support",
    "swagger",
    "test",
    "tests",
    "testing",
    "ui",
    "unit",
    "unittest",
    "unittests",
    "validation",
    "view",
    "views",
    "filter",
    "filtering",
    "sorting",
    "data",
    "information",
    "backend",
    "server",
    "website",
    "site",
    "app",
    "webpage",
    "functionality",
    "feature",
    "features",
    "option",
    "options",
    "everything",
    "something",
    "anything",
    "thing",
    "things",
    "module",
    "modules",
    "argparse",
    "http.server",
];

/// A phrase, as the words that are left of it.
pub(super) type Phrase<'a> = Vec<&'a str>;

/// Whether the phrase speaks of a feature: its last word says what it is.
pub(super) fn is_feature(phrase: &[&str]) -> bool {
    phrase.last().is_some_and(|word| FEATURES.contains(word))
}

/// The tokens with names that hold a stopping word made whole: in a list, "is
/// lent" and "released on" are one word each.
pub(super) fn with_whole_names(tokens: Vec<Token>) -> Vec<Token> {
    let mut whole: Vec<Token> = Vec::with_capacity(tokens.len());
    let mut rest = tokens.into_iter().peekable();
    while let Some(token) = rest.next() {
        let begins = whole.last().is_some_and(|last| is_joint(last) || *last == Token::Open);
        if let (true, Some(Token::Word(next))) = (begins && token.is("is"), rest.peek()) {
            let name = format!("is_{}", next.text);
            rest.next();
            whole.push(Token::word(name));
            continue;
        }
        let ends = rest.peek().is_none_or(|next| is_joint(next) || next.text().is_none());
        match (whole.last_mut(), token.text()) {
            (Some(Token::Word(last)), Some(text @ ("on" | "at"))) if ends => {
                last.text = format!("{}_{text}", last.text);
            }
            _ => whole.push(token),
        }
    }
    whole
}

pub(super) fn is_joint(token: &Token) -> bool {
    *token == Token::Comma || ["and", "or", "plus"].iter().any(|joint| token.is(joint))
}

fn ends(token: &Token) -> bool {
    match token.text() {
        Some(text) => STOPPERS.contains(&text),
        None => *token != Token::Comma,
    }
}

/// The list that begins at the start of `tokens`, and how many tokens it took.
pub(super) fn list_after<'a>(tokens: &'a [Token]) -> (Vec<Phrase<'a>>, usize) {
    let length = tokens.iter().position(ends).unwrap_or(tokens.len());
    (phrases(&tokens[..length]), length)
}

/// The list that ends at the end of `tokens`.
pub(super) fn list_before(tokens: &[Token], stop: impl Fn(&str) -> bool) -> Vec<Phrase<'_>> {
    let begins = |token: &Token| ends(token) || token.text().is_some_and(&stop);
    let start = tokens.iter().rposition(begins).map_or(0, |index| index + 1);
    phrases(&tokens[start..])
}

fn phrases(tokens: &[Token]) -> Vec<Phrase<'_>> {
    let named = tokens.split(is_joint).map(|part| {
        let words = part.iter().filter_map(Token::text);
        words.filter(|word| !QUALIFIERS.contains(word)).collect::<Phrase<'_>>()
    });
    named.filter(|phrase| !phrase.is_empty() && phrase.len() <= MAX_PHRASE).collect()
}
