//! Compiled code kept on disk between starts.
//!
//! Compiled code is run as it is, so a changed file would be somebody else's
//! program. The directory belongs to the server alone and no upload reaches it;
//! besides, each file has a seal, a MAC under a key that lies outside of the
//! directory, and what has none or a wrong one is removed before code is looked
//! for. wasmtime itself names the files by the component's bytes and everything
//! the code depends on: its own version, its settings, the processor. Now and
//! then it clears its directory of files it does not know; so the seals lie in
//! one of their own, under the same names.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use anyhow::Context as _;
use rand::TryRng as _;
use rand::rngs::SysRng;
use wasmtime::{Cache, CacheConfig};

const PRIVATE_FILE: u32 = 0o600;
const PRIVATE_DIR: u32 = 0o700;
/// wasmtime removes the code used longest ago beyond this.
const MAX_CACHE_BYTES: u64 = 512 * 1024 * 1024;
/// wasmtime keeps code at `modules/<compiler>/<hash>`.
const CODE_DIR: &str = "modules";
const CODE_DEPTH: usize = 2;
/// wasmtime's own notes on how often code was used, and files it has not
/// finished; neither is ever run.
const NOTES: &str = "stats";
const UNFINISHED: &str = "wip-";

pub(super) struct CodeCache {
    wasmtime: Cache,
    code: PathBuf,
    seals: PathBuf,
    key: [u8; 32],
    /// One at a time walks the directory.
    walking: Mutex<()>,
}

impl CodeCache {
    /// Opens `<folder>/cache`, with its key beside it.
    pub(super) fn open(folder: &Path) -> anyhow::Result<Self> {
        let folder = std::path::absolute(folder)?;
        let [code, seals] = ["cache", "seals"].map(|name| folder.join(name));
        for dir in [&code, &seals] {
            make_private_dir(dir).with_context(|| format!("{} can't be made", dir.display()))?;
        }
        let key = read_or_make_key(&folder.join("cache.key"))?;
        let mut config = CacheConfig::new();
        config
            .with_directory(&code)
            .with_files_total_size_soft_limit(MAX_CACHE_BYTES)
            // Compressing again would break the seals.
            .with_optimized_compression_usage_counter_threshold(u64::MAX);
        let wasmtime = Cache::new(config).map_err(|error| anyhow::anyhow!("{error:#}"))?;
        Ok(Self { wasmtime, code, seals, key, walking: Mutex::default() })
    }

    pub(super) fn wasmtime(&self) -> &Cache {
        &self.wasmtime
    }

    /// Removes every file whose seal is missing or wrong, and seals of files
    /// that are gone.
    pub(super) fn remove_unsealed(&self) {
        let _walking = self.walking.lock().unwrap_or_else(PoisonError::into_inner);
        for seal in files_in(&self.seals) {
            if !seal.strip_prefix(&self.seals).is_ok_and(|name| self.code.join(name).exists()) {
                remove(&seal);
            }
        }
        for file in self.files() {
            let sealed = fs::read_to_string(self.seal_of(&file)).unwrap_or_default();
            let fits = self.mac(&file).is_ok_and(|mac| {
                // Compares in constant time.
                blake3::Hash::from_hex(sealed.trim()).is_ok_and(|sealed| sealed == mac)
            });
            if !fits {
                tracing::warn!(file = %file.display(), "compiled code without a valid seal is removed");
                remove(&file);
                remove(&self.seal_of(&file));
            }
        }
    }

    /// Seals what has been compiled since [`Self::remove_unsealed`].
    pub(super) fn seal(&self) {
        let _walking = self.walking.lock().unwrap_or_else(PoisonError::into_inner);
        for file in self.files().into_iter().filter(|file| !self.seal_of(file).exists()) {
            if let Err(error) = self.seal_file(&file) {
                tracing::warn!(file = %file.display(), %error, "compiled code could not be sealed; it will be compiled again");
            }
        }
    }

    fn seal_file(&self, file: &Path) -> io::Result<()> {
        let mac = self.mac(file)?;
        let seal = self.seal_of(file);
        seal.parent().map_or(Ok(()), make_private_dir)?;
        create_private(&seal)?.write_all(mac.to_hex().as_bytes())
    }

    fn seal_of(&self, file: &Path) -> PathBuf {
        self.seals.join(file.strip_prefix(&self.code).unwrap_or(file))
    }

    /// Over the file's name as well, so that two files can't trade places.
    fn mac(&self, file: &Path) -> io::Result<blake3::Hash> {
        let mut mac = blake3::Hasher::new_keyed(&self.key);
        let name = file.strip_prefix(&self.code).unwrap_or(file).as_os_str().as_encoded_bytes();
        mac.update(&(name.len() as u64).to_le_bytes());
        mac.update(name);
        mac.update_reader(File::open(file)?)?;
        Ok(mac.finalize())
    }

    /// Files of compiled code.
    fn files(&self) -> Vec<PathBuf> {
        files_in(&self.code)
    }
}

fn files_in(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    collect(&dir.join(CODE_DIR), CODE_DEPTH, &mut found);
    found
}

fn make_private_dir(dir: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(PRIVATE_DIR).create(dir)
}

fn collect(dir: &Path, depth: usize, found: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(dir) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        let other = path.extension().is_some_and(|extension| {
            let extension = extension.to_string_lossy();
            extension == NOTES || extension.starts_with(UNFINISHED)
        });
        match entry.file_type() {
            Ok(kind) if kind.is_dir() && depth > 1 => collect(&path, depth - 1, found),
            Ok(kind) if !kind.is_dir() && !other => found.push(path),
            _ => {}
        }
    }
}

fn remove(file: &Path) {
    match fs::remove_file(file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            tracing::error!(file = %file.display(), %error, "a file could not be removed");
        }
        _ => {}
    }
}

fn create_private(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(PRIVATE_FILE).open(path)
}

fn read_or_make_key(path: &Path) -> anyhow::Result<[u8; 32]> {
    if path.exists() {
        return read_key(path);
    }
    let mut key = [0; 32];
    SysRng.try_fill_bytes(&mut key).context("the system's randomness failed")?;
    // Temporary files are private; named when whole, so that nobody reads half a key.
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder)
        .with_context(|| format!("{} can't be written", folder.display()))?;
    file.write_all(&key).with_context(|| format!("{} can't be written", path.display()))?;
    match file.persist_noclobber(path) {
        Ok(_) => Ok(key),
        // Another server on the same directory was faster.
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => read_key(path),
        Err(error) => Err(error.error).with_context(|| format!("{} can't be made", path.display())),
    }
}

fn read_key(path: &Path) -> anyhow::Result<[u8; 32]> {
    let mut key = [0; 32];
    File::open(path).and_then(|mut file| file.read_exact(&mut key)).with_context(|| {
        format!("{} can't be read; delete it to make a new one", path.display())
    })?;
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cache_with_code(text: &[u8]) -> (tempfile::TempDir, CodeCache, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let cache = CodeCache::open(folder.path()).unwrap();
        let dir = folder.path().join("cache/modules/compiler");
        fs::create_dir_all(&dir).unwrap();
        let code = dir.join("code");
        File::create(&code).unwrap().write_all(text).unwrap();
        (folder, cache, code)
    }

    #[test]
    fn sealed_code_stays() {
        let (_folder, cache, code) = cache_with_code(b"mov");
        cache.seal();
        cache.remove_unsealed();
        assert!(code.exists());
    }

    #[test]
    fn code_without_a_seal_is_removed() {
        let (_folder, cache, code) = cache_with_code(b"mov");
        cache.remove_unsealed();
        assert!(!code.exists());
    }

    #[test]
    fn code_that_was_changed_is_removed() {
        let (_folder, cache, code) = cache_with_code(b"mov");
        cache.seal();
        File::create(&code).unwrap().write_all(b"jmp").unwrap();
        cache.remove_unsealed();
        assert!(!code.exists());
    }

    #[test]
    fn code_under_another_name_is_removed() {
        let (_folder, cache, code) = cache_with_code(b"mov");
        cache.seal();
        let other = code.with_file_name("other");
        fs::rename(&code, &other).unwrap();
        fs::rename(cache.seal_of(&code), cache.seal_of(&other)).unwrap();
        cache.remove_unsealed();
        assert!(!other.exists());
    }

    #[test]
    fn a_seal_whose_code_is_gone_is_removed() {
        let (_folder, cache, code) = cache_with_code(b"mov");
        cache.seal();
        fs::remove_file(&code).unwrap();
        cache.remove_unsealed();
        assert!(!cache.seal_of(&code).exists());
    }

    #[test]
    fn the_key_is_kept_and_private() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let [first, second] = [(); 2].map(|()| CodeCache::open(folder.path()).unwrap().key);
        assert_eq!(first, second);
        let key = fs::metadata(folder.path().join("cache.key")).unwrap();
        assert_eq!(key.permissions().mode() & 0o777, PRIVATE_FILE);
    }
}
