//! What a component's bytes say without being compiled: its imports, its exports
//! and its sections.

use anyhow::{Context as _, bail};
use wasmparser::{Chunk, ComponentExternalKind, Encoding, Parser, Payload};

use crate::plugins::cases;
use crate::plugins::manifest::SECTION;

/// The outer names and sections of a component.
#[derive(Debug, Default)]
pub(super) struct Anatomy {
    pub(super) imports: Vec<String>,
    /// Only interfaces: tools leave plain functions of their own beside them.
    pub(super) exports: Vec<String>,
    pub(super) sections: Vec<Section>,
    pub(super) manifest: Option<String>,
}

/// A custom section: tools leave notes there, which nobody runs.
#[derive(Debug)]
pub(super) struct Section {
    pub(super) name: String,
    pub(super) size_bytes: usize,
}

/// Whether a file is what a compiler writes, or already a component.
pub(super) fn is_module(bytes: &[u8]) -> bool {
    Parser::is_core_wasm(bytes)
}

pub(super) fn read(bytes: &[u8]) -> anyhow::Result<Anatomy> {
    let mut anatomy = Anatomy::default();
    walk(bytes, |_, payload| anatomy.note(payload))?;
    Ok(anatomy)
}

/// The component without its manifest and its cases, so that others can take
/// their place.
pub(super) fn without_own_sections(bytes: &[u8]) -> anyhow::Result<Vec<u8>> {
    const OWN: [&str; 2] = [SECTION, cases::SECTION];
    let mut kept = Vec::with_capacity(bytes.len());
    walk(bytes, |part, payload| {
        if !matches!(payload, Payload::CustomSection(custom) if OWN.contains(&custom.name())) {
            kept.extend_from_slice(part);
        }
        Ok(())
    })?;
    Ok(kept)
}

/// Visits the outermost parts, each with its bytes. What is nested is one part.
fn walk(
    mut bytes: &[u8],
    mut visit: impl FnMut(&[u8], &Payload<'_>) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let mut parser = Parser::new(0);
    loop {
        let (consumed, payload) = match parser.parse(bytes, true).context("it is no WebAssembly")? {
            Chunk::Parsed { consumed, payload } => (consumed, payload),
            Chunk::NeedMoreData(_) => bail!("it is no WebAssembly: it ends too early"),
        };
        let nested = match &payload {
            Payload::Version { encoding: Encoding::Module, .. } => {
                bail!("it is a core module; `lockhouse plugin pack` makes a plugin of it")
            }
            Payload::ModuleSection { unchecked_range, .. }
            | Payload::ComponentSection { unchecked_range, .. } => unchecked_range.len(),
            _ => 0,
        };
        let size = consumed + nested;
        let part = bytes.get(..size).context("it is no WebAssembly: it ends too early")?;
        visit(part, &payload)?;
        if matches!(payload, Payload::End(_)) {
            return Ok(());
        }
        bytes = &bytes[size..];
    }
}

impl Anatomy {
    fn note(&mut self, payload: &Payload<'_>) -> anyhow::Result<()> {
        match payload {
            Payload::ComponentImportSection(section) => {
                for import in section.clone() {
                    self.imports.push(import?.name.name.to_owned());
                }
            }
            Payload::ComponentExportSection(section) => {
                for export in section.clone() {
                    let export = export?;
                    if export.kind == ComponentExternalKind::Instance {
                        self.exports.push(export.name.name.to_owned());
                    }
                }
            }
            Payload::CustomSection(custom) => {
                let name = custom.name().to_owned();
                if name == SECTION {
                    self.manifest = Some(String::from_utf8_lossy(custom.data()).into_owned());
                }
                self.sections.push(Section { name, size_bytes: custom.data().len() });
            }
            _ => {}
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use wasm_encoder::{
        Component, ComponentSection as _, CustomSection, Module, ModuleSection,
        NestedComponentSection,
    };

    use super::*;

    fn component() -> Component {
        let mut component = Component::new();
        component.section(&ModuleSection(&Module::new()));
        component.section(&NestedComponentSection(&Component::new()));
        component.section(&custom("notes", b"of a tool"));
        component
    }

    fn custom<'a>(name: &'a str, data: &'a [u8]) -> CustomSection<'a> {
        CustomSection { name: name.into(), data: data.into() }
    }

    #[test]
    fn what_is_nested_is_passed_over() {
        let anatomy = read(&component().finish()).unwrap();
        assert_eq!(anatomy.sections.len(), 1);
        assert_eq!(
            (anatomy.sections[0].name.as_str(), anatomy.sections[0].size_bytes),
            ("notes", 9)
        );
    }

    #[test]
    fn only_the_manifest_and_the_cases_are_taken_out() {
        let plain = component().finish();
        let mut packed = plain.clone();
        custom(SECTION, b"id = 1").append_to_component(&mut packed);
        custom(cases::SECTION, b"[[case]]").append_to_component(&mut packed);
        assert_eq!(read(&packed).unwrap().manifest.as_deref(), Some("id = 1"));
        assert_eq!(without_own_sections(&packed).unwrap(), plain);
    }

    #[test]
    fn what_is_no_component_is_told_apart() {
        let error = |bytes: &[u8]| format!("{:#}", read(bytes).unwrap_err());
        assert!(error(&Module::new().finish()).contains("`lockhouse plugin pack`"));
        assert!(error(b"hello, world").contains("no WebAssembly"));
        let whole = component().finish();
        assert!(error(&whole[..whole.len() - 3]).contains("no WebAssembly"));
    }
}
