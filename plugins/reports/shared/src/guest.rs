//! The components' skin: WIT in, WIT out, no decisions.

/// Makes a component of a type that implements [`Report`](crate::Report). The
/// crate depends on `wit-bindgen` where it is built for WebAssembly, and lies as
/// deep in the workspace as this one.
#[macro_export]
macro_rules! guest {
    ($report:ident) => {
        // Its symbols are named for a component; a native linker refuses them.
        #[cfg(target_family = "wasm")]
        mod guest {
            use super::$report as Subject;
            use bindings::exports::lockhouse::admin::report as wit;
            use bindings::exports::lockhouse::plugin::lifecycle;
            use bindings::lockhouse::types::errors::Error;
            use $crate::{self as words, Report as _};

            mod bindings {
                #![expect(unsafe_code, reason = "generated code crosses the component boundary")]

                wit_bindgen::generate!({
                    path: [
                        "../../../wit/types",
                        "../../../wit/host",
                        "../../../wit/plugin",
                        "../../../wit/admin",
                    ],
                    world: "lockhouse:admin/admin-report",
                    generate_all,
                });

                use super::Guest;
                export!(Guest);
            }

            struct Guest;

            impl lifecycle::Guest for Guest {
                fn describe() -> lifecycle::Description {
                    lifecycle::Description {
                        id: Subject::ABOUT.id.to_owned(),
                        version: env!("CARGO_PKG_VERSION").to_owned(),
                        summary: Subject::ABOUT.summary.to_owned(),
                    }
                }

                fn validate_settings(settings: String) -> Result<(), Vec<lifecycle::Problem>> {
                    let problems: Vec<_> = words::setting_problems(&settings)
                        .into_iter()
                        .map(|(path, message)| lifecycle::Problem { path, message })
                        .collect();
                    if problems.is_empty() { Ok(()) } else { Err(problems) }
                }
            }

            impl wit::Guest for Guest {
                fn describe() -> wit::Description {
                    let parameter = |parameter: &words::Parameter| wit::Parameter {
                        name: parameter.name.to_owned(),
                        description: parameter.description.to_owned(),
                        default: parameter.default.to_owned(),
                    };
                    wit::Description {
                        title: Subject::ABOUT.title.to_owned(),
                        summary: Subject::ABOUT.summary.to_owned(),
                        parameters: Subject::ABOUT.parameters.iter().map(parameter).collect(),
                    }
                }

                fn queries(parameters: String) -> Result<Vec<wit::Query>, Error> {
                    let parameters = words::Parameters::read(&parameters).map_err(Error::Invalid)?;
                    let query = |query: words::Query| wit::Query {
                        name: query.name.to_owned(),
                        question: query.question.to_owned(),
                        parameters: $crate::json(query.parameters),
                    };
                    Ok(Subject::queries(&parameters).into_iter().map(query).collect())
                }

                fn render(
                    parameters: String,
                    dataset: Vec<wit::Table>,
                ) -> Result<wit::Document, Error> {
                    let parameters = words::Parameters::read(&parameters).map_err(Error::Invalid)?;
                    let dataset = words::Dataset::new(dataset.into_iter().map(table).collect());
                    Ok(document(Subject::render(&parameters, &dataset)))
                }
            }

            fn table(table: wit::Table) -> words::Table {
                let row = |row: Vec<wit::Cell>| row.into_iter().map(cell).collect();
                words::Table {
                    name: table.name,
                    columns: table.columns,
                    rows: table.rows.into_iter().map(row).collect(),
                    truncated: table.truncated,
                }
            }

            fn cell(cell: wit::Cell) -> words::Cell {
                match cell {
                    wit::Cell::Empty => words::Cell::Empty,
                    wit::Cell::Text(text) => words::Cell::Text(text),
                    wit::Cell::Integer(number) => words::Cell::Integer(number),
                    wit::Cell::Number(number) => words::Cell::Number(number),
                    wit::Cell::Time(micros) => words::Cell::Time(micros),
                }
            }

            fn document(document: words::Document) -> wit::Document {
                let section = |section: words::Section| wit::Section {
                    title: section.title,
                    blocks: section.blocks.into_iter().map(block).collect(),
                };
                let sections = document.sections.into_iter().map(section).collect();
                wit::Document { title: document.title, sections }
            }

            fn block(block: words::Block) -> wit::Block {
                match block {
                    words::Block::Text(text) => wit::Block::Text(text),
                    words::Block::Metric { name, value, unit } => {
                        wit::Block::Metric(wit::Metric { name, value: shown(value), unit })
                    }
                    words::Block::Table(table) => wit::Block::Table(wit::Table {
                        name: table.name,
                        columns: table.columns,
                        rows: table
                            .rows
                            .into_iter()
                            .map(|row| row.into_iter().map(shown).collect())
                            .collect(),
                        truncated: table.truncated,
                    }),
                    words::Block::Chart(chart) => wit::Block::Chart(drawn(chart)),
                }
            }

            fn shown(cell: words::Cell) -> wit::Cell {
                match cell {
                    words::Cell::Empty => wit::Cell::Empty,
                    words::Cell::Text(text) => wit::Cell::Text(text),
                    words::Cell::Integer(number) => wit::Cell::Integer(number),
                    words::Cell::Number(number) => wit::Cell::Number(number),
                    words::Cell::Time(micros) => wit::Cell::Time(micros),
                }
            }

            fn drawn(chart: words::Chart) -> wit::Chart {
                let series =
                    |series: words::Series| wit::Series { name: series.name, values: series.values };
                wit::Chart {
                    name: chart.name,
                    shape: match chart.shape {
                        words::Shape::Bar => wit::ChartShape::Bar,
                        words::Shape::Line => wit::ChartShape::Line,
                        words::Shape::Pie => wit::ChartShape::Pie,
                    },
                    labels: chart.labels,
                    series: chart.series.into_iter().map(series).collect(),
                }
            }
        }
    };
}
