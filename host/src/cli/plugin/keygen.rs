//! `lockhouse plugin keygen`

use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;

use crate::cli::say;
use crate::plugins::signature::{KeyName, PrivateKey};

/// Only its owner reads a private key.
const PRIVATE_FILE: u32 = 0o600;

#[derive(Debug, clap::Args)]
pub(super) struct Keygen {
    /// What operators will call the key, such as `acme`.
    name: KeyName,
    /// Where the private key goes [default: NAME.key].
    #[arg(long)]
    out: Option<PathBuf>,
}

impl Keygen {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let Self { name, out } = self;
        let out = out.unwrap_or_else(|| PathBuf::from(format!("{name}.key")));
        let key = PrivateKey::generate()?;
        store(&out, &key.reveal()).with_context(|| {
            format!("{} can't be written; an old key is never replaced", out.display())
        })?;
        say(format_args!("The private key is in {}: keep it to yourself.", out.display()));
        say("For the lockhouse.toml of each server that shall trust it:\n");
        say(format_args!("[plugins.signatures.keys]\n\"{name}\" = \"{}\"", key.public()));
        Ok(ExitCode::SUCCESS)
    }
}

fn store(path: &Path, text: &str) -> std::io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(PRIVATE_FILE).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_private_key_is_its_owners_and_never_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("acme.key");
        let keygen = || Keygen { name: "acme".parse().unwrap(), out: Some(out.clone()) };
        keygen().run().unwrap();
        let first = std::fs::read_to_string(&out).unwrap();
        let mode = std::fs::metadata(&out).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, PRIVATE_FILE);
        let error = keygen().run().unwrap_err().to_string();
        assert!(error.contains("an old key is never replaced"), "{error}");
        assert_eq!(std::fs::read_to_string(&out).unwrap(), first);
    }
}
