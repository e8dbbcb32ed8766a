//! Room: runtimes. Where a registry keeps its downloads, read from one of its
//! own documents: the page of a package that every such registry carries,
//! because it is the package manager itself.

use reqwest::Url;
use serde_json::Value;

use super::fetch::{Fetched, Fetcher};

/// What a registry's documents look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Document {
    /// Downloads come from the registry's own host.
    None,
    /// A simple index, as HTML or JSON.
    PipIndex,
    NpmPackage,
    /// `config.json` of a sparse index.
    CargoIndex,
    ComposerIndex,
}

/// What a registry named.
#[derive(Debug, Default)]
pub(super) struct Downloads {
    pub(super) found: Vec<Url>,
    /// Why that may not be all.
    pub(super) failure: Option<String>,
}

/// Asks a registry where its downloads are.
pub(super) async fn downloads(fetcher: &Fetcher, document: Document, registry: &Url) -> Downloads {
    let mut found = Vec::new();
    let asked = match document {
        Document::None => Ok(()),
        Document::PipIndex => pip(fetcher, registry, &mut found).await,
        Document::NpmPackage => npm(fetcher, registry, &mut found).await,
        Document::CargoIndex => cargo(fetcher, registry, &mut found).await,
        Document::ComposerIndex => composer(fetcher, registry, &mut found).await,
    };
    Downloads { found, failure: asked.err() }
}

async fn pip(fetcher: &Fetcher, index: &Url, found: &mut Vec<Url>) -> Result<(), String> {
    if index.path() == "/" {
        // pip's own download host, which is no index.
        return Ok(());
    }
    let accept = "application/vnd.pypi.simple.v1+json, text/html;q=0.5";
    let page = fetcher.get(&below(index, "pip/")?, accept).await?;
    let links = match serde_json::from_slice::<Value>(&page.body) {
        Ok(json) => json_links(&json),
        Err(_) => html_links(&page.text()),
    };
    if links.is_empty() {
        return Err("its page of pip links to nothing".to_owned());
    }
    take(&page, links, found);
    Ok(())
}

fn json_links(page: &Value) -> Vec<String> {
    let files = page["files"].as_array().map(Vec::as_slice).unwrap_or_default();
    files.iter().filter_map(|file| Some(file["url"].as_str()?.to_owned())).collect()
}

/// The targets of links. A simple index is a flat list of `<a href="…">`.
fn html_links(page: &str) -> Vec<String> {
    let link = |part: &str| {
        let part = part.trim_start().strip_prefix('=')?.trim_start();
        let quote = part.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
        let target = part[1..].split(quote).next()?;
        Some(target.replace("&amp;", "&"))
    };
    page.split("href").skip(1).filter_map(link).collect()
}

async fn npm(fetcher: &Fetcher, registry: &Url, found: &mut Vec<Url>) -> Result<(), String> {
    let page = match fetcher.get(&below(registry, "npm/latest")?, "application/json").await {
        Ok(page) => page,
        // Not every registry answers for one version; all do for the package.
        Err(_) => {
            let short = "application/vnd.npm.install-v1+json, application/json;q=0.8";
            fetcher.get(&below(registry, "npm")?, short).await?
        }
    };
    let json = page.json()?;
    let of_one = json["dist"]["tarball"].as_str();
    let of_any = json["versions"].as_object().and_then(|all| all.values().next_back());
    let tarball = of_one.or_else(|| of_any?["dist"]["tarball"].as_str());
    let tarball = tarball.ok_or("its document of npm names no tarball")?;
    take(&page, vec![tarball.to_owned()], found);
    Ok(())
}

async fn cargo(fetcher: &Fetcher, config: &Url, found: &mut Vec<Url>) -> Result<(), String> {
    if !config.path().ends_with("/config.json") {
        return Err("it is a git index, whose config.json can't be read this way".to_owned());
    }
    let page = fetcher.get(config, "application/json").await?;
    let json = page.json()?;
    let download = json["dl"].as_str().ok_or("its config.json names no download URL")?;
    let links = [Some(download), json["api"].as_str()];
    take(&page, links.into_iter().flatten().map(without_template).collect(), found);
    Ok(())
}

/// A download URL may hold `{crate}` and the like behind its host.
fn without_template(url: &str) -> String {
    url.split('{').next().unwrap_or_default().to_owned()
}

/// Composer asks the index for where packages are described, and a package for
/// where its archive is; that place may send on to another.
async fn composer(fetcher: &Fetcher, index: &Url, found: &mut Vec<Url>) -> Result<(), String> {
    let page = fetcher.get(&below(index, "packages.json")?, "application/json").await?;
    let json = page.json()?;
    let described = json["metadata-url"].as_str().ok_or("its packages.json names no metadata")?;
    let described = described.replace("%package%", "composer/composer");
    let described = page.url.join(&described).map_err(|error| error.to_string())?;
    take(&page, vec![described.to_string()], found);
    let page = fetcher.get(&described, "application/json").await?;
    let json = page.json()?;
    let archive = json["packages"]["composer/composer"][0]["dist"]["url"].as_str();
    let archive = archive.ok_or("its description of composer names no archive")?;
    let archive = page.url.join(archive).map_err(|error| error.to_string())?;
    fetcher.pass(&archive, found).await
}

/// A URL below a registry's, whether or not that ends with a slash.
fn below(registry: &Url, path: &str) -> Result<Url, String> {
    let mut base = registry.clone();
    if !base.path().ends_with('/') {
        base.set_path(&format!("{}/", base.path()));
    }
    base.join(path).map_err(|error| error.to_string())
}

/// Adds the origins of links, and of the places the page itself came from.
fn take(page: &Fetched, links: Vec<String>, found: &mut Vec<Url>) {
    let links = links.iter().filter_map(|link| page.url.join(link).ok());
    for mut url in page.hops.iter().cloned().chain(links) {
        url.set_path("/");
        url.set_query(None);
        url.set_fragment(None);
        let usable = matches!(url.scheme(), "http" | "https");
        if usable && !found.contains(&url) {
            found.push(url);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_read_from_html_however_they_are_quoted() {
        let page = "<!DOCTYPE html><a href=\"https://files.example/a.whl#sha256=1\">a</a>\n\
            <a rel='x' href='../b.whl?a=1&amp;b=2'>b</a><a HREF>c</a>";
        assert_eq!(html_links(page), ["https://files.example/a.whl#sha256=1", "../b.whl?a=1&b=2"]);
    }

    #[test]
    fn links_are_read_from_json() {
        let page = serde_json::json!({"files": [{"url": "https://files.example/a.whl"}, {}]});
        assert_eq!(json_links(&page), ["https://files.example/a.whl"]);
    }

    #[test]
    fn a_path_goes_below_a_registry_with_and_without_a_slash() {
        for registry in ["https://r.example/simple", "https://r.example/simple/"] {
            let url = below(&registry.parse().unwrap(), "pip/").unwrap();
            assert_eq!(url.as_str(), "https://r.example/simple/pip/");
        }
    }

    #[test]
    fn a_templated_download_url_keeps_its_host() {
        assert_eq!(without_template("https://dl.example/{crate}/{version}"), "https://dl.example/");
    }
}
