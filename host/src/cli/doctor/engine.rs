//! Which engine there is, which limits it can hold, and whether its walls stand: a throw-away
//! runtime is made as for any question to an image, and says itself how it is held.

use super::database::Known;
use super::finding::Finding;
use super::place::Place;
use crate::config::Config;
use crate::ids::{InstanceId, Kind};
use crate::runtimes::engine::{Enforcement, Engine, Error};
use crate::runtimes::{disk, engines, local};

/// Installation that the runtimes of a data directory belong to that has none yet.
const NOBODY: &str = "doctor";

/// What the kernel knows of a process, as that process reads it.
const STATUS: [&str; 2] = ["cat", "/proc/self/status"];

const NO_WALLS: &str = "the kernel, or what this machine itself runs in, keeps Lockhouse from \
                        setting runtimes up; run `lockhouse images check` for what it says";

pub(super) async fn check(config: &Config, place: &Place, known: Known) -> (Vec<Finding>, ()) {
    let nobody = || NOBODY.parse().unwrap_or_else(|_| InstanceId::generate());
    let instance = known.instance.unwrap_or_else(nobody);
    let chosen = engines::choose(&config.engines, place.work(), &instance, &known.used);
    let mut found = match chosen.await {
        // The text says what to do.
        Err(error) => vec![Finding::wrong("engine", error, "")],
        Ok((engine, why)) => look(engine.as_ref(), &why).await,
    };
    found.push(disk_limit(config, place).await);
    (found, ())
}

async fn look(engine: &dyn Engine, why: &str) -> Vec<Finding> {
    let mut found = vec![match engine.describe().await {
        Ok(text) => Finding::ok("engine", format_args!("{text} ({why})")),
        Err(error) => Finding::wrong("engine", error, ""),
    }];
    found.extend(user_namespaces(engine));
    found.extend(limits(engine));
    let (kinds, able) = kinds(engine).await;
    found.push(kinds);
    if let Some(kind) = able {
        found.extend(walls(engine, kind).await);
    }
    found
}

/// Only who is not root needs them.
fn user_namespaces(engine: &dyn Engine) -> Option<Finding> {
    const CHECK: &str = "user namespaces";
    if engine.name() != "local" {
        return None;
    }
    Some(match local::needs_user_namespaces().then(local::what_forbids_user_namespaces).flatten() {
        Some((why, advice)) => Finding::wrong(CHECK, why, advice),
        None if local::needs_user_namespaces() => Finding::ok(CHECK, "they can be made"),
        None => Finding::ok(CHECK, "not needed: runtimes are started as root"),
    })
}

/// One line for all that hold, and one for each that does not.
fn limits(engine: &dyn Engine) -> Vec<Finding> {
    let enforced = engine.enforced();
    let all = [
        ("memory", enforced.memory),
        ("cpu", enforced.cpu),
        ("processes", enforced.pids),
        ("open files", enforced.open_files),
        ("/tmp", enforced.tmp),
    ];
    let (mut hold, mut found) = (Vec::new(), Vec::new());
    for (limit, how) in all {
        match how {
            Enforcement::Hard => hold.push(limit),
            Enforcement::Soft => found.push(soft(limit)),
            Enforcement::None(why) => {
                let says = format!("{limit}: not limited here");
                found.push(Finding::warning("limits", says, why));
            }
        }
    }
    if !hold.is_empty() {
        let says = format!("the kernel holds those of {}", hold.join(", "));
        found.insert(0, Finding::ok("limits", says));
    }
    found
}

fn soft(limit: &str) -> Finding {
    Finding::ok("limits", format_args!("{limit}: noticed after the fact"))
}

async fn disk_limit(config: &Config, place: &Place) -> Finding {
    let root = place.work().join("projects");
    match disk::open(config.runtimes.disk, &root, config.runtimes.ceilings.disk_bytes).await {
        Err(error) => Finding::wrong("disk limits", error, ""),
        Ok(disk) => match disk.enforced() {
            Enforcement::Hard => {
                Finding::ok("disk limits", format_args!("the kernel holds them ({})", disk.name()))
            }
            Enforcement::Soft => {
                let says = "workspaces are measured now and then; btrfs, project quotas of XFS or \
                            ext4, or runtimes.disk = \"loop\" would hold them at once";
                Finding::ok("disk limits", says)
            }
            Enforcement::None(why) => Finding::warning("disk limits", "they do not hold", why),
        },
    }
}

/// Which kinds can run here, and the first of them.
async fn kinds(engine: &dyn Engine) -> (Finding, Option<Kind>) {
    let (mut able, mut unable, mut reason) = (Vec::new(), Vec::new(), String::new());
    for kind in Kind::ALL {
        match engine.image(kind).await {
            Ok(_) => able.push(kind),
            Err(error) => {
                unable.push(kind.as_str());
                reason = error.to_string();
            }
        }
    }
    let names = able.iter().map(|kind| kind.as_str()).collect::<Vec<_>>().join(", ");
    let first = able.first().copied();
    let finding = match (able.is_empty(), unable.is_empty()) {
        (true, _) => {
            Finding::wrong("kinds", format_args!("no kind of project can run: {reason}"), "")
        }
        (false, true) => Finding::ok("kinds", format_args!("{names} can run")),
        (false, false) => {
            let unable = unable.join(", ");
            let says = format!("{names} can run; for {unable}: `lockhouse images build <kind>`");
            Finding::ok("kinds", says)
        }
    };
    (finding, first)
}

/// What a program in a runtime finds itself held by.
async fn walls(engine: &dyn Engine, kind: Kind) -> Vec<Finding> {
    match engine.ask(kind, &STATUS).await {
        Err(error) => vec![not_started(&error)],
        Ok(answer) if answer.exit_code != 0 => {
            vec![Finding::wrong("runtime", answer.stderr.trim(), NO_WALLS)]
        }
        Ok(answer) => {
            let started = format!("a throw-away {kind} runtime was started and ended");
            let mut found = vec![Finding::ok("runtime", started)];
            // A kernel of the runtime's own tells of itself.
            if engine.shares_kernel() {
                found.push(seccomp(&answer.stdout));
                found.push(privileges(&answer.stdout));
            }
            found
        }
    }
}

fn not_started(error: &Error) -> Finding {
    Finding::wrong("runtime", format_args!("none could be started: {error}"), NO_WALLS)
}

fn seccomp(status: &str) -> Finding {
    match field(status, "Seccomp:") {
        Some("2") => Finding::ok("seccomp", "system calls of runtimes are filtered"),
        _ => Finding::wrong(
            "seccomp",
            "system calls of runtimes are not filtered",
            "use a kernel with CONFIG_SECCOMP_FILTER, and an engine that is allowed to use it",
        ),
    }
}

fn privileges(status: &str) -> Finding {
    let none = |name| field(status, name).is_some_and(|bits| bits.bytes().all(|bit| bit == b'0'));
    let held = field(status, "NoNewPrivs:") == Some("1") && none("CapEff:") && none("CapBnd:");
    if held {
        return Finding::ok("privileges", "programs in runtimes have none, and gain none");
    }
    let advice = "see that no other program than the engine changes how its runtimes are started";
    Finding::wrong("privileges", "programs in runtimes have capabilities, or may gain them", advice)
}

/// The value behind a name in `/proc/…/status`.
fn field<'a>(status: &'a str, name: &str) -> Option<&'a str> {
    status.lines().find_map(|line| line.strip_prefix(name)).map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::super::finding::Verdict;
    use super::*;

    const HELD: &str =
        "CapEff:\t0000000000000000\nCapBnd:\t0000000000000000\nNoNewPrivs:\t1\nSeccomp:\t2\n";

    #[test]
    fn walls_that_stand_are_seen_and_those_that_do_not_too() {
        assert_eq!((seccomp(HELD).verdict, privileges(HELD).verdict), (Verdict::Ok, Verdict::Ok));
        assert_eq!(seccomp(&HELD.replace("Seccomp:\t2", "Seccomp:\t0")).verdict, Verdict::Wrong);
        assert_eq!(privileges(&HELD.replace("Privs:\t1", "Privs:\t0")).verdict, Verdict::Wrong);
        let capable = HELD.replace("CapBnd:\t0000", "CapBnd:\t0001");
        assert_eq!(privileges(&capable).verdict, Verdict::Wrong);
    }

    #[test]
    fn a_kernel_without_seccomp_is_wrong() {
        assert_eq!(seccomp("NoNewPrivs:\t1\n").verdict, Verdict::Wrong);
    }
}
