//! What a component is made from, as one digest: unchanged inputs need no build.

use std::{
    fs::File,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use walkdir::{DirEntry, WalkDir};

use crate::discover::{Guest, Workspace};

/// Raised when this tool builds or encodes differently than before.
const RECIPE: &str = "lockhouse guests 2";

/// Digest over the guest's sources, its path dependencies, the interfaces, the locked versions,
/// the profiles, the toolchain and the recipe.
pub(crate) fn of(workspace: &Workspace, guest: &Guest, toolchain: &str) -> Result<String> {
    let mut hasher = blake3::Hasher::new();
    for text in [RECIPE, toolchain, &guest.package, &guest.stack_bytes.to_string()] {
        add(&mut hasher, text.as_bytes());
    }
    let mut files = vec![workspace.root.join("Cargo.toml"), workspace.root.join("Cargo.lock")];
    files.extend(files_below(&workspace.root.join("wit"))?);
    for folder in &guest.folders {
        files.extend(files_below(folder)?);
    }
    for file in files {
        add_file(&mut hasher, &workspace.root, &file)?;
    }
    Ok(hasher.finalize().to_hex().to_string())
}

fn add_file(hasher: &mut blake3::Hasher, root: &Path, path: &Path) -> Result<()> {
    // Relative, so that a checkout somewhere else is not another input.
    let name = path.strip_prefix(root).unwrap_or(path);
    add(hasher, name.as_os_str().as_encoded_bytes());
    let mut content = blake3::Hasher::new();
    File::open(path)
        .and_then(|file| content.update_reader(file).map(drop))
        .with_context(|| format!("reading {}", path.display()))?;
    hasher.update(content.finalize().as_bytes());
    Ok(())
}

/// Length first, so that two neighbouring inputs can't trade bytes.
fn add(hasher: &mut blake3::Hasher, bytes: &[u8]) {
    hasher.update(&(bytes.len() as u64).to_le_bytes());
    hasher.update(bytes);
}

fn files_below(folder: &Path) -> Result<Vec<PathBuf>> {
    WalkDir::new(folder)
        .sort_by_file_name()
        .into_iter()
        .filter_entry(is_source)
        .filter(|entry| entry.as_ref().map_or(true, |entry| entry.file_type().is_file()))
        .map(|entry| Ok(entry?.into_path()))
        .collect::<Result<_>>()
        .with_context(|| format!("listing {}", folder.display()))
}

/// Hidden files belong to editors and version control.
fn is_source(entry: &DirEntry) -> bool {
    let name = entry.file_name().as_encoded_bytes();
    entry.depth() == 0 || !(name.starts_with(b".") || name == b"target")
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, fs, path::Path};

    use super::*;

    fn workspace(root: &Path) -> (Workspace, Guest) {
        for (name, text) in [
            ("Cargo.toml", "[workspace]"),
            ("Cargo.lock", "version = 4"),
            ("wit/a/a.wit", "package a:b;"),
            ("guest/src/lib.rs", "//! A guest."),
        ] {
            let path = root.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let guest = Guest {
            name: "guest".to_owned(),
            package: "guest".to_owned(),
            module: "guest".to_owned(),
            stack_bytes: 65_536,
            manifest: root.join("guest/plugin.toml"),
            folders: BTreeSet::from([root.join("guest")]),
        };
        (Workspace { root: root.to_path_buf(), guests: Vec::new() }, guest)
    }

    #[test]
    fn the_same_sources_in_another_place_have_the_same_digest() {
        let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (first, second) = (workspace(here.path()), workspace(there.path()));
        assert_eq!(
            of(&first.0, &first.1, "rustc 1").unwrap(),
            of(&second.0, &second.1, "rustc 1").unwrap()
        );
    }

    #[test]
    fn a_changed_source_interface_lock_or_toolchain_changes_the_digest() {
        let folder = tempfile::tempdir().unwrap();
        let (workspace, guest) = workspace(folder.path());
        let mut seen = BTreeSet::from([of(&workspace, &guest, "rustc 1").unwrap()]);
        assert!(seen.insert(of(&workspace, &guest, "rustc 2").unwrap()));
        for name in ["guest/src/lib.rs", "wit/a/a.wit", "Cargo.lock", "Cargo.toml"] {
            fs::write(folder.path().join(name), "changed").unwrap();
            assert!(seen.insert(of(&workspace, &guest, "rustc 1").unwrap()), "{name}");
        }
    }

    #[test]
    fn build_output_and_hidden_files_are_not_inputs() {
        let folder = tempfile::tempdir().unwrap();
        let (workspace, guest) = workspace(folder.path());
        let before = of(&workspace, &guest, "rustc 1").unwrap();
        fs::create_dir(folder.path().join("guest/target")).unwrap();
        fs::write(folder.path().join("guest/target/out"), "x").unwrap();
        fs::write(folder.path().join("guest/.swp"), "x").unwrap();
        assert_eq!(of(&workspace, &guest, "rustc 1").unwrap(), before);
    }
}
