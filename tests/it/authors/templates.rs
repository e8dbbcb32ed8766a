//! Every template: its README's commands are followed as they stand there.

use super::workshop::{Workshop, commands, tools};

/// Makes a plugin of a role, and follows the README of its language. Each has a
/// name of its own: cargo tells packages apart by it.
async fn try_out(role: &str, language: &str) {
    let readme = format!("plugins/templates/{language}/README.md");
    let name = format!("my-{role}");
    let commands = commands(&readme, "# my-plugin").replace("my-plugin", &name);
    let commands = commands.replace("my_plugin", &name.replace('-', "_"));
    let until_added: Vec<_> = commands.lines().filter(|line| !line.contains(" add ")).collect();
    let new = format!("lockhouse plugin new {name} --role {role} --lang {language}");
    let commands = format!("{new}\ncd {name}\n{}\n", until_added.join("\n"));
    let sources = ["plugins/templates", "wit"];
    let workshop = Workshop::open(&format!("{role}-{language}"), &sources, &commands);
    let printed = workshop.follows(&commands).await;
    assert!(printed.contains(&format!("{name}.wasm can be loaded by this host")), "{printed}");
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
    a_planner_in_rust_is_built_and_loaded: "planner" in "rust";
    a_planner_in_javascript_is_built_and_loaded: "planner" in "javascript";
    a_planner_in_python_is_built_and_loaded: "planner" in "python";
    a_writer_in_rust_is_built_and_loaded: "writer" in "rust";
    a_writer_in_javascript_is_built_and_loaded: "writer" in "javascript";
    a_writer_in_python_is_built_and_loaded: "writer" in "python";
    a_fixer_in_rust_is_built_and_loaded: "fixer" in "rust";
    a_fixer_in_javascript_is_built_and_loaded: "fixer" in "javascript";
    a_fixer_in_python_is_built_and_loaded: "fixer" in "python";
    a_report_in_rust_is_built_and_loaded: "admin-report" in "rust";
    a_report_in_javascript_is_built_and_loaded: "admin-report" in "javascript";
    a_report_in_python_is_built_and_loaded: "admin-report" in "python";
}
