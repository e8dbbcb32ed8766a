//! Counting by name.

use std::collections::BTreeMap;

use crate::document::Chart;

/// How often each name came, and how many names there are.
#[derive(Debug, Clone, Default)]
pub struct Counts(BTreeMap<String, i64>);

impl Counts {
    pub fn of<'a>(counted: impl IntoIterator<Item = (&'a str, i64)>) -> Self {
        let mut counts = Self::default();
        counted.into_iter().for_each(|(name, count)| counts.add(name, count));
        counts
    }

    pub fn add(&mut self, name: &str, count: i64) {
        *self.0.entry(name.to_owned()).or_default() += count;
    }

    pub fn get(&self, name: &str) -> i64 {
        self.0.get(name).copied().unwrap_or_default()
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn total(&self) -> i64 {
        self.0.values().sum()
    }

    /// The most frequent first, at most so many.
    pub fn top(&self, most: usize) -> Vec<(&str, i64)> {
        let mut all: Vec<_> = self.0.iter().map(|(name, count)| (name.as_str(), *count)).collect();
        all.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
        all.truncate(most);
        all
    }

    /// The most frequent as a chart of one series.
    pub fn chart(
        &self,
        most: usize,
        name: &str,
        draw: fn(&str, Vec<(String, f64)>) -> Chart,
    ) -> Chart {
        let top = self.top(most).into_iter();
        draw(name, top.map(|(label, count)| (label.to_owned(), count as f64)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_frequent_comes_first_and_equals_by_name() {
        let counts = Counts::of([("b", 1), ("a", 1), ("c", 2), ("a", 0)]);
        assert_eq!(counts.top(2), [("c", 2), ("a", 1)]);
        assert_eq!((counts.total(), counts.len(), counts.get("b")), (4, 3, 1));
    }
}
