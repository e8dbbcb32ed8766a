//! The opinion on one command, and how it is reached.

use crate::{
    finding::{Finding, Rule},
    limits::{MAX_ARGUMENTS, MAX_COMMAND_BYTES},
    request::Request,
    sanitise,
    settings::Settings,
    walk::Walk,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    Allow,
    Deny,
}

/// How much harm the most dangerous part of a command could do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Risk {
    Safe,
    /// Reaches the network, removes files of the project, or runs code that can't be read.
    Moderate,
    /// Refused.
    Dangerous,
    /// Refused, whatever strict mode or the allow-list say.
    Blocked,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    pub decision: Decision,
    pub risk: Risk,
    /// Stable id of the rule that decided.
    pub rule: &'static str,
    /// One sentence for whoever sent the command.
    pub reason: String,
    /// The same command with plain quoting, where the meaning is certainly the same.
    pub sanitised: Option<String>,
    /// What to do instead.
    pub advice: Option<&'static str>,
}

/// Judges one command. Never panics, and takes time in proportion to the command's length.
#[must_use]
pub fn judge(request: &Request, settings: &Settings) -> Verdict {
    let mut walk = Walk::new(request, settings);
    let sanitised = match &request.argv {
        Some(words) => judge_words(&mut walk, words),
        None => judge_text(&mut walk, request),
    };
    verdict(walk.into_worst(), sanitised)
}

fn judge_words(walk: &mut Walk<'_>, words: &[String]) -> Option<String> {
    if words.len() > MAX_ARGUMENTS
        || words.iter().map(String::len).sum::<usize>() > MAX_COMMAND_BYTES
    {
        walk.report(too_long());
        return None;
    }
    walk.words(words);
    Some(sanitise::words(words))
}

fn judge_text(walk: &mut Walk<'_>, request: &Request) -> Option<String> {
    if request.command.len() > MAX_COMMAND_BYTES {
        walk.report(too_long());
        return None;
    }
    let script = walk.text(&request.command)?;
    sanitise::script(&request.command, &script)
}

fn too_long() -> Finding {
    Finding::deny(
        Rule::TooComplex,
        Risk::Dangerous,
        format!("The command is longer than {MAX_COMMAND_BYTES} bytes."),
    )
    .advise("Write the script to a file of the project and run that.")
}

fn verdict(worst: Finding, sanitised: Option<String>) -> Verdict {
    let decision = if worst.denies { Decision::Deny } else { Decision::Allow };
    Verdict {
        decision,
        risk: worst.risk,
        rule: worst.rule.id(),
        reason: worst.reason,
        sanitised: sanitised.filter(|_| decision == Decision::Allow),
        advice: worst.advice,
    }
}
