//! The second layer's first pattern: removing or ruining the root or a home.

use crate::{
    expand::{Field, UNKNOWN},
    finding::{Finding, Rule},
    rules::paths::{WORKSPACE, folded, glob_matches, is_below, resolve},
    scope::Scope,
    verdict::Risk,
};

/// Programs that remove what they are given.
const REMOVERS: &[&str] = &["rm", "rmdir", "unlink", "shred", "srm", "trash", "rimraf", "del"];
/// Programs that ruin what they are given, if told to go through all of it.
const RECURSIVE: &[&str] = &["chmod", "chown", "chgrp", "setfacl"];
/// Folders that may be emptied below, but are no home and no part of the system.
const OPEN_FOLDERS: &[&str] = &["/tmp", WORKSPACE];
const HOMES: &[&str] = &["/home", "/root"];

enum Target {
    Root,
    Home,
    Workspace,
    Inside,
    Unknown,
}

pub(crate) fn check(name: &str, arguments: &[Field], scope: &Scope) -> Option<Finding> {
    let recursive = arguments.iter().any(|field| is_recursive(&field.text));
    let removes = REMOVERS.contains(&name);
    let ruins = (RECURSIVE.contains(&name) && recursive) || name == "mv";
    if name == "rsync" && arguments.iter().any(|field| field.text.starts_with("--del")) {
        let target = arguments.iter().rfind(|field| !field.text.starts_with('-'))?;
        return judge(name, target, scope, false, true);
    }
    if name == "tar" {
        return unpacked(arguments, scope);
    }
    if name == "ln" {
        return linked(arguments, scope);
    }
    if !removes && !ruins {
        return None;
    }
    let mut worst: Option<Finding> = None;
    for field in operands(arguments) {
        let Some(finding) = judge(name, field, scope, removes, recursive) else { continue };
        if worst.as_ref().is_none_or(|worst| finding.outweighs(worst)) {
            worst = Some(finding);
        }
    }
    worst
}

/// Judges one path that is to be removed, with everything below it.
pub(crate) fn check_tree(name: &str, field: &Field, scope: &Scope) -> Option<Finding> {
    judge(name, field, scope, true, true)
}

fn judge(
    name: &str,
    field: &Field,
    scope: &Scope,
    removes: bool,
    recursive: bool,
) -> Option<Finding> {
    let shown = field.shown();
    let folded = folded(&field.text).map(|text| Field { text, ..field.clone() });
    let field = folded.as_ref().unwrap_or(field);
    let refuse = |rule, risk, what: &str| {
        let reason = format!("`{name} {shown}` would destroy {what}.");
        Some(
            Finding::deny(rule, risk, reason).advise("Name the folders of the project one by one."),
        )
    };
    match target(field, scope) {
        Target::Root => refuse(Rule::RemoveRootOrHome, Risk::Blocked, "the whole file system"),
        Target::Home => refuse(Rule::RemoveRootOrHome, Risk::Dangerous, "a home directory"),
        Target::Workspace if (recursive && removes) || name == "mv" => {
            refuse(Rule::RemoveRootOrHome, Risk::Dangerous, "everything in that folder")
        }
        Target::Unknown if recursive && removes => {
            let reason = format!("What `{name} {shown}` would remove can't be known.");
            let finding = Finding::deny(Rule::UnknownTarget, Risk::Dangerous, reason);
            Some(finding.advise("Write the path out, or begin it with a folder of the project."))
        }
        Target::Inside | Target::Unknown | Target::Workspace if removes => {
            let reason = format!("`{name}` removes files of the project.");
            Some(Finding::note(Rule::RemovesFiles, Risk::Moderate, reason))
        }
        _ => None,
    }
}

fn target(field: &Field, scope: &Scope) -> Target {
    // A variable that is not set leaves nothing, so `rm -rf "$X/"` may be `rm -rf /`.
    let text = field.text.trim_start_matches(UNKNOWN);
    let is_unknown = text.len() < field.text.len();
    if is_unknown && text.is_empty() {
        return Target::Unknown;
    }
    let text = text.replace(UNKNOWN, "*");
    let base = match (&scope.cwd, text.starts_with('/')) {
        (_, true) => "/",
        (Some(cwd), false) => cwd,
        (None, false) if text.split('/').any(|name| name == "..") => return Target::Unknown,
        (None, false) => WORKSPACE,
    };
    match resolve(base, &text).map(|path| place(&path)) {
        Some(Target::Inside | Target::Workspace) if is_unknown => Target::Unknown,
        Some(place) => place,
        None => Target::Unknown,
    }
}

fn place(path: &str) -> Target {
    // Everything in it is all of it.
    let whole = path.strip_prefix(WORKSPACE).and_then(|rest| rest.strip_prefix('/'));
    let is_all = whole.is_some_and(|rest| matches!(rest, "*" | ".*" | "?*" | ".[!.]*" | ".??*"));
    if OPEN_FOLDERS.contains(&path) || is_all {
        return Target::Workspace;
    }
    if OPEN_FOLDERS.iter().any(|folder| is_below(path, folder)) {
        return Target::Inside;
    }
    if HOMES.iter().any(|home| is_below(path, home)) {
        return Target::Home;
    }
    let mut names = path.trim_start_matches('/').split('/');
    let first = names.next().unwrap_or_default();
    let is_pattern = first.contains(['*', '?', '[']);
    if names.next().is_none() || is_pattern {
        // One name below the root is a folder of the system, or a pattern for all of them.
        return Target::Root;
    }
    if HOMES.iter().any(|home| glob_matches(first, home.trim_start_matches('/'))) {
        return Target::Home;
    }
    Target::Inside
}

/// An archive that is unpacked over the root.
fn unpacked(arguments: &[Field], scope: &Scope) -> Option<Finding> {
    let pairs = arguments.windows(2);
    let following = pairs
        .filter(|pair| matches!(pair[0].text.as_str(), "-C" | "--directory" | "--one-top-level"))
        .map(|pair| &pair[1]);
    let mut roots = following.filter(|folder| matches!(target(folder, scope), Target::Root));
    roots.next().and_then(|folder| judge("tar", folder, scope, false, true))
}

/// A link to the root or a home: what it would open is judged by no later name.
fn linked(arguments: &[Field], scope: &Scope) -> Option<Finding> {
    let field = operands(arguments).next()?;
    let path = resolve(scope.cwd.as_deref()?, &field.text)?;
    (path == "/" || HOMES.contains(&path.as_str())).then(|| {
        let reason = format!("A link to `{path}` opens all of it.");
        Finding::deny(Rule::PathTraversal, Risk::Dangerous, reason)
            .advise("Link to files of the project.")
    })
}

fn is_recursive(text: &str) -> bool {
    (text.len() > 3 && "--recursive".starts_with(text))
        || (text.starts_with('-') && !text.starts_with("--") && text.contains(['r', 'R', UNKNOWN]))
}

fn operands(arguments: &[Field]) -> impl Iterator<Item = &Field> {
    let mut options = true;
    arguments.iter().filter(move |field| {
        if options && field.text == "--" {
            options = false;
            return false;
        }
        !(options && field.text.len() > 1 && field.text.starts_with('-'))
    })
}
