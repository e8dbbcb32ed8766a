//! The fourth layer: paths that leave the workspace or lie in the system.

use crate::{
    expand::{Field, UNKNOWN},
    finding::{Finding, Rule},
    scope::Scope,
    verdict::Risk,
};

/// Where a project lies in its runtime.
pub(crate) const WORKSPACE: &str = "/workspace";
const TEMPORARY: &str = "/tmp";

const SYSTEM: &[&str] = &[
    "etc", "var", "usr", "root", "proc", "sys", "dev", "boot", "run", "bin", "sbin", "lib",
    "lib32", "lib64",
];
/// Programs may be called by these paths.
const PROGRAM_FOLDERS: &[&str] =
    &["/bin", "/sbin", "/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin", "/opt"];
/// Devices that anything may read and write.
const HARMLESS_DEVICES: &[&str] =
    &["null", "zero", "full", "random", "urandom", "stdin", "stdout", "stderr", "tty", "fd"];
/// How the names of disks, memory and other raw devices begin.
const RAW_DEVICES: &[&str] = &[
    "sd", "hd", "vd", "xvd", "nvme", "mmcblk", "disk", "mapper", "dm-", "md", "loop", "ram", "nbd",
    "mem", "kmem", "port", "sr", "mtd",
];
/// Files that hold accounts and passwords.
const ACCOUNTS: &[&str] =
    &["/etc/passwd", "/etc/shadow", "/etc/gshadow", "/etc/group", "/etc/sudoers"];

/// Joins a path to an absolute folder and removes `.` and `..`; what would leave `/` stays there.
pub(crate) fn resolve(base: &str, path: &str) -> Option<String> {
    if path.contains(UNKNOWN) {
        return None;
    }
    let base = if path.starts_with('/') { "" } else { base };
    let mut names: Vec<&str> = Vec::new();
    for name in base.split('/').chain(path.split('/')) {
        match name {
            "" | "." => {}
            ".." => {
                names.pop();
            }
            name => names.push(name),
        }
    }
    Some(format!("/{}", names.join("/")))
}

pub(crate) fn is_below(path: &str, folder: &str) -> bool {
    path.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Judges an argument or the target of a redirection that may be a path.
pub(crate) fn check(field: &Field, scope: &Scope, strict: bool) -> Option<Finding> {
    let folded = folded(&field.text);
    let text = folded.as_deref().unwrap_or(&field.text);
    if strict && text.starts_with(UNKNOWN) {
        return Some(unknown());
    }
    if !text.contains(['/', '.']) && !is_elsewhere(scope) {
        return None;
    }
    candidates(text).find_map(|path| {
        let path = knowable(path);
        if path.starts_with('/') {
            absolute(&path, strict)
        } else if path.split('/').any(|name| name == "..") {
            relative(&path, scope, strict)
        } else if is_elsewhere(scope) && !path.starts_with('-') {
            absolute(&resolve(scope.cwd.as_deref()?, &path)?, strict)
        } else {
            None
        }
    })
}

/// Judges a folder that a program is told to work in.
pub(crate) fn check_folder(field: &Field, scope: &Scope) -> Option<Finding> {
    let path = resolve(scope.cwd.as_deref()?, &knowable(&field.text))?;
    let is_inside = is_below(&path, WORKSPACE) || is_below(&path, TEMPORARY);
    if is_inside { None } else { Some(absolute(&path, false).unwrap_or_else(|| outside(&path))) }
}

/// The directory is one in which plain names lie in the system.
fn is_elsewhere(scope: &Scope) -> bool {
    scope.cwd.as_deref().is_some_and(|cwd| !is_below(cwd, WORKSPACE) && !is_below(cwd, TEMPORARY))
}

/// The text with plain letters in place of what only looks like them; none if it has no others.
pub(crate) fn folded(text: &str) -> Option<String> {
    if text.is_ascii() {
        return None;
    }
    let fold = |character: char| match character {
        '\u{ff01}'..='\u{ff5e}' => u8::try_from(u32::from(character) - 0xfee0).map(char::from).ok(),
        '\u{2215}' | '\u{2044}' | '\u{29f8}' => Some('/'),
        '\u{2024}' => Some('.'),
        '\u{2010}'..='\u{2015}' | '\u{2212}' => Some('-'),
        '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}' => None,
        other => Some(other),
    };
    Some(text.chars().filter_map(fold).collect())
}

/// A file in a folder of programs.
pub(crate) fn is_program(path: &str) -> bool {
    path.starts_with('/')
        && !path.contains(['*', '?', '[', UNKNOWN])
        && resolve("/", path).is_some_and(|path| {
            let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
            PROGRAM_FOLDERS.contains(&folder)
        })
}

/// A program called by its path: the folders of programs are open to that.
pub(crate) fn check_program(field: &Field, scope: &Scope, strict: bool) -> Option<Finding> {
    let resolved = resolve("/", &field.text)?;
    let folder = resolved.rsplit_once('/').map_or("", |(folder, _)| folder);
    if !strict && field.text.starts_with('/') && PROGRAM_FOLDERS.contains(&folder) {
        return None;
    }
    check(field, scope, strict)
}

/// The argument itself, and what stands behind `--option=`, `key=`, `@` and `file://`.
fn candidates(text: &str) -> impl Iterator<Item = &str> {
    let value = text.split_once('=').map(|(_, value)| value);
    [Some(text), value, text.strip_prefix('@'), value.and_then(|value| value.strip_prefix('@'))]
        .into_iter()
        .flatten()
        .map(|path| path.strip_prefix("file://").unwrap_or(path))
}

/// A variable that is not set leaves nothing: `$UNSET/etc` is `/etc`. Elsewhere an unknown part
/// may be anything, as a pattern may.
fn knowable(path: &str) -> String {
    path.trim_start_matches(UNKNOWN).replace(UNKNOWN, "*")
}

fn absolute(path: &str, strict: bool) -> Option<Finding> {
    let path = resolve("/", path)?;
    let mut names = path.trim_start_matches('/').split('/');
    let first = names.next().unwrap_or_default();
    let second = names.next().unwrap_or_default();
    if glob_matches(first, "dev") && !second.is_empty() {
        if HARMLESS_DEVICES.contains(&second) || is_own_port(&path) {
            return None;
        }
        if RAW_DEVICES.iter().any(|device| second.starts_with(device)) {
            return Some(raw_device(&path));
        }
    }
    if SYSTEM.iter().any(|folder| glob_matches(first, folder)) {
        return Some(system(&path));
    }
    let is_outside = !is_below(&path, WORKSPACE) && !path.is_empty();
    (strict && is_outside).then(|| outside(&path))
}

/// The shell's way to ask whether a port of this runtime is open.
fn is_own_port(path: &str) -> bool {
    ["localhost", "127.0.0.1", "::1"].iter().any(|host| {
        path.strip_prefix("/dev/tcp/").is_some_and(|rest| rest.split('/').next() == Some(host))
    })
}

fn relative(path: &str, scope: &Scope, strict: bool) -> Option<Finding> {
    let Some(cwd) = &scope.cwd else {
        let reason = format!("Where `{path}` leads can't be known, since the directory can't.");
        return Some(
            Finding::deny(Rule::PathTraversal, Risk::Dangerous, reason)
                .advise("Name the directory, or write the path from the workspace."),
        );
    };
    let resolved = resolve(cwd, path)?;
    let is_inside = is_below(&resolved, WORKSPACE) || is_below(&resolved, TEMPORARY);
    if is_inside && !strict {
        return None;
    }
    if path == ".." && !strict {
        return absolute(&resolved, strict);
    }
    Some(absolute(&resolved, strict).unwrap_or_else(|| outside(path)))
}

fn raw_device(path: &str) -> Finding {
    let reason = format!("`{path}` is a raw device; writing to it destroys a disk.");
    Finding::deny(Rule::DiskDevice, Risk::Blocked, reason)
}

fn system(path: &str) -> Finding {
    let is_account =
        ACCOUNTS.iter().any(|file| path.split('/').count() == 3 && glob_path(path, file));
    let risk = if is_account { Risk::Blocked } else { Risk::Dangerous };
    Finding::deny(Rule::SystemPath, risk, format!("`{path}` belongs to the system."))
        .advise("Keep to the files of the project, below /workspace.")
}

fn unknown() -> Finding {
    let reason = "Where a path leads that begins with a variable can't be known.".to_owned();
    Finding::deny(Rule::PathTraversal, Risk::Dangerous, reason)
        .advise("Write the path out, from the workspace.")
}

fn outside(path: &str) -> Finding {
    let reason = format!("`{path}` leaves the workspace.");
    Finding::deny(Rule::PathTraversal, Risk::Dangerous, reason)
        .advise("Keep to the files of the project, below /workspace.")
}

fn glob_path(pattern: &str, path: &str) -> bool {
    pattern.split('/').count() == path.split('/').count()
        && pattern
            .split('/')
            .zip(path.split('/'))
            .all(|(pattern, name)| glob_matches(pattern, name))
}

/// Whether a shell pattern matches a plain name. A set in brackets is taken to match any
/// character, so the answer may be yes too often but never no.
pub(crate) fn glob_matches(pattern: &str, name: &str) -> bool {
    let pattern = simplified(pattern);
    let name = name.as_bytes();
    // The one place to return to is the last star: linear enough, and no recursion.
    let (mut p, mut n, mut star) = (0, 0, None);
    while n < name.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, n));
                p += 1;
            }
            Some(byte) if *byte == b'?' || *byte == name[n] => {
                p += 1;
                n += 1;
            }
            _ => {
                let Some((at, matched)) = star else { return false };
                star = Some((at, matched + 1));
                p = at + 1;
                n = matched + 1;
            }
        }
    }
    pattern[p..].iter().all(|byte| *byte == b'*')
}

/// What follows a set such as `[a-z]` or `[[:alpha:]]`.
fn after_set(set: &str) -> Option<&str> {
    let mut characters = set.char_indices();
    // A bracket that comes first is a member.
    if !set.starts_with("[:") {
        characters.next()?;
    }
    while let Some((at, character)) = characters.next() {
        match character {
            ']' => return set.get(at + 1..),
            '[' if set.get(at + 1..)?.starts_with(':') => {
                characters.find(|(_, character)| *character == ']')?;
            }
            _ => {}
        }
    }
    None
}

/// `[…]` as `?`.
fn simplified(pattern: &str) -> Vec<u8> {
    let mut simple = Vec::with_capacity(pattern.len());
    let mut rest = pattern;
    while let Some(character) = rest.chars().next() {
        if let Some(after) = rest.strip_prefix('[').and_then(after_set) {
            simple.push(b'?');
            rest = after;
            continue;
        }
        let (head, tail) = rest.split_at(character.len_utf8());
        simple.extend_from_slice(head.as_bytes());
        rest = tail;
    }
    simple
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_made_plain_without_leaving_the_root() {
        assert_eq!(resolve("/workspace/a", "../b/./c//d").unwrap(), "/workspace/b/c/d");
        assert_eq!(resolve("/workspace", "../../../x").unwrap(), "/x");
        assert_eq!(resolve("/workspace", "/etc/../tmp").unwrap(), "/tmp");
        assert_eq!(resolve("/workspace", "").unwrap(), "/workspace");
    }

    #[test]
    fn patterns_match_what_a_shell_would_match() {
        for (pattern, name) in [("e*c", "etc"), ("?tc", "etc"), ("[a-f]tc", "etc"), ("*", "etc")] {
            assert!(glob_matches(pattern, name), "{pattern}");
        }
        for (pattern, name) in [("e?", "etc"), ("etcx", "etc"), ("src", "etc"), ("", "etc")] {
            assert!(!glob_matches(pattern, name), "{pattern}");
        }
    }
}
