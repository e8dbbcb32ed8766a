//! Rows as they are handed to a report: no more of them, and no longer texts,
//! than a guest has room for.

use super::report::{Cell, Table};
use super::store::Found;

/// Of all answers to one report together, so that they fit into its memory
/// with all that it makes of them.
const MAX_BYTES: usize = 2 * 1024 * 1024;
/// Longer texts are cut, and end in “…”.
const MAX_TEXT_BYTES: usize = 1024;
/// What a cell counts besides its text.
const CELL_BYTES: usize = 16;

/// How much may still be handed over.
pub(super) struct Budget {
    left: usize,
}

impl Budget {
    pub(super) fn new() -> Self {
        Self { left: MAX_BYTES }
    }

    /// The first `limit` rows, as far as there is room.
    pub(super) fn table(&mut self, name: String, found: Found, limit: u32) -> Table {
        let all = found.rows.len();
        let wanted = found.rows.into_iter().take(limit as usize);
        let mut rows = Vec::new();
        for row in wanted {
            let row: Vec<_> = row.into_iter().map(cut).collect();
            let size = row.iter().map(size).sum::<usize>();
            if size > self.left {
                break;
            }
            self.left -= size;
            rows.push(row);
        }
        let columns = found.columns.into_iter().map(str::to_owned).collect();
        Table { name, columns, truncated: rows.len() < all, rows }
    }
}

fn cut(cell: Cell) -> Cell {
    match cell {
        Cell::Text(mut text) if text.len() > MAX_TEXT_BYTES => {
            text.truncate(text.floor_char_boundary(MAX_TEXT_BYTES));
            text.push('…');
            Cell::Text(text)
        }
        cell => cell,
    }
}

fn size(cell: &Cell) -> usize {
    match cell {
        Cell::Text(text) => CELL_BYTES + text.len(),
        Cell::Empty | Cell::Integer(_) | Cell::Number(_) | Cell::Time(_) => CELL_BYTES,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(texts: impl IntoIterator<Item = String>) -> Found {
        let rows = texts.into_iter().map(|text| vec![Cell::Text(text)]).collect();
        Found { columns: vec!["text"], rows }
    }

    fn table(budget: &mut Budget, texts: impl IntoIterator<Item = String>, limit: u32) -> Table {
        budget.table("t".to_owned(), found(texts), limit)
    }

    #[test]
    fn a_table_says_whether_there_were_more_rows_than_asked_for() {
        let texts = || ["a", "b", "c"].map(str::to_owned);
        let whole = table(&mut Budget::new(), texts(), 3);
        let cut = table(&mut Budget::new(), texts(), 2);
        assert_eq!((whole.rows.len(), whole.truncated), (3, false));
        assert_eq!((cut.rows.len(), cut.truncated), (2, true));
    }

    #[test]
    fn a_long_text_is_cut_between_characters() {
        let table = table(&mut Budget::new(), ["ä".repeat(1000)], 1);
        let Cell::Text(text) = &table.rows[0][0] else { panic!("it is a text") };
        assert_eq!((text.len(), text.chars().last()), (1024 + '…'.len_utf8(), Some('…')));
    }

    #[test]
    fn all_tables_together_have_a_bound() {
        let mut budget = Budget::new();
        let texts = || vec!["x".repeat(1000); 1500];
        let (first, second) =
            (table(&mut budget, texts(), 2000), table(&mut budget, texts(), 2000));
        assert!(!first.truncated && second.truncated);
        assert_eq!(first.rows.len() + second.rows.len(), MAX_BYTES / 1016);
    }
}
