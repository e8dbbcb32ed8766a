//! The first layer: programs that no project needs.

use crate::{
    expand::Field,
    finding::{Finding, Rule},
    names::{Name, is_among, sorted},
    settings::Settings,
    verdict::Risk,
};

/// Become another user. Refused, but no more than dangerous: a runtime has nobody to become.
const OTHER_USER: &[Name] = &sorted([
    "sudo",
    "su",
    "doas",
    "pkexec",
    "runuser",
    "sudoedit",
    "gosu",
    "su-exec",
    "chpst",
    "s6-setuidgid",
    "setuidgid",
    "newgrp",
    "sg",
    "machinectl",
    "run0",
]);

const CONTAINERS: &[Name] = &sorted([
    "docker",
    "dockerd",
    "docker-compose",
    "podman",
    "podman-compose",
    "nerdctl",
    "ctr",
    "crictl",
    "buildah",
    "runc",
    "crun",
    "kubectl",
    "helm",
    "minikube",
    "kind",
    "lxc",
    "lxc-start",
    "lxc-attach",
    "lxd",
    "incus",
    "k3s",
    "k3d",
    "oc",
    "microk8s",
    "k9s",
    "systemd-nspawn",
    "bwrap",
    "singularity",
    "apptainer",
]);

const SYSTEM: &[Name] = &sorted([
    "mount",
    "umount",
    "chroot",
    "unshare",
    "nsenter",
    "pivot_root",
    "setcap",
    "capsh",
    "setpriv",
    "mkswap",
    "swapon",
    "swapoff",
    "losetup",
    "fdisk",
    "sfdisk",
    "cfdisk",
    "parted",
    "wipefs",
    "shutdown",
    "reboot",
    "halt",
    "poweroff",
    "init",
    "telinit",
    "systemctl",
    "service",
    "insmod",
    "modprobe",
    "rmmod",
    "kexec",
    "sysctl",
    "iptables",
    "ip6tables",
    "nft",
    "useradd",
    "userdel",
    "usermod",
    "groupadd",
    "adduser",
    "deluser",
    "passwd",
    "chpasswd",
    "visudo",
    "crontab",
    "at",
    "batch",
    "atd",
    "fusermount",
    "fusermount3",
    "sshfs",
    "rc-service",
    "rc-update",
    "initctl",
    "sv",
    "runlevel",
    "depmod",
    "ufw",
    "firewall-cmd",
    "chsh",
    "chfn",
    "gpasswd",
    "groupdel",
    "groupmod",
    "vipw",
    "bpftool",
    "bpftrace",
    "keyctl",
    "hostnamectl",
    "timedatectl",
    "loginctl",
    "localectl",
    "mke2fs",
    "mkdosfs",
    "mknod",
    "debugfs",
    "tune2fs",
    "resize2fs",
    "blkdiscard",
    "hdparm",
    "cryptsetup",
    "lvremove",
    "vgremove",
    "pvremove",
    "mdadm",
    "efibootmgr",
    "grub-install",
    "update-grub",
    "dpkg-reconfigure",
    "start-stop-daemon",
    "switch_root",
    "kexec-load",
]);

const SCANNERS: &[Name] = &sorted([
    "nmap",
    "masscan",
    "zmap",
    "hping3",
    "tcpdump",
    "arpspoof",
    "tshark",
    "dumpcap",
    "ettercap",
    "bettercap",
    "hydra",
    "medusa",
    "sqlmap",
    "nikto",
    "zenmap",
    "rustscan",
    "unicornscan",
    "aircrack-ng",
    "msfconsole",
    "gobuster",
]);

const LISTENERS: &[&str] = &["nc", "ncat", "netcat"];

pub(crate) fn check(name: &str, arguments: &[Field], settings: &Settings) -> Option<Finding> {
    let (risk, why, advice) = objection(name, arguments, settings)?;
    if settings.unblocks(name) {
        return None;
    }
    let reason = format!("`{name}` is refused: {why}.");
    Some(Finding::deny(Rule::BlockedCommand, risk, reason).advise(advice))
}

/// How bad it is, why, and what to do instead.
type Objection = (Risk, &'static str, &'static str);

fn objection(name: &str, arguments: &[Field], settings: &Settings) -> Option<Objection> {
    let objection = if is_among(name, OTHER_USER) {
        (Risk::Dangerous, "commands never run as another user", "Run the command without it.")
    } else if is_among(name, CONTAINERS) {
        let advice = "Start the project's process instead; it runs in a runtime already.";
        (Risk::Blocked, "containers are the host's to run", advice)
    } else if is_among(name, SYSTEM) || name.starts_with("mkfs") {
        let advice = "Nothing in a project needs it; leave it out.";
        (Risk::Blocked, "it changes the system rather than the project", advice)
    } else if is_among(name, SCANNERS) {
        (Risk::Blocked, "it scans or taps networks", "Leave it out.")
    } else if listens(name, arguments) {
        let advice = "Start a server as the project's process; its port is previewed.";
        (Risk::Blocked, "it opens a listener or hands a shell to the network", advice)
    } else if changes_network(name, arguments) {
        (Risk::Blocked, "it changes the runtime's network", "Leave it out.")
    } else if settings.blocked.iter().any(|blocked| blocked == name) {
        (Risk::Blocked, "the operator blocks it", "Ask the operator.")
    } else {
        return None;
    };
    Some(objection)
}

/// Asking is fine.
fn changes_network(name: &str, arguments: &[Field]) -> bool {
    let verbs: &[&str] = match name {
        "ip" => &["add", "del", "delete", "set", "change", "replace", "flush", "exec"],
        "ifconfig" => &["up", "down", "add", "del", "netmask"],
        "route" => &["add", "del"],
        _ => return false,
    };
    arguments.iter().any(|field| verbs.contains(&field.text.as_str()))
}

fn listens(name: &str, arguments: &[Field]) -> bool {
    let texts = || arguments.iter().map(|field| field.text.as_str());
    if name == "git" {
        return texts().next() == Some("daemon");
    }
    if name == "socat" {
        return texts().any(|text| {
            let text = text.to_ascii_uppercase();
            text.contains("LISTEN") || text.starts_with("EXEC") || text.starts_with("SYSTEM")
        });
    }
    LISTENERS.contains(&name)
        && texts().any(|text| {
            let is_cluster = text.starts_with('-') && !text.starts_with("--");
            (is_cluster && text.contains(['l', 'e', 'c', crate::expand::UNKNOWN]))
                || ["--listen", "--exec", "--sh-exec"].iter().any(|long| text.starts_with(long))
        })
}
