//! What the package managers of languages on this machine are configured to use, as
//! configuration files for a runtime: so a company's mirror works in it too. Whatever holds a
//! password stays out.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::command::Command;

/// How long a package manager may take to say what it uses.
const ASK_TIMEOUT: Duration = Duration::from_secs(20);

/// pip's settings that say where packages come from.
const PIP_KEYS: &[&str] = &["extra-index-url", "index-url", "trusted-host"];

/// Files for a runtime's /etc: name and content. Package managers that are not installed, or use
/// what they would use anyway, have none.
pub(in crate::runtimes) async fn files() -> Vec<(String, String)> {
    let (pip, npm) = tokio::join!(
        printed("python3", &["-m", "pip", "config", "list"]),
        printed("npm", &["config", "list", "--json"]),
    );
    let mut files = Vec::new();
    if let Some(content) = pip.as_deref().and_then(pip_conf) {
        files.push(("pip.conf".to_owned(), content));
    }
    if let Some(content) = npm.as_deref().and_then(npmrc) {
        files.push(("npmrc".to_owned(), content));
    }
    files
}

async fn printed(program: &str, args: &[&str]) -> Option<String> {
    let asked = Command::new(program).args(args).timeout(ASK_TIMEOUT).success().await;
    asked.map(|output| output.stdout).ok()
}

/// From lines such as `global.index-url='https://…'`. Later ones are nearer to the user and win.
fn pip_conf(listed: &str) -> Option<String> {
    let mut settings = BTreeMap::new();
    for line in listed.lines() {
        let Some((name, value)) = line.split_once('=') else { continue };
        let key = name.rsplit('.').next().unwrap_or(name);
        let value = value.trim_matches('\'');
        if PIP_KEYS.contains(&key) && !holds_secret(value) {
            // A list is printed with its line breaks escaped; in the file they are spaces.
            settings.insert(key, value.replace("\\n", " ").trim().to_owned());
        }
    }
    let lines = settings.iter().map(|(key, value)| format!("{key} = {value}\n"));
    (!settings.is_empty()).then(|| format!("[global]\n{}", lines.collect::<String>()))
}

/// From npm's whole configuration: the registry, and those of scopes.
fn npmrc(listed: &str) -> Option<String> {
    let settings: BTreeMap<String, serde_json::Value> = serde_json::from_str(listed).ok()?;
    let lines: String = settings
        .iter()
        .filter(|(key, _)| {
            *key == "registry" || (key.starts_with('@') && key.ends_with(":registry"))
        })
        .filter_map(|(key, value)| Some((key, value.as_str().filter(|url| !holds_secret(url))?)))
        .map(|(key, url)| format!("{key}={url}\n"))
        .collect();
    (!lines.is_empty()).then_some(lines)
}

/// Whether a setting holds an address with a user name or password in it.
pub(super) fn holds_secret(value: &str) -> bool {
    value.split_whitespace().any(|word| {
        let authority = word.split_once("://").map(|(_, rest)| rest);
        authority.is_some_and(|rest| rest.split('/').next().unwrap_or(rest).contains('@'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pip_uses_the_mirror_that_is_nearest_to_the_user() {
        let listed = "global.cert='/x'\nglobal.index-url='https://a.test/simple'\n\
                      :env:.index-url='https://b.test/simple'\n";
        // An environment setting is printed as `:env:.name`.
        let conf = pip_conf(&listed.replace("global.index", "site.index")).unwrap();
        assert_eq!(conf, "[global]\nindex-url = https://b.test/simple\n");
    }

    #[test]
    fn an_address_with_a_password_stays_out() {
        assert_eq!(pip_conf("global.index-url='https://me:word@a.test/simple'\n"), None);
        assert!(!holds_secret("https://a.test/@scope/package"));
    }

    #[test]
    fn npm_keeps_the_registries_of_scopes() {
        let listed =
            r#"{"registry":"https://a.test/","@team:registry":"https://t.test/","cache":"/x"}"#;
        assert_eq!(
            npmrc(listed).unwrap(),
            "@team:registry=https://t.test/\nregistry=https://a.test/\n"
        );
    }
}
