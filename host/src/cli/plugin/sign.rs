//! `lockhouse plugin sign`

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;

use crate::cli::say;
use crate::plugins::manifest::Manifest;
use crate::plugins::signature::{FILE_ENDING, MAX_TEXT_BYTES, PrivateKey};

#[derive(Debug, clap::Args)]
pub(super) struct Sign {
    /// The component, such as `policy.wasm`.
    component: PathBuf,
    /// The private key, as `lockhouse plugin keygen` wrote it.
    #[arg(long)]
    key: PathBuf,
}

impl Sign {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let shown = self.component.display();
        let component = read(&self.component, u64::MAX)?;
        // Whoever signs something else than a component has taken the wrong file.
        Manifest::find(&component).with_context(|| format!("{shown} is not signed"))?;
        let key = read(&self.key, MAX_TEXT_BYTES as u64)?;
        let key = PrivateKey::parse(&String::from_utf8_lossy(&key))
            .with_context(|| format!("{}", self.key.display()))?;
        let mut path = self.component.clone().into_os_string();
        path.push(FILE_ENDING);
        store(Path::new(&path), &key.sign(&component))?;
        say(format_args!(
            "Wrote {}, which fits the key {}",
            Path::new(&path).display(),
            key.public()
        ));
        Ok(ExitCode::SUCCESS)
    }
}

fn read(path: &Path, limit: u64) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(limit).read_to_end(&mut bytes));
    read.with_context(|| format!("{} can't be read", path.display()))?;
    Ok(bytes)
}

fn store(path: &Path, signature: &str) -> anyhow::Result<()> {
    let written = File::create(path).and_then(|mut file| writeln!(file, "{signature}"));
    written.with_context(|| format!("{} can't be written", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plugins::signature::{Config, Source};

    /// The shortest of all components.
    const COMPONENT: &[u8] = b"\0asm\x0d\0\x01\0";

    fn sign(bytes: &[u8]) -> (tempfile::TempDir, anyhow::Result<ExitCode>, PrivateKey) {
        let folder = tempfile::tempdir().unwrap();
        let [component, key] = ["x.wasm", "acme.key"].map(|name| folder.path().join(name));
        let private = PrivateKey::generate().unwrap();
        File::create(&component).unwrap().write_all(bytes).unwrap();
        File::create(&key).unwrap().write_all(private.reveal().as_bytes()).unwrap();
        (folder, Sign { component, key }.run(), private)
    }

    #[test]
    fn a_signature_stands_beside_its_component() {
        let (folder, signed, key) = sign(COMPONENT);
        signed.unwrap();
        let signature = std::fs::read_to_string(folder.path().join("x.wasm.sig")).unwrap();
        let keys = [("acme".parse().unwrap(), key.public())].into();
        let config = Config { keys, ..Config::default() };
        let signer = config.check(Source::Remote, COMPONENT, Some(&signature)).unwrap();
        assert_eq!(signer.unwrap().to_string(), "acme");
    }

    #[test]
    fn what_is_no_component_is_not_signed() {
        let (folder, signed, _) = sign(b"hello");
        assert!(signed.unwrap_err().to_string().contains("x.wasm is not signed"));
        assert!(!folder.path().join("x.wasm.sig").exists());
    }
}
