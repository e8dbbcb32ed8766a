//! Room runtimes: what is true of gVisor's `runsc` under every engine.
//!
//! It runs a runtime on a kernel of its own, a program of this machine. That kernel opens the
//! server's socket and keeps our list of system calls only if it is told to. It counts processes
//! by itself: this machine sees threads of gVisor's instead, as many as it likes.

use super::engine::Limits;

/// How its program is called, and how its `--version` begins.
pub(super) const NAME: &str = "runsc";

/// The date of the oldest release on which supervisors were tried. Those of 2022 have no child
/// subreapers, so that no command's orphans could be ended with it. Asking for the date costs a
/// start of the server nothing; trying it out would cost a sandbox, and under Docker an image.
const OLDEST: u32 = 20_240_729;

/// What it must be told: to make loopback and nothing else, to let a supervisor reach the server,
/// and to keep the list of system calls.
pub(super) const FLAGS: [&str; 3] = ["--network=none", SOCKETS, "--oci-seccomp"];
const SOCKETS: &str = "--host-uds=open";
const ALL_SOCKETS: &str = "--host-uds=all";

/// Threads that gVisor has of its own, and how many it may have for each process of a runtime. A
/// kernel that gets no thread ends, and with it the runtime; this bounds what the machine bears.
const OWN_THREADS: u32 = 512;
const THREADS_PER_PROCESS: u32 = 4;

/// Whether a program of this name, or one that says this of itself, is gVisor's.
pub(super) fn is_meant_by(name: &str) -> bool {
    name.contains(NAME) || name.to_ascii_lowercase().contains("gvisor")
}

/// Why a release is not enough; `version` is what it says of itself.
pub(super) fn what_is_wrong_with(version: &str) -> Option<String> {
    match released(version) {
        Some(date) if date >= OLDEST => None,
        Some(_) => Some(format!(
            "“{version}” can't keep a command's orphans; gVisor's release {OLDEST} or a later one \
             is needed"
        )),
        None => Some(format!(
            "“{version}” does not say when it was released; gVisor's release {OLDEST} or a later \
             one is needed"
        )),
    }
}

/// What is missing among the words that a daemon says to it.
pub(super) fn what_it_is_not_told(words: &[String]) -> Option<String> {
    let told = |flag: &str| {
        let flag = flag.trim_start_matches('-');
        let switched_on = format!("{flag}=true");
        words.iter().map(|word| word.trim_start_matches('-')).any(|w| w == flag || w == switched_on)
    };
    if FLAGS.iter().all(|flag| told(flag) || (*flag == SOCKETS && told(ALL_SOCKETS))) {
        return None;
    }
    Some(format!(
        "gVisor reaches the server and holds the list of system calls only if it is told to; add \
         \"runtimeArgs\": {FLAGS:?} beside its path in Docker's daemon.json, and restart Docker"
    ))
}

/// The date in `release-20240729.0`, or in Debian's `0.0~20240729.0`.
fn released(version: &str) -> Option<u32> {
    let numbers = version.split(|c: char| !c.is_ascii_digit());
    numbers.filter(|number| number.len() == 8).find_map(|number| number.parse().ok())
}

/// How it gets onto a machine.
pub(super) fn how_to_install() -> String {
    format!("put gVisor's program “{NAME}”, release {OLDEST} or later, into a directory of PATH")
}

/// The limits that hold gVisor itself, around a runtime with these.
pub(super) fn around(limits: &Limits) -> Limits {
    let pids = limits.pids.saturating_mul(THREADS_PER_PROCESS).saturating_add(OWN_THREADS);
    Limits { pids, ..*limits }
}

/// Why a runtime that was made before the OCI runtime was changed does not start.
pub(super) const MADE_FOR_ANOTHER: &str = "the runtime was made for another OCI runtime than the \
     one that is configured now; delete it and create it again, its files stay";

/// Why a limit of processes stays as it is.
pub(super) const FIXED_PIDS: &str =
    "gVisor sets how many processes there may be when a runtime starts";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_tell_their_date_in_two_ways() {
        assert_eq!(released("runsc version release-20240729.0"), Some(20_240_729));
        assert_eq!(released("runsc version 0.0~20221219.0"), Some(20_221_219));
        assert_eq!(released("runsc version VERSION_MISSING"), None);
    }

    #[test]
    fn what_docker_tells_it_is_enough_or_the_rest_is_named() {
        let words =
            |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        let other = words(&["-oci-seccomp=true", "--host-uds=all", "--debug", "-network=none"]);
        assert_eq!(what_it_is_not_told(&words(&FLAGS)), None);
        assert_eq!(what_it_is_not_told(&other), None);
        let wrong = what_it_is_not_told(&words(&FLAGS[..2])).unwrap_or_default();
        assert!(wrong.contains(r#"["--network=none", "--host-uds=open", "--oci-seccomp"]"#));
    }

    #[test]
    fn a_release_without_subreapers_is_refused_with_the_one_that_is_needed() {
        assert_eq!(what_is_wrong_with("runsc version release-20250414.0"), None);
        let wrong = what_is_wrong_with("runsc version 0.0~20221219.0").unwrap_or_default();
        assert!(wrong.contains("20240729"), "{wrong}");
    }
}
