//! Programs that only start another one: `env`, `nohup`, `timeout` and the like.

use crate::{
    expand::Field,
    names::{self, Name, by_name},
};

/// What a wrapper starts.
pub(super) enum Inner {
    /// It was asked for something else, such as `command -v`.
    Nothing,
    Command(Vec<Field>),
    Script(Field),
}

#[derive(Clone, Copy)]
struct Wrapper {
    /// Short options that take the next argument as their value.
    short: &'static str,
    /// Long options that do.
    long: &'static [&'static str],
    /// Operands before the program.
    operands: usize,
}

const fn wrapper(short: &'static str, operands: usize) -> Wrapper {
    Wrapper { short, long: &[], operands }
}

const WRAPPERS: &[(Name, Wrapper)] = &by_name([
    ("env", Wrapper { short: "uC", long: &["--unset", "--chdir"], operands: 0 }),
    ("timeout", Wrapper { short: "ks", long: &["--kill-after", "--signal"], operands: 1 }),
    ("nice", Wrapper { short: "n", long: &["--adjustment"], operands: 0 }),
    ("stdbuf", Wrapper { short: "ioe", long: &["--input", "--output", "--error"], operands: 0 }),
    ("npx", Wrapper { short: "p", long: &["--package"], operands: 0 }),
    ("nohup", wrapper("", 0)),
    ("time", wrapper("fo", 0)),
    ("ionice", wrapper("cnpP", 0)),
    ("setsid", wrapper("", 0)),
    ("command", wrapper("", 0)),
    ("builtin", wrapper("", 0)),
    ("exec", wrapper("a", 0)),
    ("busybox", wrapper("", 0)),
    ("toybox", wrapper("", 0)),
    ("chronic", wrapper("", 0)),
    ("unbuffer", wrapper("", 0)),
    ("chrt", wrapper("TPD", 1)),
    ("taskset", wrapper("", 1)),
    ("strace", wrapper("abeEIoOpPsSuX", 0)),
    ("ltrace", wrapper("aDeFlLnopsuwxX", 0)),
    ("flock", wrapper("wE", 1)),
    ("xvfb-run", wrapper("efnps", 0)),
    ("dotenv", wrapper("ef", 0)),
    ("cross-env", wrapper("", 0)),
    ("bunx", wrapper("", 0)),
    ("pnpx", wrapper("", 0)),
    ("uvx", wrapper("", 0)),
    ("entr", wrapper("", 0)),
    ("catchsegv", wrapper("", 0)),
    ("dbus-run-session", wrapper("", 0)),
    ("torsocks", wrapper("", 0)),
    ("proxychains", wrapper("f", 0)),
    ("proxychains4", wrapper("f", 0)),
    ("faketime", wrapper("", 1)),
    ("fakeroot", wrapper("lsib", 0)),
    ("numactl", wrapper("", 0)),
    ("prlimit", wrapper("", 0)),
    ("setarch", wrapper("", 0)),
    ("linux64", wrapper("", 0)),
    ("perf", wrapper("eo", 1)),
    ("valgrind", wrapper("", 0)),
    ("rlwrap", wrapper("", 0)),
    ("tsp", wrapper("", 0)),
    ("screen", wrapper("Sctx", 0)),
    ("dtach", wrapper("nAac", 0)),
    ("abduco", wrapper("nAac", 0)),
    ("caffeinate", wrapper("", 0)),
    ("systemd-run", wrapper("pu", 0)),
    ("systemd-inhibit", wrapper("", 0)),
    ("ssh-agent", wrapper("at", 0)),
    ("dumb-init", wrapper("", 0)),
    ("tini", wrapper("", 0)),
    ("daemonize", wrapper("", 0)),
    ("hyperfine", wrapper("wrmM", 0)),
    ("sem", wrapper("j", 0)),
    ("!", wrapper("", 0)),
]);

/// Tools whose sub-command starts a program inside an environment.
const RUNNERS: &[(Name, &[&str])] = &by_name::<&[&str], _>([
    ("poetry", &["run"]),
    ("pipenv", &["run"]),
    ("uv", &["run"]),
    ("hatch", &["run"]),
    ("pdm", &["run"]),
    ("rye", &["run"]),
    ("bundle", &["exec"]),
    ("npm", &["exec", "x"]),
    ("pnpm", &["exec", "dlx"]),
    ("yarn", &["exec", "dlx"]),
    ("conda", &["run"]),
    ("mamba", &["run"]),
    ("micromamba", &["run"]),
    ("doppler", &["run"]),
    ("op", &["run"]),
    ("dotenvx", &["run"]),
    ("mise", &["exec", "x"]),
    ("rbenv", &["exec"]),
    ("pyenv", &["exec"]),
    ("volta", &["run"]),
]);

/// What a program with these arguments starts; none if it is no wrapper.
pub(super) fn inner(name: &str, arguments: &[Field]) -> Option<Inner> {
    match name {
        "watch" => return Some(joined(arguments, "n", &["--interval"], 0)),
        "ssh" => return remote(arguments),
        _ if name.starts_with("ld-linux") || name.starts_with("ld-musl") || name == "ld.so" => {
            return Some(started(arguments, "", &["--library-path", "--preload", "--argv0"], 0));
        }
        "direnv" => {
            let [exec, _, command @ ..] = arguments else { return None };
            return (exec.text == "exec").then(|| Inner::Command(command.to_vec()));
        }
        "gdb" => {
            let at = arguments.iter().position(|field| field.text == "--args")?;
            return Some(Inner::Command(arguments[at + 1..].to_vec()));
        }
        _ => {}
    }
    if let Some(script) = script_option(name, arguments) {
        return Some(script);
    }
    if let Some(subcommands) = names::of(name, RUNNERS) {
        let (first, rest) = arguments.split_first()?;
        return subcommands
            .contains(&first.text.as_str())
            .then(|| started(rest, "pn", &["--package", "--name", "--with", "--extra"], 0));
    }
    let wrapper = names::of(name, WRAPPERS)?;
    Some(started(arguments, wrapper.short, wrapper.long, wrapper.operands))
}

/// `command -v x` asks, `env -S '…'` splits, `npx -c '…'` and `flock f -c '…'` run a shell.
fn script_option(name: &str, arguments: &[Field]) -> Option<Inner> {
    let has = |option: &str| arguments.iter().position(|field| field.text == option);
    let following = |at: usize| arguments.get(at + 1).cloned().map(Inner::Script);
    match name {
        "command" if has("-v").or(has("-V")) == Some(0) => Some(Inner::Nothing),
        "env" => arguments.iter().enumerate().find_map(|(at, field)| {
            let text = field.text.as_str();
            let cluster = text.strip_prefix('-').filter(|text| !text.starts_with('-'));
            let script = cluster.and_then(|cluster| cluster.split_once('S'));
            match script.filter(|(flags, _)| flags.bytes().all(|flag| b"iv0".contains(&flag))) {
                Some((_, "")) => following(at),
                Some((_, script)) => Some(Inner::Script(Field::plain(script))),
                None if text == "--split-string" => following(at),
                None => Some(Inner::Script(Field::plain(text.strip_prefix("--split-string=")?))),
            }
        }),
        "npx" | "npm" => has("-c").or(has("--call")).and_then(following).or_else(|| {
            let script = arguments.iter().find_map(|field| field.text.strip_prefix("--call="))?;
            Some(Inner::Script(Field::plain(script)))
        }),
        "flock" => has("-c").or(has("--command")).and_then(following),
        "entr" => has("-s").and_then(following),
        _ => None,
    }
}

/// `env -C FOLDER`.
pub(super) fn folder(arguments: &[Field]) -> Option<Field> {
    let following = arguments.windows(2).find_map(|pair| {
        matches!(pair[0].text.as_str(), "-C" | "--chdir").then(|| pair[1].clone())
    });
    following.or_else(|| {
        arguments.iter().find_map(|field| field.text.strip_prefix("--chdir=").map(Field::plain))
    })
}

/// Words that are joined to one script.
fn joined(arguments: &[Field], short: &str, long: &[&str], operands: usize) -> Inner {
    let Inner::Command(fields) = started(arguments, short, long, operands) else {
        return Inner::Nothing;
    };
    let words: Vec<_> = fields.iter().map(|field| field.text.as_str()).collect();
    Inner::Script(Field::plain(words.join(" ")))
}

/// What runs on another machine is judged as if it ran here.
fn remote(arguments: &[Field]) -> Option<Inner> {
    let has_command = |field: &Field| {
        field.text.trim_start_matches("-o").to_ascii_lowercase().contains("command")
    };
    if arguments.iter().any(has_command) {
        return None;
    }
    match joined(arguments, "bcDEeFIiJLlmOopQRSWw", &[], 1) {
        Inner::Nothing => None,
        inner => Some(inner),
    }
}

/// The command behind the wrapper's own options, assignments and operands.
fn started(arguments: &[Field], short: &str, long: &[&str], operands: usize) -> Inner {
    let mut rest = arguments;
    let mut operands = operands;
    while let Some((field, after)) = rest.split_first() {
        let text = field.text.as_str();
        if text == "--" {
            rest = after;
            break;
        }
        if text.len() > 1 && text.starts_with('-') {
            let takes_value = long.contains(&text)
                || (!text.starts_with("--") && text.ends_with(|option| short.contains(option)));
            rest = if takes_value { after.get(1..).unwrap_or_default() } else { after };
        } else if is_assignment(text) || text == "-" {
            rest = after;
        } else if operands > 0 {
            operands -= 1;
            rest = after;
        } else {
            break;
        }
    }
    match rest.get(operands.min(rest.len())..) {
        Some([]) | None => Inner::Nothing,
        Some(command) => Inner::Command(command.to_vec()),
    }
}

fn is_assignment(text: &str) -> bool {
    text.split_once('=').is_some_and(|(name, _)| {
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    })
}
