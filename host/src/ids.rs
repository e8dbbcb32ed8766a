//! Ground: one type for each id, so that no id is ever passed for another.

use std::fmt;
use std::str::FromStr;

use uuid::Uuid;

/// A text that is not an id of the wanted sort.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("“{text}” is not a {what}: {why}")]
pub struct InvalidId {
    pub what: &'static str,
    pub text: String,
    pub why: &'static str,
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $what:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(String);

        impl $name {
            /// A new id; later ones sort after earlier ones.
            pub fn generate() -> Self {
                #[expect(clippy::disallowed_methods, reason = "this is where ids are made")]
                let id = Uuid::now_v7();
                Self(id.simple().to_string())
            }

            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                let fits = (1..=64).contains(&text.len())
                    && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
                if fits {
                    Ok(Self(text.to_owned()))
                } else {
                    Err(InvalidId {
                        what: $what,
                        text: text.chars().take(80).collect(),
                        why: "use 1 to 64 letters, digits, “-” or “_”",
                    })
                }
            }
        }
    };
}

id!(
    /// A project; its runtime and its workspace directory carry the same id.
    ProjectId, "project id"
);
id!(
    /// A person or program that calls the API.
    UserId, "user id"
);
id!(
    /// A token or browser session.
    TokenId, "token id"
);
id!(
    /// An ephemeral working directory for generated files.
    JobId, "job id"
);
id!(
    /// One execution of an agent.
    RunId, "run id"
);
id!(
    /// One recorded command.
    CommandId, "command id"
);
id!(
    /// One judgement of a command.
    JudgementId, "judgement id"
);
id!(
    /// One place where a plugin is used.
    BindingId, "binding id"
);
id!(
    /// A link that shows a preview to whoever has it.
    LinkId, "preview link id"
);
id!(
    /// A project as it was handed in to be reviewed.
    SubmissionId, "submission id"
);
id!(
    /// One remark on a submission.
    CommentId, "comment id"
);
id!(
    /// One audit entry.
    AuditId, "audit id"
);
id!(
    /// One request to the API, as answered in `x-request-id`.
    RequestId, "request id"
);
id!(
    /// One start of a server.
    HostId, "host id"
);
id!(
    /// One installation of Lockhouse: what it labels its runtimes with.
    InstanceId, "instance id"
);

/// A project's name: `^[a-z0-9][a-z0-9-]{0,62}$`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ProjectName(String);

impl ProjectName {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ProjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for ProjectName {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let fits = (1..=63).contains(&text.len())
            && !text.starts_with('-')
            && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if fits {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidId {
                what: "project name",
                text: text.chars().take(80).collect(),
                why: "use 1 to 63 lower-case letters, digits or “-”, not starting with “-”",
            })
        }
    }
}

/// What toolchain a project is built around.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    Python,
    Node,
    Java,
    Go,
    Rust,
    Ruby,
    Php,
    Static,
}

impl Kind {
    pub const ALL: [Self; 8] = [
        Self::Python,
        Self::Node,
        Self::Java,
        Self::Go,
        Self::Rust,
        Self::Ruby,
        Self::Php,
        Self::Static,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Python => "python",
            Self::Node => "node",
            Self::Java => "java",
            Self::Go => "go",
            Self::Rust => "rust",
            Self::Ruby => "ruby",
            Self::Php => "php",
            Self::Static => "static",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Kind {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text).ok_or_else(|| InvalidId {
            what: "project kind",
            text: text.chars().take(80).collect(),
            why: "use python, node, java, go, rust, ruby, php or static",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_project_name_with_a_capital_is_refused() {
        assert!("Todo".parse::<ProjectName>().is_err());
    }

    #[test]
    fn a_project_name_of_63_characters_is_the_longest() {
        assert!("a".repeat(63).parse::<ProjectName>().is_ok());
        assert!("a".repeat(64).parse::<ProjectName>().is_err());
    }

    #[test]
    fn an_id_with_a_slash_is_refused() {
        assert!("../x".parse::<JobId>().is_err());
    }

    #[test]
    fn every_kind_reads_back_from_its_name() {
        assert!(Kind::ALL.iter().all(|kind| kind.as_str().parse() == Ok(*kind)));
    }
}
