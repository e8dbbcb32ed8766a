//! Nouns that need no explanation: what people mean by a library or a todo.

/// A noun, the resource it stands for and the fields that such a resource has
/// where the prompt names none.
pub(super) struct Entry {
    pub(super) noun: &'static str,
    pub(super) resource: &'static str,
    pub(super) fields: &'static [&'static str],
}

const fn entry(
    noun: &'static str,
    resource: &'static str,
    fields: &'static [&'static str],
) -> Entry {
    Entry { noun, resource, fields }
}

/// Fields of a resource that the lexicon does not hold.
pub(super) const COMMON_FIELDS: &[&str] = &["name", "notes"];

const AUTHOR: &[&str] = &["name", "born", "biography"];
const BOOK: &[&str] = &["title", "author", "year", "read"];
const CONTACT: &[&str] = &["name", "email", "phone"];
const ENTRY: &[&str] = &["title", "body", "date"];
const EVENT: &[&str] = &["title", "date", "place", "notes"];
const EXPENSE: &[&str] = &["title", "amount", "date", "category"];
const ITEM: &[&str] = &["name", "quantity", "notes"];
const LINK: &[&str] = &["title", "url", "notes"];
const MESSAGE: &[&str] = &["name", "body"];
const POST: &[&str] = &["title", "body", "published"];
const PRODUCT: &[&str] = &["name", "price", "stock", "description"];
const RECIPE: &[&str] = &["title", "ingredients", "steps", "minutes"];
const SHOPPING: &[&str] = &["name", "quantity", "bought"];
const STUDENT: &[&str] = &["name", "email", "grade"];
const TASK: &[&str] = &["title", "done", "due_date"];

/// In alphabetical order of the noun.
const ENTRIES: &[Entry] = &[
    entry("album", "album", &["title", "artist", "year"]),
    entry("appointment", "appointment", &["title", "date", "place"]),
    entry("article", "article", POST),
    entry("author", "author", AUTHOR),
    entry("blog", "post", POST),
    entry("book", "book", BOOK),
    entry("booking", "booking", &["name", "date", "guests", "confirmed"]),
    entry("bookmark", "bookmark", LINK),
    entry("bookshop", "book", BOOK),
    entry("bookstore", "book", BOOK),
    entry("budget", "expense", EXPENSE),
    entry("bug", "bug", &["title", "description", "fixed"]),
    entry("calendar", "event", EVENT),
    entry("category", "category", &["name"]),
    entry("chat", "message", MESSAGE),
    entry("city", "city", &["name", "country", "population"]),
    entry("comment", "comment", MESSAGE),
    entry("contact", "contact", CONTACT),
    entry("cookbook", "recipe", RECIPE),
    entry("course", "course", &["title", "description", "credits"]),
    entry("customer", "customer", CONTACT),
    entry("diary", "entry", ENTRY),
    entry("employee", "employee", &["name", "email", "role"]),
    entry("entry", "entry", ENTRY),
    entry("event", "event", EVENT),
    entry("expense", "expense", EXPENSE),
    entry("game", "game", &["title", "platform", "rating", "finished"]),
    entry("guestbook", "message", MESSAGE),
    entry("habit", "habit", &["name", "streak", "active"]),
    entry("inventory", "item", &["name", "quantity", "price"]),
    entry("invoice", "invoice", &["number", "customer", "amount", "paid"]),
    entry("issue", "issue", &["title", "description", "closed"]),
    entry("item", "item", ITEM),
    entry("journal", "entry", ENTRY),
    entry("library", "book", BOOK),
    entry("link", "link", LINK),
    entry("message", "message", MESSAGE),
    entry("movie", "movie", &["title", "director", "year", "seen"]),
    entry("note", "note", &["title", "body"]),
    entry("order", "order", &["customer", "total", "paid"]),
    entry("person", "person", &["name", "email", "age"]),
    entry("phonebook", "contact", CONTACT),
    entry("photo", "photo", &["title", "url", "place"]),
    entry("player", "player", &["name", "score"]),
    entry("post", "post", POST),
    entry("product", "product", PRODUCT),
    entry("quote", "quote", &["text", "author"]),
    entry("recipe", "recipe", RECIPE),
    entry("reminder", "reminder", TASK),
    entry("review", "review", &["title", "rating", "body"]),
    entry("shop", "product", PRODUCT),
    entry("shopping", "item", SHOPPING),
    entry("song", "song", &["title", "artist", "minutes"]),
    entry("store", "product", PRODUCT),
    entry("student", "student", STUDENT),
    entry("tag", "tag", &["name"]),
    entry("task", "task", TASK),
    entry("teacher", "teacher", CONTACT),
    entry("team", "team", &["name", "score"]),
    entry("ticket", "ticket", &["title", "description", "closed"]),
    entry("todo", "todo", TASK),
    entry("user", "user", CONTACT),
    entry("wishlist", "wish", &["name", "price", "url"]),
    entry("workout", "workout", &["name", "minutes", "date"]),
];

/// Looks up a singular noun.
pub(super) fn find(noun: &str) -> Option<&'static Entry> {
    ENTRIES.iter().find(|entry| entry.noun == noun)
}

/// The default fields of a resource.
pub(super) fn fields_of(resource: &str) -> &'static [&'static str] {
    let same = find(resource).filter(|entry| entry.resource == resource);
    let other = || ENTRIES.iter().find(|entry| entry.resource == resource);
    same.or_else(other).map_or(COMMON_FIELDS, |entry| entry.fields)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nouns_stand_in_order_and_once() {
        assert!(ENTRIES.windows(2).all(|pair| pair[0].noun < pair[1].noun));
    }
}
