//! Wraps a core module as a component, checks what it imports, and stores it with a stamp.

use std::{
    fs::{self, Permissions},
    io::Write as _,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail, ensure};
use wasm_encoder::{ComponentSection as _, CustomSection};
use wit_component::{ComponentEncoder, DecodedWasm};

use crate::discover::{Guest, Workspace};

/// Name of the custom section that holds the component's `plugin.toml`.
const MANIFEST_SECTION: &str = "lockhouse:manifest";
/// The only packages a built-in guest may import from.
const OWN_PACKAGES: &str = "lockhouse:";

/// Temporary files are private by default, build output is not.
const READABLE_BY_ALL: u32 = 0o644;

/// Whether the stored component was made from exactly these inputs and is still whole.
pub(crate) fn is_fresh(workspace: &Workspace, guest: &Guest, digest: &str) -> bool {
    let folder = workspace.components();
    let stored = fs::read_to_string(folder.join(format!("{}.stamp", guest.name)));
    let bytes = fs::read(folder.join(format!("{}.wasm", guest.name)));
    matches!((stored, bytes), (Ok(stored), Ok(bytes)) if stored == stamp(digest, &bytes))
        && folder.join(format!("{}.toml", guest.name)).is_file()
}

pub(crate) fn encode(guest: &Guest, module: &[u8]) -> Result<Vec<u8>> {
    let mut bytes = ComponentEncoder::default()
        .validate(true)
        .module(module)
        .and_then(|mut encoder| encoder.encode())
        .context("the module is no component: it may import nothing but what `wit/` describes")?;
    refuse_foreign_imports(&bytes)?;
    let manifest = fs::read(&guest.manifest)
        .with_context(|| format!("reading {}", guest.manifest.display()))?;
    CustomSection { name: MANIFEST_SECTION.into(), data: manifest.into() }
        .append_to_component(&mut bytes);
    Ok(bytes)
}

/// A guest has no power beyond what its interface hands it, so no WASI either.
fn refuse_foreign_imports(component: &[u8]) -> Result<()> {
    let DecodedWasm::Component(resolve, world) =
        wit_component::decode(component).context("reading the component back")?
    else {
        bail!("the encoder wrote something that is not a component");
    };
    let imports = resolve.worlds[world].imports.keys().map(|key| resolve.name_world_key(key));
    let foreign: Vec<_> = imports.filter(|name| !name.starts_with(OWN_PACKAGES)).collect();
    ensure!(
        foreign.is_empty(),
        "the component imports {}; only `{OWN_PACKAGES}*` is allowed: remove the dependency that needs it",
        foreign.join(", ")
    );
    Ok(())
}

/// Stores the component, its manifest and its stamp; the stamp last, so that an interrupted
/// build never looks fresh.
pub(crate) fn write(
    workspace: &Workspace,
    guest: &Guest,
    bytes: &[u8],
    digest: &str,
) -> Result<PathBuf> {
    let folder = workspace.components();
    fs::create_dir_all(&folder).with_context(|| format!("creating {}", folder.display()))?;
    let path = folder.join(format!("{}.wasm", guest.name));
    replace(&path, bytes)?;
    let manifest = fs::read(&guest.manifest)?;
    replace(&folder.join(format!("{}.toml", guest.name)), &manifest)?;
    replace(&folder.join(format!("{}.stamp", guest.name)), stamp(digest, bytes).as_bytes())?;
    Ok(path)
}

/// Whole or not at all: the host's build script may read at any moment.
fn replace(path: &Path, bytes: &[u8]) -> Result<()> {
    let folder = path.parent().context("a path without a folder")?;
    let write = || {
        let permissions = Permissions::from_mode(READABLE_BY_ALL);
        let mut file = tempfile::Builder::new().permissions(permissions).tempfile_in(folder)?;
        file.write_all(bytes)?;
        file.persist(path).map_err(|error| error.error)
    };
    write().map(drop).with_context(|| format!("writing {}", path.display()))
}

fn stamp(digest: &str, bytes: &[u8]) -> String {
    format!("{digest} {}\n", blake3::hash(bytes).to_hex())
}
