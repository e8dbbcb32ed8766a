//! The rules: what is refused, and what is let through with a remark.

pub(crate) mod allowed;
pub(crate) mod blocked;
pub(crate) mod network;
pub(crate) mod operands;
pub(crate) mod paths;
pub(crate) mod removal;
