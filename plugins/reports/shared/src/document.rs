//! A document and its parts, as `wit/admin` has them.

#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    Empty,
    Text(String),
    Integer(i64),
    Number(f64),
    /// Microseconds since 1970, UTC.
    Time(i64),
}

#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    pub name: String,
    pub columns: Vec<String>,
    pub rows: Vec<Vec<Cell>>,
    pub truncated: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    pub title: String,
    pub sections: Vec<Section>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Section {
    pub title: String,
    pub blocks: Vec<Block>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Block {
    Text(String),
    Metric { name: String, value: Cell, unit: String },
    Table(Table),
    Chart(Chart),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    Bar,
    Line,
    Pie,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Chart {
    pub name: String,
    pub shape: Shape,
    pub labels: Vec<String>,
    pub series: Vec<Series>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    pub name: String,
    pub values: Vec<f64>,
}

impl Document {
    pub fn new(title: &str) -> Self {
        Self { title: title.to_owned(), sections: Vec::new() }
    }

    /// A section that would be empty is left out.
    #[must_use]
    pub fn with(mut self, title: &str, blocks: impl IntoIterator<Item = Block>) -> Self {
        let blocks: Vec<_> = blocks.into_iter().collect();
        if !blocks.is_empty() {
            self.sections.push(Section { title: title.to_owned(), blocks });
        }
        self
    }
}

impl Chart {
    /// Nothing is left of a chart that would show nothing.
    pub fn unless_empty(self) -> Option<Block> {
        let shows = self.series.iter().any(|series| series.values.iter().any(|v| *v != 0.0));
        shows.then_some(Block::Chart(self))
    }
}

impl From<i64> for Cell {
    fn from(number: i64) -> Self {
        Self::Integer(number)
    }
}

impl From<f64> for Cell {
    fn from(number: f64) -> Self {
        Self::Number(number)
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

pub fn text(text: impl Into<String>) -> Block {
    Block::Text(text.into())
}

pub fn metric(name: &str, value: impl Into<Cell>, unit: &str) -> Block {
    Block::Metric { name: name.to_owned(), value: value.into(), unit: unit.to_owned() }
}

/// A sentence takes its place where it would have no rows.
pub fn table(name: &str, columns: &[&str], rows: Vec<Vec<Cell>>, otherwise: &str) -> Block {
    if rows.is_empty() {
        return text(otherwise);
    }
    let columns = columns.iter().map(|column| (*column).to_owned()).collect();
    Block::Table(Table { name: name.to_owned(), columns, rows, truncated: false })
}

pub fn bar(name: &str, values: Vec<(String, f64)>) -> Chart {
    one_series(name, Shape::Bar, values)
}

pub fn pie(name: &str, values: Vec<(String, f64)>) -> Chart {
    one_series(name, Shape::Pie, values)
}

fn one_series(name: &str, shape: Shape, values: Vec<(String, f64)>) -> Chart {
    let (labels, values) = values.into_iter().unzip();
    let series = vec![Series { name: name.to_owned(), values }];
    Chart { name: name.to_owned(), shape, labels, series }
}

pub fn line<'a>(
    name: &str,
    labels: Vec<String>,
    series: impl IntoIterator<Item = (&'a str, Vec<f64>)>,
) -> Chart {
    let series = series.into_iter();
    let series = series.map(|(name, values)| Series { name: name.to_owned(), values }).collect();
    Chart { name: name.to_owned(), shape: Shape::Line, labels, series }
}
