//! What reaches the network: let through with a remark, for the host decides who may leave.

use crate::{
    expand::Field,
    finding::{Finding, Rule},
    names::{Name, is_among, sorted},
    verdict::Risk,
};

const PROGRAMS: &[Name] = &sorted([
    "curl",
    "wget",
    "aria2c",
    "http",
    "https",
    "xh",
    "ssh",
    "scp",
    "sftp",
    "rsync",
    "ftp",
    "telnet",
    "nc",
    "ncat",
    "netcat",
    "socat",
    "lynx",
    "w3m",
    "links",
    "ping",
    "dig",
    "nslookup",
    "host",
    "traceroute",
]);

const GIT_SUBCOMMANDS: &[&str] =
    &["clone", "fetch", "pull", "push", "ls-remote", "submodule", "remote"];

pub(crate) fn check(name: &str, arguments: &[Field]) -> Option<Finding> {
    let is_git = || {
        let first = arguments.iter().find(|field| !field.text.starts_with('-'));
        name == "git" && first.is_some_and(|field| GIT_SUBCOMMANDS.contains(&field.text.as_str()))
    };
    (is_among(name, PROGRAMS) || is_git()).then(|| {
        let reason = format!("`{name}` reaches the network; the host decides which names it may.");
        Finding::note(Rule::Network, Risk::Moderate, reason)
    })
}
