//! What a component says of itself before any of it is compiled: which roles
//! it plays, by the names of its exports, and what it wants, by its imports.

use wasmparser::{Encoding, Parser, Payload};

use super::fault::Error;

/// More imports or exports than this are refused unread.
const MAX_NAMES: usize = 100;
/// A longer name is no name of ours.
const MAX_NAME_BYTES: usize = 200;

const LIFECYCLE: &str = "lockhouse:plugin/lifecycle";
/// Interfaces of types and the two imports every role has.
const SHARED_IMPORTS: &[&str] = &[
    "lockhouse:types/common@0.1.0",
    "lockhouse:types/errors@0.1.0",
    "lockhouse:host/log@0.1.0",
    "lockhouse:host/settings@0.1.0",
];
const AGENT_IMPORTS: &[&str] = &["lockhouse:agent/types@0.1.0", "lockhouse:host/progress@0.1.0"];

/// What a component is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    Policy,
    /// Plans and writes.
    Agent,
}

/// One role, and what marks it.
struct Marks {
    role: Role,
    /// Interfaces, without version, that are all exported.
    exports: &'static [&'static str],
    imports: &'static [&'static str],
}

const ROLES: &[Marks] = &[
    Marks { role: Role::Policy, exports: &["lockhouse:policy/command-policy"], imports: &[] },
    Marks {
        role: Role::Agent,
        exports: &["lockhouse:agent/planner", "lockhouse:agent/writer"],
        imports: AGENT_IMPORTS,
    },
];

/// The version of every interface this host speaks.
const SPOKEN: &str = "0.1.0";

impl Role {
    /// As the manifest and the API name it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Policy => "command-policy",
            Self::Agent => "agent",
        }
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Policy => "a policy",
            Self::Agent => "an agent",
        }
    }
}

/// Outer names of a component.
#[derive(Debug, Default)]
struct Names {
    imports: Vec<String>,
    exports: Vec<String>,
}

/// Finds the role of a component; an error says what is wrong with it in words
/// its author can act on. `name` is what to call it until it names itself.
pub(super) fn role(name: &str, bytes: &[u8]) -> Result<Role, Error> {
    let names = read(name, bytes)?;
    check_versions(name, &names)?;
    let marks = marks(name, &names)?;
    check_imports(name, &names, marks)?;
    Ok(marks.role)
}

fn read(name: &str, bytes: &[u8]) -> Result<Names, Error> {
    let refuse = |why: String| Error::NotAComponent { name: name.to_owned(), why };
    let mut names = Names::default();
    // Sections of what is nested inside say nothing about the component itself.
    let mut depth = 0_usize;
    for payload in Parser::new(0).parse_all(bytes) {
        match payload.map_err(|error| refuse(error.message().to_owned()))? {
            Payload::Version { encoding: Encoding::Module, .. } if depth == 0 => {
                return Err(refuse("it is a core module; wrap it with wit-component".to_owned()));
            }
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::ComponentImportSection(section) if depth == 0 => {
                for import in section {
                    let import = import.map_err(|error| refuse(error.message().to_owned()))?;
                    push(&mut names.imports, import.name.name).map_err(refuse)?;
                }
            }
            Payload::ComponentExportSection(section) if depth == 0 => {
                for export in section {
                    let export = export.map_err(|error| refuse(error.message().to_owned()))?;
                    push(&mut names.exports, export.name.name).map_err(refuse)?;
                }
            }
            _ => {}
        }
    }
    Ok(names)
}

fn push(names: &mut Vec<String>, name: &str) -> Result<(), String> {
    if names.len() == MAX_NAMES {
        return Err(format!("it has more than {MAX_NAMES} imports or exports"));
    }
    if name.len() > MAX_NAME_BYTES {
        return Err(format!("it has a name of more than {MAX_NAME_BYTES} bytes"));
    }
    names.push(name.to_owned());
    Ok(())
}

/// `a:b/c@1.0.0` as its two parts.
fn split(name: &str) -> (&str, &str) {
    name.split_once('@').unwrap_or((name, ""))
}

fn check_versions(name: &str, names: &Names) -> Result<(), Error> {
    let known = ROLES.iter().flat_map(|marks| marks.exports).chain([&LIFECYCLE]);
    for interface in known {
        let other = names.exports.iter().find(|export| {
            let (exported, version) = split(export);
            exported == *interface && version != SPOKEN
        });
        if let Some(export) = other {
            return Err(Error::Version {
                name: name.to_owned(),
                export: export.clone(),
                spoken: format!("{interface}@{SPOKEN}"),
            });
        }
    }
    Ok(())
}

fn exports(names: &Names, interface: &str) -> bool {
    names.exports.iter().any(|export| split(export).0 == interface)
}

fn marks(name: &str, names: &Names) -> Result<&'static Marks, Error> {
    let refuse = |why: String| Error::Role { name: name.to_owned(), why };
    if !exports(names, LIFECYCLE) {
        return Err(refuse(format!(
            "does not export {LIFECYCLE}@{SPOKEN}, which every plugin must"
        )));
    }
    let played: Vec<_> =
        ROLES.iter().filter(|m| m.exports.iter().all(|e| exports(names, e))).collect();
    match played.as_slice() {
        [one] => Ok(one),
        [] => {
            Err(refuse(format!("plays no role this host knows; export one of {}", known_roles())))
        }
        _ => Err(refuse("plays several roles; make one component of each".to_owned())),
    }
}

fn known_roles() -> String {
    let role = |marks: &Marks| {
        let exports: Vec<_> = marks.exports.iter().map(|e| format!("{e}@{SPOKEN}")).collect();
        exports.join(" with ")
    };
    ROLES.iter().map(role).collect::<Vec<_>>().join(", ")
}

fn check_imports(name: &str, names: &Names, marks: &Marks) -> Result<(), Error> {
    let allowed: Vec<_> = SHARED_IMPORTS.iter().chain(marks.imports).copied().collect();
    match names.imports.iter().find(|import| !allowed.contains(&import.as_str())) {
        None => Ok(()),
        Some(import) => Err(Error::Import {
            name: name.to_owned(),
            import: import.clone(),
            role: marks.role.as_str(),
            allowed: allowed.join(", "),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(imports: &[&str], exports: &[&str]) -> Names {
        let own = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        Names { imports: own(imports), exports: own(exports) }
    }

    const POLICY: [&str; 2] =
        ["lockhouse:plugin/lifecycle@0.1.0", "lockhouse:policy/command-policy@0.1.0"];

    #[test]
    fn a_core_module_is_refused() {
        let error = role("x.wasm", b"\0asm\x01\0\0\0").unwrap_err();
        assert!(
            error
                .to_string()
                .contains("x.wasm is not a WebAssembly component: it is a core module")
        );
    }

    #[test]
    fn bytes_that_are_no_wasm_are_refused() {
        assert!(matches!(role("x.wasm", b"hello, world"), Err(Error::NotAComponent { .. })));
    }

    #[test]
    fn a_role_is_read_from_the_names_of_the_exports() {
        assert_eq!(marks("x", &names(&[], &POLICY)).unwrap().role, Role::Policy);
    }

    #[test]
    fn a_component_without_a_role_is_told_which_there_are() {
        let error = marks("x", &names(&[], &POLICY[..1])).err().unwrap().to_string();
        assert!(error.contains("lockhouse:policy/command-policy@0.1.0"), "{error}");
        assert!(error.contains("lockhouse:agent/planner@0.1.0 with lockhouse:agent/writer@0.1.0"));
    }

    #[test]
    fn a_version_this_host_does_not_speak_is_named_with_the_one_it_does() {
        let error = check_versions("x", &names(&[], &["lockhouse:policy/command-policy@7.0.0"]));
        let error = error.unwrap_err().to_string();
        assert!(error.contains("command-policy@7.0.0"), "{error}");
        assert!(error.contains("speaks lockhouse:policy/command-policy@0.1.0"), "{error}");
    }

    #[test]
    fn a_policy_may_not_report_progress() {
        let names = names(&["lockhouse:host/progress@0.1.0"], &POLICY);
        let error = check_imports("x", &names, &ROLES[0]).unwrap_err().to_string();
        assert!(error.contains("x imports lockhouse:host/progress@0.1.0"), "{error}");
        assert!(error.contains("lockhouse:host/log@0.1.0"), "{error}");
    }
}
