//! Any text gives a path of plain names or an error, and an error is short.

#![no_main]

use std::path::{Component, Path};

use files::path::{MAX_DEPTH, MAX_NAME_BYTES, MAX_PATH_BYTES, RelPath};
use libfuzzer_sys::fuzz_target;

/// The parser itself, without the host around it.
#[path = "../../src/files"]
#[expect(dead_code, reason = "the host uses what this target does not")]
mod files {
    pub mod path;
}

/// More than any error needs.
const MAX_ERROR_BYTES: usize = 1024;

fuzz_target!(|text: &str| {
    match text.parse::<RelPath>() {
        Ok(path) => is_inside(&path, text),
        Err(error) => assert!(error.to_string().len() <= MAX_ERROR_BYTES),
    }
});

fn is_inside(path: &RelPath, text: &str) {
    assert_eq!(path.as_str(), text);
    assert!(text.len() <= MAX_PATH_BYTES && !text.contains(['\0', '\\']));
    let parts: Vec<_> = Path::new(text).components().collect();
    assert!(parts.len() <= MAX_DEPTH);
    assert_eq!(parts.len(), text.split('/').count());
    assert!(parts.iter().all(|part| matches!(part, Component::Normal(_))));
    assert!(text.split('/').all(|name| name.len() <= MAX_NAME_BYTES));
}
