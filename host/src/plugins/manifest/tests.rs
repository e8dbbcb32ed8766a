//! Manifests that are read, and what is said of those that are not.

use super::*;

const WHOLE: &str = r#"
id = "layered"
version = "0.1.0"
summary = "Judges commands."
roles = ["command-policy"]
minimum-host = "0.1.0"
imports = ["lockhouse:host/settings@0.1.0"]
grants = ["kv", "project-files", "secret/api-key", "model/small"]

[limits]
memory-mib = 16
cpu-ms = 20

[settings.strict]
type = "boolean"
default = false
description = "Enforce the allow-list."

[settings.blocked]
type = "array"
default = ["rm"]
"#;

/// A manifest with one line more, before its tables.
fn with(line: &str) -> Result<Manifest, Error> {
    Manifest::parse(&format!(
        "id = \"a\"\nversion = \"1.0.0\"\nsummary = \"A.\"\nroles = [\"planner\"]\n{line}\n"
    ))
}

fn refusal(line: &str) -> String {
    with(line).unwrap_err().to_string()
}

/// A component of nothing but custom sections.
fn component(sections: &[(&str, &[u8])]) -> Vec<u8> {
    let mut bytes = b"\0asm\x0d\0\x01\0".to_vec();
    for (name, data) in sections {
        bytes.push(0);
        bytes.extend(leb128(1 + name.len() + data.len()));
        bytes.extend(leb128(name.len()));
        bytes.extend(name.as_bytes());
        bytes.extend(*data);
    }
    bytes
}

fn leb128(mut number: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while number > 0x7f {
        bytes.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
    bytes
}

#[test]
fn all_that_a_manifest_may_say_is_read() {
    let read = Manifest::parse(WHOLE).unwrap();
    assert_eq!((read.id.as_str(), read.version.to_string().as_str()), ("layered", "0.1.0"));
    assert_eq!(read.roles, [Role::CommandPolicy].into());
    assert_eq!(read.minimum_host, Some(Version::new(0, 1, 0)));
    assert_eq!(read.imports, ["lockhouse:host/settings@0.1.0".to_owned()].into());
    assert_eq!(read.grants.len(), 4);
    let limits = Wanted { memory_mib: Some(16), cpu_ms: Some(20), ..Wanted::default() };
    assert_eq!(read.limits, limits);
    assert_eq!(read.settings["strict"].default, Some(false.into()));
    assert_eq!(read.settings["blocked"].kind, Kind::Array);
}

#[test]
fn the_offline_agents_manifest_is_one() {
    let text = include_str!("../../../../plugins/scaffold/plugin.toml");
    let read = Manifest::parse(text).unwrap();
    assert_eq!(read.roles, [Role::Planner, Role::Writer, Role::Fixer].into());
}

#[test]
fn what_may_be_left_out_asks_for_nothing() {
    let read = with("").unwrap();
    assert!(read.imports.is_empty() && read.grants.is_empty() && read.settings.is_empty());
    assert_eq!((read.limits, read.minimum_host), (Wanted::default(), None));
}

#[test]
fn what_must_stand_there_is_told_with_an_example() {
    let error = Manifest::parse("id = \"a\"").unwrap_err().to_string();
    assert_eq!(error, "plugin.toml: version: missing; write version = \"0.1.0\"");
}

#[test]
fn a_misspelt_key_is_refused_with_the_one_that_was_meant() {
    assert!(refusal("import = []").contains("did you mean “imports”?"));
    let error = refusal("[limits]\nmemory_mib = 1");
    assert!(error.contains("limits.memory_mib: unknown key"), "{error}");
    assert!(error.contains("did you mean “memory-mib”?"), "{error}");
    let error = refusal("[settings.x]\ntype = \"string\"\ndefualt = \"\"");
    assert!(error.contains("settings.x.defualt"), "{error}");
    assert!(error.contains("did you mean “default”?"), "{error}");
}

#[test]
fn a_key_that_is_like_no_other_is_refused_with_all_there_are() {
    let error = refusal("[limits]\nqqq = 1");
    assert!(error.ends_with("known are memory-mib, cpu-ms, wall-ms, output-kib"), "{error}");
}

#[test]
fn an_unknown_role_type_or_grant_is_refused_with_the_one_that_was_meant() {
    let role = Manifest::parse(&WHOLE.replace("\"command-policy\"", "\"command_policy\""));
    assert!(role.unwrap_err().to_string().contains("did you mean “command-policy”?"));
    let error = refusal("[settings.x]\ntype = \"bool\"");
    assert!(error.contains("settings.x.type: unknown type “bool”; did you mean “boolean”?"));
    assert!(refusal("grants = [\"projectfiles\"]").contains("did you mean “project-files”?"));
    assert!(refusal("grants = [\"secrets/x\"]").contains("did you mean “secret/NAME”?"));
    assert!(refusal("grants = [\"secret/a b\"]").contains("write “secret/” and"));
}

#[test]
fn an_import_has_a_version() {
    let error = refusal("imports = [\"lockhouse:host/log\"]");
    assert!(error.contains("such as “lockhouse:host/log@0.1.0”"), "{error}");
}

#[test]
fn a_default_is_of_its_settings_type() {
    let error = refusal("[settings.x]\ntype = \"integer\"\ndefault = \"1\"");
    assert!(error.contains("settings.x.default: \"1\" is not of the type integer"), "{error}");
    assert!(with("[settings.x]\ntype = \"number\"\ndefault = 1").is_ok());
    let error = refusal("[settings.x]\ntype = \"array\"\ndefault = [1979-05-27]");
    assert!(error.contains("JSON has no dates"), "{error}");
    let error = refusal("[settings.x]\ntype = \"number\"\ndefault = nan");
    assert!(error.contains("NaN is no number that JSON has"), "{error}");
}

#[test]
fn a_limit_is_a_positive_number() {
    assert!(refusal("[limits]\ncpu-ms = 0").contains("a whole number from 1"));
    assert!(refusal("[limits]\ncpu-ms = 5000000000").contains("a whole number from 1"));
}

#[test]
fn a_manifest_is_bounded_in_every_direction() {
    let long = format!("# {}", "x".repeat(MAX_BYTES));
    assert!(matches!(with(&long), Err(Error::TooLong(_))));
    let grants: Vec<String> = (0..101).map(|n| format!("\"secret/s{n}\"")).collect();
    assert!(refusal(&format!("grants = [{}]", grants.join(","))).contains("limit 100"));
    let settings: String =
        (0..101).map(|n| format!("[settings.s{n}]\ntype = \"string\"\n")).collect();
    assert!(refusal(&settings).contains("limit 100"));
    assert!(refusal("grants = [\"kv\", \"kv\"]").contains("“kv” stands there twice"));
}

#[test]
fn an_error_repeats_little_of_the_text_and_no_control_characters() {
    let error = refusal(&format!("\"\\u001b[2J{}\" = 1", "x".repeat(5_000)));
    assert!(error.len() < 600 && !error.contains('\u{1b}'), "{error}");
    let error = refusal("id =");
    assert!(error.starts_with("plugin.toml is no TOML: line 5: "), "{error}");
}

#[test]
fn a_host_that_is_too_old_is_told_with_both_versions() {
    let manifest =
        Manifest::parse(&WHOLE.replace("minimum-host = \"0.1.0\"", "minimum-host = \"0.4.0\""));
    let error = manifest.unwrap().check_host(&Version::new(0, 3, 9)).unwrap_err().to_string();
    assert!(error.contains("layered needs Lockhouse 0.4.0 or later, and this is 0.3.9"), "{error}");
}

#[test]
fn a_host_as_old_as_it_needs_is_enough() {
    Manifest::parse(WHOLE).unwrap().check_host(&Version::new(0, 1, 0)).unwrap();
}

#[test]
fn an_import_that_is_not_asked_for_is_refused_with_what_to_add() {
    let manifest = Manifest::parse(WHOLE).unwrap();
    let imports = ["lockhouse:types/common@0.1.0", "lockhouse:host/log@0.1.0"].map(str::to_owned);
    let error = manifest.check_against(&imports, &["command-policy"]).unwrap_err().to_string();
    assert!(error.contains("add \"lockhouse:host/log@0.1.0\" to `imports`"), "{error}");
}

#[test]
fn a_component_may_import_less_than_its_manifest_asks_for() {
    let types = ["lockhouse:types/errors@0.1.0", "lockhouse:agent/types@0.1.0"].map(str::to_owned);
    Manifest::parse(WHOLE).unwrap().check_against(&types, &["command-policy"]).unwrap();
}

#[test]
fn roles_are_those_that_the_component_plays() {
    let manifest = with("").unwrap();
    let error = manifest.check_against(&[], &["planner", "writer"]).unwrap_err().to_string();
    assert!(error.contains("write roles = [\"planner\", \"writer\"] in plugin.toml"), "{error}");
    manifest.check_against(&[], &["planner"]).unwrap();
}

#[test]
fn name_and_version_are_those_that_the_plugin_tells() {
    let manifest = Manifest::parse(WHOLE).unwrap();
    manifest.check_description("layered", "0.1.0").unwrap();
    let error = manifest.check_description("layered", "0.2.0").unwrap_err().to_string();
    assert!(error.contains("says layered 0.1.0, and `describe` answers layered 0.2.0"), "{error}");
}

#[test]
fn a_manifest_is_found_inside_its_component() {
    let bytes = component(&[("name", b"x"), (SECTION, WHOLE.as_bytes())]);
    assert_eq!(Manifest::find(&bytes).unwrap(), Some(Manifest::parse(WHOLE).unwrap()));
    assert_eq!(Manifest::find(&component(&[])).unwrap(), None);
}

#[test]
fn two_manifests_in_one_component_are_refused() {
    let section = (SECTION, WHOLE.as_bytes());
    let error = Manifest::find(&component(&[section, section])).unwrap_err().to_string();
    assert!(error.contains("there are two"), "{error}");
}

#[test]
fn a_manifest_of_something_nested_is_not_the_components() {
    let inner = component(&[(SECTION, WHOLE.as_bytes())]);
    let mut outer = component(&[]);
    outer.push(4);
    outer.extend(leb128(inner.len()));
    outer.extend(inner);
    assert_eq!(Manifest::find(&outer).unwrap(), None);
}

#[test]
fn what_is_no_component_has_no_manifest() {
    assert!(matches!(Manifest::find(b"hello, world"), Err(Error::Section(_))));
    let error = Manifest::find(b"\0asm\x01\0\0\0").unwrap_err().to_string();
    assert!(error.contains("core module"), "{error}");
    assert!(Manifest::find(&component(&[(SECTION, b"\xff")])).is_err());
}
