//! The project's files as a model is shown them: those that matter most first,
//! within a bound.

/// Text of all files that a model is shown.
const MAX_BYTES: usize = 96 * 1024;

/// Files that are named without their text.
const MAX_NAMED: usize = 200;

/// A file; text that is none stands for what is not text, or too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct File<'a> {
    pub path: &'a str,
    pub text: Option<&'a str>,
}

/// The files, those that `first` ranks lowest first, each with its text as far
/// as all of it fits.
#[must_use]
pub fn shown(files: &[File<'_>], first: impl Fn(&File<'_>) -> usize) -> String {
    let mut ranked: Vec<_> = files.iter().collect();
    ranked.sort_by_key(|file| (first(file), file.path));
    let (mut texts, mut names, mut left) = (String::new(), Vec::new(), MAX_BYTES);
    for file in ranked {
        match file.text.filter(|text| text.len() <= left) {
            Some(text) => {
                left -= text.len();
                let end = if text.ends_with('\n') { "" } else { "\n" };
                texts += &format!("<file path=\"{}\">\n{text}{end}</file>\n", file.path);
            }
            None => names.push(file.path),
        }
    }
    if !names.is_empty() {
        let more = names.len().saturating_sub(MAX_NAMED);
        names.truncate(MAX_NAMED);
        texts += &format!("Files that are not shown: {}", names.join(", "));
        texts += &if more > 0 { format!(" and {more} more.\n") } else { ".\n".to_owned() };
    }
    if texts.is_empty() { "The project is empty.\n".to_owned() } else { texts }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_matters_most_stands_first() {
        let file = |path| File { path, text: Some("x") };
        let shown = shown(&[file("a"), file("b")], |file| usize::from(file.path == "a"));
        assert!(shown.find("\"b\"") < shown.find("\"a\""), "{shown}");
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let long = "x".repeat(MAX_BYTES - 1);
        let files = [
            File { path: "a", text: Some(&long) },
            File { path: "b", text: Some("yy") },
            File { path: "c", text: None },
        ];
        let shown = shown(&files, |_| 0);
        assert!(shown.ends_with("Files that are not shown: b, c.\n"), "{shown:.50}");
    }

    #[test]
    fn no_files_are_an_empty_project() {
        assert_eq!(shown(&[], |_| 0), "The project is empty.\n");
    }
}
