//! Finds pushes in a command line.
//!
//! It splits the text as a shell roughly would and does not look through wrappers such as
//! `bash -c`: the layered policy, which is asked as well, does. Deny wins, so a policy like
//! this one can only add refusals.

/// What was found, the worst last.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Finding {
    #[default]
    NoPush,
    Push,
    Forced,
    Protected,
}

impl Finding {
    /// The rule's id, the reason, and what to do instead.
    pub fn words(self) -> (&'static str, &'static str, Option<&'static str>) {
        let review = Some("Push a branch of your own and ask for a review.");
        match self {
            Self::NoPush => ("no-push", "Pushes nothing.", None),
            Self::Push => ("push", "Pushes to a branch that is not protected.", None),
            Self::Forced => {
                ("force-push", "A forced push can destroy what others have pushed.", review)
            }
            Self::Protected => ("protected-branch", "It pushes to a protected branch.", review),
        }
    }
}

/// The simple commands of a line, each as its words without quotes.
pub fn commands(line: &str) -> Vec<Vec<String>> {
    let (mut commands, mut words, mut word) = (Vec::new(), Vec::new(), None);
    let mut quote = None;
    for c in line.chars() {
        match quote {
            Some(mark) if c == mark => quote = None,
            None if c == '\'' || c == '"' => {
                quote = Some(c);
                word.get_or_insert_with(String::new);
            }
            None if " \t\n;&|()".contains(c) => {
                words.extend(word.take());
                if c != ' ' && c != '\t' {
                    commands.push(std::mem::take(&mut words));
                }
            }
            _ => word.get_or_insert_with(String::new).push(c),
        }
    }
    words.extend(word);
    commands.push(words);
    commands
}

/// Judges one simple command.
pub fn look_at(words: &[String], protected: &[String]) -> Finding {
    let Some(arguments) = push_arguments(words) else { return Finding::NoPush };
    let (options, names): (Vec<&str>, Vec<&str>) =
        arguments.iter().map(String::as_str).partition(|word| word.starts_with('-'));
    // The first name is the remote.
    let branches = names.get(1..).unwrap_or_default();
    let is_protected = |branch: &&str| protected.iter().any(|name| name == target(branch));
    let pushes_all = options.iter().any(|o| matches!(*o, "--all" | "--branches"));
    if branches.iter().any(is_protected) || (pushes_all && !protected.is_empty()) {
        Finding::Protected
    } else if options.iter().any(forces) || branches.iter().any(|b| b.starts_with('+')) {
        Finding::Forced
    } else {
        Finding::Push
    }
}

/// What follows `git … push`.
fn push_arguments(words: &[String]) -> Option<&[String]> {
    let (program, mut rest) = words.split_first()?;
    if program.rsplit('/').next() != Some("git") {
        return None;
    }
    loop {
        rest = match rest {
            [option, _, rest @ ..] if option == "-C" || option == "-c" => rest,
            [option, rest @ ..] if option.starts_with('-') => rest,
            [command, rest @ ..] if command == "push" => return Some(rest),
            _ => return None,
        };
    }
}

/// The branch that a refspec such as `HEAD:refs/heads/main` writes to.
fn target(refspec: &str) -> &str {
    let target = refspec.rsplit(':').next().unwrap_or(refspec).trim_start_matches('+');
    target.strip_prefix("refs/heads/").unwrap_or(target)
}

fn forces(option: &&str) -> bool {
    let is_short = !option.starts_with("--");
    option.starts_with("--force") || *option == "--mirror" || (is_short && option.contains('f'))
}
