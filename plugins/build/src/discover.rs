//! Finds the guests of the workspace by what their `Cargo.toml` says.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail, ensure};
use cargo_metadata::{Metadata, MetadataCommand, Package, TargetKind};
use serde::Deserialize;

/// Stack of a guest that asks for nothing else. A small one halves the cost of a fresh
/// instance, since every page of it is mapped and cleared again.
const DEFAULT_STACK_BYTES: u32 = 64 * 1024;
/// No guest may ask for more: the host grants a policy 32 MiB of memory altogether.
const MAX_STACK_BYTES: u32 = 8 * 1024 * 1024;
/// wasm-ld wants the stack aligned so.
const STACK_ALIGNMENT_BYTES: u32 = 16;

/// `[package.metadata.lockhouse]`.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct GuestKeys {
    component: String,
    #[serde(default = "default_stack_bytes")]
    stack_bytes: u32,
}

fn default_stack_bytes() -> u32 {
    DEFAULT_STACK_BYTES
}

pub(crate) struct Guest {
    /// Name of the component's file.
    pub(crate) name: String,
    pub(crate) package: String,
    /// Name of the module that cargo writes, without `.wasm`.
    pub(crate) module: String,
    pub(crate) stack_bytes: u32,
    pub(crate) manifest: PathBuf,
    /// Folders of the package and of everything in the workspace it is built from.
    pub(crate) folders: BTreeSet<PathBuf>,
}

pub(crate) struct Workspace {
    pub(crate) root: PathBuf,
    pub(crate) guests: Vec<Guest>,
}

impl Workspace {
    pub(crate) fn read() -> Result<Self> {
        let metadata = MetadataCommand::new()
            .no_deps()
            .exec()
            .context("`cargo metadata` failed; run this tool inside the workspace")?;
        let mut guests = guests(&metadata)?;
        let patches = patches(metadata.workspace_root.as_std_path())?;
        for guest in &mut guests {
            guest.folders.extend(patches.iter().cloned());
        }
        Ok(Self { root: metadata.workspace_root.clone().into_std_path_buf(), guests })
    }

    /// Components always lie here, whatever `CARGO_TARGET_DIR` says: this is where the host's
    /// build script looks for them.
    pub(crate) fn components(&self) -> PathBuf {
        self.root.join("target/components")
    }

    /// A target directory of its own, so that the flags of guests never empty the caches of an
    /// ordinary build and no lock is shared with one that is running.
    pub(crate) fn build_directory(&self) -> PathBuf {
        self.root.join("target/guests")
    }

    /// Where a standard library lies that this tool had to build.
    pub(crate) fn sysroot(&self) -> PathBuf {
        self.root.join("target/guests-sysroot")
    }
}

fn guests(metadata: &Metadata) -> Result<Vec<Guest>> {
    let by_folder: BTreeMap<&Path, &Package> =
        metadata.packages.iter().filter_map(|package| Some((folder(package)?, package))).collect();
    let mut guests = Vec::new();
    for package in &metadata.packages {
        let Some(keys) = package.metadata.get("lockhouse") else { continue };
        let keys = GuestKeys::deserialize(keys).with_context(|| {
            format!("`[package.metadata.lockhouse]` in {}", package.manifest_path)
        })?;
        guests.push(guest(package, keys, &by_folder)?);
    }
    guests.sort_by(|a, b| a.name.cmp(&b.name));
    if let Some([first, second]) =
        guests.windows(2).map(|pair| [&pair[0], &pair[1]]).find(|[a, b]| a.name == b.name)
    {
        bail!(
            "packages `{}` and `{}` both build component `{}`",
            first.package,
            second.package,
            first.name
        );
    }
    Ok(guests)
}

fn guest(
    package: &Package,
    keys: GuestKeys,
    by_folder: &BTreeMap<&Path, &Package>,
) -> Result<Guest> {
    ensure!(
        is_plain_name(&keys.component),
        "component `{}` of package `{}`: use lower-case letters, digits and `-` only",
        keys.component,
        package.name
    );
    ensure!(
        keys.stack_bytes <= MAX_STACK_BYTES
            && keys.stack_bytes.is_multiple_of(STACK_ALIGNMENT_BYTES),
        "stack-bytes of package `{}` must be a multiple of {STACK_ALIGNMENT_BYTES} of at most {MAX_STACK_BYTES}",
        package.name
    );
    let library = package
        .targets
        .iter()
        .find(|target| target.kind.contains(&TargetKind::CDyLib))
        .with_context(|| {
        format!("package `{}` needs `[lib] crate-type = [\"cdylib\"]`", package.name)
    })?;
    let manifest = folder(package).context("a package without a folder")?.join("plugin.toml");
    ensure!(
        manifest.is_file(),
        "package `{}` needs a manifest: {}",
        package.name,
        manifest.display()
    );
    Ok(Guest {
        name: keys.component,
        package: package.name.to_string(),
        module: library.name.replace('-', "_"),
        stack_bytes: keys.stack_bytes,
        manifest,
        folders: folders(package, by_folder),
    })
}

/// The package's folder and those of its path dependencies, transitively.
fn folders(package: &Package, by_folder: &BTreeMap<&Path, &Package>) -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    let mut waiting = vec![package];
    while let Some(package) = waiting.pop() {
        let Some(own) = folder(package) else { continue };
        if !found.insert(own.to_path_buf()) {
            continue;
        }
        let paths = package.dependencies.iter().filter_map(|dependency| dependency.path.as_ref());
        waiting.extend(paths.filter_map(|path| by_folder.get(path.as_std_path())));
    }
    found
}

/// Folders of crates that stand in for published ones: any guest may be built from them.
fn patches(root: &Path) -> Result<Vec<PathBuf>> {
    let path = root.join("Cargo.toml");
    let text = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
    let manifest: toml::Table =
        text.parse().with_context(|| format!("reading {}", path.display()))?;
    let registries = manifest.get("patch").and_then(toml::Value::as_table);
    let patches = registries.into_iter().flat_map(toml::Table::values);
    let sources = patches.filter_map(toml::Value::as_table).flat_map(toml::Table::values);
    Ok(sources.filter_map(|source| Some(root.join(source.get("path")?.as_str()?))).collect())
}

fn folder(package: &Package) -> Option<&Path> {
    package.manifest_path.parent().map(|folder| folder.as_std_path())
}

fn is_plain_name(name: &str) -> bool {
    !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}
