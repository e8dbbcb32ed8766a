//! The fields of a resource, their types guessed from their names.

use serde::{Deserialize, Serialize};

use crate::name::Identifier;

/// What a field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FieldKind {
    /// One line.
    Text,
    /// Several lines.
    LongText,
    Integer,
    Number,
    Boolean,
    /// A calendar date, `YYYY-MM-DD`.
    Date,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Field {
    pub name: Identifier,
    pub kind: FieldKind,
    pub required: bool,
}

/// Names that the generated programs use themselves.
const RESERVED: &[&str] =
    &["id", "help", "command", "database", "json", "constructor", "prototype", "created_at"];

const INTEGERS: &[&str] = &[
    "age",
    "amount_of",
    "born",
    "capacity",
    "count",
    "credits",
    "floor",
    "goals",
    "grade",
    "guests",
    "hours",
    "level",
    "likes",
    "minutes",
    "number",
    "pages",
    "points",
    "population",
    "position",
    "quantity",
    "rank",
    "rating",
    "score",
    "seats",
    "seconds",
    "size",
    "stars",
    "stock",
    "streak",
    "total_count",
    "views",
    "votes",
    "year",
];
const NUMBERS: &[&str] = &[
    "amount",
    "balance",
    "budget",
    "cost",
    "discount",
    "distance",
    "fee",
    "height",
    "latitude",
    "length",
    "longitude",
    "percentage",
    "price",
    "salary",
    "sum",
    "tax",
    "temperature",
    "total",
    "value",
    "weight",
    "width",
];
const BOOLEANS: &[&str] = &[
    "active",
    "archived",
    "available",
    "bought",
    "cancelled",
    "checked",
    "closed",
    "complete",
    "completed",
    "confirmed",
    "deleted",
    "done",
    "enabled",
    "favorite",
    "favourite",
    "finished",
    "fixed",
    "flag",
    "hidden",
    "open",
    "paid",
    "pinned",
    "public",
    "published",
    "read",
    "seen",
    "sent",
    "solved",
    "starred",
    "urgent",
    "visible",
];
const DATES: &[&str] =
    &["birthday", "birthdate", "date", "day", "deadline", "due", "expires", "expiry", "released"];
const LONG_TEXTS: &[&str] = &[
    "bio",
    "biography",
    "body",
    "comment",
    "content",
    "description",
    "details",
    "ingredients",
    "instructions",
    "message",
    "note",
    "notes",
    "steps",
    "summary",
    "text",
];

/// Words of a prompt that say a type rather than a name.
const HINTS: &[(&str, FieldKind)] = &[
    ("bool", FieldKind::Boolean),
    ("boolean", FieldKind::Boolean),
    ("checkbox", FieldKind::Boolean),
    ("decimal", FieldKind::Number),
    ("float", FieldKind::Number),
    ("int", FieldKind::Integer),
    ("integer", FieldKind::Integer),
    ("numeric", FieldKind::Number),
    ("str", FieldKind::Text),
    ("string", FieldKind::Text),
];

impl Field {
    /// Reads a phrase such as `optional due date` or `done boolean`; none where
    /// it leaves no usable name.
    pub(super) fn from_phrase(phrase: &[&str]) -> Option<Self> {
        let mut kind = None;
        let mut required = false;
        let mut name = Vec::new();
        for word in phrase {
            match (HINTS.iter().find(|(hint, _)| hint == word), *word) {
                (Some((_, hinted)), _) => kind = Some(*hinted),
                (None, "required" | "mandatory") => required = true,
                (None, "optional" | "unique") => {}
                (None, word) => name.push(word),
            }
        }
        let name = Identifier::from_words(name)?;
        let kind = kind.unwrap_or_else(|| guessed(name.as_str()));
        (!RESERVED.contains(&name.as_str())).then_some(Self { name, kind, required })
    }
}

/// The type that a field of this name most likely has.
fn guessed(name: &str) -> FieldKind {
    let last = name.rsplit('_').next().unwrap_or(name);
    let known = |list: &[&str]| list.contains(&name) || list.contains(&last);
    if name.starts_with("is_") || name.starts_with("has_") || known(BOOLEANS) {
        FieldKind::Boolean
    } else if name.ends_with("_at") || name.ends_with("_on") || known(DATES) {
        FieldKind::Date
    } else if known(INTEGERS) || name.starts_with("number_of") {
        FieldKind::Integer
    } else if known(NUMBERS) {
        FieldKind::Number
    } else if known(LONG_TEXTS) {
        FieldKind::LongText
    } else {
        FieldKind::Text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_guessed_from_names() {
        for (name, kind) in [
            ("title", FieldKind::Text),
            ("done", FieldKind::Boolean),
            ("is_late", FieldKind::Boolean),
            ("has_cover", FieldKind::Boolean),
            ("year", FieldKind::Integer),
            ("page_count", FieldKind::Integer),
            ("price", FieldKind::Number),
            ("total_price", FieldKind::Number),
            ("due_date", FieldKind::Date),
            ("created_on", FieldKind::Date),
            ("description", FieldKind::LongText),
        ] {
            assert_eq!(guessed(name), kind, "{name}");
        }
    }

    #[test]
    fn a_phrase_may_say_its_type() {
        let field = Field::from_phrase(&["required", "rank", "float"]).unwrap();
        assert_eq!(
            (field.name.as_str(), field.kind, field.required),
            ("rank", FieldKind::Number, true)
        );
        assert_eq!(Field::from_phrase(&["id"]), None);
        assert_eq!(Field::from_phrase(&["boolean"]), None);
    }
}
