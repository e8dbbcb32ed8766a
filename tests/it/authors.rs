//! Authors of plugins: from nothing to a plugin that is loaded, in each language
//! and by its ordinary tools.

mod commands;
mod examples;
mod guide;
mod templates;
pub(crate) mod workshop;
