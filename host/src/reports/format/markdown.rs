//! A report as Markdown. Whatever stands in a text is shown as it is: nothing
//! of it becomes a link, a heading or another cell.

use std::fmt::Write as _;

use super::show;
use crate::reports::{Block, Cell, Chart, Table, Written};

/// What means something within a line.
const MARKS: &str = "\\`*_[]<>|~#&!";

pub(super) fn text(written: &Written) -> String {
    let document = &written.document;
    let mut text = format!("# {}\n\n{}\n", line(&document.title), about(written));
    for section in &document.sections {
        text += &format!("\n## {}\n", line(&section.title));
        // Metrics that follow each other are one list.
        let mut in_list = false;
        for block in &section.blocks {
            let is_metric = matches!(block, Block::Metric(_));
            if !(in_list && is_metric) {
                text.push('\n');
            }
            in_list = is_metric;
            text += &shown(block);
        }
    }
    text
}

fn about(written: &Written) -> String {
    let mut about = format!("{}, {} UTC", line(&written.report), show::cell(&at(written)));
    for (name, value) in written.parameters.iter().filter(|(_, value)| !value.is_empty()) {
        // Writing into a text can't fail.
        let _ = write!(about, ", {} = {}", line(name), line(value));
    }
    about
}

fn at(written: &Written) -> Cell {
    Cell::Time(written.at.as_microsecond())
}

fn shown(block: &Block) -> String {
    match block {
        Block::Text(text) => format!("{}\n", paragraph(text)),
        Block::Metric(metric) => {
            let (name, value) = (line(&metric.name), line(&show::cell(&metric.value)));
            format!("- {name}: {value} {}", line(&metric.unit)).trim_end().to_owned() + "\n"
        }
        Block::Table(table) => self::table(table),
        Block::Chart(chart) => self::chart(chart),
    }
}

fn table(table: &Table) -> String {
    let rows = table.rows.iter().map(|cells| cells.iter().map(show::cell).collect());
    let more = if table.truncated { "\nThere is more than is shown.\n" } else { "" };
    grid(&table.name, table.columns.iter().map(String::as_str), rows) + more
}

/// A chart has its figures as a table.
fn chart(chart: &Chart) -> String {
    let names = chart.series.iter().map(|series| series.name.as_str());
    let rows = chart.labels.iter().enumerate().map(|(at, label)| {
        let values = chart.series.iter().map(|series| show::number(series.values[at]));
        [label.clone()].into_iter().chain(values).collect()
    });
    grid(&chart.name, [""].into_iter().chain(names), rows)
}

fn grid<'a>(
    name: &str,
    columns: impl Iterator<Item = &'a str>,
    rows: impl Iterator<Item = Vec<String>>,
) -> String {
    let columns: Vec<_> = columns.map(line).collect();
    let rule = vec!["---"; columns.len()].join(" | ");
    let mut grid = format!("**{}**\n\n| {} |\n| {rule} |\n", line(name), columns.join(" | "));
    for row in rows {
        let cells: Vec<_> = row.iter().map(|cell| line(cell)).collect();
        grid += &format!("| {} |\n", cells.join(" | "));
    }
    grid
}

/// One line without marks.
fn line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            c if c.is_control() => line.push(' '),
            c if MARKS.contains(c) => line.extend(['\\', c]),
            c => line.push(c),
        }
    }
    line
}

/// Lines of which none begins a list, a rule or a heading.
fn paragraph(text: &str) -> String {
    let plain = |text: &str| {
        let text = line(text.trim());
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        match text.as_bytes().get(digits) {
            Some(b'-' | b'+' | b'=') if digits == 0 => format!("\\{text}"),
            Some(b'.' | b')') if digits > 0 => {
                format!("{}\\{}", &text[..digits], &text[digits..])
            }
            _ => text,
        }
    };
    text.lines().map(plain).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_cell_leaves_its_cell() {
        let table = Table {
            name: "t".to_owned(),
            columns: vec!["a|b".to_owned()],
            rows: vec![vec![Cell::Text("x | y\n[z](http://e) <b>".to_owned())]],
            truncated: true,
        };
        let expected = "**t**\n\n| a\\|b |\n| --- |\n| x \\| y \\[z\\](http://e) \\<b\\> |\n\n\
            There is more than is shown.\n";
        assert_eq!(super::table(&table), expected);
    }

    #[test]
    fn a_paragraph_begins_nothing_else() {
        assert_eq!(paragraph("# a\n- b\n1. c\n=== d\n12 e"), "\\# a\n\\- b\n1\\. c\n\\=== d\n12 e");
    }
}
