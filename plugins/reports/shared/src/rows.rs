//! Rows of a question, read by the names of their columns.

use crate::document::{Cell, Table};

/// Every row of a question.
#[derive(Debug, Clone, Copy)]
pub struct Rows<'a> {
    table: Option<&'a Table>,
}

#[derive(Debug, Clone, Copy)]
pub struct Row<'a> {
    columns: &'a [String],
    cells: &'a [Cell],
}

impl<'a> Rows<'a> {
    pub(crate) fn of(table: Option<&'a Table>) -> Self {
        Self { table }
    }

    pub fn iter(self) -> impl Iterator<Item = Row<'a>> + Clone {
        self.table.into_iter().flat_map(|table| {
            let columns = table.columns.as_slice();
            table.rows.iter().map(move |cells| Row { columns, cells })
        })
    }

    pub fn sum(self, column: &str) -> i64 {
        self.iter().map(|row| row.number(column)).sum()
    }
}

impl<'a> Row<'a> {
    /// The cell as it is; empty where there is no such column.
    pub fn cell(self, column: &str) -> &'a Cell {
        let at = self.columns.iter().position(|name| name == column);
        at.and_then(|at| self.cells.get(at)).unwrap_or(&Cell::Empty)
    }

    pub fn text(self, column: &str) -> &'a str {
        match self.cell(column) {
            Cell::Text(text) => text,
            _ => "",
        }
    }

    /// 0 where there is none.
    pub fn number(self, column: &str) -> i64 {
        match self.cell(column) {
            Cell::Integer(number) | Cell::Time(number) => *number,
            _ => 0,
        }
    }

    pub fn cells(self, columns: &[&str]) -> Vec<Cell> {
        columns.iter().map(|column| self.cell(column).clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_row_does_not_have_is_empty() {
        let table = Table {
            name: "t".to_owned(),
            columns: vec!["a".to_owned(), "b".to_owned()],
            rows: vec![vec![Cell::Integer(2), Cell::Text("x".to_owned())], vec![Cell::Integer(3)]],
            truncated: false,
        };
        let rows = Rows::of(Some(&table));
        assert_eq!((rows.sum("a"), rows.sum("c")), (5, 0));
        assert_eq!(rows.iter().map(|row| row.text("b")).collect::<Vec<_>>(), ["x", ""]);
        assert_eq!(Rows::of(None).iter().count(), 0);
    }
}
