//! What a component says of itself before any of it is compiled: which roles
//! it plays, by the names of its exports, and what it wants, by its imports.

mod names;
mod version;

use super::fault::Error;
use super::manifest::Manifest;
use names::Names;
use version::Compatibility;

const LIFECYCLE: &str = "lockhouse:plugin/lifecycle@0.1.0";

/// Types that any component may import; there is nothing in them to call.
const TYPES: &[&str] = &[
    "lockhouse:types/common@0.1.0",
    "lockhouse:types/errors@0.1.0",
    "lockhouse:agent/types@0.1.0",
];

const POLICY_IMPORTS: &[&str] = &[
    "lockhouse:host/log@0.1.0",
    "lockhouse:host/settings@0.1.0",
    "lockhouse:host/clock@0.1.0",
    "lockhouse:host/kv@0.1.0",
];
const AGENT_IMPORTS: &[&str] = &[
    "lockhouse:host/log@0.1.0",
    "lockhouse:host/settings@0.1.0",
    "lockhouse:host/progress@0.1.0",
    "lockhouse:host/clock@0.1.0",
    "lockhouse:host/kv@0.1.0",
    "lockhouse:host/secrets@0.1.0",
    "lockhouse:host/project-files@0.1.0",
    "lockhouse:host/model@0.1.0",
];
const REPORT_IMPORTS: &[&str] =
    &["lockhouse:host/log@0.1.0", "lockhouse:host/settings@0.1.0", "lockhouse:host/clock@0.1.0"];

/// WASI, as far as it is linked: empty, see `imports/wasi.rs`.
const WASI: &[&str] = &[
    "wasi:cli/environment@0.2.12",
    "wasi:cli/exit@0.2.12",
    "wasi:cli/stderr@0.2.12",
    "wasi:cli/stdin@0.2.12",
    "wasi:cli/stdout@0.2.12",
    "wasi:cli/terminal-input@0.2.12",
    "wasi:cli/terminal-output@0.2.12",
    "wasi:cli/terminal-stderr@0.2.12",
    "wasi:cli/terminal-stdin@0.2.12",
    "wasi:cli/terminal-stdout@0.2.12",
    "wasi:clocks/monotonic-clock@0.2.12",
    "wasi:clocks/wall-clock@0.2.12",
    "wasi:filesystem/preopens@0.2.12",
    "wasi:filesystem/types@0.2.12",
    "wasi:io/error@0.2.12",
    "wasi:io/poll@0.2.12",
    "wasi:io/streams@0.2.12",
    "wasi:random/insecure-seed@0.2.12",
    "wasi:random/insecure@0.2.12",
    "wasi:random/random@0.2.12",
    "wasi:sockets/instance-network@0.2.12",
    "wasi:sockets/ip-name-lookup@0.2.12",
    "wasi:sockets/network@0.2.12",
    "wasi:sockets/tcp-create-socket@0.2.12",
    "wasi:sockets/tcp@0.2.12",
    "wasi:sockets/udp-create-socket@0.2.12",
    "wasi:sockets/udp@0.2.12",
];

/// What a component can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    CommandPolicy,
    Planner,
    Writer,
    Fixer,
    AdminReport,
}

/// The code that speaks one version of one role's interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bindings {
    CommandPolicy0_1,
    Planner0_1,
    Writer0_1,
    Fixer0_1,
    AdminReport0_1,
}

/// One version of a role's interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Interface {
    pub(super) role: Role,
    export: &'static str,
    pub(super) bindings: Bindings,
}

/// Every version of every role that this host speaks, a role's newest first.
const SPOKEN: &[Interface] = &[
    Interface {
        role: Role::CommandPolicy,
        export: "lockhouse:policy/command-policy@0.1.0",
        bindings: Bindings::CommandPolicy0_1,
    },
    Interface {
        role: Role::Planner,
        export: "lockhouse:agent/planner@0.1.0",
        bindings: Bindings::Planner0_1,
    },
    Interface {
        role: Role::Writer,
        export: "lockhouse:agent/writer@0.1.0",
        bindings: Bindings::Writer0_1,
    },
    Interface {
        role: Role::Fixer,
        export: "lockhouse:agent/fixer@0.1.0",
        bindings: Bindings::Fixer0_1,
    },
    Interface {
        role: Role::AdminReport,
        export: "lockhouse:admin/report@0.1.0",
        bindings: Bindings::AdminReport0_1,
    },
];

impl Role {
    pub const ALL: [Self; 5] =
        [Self::CommandPolicy, Self::Planner, Self::Writer, Self::Fixer, Self::AdminReport];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::CommandPolicy => "command-policy",
            Self::Planner => "planner",
            Self::Writer => "writer",
            Self::Fixer => "fixer",
            Self::AdminReport => "admin-report",
        }
    }

    /// What it is called where it keeps to itself: whoever judges or reports
    /// does not work on projects.
    fn alone(self) -> Option<&'static str> {
        match self {
            Self::CommandPolicy => Some("a policy"),
            Self::AdminReport => Some("a report"),
            Self::Planner | Self::Writer | Self::Fixer => None,
        }
    }

    fn imports(self) -> &'static [&'static str] {
        match self {
            Self::CommandPolicy => POLICY_IMPORTS,
            Self::Planner | Self::Writer | Self::Fixer => AGENT_IMPORTS,
            Self::AdminReport => REPORT_IMPORTS,
        }
    }
}

/// Roles as a sentence names them.
pub(super) fn listed(roles: &[Role]) -> String {
    roles.iter().map(|role| role.as_str()).collect::<Vec<_>>().join(", ")
}

/// The manifest inside a component, which must say what the component is: what
/// it imports and plays. `None` where there is none; it then asks for nothing.
pub(super) fn manifest(name: &str, bytes: &[u8]) -> Result<Option<Manifest>, Error> {
    let names = names::read(name, bytes)?;
    let Some(manifest) = Manifest::find(bytes)? else { return Ok(None) };
    if let Ok(host) = env!("CARGO_PKG_VERSION").parse() {
        manifest.check_host(&host)?;
    }
    let played = roles(name, &names, SPOKEN)?;
    let played: Vec<_> = played.iter().map(|interface| interface.role.as_str()).collect();
    manifest.check_against(&names.imports, &played)?;
    Ok(Some(manifest))
}

/// Finds what a component plays; an error says what is wrong with it in words
/// its author can act on. `name` is what to call it until it names itself.
pub(super) fn played(name: &str, bytes: &[u8]) -> Result<Vec<Interface>, Error> {
    let names = names::read(name, bytes)?;
    let played = roles(name, &names, SPOKEN)?;
    check_imports(name, &names, &played)?;
    Ok(played)
}

fn roles(name: &str, names: &Names, spoken: &[Interface]) -> Result<Vec<Interface>, Error> {
    let refuse = |why: String| Error::Role { name: name.to_owned(), why };
    check_exports(name, names, spoken)?;
    if !names.exports(LIFECYCLE) {
        return Err(refuse(format!("does not export {LIFECYCLE}, which every plugin must")));
    }
    let mut played: Vec<Interface> = Vec::new();
    for interface in spoken.iter().filter(|interface| names.exports(interface.export)) {
        // The newest version of a role stands first.
        if !played.iter().any(|other| other.role == interface.role) {
            played.push(*interface);
        }
    }
    if played.is_empty() {
        let known: Vec<_> = spoken.iter().map(|interface| interface.export).collect();
        let known = known.join(", ");
        return Err(refuse(format!(
            "plays no role this host knows; export one or more of {known}"
        )));
    }
    let alone = played.iter().find_map(|interface| interface.role.alone());
    if let Some(alone) = alone.filter(|_| played.len() > 1) {
        let roles: Vec<_> = played.iter().map(|interface| interface.role).collect();
        return Err(refuse(format!(
            "plays {}; {alone} plays no other role, so make one component of it and one of the rest",
            listed(&roles)
        )));
    }
    Ok(played)
}

/// Refuses an interface of ours at a version that is not spoken.
fn check_exports(name: &str, names: &Names, spoken: &[Interface]) -> Result<(), Error> {
    let ours: Vec<_> = spoken.iter().map(|interface| interface.export).chain([LIFECYCLE]).collect();
    for export in &names.exports {
        let interface = version::interface(export);
        let versions: Vec<_> =
            ours.iter().filter(|known| version::interface(known) == interface).copied().collect();
        if !versions.is_empty() && !versions.contains(&export.as_str()) {
            return Err(Error::Version {
                name: name.to_owned(),
                export: export.clone(),
                spoken: versions.join(" and "),
            });
        }
    }
    Ok(())
}

/// A component may import what any one of its roles may.
fn check_imports(name: &str, names: &Names, played: &[Interface]) -> Result<(), Error> {
    let allowed: Vec<&str> =
        played.iter().flat_map(|interface| interface.role.imports()).copied().collect();
    names.imports.iter().try_for_each(|import| check_import(name, import, played, &allowed))
}

fn check_import(
    name: &str,
    import: &str,
    played: &[Interface],
    allowed: &[&str],
) -> Result<(), Error> {
    let offered = || allowed.iter().chain(TYPES).chain(WASI).copied();
    match version::judge(import, offered()) {
        Compatibility::Offered => Ok(()),
        Compatibility::Version(offered) => Err(Error::ImportVersion {
            name: name.to_owned(),
            import: import.to_owned(),
            offered: offered.to_owned(),
            advice: version::advice(import, offered),
        }),
        Compatibility::Unknown => {
            let roles: Vec<_> = played.iter().map(|interface| interface.role).collect();
            let mut allowed = allowed.to_vec();
            allowed.sort_unstable();
            allowed.dedup();
            Err(Error::Import {
                name: name.to_owned(),
                import: import.to_owned(),
                roles: listed(&roles),
                others: others(import),
                allowed: allowed.join(", "),
            })
        }
    }
}

/// Which roles may have an import that this one may not.
fn others(import: &str) -> String {
    let may = |role: &Role| {
        role.imports().iter().any(|known| version::interface(known) == version::interface(import))
    };
    let roles: Vec<_> = Role::ALL.into_iter().filter(may).collect();
    match roles.as_slice() {
        [] => "this host does not offer it".to_owned(),
        roles => format!("this host offers it to {}", listed(roles)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: [&str; 2] = [LIFECYCLE, "lockhouse:policy/command-policy@0.1.0"];
    const PLANNER: [&str; 2] = [LIFECYCLE, "lockhouse:agent/planner@0.1.0"];

    fn names(imports: &[&str], exports: &[&str]) -> Names {
        let own = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        Names { imports: own(imports), exports: own(exports) }
    }

    fn roles_of(exports: &[&str]) -> Result<Vec<Role>, Error> {
        let played = roles("x", &names(&[], exports), SPOKEN)?;
        Ok(played.into_iter().map(|interface| interface.role).collect())
    }

    /// What is said of a component with this import.
    fn import(import: &str, exports: &[&str]) -> Result<(), String> {
        let names = names(&[import], exports);
        let played = roles("x", &names, SPOKEN).unwrap();
        check_imports("x", &names, &played).map_err(|error| error.to_string())
    }

    #[test]
    fn a_role_is_read_from_the_names_of_the_exports() {
        assert_eq!(roles_of(&POLICY).unwrap(), [Role::CommandPolicy]);
        assert_eq!(roles_of(&PLANNER).unwrap(), [Role::Planner]);
    }

    #[test]
    fn a_component_may_plan_write_and_fix() {
        let exports = [
            LIFECYCLE,
            "lockhouse:agent/fixer@0.1.0",
            "lockhouse:agent/planner@0.1.0",
            "lockhouse:agent/writer@0.1.0",
        ];
        assert_eq!(roles_of(&exports).unwrap(), [Role::Planner, Role::Writer, Role::Fixer]);
    }

    #[test]
    fn a_policy_plays_no_other_role() {
        let error = roles_of(&[POLICY[0], POLICY[1], PLANNER[1]]).unwrap_err().to_string();
        assert!(
            error.contains("plays command-policy, planner; a policy plays no other"),
            "{error}"
        );
    }

    #[test]
    fn a_report_plays_no_other_role() {
        let error = roles_of(&[LIFECYCLE, "lockhouse:admin/report@0.1.0", PLANNER[1]]).unwrap_err();
        let error = error.to_string();
        assert!(
            error.contains("plays planner, admin-report; a report plays no other role"),
            "{error}"
        );
    }

    #[test]
    fn a_report_keeps_no_values() {
        let report = [LIFECYCLE, "lockhouse:admin/report@0.1.0"];
        let error = import("lockhouse:host/kv@0.1.0", &report).unwrap_err();
        assert!(error.contains("which a plugin that plays admin-report may not"), "{error}");
        assert!(import("lockhouse:host/clock@0.1.0", &report).is_ok());
    }

    #[test]
    fn a_component_without_a_role_is_told_which_there_are() {
        let error = roles_of(&[LIFECYCLE]).unwrap_err().to_string();
        assert!(error.contains("lockhouse:policy/command-policy@0.1.0"), "{error}");
        assert!(error.contains("lockhouse:agent/fixer@0.1.0"), "{error}");
    }

    #[test]
    fn a_component_that_does_not_say_who_it_is_is_refused() {
        let error = roles_of(&POLICY[1..]).unwrap_err().to_string();
        assert!(error.contains("does not export lockhouse:plugin/lifecycle@0.1.0"), "{error}");
    }

    #[test]
    fn a_version_this_host_does_not_speak_is_named_with_the_one_it_does() {
        let error = roles_of(&[LIFECYCLE, "lockhouse:policy/command-policy@7.0.0"]).unwrap_err();
        let error = error.to_string();
        assert!(error.contains("command-policy@7.0.0"), "{error}");
        assert!(error.contains("speaks lockhouse:policy/command-policy@0.1.0"), "{error}");
    }

    #[test]
    fn two_versions_of_a_role_stand_side_by_side() {
        let newer = Interface { export: "lockhouse:agent/planner@0.2.0", ..SPOKEN[1] };
        let spoken = [newer, SPOKEN[1]];
        let old = roles("x", &names(&[], &PLANNER), &spoken).unwrap();
        let both = roles("x", &names(&[], &[PLANNER[0], PLANNER[1], newer.export]), &spoken);
        assert_eq!((old[0], both.unwrap()[0]), (SPOKEN[1], newer));
        let error = roles("x", &names(&[], &["lockhouse:agent/planner@0.3.0"]), &spoken);
        let error = error.unwrap_err().to_string();
        let spoken = "lockhouse:agent/planner@0.2.0 and lockhouse:agent/planner@0.1.0";
        assert!(error.contains(spoken), "{error}");
    }

    #[test]
    fn a_policy_may_not_report_progress() {
        let error = import("lockhouse:host/progress@0.1.0", &POLICY).unwrap_err();
        assert!(error.contains("x imports lockhouse:host/progress@0.1.0"), "{error}");
        assert!(error.contains("offers it to planner, writer, fixer"), "{error}");
        assert!(error.contains("lockhouse:host/log@0.1.0"), "{error}");
    }

    #[test]
    fn an_import_newer_than_the_host_is_refused_with_both_versions() {
        let error = import("lockhouse:host/log@0.1.7", &POLICY).unwrap_err();
        assert!(error.contains("x imports lockhouse:host/log@0.1.7"), "{error}");
        assert!(error.contains("offers lockhouse:host/log@0.1.0"), "{error}");
        assert!(error.contains("update Lockhouse"), "{error}");
        assert!(import("lockhouse:host/log@0.1.0", &POLICY).is_ok());
    }
}
