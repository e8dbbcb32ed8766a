//! Every template: its README's commands are followed as they stand there.

use super::workshop::{Workshop, commands, tools};

/// Makes a plugin of a role, and follows the README of its language.
async fn try_out(role: &str, language: &str) {
    let readme = format!("plugins/templates/{language}/README.md");
    let commands = commands(&readme, "# my-plugin");
    let new = format!("lockhouse plugin new my-plugin --role {role} --lang {language}");
    let until_added: Vec<_> = commands.lines().filter(|line| !line.contains(" add ")).collect();
    let commands = format!("{new}\ncd my-plugin\n{}\n", until_added.join("\n"));
    let workshop =
        Workshop::open(&format!("{role}-{language}"), &["plugins/templates", "wit"], &commands);
    let printed = workshop.follows(&commands).await;
    assert!(printed.contains("my-plugin.wasm can be loaded by this host"), "{printed}");
    assert!(printed.contains(" 0 fail"), "{printed}");
}

macro_rules! templates {
    ($($test:ident: $role:literal in $language:literal;)*) => { $(
        #[tokio::test]
        async fn $test() {
            need!(plugins, tools($language).await);
            try_out($role, $language).await;
        }
    )* };
}

templates! {
    a_policy_in_rust_is_built_and_loaded: "command-policy" in "rust";
    a_policy_in_javascript_is_built_and_loaded: "command-policy" in "javascript";
    a_policy_in_python_is_built_and_loaded: "command-policy" in "python";
}
