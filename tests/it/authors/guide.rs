//! The guide, followed literally in a clean folder, once for each language.

use super::workshop::{Workshop, commands, tools};

/// What the guide makes is made of.
const SOURCES: [&str; 2] = ["plugins/templates", "wit"];

/// What the guide's commands print for one language.
async fn follow(language: &str, heading: &str) -> String {
    let commands = commands("plugins/README.md", heading);
    let workshop = Workshop::open(&format!("guide-{language}"), &SOURCES, &commands);
    workshop.follows(&commands).await
}

fn assert_leads_to_a_policy(printed: &str) {
    for expected in [
        "guard.wasm can be loaded by this host",
        r#""rule": "refused-program""#,
        "7 cases: 7 hold, 0 fail",
        "guard@0.1.0, 500 calls, each in a fresh instance",
    ] {
        assert!(printed.contains(expected), "“{expected}” is not printed:\n{printed}");
    }
}

#[tokio::test]
async fn the_guide_leads_to_a_policy_in_rust() {
    need!(plugins, tools("rust").await);
    assert_leads_to_a_policy(&follow("rust", "### Rust").await);
}

#[tokio::test]
async fn the_guide_leads_to_a_policy_in_javascript() {
    need!(plugins, tools("javascript").await);
    assert_leads_to_a_policy(&follow("javascript", "### JavaScript").await);
}

#[tokio::test]
async fn the_guide_leads_to_a_policy_in_python() {
    need!(plugins, tools("python").await);
    assert_leads_to_a_policy(&follow("python", "### Python").await);
}
