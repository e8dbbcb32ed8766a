//! Names that are safe to stand in generated source, SQL, URLs and pages.

use serde::{Deserialize, Serialize};

/// Longest identifier, in characters.
const MAX_IDENTIFIER: usize = 32;
/// Longest title, in characters.
const MAX_TITLE: usize = 60;

/// An identifier: `[a-z][a-z0-9_]*`, at most 32 characters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Identifier(String);

impl Identifier {
    /// Joins words to an identifier; none where no usable letter is left.
    pub fn from_words<'a>(words: impl IntoIterator<Item = &'a str>) -> Option<Self> {
        let mut text = String::new();
        for part in
            words.into_iter().flat_map(|word| word.split(|c: char| !c.is_ascii_alphanumeric()))
        {
            if !part.is_empty() && !text.is_empty() {
                text.push('_');
            }
            text.push_str(&part.to_ascii_lowercase());
        }
        text.truncate(MAX_IDENTIFIER);
        Self::try_from(text.trim_end_matches('_').to_owned()).ok()
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name as a reader sees it: `due_date` is `Due date`.
    pub fn label(&self) -> String {
        capitalised(&self.0.replace('_', " "))
    }
}

impl Default for Identifier {
    fn default() -> Self {
        Self("project".to_owned())
    }
}

impl TryFrom<String> for Identifier {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let plain = text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
        let starts = text.starts_with(|c: char| c.is_ascii_lowercase());
        if plain && starts && text.len() <= MAX_IDENTIFIER {
            return Ok(Self(text));
        }
        Err(format!("{text:?} is not an identifier"))
    }
}

impl From<Identifier> for String {
    fn from(identifier: Identifier) -> Self {
        identifier.0
    }
}

/// A title of letters, digits, spaces, hyphens and typographic apostrophes: it
/// means the same in a Python string, a page and a README.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Title(String);

impl Title {
    /// Keeps what a title may hold; none where nothing is left.
    pub fn from_text(text: &str) -> Option<Self> {
        let kept: String =
            text.chars().map(|c| if c == '\'' { '’' } else { c }).map(kept_or_space).collect();
        let short: String = kept.split_whitespace().collect::<Vec<_>>().join(" ");
        let short: String = short.chars().take(MAX_TITLE).collect();
        Self::try_from(capitalised(short.trim())).ok()
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for Title {
    fn default() -> Self {
        Self("Project".to_owned())
    }
}

impl TryFrom<String> for Title {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let count = text.chars().count();
        let known = text.chars().all(|c| kept_or_space(c) == c);
        if known && text.chars().any(char::is_alphanumeric) && count <= MAX_TITLE {
            return Ok(Self(text));
        }
        Err(format!("{text:?} is not a title"))
    }
}

impl From<Title> for String {
    fn from(title: Title) -> Self {
        title.0
    }
}

fn kept_or_space(c: char) -> char {
    if c.is_alphanumeric() || matches!(c, '-' | '’') { c } else { ' ' }
}

/// The text with its first letter in upper case, where that is one character.
pub(crate) fn capitalised(text: &str) -> String {
    let mut characters = text.chars();
    match characters.next() {
        Some(first) if first.to_uppercase().count() == 1 => {
            first.to_uppercase().chain(characters).collect()
        }
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_become_one_identifier() {
        assert_eq!(Identifier::from_words(["Due", "date"]).unwrap().as_str(), "due_date");
        assert_eq!(Identifier::from_words(["due-date"]).unwrap().label(), "Due date");
        assert_eq!(Identifier::from_words(["日本"]), None);
        assert_eq!(Identifier::from_words(["3d"]), None);
    }

    #[test]
    fn a_title_holds_nothing_that_ends_a_string_or_a_tag() {
        let title = Title::from_text("joe's \"<Diner>\" \\ {{ x }}").unwrap();
        assert_eq!(title.as_str(), "Joe’s Diner x");
        assert!(Title::try_from("<b>".to_owned()).is_err());
    }
}
