//! A diff as text, as git writes it and `git apply` and `patch` read it.
//!
//! What is cut is said in a line that those who apply it pass over.

use crate::reviews::{Compared, Diff, File, FileDiff, Hunk, Line, LineKind};

/// What stands for a side that is not there.
const NOWHERE: &str = "/dev/null";

pub(super) fn write(diff: &Diff) -> Vec<u8> {
    let mut out = Vec::new();
    diff.files.iter().for_each(|file| write_file(&mut out, file));
    if diff.more_files > 0 {
        line(&mut out, &format!("# {} more files changed, which are not shown", diff.more_files));
    }
    out
}

fn write_file(out: &mut Vec<u8>, diff: &FileDiff) {
    let Some(any) = diff.old.as_ref().or(diff.new.as_ref()) else { return };
    if let Compared::Cut(cut) = diff.content {
        let why = cut.as_str();
        return line(out, &format!("# {} differs; not shown: {why}", quoted("", &any.path)));
    }
    let (old, new) = (diff.old.as_ref().unwrap_or(any), diff.new.as_ref().unwrap_or(any));
    line(out, &format!("diff --git {} {}", quoted("a/", &old.path), quoted("b/", &new.path)));
    write_modes(out, diff);
    if old.path != new.path {
        line(out, &format!("similarity index {}%", diff.similarity.unwrap_or_default()));
        line(out, &format!("rename from {}", quoted("", &old.path)));
        line(out, &format!("rename to {}", quoted("", &new.path)));
    }
    let side = |prefix: &str, file: &Option<File>| match file {
        Some(file) => quoted(prefix, &file.path),
        None => NOWHERE.to_owned(),
    };
    let (old, new) = (side("a/", &diff.old), side("b/", &diff.new));
    match &diff.content {
        Compared::Binary => line(out, &format!("Binary files {old} and {new} differ")),
        Compared::Hunks(hunks) if !hunks.is_empty() => {
            line(out, &format!("--- {}", ended(old)));
            line(out, &format!("+++ {}", ended(new)));
            hunks.iter().for_each(|hunk| write_hunk(out, hunk));
        }
        Compared::Hunks(_) | Compared::Cut(_) => {}
    }
}

fn write_modes(out: &mut Vec<u8>, diff: &FileDiff) {
    match (&diff.old, &diff.new) {
        (None, Some(new)) => line(out, &format!("new file mode {}", mode(new))),
        (Some(old), None) => line(out, &format!("deleted file mode {}", mode(old))),
        (Some(old), Some(new)) if old.executable != new.executable => {
            line(out, &format!("old mode {}", mode(old)));
            line(out, &format!("new mode {}", mode(new)));
        }
        _ => {}
    }
}

fn mode(file: &File) -> &'static str {
    if file.executable { "100755" } else { "100644" }
}

fn write_hunk(out: &mut Vec<u8>, hunk: &Hunk) {
    let range = |start: usize, count: usize| match count {
        1 => start.to_string(),
        _ => format!("{start},{count}"),
    };
    let (old, new) = (range(hunk.old_start, hunk.old_lines), range(hunk.new_start, hunk.new_lines));
    line(out, &format!("@@ -{old} +{new} @@"));
    hunk.lines.iter().for_each(|line| write_line(out, line));
}

fn write_line(out: &mut Vec<u8>, line: &Line) {
    out.push(match line.kind {
        LineKind::Context => b' ',
        LineKind::Deleted => b'-',
        LineKind::Added => b'+',
    });
    out.extend_from_slice(&line.text);
    out.push(b'\n');
    if line.is_open {
        out.extend_from_slice(b"\\ No newline at end of file\n");
    }
}

fn line(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(text.as_bytes());
    out.push(b'\n');
}

/// As git quotes: only what would be read as something else.
fn quoted(prefix: &str, path: &str) -> String {
    let odd = |c: char| c == '"' || c == '\\' || c.is_ascii_control();
    if !path.contains(odd) {
        return format!("{prefix}{path}");
    }
    let escaped = path.chars().map(|c| match c {
        '"' | '\\' => format!("\\{c}"),
        c if c.is_ascii_control() => format!("\\{:03o}", c as u32),
        c => c.to_string(),
    });
    format!("\"{prefix}{}\"", escaped.collect::<String>())
}

/// A name with a space ends where the tab is.
fn ended(name: String) -> String {
    if name.contains(' ') && !name.starts_with('"') { format!("{name}\t") } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_quoted_where_they_would_be_misread() {
        assert_eq!(quoted("a/", "naïve name"), "a/naïve name");
        assert_eq!(quoted("a/", "one\ntwo"), "\"a/one\\012two\"");
        assert_eq!(quoted("", "say \"x\""), "\"say \\\"x\\\"\"");
    }

    #[test]
    fn a_name_with_a_space_has_an_end() {
        assert_eq!(ended("a/b c".to_owned()), "a/b c\t");
        assert_eq!(ended("a/b".to_owned()), "a/b");
    }
}
