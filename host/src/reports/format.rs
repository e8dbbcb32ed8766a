//! Room reports: the formats in which one is handed out.

mod chart;
mod html;
mod json;
mod markdown;
mod show;
mod spreadsheet;

use std::str::FromStr;

use serde::Deserialize;

use super::Written;

pub(crate) use json::{ReportView, document_view, query_view, report_view};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    Json,
    Html,
    Csv,
    Markdown,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("format: use json, html, csv or markdown")]
pub struct InvalidFormat;

impl Format {
    pub const ALL: [Self; 4] = [Self::Json, Self::Html, Self::Csv, Self::Markdown];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Html => "html",
            Self::Csv => "csv",
            Self::Markdown => "markdown",
        }
    }

    pub fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Html => "text/html; charset=utf-8",
            Self::Csv => "text/csv; charset=utf-8",
            Self::Markdown => "text/markdown; charset=utf-8",
        }
    }

    pub fn extension(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Html => "html",
            Self::Csv => "csv",
            Self::Markdown => "md",
        }
    }

    /// A report in this format, or why it can't be put into it.
    pub fn text(self, written: Written) -> Result<String, String> {
        match self {
            Self::Json => serde_json::to_string(&json::report_view(written))
                .map_err(|error| error.to_string()),
            Self::Html => html::page(&written),
            Self::Csv => spreadsheet::text(&written).map_err(|error| error.to_string()),
            Self::Markdown => Ok(markdown::text(&written)),
        }
    }
}

impl FromStr for Format {
    type Err = InvalidFormat;

    fn from_str(text: &str) -> Result<Self, InvalidFormat> {
        Self::ALL.into_iter().find(|format| format.as_str() == text).ok_or(InvalidFormat)
    }
}
