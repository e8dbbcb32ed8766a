//! Splits a prompt into words and marks, and knows singular from plural.

/// A word of the prompt, or a mark that ends a phrase.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Token {
    Word(Word),
    /// Separates the items of a list.
    Comma,
    Open,
    Close,
    /// Ends a sentence.
    Stop,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Word {
    /// In lower case.
    pub(crate) text: String,
    /// As the prompt has it.
    pub(crate) original: String,
}

impl Token {
    pub(crate) fn word(text: String) -> Self {
        Token::Word(Word { original: text.clone(), text })
    }

    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            Token::Word(word) => Some(&word.text),
            _ => None,
        }
    }

    pub(crate) fn is(&self, text: &str) -> bool {
        self.text() == Some(text)
    }
}

/// Splits a text. Hyphens, underscores and dots stay inside a word (`node.js`),
/// a possessive `'s` falls away.
pub(crate) fn tokens(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut word = String::new();
    let mut characters = text.chars().peekable();
    while let Some(c) = characters.next() {
        let inside =
            !word.is_empty() && characters.peek().is_some_and(|next| next.is_alphanumeric());
        if c.is_alphanumeric() || (inside && matches!(c, '-' | '_' | '.' | '\'' | '’')) {
            word.push(c);
            continue;
        }
        finish(&mut word, &mut tokens);
        tokens.extend(mark(c));
    }
    finish(&mut word, &mut tokens);
    tokens
}

fn mark(c: char) -> Option<Token> {
    match c {
        ',' | ';' | '&' | '+' | '/' | '*' => Some(Token::Comma),
        '(' | '[' | '{' => Some(Token::Open),
        ')' | ']' | '}' => Some(Token::Close),
        '.' | '!' | '?' | '\n' => Some(Token::Stop),
        _ => None,
    }
}

fn finish(word: &mut String, tokens: &mut Vec<Token>) {
    let original = std::mem::take(word).replace('’', "'");
    let text = original.to_lowercase();
    let text = text.strip_suffix("'s").unwrap_or(&text);
    let text =
        if matches!(text, "to-do" | "to-dos") { text.replace('-', "") } else { text.to_owned() };
    if !text.is_empty() {
        tokens.push(Token::Word(Word { text, original }));
    }
}

/// The words' stems between single spaces, so that a phrase is found by search.
pub(crate) fn stems(tokens: &[Token]) -> String {
    let mut stems = String::from(" ");
    for token in tokens {
        match token.text() {
            Some(text) => text.split('-').for_each(|part| {
                stems.push_str(&singular(part));
                stems.push(' ');
            }),
            None => stems.push_str(", "),
        }
    }
    stems
}

/// Plurals that no rule below forms.
const IRREGULAR: &[(&str, &str)] = &[
    ("child", "children"),
    ("cookie", "cookies"),
    ("man", "men"),
    ("movie", "movies"),
    ("person", "people"),
    ("shoe", "shoes"),
    ("woman", "women"),
    ("zombie", "zombies"),
];
/// Words that look like a plural and are none.
const SINGULAR_ONLY: &[&str] =
    &["alias", "bus", "canvas", "css", "gas", "https", "lens", "news", "series", "species"];

/// A noun's singular; a word that is no plural comes back as it is.
pub(crate) fn singular(word: &str) -> String {
    if let Some((one, _)) = IRREGULAR.iter().find(|(_, many)| *many == word) {
        return (*one).to_owned();
    }
    let fixed = ["ss", "us", "is", "js"].iter().any(|end| word.ends_with(end));
    if word.len() < 4 || fixed || SINGULAR_ONLY.contains(&word) {
        return word.to_owned();
    }
    if let Some(stem) = word.strip_suffix("ies").filter(|stem| stem.len() > 1) {
        return format!("{stem}y");
    }
    let hissing =
        ["sses", "ches", "shes", "xes", "zzes", "oes"].iter().any(|end| word.ends_with(end));
    let ending = if hissing { "es" } else { "s" };
    word.strip_suffix(ending).unwrap_or(word).to_owned()
}

/// A singular noun's plural.
pub(crate) fn plural(word: &str) -> String {
    if let Some((_, many)) = IRREGULAR.iter().find(|(one, _)| *one == word) {
        return (*many).to_owned();
    }
    if let Some(stem) =
        word.strip_suffix('y').filter(|stem| !stem.ends_with(['a', 'e', 'i', 'o', 'u']))
    {
        return format!("{stem}ies");
    }
    let hissing = ["s", "x", "z", "ch", "sh"].iter().any(|end| word.ends_with(end));
    format!("{word}{}", if hissing { "es" } else { "s" })
}

/// Whether the word is the plural of another.
pub(crate) fn is_plural(word: &str) -> bool {
    singular(word) != word
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plurals_and_singulars_are_each_other_s_reverse() {
        for (one, many) in [
            ("todo", "todos"),
            ("book", "books"),
            ("category", "categories"),
            ("box", "boxes"),
            ("class", "classes"),
            ("movie", "movies"),
            ("person", "people"),
            ("dish", "dishes"),
            ("expense", "expenses"),
            ("key", "keys"),
            ("branch", "branches"),
        ] {
            assert_eq!(plural(one), many);
            assert_eq!(singular(many), one);
        }
    }

    #[test]
    fn marks_and_possessives_are_told_from_words() {
        let found = tokens("Ann's node.js API: books (title, due-date).");
        let texts: Vec<_> = found.iter().map(|token| token.text().unwrap_or("|")).collect();
        assert_eq!(
            texts,
            ["ann", "node.js", "api", "books", "|", "title", "|", "due-date", "|", "|"]
        );
    }
}
