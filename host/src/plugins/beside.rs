//! A manifest that lies beside a component, `NAME.toml` beside `NAME.wasm`, for
//! components that carry none: it is put inside, as `lockhouse plugin pack` does.

use wasm_encoder::{ComponentSection as _, CustomSection};

use super::manifest::{Error as ManifestError, Manifest, SECTION};

/// Why a component and what lies beside it don't go together.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    #[error(
        "{beside} says something else than the manifest inside {component}: pack the component \
         again, or take {beside} away"
    )]
    Differs { beside: String, component: String },
}

/// The component with the manifest that lies beside it inside. One that carries
/// the same already stays as it is, to the byte. `name` is the component's file.
pub fn joined(name: &str, component: Vec<u8>, beside: Option<&str>) -> Result<Vec<u8>, Error> {
    let Some(text) = beside else { return Ok(component) };
    let said = Manifest::parse(text)?;
    match Manifest::find(&component)? {
        Some(inside) if inside == said => Ok(component),
        Some(_) => Err(Error::Differs { beside: file(name), component: name.to_owned() }),
        None => Ok(with_section(component, SECTION, text)),
    }
}

/// What the manifest beside a component's file is called.
pub fn file(component: &str) -> String {
    format!("{}.toml", component.strip_suffix(".wasm").unwrap_or(component))
}

/// The component with one more custom section.
pub fn with_section(mut component: Vec<u8>, name: &str, text: &str) -> Vec<u8> {
    CustomSection { name: name.into(), data: text.as_bytes().into() }
        .append_to_component(&mut component);
    component
}

#[cfg(test)]
mod tests {
    use wasm_encoder::Component;

    use super::*;

    const TEXT: &str = "id = \"guard\"\nversion = \"1.0.0\"\nsummary = \"s\"\n\
        roles = [\"command-policy\"]\n";

    fn plain() -> Vec<u8> {
        Component::new().finish()
    }

    #[test]
    fn a_component_without_a_manifest_gets_the_one_beside_it() {
        let joined = joined("guard.wasm", plain(), Some(TEXT)).unwrap();
        assert_eq!(Manifest::find(&joined).unwrap().unwrap().id, "guard");
    }

    #[test]
    fn a_component_that_carries_the_same_stays_as_it_is() {
        let packed = with_section(plain(), SECTION, TEXT);
        let commented = format!("# the same\n{TEXT}");
        let joined = joined("guard.wasm", packed.clone(), Some(&commented)).unwrap();
        assert_eq!(joined, packed);
    }

    #[test]
    fn two_manifests_that_differ_are_refused() {
        let packed = with_section(plain(), SECTION, TEXT);
        let other = TEXT.replace("1.0.0", "2.0.0");
        let error = joined("guard.wasm", packed, Some(&other)).unwrap_err().to_string();
        let start = "guard.toml says something else than the manifest inside guard.wasm";
        assert!(error.starts_with(start), "{error}");
    }

    #[test]
    fn a_component_with_nothing_beside_it_stays_as_it_is() {
        assert_eq!(joined("guard.wasm", plain(), None).unwrap(), plain());
    }
}
