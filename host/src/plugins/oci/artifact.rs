//! What a manifest says: which blob is the component, and who signed it.

use oci_spec::image::{ImageManifest, MediaType};

use super::super::fault::Digest;
use super::super::signature;
use super::{Error, Reference, SIGNATURE_ANNOTATION};

const COMPONENT: &str = "application/wasm";
const CONFIG: &str = "application/vnd.wasm.config.v0+json";

/// A Wasm artifact.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Artifact {
    pub(super) component: Digest,
    /// As the manifest has it.
    pub(super) size_bytes: u64,
    pub(super) signature: Option<String>,
}

impl Artifact {
    /// `reference` is for what is said of a manifest that is something else.
    pub(super) fn read(reference: &Reference, document: &[u8]) -> Result<Self, Error> {
        read(document).map_err(|why| Error::NotWasm { reference: reference.clone(), why })
    }
}

fn read(document: &[u8]) -> Result<Artifact, String> {
    let manifest: ImageManifest = serde_json::from_slice(document).map_err(not_an_image)?;
    match manifest.media_type() {
        None | Some(MediaType::ImageManifest) => {}
        Some(other) => return Err(format!("its manifest is {other}, not an OCI image manifest")),
    }
    let config = manifest.config().media_type().to_string();
    if config != CONFIG {
        return Err(format!("its config is {config}, that of a Wasm artifact is {CONFIG}"));
    }
    let [layer] = manifest.layers().as_slice() else {
        return Err(format!("it has {} layers, a component is one", manifest.layers().len()));
    };
    if layer.media_type().to_string() != COMPONENT {
        return Err(format!("its layer is {}, a component is {COMPONENT}", layer.media_type()));
    }
    let component = layer.digest().to_string();
    let component = component.parse().map_err(|_| "its layer has no sha-256".to_owned())?;
    Ok(Artifact { component, size_bytes: layer.size(), signature: signature(&manifest)? })
}

/// Lists of manifests, one for each platform, have no layers of their own.
fn not_an_image(error: serde_json::Error) -> String {
    format!("its manifest is not that of one artifact ({error})")
}

fn signature(manifest: &ImageManifest) -> Result<Option<String>, String> {
    let annotations = manifest.annotations().as_ref();
    match annotations.and_then(|annotations| annotations.get(SIGNATURE_ANNOTATION)) {
        Some(text) if text.len() > signature::MAX_TEXT_BYTES => {
            Err(format!("its annotation {SIGNATURE_ANNOTATION} is too long for a signature"))
        }
        text => Ok(text.cloned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest(config: &str, layers: &str) -> String {
        let digest = Digest::of(b"");
        format!(
            r#"{{"schemaVersion": 2,
                "config": {{"mediaType": "{config}", "digest": "{digest}", "size": 2}},
                "layers": [{layers}],
                "annotations": {{"dev.lockhouse.signature": "c2lnbmVk"}}}}"#
        )
    }

    fn layer(kind: &str) -> String {
        format!(r#"{{"mediaType": "{kind}", "digest": "{}", "size": 7}}"#, Digest::of(b"x"))
    }

    #[test]
    fn a_component_is_the_one_layer_of_a_wasm_artifact() {
        let read = read(manifest(CONFIG, &layer(COMPONENT)).as_bytes()).unwrap();
        let signature = Some("c2lnbmVk".to_owned());
        assert_eq!(read, Artifact { component: Digest::of(b"x"), size_bytes: 7, signature });
    }

    #[test]
    fn a_container_image_is_told_from_a_component() {
        let image = "application/vnd.oci.image.config.v1+json";
        let error = read(manifest(image, &layer(COMPONENT)).as_bytes()).unwrap_err();
        assert!(error.contains(image) && error.contains(CONFIG), "{error}");
        let tar = "application/vnd.oci.image.layer.v1.tar";
        let error = read(manifest(CONFIG, &layer(tar)).as_bytes()).unwrap_err();
        assert!(error.contains("its layer is application/vnd.oci.image.layer.v1.tar"), "{error}");
    }

    #[test]
    fn several_layers_none_and_lists_are_no_component() {
        let two = [layer(COMPONENT), layer(COMPONENT)].join(",");
        assert!(read(manifest(CONFIG, &two).as_bytes()).unwrap_err().contains("it has 2 layers"));
        assert!(read(manifest(CONFIG, "").as_bytes()).unwrap_err().contains("it has 0 layers"));
        let list = br#"{"schemaVersion": 2, "manifests": []}"#;
        assert!(read(list).unwrap_err().contains("not that of one artifact"));
    }
}
