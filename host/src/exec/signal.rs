//! Room exec: the signals that may be sent to a command, by their names.

use std::str::FromStr;

use nix::sys::signal::Signal as Known;

/// One that ends, stops, continues or speaks to a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Signal(Known);

/// There is no such signal, or not for commands.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("“{0}” is no signal for commands; use {names}", names = names())]
pub struct UnknownSignal(String);

const ALLOWED: [Known; 12] = [
    Known::SIGHUP,
    Known::SIGINT,
    Known::SIGQUIT,
    Known::SIGKILL,
    Known::SIGUSR1,
    Known::SIGUSR2,
    Known::SIGALRM,
    Known::SIGTERM,
    Known::SIGCONT,
    Known::SIGSTOP,
    Known::SIGTSTP,
    Known::SIGWINCH,
];

impl Signal {
    pub(super) fn number(self) -> i32 {
        self.0 as i32
    }
}

fn names() -> String {
    ALLOWED.map(name).join(", ")
}

fn name(signal: Known) -> &'static str {
    let name = signal.as_str();
    name.strip_prefix("SIG").unwrap_or(name)
}

impl FromStr for Signal {
    type Err = UnknownSignal;

    /// With or without `SIG` before it, in capitals or not.
    fn from_str(text: &str) -> Result<Self, UnknownSignal> {
        let wanted = text.to_ascii_uppercase();
        let wanted = wanted.strip_prefix("SIG").unwrap_or(&wanted);
        let found = ALLOWED.into_iter().find(|signal| name(*signal) == wanted);
        found.map(Self).ok_or_else(|| UnknownSignal(text.chars().take(20).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signal_is_known_by_its_name() {
        let numbers = ["INT", "SIGKILL", "term"].map(|name| name.parse::<Signal>().unwrap().0);
        assert_eq!(numbers, [Known::SIGINT, Known::SIGKILL, Known::SIGTERM]);
    }

    #[test]
    fn what_is_no_signal_is_refused_with_those_that_there_are() {
        let refused = "SEGV".parse::<Signal>().unwrap_err().to_string();
        assert!(refused.contains("“SEGV”") && refused.contains("HUP, INT, QUIT"), "{refused}");
    }
}
