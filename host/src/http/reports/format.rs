//! Which format a report is wanted in.

use std::str::FromStr;

use axum::http::{HeaderMap, header};

use crate::http::problem::Problem;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Json,
    Html,
    Csv,
    Markdown,
}

impl Format {
    const ALL: [Self; 4] = [Self::Json, Self::Html, Self::Csv, Self::Markdown];

    /// The one that a client likes best, JSON among equals.
    pub(super) fn accepted(headers: &HeaderMap) -> Self {
        let accept = headers.get_all(header::ACCEPT).iter();
        let accept = accept.filter_map(|value| value.to_str().ok()).flat_map(|v| v.split(','));
        let (mut best, mut liked) = (Self::Json, 0.0);
        for wanted in accept {
            let (media, quality) = read(wanted);
            let format = Self::ALL.into_iter().find(|format| format.is(media));
            if let Some(format) = format.filter(|_| quality > liked) {
                (best, liked) = (format, quality);
            }
        }
        best
    }

    /// `*/*` is JSON, which stands first.
    fn is(self, media: &str) -> bool {
        let own = self.content_type().split(';').next().unwrap_or_default();
        media == "*/*" || media.eq_ignore_ascii_case(own)
    }

    pub(super) fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Html => "text/html; charset=utf-8",
            Self::Csv => "text/csv; charset=utf-8",
            Self::Markdown => "text/markdown; charset=utf-8",
        }
    }

    pub(super) fn extension(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Html => "html",
            Self::Csv => "csv",
            Self::Markdown => "md",
        }
    }
}

/// A media type, and how much it is liked.
fn read(wanted: &str) -> (&str, f32) {
    let mut parts = wanted.split(';').map(str::trim);
    let media = parts.next().unwrap_or_default();
    let quality = parts.find_map(|part| part.strip_prefix("q=")?.parse().ok());
    (media, quality.unwrap_or(1.0))
}

impl FromStr for Format {
    type Err = Problem;

    fn from_str(text: &str) -> Result<Self, Problem> {
        match text {
            "json" => Ok(Self::Json),
            "html" => Ok(Self::Html),
            "csv" => Ok(Self::Csv),
            "markdown" => Ok(Self::Markdown),
            _ => Err(Problem::bad_request(
                "invalid_format",
                "format: use json, html, csv or markdown",
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepted(accept: &'static str) -> Format {
        let headers = [(header::ACCEPT, accept.parse().unwrap())];
        Format::accepted(&headers.into_iter().collect())
    }

    #[test]
    fn a_browser_gets_a_page_and_a_program_json() {
        let browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
        assert_eq!(accepted(browser), Format::Html);
        assert_eq!(accepted("*/*"), Format::Json);
        assert_eq!(Format::accepted(&HeaderMap::new()), Format::Json);
    }

    #[test]
    fn what_is_liked_best_wins() {
        assert_eq!(accepted("text/csv;q=0.5, text/markdown"), Format::Markdown);
        assert_eq!(accepted("text/html;q=0, text/csv;q=0.1"), Format::Csv);
        assert_eq!(accepted("image/png"), Format::Json);
    }
}
