//! Room: runtimes. What each package manager is asked, and how its answer is
//! read. One row each in [`PROBES`].
//!
//! The questions run inside an image that has no network. Managers that have no
//! command for it are made to try, and tell in their error what they tried.

use reqwest::Url;

use super::documents::Document;
use crate::runtimes::engine::Answer;

/// One package manager.
pub(super) struct Probe {
    /// As it is named to people.
    pub(super) manager: &'static str,
    /// What must be in the image for the question to make sense.
    pub(super) program: &'static str,
    pub(super) argv: &'static [&'static str],
    /// The URLs in an answer, one text each.
    pub(super) read: fn(&Answer) -> Vec<String>,
    /// What to fetch from each registry to find its download hosts.
    pub(super) document: Document,
}

pub(super) const PROBES: [Probe; 10] = [
    Probe {
        manager: "pip",
        program: "python3",
        argv: &["python3", "-c", PIP],
        read: printed,
        document: Document::PipIndex,
    },
    Probe {
        manager: "npm",
        program: "npm",
        argv: &["npm", "config", "get", "registry"],
        read: printed,
        document: Document::NpmPackage,
    },
    Probe {
        manager: "yarn",
        program: "yarn",
        argv: &["sh", "-c", "yarn config get registry; yarn config get npmRegistryServer"],
        read: printed,
        document: Document::NpmPackage,
    },
    Probe {
        manager: "pnpm",
        program: "pnpm",
        argv: &["pnpm", "config", "get", "registry"],
        read: printed,
        document: Document::NpmPackage,
    },
    Probe {
        manager: "apt",
        program: "apt-get",
        // With an empty directory of lists it names all that it would fetch.
        argv: &["apt-get", "update", "--print-uris", "-o", "Dir::State::lists=/tmp/lockhouse-none"],
        read: quoted,
        document: Document::None,
    },
    Probe {
        manager: "gem",
        program: "gem",
        argv: &["ruby", "-e", GEM],
        read: printed,
        document: Document::None,
    },
    Probe {
        manager: "go",
        program: "go",
        argv: &["go", "env", "GOPROXY", "GOSUMDB"],
        read: go,
        document: Document::None,
    },
    Probe {
        manager: "composer",
        program: "composer",
        argv: &["composer", "config", "--global", "--list", "--no-interaction"],
        read: composer,
        document: Document::ComposerIndex,
    },
    Probe {
        manager: "cargo",
        program: "cargo",
        argv: &["sh", "-c", CARGO],
        read: cargo,
        document: Document::CargoIndex,
    },
    Probe {
        manager: "maven",
        program: "mvn",
        // Any plugin by its full name, into an empty repository: it must ask.
        argv: &["mvn", "-B", "-Dmaven.repo.local=/tmp/lockhouse-m2", "lockhouse:none:1:none"],
        read: maven,
        document: Document::None,
    },
];

/// Prints pip's own index and its download host, unless an index is configured;
/// then what is configured. Where pip comes with each virtual environment only,
/// it is read from the wheel that makes them.
const PIP: &str = r"
import glob, os, sys
try:
    import pip
except ImportError:
    import ensurepip
    dirs = [os.path.join(os.path.dirname(ensurepip.__file__), '_bundled'),
            getattr(ensurepip, '_WHEEL_PKG_DIR', None)]
    wheels = [w for d in dirs if d for w in sorted(glob.glob(os.path.join(d, 'pip-*.whl')))]
    sys.path[:0] = wheels[-1:]
from pip._internal.configuration import Configuration
from pip._internal.models.index import PyPI
configuration = Configuration(isolated=False)
configuration.load()
found = {}
def take(items):
    for name, value in items:
        if isinstance(value, dict):
            take(value.items())
        else:
            found.setdefault(name.rpartition('.')[2], []).extend(str(value).split())
take(configuration.items())
if found.get('index-url'):
    print('\n'.join(found['index-url']))
else:
    print(PyPI.simple_url)
    print('https://' + PyPI.file_storage_domain)
for name in ('extra-index-url', 'find-links'):
    print('\n'.join(found.get(name, [])))
";

/// Prints what RubyGems would fetch for each source: some are asked at another
/// host than the one they are named by.
const GEM: &str = r"
require 'rubygems'
require 'rubygems/remote_fetcher'
require 'rubygems/resolver'
class Gem::RemoteFetcher
  def fetch_path(uri, *)
    STDOUT.puts uri
    raise Gem::RemoteFetcher::FetchError.new('asked only', uri)
  end
end
Gem.sources.each_source do |source|
  STDOUT.puts source.uri
  source.dependency_resolver_set
end
";

/// Lets cargo look for a package with an empty cache and the image's own
/// configuration. It has no command that prints its default index.
const CARGO: &str = r#"
home="${CARGO_HOME:-$HOME/.cargo}"
mkdir -p /tmp/lockhouse-cargo && cd /tmp/lockhouse-cargo || exit 1
cp "$home/config.toml" "$home/config" . 2>/dev/null
CARGO_HOME=/tmp/lockhouse-cargo CARGO_NET_RETRY=0 \
    cargo install --root /tmp/lockhouse-cargo/root lockhouse-none
"#;

/// A shell line that prints which of the programs are there.
pub(super) fn presence() -> String {
    let programs: Vec<_> = PROBES.iter().map(|probe| probe.program).collect();
    format!(
        "for p in {}; do command -v \"$p\" >/dev/null 2>&1 && echo \"$p\"; done; true",
        programs.join(" ")
    )
}

/// The `http` and `https` URLs among texts, each host once per scheme and path.
pub(super) fn urls(texts: Vec<String>) -> Vec<Url> {
    let mut urls: Vec<Url> = Vec::new();
    for url in texts.iter().filter_map(|text| Url::parse(text).ok()) {
        if matches!(url.scheme(), "http" | "https") && !urls.contains(&url) {
            urls.push(url);
        }
    }
    urls
}

/// One URL on each line.
fn printed(answer: &Answer) -> Vec<String> {
    answer.stdout.lines().map(|line| line.trim().to_owned()).collect()
}

/// The first quoted word of each line; of each host one is enough.
fn quoted(answer: &Answer) -> Vec<String> {
    let mut origins: Vec<String> = answer
        .stdout
        .lines()
        .filter_map(|line| line.strip_prefix('\'')?.split('\'').next())
        .filter_map(|uri| Url::parse(uri).ok())
        .map(|url| url.origin().ascii_serialization())
        .collect();
    origins.sort();
    origins.dedup();
    origins
}

/// `GOPROXY` is a list of URLs, `direct` and `off`; `GOSUMDB` is a name, perhaps
/// with a key and a URL.
fn go(answer: &Answer) -> Vec<String> {
    let mut lines = answer.stdout.lines();
    let proxies = lines.next().unwrap_or_default().split([',', '|']);
    let proxies = proxies.map(str::trim).filter(|word| word.contains("://")).map(str::to_owned);
    let mut words = lines.next().unwrap_or_default().split_whitespace();
    let name = words.next().and_then(|word| word.split('+').next()).unwrap_or_default();
    let checksums = match words.next() {
        Some(url) => Some(url.to_owned()),
        None if name.is_empty() || name == "off" => None,
        None => Some(format!("https://{name}")),
    };
    proxies.chain(checksums).collect()
}

/// Lines such as `[repositories.NAME.url] URL`.
fn composer(answer: &Answer) -> Vec<String> {
    let url = |line: &str| {
        let (key, value) = line.trim().strip_prefix('[')?.split_once("] ")?;
        let is_url = key.starts_with("repositories.") && key.ends_with(".url");
        // Composer writes `https?` for a repository that it reaches by either.
        is_url.then(|| value.trim().replacen("https?://", "https://", 1))
    };
    answer.stdout.lines().filter_map(url).collect()
}

/// What it failed to download: the index's `config.json`, or a git repository.
fn cargo(answer: &Answer) -> Vec<String> {
    let url = |line: &str| {
        let (_, rest) = line
            .split_once("failed to download from `")
            .or_else(|| line.split_once("failed to fetch `"))
            .or_else(|| line.split_once("Unable to update "))?;
        let url = rest.split('`').next()?.trim();
        Some(url.strip_prefix("sparse+").unwrap_or(url).to_owned())
    };
    answer.stderr.lines().filter_map(url).collect()
}

/// Lines such as `[INFO] Downloading from NAME: URL`; of each the repository's
/// origin.
fn maven(answer: &Answer) -> Vec<String> {
    let origin = |line: &str| {
        let (_, rest) = line.split_once("Downloading from ")?;
        let (_, url) = rest.split_once(": ")?;
        Some(Url::parse(url.trim()).ok()?.origin().ascii_serialization())
    };
    let mut origins: Vec<String> = answer.stdout.lines().filter_map(origin).collect();
    origins.sort();
    origins.dedup();
    origins
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(manager: &str, stdout: &str, stderr: &str) -> Vec<String> {
        let probe = PROBES.iter().find(|probe| probe.manager == manager).unwrap();
        let (stdout, stderr) = (stdout.to_owned(), stderr.to_owned());
        let answer = Answer { exit_code: 0, stdout, stderr };
        urls((probe.read)(&answer)).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn pip_names_its_index_its_files_and_what_is_configured() {
        let stdout = "https://index.example/simple\nhttps://files.example\n\n/opt/wheels\n";
        assert_eq!(
            read("pip", stdout, ""),
            ["https://index.example/simple", "https://files.example/"]
        );
    }

    #[test]
    fn npm_prints_one_url_and_yarn_may_print_undefined() {
        assert_eq!(read("npm", "https://npm.example/\n", ""), ["https://npm.example/"]);
        assert_eq!(read("yarn", "https://y.example\nundefined\n", ""), ["https://y.example/"]);
    }

    #[test]
    fn apt_names_each_host_once_and_local_sources_do_not_count() {
        let stdout = "'http://deb.example/debian/dists/stable/InRelease' deb.example_x 0 \n\
            'http://deb.example/debian/dists/stable/main/binary-amd64/Packages.xz' y 0 \n\
            'https://security.example:8443/dists/InRelease' z 0 \n\
            'file:///srv/repo/InRelease' f 0 \nReading package lists...\n";
        assert_eq!(
            read("apt", stdout, ""),
            ["http://deb.example/", "https://security.example:8443/"]
        );
    }

    #[test]
    fn gem_names_the_source_and_the_host_that_answers_for_it() {
        let stdout = "https://gems.example/\nhttps://index.gems.example/\n";
        assert_eq!(
            read("gem", stdout, ""),
            ["https://gems.example/", "https://index.gems.example/"]
        );
    }

    #[test]
    fn go_names_proxies_and_the_checksum_database() {
        assert_eq!(
            read("go", "https://p.example,https://q.example|direct\nsum.example\n", ""),
            ["https://p.example/", "https://q.example/", "https://sum.example/"]
        );
        assert_eq!(read("go", "direct\noff\n", ""), [""; 0]);
        assert_eq!(
            read("go", "off\nsum.example+abc https://mirror.example/sum\n", ""),
            ["https://mirror.example/sum"]
        );
    }

    #[test]
    fn composer_names_the_urls_of_its_repositories() {
        let stdout = "[repositories.main.type] composer\n\
            [repositories.main.url] https?://repo.example\n\
            [repositories.own.url] https://own.example/composer\n[process-timeout] 300\n";
        assert_eq!(
            read("composer", stdout, ""),
            ["https://repo.example/", "https://own.example/composer"]
        );
    }

    #[test]
    fn cargo_tells_its_index_in_the_error() {
        let stderr = "    Updating crates index\nerror: download of config.json failed\n\n\
            Caused by:\n  failed to download from `https://index.example/config.json`\n\n\
            Caused by:\n  [6] Could not resolve hostname\n";
        assert_eq!(read("cargo", "", stderr), ["https://index.example/config.json"]);
        let git = "Caused by:\n  failed to fetch `https://git.example/index`\n";
        assert_eq!(read("cargo", "", git), ["https://git.example/index"]);
    }

    #[test]
    fn maven_tells_its_repositories_where_it_downloads_from() {
        let stdout = "[INFO] Scanning for projects...\n\
            [INFO] Downloading from central: https://maven.example/maven2/lockhouse/none.pom\n\
            [ERROR] Plugin not found -> [Help 1] http://help.example/\n";
        assert_eq!(read("maven", stdout, ""), ["https://maven.example/"]);
    }

    #[test]
    fn the_presence_line_names_every_program() {
        let line = presence();
        assert!(PROBES.iter().all(|probe| line.contains(probe.program)));
    }
}
