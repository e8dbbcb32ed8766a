//! A root file system out of the machine's own package sources, by `mmdebstrap`. No mirror's name
//! is written down anywhere: apt is asked what it uses.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{Progress, mirrors};
use crate::command::{self, Command};
use crate::runtimes::engine::Error;

/// What of apt's configuration decides how packages are fetched here.
const FETCHING: &[&str] = &[
    "Acquire::Check-Date",
    "Acquire::Check-Valid-Until",
    "Acquire::http::Proxy",
    "Acquire::https::CaInfo",
    "Acquire::https::Proxy",
];

/// The machine's certificates, which a company may have added to.
const CERTIFICATES: &str = "/etc/ssl/certs/ca-certificates.crt";

/// Left out of an image: nobody reads manuals in it, and programs speak English.
const LEFT_OUT: &[&str] = &[
    "path-exclude=/usr/share/doc/*",
    "path-include=/usr/share/doc/*/copyright",
    "path-exclude=/usr/share/info/*",
    "path-exclude=/usr/share/locale/*",
    "path-include=/usr/share/locale/locale.alias",
    "path-exclude=/usr/share/man/*",
];

/// Run once the packages are there: the user of every runtime, its directories, and nothing of
/// the machine's own network.
const FINISH: &str = r#"
set -e
chroot "$1" useradd --uid 1000 --home-dir /workspace --no-create-home --shell /bin/bash dev
install --directory --owner=1000 --group=1000 "$1/workspace"
install --directory "$1/run/lockhouse"
printf '127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n' >"$1/etc/hosts"
: >"$1/etc/resolv.conf"
echo localhost >"$1/etc/hostname"
rm -rf "$1"/var/cache/apt/*.bin "$1"/var/log/*.log "$1"/var/log/apt/*
"#;

/// Some packages expect the directory of manuals that is left out.
const PREPARE: &str = r#"mkdir -p "$1/usr/share/man/man1""#;

/// Everything `mmdebstrap` is told.
#[derive(Debug)]
pub(super) struct Plan {
    suite: String,
    sources: Vec<String>,
    packages: Vec<String>,
    fetching: Vec<String>,
    /// Files of ours and where they go.
    uploads: Vec<(PathBuf, String)>,
}

impl Plan {
    /// Asks apt and the package managers of languages what they use; files for the image are
    /// written into `work`.
    pub(super) async fn learn(work: &Path, packages: &[String]) -> Result<Self, Error> {
        let (suite, sources) = sources().await?;
        let mut uploads = Vec::new();
        for (name, content) in mirrors::files().await {
            let path = work.join(&name);
            tokio::fs::write(&path, content)
                .await
                .map_err(|error| Error::Failed(format!("{}: {error}", path.display())))?;
            uploads.push((path, format!("/etc/{name}")));
        }
        if Path::new(CERTIFICATES).exists() {
            uploads.push((PathBuf::from(CERTIFICATES), CERTIFICATES.to_owned()));
        }
        let packages = packages.to_vec();
        Ok(Self { suite, sources, packages, fetching: fetching().await?, uploads })
    }

    pub(super) async fn run(
        &self,
        archive: &Path,
        timeout: Duration,
        progress: Progress<'_>,
    ) -> Result<(), Error> {
        let mut command = Command::new("mmdebstrap")
            .timeout(timeout)
            .args(["--variant=minbase", "--format=tar"])
            .arg(format!("--include={}", self.packages.join(",")))
            .arg("--aptopt=APT::Install-Recommends false")
            .arg(format!("--setup-hook={PREPARE}"));
        for option in &self.fetching {
            command = command.arg(format!("--aptopt={option}"));
        }
        for option in LEFT_OUT {
            command = command.arg(format!("--dpkgopt={option}"));
        }
        for (from, to) in &self.uploads {
            command = command.arg(format!("--customize-hook=upload {} {to}", from.display()));
        }
        let command = command.arg(format!("--customize-hook={FINISH}")).arg(&self.suite);
        let command = command.arg(archive).args(&self.sources);
        command.tell(progress).await.map_err(|error| match error {
            command::Error::NotFound { .. } => Error::Unavailable(
                "images are built by mmdebstrap, which is not installed: apt-get install \
                 mmdebstrap"
                    .to_owned(),
            ),
            other => Error::Failed(format!("the image could not be built: {other}")),
        })
    }
}

/// The distribution's release, and its sources as lines of a sources.list. Sources of others,
/// which may be for another release or need keys of their own, are left out.
async fn sources() -> Result<(String, Vec<String>), Error> {
    let os = tokio::fs::read_to_string("/etc/os-release").await.unwrap_or_default();
    let suite = os_field(&os, "VERSION_CODENAME");
    let id = os_field(&os, "ID");
    let (Some(suite), Some(id)) = (suite, id) else {
        return Err(Error::Unavailable(NOT_DEBIAN.to_owned()));
    };
    let format = "$(ORIGIN)|$(REPO_URI)|$(RELEASE)|$(COMPONENT)|$(CREATED_BY)";
    let asked = Command::new("apt-get").args(["indextargets", "--format", format]).success().await;
    let listed = asked.map_err(|_| Error::Unavailable(NOT_DEBIAN.to_owned()))?.stdout;
    let sources = source_lines(&listed, &id);
    if sources.is_empty() {
        return Err(Error::Unavailable(
            "apt knows no package lists on this machine; run: apt-get update".to_owned(),
        ));
    }
    Ok((suite, sources))
}

const NOT_DEBIAN: &str = "images are built from the machine's own packages, which takes Debian or \
     a relative with apt; unpack a root file system of another origin to \
     <data>/images/<kind>/rootfs instead";

fn os_field(text: &str, name: &str) -> Option<String> {
    let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='))?;
    Some(value.trim_matches('"').to_owned())
}

/// One line for each place and release, with its components. Of places that are named with a
/// password the image would tell everyone, so they are left out.
fn source_lines(listed: &str, id: &str) -> Vec<String> {
    let mut lines: Vec<(String, Vec<&str>)> = Vec::new();
    for line in listed.lines() {
        let fields: Vec<&str> = line.split('|').collect();
        let [origin, place, release, component, "Packages"] = fields[..] else { continue };
        if !origin.eq_ignore_ascii_case(id) || mirrors::holds_secret(place) {
            continue;
        }
        let head = format!("deb {place} {release}");
        match lines.iter_mut().find(|(known, _)| *known == head) {
            Some((_, components)) if !components.contains(&component) => components.push(component),
            Some(_) => {}
            None => lines.push((head, vec![component])),
        }
    }
    lines.into_iter().map(|(head, components)| format!("{head} {}", components.join(" "))).collect()
}

/// apt's own settings for fetching, where they are set.
async fn fetching() -> Result<Vec<String>, Error> {
    let asked = Command::new("apt-config").args(["dump", "Acquire"]).success().await;
    let dump = asked.map_err(|error| Error::Failed(error.to_string()))?.stdout;
    let wanted = |line: &&str| {
        let (name, value) = line.split_once(' ').unwrap_or((line, ""));
        let set = value.trim_end_matches(';').trim_matches('"');
        FETCHING.contains(&name) && !set.is_empty() && !mirrors::holds_secret(set)
    };
    Ok(dump.lines().filter(wanted).map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const LISTED: &str = "\
Debian|http://mirror.test/debian/|stable|main|Packages
Debian|http://mirror.test/debian/|stable|contrib|Packages
Debian|http://mirror.test/debian/|stable|main|Translations
Debian|http://user:word@mirror.test/debian/|stable|main|Packages
Other|http://other.test/|stable|main|Packages";

    #[test]
    fn only_the_distributions_own_sources_without_passwords_are_taken() {
        let lines = source_lines(LISTED, "debian");
        assert_eq!(lines, ["deb http://mirror.test/debian/ stable main contrib"]);
    }

    #[test]
    fn the_release_is_read_with_or_without_quotes() {
        let text = "ID=debian\nVERSION_CODENAME=\"trixie\"\n";
        assert_eq!(os_field(text, "ID").as_deref(), Some("debian"));
        assert_eq!(os_field(text, "VERSION_CODENAME").as_deref(), Some("trixie"));
    }
}
