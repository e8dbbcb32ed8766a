//! Which format of a report a client likes best.

use axum::http::{HeaderMap, header};

use crate::reports::Format;

/// The one that it likes best, JSON among equals.
pub(super) fn accepted(headers: &HeaderMap) -> Format {
    let accept = headers.get_all(header::ACCEPT).iter();
    let accept = accept.filter_map(|value| value.to_str().ok()).flat_map(|v| v.split(','));
    let (mut best, mut liked) = (Format::Json, 0.0);
    for wanted in accept {
        let (media, quality) = read(wanted);
        let format = Format::ALL.into_iter().find(|format| is(*format, media));
        if let Some(format) = format.filter(|_| quality > liked) {
            (best, liked) = (format, quality);
        }
    }
    best
}

/// `*/*` is JSON, which stands first.
fn is(format: Format, media: &str) -> bool {
    let own = format.content_type().split(';').next().unwrap_or_default();
    media == "*/*" || media.eq_ignore_ascii_case(own)
}

/// A media type, and how much it is liked.
fn read(wanted: &str) -> (&str, f32) {
    let mut parts = wanted.split(';').map(str::trim);
    let media = parts.next().unwrap_or_default();
    let quality = parts.find_map(|part| part.strip_prefix("q=")?.parse().ok());
    (media, quality.unwrap_or(1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn liked(accept: &'static str) -> Format {
        let headers = [(header::ACCEPT, accept.parse().unwrap())];
        accepted(&headers.into_iter().collect())
    }

    #[test]
    fn a_browser_gets_a_page_and_a_program_json() {
        let browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
        assert_eq!(liked(browser), Format::Html);
        assert_eq!(liked("*/*"), Format::Json);
        assert_eq!(accepted(&HeaderMap::new()), Format::Json);
    }

    #[test]
    fn what_is_liked_best_wins() {
        assert_eq!(liked("text/csv;q=0.5, text/markdown"), Format::Markdown);
        assert_eq!(liked("text/html;q=0, text/csv;q=0.1"), Format::Csv);
        assert_eq!(liked("image/png"), Format::Json);
    }
}
