//! The rules in words that an agent can be shown.

use crate::{finding::Rule, rules::allowed, settings::Settings};

const LAYERED: &str = "\
Commands are parsed as a shell reads them, and every part is judged: pipelines, substitutions, \
functions, here-documents, and what sh -c, env, xargs or find -exec start. The most dangerous part \
decides.
Refused:
- Other users, containers and the system: sudo, su, docker, kubectl, mount, chroot, systemctl, \
shutdown and their like; network listeners and scanners (nc -l, nmap).
- Removing /, a home, or the whole workspace; recursive removal of a path that can't be known. \
Removing folders inside the workspace is fine: write `rm -rf build`.
- Running what was just downloaded, or what another command made: `curl … | sh`, `… | bash`. \
Write it to a file, read it, run the file.
- Raw devices, and system paths such as /etc, /var, /usr, /root, /proc, /sys and /dev (but for \
/dev/null and other harmless ones). Programs may be called by their path.
- `../` that leaves the workspace. Inside the workspace it is fine.
- A program's name or a script that can't be known before it runs, such as `$CMD x` or \
`eval \"$(…)\"`. Write it out.
- What can't be parsed, or is too long or deep to be judged. Put it in a file.
Let through with a remark: network programs, removal inside the workspace, code given by -c or -e.
";

const STRICT: &str = "\
Strict mode is on: only programs and sub-commands of the allow-list run; command substitution, \
and every path outside the workspace, are refused.
";

/// What this policy refuses and what to do instead, under these settings.
#[must_use]
pub fn explain(settings: &Settings) -> String {
    let mut text = LAYERED.to_owned();
    if settings.strict {
        text += STRICT;
        text += &format!("Allowed: {}.\n", allowed::in_words());
    }
    let mut list = |what: &str, names: &[String]| {
        if !names.is_empty() {
            text += &format!("{what}: {}.\n", names.join(", "));
        }
    };
    list("The operator also refuses", &settings.blocked);
    list("The operator also allows in strict mode", &settings.allowed);
    list("The operator switched off", &settings.disabled);
    text += "Rules, by the ids that verdicts name:\n";
    for (rule, id, words) in Rule::all() {
        let is_idle = matches!(rule, Rule::NotAllowed | Rule::Substitution) && !settings.strict;
        if settings.applies(rule) && !is_idle {
            text += &format!("- {id}: {words}\n");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_follow_the_settings() {
        let plain = explain(&Settings::default());
        assert!(plain.contains("- system-path: ") && !plain.contains("not-allowed"));
        let settings =
            Settings { strict: true, disabled: vec!["network".to_owned()], ..Settings::default() };
        let strict = explain(&settings);
        assert!(strict.contains("- not-allowed: ") && strict.contains("git (clone"));
        assert!(strict.contains("switched off: network") && !strict.contains("- network: "));
    }
}
