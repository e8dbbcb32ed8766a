//! Lists of names, put in an order in which one is found quickly.
//!
//! Each decision is made by a fresh instance, so nothing may be built when it is made: the compiler
//! sorts. Most names differ in what is compared as one number.

use std::cmp::Ordering;

/// Letters that go into the number, beside the length.
const HEAD_BYTES: usize = 7;

/// A name that is looked for.
#[derive(Clone, Copy)]
pub(crate) struct Name {
    /// Its first letters, and its length.
    head: u64,
    text: &'static str,
}

impl Name {
    const fn new(text: &'static str) -> Self {
        Self { head: head(text), text }
    }

    const fn stands_before(&self, other: &Self) -> bool {
        if self.head != other.head {
            return self.head < other.head;
        }
        // Equal heads have equal lengths.
        let (a, b) = (self.text.as_bytes(), other.text.as_bytes());
        let mut at = 0;
        while at < a.len() {
            if a[at] != b[at] {
                return a[at] < b[at];
            }
            at += 1;
        }
        false
    }

    fn order(&self, head: u64, text: &str) -> Ordering {
        self.head.cmp(&head).then_with(|| {
            if text.len() <= HEAD_BYTES { Ordering::Equal } else { self.text.cmp(text) }
        })
    }
}

/// No name has 256 letters, and a longer text has none of their heads.
const fn head(text: &str) -> u64 {
    let bytes = text.as_bytes();
    let mut head = if bytes.len() < 256 { bytes.len() as u64 } else { 0 };
    let mut at = 0;
    while at < HEAD_BYTES && at < bytes.len() {
        head |= (bytes[at] as u64) << (8 * (HEAD_BYTES - at));
        at += 1;
    }
    head
}

/// The names in order.
pub(crate) const fn sorted<const N: usize>(names: [&'static str; N]) -> [Name; N] {
    let mut sorted = [Name::new(""); N];
    let mut next = 0;
    while next < N {
        sorted[next] = Name::new(names[next]);
        let mut at = next;
        while at > 0 && sorted[at].stands_before(&sorted[at - 1]) {
            sorted.swap(at, at - 1);
            at -= 1;
        }
        next += 1;
    }
    sorted
}

/// What belongs to each name, in the order of the names.
pub(crate) const fn by_name<T: Copy, const N: usize>(
    pairs: [(&'static str, T); N],
) -> [(Name, T); N] {
    let mut sorted = [(Name::new(""), pairs[0].1); N];
    let mut next = 0;
    while next < N {
        sorted[next] = (Name::new(pairs[next].0), pairs[next].1);
        let mut at = next;
        while at > 0 && sorted[at].0.stands_before(&sorted[at - 1].0) {
            sorted.swap(at, at - 1);
            at -= 1;
        }
        next += 1;
    }
    sorted
}

/// Whether a name is among those that [`sorted`] put in order.
pub(crate) fn is_among(name: &str, names: &[Name]) -> bool {
    let head = head(name);
    names.binary_search_by(|known| known.order(head, name)).is_ok()
}

/// What belongs to a name, among pairs that [`by_name`] put in order.
pub(crate) fn of<'p, T>(name: &str, pairs: &'p [(Name, T)]) -> Option<&'p T> {
    let head = head(name);
    let at = pairs.binary_search_by(|(known, _)| known.order(head, name)).ok()?;
    pairs.get(at).map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXTS: [&str; 9] =
        ["sudo", "at", "docker-compose", "", "docker-comp", "a", "docker-composf", "dockers", "b"];
    const NAMES: &[Name] = &sorted(TEXTS);
    const PAIRS: &[(Name, u8)] =
        &by_name([("tar", 1), ("zip", 2), ("rg", 3), ("podman-compose", 4)]);

    #[test]
    fn every_name_is_found() {
        assert!(TEXTS.iter().all(|text| is_among(text, NAMES)));
    }

    #[test]
    fn nothing_else_is_found() {
        for text in ["s", "sud", "sudoe", "Sudo", "docker-compos", "docker-composg", "docker"] {
            assert!(!is_among(text, NAMES), "{text}");
        }
        assert!(!is_among(&"\0".repeat(256), NAMES));
    }

    #[test]
    fn what_belongs_to_a_name_is_found_by_it() {
        assert_eq!(of("rg", PAIRS), Some(&3));
        assert_eq!(of("podman-compose", PAIRS), Some(&4));
        assert_eq!(of("podman-composf", PAIRS), None);
        assert_eq!(of("ta", PAIRS), None);
    }
}
