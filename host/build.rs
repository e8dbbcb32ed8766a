//! Embeds what `make` built for the host to carry: the supervisor and the
//! WebAssembly components. `lockhouse` is one file.

#![expect(
    clippy::disallowed_methods,
    reason = "a build script reads its environment and writes code"
)]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Asked now, not when this was compiled: the folder may have been moved since.
    let here = std::env::var_os("CARGO_MANIFEST_DIR").ok_or("cargo sets CARGO_MANIFEST_DIR")?;
    let target = Path::new(&here).join("../target");
    let supervisor = target.join("artifacts/lockhouse-supervisor");
    let components = target.join("components");
    for needed in [&supervisor, &components] {
        println!("cargo::rerun-if-changed={}", needed.display());
        if !needed.exists() {
            return Err(
                format!("{} is not built yet: run `make artifacts`", needed.display()).into()
            );
        }
    }
    let mut code =
        format!("const SUPERVISOR: &[u8] = include_bytes!({:?});\n", supervisor.canonicalize()?);
    code += "const COMPONENTS: &[(&str, &[u8])] = &[\n";
    for component in wasm_files(&components)? {
        println!("cargo::rerun-if-changed={}", component.display());
        let name = component.file_stem().unwrap_or_default().to_string_lossy();
        writeln!(code, "    ({name:?}, include_bytes!({:?})),", component.canonicalize()?)?;
    }
    code += "];\n";
    let out = std::env::var_os("OUT_DIR").ok_or("cargo sets OUT_DIR")?;
    std::fs::write(PathBuf::from(out).join("artifacts.rs"), code)?;
    Ok(())
}

fn wasm_files(dir: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(dir)? {
        let path = entry?.path();
        if path.extension().is_some_and(|ending| ending == "wasm") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}
