//! The outer names of a component, read without compiling anything.

use wasmparser::{Encoding, Parser, Payload};

use crate::plugins::fault::Error;

/// More imports or exports than this are refused unread.
const MAX_NAMES: usize = 100;
/// A longer name is no name of ours.
const MAX_NAME_BYTES: usize = 200;

#[derive(Debug, Default)]
pub(super) struct Names {
    pub(super) imports: Vec<String>,
    pub(super) exports: Vec<String>,
}

impl Names {
    pub(super) fn exports(&self, interface: &str) -> bool {
        self.exports.iter().any(|export| export == interface)
    }
}

pub(super) fn read(name: &str, bytes: &[u8]) -> Result<Names, Error> {
    let refuse = |why: String| Error::NotAComponent { name: name.to_owned(), why };
    let mut names = Names::default();
    // Sections of what is nested inside say nothing about the component itself.
    let mut depth = 0_usize;
    for payload in Parser::new(0).parse_all(bytes) {
        match payload.map_err(|error| refuse(error.message().to_owned()))? {
            Payload::Version { encoding: Encoding::Module, .. } if depth == 0 => {
                return Err(refuse("it is a core module; wrap it with wit-component".to_owned()));
            }
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::ComponentImportSection(section) if depth == 0 => {
                for import in section {
                    let import = import.map_err(|error| refuse(error.message().to_owned()))?;
                    push(&mut names.imports, import.name.name).map_err(refuse)?;
                }
            }
            Payload::ComponentExportSection(section) if depth == 0 => {
                for export in section {
                    let export = export.map_err(|error| refuse(error.message().to_owned()))?;
                    push(&mut names.exports, export.name.name).map_err(refuse)?;
                }
            }
            _ => {}
        }
    }
    Ok(names)
}

fn push(names: &mut Vec<String>, name: &str) -> Result<(), String> {
    if names.len() == MAX_NAMES {
        return Err(format!("it has more than {MAX_NAMES} imports or exports"));
    }
    if name.len() > MAX_NAME_BYTES {
        return Err(format!("it has a name of more than {MAX_NAME_BYTES} bytes"));
    }
    names.push(name.to_owned());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_core_module_is_refused() {
        let error = read("x.wasm", b"\0asm\x01\0\0\0").unwrap_err().to_string();
        assert!(error.contains("x.wasm is not a WebAssembly component: it is a core module"));
    }

    #[test]
    fn bytes_that_are_no_wasm_are_refused() {
        assert!(matches!(read("x.wasm", b"hello, world"), Err(Error::NotAComponent { .. })));
    }
}
