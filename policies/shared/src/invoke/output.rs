//! What a program writes, as far as its arguments tell.

use super::{Call, decode, find::listed};
use crate::{
    expand::UNKNOWN,
    limits::MAX_FIELD_BYTES,
    names::{self, Name, by_name},
    rules::network,
    scope::Scope,
    walk::Stream,
};

/// Programs that write lines of what they read.
const FILTERS_OF_LINES: &[&str] =
    &["grep", "egrep", "fgrep", "sort", "uniq", "head", "tail", "shuf", "tee", "cat"];

/// Programs that write the name of a folder of the toolchain or the project.
const FOLDERS: &[(&str, &[&str], &str)] = &[
    ("git", &["rev-parse", "--show-toplevel"], "/workspace"),
    ("go", &["env", "GOPATH"], "/workspace/go"),
    ("go", &["env", "GOROOT"], "/workspace/go"),
    ("go", &["env", "GOBIN"], "/workspace/go/bin"),
    ("npm", &["bin"], "/workspace/node_modules/.bin"),
    ("npm", &["root"], "/workspace/node_modules"),
    ("npm", &["prefix"], "/workspace"),
    ("yarn", &["bin"], "/workspace/node_modules/.bin"),
    ("pnpm", &["bin"], "/workspace/node_modules/.bin"),
    ("poetry", &["env", "info"], "/workspace/.venv"),
    ("bundle", &["show"], "/workspace/vendor/gem"),
    ("composer", &["config"], "/workspace/vendor"),
    ("rustc", &["--print"], "/workspace/toolchain"),
    ("mktemp", &[], "/tmp/tmp.0"),
];

/// Programs whose output is made to be run by `eval`: it sets up the shell.
const INITIALISERS: &[(Name, &[&str])] = &by_name::<&[&str], _>([
    ("ssh-agent", &[]),
    ("direnv", &["hook", "export"]),
    ("pyenv", &["init", "virtualenv-init"]),
    ("rbenv", &["init"]),
    ("nodenv", &["init"]),
    ("goenv", &["init"]),
    ("fnm", &["env"]),
    ("opam", &["env", "config"]),
    ("brew", &["shellenv"]),
    ("starship", &["init"]),
    ("zoxide", &["init"]),
    ("mise", &["activate", "env"]),
    ("conda", &["shell.bash", "shell.posix"]),
    ("micromamba", &["shell"]),
    ("poetry", &["env"]),
    ("luarocks", &["path"]),
    ("npm", &["completion"]),
    ("pip", &["completion"]),
    ("dircolors", &[]),
    ("lesspipe", &[]),
    ("register-python-argcomplete", &[]),
]);

pub(super) fn of(call: &Call<'_>, scope: &Scope) -> Stream {
    if call.input == Stream::Network {
        return Stream::Network;
    }
    match call.name {
        "echo" => echo(call),
        "printf" => printf(call),
        "pwd" => scope.cwd.as_deref().map_or(Stream::Unknown, |cwd| known(cwd.to_owned())),
        "dirname" | "basename" | "realpath" | "readlink" => name_part(call, scope),
        "which" => words(call, "\n", |word| !word.starts_with('-')),
        "base64" | "xxd" | "rev" | "openssl" => respelled(call),
        "find" | "fd" | "fdfind" => Stream::Files(listed(call)),
        "git" if first(call) == "ls-files" => Stream::Files(vec!["./*".to_owned()]),
        "ls" | "rg" => Stream::Files(listed_operands(call)),
        "grep" if lists_files(call) => Stream::Files(vec!["./*".to_owned()]),
        name if FILTERS_OF_LINES.contains(&name) && reads_input(call) => filtered(call),
        name if network::check(name, call.arguments).is_some() => Stream::Network,
        "true" | "false" | ":" | "mkdir" | "touch" | "cp" | "mv" | "rm" | "chmod" | "sleep" => {
            Stream::Known(String::new())
        }
        _ => prepared(call),
    }
}

fn first<'c>(call: &'c Call<'_>) -> &'c str {
    call.arguments.first().map_or("", |field| field.text.as_str())
}

fn prepared(call: &Call<'_>) -> Stream {
    let folder = FOLDERS.iter().find(|(name, words, _)| {
        *name == call.name
            && words
                .iter()
                .enumerate()
                .all(|(at, word)| call.arguments.get(at).is_some_and(|field| field.text == *word))
    });
    if let Some((_, _, folder)) = folder {
        return Stream::Known((*folder).to_owned());
    }
    let is_initialiser = names::of(call.name, INITIALISERS)
        .is_some_and(|words| words.is_empty() || words.contains(&first(call)));
    if is_initialiser { Stream::Known(String::new()) } else { Stream::Unknown }
}

fn filtered(call: &Call<'_>) -> Stream {
    match &call.input {
        Stream::Files(paths) if call.name.ends_with("grep") => {
            // Fewer than all of them: what is below a folder, but not the folder.
            Stream::Files(paths.iter().map(|path| format!("{path}/*")).collect())
        }
        Stream::Files(paths) => Stream::Files(paths.clone()),
        Stream::Known(text) if matches!(call.name, "cat" | "tee") => Stream::Known(text.clone()),
        _ => Stream::Unknown,
    }
}

fn echo(call: &Call<'_>) -> Stream {
    let escapes = call.arguments.iter().any(|field| {
        field.text.starts_with('-') && field.text.contains('e') && field.text.len() < 4
    });
    let stream = words(call, "\n", |word| !matches!(word, "-n" | "-e" | "-E" | "-ne" | "-en"));
    match stream {
        Stream::Known(text) if escapes => decode::escapes(&text).map_or(Stream::Unknown, known),
        other => other,
    }
}

fn words(call: &Call<'_>, end: &str, keep: impl Fn(&str) -> bool) -> Stream {
    let words: Vec<_> =
        call.arguments.iter().map(|field| field.text.as_str()).skip_while(|w| !keep(w)).collect();
    known(words.join(" ") + end)
}

/// `printf` with `%s`, `%b`, `%d` and escapes; other formats are not computed.
fn printf(call: &Call<'_>) -> Stream {
    let fields = match call.arguments {
        [option, rest @ ..] if option.text == "--" => rest,
        all => all,
    };
    let Some((format, values)) = fields.split_first() else { return Stream::Unknown };
    let Some(format) = decode::escapes(&format.text) else { return Stream::Unknown };
    let mut values = values.iter();
    let mut text = String::new();
    loop {
        let left = values.len();
        let mut parts = format.split('%');
        text += parts.next().unwrap_or_default();
        while let Some(part) = parts.next() {
            let mut value = || values.next().map_or("", |field| field.text.as_str());
            match part.chars().next() {
                Some('s' | 'd') => text += value(),
                Some('b') => match decode::escapes(value()) {
                    Some(plain) => text += &plain,
                    None => return Stream::Unknown,
                },
                None => {
                    // `%%`.
                    text.push('%');
                    text += parts.next().unwrap_or_default();
                    continue;
                }
                Some(_) => return Stream::Unknown,
            }
            text += part.get(1..).unwrap_or_default();
        }
        // The format is used again while there are values, if it takes any.
        if values.len() == 0 || values.len() == left || text.len() > MAX_FIELD_BYTES {
            return known(text);
        }
    }
}

/// A part of a path; of one that is not known, some folder of the project.
fn name_part(call: &Call<'_>, scope: &Scope) -> Stream {
    let Some(field) = call.arguments.iter().rfind(|field| !field.text.starts_with('-')) else {
        return Stream::Unknown;
    };
    let inside = Stream::Known("/workspace/folder".to_owned());
    match (field.known(), call.name) {
        (None, "basename") => Stream::Unknown,
        (None, _) => inside,
        (Some(path), "basename") => known(path.rsplit('/').next().unwrap_or(path).to_owned()),
        (Some("sh" | "bash"), "dirname") => inside,
        (Some(path), "dirname") => known(
            path.trim_end_matches('/').rsplit_once('/').map_or(".", |(dir, _)| dir).to_owned(),
        ),
        (Some(path), _) => scope
            .cwd
            .as_deref()
            .and_then(|cwd| crate::rules::paths::resolve(cwd, path))
            .map_or(Stream::Unknown, Stream::Known),
    }
}

/// The input spelled in another way.
fn respelled(call: &Call<'_>) -> Stream {
    let Stream::Known(text) = &call.input else { return Stream::Unknown };
    let has = |options: &[&str]| {
        call.arguments.iter().any(|field| options.contains(&field.text.as_str()))
    };
    let plain = match call.name {
        "base64" if has(&["-d", "-D", "-di", "-id", "--decode", "--d"]) => decode::base64(text),
        "openssl" if has(&["base64", "-base64", "-a"]) && has(&["-d"]) => decode::base64(text),
        "xxd" if has(&["-r", "-rp", "-p"]) => decode::hexadecimal(text),
        "rev" => Some(decode::reversed(text)),
        _ => None,
    };
    plain.map_or(Stream::Unknown, known)
}

fn known(text: String) -> Stream {
    if text.contains(UNKNOWN) { Stream::Unknown } else { Stream::Known(text) }
}

fn listed_operands(call: &Call<'_>) -> Vec<String> {
    let operands = call.arguments.iter().filter(|field| !field.text.starts_with('-'));
    let paths: Vec<_> = operands.map(|field| format!("{}/*", field.text)).collect();
    if paths.is_empty() { vec!["./*".to_owned()] } else { paths }
}

fn lists_files(call: &Call<'_>) -> bool {
    call.arguments.iter().any(|field| {
        let text = field.text.as_str();
        text.starts_with("--files-with")
            || (text.starts_with('-') && !text.starts_with("--") && text.contains(['l', 'L']))
    })
}

/// Whether a filter reads its input rather than files.
fn reads_input(call: &Call<'_>) -> bool {
    let operands = call.arguments.iter().filter(|field| !field.text.starts_with('-')).count();
    match call.name {
        "cat" | "sort" | "uniq" | "shuf" => operands == 0,
        // `head -n 5` has a number for an operand.
        _ => operands <= 1,
    }
}
