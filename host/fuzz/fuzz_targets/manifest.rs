//! Any text and any component give a manifest or an error, and an error is short.

#![no_main]

use libfuzzer_sys::fuzz_target;
use plugins::manifest::{Error, Manifest, SECTION};

/// The reader itself, without the host around it.
#[path = "../../src/plugins"]
#[expect(dead_code, unreachable_pub, reason = "the host uses what this target does not")]
mod plugins {
    pub mod manifest;
    mod section;
}

/// More than any error needs.
const MAX_ERROR_BYTES: usize = 8 * 1024;

fuzz_target!(|bytes: &[u8]| {
    check(Manifest::find(bytes).map(drop));
    check(Manifest::find(&inside_a_component(bytes)).map(drop));
    if let Ok(text) = std::str::from_utf8(bytes) {
        check(Manifest::parse(text).map(|manifest| agrees_with_itself(&manifest)));
    }
});

fn check(read: Result<(), Error>) {
    if let Err(error) = read {
        assert!(error.to_string().len() <= MAX_ERROR_BYTES);
    }
}

/// What a manifest says of itself is never a mismatch.
fn agrees_with_itself(manifest: &Manifest) {
    let imports: Vec<String> = manifest.imports.iter().cloned().collect();
    let roles: Vec<&str> = manifest.roles.iter().map(|role| role.as_str()).collect();
    assert!(manifest.check_against(&imports, &roles).is_ok());
    assert!(manifest.check_description(&manifest.id, &manifest.version.to_string()).is_ok());
    for setting in manifest.settings.values() {
        assert!(setting.default.as_ref().is_none_or(|value| setting.kind.fits(value)));
    }
}

/// An empty component with `manifest` as its section.
fn inside_a_component(manifest: &[u8]) -> Vec<u8> {
    let mut bytes = b"\0asm\x0d\0\x01\0\0".to_vec();
    leb128(&mut bytes, 1 + SECTION.len() + manifest.len());
    leb128(&mut bytes, SECTION.len());
    bytes.extend(SECTION.as_bytes());
    bytes.extend(manifest);
    bytes
}

fn leb128(bytes: &mut Vec<u8>, mut number: usize) {
    while number > 0x7f {
        bytes.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}
