//! What a test needs of the machine and may not find there.

/// Goes on only where the machine has a real part, such as `postgres`; says
/// why and leaves the test otherwise. Where the environment variable `REQUIRE`
/// lists the part (or `all`), a part that is missing fails the test instead.
///
/// `need!(postgres, has)` takes `Result<T, String>` and gives the `T`.
macro_rules! need {
    ($part:ident, $found:expr) => {
        match $found {
            Ok(found) => found,
            Err(why) => {
                $crate::need::missing(stringify!($part), &why);
                return;
            }
        }
    };
}

/// Says that a part is missing, or fails.
pub(crate) fn missing(part: &str, why: &str) {
    let required = std::env::var("REQUIRE").unwrap_or_default();
    let wanted = required.split(',').any(|name| name.trim() == part || name.trim() == "all");
    assert!(!wanted, "REQUIRE lists {part}, and it is missing: {why}");
    eprintln!("skipped: this test needs {part}: {why}");
}

/// Whether this is root, which may mount and give files away.
pub(crate) fn root() -> Result<(), String> {
    if nix::unistd::geteuid().is_root() { Ok(()) } else { Err("run it as root".to_owned()) }
}
