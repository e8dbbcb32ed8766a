//! Programs that only start another one: `env`, `nohup`, `timeout` and the like.

use crate::expand::Field;

/// What a wrapper starts.
pub(super) enum Inner {
    /// It was asked for something else, such as `command -v`.
    Nothing,
    Command(Vec<Field>),
    Script(Field),
}

struct Wrapper {
    name: &'static str,
    /// Short options that take the next argument as their value.
    short: &'static str,
    /// Long options that do.
    long: &'static [&'static str],
    /// Operands before the program.
    operands: usize,
}

const fn wrapper(name: &'static str, short: &'static str, operands: usize) -> Wrapper {
    Wrapper { name, short, long: &[], operands }
}

const WRAPPERS: &[Wrapper] = &[
    Wrapper { name: "env", short: "uC", long: &["--unset", "--chdir"], operands: 0 },
    Wrapper { name: "timeout", short: "ks", long: &["--kill-after", "--signal"], operands: 1 },
    Wrapper { name: "nice", short: "n", long: &["--adjustment"], operands: 0 },
    Wrapper {
        name: "stdbuf",
        short: "ioe",
        long: &["--input", "--output", "--error"],
        operands: 0,
    },
    Wrapper { name: "npx", short: "p", long: &["--package"], operands: 0 },
    wrapper("nohup", "", 0),
    wrapper("time", "fo", 0),
    wrapper("ionice", "cnpP", 0),
    wrapper("setsid", "", 0),
    wrapper("command", "", 0),
    wrapper("builtin", "", 0),
    wrapper("exec", "a", 0),
    wrapper("busybox", "", 0),
    wrapper("toybox", "", 0),
    wrapper("chronic", "", 0),
    wrapper("unbuffer", "", 0),
    wrapper("chrt", "TPD", 1),
    wrapper("taskset", "", 1),
    wrapper("strace", "abeEIoOpPsSuX", 0),
    wrapper("ltrace", "aDeFlLnopsuwxX", 0),
    wrapper("flock", "wE", 1),
    wrapper("xvfb-run", "efnps", 0),
    wrapper("dotenv", "ef", 0),
    wrapper("cross-env", "", 0),
    wrapper("bunx", "", 0),
    wrapper("pnpx", "", 0),
    wrapper("uvx", "", 0),
    wrapper("entr", "", 0),
    wrapper("catchsegv", "", 0),
    wrapper("dbus-run-session", "", 0),
    wrapper("torsocks", "", 0),
    wrapper("proxychains", "f", 0),
    wrapper("proxychains4", "f", 0),
    wrapper("faketime", "", 1),
    wrapper("fakeroot", "lsib", 0),
    wrapper("numactl", "", 0),
    wrapper("prlimit", "", 0),
    wrapper("setarch", "", 0),
    wrapper("linux64", "", 0),
    wrapper("perf", "eo", 1),
    wrapper("valgrind", "", 0),
    wrapper("rlwrap", "", 0),
    wrapper("tsp", "", 0),
    wrapper("screen", "Sctx", 0),
    wrapper("dtach", "nAac", 0),
    wrapper("abduco", "nAac", 0),
    wrapper("caffeinate", "", 0),
    wrapper("systemd-run", "pu", 0),
    wrapper("systemd-inhibit", "", 0),
    wrapper("ssh-agent", "at", 0),
    wrapper("dumb-init", "", 0),
    wrapper("tini", "", 0),
    wrapper("daemonize", "", 0),
    wrapper("hyperfine", "wrmM", 0),
    wrapper("sem", "j", 0),
    wrapper("!", "", 0),
];

/// Tools whose sub-command starts a program inside an environment.
const RUNNERS: &[(&str, &[&str])] = &[
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
];

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
    if let Some((_, subcommands)) = RUNNERS.iter().find(|(runner, _)| *runner == name) {
        let (first, rest) = arguments.split_first()?;
        return subcommands
            .contains(&first.text.as_str())
            .then(|| started(rest, "pn", &["--package", "--name", "--with", "--extra"], 0));
    }
    let wrapper = WRAPPERS.iter().find(|wrapper| wrapper.name == name)?;
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
