//! `lockhouse plugin new`

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, ensure};
use clap::ValueEnum;
use rust_embed::RustEmbed;

use super::files;
use crate::cli::say;

/// What a role and a language need; each is a working plugin.
#[derive(RustEmbed)]
#[folder = "../plugins/templates"]
struct Templates;

/// The interfaces between host and plugins, as this host speaks them.
#[derive(RustEmbed)]
#[folder = "../wit"]
struct Wit;

/// What the templates call themselves: as a name, and where `-` is no letter.
const PLACEHOLDER: (&str, &str) = ("my-plugin", "my_plugin");

#[derive(Debug, clap::Args)]
pub(super) struct New {
    /// What the plugin calls itself, and its folder.
    name: String,
    /// What it is for.
    #[arg(long, value_enum)]
    role: Role,
    /// What it is written in.
    #[arg(long, value_enum)]
    lang: Language,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Role {
    /// Says whether a command may run.
    CommandPolicy,
    /// Turns a prompt into a plan of files and commands.
    Planner,
    /// Writes the files of a plan.
    Writer,
    /// Changes what made a command fail.
    Fixer,
    /// Turns what the host knows into a report for operators.
    AdminReport,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Language {
    Rust,
    Javascript,
    Python,
}

impl New {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        check_name(&self.name)?;
        let folder = Path::new(&self.name);
        std::fs::create_dir(folder)
            .with_context(|| format!("the folder {} can't be made", self.name))?;
        for (path, content) in self.sources()? {
            place(&folder.join(path), &content)?;
        }
        for path in Wit::iter() {
            let content = Wit::get(&path).context("an embedded file is missing")?.data;
            place(&folder.join("wit/deps").join(path.as_ref()), &content)?;
        }
        say(format_args!("{0} is begun; {0}/README.md says how to go on", self.name));
        Ok(ExitCode::SUCCESS)
    }

    /// The template's files under the plugin's own name: the language's, the
    /// role's, and those of the role in the language.
    fn sources(&self) -> anyhow::Result<Vec<(String, Vec<u8>)>> {
        let (role, language) = (word(self.role), word(self.lang));
        let mut sources = Vec::new();
        for path in Templates::iter() {
            let within = path.strip_prefix(&format!("{role}/")).map(|rest| {
                rest.strip_prefix(&format!("{language}/"))
                    .or_else(|| is_shared(rest).then_some(rest))
            });
            let own = path.strip_prefix(&format!("{language}/"));
            let Some(target) = within.unwrap_or(own) else { continue };
            let content = Templates::get(&path).context("an embedded file is missing")?.data;
            let text = std::str::from_utf8(&content).with_context(|| path.to_string())?;
            sources.push((target.to_owned(), self.named(text).into_bytes()));
        }
        Ok(sources)
    }

    fn named(&self, text: &str) -> String {
        let (name, identifier) = PLACEHOLDER;
        text.replace(name, &self.name).replace(identifier, &self.name.replace('-', "_"))
    }
}

/// Whether a role's file is for every language.
fn is_shared(path: &str) -> bool {
    let first = path.split('/').next().unwrap_or(path);
    Language::value_variants().iter().all(|language| word(*language) != first)
}

/// As the command line writes it.
fn word(value: impl ValueEnum) -> String {
    value.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
}

/// Packages of every language may be called so.
fn check_name(name: &str) -> anyhow::Result<()> {
    let fits = (1..=64).contains(&name.len())
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && !name.ends_with('-')
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    ensure!(
        fits,
        "“{name}” is no name for a plugin: use 1 to 64 lower-case letters, digits or “-”, \
         beginning with a letter"
    );
    Ok(())
}

fn place(path: &Path, content: &[u8]) -> anyhow::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    files::write(path, content)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sources(role: Role, lang: Language) -> Vec<(String, String)> {
        let new = New { name: "ask-first".to_owned(), role, lang };
        let sources = new.sources().unwrap().into_iter();
        sources.map(|(path, text)| (path, String::from_utf8(text).unwrap())).collect()
    }

    #[test]
    fn a_plugin_has_the_files_of_its_language_and_no_others() {
        let sources = sources(Role::CommandPolicy, Language::Rust);
        let paths: Vec<_> = sources.into_iter().map(|(path, _)| path).collect();
        for path in ["Cargo.toml", "src/lib.rs", "plugin.toml", "wit/world.wit", ".gitignore"] {
            assert!(paths.iter().any(|p| p == path), "{path} is not among {paths:?}");
        }
        assert!(!paths.iter().any(|p| p.ends_with(".js") || p.ends_with(".py")), "{paths:?}");
    }

    #[test]
    fn nothing_of_the_placeholder_is_left() {
        let named = |text: &str| text.contains("my-plugin") || text.contains("my_plugin");
        for role in Role::value_variants() {
            for lang in Language::value_variants() {
                let sources = sources(*role, *lang);
                assert!(!sources.is_empty());
                assert!(!sources.iter().any(|(_, text)| named(text)), "{role:?} {lang:?}");
            }
        }
    }

    #[test]
    fn a_name_that_some_language_can_not_have_is_refused() {
        for name in ["", "Guard", "9lives", "a/b", "a-", "a_b"] {
            assert!(check_name(name).is_err(), "{name}");
        }
        assert!(check_name("ask-first").is_ok());
    }
}
