//! Which entries are wanted.

/// The most that one page holds.
pub const MAX_PAGE: u32 = 1_000;

/// How an action ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Begun,
    Ok,
    Failed,
    Denied,
    Interrupted,
}

impl Outcome {
    pub const ALL: [Self; 5] =
        [Self::Begun, Self::Ok, Self::Failed, Self::Denied, Self::Interrupted];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Begun => "begun",
            Self::Ok => "ok",
            Self::Failed => "failed",
            Self::Denied => "denied",
            Self::Interrupted => "interrupted",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.as_str() == text)
    }
}

/// Entries that somebody looks for; what is not said does not count.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    pub actor: Option<String>,
    pub action: Option<String>,
    /// The name of a project.
    pub project: Option<String>,
    pub since_us: Option<i64>,
    pub until_us: Option<i64>,
    pub outcome: Option<Outcome>,
    /// Only those with a lower number.
    pub before: Option<i64>,
    pub limit: u32,
}
