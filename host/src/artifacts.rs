//! Ground: what the server carries inside itself, built from source by `make`.

include!(concat!(env!("OUT_DIR"), "/artifacts.rs"));

/// The static program that is the first process of every runtime.
pub fn supervisor() -> &'static [u8] {
    SUPERVISOR
}

/// One built-in component.
pub fn component(name: &str) -> Option<&'static [u8]> {
    COMPONENTS.iter().find(|(known, _)| *known == name).map(|(_, bytes)| *bytes)
}
