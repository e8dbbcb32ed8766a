//! Node: packages that are used and missing from `package.json`. On Node an
//! import carries the package's own name, so no table is needed.

use serde_json::Value;

use super::{Failure, Repair, behind};

const MANIFEST: &str = "package.json";

/// The longest name that a registry takes.
const MAX_NAME_BYTES: usize = 214;

pub(super) fn missing_module(failure: Failure<'_>) -> Option<Repair> {
    let named = behind(failure.output, "Cannot find package '")
        .or_else(|| behind(failure.output, "Cannot find module '"))?;
    let package = package(named.split('\'').next()?)?;
    let installs = ["npm ", "pnpm ", "yarn"].iter().any(|tool| failure.installs(tool));
    if !installs {
        return None;
    }
    let text = with_dependency(failure.text(MANIFEST)?, &package)?;
    let why = format!("{package} is used and was not in {MANIFEST}; it is now");
    Some(Repair { path: MANIFEST, text, why })
}

/// `express` of `express/lib/router`, `@a/b` of `@a/b/c`; none for files and
/// for Node's own modules.
fn package(specifier: &str) -> Option<String> {
    let names = if specifier.starts_with('@') { 2 } else { 1 };
    let parts: Vec<&str> = specifier.split('/').take(names).collect();
    let plain = |part: &&str| {
        let part = part.strip_prefix('@').unwrap_or(part);
        part.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
            && part
                .chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_.".contains(c))
    };
    let whole = parts.len() == names && parts.iter().all(plain);
    Some(parts.join("/")).filter(|name| whole && name.len() <= MAX_NAME_BYTES)
}

/// The manifest with one dependency more, the rest of its text as it was.
fn with_dependency(manifest: &str, package: &str) -> Option<String> {
    let mut wanted: Value = serde_json::from_str(manifest).ok()?;
    let dependencies = wanted
        .as_object_mut()?
        .entry("dependencies")
        .or_insert_with(|| Value::Object(serde_json::Map::new()))
        .as_object_mut()?;
    if dependencies.insert(package.to_owned(), "*".into()).is_some() {
        return None;
    }
    let alone = dependencies.len() == 1;
    let text = match manifest.find("\"dependencies\"") {
        Some(at) => insert(manifest, at, &entry(package, alone, "    "))?,
        None => {
            let own = format!("\n  \"dependencies\": {{{}}}", entry(package, true, "    "));
            let rest = manifest.trim().len() > "{}".len();
            insert(manifest, 0, &format!("{own}{}", if rest { "," } else { "\n" }))?
        }
    };
    // A text that was put into the wrong place says something else.
    (serde_json::from_str::<Value>(&text).ok()? == wanted).then_some(text)
}

fn entry(package: &str, alone: bool, indent: &str) -> String {
    let end = if alone { "\n  " } else { "," };
    format!("\n{indent}\"{package}\": \"*\"{end}")
}

/// Puts `what` behind the first `{` after `at`.
fn insert(text: &str, at: usize, what: &str) -> Option<String> {
    let at = at + text[at..].find('{')? + 1;
    let (before, after) = text.split_at(at);
    Some(format!("{before}{what}{after}"))
}
