//! Lists come in pages: `limit`, and an opaque `cursor` to go on from.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use utoipa::IntoParams;

use super::problem::Problem;

/// The longest cursor that is read.
const MAX_CURSOR_BYTES: usize = 8192;

#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct PageQuery {
    /// How many, at the most.
    pub limit: Option<u32>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
}

impl PageQuery {
    /// The last thing of the page before, as `next_cursor` wrote it.
    pub(super) fn after(&self) -> Result<Option<String>, Problem> {
        self.cursor.as_deref().map(read_cursor).transpose()
    }
}

pub(super) fn read_cursor(cursor: &str) -> Result<String, Problem> {
    let fits = cursor.len() <= MAX_CURSOR_BYTES;
    fits.then(|| URL_SAFE_NO_PAD.decode(cursor).ok())
        .flatten()
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .ok_or_else(|| {
            Problem::bad_request("invalid_cursor", "send `cursor` as `next_cursor` gave it")
        })
}

/// The cursor that goes on after `last`.
pub(super) fn write_cursor(last: &str) -> String {
    URL_SAFE_NO_PAD.encode(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_reads_back() {
        assert_eq!(read_cursor(&write_cursor("ä/b")).ok().as_deref(), Some("ä/b"));
    }

    #[test]
    fn a_cursor_that_was_made_up_is_refused() {
        assert!(read_cursor("%%%").is_err());
    }
}
