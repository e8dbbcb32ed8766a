//! Between the words of `wit/types` and those of the rooms.

use super::bindings::policy::lockhouse::types::common::{self, ProjectKind};
use super::bindings::policy::lockhouse::types::errors;
use crate::auth::Role;
use crate::ids::{Kind, UserId};

pub(super) fn caller(id: &UserId, role: Role) -> common::Caller {
    let role = match role {
        Role::Learner => common::Role::Learner,
        Role::Reviewer => common::Role::Reviewer,
        Role::Admin => common::Role::Admin,
    };
    common::Caller { id: id.to_string(), role }
}

pub(super) fn kind_to_wit(kind: Kind) -> ProjectKind {
    match kind {
        Kind::Python => ProjectKind::Python,
        Kind::Node => ProjectKind::Node,
        Kind::Java => ProjectKind::Java,
        Kind::Go => ProjectKind::Go,
        Kind::Rust => ProjectKind::Rust,
        Kind::Ruby => ProjectKind::Ruby,
        Kind::Php => ProjectKind::Php,
        Kind::Static => ProjectKind::Static,
    }
}

pub(super) fn kind_from_wit(kind: ProjectKind) -> Kind {
    match kind {
        ProjectKind::Python => Kind::Python,
        ProjectKind::Node => Kind::Node,
        ProjectKind::Java => Kind::Java,
        ProjectKind::Go => Kind::Go,
        ProjectKind::Rust => Kind::Rust,
        ProjectKind::Ruby => Kind::Ruby,
        ProjectKind::Php => Kind::Php,
        ProjectKind::Static => Kind::Static,
    }
}

/// A plugin's error as one sentence.
pub(super) fn reason(error: errors::Error) -> String {
    match error {
        errors::Error::Denied(text)
        | errors::Error::NotFound(text)
        | errors::Error::Invalid(text)
        | errors::Error::TooLarge(text)
        | errors::Error::Quota(text)
        | errors::Error::Unavailable(text)
        | errors::Error::Internal(text) => text,
        errors::Error::Timeout => "a deadline of its own passed".to_owned(),
    }
}

/// One problem with a plugin's settings as one line.
pub(super) fn problem(path: &str, message: &str) -> String {
    let path = if path.is_empty() { "settings" } else { path };
    format!("{path}: {message}")
}
