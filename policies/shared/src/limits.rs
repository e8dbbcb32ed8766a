//! How much of a command is looked at. Whatever is larger is refused, never half judged.

/// Longest command text; larger programs belong in a file.
pub(crate) const MAX_COMMAND_BYTES: usize = 64 * 1024;
/// Most words of one command given as words.
pub(crate) const MAX_ARGUMENTS: usize = 4096;
/// Most tokens of one script.
pub(crate) const MAX_TOKENS: usize = 4096;
/// How deep compound commands and expansions may nest, the scripts around a script counted in. The
/// parser recurses once for each; this many fit on the guest's stack.
pub(crate) const MAX_NESTING: usize = 16;
/// How deep scripts may lie in scripts (`sh -c "sh -c …"`, substitutions in
/// substitutions), wrappers such as `env` and `nohup` counted as well.
pub(crate) const MAX_SCRIPT_DEPTH: usize = 8;
/// Most commands and lists judged, those of inner scripts and repeated loop bodies included.
pub(crate) const MAX_COMMANDS: usize = 2048;
/// Most fields that one word may expand to by braces; more are taken as unknown.
pub(crate) const MAX_BRACE_FIELDS: usize = 64;
/// Most values of a `for` loop that are tried one by one; more are taken as unknown.
pub(crate) const MAX_LOOP_VALUES: usize = 16;
/// Most text that one word may expand to; a longer one is taken as unknown.
pub(crate) const MAX_FIELD_BYTES: usize = 64 * 1024;
/// Most string literals of an interpreter's code that are looked at.
pub(crate) const MAX_LITERALS: usize = 256;
