//! The supervisor's command line.

use std::net::SocketAddr;
use std::path::PathBuf;

pub(super) const USAGE: &str =
    "usage: lockhouse-supervisor --socket PATH [--proxy 127.0.0.1:3128] [--workspace DIR]";

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Arguments {
    /// Where the first host listens; others listen beside it.
    pub(super) socket: PathBuf,
    /// Where programs in the runtime find the proxy to the outside.
    pub(super) proxy: Option<SocketAddr>,
    pub(super) workspace: PathBuf,
}

impl Arguments {
    pub(super) fn parse(mut words: impl Iterator<Item = String>) -> Result<Self, String> {
        let (mut socket, mut proxy, mut workspace) = (None, None, PathBuf::from("/workspace"));
        while let Some(flag) = words.next() {
            let value = words.next().ok_or_else(|| format!("{flag} needs a value\n{USAGE}"))?;
            match flag.as_str() {
                "--socket" => socket = Some(PathBuf::from(value)),
                "--proxy" => proxy = Some(address(&value)?),
                "--workspace" => workspace = PathBuf::from(value),
                _ => return Err(format!("{flag} is not known\n{USAGE}")),
            }
        }
        let socket = socket.ok_or_else(|| format!("--socket is missing\n{USAGE}"))?;
        Ok(Self { socket, proxy, workspace })
    }
}

fn address(value: &str) -> Result<SocketAddr, String> {
    let address: SocketAddr = value.parse().map_err(|_| format!("{value} is not an address"))?;
    if address.ip().is_loopback() {
        Ok(address)
    } else {
        Err(format!("the proxy listens on loopback only, not on {address}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Arguments, String> {
        Arguments::parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn the_command_line_is_read() {
        let arguments = parse("--socket /s --proxy 127.0.0.1:3128 --workspace /w").unwrap();
        assert_eq!(arguments.socket, PathBuf::from("/s"));
        assert_eq!(arguments.proxy, "127.0.0.1:3128".parse().ok());
        assert_eq!(arguments.workspace, PathBuf::from("/w"));
    }

    #[test]
    fn a_proxy_for_others_is_refused() {
        assert!(parse("--socket /s --proxy 0.0.0.0:3128").unwrap_err().contains("loopback"));
    }

    #[test]
    fn mistakes_are_named() {
        assert!(parse("").unwrap_err().contains("--socket is missing"));
        assert!(parse("--socket").unwrap_err().contains("needs a value"));
        assert!(parse("--sock /s").unwrap_err().contains("not known"));
    }
}
