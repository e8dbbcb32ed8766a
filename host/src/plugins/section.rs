//! A custom section of a component by its name, found without compiling anything.

use wasmparser::{Encoding, Parser, Payload};

/// The section's bytes; `None` where there is none. What is nested inside the
/// component may carry anything. An error says why it can't be read.
pub(super) fn find<'a>(component: &'a [u8], name: &str) -> Result<Option<&'a [u8]>, String> {
    let (mut depth, mut found) = (0_usize, None);
    for payload in Parser::new(0).parse_all(component) {
        match payload.map_err(|error| error.message().to_owned())? {
            Payload::Version { encoding: Encoding::Module, .. } if depth == 0 => {
                return Err("this is a core module; wrap it with wit-component".to_owned());
            }
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::CustomSection(custom) if depth == 0 && custom.name() == name => {
                let before = found.replace(custom.data());
                if before.is_some() {
                    return Err("there are two; build it again from its source".to_owned());
                }
            }
            _ => {}
        }
    }
    Ok(found)
}
